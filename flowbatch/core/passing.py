"""Time passes: timers fall due, old records leave, and what can start is started."""

from __future__ import annotations

from dataclasses import replace

from flowbatch.core import timers
from flowbatch.core.accounting.gate import gate
from flowbatch.core.deadlines import ends_by, latest_start
from flowbatch.core.facts import Announced, Expired, Held, Missed, Placed, Waits
from flowbatch.core.jobs import ArrayRest, Job
from flowbatch.core.limits import named_at
from flowbatch.core.market.buying import buy
from flowbatch.core.market.upkeep import lapses_at
from flowbatch.core.placing.scheduling import By, Plan, plan
from flowbatch.core.ruling.reservations import deleted, names
from flowbatch.core.ruling.reserving import pass_reservations
from flowbatch.core.states import Allocation, Finished, Pending, Running
from flowbatch.core.turn import Turn
from flowbatch.core.waiting import BAD_CONSTRAINTS, BEGIN_TIME, is_ready


def pass_time(turn: Turn) -> None:
    """Everything that is due by now; a scheduling pass only when it may find something new."""
    if turn.queue.boundary is not None and turn.queue.boundary <= turn.at:
        pass_reservations(turn)
        turn.settle()
    _fall_due(turn)
    look = _schedule if turn.queue.cluster.market is None else buy
    while turn.queue.pass_due is not None:  # what was due at an instant to come was due before the clock went back
        look(turn)
        turn.settle()


def _fall_due(turn: Turn) -> None:
    """Works off the timers; one may set another that is due as well, but no record is handled twice as it is."""
    handled: dict[int, Job] = {}
    jobs, running = turn.queue.jobs, turn.queue.indexes.timers
    while due := [id for id in running.upto(turn.at) if handled.get(id) is not jobs[id]]:
        for id in due:
            if running.numbers.get(id, turn.at + 1) <= turn.at:  # it may have gone with another of its job
                handled[id] = jobs[id]
                _due(turn, jobs[id])
        turn.settle()


def _due(turn: Turn, job: Job) -> None:
    state, market = job.state, turn.queue.cluster.market
    lapse = None if market is None else lapses_at(market, job)
    if lapse is not None and lapse <= turn.at:
        turn.withdraw(job)
    elif isinstance(state, Finished):
        turn.drop(job)
    elif isinstance(state, Running) and state.cut and state.ends_by is not None and state.ends_by <= turn.at:
        turn.advance(job, Expired(turn.at, "TimeLimit"))
    elif isinstance(state, Running):
        reached = [percent for at, percent in timers.announcements(job, state) if at <= turn.at]
        if reached:
            turn.advance(job, Announced(turn.at, max(reached)))
    elif isinstance(state, Pending):
        _due_pending(turn, job, state)


def _due_pending(turn: Turn, job: Job, state: Pending) -> None:
    if timers.must_split(job) and isinstance(job.array, ArrayRest):
        for task in turn.split(job, list(job.array.pending)):
            turn.rejudge(task)
        return
    if any(waiting.due is not None and waiting.due <= turn.at for waiting in job.waiting):
        turn.rejudge(job)
        return
    if state.reason == BEGIN_TIME:
        turn.reconsider(job)
        return
    if timers.must_name_limit(turn.queue.cluster, job) and named_at(turn.queue.cluster, job) <= turn.at:
        turn.put(replace(job, last_evaluated_at=turn.at))
        turn.queue.pass_by(turn.at)
    last = latest_start(turn.queue.cluster, job)
    if is_ready(job) and last is not None and last < turn.at:
        turn.advance(job, Missed(turn.at))


def _schedule(turn: Turn) -> None:
    """One scheduling pass, carried out; another one is due at once if this one started something and did not see all."""
    queue = turn.queue
    candidates = queue.candidates()
    reserved = queue.rulings.reservations
    found = plan(queue.cluster, queue.occupancy, candidates, queue.running(), turn.at, reserved, gate(queue, turn.at))
    unseen = next(candidates, None) is not None
    queue.planned, queue.blocked = found.planned, found.blocked
    places = _by_record(found)
    for id, own in places.items():
        # Who was alone with its reason was not counted among its siblings: a throttle's room is what is left when it starts.
        if now := own[: queue.room(queue.jobs[id])]:
            _start(turn, queue.jobs[id], now)
    for id, reason in found.reasons.items():
        _wait(turn, queue.jobs[id], reason)
    queue.pass_due = turn.at if places and unseen else None


def _wait(turn: Turn, job: Job, reason: str) -> None:
    """The pass looked at the job and found this; one that can never run on this cluster is held, as slurmctld does it."""
    if not isinstance(job.state, Pending) or job.state.reason == reason:
        return
    seen = replace(job, last_evaluated_at=turn.at)
    never = reason == BAD_CONSTRAINTS or (job.spec.reservation and reason in map(deleted, names(job.spec)))
    turn.advance(seen, Held(turn.at, reason) if never else Waits(turn.at, reason))


def _by_record(found: Plan) -> dict[int, list[tuple[Allocation, By]]]:
    places: dict[int, list[tuple[Allocation, By]]] = {}
    for id, allocation, by in found.starts:
        places.setdefault(id, []).append((allocation, by))
    return places


def _start(turn: Turn, job: Job, places: list[tuple[Allocation, By]]) -> None:
    """The job starts; of an array's record as many tasks as there are places, the lowest first."""
    started = [job]
    if isinstance(job.array, ArrayRest):
        indices = [index for index, _ in zip(job.array.pending, places, strict=False)]
        started = turn.detach(job, indices)
    for one, (allocation, by) in zip(started, places, strict=True):
        end = ends_by(turn.queue.cluster, job, allocation.partition, turn.at)
        turn.advance(one, Placed(turn.at, allocation, by, end))
