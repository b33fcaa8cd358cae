"""A node in the test's own process, and its reports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowbatch.node.node import Node
from flowbatch.protocol.launch import Key, LaunchMessage, Report
from tests.node.jobs import key, message


class Watched:
    """A node whose reports are kept; `said` waits for one of them."""

    def __init__(self, directory: Path, work: Path, **parts: Any) -> None:
        self.work = work
        self.reports: list[Report] = []
        self._news = asyncio.Event()
        self.node = Node(directory, self._tell, **parts)

    def _tell(self, report: Report) -> None:
        self.reports.append(report)
        self._news.set()

    async def said(self, *what: str, of: Key | None = None) -> Report:
        """The first report of the placement that says one of these things, now or soon."""
        while True:
            for report in self.reports:
                if report.what in what and report.key == (of or key()):
                    return report
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 20)

    async def over(self, job: LaunchMessage) -> Report:
        """Launches a job and waits for its end."""
        self.node.launch(job)
        return await self.said("ended", "failed", "unknown", of=job.key)

    def job(self, script: str, **changes: Any) -> LaunchMessage:
        return message(self.work, script, **changes)

    def output(self, job_id: int = 1) -> str:
        return (self.work / f"slurm-{job_id}.out").read_text()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Waits until something outside has happened."""
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("waited in vain")


Play = Callable[[Watched], Awaitable[Any]]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def play(tmp_path: Path, work: Path) -> Iterator[Callable[..., Any]]:
    """Runs a coroutine function with a node; called again, the next life of the same node."""
    before = os.umask(0)

    def played(scene: Play, **parts: Any) -> Any:
        async def whole() -> Any:
            (tmp_path / "node").mkdir(mode=0o700, exist_ok=True)
            watched = Watched(tmp_path / "node", work, **parts)
            await watched.node.adopt()
            try:
                return await scene(watched)
            finally:
                watched.node.close()

        return asyncio.run(whole())

    yield played
    os.umask(before)
