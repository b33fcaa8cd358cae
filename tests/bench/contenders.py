"""Who runs 2 000 times `true` beside ours: each is made ready first, then timed from its first submission to its last record."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.records import LOOK_S, Records
from tests.conformance import oracle, worlds

SLOTS = 64
"""Jobs that each may run at once: with fewer a real Slurm is slower, with more it is not faster."""

NODES = 4

JOB = "#!/bin/sh\n# This script was created by sbatch --wrap.\n\ntrue\n"
"""What everybody runs, as sbatch --wrap writes it."""

SHAPE = f"""\
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MaxArraySize=100001
MaxJobCount=200000
MinJobAge=10
NodeName=n[1-{NODES}] CPUs={SLOTS // NODES} Sockets=1 CoresPerSocket={SLOTS // NODES} ThreadsPerCore=1 RealMemory=16000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

TUNED = """\
MinJobAge=10
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1,default_queue_depth=1000,partition_job_depth=0
MessageTimeout=60
SlurmctldDebug=error
SlurmdDebug=error
JobCompType=jobcomp/filetxt
JobCompLoc={records}
"""
"""A real Slurm as a site with many short jobs has it: looks at once and at everything, logs nothing, no prologs, no database."""

WITHIN_S = 240


@dataclass
class Contender:
    """`work` runs so many jobs, and returns when the last is on record; `daemons`: whose time counts besides what `work` starts."""

    name: str
    what: str
    count: int
    work: Callable[[int], None]
    daemons: Callable[[], Sequence[int]] = tuple
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


class Ours:
    """Our world, its controller and node started."""

    def __init__(self, root: Path, *words: str) -> None:
        self.root = root
        self.state = root / "state"
        config = root / "config"
        for directory in (self.state, config):
            directory.mkdir(mode=0o700, parents=True)
        (config / "slurm.conf").write_text(f"ClusterName=bench\n{SHAPE}")
        variables = {"FLOW_STATE_DIR": str(self.state), "FLOW_CONFIG_DIR": str(config)}
        install = [sys.executable, "-m", "flowbatch", "shims", "install", "--to", str(root / "shims"), *words]
        subprocess.run(install, env=os.environ | variables, check=True, capture_output=True, timeout=300)
        self.env = worlds.World(str(root / "shims"), variables).environment
        _sh(single(1), self.env)
        self.records = Records(self.state / "store.db")
        self.records.await_more(1, WITHIN_S)

    def daemons(self) -> list[int]:
        """The controller, then the node."""
        return [int((self.state / name).read_text().split()[0]) for name in ("controller.pid", "node/node.pid")]

    def work(self, submission: Callable[[int], str]) -> Callable[[int], None]:
        """Runs jobs that are submitted so."""

        def run(count: int) -> None:
            self.records.mark()
            _sh(submission(count), self.env)
            self.records.await_more(count, WITHIN_S)

        return run


class Real:
    """A real Slurm under `place`, its daemons started; `records` gets a line for each job that is over."""

    def __init__(self, place: Path, records: Path, env: Mapping[str, str]) -> None:
        self._place = place
        self._records = records
        self._env = env

    def daemons(self) -> list[int]:
        return [int(file.read_text()) for file in sorted((self._place / "run").glob("*.pid"))]

    def work(self, submission: Callable[[int], str]) -> Callable[[int], None]:
        """Runs jobs that are submitted so."""

        def run(count: int) -> None:
            wanted = _lines(self._records) + count
            _sh(submission(count), self._env)
            _until(lambda: _lines(self._records) >= wanted)

        return run


@contextmanager
def real(place: Path) -> Iterator[Real]:
    """A real Slurm, tuned."""
    records = place / "done.txt"
    place.mkdir()
    records.touch()
    tuned = TUNED.format(records=records)
    with oracle.real_slurm(place, nodes=NODES, cpus=SLOTS // NODES, gpus=1, extra=tuned) as variables:
        yield Real(place, records, worlds.World("/usr/bin", variables).environment)


def array(count: int) -> str:
    return f"sbatch --array=1-{count} -o /dev/null --wrap true"


def single(count: int) -> str:
    return f"i=0; while [ $i -lt {count} ]; do sbatch -o /dev/null --wrap true; i=$((i+1)); done"


def processes(script: Path, starter: str) -> Callable[[int], None]:
    """Nothing but processes: the floor."""

    def run(count: int) -> None:
        _sh(f"seq {count} | {starter} {script}", dict(os.environ))

    return run


class Peer:
    """A program in Python that is told a number, runs so many jobs, and says when they are done."""

    def __init__(self, python: Path, text: str, script: Path, place: Path) -> None:
        place.mkdir()
        (place / "peer.py").write_text(text)
        self._process = subprocess.Popen(
            [python, "peer.py", str(script), str(SLOTS)], cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._said("ready")

    def work(self, count: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        self._said("done")

    def daemons(self) -> list[int]:
        return [self._process.pid]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _said(self, word: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise RuntimeError("the peer ended")


HYPERQUEUE = """
import sys
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig
script, slots = sys.argv[1:]
with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=int(slots)))
    client = cluster.client()
    print("ready", flush=True)
    for line in sys.stdin:
        job = Job()
        for _ in range(int(line)):
            job.program([script], stdout=None, stderr=None)
        client.wait_for_jobs([client.submit(job)])
        print("done", flush=True)
"""

SUBMITIT = """
import subprocess, sys
import submitit
executor = submitit.LocalExecutor(folder="log")
print("ready", flush=True)
for line in sys.stdin:
    jobs = [executor.submit(subprocess.check_call, [sys.argv[1]]) for _ in range(int(line))]
    for job in jobs:
        job.result()
    print("done", flush=True)
"""


def python_with(package: str, home: Path) -> Path | None:
    """The interpreter of the environment `home`, which has it now; None where it cannot be installed."""
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", package], capture_output=True, check=False, timeout=300
    )
    return python if done.returncode == 0 else None


def _until(holds: Callable[[], bool]) -> None:
    """Returns once it holds. Raises TimeoutError."""
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(LOOK_S)


def _sh(command: str, env: Mapping[str, str]) -> None:
    subprocess.run(
        ["/bin/sh", "-c", command], env=env, cwd="/tmp", stdout=subprocess.DEVNULL, check=True, timeout=WITHIN_S
    )


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n")
