"""A job as Slurm's own records would tell it: facts, from the record, the specification and the cluster.

Facts are numbers, instants and names; how each is printed is another matter (`job_fields`, `job_json`, `show_job`).
Everything is worked out when it is asked for: a listing of 20 000 jobs asks for little.
"""

from __future__ import annotations

from flowbatch.commands.listing.form import Form
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Waiting
from flowbatch.core.placing.sizing import Demand
from flowbatch.core.ruling.reservations import is_deletion
from flowbatch.core.states import (
    Allocation,
    Completing,
    Ending,
    ExitStatus,
    Finished,
    Pause,
    Pending,
    Running,
    Suspended,
    lasted_s,
)
from flowbatch.core.waiting import HELD_BY_ADMIN, HELD_BY_USER, begins_at
from flowbatch.directives.values import time
from flowbatch.spec.job import UNLIMITED
from flowbatch.spec.resources import Resources
from flowbatch.units import DAY, MINUTE

NO_VALUE = 4294967294
"""Slurm's NO_VAL, which a few fields let through."""
YEAR_MIN = 365 * DAY // MINUTE
"""The time limit that slurmctld gives an unlimited job when its backfill scheduler starts it."""
_MAX_SWITCH_WAIT_S = 300
MAX_PRIORITY = 4294967295


_HELD = frozenset({None, HELD_BY_USER, HELD_BY_ADMIN})
"""What says of a held job no more than who holds it."""
_NO_EXIT = ExitStatus()
_WORDS = {"running": "RUNNING", "suspended": "SUSPENDED"}


