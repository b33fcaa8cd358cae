"""What every store promises, asked of each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from flowbatch.core.effects import Deliver, Effect, Forget, Launch
from flowbatch.core.events import (
    Accepted,
    CancelAsked,
    Ended,
    Event,
    JobRef,
    Passed,
    Refused,
    Reply,
    StepBegan,
    StepEnded,
    Submitted,
)
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner
from flowbatch.core.past import Past
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Stepped
from flowbatch.core.states import Allocation, Completing, Ending, ExitStatus, Finished, NodeShare, Pending, Running
from flowbatch.core.steps import JobSteps, Step, StepKey
from flowbatch.core.tally import Tally
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.job import JobSpec
from flowbatch.store.contract import Entry, Store
from flowbatch.store.memory import MemoryStore
from flowbatch.store.sqlite import SqliteStore

ALICE = Owner(1000, 1000, "alice", "users")
SPEC = JobSpec(name="train", work_dir="/home/alice", arguments=("--lr", "1e-3"))
PAYLOAD = Payload(b"#!/bin/bash\necho \xff\0\n", (b"PATH=/bin", b"X=\xe9"), {"NOFILE": 1024, "CORE": -1}, 0o22)
PENDING = Job(1, SPEC, 1, 1, ALICE, Pending(), 100, 4294901759, partitions=("debug",), eligible_at=100)
RUNNING = replace(PENDING, state=Running(105, Allocation("debug", (NodeShare("n1", 2, (0, 1)),)), 165))
FINISHED = replace(RUNNING, state=Finished(110, Ending("FAILED", ExitStatus(3), "NonZeroExitCode"), 105))


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path) -> Iterator[Store]:
    store = SqliteStore(tmp_path / "state" / "store.db") if request.param == "sqlite" else MemoryStore()
    yield store
    store.close()


Write = Callable[..., None]


@pytest.fixture
def write(store: Store) -> Write:
    seq = 0

    def write(
        *steps: tuple[Event, Stepped], payload: Payload | None = None, next_job_id: int = 2, performed: int = 0
    ) -> None:
        nonlocal seq
        entries = [Entry(seq + n, event, stepped, payload) for n, (event, stepped) in enumerate(steps, 1)]
        seq += len(entries)
        store.commit(entries, next_job_id, performed)

    return write


def stepped(
    *jobs: Job, dropped: set[int] | None = None, orders: list[Effect] | None = None, reply: Reply = None
) -> Stepped:
    return Stepped({job.id: job for job in jobs}, dropped or set(), orders or [], reply)


def submitted(job: Job) -> tuple[Event, Stepped]:
    return Submitted(job.submitted_at, job.owner, job.spec), stepped(job, reply=Accepted(job.id))


def test_a_new_store_is_empty_and_has_a_name(store):
    loaded = store.load()
    assert (loaded.next_job_id, loaded.jobs, loaded.seq, loaded.owed) == (1, (), 0, ())
    assert len(loaded.store) == 12 and store.load().store == loaded.store


def test_what_was_committed_is_loaded(store, write):
    write(submitted(PENDING), payload=PAYLOAD)
    loaded = store.load()
    assert loaded.jobs == (PENDING,)
    assert (loaded.next_job_id, loaded.seq) == (2, 1)
    assert store.payload(1) == PAYLOAD


def test_several_steps_are_one_commit_and_the_last_record_stands(store, write):
    write(submitted(PENDING), (Passed(105), stepped(RUNNING)), (Ended(110, 1, 0, ExitStatus(3)), stepped(FINISHED)))
    assert store.load().jobs == (FINISHED,)
    assert store.load().seq == 3


def test_a_dropped_record_is_history_and_its_payload_goes(store, write):
    write(submitted(PENDING), payload=PAYLOAD)
    write((Passed(500), stepped(FINISHED)), (Passed(900), stepped(dropped={1})))
    assert store.load().jobs == ()
    assert store.history([1]) == [FINISHED]
    assert store.payload(1) is None


def test_a_payload_stays_while_a_task_needs_it(store, write):
    rest = replace(PENDING, array=ArrayRest(IndexSet.of((IndexRange(first=2, last=9),)), 3))
    task = replace(FINISHED, id=2, array=ArrayTask(1, 1, 3))
    write(submitted(rest), payload=PAYLOAD)
    write((Passed(105), stepped(task, rest)), (Passed(500), stepped(dropped={2})))
    assert store.load().jobs == (rest,)
    assert store.payload(1) == PAYLOAD
    assert store.history([1]) == [task, rest]
    assert store.history([2]) == [task]


FIRST = Step(0, "true", ("n1", "n2"), (2, 1), 3, 106, gpus=1, memory_mib=7, command="true -x", limit_min=3, srun=77)
OVER = replace(FIRST, ended_at=108, exit=ExitStatus(3), cancelled_by=0, max_rss_kib=9, cpu_ms=10)
SECOND = Step(1, "sleep", ("n1",), (1,), 1, 107)


def steps(*some: Step, restart: int = 0) -> Stepped:
    return Stepped(steps={StepKey(1, restart, step.number): step for step in some})


def test_steps_are_loaded_as_far_as_they_run_and_their_numbers_are_not_lost(store, write):
    write(submitted(PENDING), (Passed(105), stepped(RUNNING)))
    assert store.load().steps == {}
    write((StepBegan(106, 1, 0, FIRST), steps(FIRST)), (StepBegan(107, 1, 0, SECOND), steps(SECOND)))
    assert store.load().steps == {1: JobSteps({0: FIRST, 1: SECOND}, 1)}
    write(
        (StepEnded(108, 1, 0, OVER), steps(OVER)), (StepEnded(109, 1, 0, SECOND), steps(replace(SECOND, ended_at=109)))
    )
    assert store.load().steps == {1: JobSteps({}, 1)}


def test_steps_of_earlier_placements_and_of_jobs_that_left_are_history(store, write):
    again = replace(RUNNING, restarts=1)
    write(submitted(PENDING), (Passed(105), stepped(again)))
    write((StepEnded(108, 1, 0, OVER), steps(OVER)), (StepBegan(109, 1, 1, SECOND), steps(SECOND, restart=1)))
    assert store.load().steps == {1: JobSteps({1: SECOND}, 1)}
    assert store.steps() == [(StepKey(1, 0, 0), OVER), (StepKey(1, 1, 1), SECOND)]
    assert store.steps([1], since=108) == store.steps()
    assert store.steps(since=109) == [(StepKey(1, 1, 1), SECOND)]
    assert store.steps([2]) == []
    write((Passed(500), stepped(FINISHED)), (Passed(900), stepped(dropped={1})))
    assert store.load().steps == {}
    assert len(store.steps([1, 2, 3])) == 2


def test_a_large_array_is_one_small_record(store, write):
    rest = replace(PENDING, array=ArrayRest(IndexSet.of((IndexRange(first=0, last=99_999, step=2),)), None))
    write(submitted(rest))
    assert store.load().jobs == (rest,)


def test_tasks_share_their_spec(store, write):
    tasks = [replace(PENDING, id=n, array=ArrayTask(1, n)) for n in range(1, 4)]
    write((Passed(105), stepped(*tasks)))
    loaded = store.load().jobs
    assert loaded == tuple(tasks)
    assert all(job.spec is loaded[0].spec for job in loaded)


def test_a_refused_submission_leaves_no_payload(store, write):
    write((Submitted(100, ALICE, SPEC), stepped(reply=Refused("ESLURM_X"))), payload=PAYLOAD, next_job_id=1)
    assert store.payload(1) is None and store.load().jobs == ()


def test_orders_are_owed_until_performed(store, write):
    launch, signal, forget = Launch(1, 0), Deliver(1, 0, 10, "batch"), Forget(1, 0)
    write((Passed(1), stepped(orders=[launch])), (Passed(2), stepped()), (Passed(3), stepped(orders=[signal, forget])))
    assert store.load().owed == ((1, launch), (3, signal), (3, forget))
    write((Passed(4), stepped()), performed=1)
    assert (store.load().performed, store.load().owed) == (1, ((3, signal), (3, forget)))
    write(performed=4)
    assert store.load().owed == ()


def test_history_since_an_instant_leaves_out_what_was_over(store, write):
    waiting = replace(PENDING, id=2, spec_id=2, payload_id=2)
    write((Passed(1), stepped(FINISHED, waiting)))
    assert store.history(past=Past(since=110)) == [waiting, FINISHED]
    assert store.history(past=Past(since=111)) == [waiting]
    assert store.history([1], past=Past(since=111)) == []


def test_history_is_newest_first_and_limited(store, write):
    write((Passed(1), stepped(*(replace(FINISHED, id=n, spec_id=n, payload_id=n) for n in range(1, 6)))))
    assert [job.id for job in store.history()] == [5, 4, 3, 2, 1]
    assert [job.id for job in store.history(limit=2)] == [5, 4]
    assert [job.id for job in store.history([2, 5, 77])] == [5, 2]
    assert store.history([]) == []


def test_the_story_of_a_job(store, write):
    write(
        submitted(PENDING),
        (Passed(101), stepped(replace(PENDING, state=Pending("Resources")))),
        (Passed(105), stepped(RUNNING)),
        (CancelAsked(107, 0, (JobRef(1),)), stepped(RUNNING)),
        (Ended(110, 1, 0, ExitStatus(3)), stepped(FINISHED)),
    )
    assert store.story(1) == [
        (100, "submitted by alice -> PENDING (None)"),
        (105, "scheduled -> RUNNING on n1"),
        (107, "cancel asked by uid 0 -> RUNNING on n1"),
        (110, "ended 3:0 (exit) -> FAILED 3:0"),
    ]
    assert store.story(2) == []


def test_the_last_tally_is_kept(store, write):
    assert store.load().tally is None
    write(
        (Passed(100), Stepped(tally=Tally(90, submitted=1))),
        (Passed(101), Stepped(tally=Tally(90, 2, 1, backfilled=1))),
    )
    write((Passed(102), Stepped()))
    assert store.load().tally == Tally(90, submitted=2, started=1, backfilled=1)


def test_what_was_over_long_ago_is_forgotten(store, write):
    second = replace(FINISHED, id=2, spec_id=2, payload_id=2)
    write(
        submitted(PENDING),
        submitted(replace(PENDING, id=2, spec_id=2, payload_id=2)),
        submitted(replace(PENDING, id=3)),
    )
    write((Passed(500), stepped(FINISHED, second)), (Passed(900), stepped(dropped={1})))
    ended = FINISHED.state.ended_at
    assert store.prune(0, ended) == 0
    while store.prune(10_000, ended + 1):
        pass
    assert store.history([1]) == [] and store.story(1) == []
    assert store.history([2]) == [second] and store.story(2)  # not over for as long: it is still in the queue
    loaded = store.load()
    assert [job.id for job in loaded.jobs] == [2, 3] and loaded.seq == 5


AGAIN = replace(FINISHED, id=3, submitted_at=400, restarts=1, eligible_at=400)
CANCELLED = replace(PENDING, id=4, state=Finished(300, Ending("CANCELLED", ExitStatus(), "None", 0)), eligible_at=None)
OTHERS = replace(
    FINISHED,
    id=5,
    owner=Owner(1001, 1001, "bob", "staff"),
    spec_id=5,
    spec=JobSpec(name="OTHER", work_dir="/", account="Lab"),
)
ENDING = replace(
    RUNNING, id=6, state=Completing(105, RUNNING.state.allocation, 120, Ending("TIMEOUT", ExitStatus(), "None"))
)
TASK = replace(FINISHED, id=7, array=ArrayTask(2, 9))
REMEMBERED = (FINISHED, replace(PENDING, id=2, array=ArrayRest(IndexSet.of((IndexRange(first=1, last=8),)), None)), AGAIN, CANCELLED, OTHERS,
              ENDING, TASK)  # fmt: skip


@pytest.mark.parametrize(
    "past",
    [
        Past(),
        Past(since=111),
        Past(until=399),
        Past(eligible_by=99),
        Past(eligible_by=100),
        Past(outcomes=frozenset({"CANCELLED", "TIMEOUT"})),
        Past(users=frozenset({1001, 7})),
        Past(groups=frozenset({1000})),
        Past(accounts=frozenset({"lab", "x'y"})),
        Past(names=frozenset({"other"})),
        Past(names=frozenset()),
        Past(since=105, until=300, eligible_by=300, outcomes=frozenset({"FAILED"}), users=frozenset({1000})),
    ],
)
@pytest.mark.parametrize("named", [None, [1, 2, 5], [(2, 9), 4], [(2, 1), (1, 1)]])
def test_history_is_what_the_past_admits(store, write, past, named):
    write((Passed(1), stepped(*REMEMBERED)))
    names = {job.id: {job.id, job.array_id} | ({(2, 9)} if job is TASK else set()) for job in REMEMBERED}
    wanted = [job for job in REMEMBERED if (named is None or names[job.id] & {*named}) and past.admits(job)]
    assert store.history(named, past=past) == sorted(wanted, key=lambda job: -job.id)
