"""Placements that are stopped where they are: all their processes, their time limit, and what a restart remembers of it."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path

from flowbatch.node.book import Book, Limited, Paused, Started
from flowbatch.node.run import Run
from tests.node.jobs import key

COUNTS = "echo $$ > shell; sleep 1000 & echo $! > child; echo up > up; while :; do sleep 0.05; done"


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def stopped(node):
    return all(state((node.work / name).read_text().strip()) == "T" for name in ("shell", "child"))


async def running(node, **changes):
    node.node.launch(node.job(COUNTS, kill_wait_s=1, **changes))
    await node.said("launched")
    await node.until((node.work / "up").exists)


def test_all_its_processes_stop_and_go_on(play):
    async def scene(node):
        await running(node)
        node.node.pause(key(), True)
        node.node.pause(key(), True)
        await node.until(lambda: stopped(node))
        node.node.pause(key(), False)
        await node.until(lambda: not stopped(node))
        node.node.say(key(), "caf\udce9")
        node.node.stop(key(), "cancelled")
        assert (await node.said("ended")).signal == 15
        raw = (node.work / "slurm-1.out").read_bytes()
        assert b"slurmstepd: error: caf\xe9\n" in raw

    play(scene)


def test_its_limit_stands_still(play):
    async def scene(node):
        await running(node, ends_by=int(time.time()) + 2)
        node.node.pause(key(), True)
        asleep = time.time()
        await node.until(lambda: time.time() > asleep + 3)
        assert not [report for report in node.reports if report.what == "ended"]
        node.node.pause(key(), False)
        assert (await node.said("ended")).cause == "timeout"

    play(scene)


def test_a_paused_one_can_be_ended(play):
    async def scene(node):
        await running(node)
        node.node.pause(key(), True)
        await node.until(lambda: stopped(node))
        node.node.stop(key(), "cancelled")
        assert (await node.said("ended")).cause == "killed"

    play(scene)


def test_one_on_its_way_to_the_gate_stops_behind_it(play):
    async def scene(node):
        node.node.launch(node.job("sleep 1; echo late > late", kill_wait_s=1))
        node.node.pause(key(), True)
        await node.said("launched")
        node.node.pause(key(), False)
        assert (await node.said("ended")).code == 0

    play(scene)


def test_a_shorter_limit_ends_it(play):
    async def scene(node):
        await running(node, ends_by=int(time.time()) + 1000)
        node.node.limit(key(), int(time.time()) + 1)
        assert (await node.said("ended")).cause == "timeout"

    play(scene)


def test_a_longer_limit_lets_it_go_on_also_in_the_next_life(play):
    async def scene(node):
        ends_by = int(time.time()) + 5
        await running(node, ends_by=ends_by)
        node.node.limit(key(), int(time.time()) + 1000)
        await node.until(lambda: time.time() > ends_by + 1)
        assert not [report for report in node.reports if report.what == "ended"]

    async def next_life(node):
        told = time.time()
        await node.until(lambda: time.time() > told + 0.5)
        assert not [report for report in node.reports if report.what == "ended"]
        node.node.limit(key(), None)
        node.node.stop(key(), "cancelled")
        assert (await node.said("ended")).cause == "killed"

    play(scene)
    play(next_life)


def test_a_limit_that_changes_on_its_way_to_the_gate_holds_behind_it(play):
    async def scene(node):
        node.node.launch(node.job(COUNTS, kill_wait_s=1, ends_by=int(time.time()) + 1000))
        node.node.limit(key(), int(time.time()) + 1)
        assert (await node.said("ended")).cause == "timeout"

    play(scene)


def test_a_limit_that_changes_on_its_way_to_the_gate_is_announced_once(play, monkeypatch):
    async def scene(node):
        told, now = [], int(time.time())
        monkeypatch.setattr(Run, "_signal", lambda run, number: told.append(number))
        terms = {"signal": signal.SIGUSR1, "signal_batch_only": True, "signal_lead_s": 2, "kill_wait_s": 1}
        node.node.launch(node.job(COUNTS, ends_by=now + 1000, **terms))
        node.node.limit(key(), now + 5)
        assert (await node.said("ended")).cause == "timeout"
        assert told == [signal.SIGUSR1]

    play(scene)


def test_the_journal_remembers(tmp_path):
    book = Book(tmp_path / "journal")
    started = Started(key(), "n1", "/s", "/e", 5, 1, "a", 2, "b", 30, 77)
    book.write(replace(started, ends_by=60))
    book.write(Limited(key(), 77))
    book.write(Paused(key(), 9.5, 2.0))
    book.close()
    again = Book(tmp_path / "journal")
    assert list(again.entries[key()].facts()) == [started, Paused(key(), 9.5, 2.0)]
    again.write(Paused(key(), None, 3.0))
    again.close()
    last = Book(tmp_path / "journal")
    assert last.entries[key()].paused == Paused(key(), None, 3.0)
    last.close()
