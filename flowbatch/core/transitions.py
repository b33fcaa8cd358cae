"""The table: what each fact makes of a job in each state. The only place where a record's `state` is replaced.

A pair without a line changes nothing. Facts that users ask for name Slurm's refusal where they have no line; facts of
the world (a node's word that comes twice, late or about an earlier placement) are passed over in silence.
"""

from __future__ import annotations

from dataclasses import replace

from flowbatch.core import moves
from flowbatch.core.deadlines import ends_by, until
from flowbatch.core.due import due_again
from flowbatch.core.effects import Deliver, Effect, Forget, Freeze, Launch, PlaceBid, Say, Stop, Thaw
from flowbatch.core.endings import downed, ending, may_requeue, rest_s
from flowbatch.core.events import BidGone, BidLost, BidRefused, Ended, Launched, LaunchFailed, NodeLost
from flowbatch.core.facts import (
    Announced,
    Asked,
    Cancelled,
    Continued,
    Doomed,
    Downed,
    Expired,
    Held,
    Limited,
    Missed,
    Paused,
    Placed,
    Released,
    Requeued,
    Signalled,
    Told,
    Waits,
)
from flowbatch.core.jobs import Job
from flowbatch.core.moves import NOTHING, Fact, Kind, Line, Moved, Refusal, kind_of
from flowbatch.core.states import (
    Completing,
    Ending,
    ExitStatus,
    Finished,
    Pause,
    Pending,
    Requeueing,
    Running,
    State,
    Suspended,
    ran_s,
    run_of,
)
from flowbatch.core.waiting import BEGIN_TIME, HELD_BY_ADMIN, NEVER_SATISFIED, REQUEUED_HELD, RESOURCES
from flowbatch.spec.cluster import ClusterSpec


def advance(cluster: ClusterSpec, job: Job, fact: Fact) -> Moved | Refusal:
    """The record after the fact, or why nothing changes."""
    if isinstance(fact, Launched | LaunchFailed | Ended | NodeLost) and fact.restart != job.restarts:
        return NOTHING
    line = TABLE.get((kind_of(job.state), type(fact)), NOTHING)
    if isinstance(line, Refusal):
        return line
    moved = line.move(cluster, job, job.state, fact)
    return NOTHING if moved.job is job and not moved.orders else moved


# Pending


def _waits(cluster: ClusterSpec, job: Job, state: Pending, fact: Waits) -> Moved:
    not_before = None if fact.rested else state.not_before
    return Moved(replace(job, state=replace(state, reason=fact.reason, not_before=not_before)))


def _asked(cluster: ClusterSpec, job: Job, state: Pending, fact: Asked) -> Moved:
    asked = replace(job, state=replace(state, reason=RESOURCES), bids=(*job.bids, fact.bid), last_evaluated_at=fact.at)
    return Moved(asked, (PlaceBid(job.id, fact.bid.number),))


def _refused(cluster: ClusterSpec, job: Job, state: Pending, fact: BidRefused) -> Moved:
    return Moved(replace(job, state=Pending(job.held or BEGIN_TIME, fact.at + rest_s(job))))


def _placed(cluster: ClusterSpec, job: Job, state: Pending, fact: Placed) -> Moved:
    running = Running(fact.at, fact.allocation, fact.ends_by, launched=job.follows, cut=job.follows)
    eligible = fact.at if job.eligible_at is None else job.eligible_at
    started = replace(job, state=running, eligible_at=eligible, scheduled_by=fact.by, last_evaluated_at=fact.at)
    return Moved(started, (Launch(job.id, job.restarts),))


def _cancelled_pending(cluster: ClusterSpec, job: Job, state: Pending, fact: Cancelled) -> Moved:
    return _over(job, fact.at, Ending("CANCELLED", reason=state.reason, by_uid=fact.by))


def _doomed(cluster: ClusterSpec, job: Job, state: Pending, fact: Doomed) -> Moved:
    return _over(job, fact.at, Ending("CANCELLED", reason=NEVER_SATISFIED))


def _missed(cluster: ClusterSpec, job: Job, state: Pending, fact: Missed) -> Moved:
    return _over(job, fact.at, Ending("DEADLINE", ExitStatus(0, 1), "DeadLine"))


