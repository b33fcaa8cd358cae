"""What of scontrol is an administrator's, of daemons and of an accounting that are not here: refused, in Slurm's words and with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_options import Asked

_ONE_PROCESS = "the controller starts with the first command and ends by itself: flow controller stop"


@dataclass(frozen=True, slots=True)
class Refused:
    """`bare`: Slurm's words where an argument is missing (None: it needs none). `said`: Slurm's words else. `why`: ours."""

    said: str
    why: str
    bare: str | None = None


def _few(name: str) -> str:
    return f"too few arguments for keyword:{name}"


REFUSED: Mapping[str, Refused] = {
    "abort": Refused("slurm_shutdown error: Requested operation not supported on this system", _ONE_PROCESS),
    "cancel_reboot": Refused(
        "slurm_update error: Invalid node state specified", "no node is to reboot", "missing argument for keyword:cancel_reboot"
    ),
    "fsdampeningfactor": Refused(
        "slurm_set_fs_dampeningfactor error: Requested operation not supported on this system",
        "priorities know no fair share", _few("fsdampeningfactor"),
    ),
    "listpids": Refused(
        "scontrol: error: Requested operation not supported on this system", "ps --forest shows the processes of a job"
    ),
    "pidinfo": Refused(
        "Failed to locate job for requested pid", "SLURM_JOB_ID in /proc/PID/environ tells it",
        "missing argument for keyword:pidinfo",
    ),
    "reboot": Refused(
        "scontrol: error: RebootProgram isn't defined\nscontrol_reboot_nodes error: Unspecified error",
        "nobody's machine is rebooted by a scheduler that is not its administrator",
        "Missing node list. Specify ALL|<NodeList>",
    ),
    "takeover": Refused(
        "slurm_takeover error: Unable to contact slurm controller (connect failure)", "there is no backup controller"
    ),
    "token": Refused("Error fetching token", "nobody logs in here: the socket belongs to its user"),
}  # fmt: skip


async def refuse(asked: Asked) -> int:
    name = asked.words[0].lower()
    one = REFUSED[name]
    if name == "takeover" and len(asked.words) > 1:
        raise Stop(1, err=f"takeover: invalid backup controller index ({asked.words[1]})\n")
    if one.bare is not None and len(asked.words) < 2:
        raise Stop(1, err=f"{one.bare}\n")
    raise Stop(1, err=f"{one.said}\nscontrol: {name}: {one.why}\n")
