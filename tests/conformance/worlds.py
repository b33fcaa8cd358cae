"""Two worlds in which the same case runs: real Slurm, and ours with a cluster of the same shape.

A case is a bash script (`cases/*.sh`); what it prints is its transcript. Transcripts are compared after the named
normalisations below, and after the accepted differences of `differences.py`.
"""

from __future__ import annotations

import contextlib
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

from tests.conformance import oracle
from tests.living import alive, files, inside

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.sh"))
RECORDED = HERE / "recorded"

WITH_ACCOUNTS = (
    "490-sacct",
    "500-accounts",
    "590-sacctmgr-changes",
    "574-het-sacct",
    "542-steps-accounting",
    "600-clients-history",
    "640-sacct-options",
    "722-sreport",
    "750-sacct-words",
    "751-listing-words",
    "753-gpus-tracked",
    "761-sacct-told",
    "763-sacctmgr-nothing",
)
"""Cases of commands that ask Slurm's database: they run on a real Slurm that has one, which changes what others print."""

KEPT = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM")


@dataclass(frozen=True)
class World:
    """`path`: where its sbatch lies; `env`: what its commands need; `host`: the name its jobs see."""

    path: str
    env: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """What a command of this world sees."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return kept | {"PATH": f"{self.path}:/usr/bin:/bin", **self.env}

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
        env = self.environment | {"SCRATCH": str(scratch), "TZ": "UTC"}
        first = self._next_job_id(env, work)
        done = subprocess.run(
            ["bash", "-c", f'. "{HERE}/prelude.sh"; . "{case}"'],
            cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300,
        )  # fmt: skip
        self._empty(env, work)
        return normalised(done.stdout.decode("utf-8", "backslashreplace"), first, work)

    def _next_job_id(self, env: dict[str, str], work: Path) -> int:
        """The smallest number that the next job can get."""
        argv = ["sbatch", "--test-only", "--wrap", "true"]
        probe = subprocess.run(argv, cwd=work, env=env, capture_output=True, text=True, check=False, timeout=60)
        found = re.search(r"Job (\d+) to start", probe.stderr)
        if not found:
            raise RuntimeError(f"no job number from: {probe.stdout}{probe.stderr}")
        return int(found[1])

    def _empty(self, env: dict[str, str], work: Path) -> None:
        command = 'scancel --me; for i in $(seq 300); do [ -z "$(squeue -h)" ] && exit; sleep 0.1; done; exit 1'
        subprocess.run(["bash", "-c", command], cwd=work, env=env, check=True, timeout=120)


_RULES: tuple[tuple[str, str], ...] = (
    (r"\b2\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\b", "<TIME>"),
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d 20\d\d\b", "<DATE>"),
    (r"\b429490\d{4}\b", "<PRIORITY>"),
    (r"\bJob \d+ to start at\b", "Job <NEXT> to start at"),
    (r"\bScheduler=(Main|Backfill)\b", "Scheduler=<WHO>"),  # whichever pass came first
    (r"(?<![\d:.-])0:0\d(?![\d:.])", "0:0S"),  # a few seconds
    (r"\bAllocNode:Sid=\S+", "AllocNode:Sid=<SESSION>"),
)


def normalised(text: str, first: int, work: Path) -> str:
    """Jobs are numbered as they appear (`J+0`: gaps do not count), instants and the working directory have names."""
    text = text.replace(str(work), "<DIR>")
    text = re.sub(rf"\b{re.escape(socket.gethostname().split('.')[0])}\b", "<HOST>", text)
    for pattern, name in _RULES:
        text = re.sub(pattern, name, text)
    number = re.compile(r"(?<![\d.])(\d{5,6})(?!\d)")
    ids = sorted({int(n) for n in number.findall(text) if first <= int(n) < first + 1000})
    ranks = {str(job_id): f"J+{rank}" for rank, job_id in enumerate(ids)}
    return number.sub(lambda found: ranks.get(found[1], found[0]), text)


def our_world(root: Path, *, accounts: bool = False) -> World:
    """Our world under `root`, of the same shape as the real one, which may keep accounts: shims installed, the controller not yet
    started."""
    state, config, shims = root / "state", root / "config", root / "shims"
    for directory in (state, config, shims):
        directory.mkdir(mode=0o700, parents=True)
    (config / "slurm.conf").write_text("ClusterName=oracle\n" + oracle.shape() + oracle.TRACKED * accounts)
    (config / "gres.conf").write_text(oracle.gres_conf(root / "dev"))
    env = {"FLOW_STATE_DIR": str(state), "FLOW_CONFIG_DIR": str(config)}
    subprocess.run(
        [sys.executable, "-m", "flowbatch", "shims", "install", "--to", str(shims)],
        env=os.environ | env, check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return World(str(shims), env)


def recorded(case: Path) -> str:
    """What real Slurm said."""
    return (RECORDED / f"{case.stem}.txt").read_text()


def stop(state: Path) -> None:
    """Ends the controller and the node daemon of this state directory, by their recorded pids, and the jobs that still run there."""
    for file in files(state, "*.pid"):
        pid = int(file.read_text().split()[0])
        with_deadline = time.monotonic() + 10
        try:
            os.kill(pid, signal.SIGTERM)
            while alive(pid) and time.monotonic() < with_deadline:
                time.sleep(0.05)
        except ProcessLookupError:
            continue
    with_deadline = time.monotonic() + 10
    while (left := inside(state)) and time.monotonic() < with_deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
