"""How long answers take with many jobs: ours with stores of several sizes beside a real Slurm, each command in turns."""

from __future__ import annotations

import os
import resource
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from tabulate import tabulate

from flowbatch.core.jobs import Owner
from flowbatch.directives import slurmconf
from tests.bench import page, passes
from tests.bench.filling import fill
from tests.bench.measuring import resident_mb, took
from tests.conformance import oracle, worlds

SIZES = ((1_000, 200), (10_000, 2_000), (100_000, 20_000))
"""(jobs that are over, a tenth of them tasks of one array; jobs in the queue, held)."""

MILLION = (1_000_000, 20_000)

ENOUGH_S, ROUNDS = 10.0, 15
"""A command is measured so often, or until so many seconds have gone by in all worlds: the median counts."""


@dataclass(frozen=True)
class Case:
    """One line. `ID`: a job in the queue; `OLD`, `TASK`: one that left it, alone or of an array. `once`: it changes much, and is
    done a single time, last."""

    what: str
    argv: tuple[str, ...]
    once: bool = False
    real: bool = True


HELD = ("sbatch", "-H", "-o", "/dev/null", "--wrap", "true")
CASES = (
    Case("squeue -j of one job", ("squeue", "-j", "ID")),
    Case("squeue", ("squeue",)),
    Case("squeue -u of a user", ("squeue", "-u", "root")),
    Case("squeue -h -o '%i %T'", ("squeue", "-h", "-o", "%i %T")),
    Case("squeue -h -t all", ("squeue", "-h", "-t", "all")),
    Case("squeue --json", ("squeue", "--json")),
    Case("scontrol show job of one", ("scontrol", "show", "job", "ID")),
    Case("scontrol show job of all", ("scontrol", "show", "job")),
    Case("sinfo", ("sinfo",)),
    Case("sdiag", ("sdiag",)),
    Case("sacct -j of one that left the queue", ("sacct", "-j", "OLD"), real=False),
    Case("sacct -j of a task of a large array", ("sacct", "-j", "TASK"), real=False),
    Case("sacct of the last minute", ("sacct", "-X", "-S", "now-1minutes"), real=False),
    Case("sacct of the last hour", ("sacct", "-X", "-S", "now-1hour"), real=False),
    Case("sacct of the last hour, one name", ("sacct", "-X", "-S", "now-1hour", "--name", "job-7"), real=False),
    Case("sbatch of a held job", HELD),
    Case("sbatch --wait of `true`", ("sbatch", "--wait", "-o", "/dev/null", "--wrap", "true")),
    Case("scancel of one", ("scancel", "ID")),
    Case("scancel --me of all", ("scancel", "--me"), once=True),
)


@dataclass
class Subject:
    """A world under measurement. `pid`: its controller's; seconds and CPU seconds (client and controller) by case."""

    name: str
    world: worlds.World
    pid: int
    words: Callable[[], dict[str, str]]
    """What ID, OLD and TASK are in the next round."""
    is_real: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    start_s: float | None = None
    pass_s: float | None = None
    store_mb: float | None = None
    resident_mb: float = 0.0

    def round(self, case: Case) -> tuple[float, float]:
        """(wall, CPU) seconds of the command once."""
        words, before = self.words(), self._spent()
        wall = took(self.world, [words.get(word, word) for word in case.argv])
        return wall, self._spent() - before

    def _spent(self) -> float:
        ticks = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") + ours.ru_utime + ours.ru_stime


def measure(case: Case, subjects: Sequence[Subject]) -> None:
    """The medians of one command, the worlds in turns, so that the machine's moods meet all of them. Every round names another job."""
    found: dict[str, list[tuple[float, float]]] = {one.name: [] for one in subjects}
    began = time.perf_counter()
    for n in range(1 if case.once else ROUNDS):
        if n and time.perf_counter() - began > ENOUGH_S:
            break
        for one in subjects:
            found[one.name].append(one.round(case))
    for one in subjects:
        walls, cpus = zip(*found[one.name], strict=True)
        one.seconds[case.what], one.cpu[case.what] = statistics.median(walls), statistics.mean(cpus)
    print(f"  {case.what}: {', '.join(f'{one.seconds[case.what] * 1000:.1f}' for one in subjects)} ms", flush=True)


@contextmanager
def ours(place: Path, finished: int, queued: int) -> Iterator[Subject]:
    """Our world with so many jobs, its controller started."""
    root = place / f"ours-{finished}"
    name = f"{finished:,} ({queued:,})".replace(",", " ")
    print(f"ours, {name}: filled", end="", flush=True)
    began = time.perf_counter()
    world = worlds.our_world(root)
    conf, gres = ((root / "config" / name).read_text() for name in ("slurm.conf", "gres.conf"))
    cluster = slurmconf.parse(conf, gres, hostname=socket.gethostname(), name="slurm.conf", gres_name="gres.conf")
    store = root / "state" / "store.db"
    owner = Owner(os.getuid(), os.getgid(), "root", "root", socket.gethostname())
    waiting = fill(store, cluster, finished, queued, int(time.time()), owner)
    filled, size = time.perf_counter() - began, store.stat().st_size
    try:
        start_s = took(world, ("squeue", "-j", str(waiting[0])))
        pid = int((root / "state" / "controller.pid").read_text().split()[0])
        print(f" in {filled:.0f} s, started in {start_s:.1f} s", flush=True)
        ids = cycle(waiting)
        first = cluster.first_job_id
        words = lambda: {"ID": str(next(ids)), "OLD": str(waiting[0] - 50), "TASK": f"{first}_{finished // 20}"}  # noqa: E731  said once
        yield Subject(
            name, world, pid, words, start_s=start_s, pass_s=passes.with_waiting(queued), store_mb=size / 1e6,
        )  # fmt: skip
    finally:
        worlds.stop(root)


