"""Those who look on at a step: what they are told, what they missed, what they may type, and that none of them holds it up."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flowbatch.node.srun.attached import BEHIND, MOST, REMEMBERED, Attached
from flowbatch.node.srun.tasks import Task, Tasks
from flowbatch.protocol.launch import line
from flowbatch.protocol.sockets import connected
from tests.node.jobs import until


class Step:
    """A step of two tasks that a test writes for, and its door."""

    def __init__(self, directory: Path) -> None:
        self.said: list[str] = []
        self.fed: list[tuple[bytes, int | None]] = []
        self.came: list[socket.socket] = []
        self.tasks = Tasks(all=[Task(0, "n1"), Task(1, "n1")])
        self.attached = Attached(self.tasks, self.said.append)
        self.attached.feed = lambda data, only: self.fed.append((data, only))
        self.door = directory / "step.0.sock"
        self.attached.open(self.door)

    def look(self) -> None:
        self.attached.tick()
        self.tasks.look(0.01)

    def come(self) -> socket.socket:
        """Somebody looks on, and is heard."""
        self.came.append(connected(self.door.parent, self.door.name))
        self.look()
        return self.came[-1]

    def heard(self, came: socket.socket, last: str) -> list[dict[str, Any]]:
        """All that he is told until a message of that kind."""
        came.settimeout(0.01)
        told: list[dict[str, Any]] = []
        rest, deadline = b"", time.monotonic() + 30
        while not any(one["op"] == last for one in told):
            assert time.monotonic() < deadline, told
            self.look()
            with suppress(TimeoutError):
                data = came.recv(1 << 20)
                assert data, told
                *lines, rest = (rest + data).split(b"\n")
                told += map(json.loads, lines)
        return told


@pytest.fixture
def step(tmp_path: Path) -> Iterator[Step]:
    made = Step(tmp_path)
    yield made
    made.attached.over(0)
    for came in made.came:
        came.close()


def outputs(told: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    return [(one["rank"], one["stream"], one["data"]) for one in told if one["op"] == "out"]


def test_who_looks_on_is_told_all_that_comes_and_the_end(step: Step) -> None:
    step.attached.hear(0, 0, 1, b"early\n")
    first, second = step.come(), step.come()
    step.attached.hear(0, 1, 2, "späte\n".encode())
    step.attached.said("slurmstepd: error: a word")
    step.attached.exited([0, 1], 3)
    step.attached.over(5)
    for one in (first, second):
        told = step.heard(one, "over")
        assert [message["op"] for message in told] == ["step", "out", "out", "said", "exited", "over"]
        assert told[0]["tasks"] == 2 and told[4]["ranks"] == [0, 1] and told[4]["status"] == 3
        assert outputs(told) == [(0, 1, "early\n"), (1, 2, "späte\n".encode().decode("latin-1"))]
    assert not step.door.exists()


def test_of_what_he_missed_each_node_keeps_the_last_messages(step: Step) -> None:
    step.attached.hear(0, 0, 1, b"".join(b"%d\n" % number for number in range(300_000, 320_000)) * 4)
    for number in range(200):
        step.attached.hear(1, 1, 1, b"line %d\n" % number)
    told = outputs(step.heard(step.come(), "out"))
    many, lines = [data for rank, _, data in told if not rank], [data for rank, _, data in told if rank]
    assert lines == [f"line {number}\n" for number in range(200 - REMEMBERED, 200)]
    assert len(many) == REMEMBERED and all(len(data) <= 1024 and data.endswith("\n") for data in many)
    assert many[-1].endswith("319999\n")


def test_much_that_was_missed_is_no_reason_to_be_dropped(step: Step) -> None:
    for node in range(2 * BEHIND // (REMEMBERED * 1024)):
        step.attached.hear(node, 0, 1, b"x" * (REMEMBERED * 1024))
    came = step.come()
    step.attached.exited([0], 0)
    told = step.heard(came, "exited")
    assert step.said == [] and sum(len(data) for _, _, data in outputs(told)) == 2 * BEHIND


def test_one_who_does_not_read_is_dropped_by_name_and_the_others_are_not(step: Step) -> None:
    idle, busy = step.come(), step.come()
    begun, read = time.monotonic(), 0
    for _ in range(2 * BEHIND // 65536):
        step.attached.hear(0, 0, 1, b"x" * 65536)
        busy.settimeout(0.001)
        for _ in range(8):
            try:
                read += len(busy.recv(1 << 17))
            except TimeoutError:
                break
            step.look()
    assert time.monotonic() - begun < 20
    assert len(step.said) == 1 and "a sattach was dropped" in step.said[0]
    assert "the step does not wait for it" in step.heard(idle, "dropped")[-1]["why"]
    step.attached.over(0)
    assert read > BEHIND


def test_one_who_is_gone_and_one_too_many(step: Step) -> None:
    step.come().close()
    for _ in range(3):
        step.attached.hear(0, 0, 1, b"to nobody\n")
        step.look()
    assert not step.attached._lookers
    there = [step.come() for _ in range(MOST)]
    assert "look on at this step already" in step.heard(step.come(), "dropped")[-1]["why"]
    step.attached.over(5)
    assert step.heard(there[-1], "over")[-1]["op"] == "over"


def test_what_he_types_is_for_all_tasks_or_one_and_nonsense_ends_him(step: Step) -> None:
    came, other = step.come(), step.come()
    came.sendall(
        line("in", data="all\n", rank=None) + line("in", data="one\n", rank=1) + line("in", data="", rank=None)
    )
    other.sendall(b"nonsense\n")
    until(lambda: step.look() or len(step.fed) == 3, 10)
    assert step.fed == [(b"all\n", None), (b"one\n", 1), (b"", None)]
    until(lambda: step.look() or len(step.attached._lookers) == 1, 10)


def test_nobody_else_may_connect(step: Step) -> None:
    assert stat.S_IMODE(os.stat(step.door).st_mode) == 0o600


def test_sattach_beside_srun(run: Callable[..., str], jobs: Any) -> None:
    """It shows the output of one task and the errors of another, feeds both, and ends with the step: with the highest code of all."""
    sattach = f"{sys.executable} -I -m flowbatch.node.sattach {jobs.node}"
    told, seen, said = run(
        f"""
mkfifo first second
(srun -n 2 sh -c 'echo begins; read word; echo "got $word" >&2; exit $((4 - SLURM_PROCID))' <first >srun.out 2>&1; echo $? >srun.code) &
exec 7>first
until grep -q begins srun.out; do sleep 0.1; done
{sattach} '{{"job_id":'$SLURM_JOB_ID',"step":0,"label":true,"output":1,"error":0,"verbose":true}}' <second >seen.out 2>seen.err &
exec 8>second
until grep -q begins seen.out; do sleep 0.1; done
echo a word >&8
wait $!; echo sattach $?; exec 8>&- 7>&-; wait; cat srun.code; grep -c got srun.out; echo ----; cat seen.out; echo ----; sort seen.err
{sattach} '{{"job_id":'$SLURM_JOB_ID',"step":0}}' </dev/null; echo again $?
"""
    ).split("----\n")
    assert told == "sattach 4\n4\n2\n" and seen == "1: begins\n"
    assert said == (
        "0: got a word\nsattach: 1 tasks finished (rc=1024)\nsattach: 1 tasks finished (rc=768)\n"
        "sattach: error: task 0 exited with exit code 4\nsattach: error: task 1 exited with exit code 3\n"
        "sattach: error: Could not get job step info: Job/step already completing or completed\nagain 1\n"
    )