class JobView:
    """One record of the queue. `partition` stands for all of the job's where squeue -P lists it once for each, `reason`
    for its own where a line stands for several records."""

    __slots__ = ("_form", "_partition", "_reason", "allocation", "job", "pending", "scene", "spec", "wish")

    def __init__(self, job: Job, scene: Scene, *, partition: str | None = None, reason: str | None = None) -> None:
        self.job = job
        self.spec = job.spec
        self.wish: Resources = job.spec.resources
        self.scene = scene
        self.pending = isinstance(job.state, Pending)
        self.allocation: Allocation | None = None if isinstance(job.state, Pending) else job.state.allocation
        """What it holds, or held last."""
        self._partition = partition
        self._reason = reason
        self._form: Form | None = None

    @property
    def form(self) -> Form:
        if self._form is None:
            self._form = self.scene.form(self.job)
        return self._form

    @property
    def need(self) -> Demand:
        return self.form.need

    # Who and what

    @property
    def partition(self) -> str:
        if self._partition is not None:
            return self._partition
        if self.pending:
            return ",".join(self.job.partitions)
        return self.job.partitions[0] if self.allocation is None else self.allocation.partition

    @property
    def qos(self) -> str | None:
        """Without accounting a cluster knows no qos; the obliging one records what was asked."""
        return self.spec.qos if self.scene.cluster.obliging else None

    @property
    def command(self) -> str | None:
        """Script and arguments as typed; None where there was no file."""
        return " ".join((self.spec.command, *self.spec.arguments)) if self.spec.command is not None else None

    @property
    def recorded(self) -> dict[str, str]:
        return dict(self.spec.recorded)

    @property
    def switches(self) -> tuple[int, int]:
        """`--switches`: how many, and how many seconds to wait for them: no more than Slurm's max_switch_wait."""
        if not self.spec.switches:
            return 0, 0
        count, _, wait = self.spec.switches.partition("@")
        return int(count), min(time.parse(wait) * MINUTE if wait else _MAX_SWITCH_WAIT_S, _MAX_SWITCH_WAIT_S)

    @property
    def time_min_s(self) -> int:
        """The least time limit, 0 for none."""
        return (self.spec.time_min_min or 0) * MINUTE

    @property
    def delay_boot_s(self) -> int:
        said = self.recorded.get("delay-boot")
        return time.parse(said) * MINUTE if said else 0

    # Arrays

    @property
    def array_id(self) -> int | None:
        return self.job.array_id

    @property
    def task(self) -> int | None:
        """The index of a task that has its own record."""
        return self.job.array.index if isinstance(self.job.array, ArrayTask) else None

    @property
    def rest(self) -> ArrayRest | None:
        return self.job.array if isinstance(self.job.array, ArrayRest) else None

    @property
    def throttle(self) -> int:
        """The array's `%`, 0 for none."""
        return (self.job.array.throttle or 0) if self.job.array is not None else 0

    # State

    @property
    def running(self) -> bool:
        return isinstance(self.job.state, Running)

    @property
    def finished(self) -> bool:
        return isinstance(self.job.state, Finished)

    @property
    def state(self) -> str:
        """Slurm's word, flags first: a job that is completing is that, and one whose machine of the market still boots."""
        if self.pending:
            return "RESV_DEL_HOLD" if self.job.held not in _HELD and is_deletion(self.job.held) else "PENDING"
        match self.job.state:
            case Completing():
                return "COMPLETING"
            case Running(launched=False) if self.scene.cluster.market is not None:
                return "CONFIGURING"
            case _:
                return self.base_state

    @property
    def base_state(self) -> str:
        """The state without flags: what a completing job is going to be."""
        ending = self.ending
        return ending.outcome if ending else _WORDS.get(self.job.state.kind, "PENDING")

    @property
    def ending(self) -> Ending | None:
        state = self.job.state
        then = state.then if isinstance(state, Completing) else state.ending if isinstance(state, Finished) else None
        return then if isinstance(then, Ending) else None

    @property
    def reason(self) -> str:
        if self._reason is not None:
            return self._reason
        if isinstance(self.job.state, Pending):
            return self.job.state.reason
        ending = self.ending
        return ending.reason if ending else "None"

    @property
    def exit(self) -> ExitStatus:
        ending = self.ending
        return ending.exit if ending else _NO_EXIT

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What its dependency still wants; of a job that ended before it ran, what it wanted to the last."""
        return self.job.waiting

    # Times

    @property
    def started_at(self) -> int | None:
        """When it really started; None if it never did, or waits to start again."""
        return None if isinstance(self.job.state, Pending) else self.job.state.started_at

    @property
    def begins_at(self) -> int | None:
        """Before when a pending job must not start, while that is still to come."""
        begin = begins_at(self.job) if self.pending else 0
        return begin if begin > self.scene.at else None

    @property
    def start_time(self) -> int | None:
        """The start: actual, planned, or the earliest; a job cancelled while pending starts when it ends."""
        match self.job.state:
            case Pending():
                planned = self.scene.planned.get(self.job.id)
                return self.begins_at or (planned[0] if planned else None)
            case Finished(started_at=None, ended_at=ended):
                return ended
            case state:
                return state.started_at

    @property
    def end_time(self) -> int | None:
        """The end: actual, or what the time limit makes of the start; None while nobody can say."""
        match self.job.state:
            case Finished(ended_at=ended):
                return ended
            case Completing(since=since):
                return since
            case Running(ends_by=int(ends)) | Suspended(was=Running(ends_by=int(ends))):
                return ends
            case _:
                start, limit = self.start_time, self.time_limit_min
                return start + limit * MINUTE if start and limit is not None else None

    @property
    def time_used_s(self) -> int:
        return 0 if self.pending else lasted_s(self.job.state, self.scene.at)

    @property
    def pause(self) -> Pause | None:
        """Its last suspension or resumption."""
        return None if isinstance(self.job.state, Pending) else self.job.state.pause

    @property
    def priority(self) -> int:
        """Slurm's number; of a suspended job 0, so that nothing resumes it by itself."""
        return 0 if isinstance(self.job.state, Suspended) else self.job.priority

    @property
    def time_limit_min(self) -> int | None:
        """The limit that holds: what was asked, else the partition's; None is unlimited, which a started job cannot be."""
        limit = self.spec.time_limit_min
        if limit is None and self.job.partitions:
            limit = self.scene.limit_min(self.job.partitions[0])
        if limit is None or limit == UNLIMITED:
            return YEAR_MIN if self.started_at is not None and self.job.scheduled_by == "Backfill" else None
        return limit

    @property
    def time_left_s(self) -> int | None:
        """Seconds until the limit, below 0 past it; None without one."""
        limit = self.time_limit_min
        return None if limit is None else limit * MINUTE - self.time_used_s

    @property
    def accrues_at(self) -> int | None:
        """Since when its age counts: when it was eligible first."""
        never = self.job.eligible_at is None and self.reason != "JobArrayTaskLimit"
        if never or (not self.spec.is_batch and self.start_time == self.job.submitted_at):
            return None
        return max(self.job.submitted_at, self.spec.begin or 0, self.begins_at or 0)

    @property
    def pending_s(self) -> int:
        """How long it waited, or waits."""
        return ((None if self.pending else self.start_time) or self.scene.at) - self.job.submitted_at

    # Machines

    @property
    def nodes(self) -> str:
        held = self.allocation
        return self.scene.nodes_text(held.nodes) if held else ""

    @property
    def planned_nodes(self) -> str | None:
        planned = self.scene.planned.get(self.job.id) if self.pending else None
        return self.scene.nodes_text(planned[1]) if planned and planned[1] else None

    @property
    def batch_host(self) -> str | None:
        held = self.allocation
        return held.nodes[0] if held and held.shares else None

    @property
    def node_count(self) -> int:
        """Nodes held, or slurmctld's guess of how many it will take."""
        held = self.allocation
        return len(held.shares) if held else self.form.node_count

    @property
    def max_nodes(self) -> int:
        """The greatest number of nodes that was asked for; 0 when nobody said, and once it has its nodes."""
        return 0 if self.allocation else self.form.max_nodes

    @property
    def cpus_per_task(self) -> int:
        return self.need.cpus_per_task

    @property
    def cpu_count(self) -> int:
        """CPUs held, or asked for."""
        held = self.allocation
        return held.cpus if held else self.form.cpu_count

    @property
    def task_count(self) -> int | None:
        """Tasks; None for a job that never ran and did not say."""
        if self.wish.ntasks is None and self.finished and self.started_at is None:
            return None
        held = self.allocation
        return self.need.tasks or max(self.need.min_nodes, len(held.shares) if held else 0)

    @property
    def cpus_per_node(self) -> int:
        """The fewest CPUs that a node must have for it."""
        return self.need.cpus_per_node

    @property
    def memory_mib(self) -> int:
        """Memory as asked for, per node or per CPU; 0 for all of a node, and where it goes by GPUs."""
        return self.form.memory_mib

    @property
    def requested_memory_mib(self) -> int:
        """Memory in all, as asked for."""
        return self.form.memory_in_all_mib(self.cpu_count)

    @property
    def gpu_count(self) -> int:
        """GPUs asked for."""
        return self.form.gpu_count
