"""A laptop with a sandbox beside it, for measurements: thin clients, a controller, a market with instances that really run."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flowbatch.backends.mithril import prepare
from flowbatch.backends.mithril.machine import node_command
from flowbatch.backends.mithril.ssh import Identity
from flowbatch.backends.mithril.visit import Visit
from flowbatch.backends.mithril.workspace import Workspace
from flowbatch.core.jobs import Owner
from flowbatch.paths import Paths
from flowbatch.sandbox.settings import Settings
from flowbatch.sdk import ssh
from flowbatch.sdk.controller import Controller
from flowbatch.sdk.jobs import asked
from flowbatch.sdk.sandbox import Sandbox
from tests.e2e.conftest import Cluster, until

QUICK = Settings(tick_s=1, notice_s=60, boot_delay_s=0, history_s=0, requests_per_minute=0)
WITHIN_S = 300


@dataclass
class Renter(Cluster):
    """Commands are called in `work`; `-M sandbox` is the default."""

    def __post_init__(self) -> None:
        super().__post_init__()
        (self.root / "config" / "flow.toml").write_text('default = "sandbox"\n')

    @property
    def paths(self) -> Paths:
        return Paths(self.state, self.root / "config")

    @property
    def market(self) -> Sandbox:
        return Sandbox(self.paths)

    def log(self) -> list[dict[str, Any]]:
        """The controller's log; `s` is the instant of each line."""
        lines = [json.loads(line) for line in self.paths.log.read_text().splitlines()]
        return [line | {"s": datetime.fromisoformat(line["at"]).timestamp()} for line in lines]


@contextmanager
def renter(settings: Settings = QUICK) -> Iterator[Renter]:
    """Nothing of it is left when this is over."""
    root = Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp"))
    one = Renter(root)
    try:
        one.market.start(settings)
        yield one
    finally:
        one.shut()
        one.market.stop()
        shutil.rmtree(root)


class Rented:
    """The machine of a job that sleeps there, reached by our own connection and by a connection of the system's ssh; both stay open."""

    def __init__(self, who: Renter) -> None:
        self._who = who
        quiet = who.work / "quiet"
        quiet.mkdir()
        done = who.run("sbatch", "--parsable", "-t", "60", "--wrap", "echo here; sleep 3600", cwd=quiet)
        self._job = done.out.partition(";")[0].strip()
        output = quiet / f"slurm-{self._job}.out"
        until(lambda: output.exists() and "here" in output.read_text(), "the machine is there", who.logs, WITHIN_S)
        self._way = json.loads(asked(Controller(who.paths).ask("flow-door", [self._job], again=True)))
        self._loop = asyncio.new_event_loop()
        self._visit = Visit(
            Identity("", Path(self._way["identity"])), Owner(os.getuid(), os.getgid(), "root", "root", "here"),
            self._way["login"], who.root / "pin",
        )  # fmt: skip
        self._visit.at(f"{self._way['host']}:{self._way['port']}")
        self._connection, self._place = self._loop.run_until_complete(self._visit.reach())
        *words, self._host, _ = ssh.words(self._way, ["true"], terminal=False)
        self._ssh = [
            *words[:-1],
            "-o",
            f"ControlPath={who.root}/ssh",
            "-o",
            "ControlMaster=auto",
            "-o",
            "ControlPersist=600",
        ]
        self.shell("true")

    def shell(self, command: str) -> str:
        """What it says there. Raises CalledProcessError."""
        done = subprocess.run([*self._ssh, "--", self._host, command], check=True, capture_output=True, text=True)
        return done.stdout

    def rsync(self, here: Path, there: Path, *, home: bool) -> float:
        """Seconds of a plain `rsync -a` of what is in a directory. Raises CalledProcessError."""
        remote, local = f"{self._host}:{there}/", f"{here}/"
        words = (remote, local) if home else (local, remote)
        began = time.perf_counter()
        subprocess.run(["rsync", "-a", "-e", shlex.join(self._ssh), *words], check=True, capture_output=True)
        return time.perf_counter() - began

    def room(self, root: Path) -> None:
        """The directory is there."""
        made = self._visit.as_root(self._connection, prepare.rooms(self._place, str(root), ()))
        self._loop.run_until_complete(made)

    def ours(self, root: Path, *, home: bool) -> float:
        """Seconds in which the workspace `root` goes there, or what is new in it comes back."""
        workspace = Workspace(str(root), node_command(self._place, str(root), "workspace"), frozenset(), 1)
        began = time.perf_counter()
        with workspace.talk(self._connection) as talk:
            if home:
                assert workspace.fetch(talk) == ([], [])
            else:
                workspace.bring(talk)
        return time.perf_counter() - began

    def end(self) -> None:
        subprocess.run([*self._ssh, "-O", "exit", self._host], check=False, capture_output=True)
        self._visit.cut()
        self._loop.close()
        self._who.run("scancel", self._job)
