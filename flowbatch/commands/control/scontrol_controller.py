"""What scontrol asks of the controller itself: to read its configuration again, and what slurmctld and its daemons do that is not here."""

from __future__ import annotations

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.core.events import Refused
from flowbatch.core.ruling.wishes import Reread
from flowbatch.errors import FlowError
from flowbatch.slurm import codes

_DENIED = "ESLURM_USER_ID_MISSING"

DEBUG_LEVELS = ("quiet", "fatal", "error", "info", "verbose", "debug", "debug2", "debug3", "debug4", "debug5")
DEBUG_FLAGS = frozenset({
    "accrue", "agent", "backfill", "backfillmap", "burstbuffer", "cgroup", "cpu_bind", "cpufrequency", "data", "dependency",
    "dbd_agent", "dbd_event", "dbd_job", "dbd_query", "dbd_resv", "dbd_step", "dbd_usage", "elasticsearch", "energy",
    "extsensors", "federation", "frontend", "gres", "hetjob", "gang", "interconnect", "jobaccountgather", "jobcomp",
    "jobcontainer", "license", "mpi", "network", "networkraw", "noderegistration", "nodefeatures", "nohostmaps", "nss_slurm",
    "openapi", "power", "powersave", "priority", "profile", "protocol", "reservation", "route", "script", "selecttype",
    "steps", "switch", "tracejobs", "triggers", "workqueue",
})  # fmt: skip


async def reconfigure(asked: Asked) -> int:
    """Reads the configuration again; jobs, states of nodes and reservations stay. What cannot be read changes nothing."""
    try:
        shape = await asked.queue.configuration()
    except FlowError as error:
        hint = f"\nscontrol: {error.hint}" if error.hint else ""
        raise Stop(1, err=f"slurm_reconfigure error: {error.message}{hint}\n") from None
    reply = await asked.queue.apply(Reread(asked.queue.now(), asked.call.owner.uid, shape))
    if isinstance(reply, Refused):
        raise Stop(1, err=f"slurm_reconfigure error: {codes.message(reply.code)}\n{asked.rented}")
    return 0


async def shutdown(asked: Asked) -> int:
    if len(asked.words) == 2 and not any(
        name.startswith(asked.words[1].lower()) for name in ("controller", "slurmctld")
    ):
        raise Stop(1, err=f"invalid shutdown argument:{asked.words[1]}\n")
    return _unheard(asked, "slurm_shutdown", "it ends by itself when it is idle, or by: flow controller stop")


async def setdebug(asked: Asked) -> int:
    word = asked.words[1]
    number = word.isdecimal() and int(word) < len(DEBUG_LEVELS)
    if not number and word.lower() not in DEBUG_LEVELS:
        raise Stop(1, err=f"invalid debug level: {word}\n")
    return _unheard(asked, "slurm_set_debug_level", "the log has one level")


async def setdebugflags(asked: Asked) -> int:
    word = asked.words[1]
    for flag in filter(None, word.lstrip("+-").split(",")):
        if flag.lower() not in DEBUG_FLAGS or word[0] not in "+-":
            complaint = f"scontrol: error: Invalid DebugFlag: {flag}\n" if word[0] in "+-" else ""
            raise Stop(1, err=f"{complaint}invalid debug flag: {word}\n")
    return _unheard(asked, "slurm_set_debug_flags", "the log has one level")


async def schedloglevel(asked: Asked) -> int:
    word = asked.words[1]
    if word.lower() not in ("disable", "enable", "0", "1"):
        raise Stop(1, err=f"invalid schedlog level: {word}\n")
    raise Stop(1, err="slurm_set_schedlog_level error: Requested operation is presently disabled\n")


def _unheard(asked: Asked, call: str, why: str) -> int:
    """Who may not is told so; who may is told that there is nothing to it here."""
    if not asked.queue.cluster.operated_by(asked.call.owner.uid):
        words = "Permission denied" if call.startswith("slurm_set") else codes.message(_DENIED)
        raise Stop(1, err=f"{call} error: {words}\n")
    said = codes.message("ESLURM_NOT_SUPPORTED")
    raise Stop(1, err=f"{call} error: {said}\nscontrol: {asked.words[0].lower()}: {why}\n")
