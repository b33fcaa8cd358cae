"""strigger: programs that slurmctld starts at an event. None is ever set here: --set is refused, and there is nothing to get or clear."""

from __future__ import annotations

from flowbatch.commands import plain_options
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.core.ports import QueuePort

_NONE = "no trigger is ever set"


def _event(long: str, short: str | None, help: str) -> CommandOption:
    return CommandOption(long, short, "none", help, verdict="refused", reason=_NONE)


EVENTS = (
    _event("burst_buffer", None, "at a burst buffer's error"),
    _event("front_end", None, "about front end nodes"),
    _event("primary_slurmctld_failure", "a", "the controller fails"),
    _event("primary_slurmctld_resumed_operation", "A", "the controller is back"),
    _event("primary_slurmctld_resumed_control", "b", "the controller has control again"),
    _event("backup_slurmctld_failure", "B", "the second controller fails"),
    _event("backup_slurmctld_resumed_operation", "c", "the second controller is back"),
    _event("backup_slurmctld_assumed_control", "C", "the second controller takes over"),
    _event("down", "d", "a node goes down"),
    _event("drained", "D", "a node is drained"),
    _event("primary_slurmctld_acct_buffer_full", "e", "accounting is behind"),
    _event("fail", "F", "a node is to fail"),
    _event("fini", "f", "a job ends"),
    _event("primary_slurmdbd_failure", "g", "the database's daemon fails"),
    _event("primary_slurmdbd_resumed_operation", "G", "the database's daemon is back"),
    _event("primary_database_failure", "h", "the database fails"),
    _event("primary_database_resumed_operation", "H", "the database is back"),
    _event("idle", "I", "a node is idle for long"),
    _event("reconfig", "r", "the configuration is read again"),
    _event("time", "t", "a job's time limit comes"),
    _event("up", "u", "a node is back"),
)
OPTIONS = (
    CommandOption("set", help="create a trigger", verdict="refused", reason=_NONE),
    CommandOption("get", help="list triggers, of which there are none"),
    CommandOption("clear", help="delete triggers, of which there are none"),
    *EVENTS,
    CommandOption("flags", None, "required", "permanent or once", verdict="refused", reason=_NONE),
    CommandOption("id", "i", "required", "the trigger of this number"),
    CommandOption("jobid", "j", "required", "triggers of this job"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of this cluster"),
    CommandOption("node", "n", "optional", "triggers of nodes"),
    CommandOption("noheader", "N", help="no header line"),
    CommandOption("offset", "o", "required", "seconds from the event", verdict="refused", reason=_NONE),
    CommandOption("program", "p", "required", "what to start", verdict="refused", reason=_NONE),
    CommandOption("quiet", "Q", help="do not say what was not there"),
    CommandOption("user", None, "required", "triggers of this user"),
    CommandOption("verbose", "v", help="say what was asked", verdict="recorded", reason=_NONE),
    *plain_options.ASKED,
)
ONE_OF = "strigger: error: You must use exactly one of the following options: --set, --get or --clear\n"
WHICH = "strigger: error: You must specify a --id, --jobid, or --user to clear\n"
REFUSED = (
    "slurm_set_trigger: Requested operation is presently disabled\n"
    "strigger: hint: the controller starts no programs at events; `sbatch --dependency` and `--mail-type` answer to a job's end\n"
)


async def main(call: Call, queue: QueuePort) -> int:
    """Refuses to set a trigger; finds none to list or clear."""
    try:
        said = plain_options.read("strigger", "", OPTIONS, call.argv)
        if len(said.flags & {"set", "get", "clear"}) != 1:
            raise Stop(1, err=ONE_OF)
        await plain_options.queues(call, queue, said, "strigger")
        if "get" in said.flags:
            return 0
        if "set" in said.flags:
            raise Stop(1, err=REFUSED)
        if not {"id", "jobid", "user"} & set(said.words):
            raise Stop(1, err=WHICH)
        if "quiet" in said.flags:
            return 0
        raise Stop(1, err="slurm_clear_trigger: No such process\n")
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code
