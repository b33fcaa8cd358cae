"""Committed, answered, ordered, in that order; and what a failed commit leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from flowbatch.controller.loop import Loop
from flowbatch.controller.port import Port
from flowbatch.core.effects import Forget, Launch
from flowbatch.core.events import Accepted, Ended, Launched, Passed, Submitted
from flowbatch.core.ports import Payload
from flowbatch.core.states import ExitStatus, Finished, Running
from flowbatch.errors import StoreFailed

PAYLOAD = Payload(b"#!/bin/sh\n", (b"A=1",), {}, 0o22)


@pytest.fixture
def running(store, clock, toy):
    """A loop that runs while the block does; what was committed by then is in `store`."""

    @asynccontextmanager
    async def running(timers: bool = True, failpoint=lambda name: None) -> AsyncIterator[Loop]:
        loop = Loop(store, toy.cluster, clock, step=toy.step, queue=toy.queue, failpoint=failpoint)
        await loop.load()
        loop.timers = timers
        turning = asyncio.ensure_future(loop.run())
        try:
            yield loop
        finally:
            loop.stop()
            await turning

    return running


def test_a_reply_comes_after_the_commit(running, store, toy):
    async def main():
        instants = []
        async with running(timers=False, failpoint=lambda name: instants.append((name, len(store.commits)))) as loop:
            assert await loop.apply(toy.submission(), PAYLOAD) == Accepted(1)
            assert instants == [("stepped", 0), ("committed", 1), ("replied", 1)]
        assert [job.id for job in store.load().jobs] == [1]
        assert store.payload(1) == PAYLOAD

    asyncio.run(main())


def test_facts_that_arrive_together_share_a_commit(running, store, toy):
    async def main():
        async with running(timers=False) as loop:
            replies = await asyncio.gather(*(loop.apply(toy.submission()) for _ in range(50)))
        assert [reply.job_id for reply in replies] == list(range(1, 51))
        assert store.commits == [50]

    asyncio.run(main())


def test_time_passes_and_orders_come_out(running, store, toy, until, effects):
    async def main():
        async with running() as loop:
            await loop.apply(toy.submission())
            await until(lambda: isinstance(loop.queue.jobs[1].state, Running))
            await until(lambda: not loop.orders.empty())
            assert effects(loop) == [Launch(1, 0)]
            await loop.apply(Launched(5, 1, 0))
            await loop.apply(Ended(6, 1, 0, ExitStatus(3)))
            await until(lambda: 1 not in loop.queue.jobs)
            assert effects(loop) == [Forget(1, 0)]
        assert store.load().jobs == ()
        assert [type(job.state) for job in store.history([1])] == [Finished]

    asyncio.run(main())


def test_no_time_passes_before_the_truth_is_known(running, toy, until):
    async def main():
        async with running(timers=False) as loop:
            await loop.apply(toy.submission())
            await asyncio.sleep(0)
            assert loop.orders.empty()
            loop.timers = True
            loop.wake()
            await until(lambda: not loop.orders.empty())

    asyncio.run(main())


def test_a_fact_and_what_it_makes_due_share_a_commit(running, store, toy, monkeypatch):
    committed = []
    commit = store.commit

    def counted(entries, *rest):
        committed.append([type(entry.event) for entry in entries])
        commit(entries, *rest)

    monkeypatch.setattr(store, "commit", counted)

    async def main():
        async with running() as loop:
            await asyncio.gather(loop.apply(toy.submission()), loop.apply(Launched(100, 7, 0)))
            assert loop.orders.get_nowait().effect == Launch(1, 0)
            assert committed == [[Submitted, Passed]]

    asyncio.run(main())


def test_a_batch_job_begins_a_moment_after_its_submission_is_answered(running, toy, monkeypatch):
    monkeypatch.setattr("flowbatch.controller.loop.SETTLES_S", 2)

    async def main():
        async with running() as loop:
            await loop.apply(toy.submission())
            assert loop.orders.empty()
            await loop.apply(toy.submission())
            assert loop.orders.empty()
            assert [(await asyncio.wait_for(loop.orders.get(), 30)).effect for _ in range(2)] == [
                Launch(1, 0),
                Launch(2, 0),
            ]

    asyncio.run(main())


def test_an_allocation_that_somebody_waits_for_begins_at_once(running, toy):
    async def main():
        async with running() as loop:
            event = toy.submission()
            await loop.apply(replace(event, spec=event.spec.model_copy(update={"kind": "salloc"})))
            assert loop.orders.get_nowait().effect == Launch(1, 0)

    asyncio.run(main())


def test_time_passes_where_the_clock_goes_back(running, store, toy, clock, until):
    async def main():
        async with running() as loop:
            loop.queue.next_wake = lambda: clock.now() + 100  # later than ever: nothing else is due
            loop.timers = False  # or the submission would bring its own pass
            await loop.apply(toy.submission())
            loop.timers = True
            assert loop.orders.empty()
            clock.advance(-3600)
            loop.wake()
            await until(lambda: not loop.orders.empty())

    asyncio.run(main())


def test_a_pass_is_not_repeated_for_nothing(running, toy, clock, until, store):
    async def main():
        async with running() as loop:
            loop._make_queue = None
            await loop.apply(toy.submission())
            await until(lambda: isinstance(loop.queue.jobs[1].state, Running))
            loop.queue.next_wake = lambda: 0  # a queue that always asks for another pass
            passes = []
            step = loop._step
            loop._step = lambda queue, event: passes.append(event) or step(queue, event)
            await loop.apply(Launched(5, 1, 0))
            await until(lambda: passes[-1:] != [] and len(passes) >= 2)
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert len(passes) == 2

    asyncio.run(main())


def test_a_failed_commit_is_told_and_leaves_nothing(running, store, toy, caplog):
    async def main():
        async with running(timers=False) as loop:
            await loop.apply(toy.submission())
            store.fails = 1
            with pytest.raises(StoreFailed, match="disk full"):
                await loop.apply(toy.submission())
            assert list(loop.queue.jobs) == [1]
            assert await loop.apply(toy.submission()) == Accepted(2)
            assert loop.orders.empty()
        assert [job.id for job in store.load().jobs] == [1, 2]

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(main())


def test_a_store_that_cannot_be_read_is_asked_again(running, store, toy, caplog, monkeypatch):
    monkeypatch.setattr("flowbatch.controller.loop.RETRY_S", 0.001)

    async def main():
        async with running(timers=False) as loop:
            store.fails, store.unreadable = 1, 2
            for _ in range(2):
                with pytest.raises(StoreFailed):
                    await loop.apply(toy.submission())
            assert await loop.apply(toy.submission()) == Accepted(1)

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(main())


def test_a_fact_of_the_world_is_told_until_it_is_committed(running, store, toy, caplog, monkeypatch):
    monkeypatch.setattr("flowbatch.controller.loop.RETRY_S", 0.001)

    async def main():
        async with running(timers=False) as loop:
            await loop.apply(toy.submission())
            store.fails = 3
            await loop.tell(Ended(6, 1, 0, ExitStatus(3)))
            assert isinstance(loop.queue.jobs[1].state, Finished)

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(main())


def test_a_failing_disk_is_asked_less_and_less_often(running, store, toy, caplog, monkeypatch):
    pauses = []
    sleep = asyncio.sleep

    async def noted(seconds):
        pauses.append(seconds)
        await sleep(0)

    async def main():
        async with running(timers=False) as loop:
            await loop.apply(toy.submission())
            store.fails = 7
            monkeypatch.setattr("flowbatch.controller.loop.asyncio.sleep", noted)
            await loop.tell(Ended(6, 1, 0, ExitStatus(3)))
        assert pauses == [1, 2, 4, 8, 16, 30, 30]

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(main())


def test_a_fact_that_meets_a_bug_is_told_once(running, store, toy, caplog):
    async def main():
        async with running(timers=False) as loop:
            await loop.apply(toy.submission())
            loads = store.loads
            await asyncio.wait_for(loop.tell(Ended(6, 1, 0, ExitStatus(77))), 5)
            assert store.loads == loads + 1
            assert not isinstance(loop.queue.jobs[1].state, Finished)
            assert loop.orders.empty()

    asyncio.run(main())
    (said,) = [record for record in caplog.records if record.getMessage().startswith("a fact is left")]
    assert "code=77" in str(said.fields)


def test_a_bug_in_the_rules_is_contained(running, toy, caplog):
    async def main():
        async with running(timers=False) as loop:
            with pytest.raises(StoreFailed, match="internal error"):
                await loop.apply(toy.submission("bug"))
            assert await loop.apply(toy.submission()) == Accepted(1)

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(main())


def test_a_bug_that_one_fact_meets_is_not_the_others(running, toy, caplog):
    async def main():
        async with running(timers=False) as loop:
            asked = [loop.apply(toy.submission(name)) for name in ("one", "bug", "two")]
            one, bug, two = await asyncio.gather(*asked, return_exceptions=True)
            assert (one, two) == (Accepted(1), Accepted(2))
            assert isinstance(bug, StoreFailed)

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(main())


def test_a_bug_that_passing_time_meets_is_met_seldom(running, toy, caplog, monkeypatch):
    """A pass comes again by itself: without a pause in between, the loop would do nothing else."""
    monkeypatch.setattr("flowbatch.controller.loop.RETRY_S", 5)

    async def main():
        async with running(timers=False) as loop:
            step, passes = loop._step, []

            def buggy(queue, event):
                if not isinstance(event, Passed):
                    return step(queue, event)
                passes.append(event)
                raise ZeroDivisionError("a bug")

            loop._step = buggy
            await loop.apply(toy.submission())
            loop.queue.next_wake = lambda: 0
            loop.timers = True
            loop.wake()
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert len(passes) == 1
            monkeypatch.setattr("flowbatch.controller.loop.RETRY_S", 0)
            loop._step = step

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(asyncio.wait_for(main(), 20))


def test_what_was_performed_is_remembered(running, store, toy, until):
    async def main():
        async with running() as loop:
            await loop.apply(toy.submission())
            loop.performed(await loop.orders.get())
        assert store.load().owed == ()
        async with running(timers=False) as loop:
            await loop.apply(toy.submission())
        assert store.load().owed == ()

    asyncio.run(main())


def test_what_was_not_performed_is_owed(running, store, toy, until):
    async def main():
        async with running() as loop:
            await loop.apply(toy.submission())
            await until(lambda: not loop.orders.empty())
        assert [order for _, order in store.load().owed] == [Launch(1, 0)]

    asyncio.run(main())


def test_nothing_is_taken_after_stop(running, toy):
    async def main():
        async with running() as loop:
            loop.stop()
            with pytest.raises(StoreFailed, match="stopping"):
                await loop.apply(toy.submission())

    asyncio.run(main())


def test_waiting_for_the_end_of_a_job(running, store, toy, until):
    async def main():
        async with running() as loop:
            port = Port(loop, store)
            await loop.apply(toy.submission())
            waiting = asyncio.ensure_future(port.finished(1))
            await until(lambda: not loop.orders.empty())
            assert not waiting.done()
            await loop.apply(Ended(6, 1, 0, ExitStatus(3)))
            (job,) = await waiting
            assert job.state.ending.exit == ExitStatus(3)
            await until(lambda: 1 not in loop.queue.jobs)
            assert [job.id for job in await port.finished(1)] == [1]
            with pytest.raises(KeyError):
                await port.finished(2)

    asyncio.run(main())


def test_what_the_port_tells(running, store, toy):
    async def main():
        async with running(timers=False) as loop:
            port = Port(loop, store)
            await port.apply(toy.submission(), PAYLOAD)
            assert [job.id for job in port.snapshot().jobs] == [1]
            assert (port.now(), port.cluster) == (1000, toy.cluster)
            assert await port.payload(1) == PAYLOAD
            assert await port.payload(2) is None
            assert await port.story(1) == [(100, "submitted by alice -> PENDING (None)")]
            assert [job.id for job in await port.history()] == [1]

    asyncio.run(main())