def _held_pending(cluster: ClusterSpec, job: Job, state: Pending, fact: Held) -> Moved:
    held = _held(job, fact)
    return Moved(replace(held, state=replace(state, reason=held.held or state.reason)))


def _released_pending(cluster: ClusterSpec, job: Job, state: Pending, fact: Released) -> Moved:
    return Moved(replace(job, state=replace(state, reason="None"), held=None, priority=fact.priority))


# Running


def _launched(cluster: ClusterSpec, job: Job, state: Running, fact: Launched) -> Moved:
    if state.launched:
        return Moved(job)
    launched = replace(state, launched=True)
    if cluster.market is not None:  # the machine booted first, and the files were brought: the run begins now
        partition = state.allocation.partition
        launched = replace(launched, started_at=fact.at, ends_by=ends_by(cluster, job, partition, fact.at))
    return Moved(replace(job, state=launched))


def _launch_failed(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: LaunchFailed) -> Moved:
    return _gone(job, state, fact.at, Ending("FAILED", fact.exit, fact.why))


def _ended(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: Ended) -> Moved:
    if fact.cause == "preempted":
        return _interrupted(cluster, job, state, fact.at, Ending("PREEMPTED", fact.exit))
    return _gone(job, state, fact.at, ending(fact))


def _node_lost(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: NodeLost) -> Moved:
    return _interrupted(cluster, job, state, fact.at, Ending("NODE_FAIL", reason="NodeDown"))


def _machine_lost(cluster: ClusterSpec, job: Job, state: Running, fact: BidLost) -> Moved:
    return _interrupted(cluster, job, state, fact.at, Ending("PREEMPTED"))


def _bid_gone(cluster: ClusterSpec, job: Job, state: Running, fact: BidGone) -> Moved:
    ending = Ending("NODE_FAIL" if state.launched else "BOOT_FAIL", reason="NodeDown")
    return _interrupted(cluster, job, state, fact.at, ending)


def _cancelled_running(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: Cancelled) -> Moved:
    then = Ending("CANCELLED", by_uid=fact.by)
    return _stopping(job, state, fact.at, then, Stop(job.id, job.restarts, "cancelled"))


def _requeued_running(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: Requeued) -> Moved:
    then = Requeueing(held=fact.hold)
    return _stopping(_held_again(job, fact), state, fact.at, then, Stop(job.id, job.restarts, "requeue"))


def _signalled(cluster: ClusterSpec, job: Job, state: Running, fact: Signalled) -> Moved:
    return Moved(job, (Deliver(job.id, job.restarts, fact.signal, fact.scope),))


def _held_holding(cluster: ClusterSpec, job: Job, state: State, fact: Held) -> Moved:
    return Moved(_held(job, fact))


def _released_running(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: Released) -> Moved:
    return Moved(replace(job, held=None, priority=fact.priority))


def _paused(cluster: ClusterSpec, job: Job, state: Running, fact: Paused) -> Moved:
    pause = Pause(fact.at, ran_s(state.started_at, state.pause, fact.at))
    return Moved(replace(job, state=Suspended(state, pause)), (Freeze(job.id, job.restarts),))


def _as_before(cluster: ClusterSpec, job: Job, state: Suspended, fact: Paused) -> Moved:
    """Whoever asks twice has what he asked for."""
    return Moved(job, (Freeze(job.id, job.restarts),))


def _told(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: Told) -> Moved:
    return Moved(job, (Say(job.id, job.restarts, fact.text),))


def _limited(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: Limited) -> Moved:
    run, orders = until(cluster, job, run_of(state), fact.ends_by)
    return Moved(replace(job, state=replace(state, was=run) if isinstance(state, Suspended) else run), orders)


def _expired(cluster: ClusterSpec, job: Job, state: Running, fact: Expired) -> Moved:
    then = Ending("TIMEOUT", reason=fact.reason)
    return _stopping(job, state, fact.at, then, Stop(job.id, job.restarts, "timeout"))


def _downed(cluster: ClusterSpec, job: Job, state: Running | Suspended, fact: Downed) -> Moved:
    return _stopping(job, state, fact.at, downed(cluster, job), Stop(job.id, job.restarts, "node"))