@contextmanager
def real(place: Path, queued: int) -> Iterator[Subject]:
    """A real Slurm with so many held jobs; they are submitted one by one, which takes minutes."""
    with oracle.real_slurm(place / "real") as env:
        world = worlds.World("/usr/bin", env)
        for n in range(queued):
            took(world, HELD)
            if (n + 1) % 1000 == 0:
                print(f"real Slurm: {n + 1} of {queued} jobs submitted", flush=True)
        pid = int((place / "real" / "run" / "slurmctld.pid").read_text())
        ids = cycle(range(oracle.FIRST_JOB_ID, oracle.FIRST_JOB_ID + queued))
        yield Subject("real Slurm", world, pid, lambda: {"ID": str(next(ids))}, is_real=True)


def section(sizes: Sequence[Subject], beside: Subject | None) -> str:
    """Its part of docs/reference/performance.md."""
    peer = next(
        (one for one in sizes if beside is not None and one.name.endswith(f"({SIZES[-1][1]:,})".replace(",", " "))),
        sizes[-1],
    )

    def line(what: str, value: Callable[[Subject], float | None], form: str) -> list[str]:
        cells = [
            form.format(found) if (found := value(one)) is not None else ""
            for one in (*sizes, *([beside] if beside else []))
        ]
        mine, theirs = value(peer), value(beside) if beside is not None else None
        ratio = f"{mine / theirs:.2f}" if mine is not None and theirs else ""
        cpu = [one.cpu.get(what) for one in (peer, beside) if one is not None]
        burden = f"{cpu[0] / cpu[1]:.2f}" if len(cpu) == 2 and cpu[0] is not None and cpu[1] else ""
        return [what, *cells, *([] if beside else [""]), ratio, burden]

    rows = [line(case.what, lambda one, what=case.what: one.seconds.get(what), "{:.4f}") for case in CASES]  # type: ignore[misc]  # a default is the loop's value
    rows += [
        line("controller's start, first answer", lambda one: one.start_s, "{:.4f}"),
        line("a scheduling pass, CPU time", lambda one: one.pass_s, "{:.4f}"),
        line("resident memory, MB", lambda one: one.resident_mb, "{:.0f}"),
        line("store on the disk, MB", lambda one: one.store_mb, "{:.1f}"),
    ]
    headers = ("seconds, median", *(one.name for one in sizes), "real Slurm", "ours : real", "CPU, ours : real")
    return f"{_HEAD.format(machine=page.machine())}\n{tabulate(rows, headers, tablefmt='github', disable_numparse=True)}\n{_TAIL}"


_HEAD = """\
Wall time of commands, from fork to exit, with so many jobs that are over in the store (a tenth of them tasks of one array) and, in brackets, so
many in the queue, held. Beside them the same command of a real Slurm whose queue has 20 000; it has no database here, so sacct stands alone. The
worlds take turns, round by round. The last column compares the CPU time of client and controller. Written by `python -m tests.bench --scale`
(`--million`: with the last size too).

{machine}
"""

_TAIL = """
What names a job reads that job: it costs the same whatever is stored. Listings cost what they list; `sinfo` what holds nodes; a start what is queued;
`sacct` what its window, users, names and states let through, and the queue; `sdiag` nothing, for what it says is counted as it happens; a scheduling pass
(100 nodes, all taken, as many jobs running) some hundred placements. Whatever looks back reads beside the thread that writes, and long answers are written beside the
loop: no submission waits for them. Ten times the jobs that are over, and the same queue, cost nothing but disk.

Kept: journal lines for 7 days once their orders were carried out; jobs, their story, steps and specifications for 400 days
after their end (`FLOW_HISTORY_DAYS`; 0 keeps them for ever); script and environment as long as the job is in the queue.
"""


def main(*, million: bool = False) -> None:
    chosen = (*SIZES, MILLION) if million else SIZES
    with tempfile.TemporaryDirectory(dir="/tmp") as place, ExitStack() as stack:
        sizes = [stack.enter_context(ours(Path(place), *size)) for size in chosen]
        beside = stack.enter_context(real(Path(place), SIZES[-1][1])) if oracle.installed() else None
        everybody = [*sizes, *([beside] if beside is not None else [])]
        for case in CASES:
            measure(case, [one for one in everybody if case.real or not one.is_real])
        for one in everybody:
            one.resident_mb = resident_mb(one.pid)
        text = section(sizes, beside)
    page.write("Many jobs", text)
    sys.stdout.write(text)
