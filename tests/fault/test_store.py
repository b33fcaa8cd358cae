"""kill -9 before every statement of every commit: what was acknowledged is there, and no commit is there by half."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

from flowbatch.core.effects import Launch
from flowbatch.core.events import Accepted, Passed, Submitted
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Stepped
from flowbatch.core.states import Allocation, Ending, Finished, NodeShare, Pending, Running
from flowbatch.spec.job import JobSpec
from flowbatch.store.contract import Entry
from flowbatch.store.sqlite import SqliteStore

OWNER = Owner(1000, 1000, "alice", "users")
ON_N1 = Allocation("debug", (NodeShare("n1", 1),))
TURNS = 4


def write(path: Path, die_at: int) -> None:
    """Submits a job, starts it and drops it, TURNS times, each a commit acknowledged on stdout; dies before a statement."""
    seen = 0

    def trace(statement: str) -> None:
        nonlocal seen
        seen += 1
        if seen == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    store = SqliteStore(path, trace)
    for number in range(1, TURNS + 1):
        job = Job(number, JobSpec(name="x", work_dir="/"), number, number, OWNER, Pending(), 100, 1)
        runs = replace(job, state=Running(101, ON_N1, None))
        over = replace(job, state=Finished(102, Ending("COMPLETED"), 101, ON_N1))
        submitted = Entry(
            number * 2 - 1, Submitted(100, OWNER, job.spec), Stepped({number: job}, reply=Accepted(number)),
            Payload(b"#!/bin/sh\n", (b"A=1",), {}, 0),
        )  # fmt: skip
        store.commit([submitted], number + 1, number * 2 - 2)
        os.write(1, f"submitted {number}\n".encode())
        started = Stepped({number: runs}, orders=[Launch(number, 0)])
        if number % 2 == 0:
            started = Stepped({number: over}, {number}, [Launch(number, 0)])
        store.commit([Entry(number * 2, Passed(101), started)], number + 1, number * 2 - 1)
        os.write(1, f"started {number}\n".encode())
    store.close()
    os.write(1, b"done\n")


def played(path: Path, die_at: int) -> list[str]:
    """What a process that died before statement `die_at` had acknowledged."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writable, 1)
        write(path, die_at)
        os._exit(0)
    os.close(writable)
    with open(readable) as acknowledged:
        lines = acknowledged.read().splitlines()
    os.waitpid(child, 0)
    return lines


def check(path: Path, acknowledged: list[str]) -> None:
    """The store holds each acknowledged commit whole, at most one more, and goes on from there."""
    store = SqliteStore(path)
    loaded = store.load()
    commits = loaded.seq
    assert len(acknowledged) <= commits <= len(acknowledged) + 1
    assert loaded.next_job_id == (commits + 1) // 2 + 1
    history = store.history()
    assert [job.id for job in history] == list(range((commits + 1) // 2, 0, -1))
    for job in history:
        started, even = commits >= job.id * 2, job.id % 2 == 0
        expected = (Finished if even else Running) if started else Pending
        assert isinstance(job.state, expected)
        queued = job.id in {one.id for one in loaded.jobs}
        assert queued == (not (started and even))
        assert (store.payload(job.id) is not None) == queued
        assert len(store.story(job.id)) == 1 + started
    owed = [order for _, order in loaded.owed]
    assert owed == ([Launch(commits // 2, 0)] if commits and commits % 2 == 0 else [])
    store.commit([Entry(commits + 1, Passed(200), Stepped())], loaded.next_job_id, commits)
    store.close()


def test_a_store_survives_before_every_statement(tmp_path):
    die_at, acknowledged = 0, []
    while "done" not in acknowledged:
        die_at += 1
        path = tmp_path / str(die_at) / "store.db"
        acknowledged = played(path, die_at)
        if "done" not in acknowledged:
            check(path, acknowledged)
    assert die_at > 60