def _announced(cluster: ClusterSpec, job: Job, state: Running, fact: Announced) -> Moved:
    return Moved(replace(job, state=replace(state, mailed_percent=fact.percent)))


# Suspended


def _launched_suspended(cluster: ClusterSpec, job: Job, state: Suspended, fact: Launched) -> Moved:
    return Moved(job if state.launched else replace(job, state=replace(state, was=replace(state.was, launched=True))))


def _continued(cluster: ClusterSpec, job: Job, state: Suspended, fact: Continued) -> Moved:
    was, slept_s = state.was, max(0, fact.at - state.pause.at)
    ends = None if was.ends_by is None else was.ends_by + slept_s
    running = replace(was, ends_by=ends, pause=Pause(fact.at, state.pause.ran_s))
    number = job.priority if job.held else fact.priority
    return Moved(replace(job, state=running, priority=number), (Thaw(job.id, job.restarts),))


# Completing

Gone = Ended | LaunchFailed | NodeLost | BidLost | BidGone
"""What says that none of its processes lives."""


def _gone_while_ending(cluster: ClusterSpec, job: Job, state: Completing, fact: Gone) -> Moved:
    """The end that was decided, with the exit status as it came."""
    assert isinstance(state.then, Ending)
    ending = replace(state.then, exit=fact.exit) if isinstance(fact, Ended) else state.then
    return _gone(job, state, state.since, ending)


def _gone_while_requeueing(cluster: ClusterSpec, job: Job, state: Completing, fact: Gone) -> Moved:
    return _again(cluster, job, fact.at, (Forget(job.id, job.restarts),))


def _cancelled_requeueing(cluster: ClusterSpec, job: Job, state: Completing, fact: Cancelled) -> Moved:
    return Moved(replace(job, state=replace(state, then=Ending("CANCELLED", by_uid=fact.by))))


def _released_requeueing(cluster: ClusterSpec, job: Job, state: Completing, fact: Released) -> Moved:
    return Moved(replace(job, state=replace(state, then=Requeueing()), held=None, priority=fact.priority))


def _requeued_completing(cluster: ClusterSpec, job: Job, state: Completing, fact: Requeued) -> Moved:
    held = fact.hold or (isinstance(state.then, Requeueing) and state.then.held)
    return Moved(replace(_held_again(job, fact), state=replace(state, then=Requeueing(held=held))))


# Finished


def _requeued_finished(cluster: ClusterSpec, job: Job, state: Finished, fact: Requeued) -> Moved:
    return _again(cluster, _held_again(job, fact), fact.at, ())


# What several of them do


def _over(job: Job, at: int, ending: Ending) -> Moved:
    """The end of a job that holds nothing."""
    return Moved(replace(job, state=Finished(at, ending)))


def _gone(job: Job, state: Running | Suspended | Completing, at: int, ending: Ending) -> Moved:
    """The end of a job whose processes are gone; what was suspended has ended when it stopped. A crontab's is due again."""
    if job.spec.cron is not None and (due := due_again(job.spec.cron, state.started_at, at, ending)) is not None:
        return _until(job, at, due, (Forget(job.id, job.restarts),))
    ended_at = max(state.started_at, state.pause.at if isinstance(state, Suspended) else at)
    finished = Finished(ended_at, ending, state.started_at, state.allocation, state.pause)
    return Moved(replace(job, state=finished), (Forget(job.id, job.restarts),))


def _stopping(job: Job, state: Running | Suspended, at: int, then: Ending | Requeueing, order: Stop) -> Moved:
    idle = isinstance(state, Suspended)
    since = state.pause.at if isinstance(state, Suspended) else at
    completing = Completing(state.started_at, state.allocation, since, then, state.pause, idle)
    return Moved(replace(job, state=completing), (order,))


def _interrupted(cluster: ClusterSpec, job: Job, state: Running | Suspended, at: int, ending: Ending) -> Moved:
    """It was ended by what is no fault of its own: back in the queue; `ending` if it must not run twice."""
    if not may_requeue(cluster, job):
        return _gone(job, state, at, ending)
    return _again(cluster, job, at, (Forget(job.id, job.restarts),))


