"""The cost of a step follows what changes, not what is queued: work is counted, not timed."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from flowbatch.core.events import CancelAsked, Ended, JobRef, Passed
from flowbatch.core.jobs import Job
from flowbatch.core.queue import Queue, step
from flowbatch.core.states import ExitStatus, Pending, Running
from flowbatch.spec.cluster import NodeSpec, PartitionSpec


def calls(work):
    """How many Python functions `work` enters."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def crowded(desk, owners, number):
    """A queue with `number` jobs that wait behind a full node."""
    spec = desk.spec(cpus=4)
    jobs = [
        Job(id, spec, id, id, owners["ada"], Pending("Priority"), desk.now, 4294901760 - id, ("debug",), desk.now)
        for id in range(1, number + 1)
    ]
    queue = Queue(desk.cluster, number + 1, jobs)
    step(queue, Passed(desk.now))
    return queue


def work_of(desk, owners, number):
    """What it costs to submit one more, to cancel one, to let the running one end, and to pass time with and without what is due."""
    queue = crowded(desk, owners, number)
    submission = replace(desk.submission(cpus=4, name="one"), at=desk.now)
    ref = (JobRef(number // 2),)
    facts = {
        "submit": submission, "cancel": CancelAsked(desk.now, 1000, ref),
        "end": Ended(desk.now, 1, 0, ExitStatus()), "pass": Passed(desk.now), "quiet": Passed(desk.now + 1),
    }  # fmt: skip
    return {name: calls(lambda event=event: step(queue, event)) for name, event in facts.items()}


def test_work_does_not_grow_with_the_queue(desk, owners):
    few, many = work_of(desk, owners, 2_000), work_of(desk, owners, 8_000)
    assert many["submit"] < 450 and many["cancel"] < 400 and many["end"] < 400
    assert many["quiet"] < 50
    for name in few:
        assert many[name] < few[name] * 1.1 + 20, (name, few, many)


@pytest.fixture
def big(desk_of):
    return desk_of(max_array_size=100_001, max_job_count=1_000_000)


def test_an_array_of_a_hundred_thousand_tasks_is_one_record(big):
    few = calls(lambda: desk_step(big, array="0-9"))
    many = calls(lambda: desk_step(big, array="0-99999"))
    assert many < few + 20
    assert len(big.queue.jobs) == 2


def test_starting_tasks_costs_what_starts(big):
    desk = big
    desk_step(desk, array="0-99999")
    assert calls(lambda: step(desk.queue, Passed(desk.now))) < 4_000
    assert sum(isinstance(job.state, Running) for job in desk.queue.jobs.values()) == 4
    assert len(desk.queue.jobs) == 5
    assert calls(lambda: step(desk.queue, Ended(desk.now, 2, 0, ExitStatus()))) < 400


def test_a_dependant_of_a_big_array_does_not_look_at_its_tasks(big):
    desk = big
    desk_step(desk, array="0-99999")
    desk_step(desk, depend="afterok:1")
    step(desk.queue, Passed(desk.now))
    assert calls(lambda: step(desk.queue, Ended(desk.now, 3, 0, ExitStatus()))) < 400


def desk_step(desk, **words):
    """Without the checks after each step, which look at everything."""
    return step(desk.queue, desk.submission(**words))


def wide(desk_of, nodes):
    names = tuple(f"n{number}" for number in range(nodes))
    return desk_of(
        nodes=tuple(NodeSpec(name=name, cpus=16, cores_per_socket=16) for name in names),
        partitions=(PartitionSpec(name="debug", nodes=names, default=True),),
        max_array_size=100_001, max_job_count=1_000_000,
    )  # fmt: skip


def test_a_pass_looks_once_for_all_equal_jobs(desk_of):
    """Two hundred jobs of one shape behind full nodes: a place is looked for once, not for each."""
    desk = wide(desk_of, 8)
    desk_step(desk, array="0-127")
    step(desk.queue, Passed(desk.now))
    for _ in range(200):
        desk_step(desk, cpus=2)
    step(desk.queue, Passed(desk.now))
    assert len(desk.queue.planned) == 20
    desk.queue.pass_by(desk.now + 1)
    assert calls(lambda: step(desk.queue, Passed(desk.now + 1))) < 16_000


def test_starting_many_tasks_in_one_pass_costs_what_starts(desk_of):
    desk = wide(desk_of, 64)
    desk_step(desk, array="0-9999")
    per_task = calls(lambda: step(desk.queue, Passed(desk.now))) / 1024
    assert sum(isinstance(job.state, Running) for job in desk.queue.jobs.values()) == 1024
    assert per_task < 500
