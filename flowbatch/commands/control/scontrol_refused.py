"""What of scontrol is an administrator's, of daemons and of an accounting that are not here: refused, in Slurm's words and with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_options import Asked

_ONE_PROCESS = "the controller starts with the first command and ends by itself: flow controller stop"


@dataclass(frozen=True, slots=True)
class Refused:
    """`least`: how much of the name is enough. `said`: Slurm's words, `why`: ours. `bare`: what is said where an argument is
    missing; empty where none is needed."""

    least: int
    said: str
    why: str
    bare: str = ""


REFUSED: Mapping[str, Refused] = {
    "abort": Refused(5, "slurm_shutdown error: Requested operation not supported on this system", _ONE_PROCESS),
    "cancel_reboot": Refused(
        3, "slurm_update error: Invalid node state specified", "no node is to reboot", "missing argument for keyword:{}"
    ),
    "fsdampeningfactor": Refused(
        3, "slurm_set_fs_dampeningfactor error: Requested operation not supported on this system",
        "priorities know no fair share", "too few arguments for keyword:{}",
    ),
    "pidinfo": Refused(
        3, "Failed to locate job for requested pid", "SLURM_JOB_ID in /proc/PID/environ tells it",
        "missing argument for keyword:{}",
    ),
    "reboot": Refused(
        3, "scontrol: error: RebootProgram isn't defined\nscontrol_reboot_nodes error: Unspecified error",
        "nobody's machine is rebooted by a scheduler that is not its administrator",
        "Missing node list. Specify ALL|<NodeList>",
    ),
    "takeover": Refused(
        8, "slurm_takeover error: Unable to contact slurm controller (connect failure)", "there is no backup controller"
    ),
    "token": Refused(3, "Error fetching token", "nobody logs in here: the socket belongs to its user"),
}  # fmt: skip


async def refuse(name: str, asked: Asked) -> int:
    """Raises Stop: Slurm's words, and why."""
    one = REFUSED[name]
    if name == "takeover" and len(asked.words) > 1:
        raise Stop(1, err=f"takeover: invalid backup controller index ({asked.words[1]})\n")
    raise Stop(1, err=f"{one.said}\nscontrol: {name}: {one.why}\n")