def _again(cluster: ClusterSpec, job: Job, at: int, orders: tuple[Effect, ...]) -> Moved:
    """Back in the queue under the same id, as if submitted now, after a rest."""
    return _until(job, at, at + cluster.requeue_delay_s, orders)


def _until(job: Job, at: int, after: int, orders: tuple[Effect, ...]) -> Moved:
    again = replace(
        job, state=Pending(job.held or BEGIN_TIME, after), restarts=job.restarts + 1, submitted_at=at, eligible_at=after,
        scheduled_by=None, last_evaluated_at=None,
    )  # fmt: skip
    return Moved(again, orders)


def _held(job: Job, fact: Held) -> Job:
    """A user's hold does not weaken an administrator's."""
    why = HELD_BY_ADMIN if job.held == HELD_BY_ADMIN else fact.why
    future = job.eligible_at if (job.eligible_at or 0) > fact.at else None
    return replace(job, held=why, priority=0, eligible_at=future)


def _held_again(job: Job, fact: Requeued) -> Job:
    return replace(job, held=REQUEUED_HELD, priority=0) if fact.hold else job


EITHER: tuple[Kind, ...] = ("pending", "finished")
DECIDED = "the end that was decided; a crontab's job is due again"

TABLE: dict[tuple[Kind, type], Line | Refusal] = {
    ("pending", Waits): Line(("pending",), "its reason is the new one", _waits),
    ("pending", Placed): Line(("running",), "it holds the allocation; the node is told to launch it", _placed),
    ("pending", Cancelled): Line(("finished",), "CANCELLED; it never ran", _cancelled_pending),
    ("pending", Signalled): moves.CHANGING,
    ("pending", Held): Line(("pending",), "priority 0; the reason says who holds it", _held_pending),
    ("pending", Released): Line(("pending",), "a fresh priority", _released_pending),
    ("pending", Requeued): moves.PENDING,
    ("pending", Paused): moves.PENDING,
    ("pending", Continued): moves.PENDING,
    ("pending", Told): moves.DISABLED,
    ("pending", Doomed): Line(("finished",), "CANCELLED, reason DependencyNeverSatisfied", _doomed),
    ("pending", Missed): Line(("finished",), "DEADLINE", _missed),
    ("pending", Asked): Line(("pending",), "a bid is made for it; reason Resources", _asked),
    ("pending", BidRefused): Line(("pending",), "the next bid after a rest, longer each time", _refused),
    ("running", Launched): Line(("running",), "its process is known to exist", _launched),
    ("running", LaunchFailed): Line(EITHER, "FAILED with the node's reason", _launch_failed),
    ("running", Ended): Line(
        EITHER,
        "COMPLETED, FAILED, TIMEOUT or OUT_OF_MEMORY, by how it ended; as BidLost if its machine was about to leave",
        _ended,
    ),
    ("running", NodeLost): Line(EITHER, "back in the queue; NODE_FAIL if it must not run twice", _node_lost),
    ("running", BidLost): Line(EITHER, "back in the queue; PREEMPTED if it must not run twice", _machine_lost),
    ("running", BidGone): Line(EITHER, "as NodeLost; BOOT_FAIL if it had not begun and must not run twice", _bid_gone),
    ("running", Limited): Line(("running",), "it ends at another time", _limited),
    ("running", Expired): Line(("ending",), "the node is told to stop it; TIMEOUT", _expired),
    ("running", Downed): Line(("requeueing", "ending"), "stopped: back in the queue, or NODE_FAIL", _downed),
    ("running", Cancelled): Line(("ending",), "the node is told to stop it", _cancelled_running),
    ("running", Signalled): Line(("running",), "the node is told to deliver the signal", _signalled),
    ("running", Held): Line(("running",), "priority 0: it will be held if it is requeued", _held_holding),
    ("running", Released): Line(("running",), "a fresh priority", _released_running),
    ("running", Requeued): Line(("requeueing",), "the node is told to stop it", _requeued_running),
    ("running", Announced): Line(("running",), "the owner gets a mail", _announced),
    ("running", Paused): Line(("suspended",), "the node is told to stop its processes; its CPUs are free", _paused),
    ("running", Continued): moves.AWAKE,
    ("running", Told): Line(("running",), "the node is told to write it into the job's output", _told),
    ("suspended", Launched): Line(("suspended",), "its process is known to exist", _launched_suspended),
    ("suspended", LaunchFailed): Line(EITHER, "FAILED with the node's reason", _launch_failed),
    ("suspended", Ended): Line(EITHER, "as of one that runs; it ended when it was suspended", _ended),
    ("suspended", NodeLost): Line(EITHER, "back in the queue; NODE_FAIL if it must not run twice", _node_lost),
    ("suspended", Limited): Line(("suspended",), "it ends at another time, once it is resumed", _limited),
    ("suspended", Downed): Line(("requeueing", "ending"), "stopped: back in the queue, or NODE_FAIL", _downed),
    ("suspended", Cancelled): Line(("ending",), "the node is told to stop it", _cancelled_running),
    ("suspended", Signalled): moves.CHANGING,
    ("suspended", Held): Line(("suspended",), "priority 0: it will be held if it is requeued", _held_holding),
    ("suspended", Released): Line(("suspended",), "a fresh priority", _released_running),
    ("suspended", Requeued): Line(("requeueing",), "the node is told to stop it", _requeued_running),
    ("suspended", Paused): Line(("suspended",), "as before", _as_before),
    ("suspended", Continued): Line(("running",), "the node is told to let it go on; its limit is later", _continued),
    ("suspended", Told): Line(("suspended",), "the node is told to write it into the job's output", _told),
    ("requeueing", Ended): Line(("pending",), "back in the queue, after a rest", _gone_while_requeueing),
    ("requeueing", LaunchFailed): Line(("pending",), "back in the queue, after a rest", _gone_while_requeueing),
    ("requeueing", NodeLost): Line(("pending",), "back in the queue, after a rest", _gone_while_requeueing),
    ("requeueing", BidLost): Line(("pending",), "back in the queue, after a rest", _gone_while_requeueing),
    ("requeueing", BidGone): Line(("pending",), "back in the queue, after a rest", _gone_while_requeueing),
    ("requeueing", Cancelled): Line(("ending",), "it will be CANCELLED instead", _cancelled_requeueing),
    ("requeueing", Signalled): moves.CHANGING,
    ("requeueing", Held): Line(("requeueing",), "it will be held in the queue", _held_holding),
    ("requeueing", Released): Line(("requeueing",), "a fresh priority", _released_requeueing),
    ("requeueing", Requeued): Line(("requeueing",), "as before; held if that was asked now", _requeued_completing),
    ("requeueing", Paused): moves.DONE,
    ("requeueing", Continued): moves.DONE,
    ("requeueing", Told): moves.DISABLED,
    ("ending", Ended): Line(EITHER, f"{DECIDED}, with the exit status as it came", _gone_while_ending),
    ("ending", LaunchFailed): Line(EITHER, DECIDED, _gone_while_ending),
    ("ending", NodeLost): Line(EITHER, DECIDED, _gone_while_ending),
    ("ending", BidLost): Line(EITHER, DECIDED, _gone_while_ending),
    ("ending", BidGone): Line(EITHER, DECIDED, _gone_while_ending),
    ("ending", Cancelled): moves.DONE,
    ("ending", Signalled): moves.CHANGING,
    ("ending", Held): moves.FINISHED,
    ("ending", Released): moves.FINISHED,
    ("ending", Requeued): Line(("requeueing",), "it will go back to the queue instead", _requeued_completing),
    ("ending", Paused): moves.DONE,
    ("ending", Continued): moves.DONE,
    ("ending", Told): moves.DISABLED,
    ("finished", Paused): moves.DONE,
    ("finished", Continued): moves.DONE,
    ("finished", Told): moves.DISABLED,
    ("finished", Cancelled): moves.DONE,
    ("finished", Signalled): moves.DONE,
    ("finished", Held): moves.FINISHED,
    ("finished", Released): moves.FINISHED,
    ("finished", Requeued): Line(("pending",), "back in the queue, after a rest", _requeued_finished),
}
