"""Which processes are a step's tasks, which are the batch script's, and what this system says of one."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from flowbatch.node import looking
from flowbatch.node.book import Entry, Started, Stepped
from flowbatch.node.granting import Part
from flowbatch.node.processes import Used, here
from flowbatch.protocol.launch import Report, StepReport
from tests.node.jobs import key


@dataclass
class Tree:
    """Processes by their parents; the leaders of sessions have ranks."""

    parents: dict[int, int]
    ranks: dict[int, str]
    gone: set[int] = field(default_factory=set)

    def born(self, pid: int) -> str | None:
        return None if pid in self.gone else f"born {pid}"

    def family(self, pid: int) -> list[int]:
        below = [child for child, parent in self.parents.items() if parent == pid]
        return [one for child in below for one in (child, *self.family(child))]

    def leads_session(self, pid: int, parent: int) -> bool:
        return self.parents[pid] == parent and pid in self.ranks

    def variable(self, pid: int, name: str) -> str | None:
        return self.ranks.get(pid) if name == "SLURM_PROCID" else None

    def used(self, pid: int) -> Used | None:
        return Used(rss=pid, cpu_ms=1)


def entry(**more: Any) -> Entry:
    started = Started(key(), "n1", "/spool", "/err", 1, 1, "born 1", 2, "born 2", 30)
    report = StepReport(key(), 0, "began", 1, 1, "sh", ("n1", "n2"), (1, 1), 2, srun=10)
    parts = (Part("n1", (0,), 1, 1), Part("n2", (1,), 1, 1))
    return Entry(started=started, opened=True, steps={0: Stepped(key(), report, "born 10", parts)}, **more)


TREE = {2: 1, 10: 2, 11: 2, 20: 10, 21: 10, 22: 20, 30: 10}


def test_tasks_and_script_have_their_own_processes() -> None:
    seen = looking.tasks(entry(), Tree(TREE, {20: "0", 21: "1", 30: ""}))  # type: ignore[arg-type]
    assert [(task.step, task.rank, task.local, task.node, sorted(task.pids), task.rss) for task in seen] == [
        (None, 0, 0, "n1", [2, 10, 11, 30], 53),
        (0, 0, 0, "n1", [20, 22], 42),
        (0, 1, 0, "n2", [21], 21),
    ]
    assert [task.pids[0] for task in seen] == [2, 20, 21] and seen[1].cpu_ms == 2


def test_what_has_ended_has_no_tasks() -> None:
    tree = Tree(TREE, {20: "0"}, {10})
    assert [task.step for task in looking.tasks(entry(), tree)] == [None]  # type: ignore[arg-type]
    over = entry(report=Report(key(), "ended", 2))
    assert [task.step for task in looking.tasks(over, Tree(TREE, {20: "0"}))] == [0]  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_this_system_says_what_a_process_uses() -> None:
    used = here().used(os.getpid())
    assert used is not None and used.vm > used.rss > 1 << 20 and used.cpu_ms > 0 and used.read > 0
    assert here().variable(os.getpid(), "NO_SUCH") is None and here().used(0) is None
    assert here().variable(1 << 30, "PATH") is None and not here().leads_session(1 << 30, 1)
