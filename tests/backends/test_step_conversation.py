"""Steps in the conversation with a node: told after what came before of their job, heard once they are committed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from flowbatch.backends.conversation import Conversation
from flowbatch.core.events import Launched, StepBegan, StepEnded
from flowbatch.core.states import ExitStatus
from flowbatch.core.steps import Step
from flowbatch.protocol.launch import Key, Report, StepReport, line, parse

KEY = Key("mine", 7, 1)
BEGAN = StepReport(KEY, 2, "began", 50, 50, "sh", ("n1", "n2"), (2, 1), 3, 1, 9, "sh -c x", limit_min=4, srun=77)
ENDED = replace(BEGAN, what="ended", at=60, code=3, cancelled_by=5, max_rss_kib=6, cpu_ms=8, system_ms=1)
STEP = Step(2, "sh", ("n1", "n2"), (2, 1), 3, 50, 1, 9, "sh -c x", limit_min=4, srun=77)
OVER = replace(STEP, ended_at=60, exit=ExitStatus(3), cancelled_by=5, max_rss_kib=6, cpu_ms=8, system_ms=1)


class Node:
    """Says these reports of steps to whoever resumes, after the placement's own; `orders` are what it was told."""

    def __init__(self, *said: StepReport) -> None:
        self.said = said
        self.orders: asyncio.Queue[dict] = asyncio.Queue()

    async def serve(self, reader, writer) -> None:
        writer.write(line("node"))
        while text := await reader.readline():
            order = parse(text)
            if order["op"] == "resume":
                writer.write(line("report", report=Report(KEY, "launched", 40)))
                for report in self.said:
                    writer.write(line("step", step=report))
                writer.write(line("resumed"))
            else:
                self.orders.put_nowait(order)
        writer.close()


def converse(node, tmp_path, scene, tell):
    async def whole():
        path = str(tmp_path / "sock")
        server = await asyncio.start_unix_server(node.serve, path)
        conversation = Conversation("mine", lambda: asyncio.open_unix_connection(path))
        await conversation.start(tell, [KEY])
        try:
            return await asyncio.wait_for(scene(conversation), 20)
        finally:
            await conversation.close()
            server.close()

    return asyncio.run(whole())


def test_a_step_is_told_in_its_turn_and_its_end_is_heard_after_the_commit(tmp_path):
    other = replace(ENDED, key=Key("another", 7, 1))
    node, told = Node(BEGAN, ENDED, other), []

    async def tell(fact):
        await asyncio.sleep(0)
        assert node.orders.empty()
        told.append(fact)

    async def scene(conversation):
        assert await node.orders.get() == {
            "op": "heard",
            "key": {"store": "mine", "job_id": 7, "restart": 1},
            "number": 2,
        }
        assert told == [Launched(40, 7, 1), StepBegan(50, 7, 1, STEP), StepEnded(60, 7, 1, OVER)]
        assert node.orders.empty()

    converse(node, tmp_path, scene, tell)


def test_a_signal_for_a_step_is_an_order(tmp_path):
    node = Node()

    async def tell(fact): ...

    async def scene(conversation):
        await conversation.deliver_step(KEY, 2, 9, 1000)
        order = await node.orders.get()
        assert (order["op"], order["number"], order["signal"], order["by"]) == ("step", 2, 9, 1000)

    converse(node, tmp_path, scene, tell)
