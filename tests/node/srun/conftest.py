"""A node daemon for all tests of a module, and jobs on it whose scripts call srun."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from flowbatch.node.server import SOCKET
from flowbatch.node.start import start
from flowbatch.protocol.launch import line
from flowbatch.protocol.sockets import connected
from flowbatch.slurm import hostlist
from tests.node.jobs import message, until


class Jobs:
    """Jobs on one node daemon. `run` gives what a job's script prints, with its number as 1 and without the clock's words."""

    def __init__(self, directory: Path) -> None:
        self.node, self.bin = directory / "node", directory / "bin"
        self.bin.mkdir()
        (self.bin / "srun").write_text(f'#!/bin/sh\nexec {sys.executable} -I -m flowbatch.node.srun {self.node} "$@"\n')
        (self.bin / "srun").chmod(0o755)
        self._numbers = count(101)
        start(self.node, {"TZ": "UTC"})

    def run(
        self, work: Path, script: str, *, ntasks: int | None = 4, gpus: tuple[int, ...] | None = None,
        cpus: Sequence[int] = (4,), others: Sequence[Sequence[int]] = (), variables: Sequence[str] = (), within_s: float = 60,
        **shares: Any,
    ) -> str:  # fmt: skip
        """`cpus`: of each node n1, n2 ...; `shares`: what each of them has besides; `others`: the nodes of further components."""
        number = next(self._numbers)
        nodes = tuple(f"n{index}" for index in range(1, len(cpus) + 1))
        path = f"{self.bin}:{os.environ['PATH']}"
        job = message(
            work, f"exec 2>&1\n{script}\necho the end", job_id=number, environment=(f"PATH={path}", *variables)
        )
        facts = {
            **job.facts, "nodes": nodes, "nodelist": hostlist.fold(nodes), "cpus_per_node": tuple(cpus),
            "tasks_per_node": tuple(cpus), "ntasks": ntasks, "gpus": gpus,
        }  # fmt: skip
        has = [
            {"node": node, "cpus": each, "gpus": gpus or (), **shares} for node, each in zip(nodes, cpus, strict=True)
        ]
        components = [{"job_id": number, "shares": has}] if others else []
        for component in others:
            first = 1 + sum(len(one["shares"]) for one in components)
            beside = [{"node": f"n{first + index}", "cpus": each} for index, each in enumerate(component)]
            components.append({"job_id": number + len(components), "shares": beside})
        out = work / f"slurm-{number}.out"
        with connected(self.node, SOCKET) as asked:
            launch = replace(job, facts=facts, hosts=nodes, shares=tuple(has), components=tuple(components))
            asked.sendall(line("resume", keys=[]) + line("launch", message=launch))
            until(lambda: out.exists() and "the end\n" in out.read_text(), within_s)
        text = out.read_text().removesuffix("the end\n").replace(str(number), "1")
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "T", text)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    made = Jobs(tmp_path_factory.mktemp("srun"))
    yield made
    os.kill(int((made.node / "node.pid").read_text()), signal.SIGTERM)


@pytest.fixture
def run(jobs: Jobs, tmp_path: Path) -> Callable[..., str]:
    """What a job of four tasks on four CPUs prints."""

    def ran(script: str, **changes: Any) -> str:
        return jobs.run(tmp_path, script, **changes)

    return ran
