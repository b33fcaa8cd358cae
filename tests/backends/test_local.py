"""The client of the node's socket: connections that break, orders that wait, placements of others."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque

import pytest

from flowbatch import __version__
from flowbatch.backends import conversation
from flowbatch.backends.local import LocalBackend
from flowbatch.core.events import Ended, Launched, NodeLost
from flowbatch.core.states import ExitStatus
from flowbatch.errors import FlowError
from flowbatch.node.server import SOCKET
from flowbatch.protocol.launch import Key, Report, line
from tests.node.jobs import STORE, key, message


class PretendedNode:
    """A node's socket whose every line the test writes itself."""

    def __init__(self, directory, version=__version__) -> None:
        self.directory = directory
        self.version = version
        self.heard: deque = deque()
        self._news = asyncio.Event()
        self._writer = None
        self.ahead_s = 0

    async def __aenter__(self):
        self._server = await asyncio.start_unix_server(self._converse, str(self.directory / SOCKET))
        return self

    async def __aexit__(self, *error):
        self.hang_up()
        self._server.close()
        (self.directory / SOCKET).unlink()

    async def _converse(self, reader, writer):
        self._writer = writer
        writer.write(line("node", now=time.time() + self.ahead_s, version=self.version))
        while text := await reader.readline():
            self.heard.append(json.loads(text))
            self._news.set()
        writer.close()
        await writer.wait_closed()

    async def hears(self, op):
        while not self.heard:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 10)
        message = self.heard.popleft()
        assert message["op"] == op
        return message

    def say(self, *reports):
        for report in reports:
            self._writer.write(line("report", report=report))

    def resumed(self):
        self._writer.write(line("resumed"))

    def hang_up(self):
        if self._writer is not None:
            self._writer.close()


class Told:
    def __init__(self) -> None:
        self.facts = []
        self.block = None

    async def tell(self, fact):
        if self.block is not None:
            await self.block.wait()
        self.facts.append(fact)

    async def count(self, number):
        for _ in range(1000):
            if len(self.facts) >= number:
                return self.facts
            await asyncio.sleep(0.01)
        raise AssertionError(f"only {self.facts} was told")


@pytest.fixture
def play(tmp_path, monkeypatch):
    monkeypatch.setattr(conversation, "RETRY_S", (0.01,))

    def played(scene, running=()):
        async def whole():
            told = Told()

            async def ensure():
                raise FlowError("nothing to start here")

            async with PretendedNode(tmp_path) as node:
                backend = LocalBackend(tmp_path, STORE, ensure)
                starting = asyncio.ensure_future(backend.start(told.tell, running))
                try:
                    await asyncio.wait_for(scene(node, backend, told, starting), 30)
                finally:
                    starting.cancel()
                    await backend.close()

        asyncio.run(whole())

    return played


async def at_ease(node, starting):
    await node.hears("resume")
    node.resumed()
    await starting


def test_start_returns_when_the_truth_was_committed(play):
    async def scene(node, backend, told, starting):
        told.block = asyncio.Event()
        assert (await node.hears("resume"))["keys"] == [{"store": STORE, "job_id": 1, "restart": 0}]
        node.say(Report(key(1), "launched", 5), Report(key(1), "ended", 6, code=2))
        node.resumed()
        await asyncio.sleep(0.05)
        assert not starting.done()
        told.block.set()
        await starting
        assert told.facts == [Launched(5, 1, 0), Ended(6, 1, 0, ExitStatus(2))]

    play(scene, [key(1)])


def test_facts_of_different_placements_do_not_wait_for_each_other(play):
    async def scene(node, backend, told, starting):
        await at_ease(node, starting)
        told.block = asyncio.Event()
        node.say(*(Report(key(n), "launched", 5) for n in range(3)))
        for _ in range(100):
            await asyncio.sleep(0.01)
            if len(backend._telling) == 3:
                break
        assert len(backend._telling) == 3
        told.block.set()
        await told.count(3)

    play(scene)


def test_what_is_unanswered_is_ordered_again_over_the_next_connection(play, tmp_path):
    async def scene(node, backend, told, starting):
        await at_ease(node, starting)
        await backend.launch(message(tmp_path, "one", 1))
        await backend.launch(message(tmp_path, "two", 2))
        await backend.stop(key(1), "cancelled")
        for op in ("launch", "launch", "stop"):
            await node.hears(op)
        node.say(Report(key(2), "launched", 5))
        await told.count(1)
        node.hang_up()
        assert (await node.hears("resume"))["keys"] == [{"store": STORE, "job_id": 2, "restart": 0}]
        assert (await node.hears("launch"))["message"]["key"]["job_id"] == 1
        assert (await node.hears("stop"))["key"]["job_id"] == 1
        node.resumed()
        node.say(Report(key(1), "ended", 6, signal=15, cause="killed"))
        await told.count(2)
        node.hang_up()
        await node.hears("resume")
        await asyncio.sleep(0.05)
        assert not node.heard

    play(scene)


def test_orders_between_two_connections_wait_for_the_next(play, tmp_path):
    async def scene(node, backend, told, starting):
        await at_ease(node, starting)
        node.hang_up()
        while backend._writer is not None:
            await asyncio.sleep(0)
        await backend.launch(message(tmp_path, "one", 1))
        await node.hears("resume")
        await node.hears("launch")

    play(scene)


