"""A whole cluster of our own: thin clients, a real controller, a real node daemon, in a state directory of its own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flowbatch import app
from flowbatch.core import invariants
from flowbatch.core.queue import Queue
from flowbatch.store.sqlite import SqliteStore
from tests.living import alive, files, inside

CLIENT = Path(__file__).resolve().parents[2] / "shims" / "client.py"
WITHIN_S = 30
"""How long a condition may take to come true on a busy machine."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass
class Cluster:
    """Commands by name, as a user calls them. `root` holds the directories `state`, `config` and `work`; `python` is the
    interpreter of the installation that starts a controller."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def __post_init__(self) -> None:
        for name in ("state", "config", "work"):
            (self.root / name).mkdir(mode=0o700, exist_ok=True)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8",
            "FLOW_STATE_DIR": str(self.state), "FLOW_CONFIG_DIR": str(self.root / "config"), "FLOW_IDLE_EXIT": "60",
        } | self.env  # fmt: skip

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def work(self) -> Path:
        """The directory that commands are called in."""
        return self.root / "work"

    def configure(self, slurm_conf: str, gres_conf: str = "") -> None:
        """The cluster's shape, in Slurm's words; before the first command."""
        (self.root / "config" / "slurm.conf").write_text(slurm_conf)
        (self.root / "config" / "gres.conf").write_text(gres_conf)

    def command(self, name: str, *args: str) -> list[str]:
        """The words that run a thin client."""
        return [sys.executable, "-I", "-S", str(CLIENT), name, str(self.state), self.python, *args]

    def with_commands(self, *names: str) -> dict[str, str]:
        """The environment of a caller who has these on the PATH."""
        bin = self.root / "bin"
        bin.mkdir(exist_ok=True)
        for name in names:
            program = bin / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join(self.command(name))} "$@"\n')
            program.chmod(0o755)
        return {**self.env, "PATH": f"{bin}:{self.env['PATH']}"}

    def run(
        self, name: str, *args: str, stdin: str | bytes = b"", cwd: Path | None = None,
        env: Mapping[str, str] | None = None, timeout: float = 60,
    ) -> Done:  # fmt: skip
        """Runs one command to its end."""
        done = subprocess.run(
            self.command(name, *args), input=stdin.encode() if isinstance(stdin, str) else stdin, capture_output=True,
            cwd=cwd or self.work, env={**self.env, **(env or {})}, timeout=timeout, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def start(self, name: str, *args: str) -> subprocess.Popen[bytes]:
        """Starts one command and leaves it running."""
        return subprocess.Popen(
            self.command(name, *args), cwd=self.work, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def submit(self, script: str, *args: str) -> int:
        """Submits a script from standard input; the job's number."""
        done = self.run("sbatch", "--parsable", *args, stdin=script)
        assert done.code == 0, done
        return int(done.out)

    def controller(self, verb: str) -> Done:
        """`start`, `stop` or `status`."""
        done = subprocess.run(
            [self.python, "-I", "-m", "flowbatch.controller", verb], env=self.env, capture_output=True, timeout=60,
            check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def pid(self, name: str = "controller.pid") -> int | None:
        """The process that a pid file under the state directory names, if it lives."""
        for file in files(self.state, name):
            try:
                pid = int(file.read_text().split()[0])
                os.kill(pid, 0)
            except (OSError, ValueError, IndexError):
                continue
            return pid
        return None

    def kill(self, name: str = "controller.pid") -> None:
        """kill -9, and gone when this returns."""
        pid = self.pid(name)
        assert pid is not None, f"no {name}"
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid), f"pid {pid} is gone")

    def jobs(self, *args: str) -> dict[str, str]:
        """Long state words by job id, as squeue shows them with `-t all`."""
        done = self.run("squeue", "-h", "-t", "all", "-o", "%i %T", *args)
        assert done.code == 0, done
        return dict(line.split(None, 1) for line in done.out.splitlines())

    def wait_state(self, job_id: int | str, *states: str) -> str:
        """Waits until squeue shows the job in one of `states`."""
        seen = ""

        def there() -> bool:
            nonlocal seen
            seen = self.jobs("-j", str(job_id)).get(str(job_id), "")
            return seen in states

        until(there, f"job {job_id} is {' or '.join(states)}", lambda: f"it is {seen!r}\n{self.logs()}")
        return seen

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until `condition` holds; fails the test, naming `what`, if it does not."""
        until(condition, what, self.logs)

    def logs(self) -> str:
        """What controller and node wrote down: for messages of failed tests."""
        return "\n".join(f"{file}:\n{file.read_text()[-4000:]}" for file in files(self.state, "*.log"))

    def shut(self) -> None:
        """Every process of this cluster is gone: jobs, controller, node daemon."""
        for file in files(self.state, "*.pid"):
            pid = self.pid(file.name)
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
                try:
                    until(lambda pid=pid: not alive(pid), f"pid {pid} stops", within_s=10)
                except AssertionError:
                    os.kill(pid, signal.SIGKILL)
        for pid in inside(self.root):
            os.kill(pid, signal.SIGKILL)


def until(
    condition: Callable[[], bool], what: str, why: Callable[[], str] = lambda: "", within_s: float = WITHIN_S
) -> None:
    """Waits until `condition` holds; fails the test, naming `what`, if it does not."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s in vain until {what} {why()}"
        time.sleep(0.02)


@pytest.fixture
def new_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Makes clusters; what they started is ended, and their stores are checked, when the test is over."""
    made: list[Cluster] = []

    def new(name: str = "one", **env: str) -> Cluster:
        root = tmp_path / name
        root.mkdir(mode=0o700)
        made.append(Cluster(root, env))
        return made[-1]

    yield new
    for cluster in made:
        cluster.shut()
    for cluster in made:
        check(cluster)


@pytest.fixture
def cluster(new_cluster: Callable[..., Cluster]) -> Cluster:
    """One cluster with the embedded default's shape."""
    return new_cluster()


def check(cluster: Cluster) -> None:
    """What the store holds is a queue that obeys every rule."""
    path = cluster.state / "store.db"
    if not path.exists():
        return
    store = SqliteStore(path)
    try:
        loaded = store.load()
    finally:
        store.close()
    invariants.check(
        Queue(app.cluster(cluster.root / "config"), loaded.next_job_id, loaded.jobs, loaded.departed, loaded.steps)
    )
