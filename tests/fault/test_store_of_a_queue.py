"""kill -9 before every statement of commits that a queue made of all kinds of facts: the queue comes back as it was after one of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from flowbatch.core.accounting.accounts import Account, Association, Limits, User
from flowbatch.core.events import (
    CrontabAsked,
    Ended,
    Event,
    HetSubmitted,
    Launched,
    Passed,
    StepBegan,
    StepEnded,
    Submitted,
)
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Queue, step
from flowbatch.core.ruling.reservations import Party
from flowbatch.core.ruling.wishes import AccountsAsked, NodeAsked, NodeChange, ReservationAsked, ReservationWish
from flowbatch.core.states import ExitStatus
from flowbatch.core.steps import Step
from flowbatch.core.tally import Tally
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.cron import CronSpec
from flowbatch.spec.job import JobSpec
from flowbatch.store.contract import Entry
from flowbatch.store.sqlite import SqliteStore
from flowbatch.units import HOUR

ADA = Owner(1000, 1000, "ada", "ada")
NAMES = ("n1", "n2", "n3")
CLUSTER = ClusterSpec(
    name="c", min_job_age_s=60,
    nodes=tuple(NodeSpec(name=name, cpus=4, cores_per_socket=4, real_memory=100) for name in NAMES),
    partitions=(PartitionSpec(name="debug", nodes=NAMES, default=True),),
)  # fmt: skip
NOW = 1_000_000
PLAIN = JobSpec(name="j", work_dir="/")
EVERY_MINUTE = PLAIN.model_copy(update={"cron": CronSpec(), "begin": NOW + 20, "hold": True})
RUNS = Step(0, "a", ("n1",), (1,), 1, NOW + 6)
OVER = Step(0, "a", ("n1",), (1,), 1, NOW + 6, ended_at=NOW + 9, exit=ExitStatus(3))
LIMITED = Association("lab", limits=Limits({"GrpJobs": 5}, {"GrpTRES": {"cpu": 9}}))

STORY: tuple[Event, ...] = (
    AccountsAsked(NOW, 0, "root", put=(Account("lab", "", ""), LIMITED, User("ada", "lab"), Association("lab", "ada"))),
    NodeAsked(NOW, 0, "root", ("n3",), NodeChange(state="DRAIN", reason="why")),
    ReservationAsked(
        NOW, 0, "create", ReservationWish("r", start=NOW + HOUR, duration_s=HOUR, nodes=("n2",), users=Party((("ada", 1000),)))
    ),
    HetSubmitted(NOW + 1, ADA, (PLAIN, PLAIN)),
    Submitted(NOW + 2, ADA, EVERY_MINUTE),
    CrontabAsked(NOW + 3, 1000, ADA, "* * * * * true\n", ((1, 1, 3),)),
    Passed(NOW + 4),
    Launched(NOW + 5, 1, 0),
    StepBegan(NOW + 6, 1, 0, RUNS),
    StepBegan(NOW + 7, 1, 0, Step(1, "b", ("n1",), (1,), 1, NOW + 7)),
    StepEnded(NOW + 9, 1, 0, OVER),
    Ended(NOW + 10, 1, 0, ExitStatus()),
    Passed(NOW + 20),
    Ended(NOW + 21, 3, 0, ExitStatus()),
    Passed(NOW + HOUR),
    Passed(NOW + 2 * HOUR),
)  # fmt: skip


def commits(store: SqliteStore, queue: Queue, done: int) -> Iterator[int]:
    """Applies what is still to come of the story, each fact in a commit of its own; the number of each."""
    for number, event in enumerate(STORY[done:], done + 1):
        stepped = step(queue, event)
        payload = Payload(b"#!/bin/sh\n", (b"A=1",), {}, 0) if isinstance(event, Submitted | HetSubmitted) else None
        store.commit([Entry(number, event, stepped, payload)], queue.next_job_id, number - 1)
        yield number


def played(path: Path, die_at: int) -> int:
    """How many commits a process had acknowledged that died before statement `die_at`."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(statement: str) -> None:
            nonlocal seen
            seen += 1
            if seen == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        for _ in commits(SqliteStore(path, trace), Queue(CLUSTER, 1), 0):
            os.write(writable, b".")
        os._exit(0)
    os.close(writable)
    with open(readable, "rb") as acknowledged:
        told = len(acknowledged.read())
    os.waitpid(child, 0)
    return told


def check(path: Path, acknowledged: int) -> None:
    """The store brings the queue back as it was after the last acknowledged commit, or one more, and the story goes on."""
    store = SqliteStore(path)
    loaded = store.load()
    assert acknowledged <= loaded.seq <= acknowledged + 1
    expected, steps = Queue(CLUSTER, 1), {}
    for event in STORY[: loaded.seq]:
        steps.update(step(expected, event).steps)
    assert {job.id: job for job in loaded.jobs} == expected.jobs
    tally = loaded.tally or Tally()
    assert (loaded.steps, loaded.rulings, tally) == (expected.steps, expected.rulings, expected.tally)
    assert dict(store.steps()) == steps
    for id in expected.jobs:
        assert store.payload(expected.jobs[id].payload_id) is not None
    queue = Queue(CLUSTER, loaded.next_job_id, loaded.jobs, loaded.departed, loaded.steps, loaded.rulings, tally)
    assert queue.indexes == expected.indexes
    assert next(commits(store, queue, loaded.seq), loaded.seq + 1) == loaded.seq + 1
    store.close()


def test_the_story_has_every_kind_of_record():
    queue = Queue(CLUSTER, 1)
    for event in STORY:
        stepped = step(queue, event)
        assert stepped.changed or stepped.steps or stepped.rulings or stepped.dropped, event
    assert set(queue.jobs) == {3} and queue.jobs[3].restarts > 0
    rulings = queue.rulings
    assert rulings.crontabs and rulings.nodes and not rulings.reservations and rulings.accounts.limited


def test_all_of_a_queue_survives_before_every_statement(tmp_path):
    die_at, acknowledged = 0, 0
    while acknowledged < len(STORY):
        die_at += 1
        path = tmp_path / str(die_at) / "store.db"
        acknowledged = played(path, die_at)
        check(path, acknowledged)
    assert die_at > 120