def test_an_absent_placement_is_lost_or_launched_again(play, tmp_path):
    async def scene(node, backend, told, starting):
        await node.hears("resume")
        node.say(Report(key(9), "absent", 5))
        node.resumed()
        await starting
        assert told.facts == [NodeLost(5, 9, 0)]
        await backend.launch(message(tmp_path, "one", 1))
        await node.hears("launch")
        node.say(Report(key(1), "absent", 6))
        await node.hears("launch")

    play(scene, [key(9)])


def test_a_leave_is_said_again_until_its_placement_is_over(play):
    async def scene(node, backend, told, starting):
        await at_ease(node, starting)
        await backend.leave(key(1), 99)
        assert (await node.hears("leave"))["until"] == 99
        node.hang_up()
        await node.hears("resume")
        assert (await node.hears("leave"))["until"] == 99
        node.resumed()
        await backend.stay(key(1))
        await node.hears("stay")
        node.hang_up()
        await node.hears("resume")
        await node.hears("stay")
        node.say(Report(key(1), "ended", 6))
        await told.count(1)
        node.hang_up()
        await node.hears("resume")
        await asyncio.sleep(0.05)
        assert not node.heard

    play(scene, [key(1)])


@pytest.mark.parametrize("ahead_s", [3600, -3600])
def test_a_clock_that_is_wrong_neither_kills_nor_prolongs(play, ahead_s):
    async def scene(node, backend, told, starting):
        await at_ease(node, starting)
        node.ahead_s = ahead_s
        node.hang_up()
        await node.hears("resume")
        while backend._ahead_s == 0:
            await asyncio.sleep(0)
        now = int(time.time())
        node.say(Report(key(1), "launched", now + ahead_s - 60), Report(key(1), "ended", now + ahead_s + 60))
        launched, ended = await told.count(2)
        assert abs(launched.at - (now - 60)) <= 1
        assert now <= ended.at <= time.time(), "what is told lies never ahead"
        await backend.leave(key(2), now + 300)
        assert abs((await node.hears("leave"))["until"] - (now + 300 + ahead_s)) <= 1
        node.hang_up()
        await node.hears("resume")
        assert abs((await node.hears("leave"))["until"] - (now + 300 + ahead_s)) <= 1

    play(scene, [key(1)])


def test_a_homecoming_holds_up_nobody_s_news(play):
    async def scene(node, backend, told, starting):
        await node.hears("resume")
        told.block = asyncio.Event()
        node.say(Report(key(1), "ended", 5))
        node.resumed()
        node.say(Report(key(2), "launched", 6))
        for _ in range(200):
            await asyncio.sleep(0.01)
            if len(backend._telling) == 2:
                break
        assert len(backend._telling) == 2
        assert not starting.done()
        told.block.set()
        await starting

    play(scene, [key(1)])


def test_a_forgotten_placement_that_comes_again_is_forgotten_again(play):
    async def scene(node, backend, told, starting):
        await at_ease(node, starting)
        await backend.forget(key(1))
        await node.hears("forget")
        node.say(Report(key(1), "ended", 6))
        await node.hears("forget")
        assert told.facts == []

    play(scene)


def test_placements_of_another_store_are_left_alone(play):
    async def scene(node, backend, told, starting):
        await node.hears("resume")
        node.say(Report(Key("ffffffffffff", 1, 0), "ended", 6))
        node.resumed()
        await starting
        assert told.facts == []
        assert not node.heard

    play(scene)


@pytest.mark.parametrize("nonsense", [b"nonsense\n", b'{"op":"report"}\n', b'{"op":"report","report":{"key":7}}\n'])
def test_a_node_that_talks_nonsense_is_left_and_asked_again(play, nonsense):
    async def scene(node, backend, told, starting):
        await node.hears("resume")
        node._writer.write(nonsense)
        await at_ease(node, starting)

    play(scene)


def test_a_daemon_of_another_version_makes_room_before_it_is_told_anything(tmp_path):
    """As one does that is told to retire: its socket is gone first, its lock a moment later."""

    async def tell(fact):
        raise AssertionError(fact)

    async def whole():
        asked = 0

        async def ensure():
            nonlocal asked
            asked += 1
            if asked == 2:
                await next_one.__aenter__()

        next_one = PretendedNode(tmp_path)
        async with PretendedNode(tmp_path, "0.0.9") as older:
            backend = LocalBackend(tmp_path, STORE, ensure)
            starting = asyncio.ensure_future(backend.start(tell, []))
            await older.hears("retire")
            assert not older.heard
        await at_ease(next_one, starting)
        await backend.close()
        await next_one.__aexit__()
        assert asked == 2

    asyncio.run(asyncio.wait_for(whole(), 30))


def test_without_a_node_start_says_why(tmp_path):
    async def ensure():
        raise FlowError("nothing to start here")

    async def tell(fact):
        raise AssertionError(fact)

    with pytest.raises(FlowError, match="nothing to start here"):
        asyncio.run(LocalBackend(tmp_path, STORE, ensure).start(tell, []))
