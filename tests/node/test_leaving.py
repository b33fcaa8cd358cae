"""A machine that goes away: signals in time, once, and an end that says why."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from flowbatch.node import rented
from flowbatch.node.leaving import Leaving
from tests.node.jobs import key

TRAPS = "trap 'echo signalled >> got' USR1; echo up > up; while :; do sleep 0.05; done"


def leaves(node, in_s, number=1):
    node.node.leave(key(number), time.time() + in_s)


async def running(node, script=TRAPS, **changes):
    node.node.launch(
        node.job(script, **{"signal": signal.SIGUSR1, "signal_batch_only": True, "kill_wait_s": 1} | changes)
    )
    await node.said("launched")
    await node.until((node.work / "up").exists)


def test_a_length_of_time_begins_at_the_gate(play):
    async def scene(node):
        node.node.launch(node.job("sleep 1000", run_limit_s=1))
        report = await node.said("ended")
        assert report.cause == "timeout"
        launched = await node.said("launched")
        assert report.at - launched.at <= 3

    play(scene)


def test_the_earlier_of_two_limits_holds(play):
    async def scene(node):
        assert (
            await node.over(node.job("sleep 1000", run_limit_s=600, ends_by=int(time.time()) + 1))
        ).cause == "timeout"

    play(scene)


def test_a_job_is_signalled_at_once_and_stopped_in_time(play, work):
    async def scene(node):
        await running(node, leave_reserve_s=2)
        until = time.time() + 4.5
        node.node.leave(key(), until)
        node.node.leave(key(), until)
        await node.until((work / "got").exists)
        report = await node.said("ended")
        assert (report.cause, report.signal) == ("preempted", 15)
        assert time.time() <= until - 2
        assert (work / "got").read_text() == "signalled\n"
        assert node.output().endswith("DUE TO PREEMPTION ***\n")

    play(scene)


def test_without_signal_it_goes_on_until_it_must_end(play):
    async def scene(node):
        await running(node, "echo up > up; exec sleep 1000", signal=None, leave_reserve_s=0)
        leaves(node, 1.5)
        assert (await node.said("ended")).cause == "preempted"

    play(scene)


def test_a_job_that_stays_goes_on_and_is_signalled_anew_the_next_time(play, work):
    async def scene(node):
        await running(node, leave_reserve_s=0)
        leaves(node, 1.6)
        await node.until((work / "got").exists)
        node.node.stay(key())
        await asyncio.sleep(1)
        assert [report.what for report in node.reports] == ["launched"]
        leaves(node, 1000)
        await node.until(lambda: (work / "got").read_text() == "signalled\n" * 2)
        node.node.stop(key(), "cancelled")
        assert (await node.said("ended")).cause == "killed"

    play(scene)


def test_what_stops_already_is_not_stopped_for_leaving(play):
    async def scene(node):
        await running(node, "trap '' TERM; echo up > up; while :; do sleep 0.05; done", kill_wait_s=1)
        node.node.stop(key(), "cancelled")
        leaves(node, 0)
        assert (await node.said("ended")).cause == "killed"

    play(scene)


def test_the_next_life_of_the_node_stops_it_in_time_and_signals_no_second_time(play, work):
    async def first(node):
        await running(node, leave_reserve_s=0)
        leaves(node, 3)
        await node.until((work / "got").exists)

    async def second(node):
        assert (await node.said("ended")).cause == "preempted"
        assert (work / "got").read_text() == "signalled\n"

    play(first)
    play(second)


def test_the_machine_s_own_word_is_enough(play, tmp_path, monkeypatch):
    monkeypatch.setattr(rented, "LOOK_S", 0.02)
    notice, standing = tmp_path / "MITHRIL_SIGNAL.yml", tmp_path / "standing"

    async def scene(node):
        watching = asyncio.ensure_future(rented.watch(node.node, standing, notice))
        await node.until(lambda: standing.exists() and standing.read_text() == "free")
        await running(node, leave_reserve_s=0)
        await node.until(lambda: standing.read_text() == "busy")
        notice.write_text(f"end_time: {_rfc3339(time.time() + 1000)}\nbid_status: Preempting\n")
        await node.until((node.work / "got").exists)
        notice.unlink()
        await node.until(lambda: node.node._book.entries[key()].leaving is None)
        notice.write_text("instance_status: STATUS_PREEMPTING\nend_time: 2001-01-01T00:00:00Z\n")
        assert (await node.said("ended")).cause == "preempted"
        await node.until(lambda: standing.read_text() == "over")
        node.node.forget(key())
        await node.until(lambda: standing.read_text() == "free")
        watching.cancel()

    play(scene)


def test_a_notice_of_an_earlier_life_is_none(tmp_path):
    notice = tmp_path / "MITHRIL_SIGNAL.yml"
    notice.write_text("end_time: 2001-01-01T00:00:00Z\n")
    assert rented.leaves_at(notice, time.time() + 10) is None
    notice.write_text(f"end_time: {_rfc3339(time.time() + 1000)}\n")
    assert rented.leaves_at(notice, time.time() + 10) is not None


def test_of_a_short_notice_the_job_has_half(play):
    """Its reserve and KillWait are longer than the whole notice."""

    async def scene(node):
        await running(node, "trap '' TERM; echo up > up; while :; do sleep 0.05; done", signal=None)
        began = time.time()
        node.node.leave(key(), began + 4)
        report = await node.said("ended")
        assert (report.cause, report.signal) == ("preempted", 9)
        assert 2.5 <= time.time() - began <= 4

    play(scene)


def _rfc3339(instant):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("end_time: 2026-11-22T06:00:00Z", 1795327200),
        ("instance_status: X\nend_time: '2026-11-22T06:00:00.123456+00:00'\n", 1795327200),
        ('end_time: "2026-11-22 07:00:00+01:00"  # soon', 1795327200),
        ("  end_time : 2026-11-22 06:00:00\n", 1795327200),
        ("end_time: null\n", 1300),
        ("", 1300),
        ("\x00\xff nonsense", 1300),
        ("end_time: 2026-13-41T99:00:00Z", 1300),
    ],
)
def test_a_notice_is_read_tolerantly(tmp_path, text, instant):
    notice = tmp_path / "notice"
    notice.write_text(text)
    os.utime(notice, (1000, 1000))
    assert rented.leaves_at(notice) == instant


def test_without_a_notice_the_machine_stays(tmp_path):
    assert rented.leaves_at(tmp_path / "none") is None


def test_nothing_begins_on_a_machine_that_leaves(play, work):
    """By its own word, or by the controller's: the launch waits until it stays, and a stop ends it meanwhile."""

    async def scene(node):
        said = []
        node.node.leaving = Leaving(said.append)
        node.node.machine_leaves(time.time() + 1000)
        node.node.launch(node.job("echo ran > ran", signal=signal.SIGUSR1))
        node.node.launch(node.job("echo ran > other", key=key(2)))
        await asyncio.sleep(0.3)
        assert not node.reports and not list((work.parent / "node" / "spool").glob("*/*"))
        node.node.stop(key(2), "cancelled")
        assert (await node.said("ended", of=key(2))).why == "stopped before it ran"
        leaves(node, 1000)
        node.node.machine_leaves(None)
        await asyncio.sleep(0.2)
        assert not (work / "ran").exists(), "the controller has not said that it stays"
        node.node.stay(key())
        assert (await node.said("ended")).cause == "exit"
        assert (work / "ran").exists() and not (work / "other").exists()
        assert [until is None for until in said] == [False, True]

    play(scene)


def test_a_notice_before_the_gate_opens_keeps_it_shut(play, work, monkeypatch):
    """The script waits there already: it never runs, and may be launched anew."""

    async def scene(node):
        sync = node.node._book.sync

        async def notice():
            await sync()
            monkeypatch.undo()
            node.node.machine_leaves(time.time() + 1000)

        monkeypatch.setattr(node.node._book, "sync", notice)
        job = node.job("echo ran > ran", signal=signal.SIGUSR1)
        node.node.launch(job)
        await node.said("absent")
        await asyncio.sleep(0)
        node.node.launch(job)
        node.node.machine_leaves(None)
        assert (await node.said("ended")).cause == "exit"
        assert (work / "ran").read_text() == "ran\n"
        assert [report.what for report in node.reports] == ["absent", "launched", "ended"]

    play(scene)
