"""Two worlds in which the same case runs: real Slurm, and ours with a cluster of the same shape.

A case is a bash script (`cases/*.sh`); what it prints is its transcript. Transcripts are compared after the named
normalisations below, and after the accepted differences of `differences.py`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.oracle import FIRST_JOB_ID

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.sh"))
RECORDED = HERE / "recorded"

KEPT = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM")


@dataclass(frozen=True)
class World:
    """`path`: where its sbatch lies; `env`: what its commands need; `host`: the name its jobs see."""

    path: str
    env: dict[str, str]

    def transcript(self, case: Path) -> str:
        """What the case prints in a fresh directory, normalised. Afterwards this world's queue is empty."""
        directory = Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp"))  # always as long: columns are cut by width
        try:
            return self._transcript(case, directory / "work", directory / "scratch")
        finally:
            shutil.rmtree(directory)

    def _transcript(self, case: Path, work: Path, scratch: Path) -> str:
        work.mkdir()
        scratch.mkdir()
        env = {name: os.environ[name] for name in KEPT if name in os.environ}
        env |= {"PATH": f"{self.path}:/usr/bin:/bin", "SCRATCH": str(scratch), "TZ": "UTC", **self.env}
        first = self._next_job_id(env, work)
        done = subprocess.run(
            ["bash", "-c", f'. "{HERE}/prelude.sh"; . "{case}"'],
            cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300,
        )  # fmt: skip
        self._empty(env, work)
        return normalised(done.stdout.decode("utf-8", "backslashreplace"), first, work)

    def _next_job_id(self, env: dict[str, str], work: Path) -> int:
        probe = subprocess.run(
            ["sbatch", "--test-only", "--wrap", "true"],
            cwd=work,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        found = re.search(r"Job (\d+) to start", probe.stderr)
        if not found:
            raise RuntimeError(f"no job number from: {probe.stdout}{probe.stderr}")
        return int(found[1]) + 1

    def _empty(self, env: dict[str, str], work: Path) -> None:
        command = 'scancel --me; for i in $(seq 300); do [ -z "$(squeue -h)" ] && exit; sleep 0.1; done; exit 1'
        subprocess.run(["bash", "-c", command], cwd=work, env=env, check=True, timeout=120)


_RULES: tuple[tuple[str, str], ...] = (
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\b", "<TIME>"),
    (
        r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d 20\d\d\b",
        "<DATE>",
    ),
    (r"\b429490\d{4}\b", "<PRIORITY>"),
)


def normalised(text: str, first: int, work: Path) -> str:
    """Job numbers count from the case's first (`J+0`), instants and the working directory have names."""
    text = text.replace(str(work), "<DIR>")
    text = re.sub(rf"\b{re.escape(socket.gethostname().split('.')[0])}\b", "<HOST>", text)
    for pattern, name in _RULES:
        text = re.sub(pattern, name, text)
    number = re.compile(r"(?<![\d.])(\d{5,6})(?!\d)")

    def relative(found: re.Match[str]) -> str:
        offset = int(found[1]) - first
        return f"J+{offset}" if 0 <= offset < 1000 and int(found[1]) >= FIRST_JOB_ID else found[0]

    return number.sub(relative, text)


def ours(state: Path, config: Path, shims: Path) -> World:
    """Our world: shims installed into `shims`, its queue under `state`, the cluster's shape under `config`."""
    for directory in (state, config, shims):
        directory.mkdir(parents=True, exist_ok=True)
    env = {"FLOW_STATE_DIR": str(state), "FLOW_CONFIG_DIR": str(config)}
    subprocess.run(
        [sys.executable, "-m", "flowbatch.cli.entry", "shims", "install", "--to", str(shims)],
        env=os.environ | env, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return World(str(shims), env)


def stop(state: Path) -> None:
    """Ends the controller and the node daemon of this state directory, by their recorded pids."""
    for file in state.rglob("*.pid"):
        pid = int(file.read_text().split()[0])
        with_deadline = time.monotonic() + 10
        try:
            os.kill(pid, signal.SIGTERM)
            while time.monotonic() < with_deadline:
                os.kill(pid, 0)
                time.sleep(0.05)
        except ProcessLookupError:
            continue
