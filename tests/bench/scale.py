"""How long answers take with many jobs: ours with stores of four sizes, beside a real Slurm with the largest queue."""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from tabulate import tabulate

from flowbatch.core.jobs import Owner
from flowbatch.directives import slurmconf
from tests.bench import page
from tests.bench.filling import fill
from tests.conformance import oracle, worlds

STORED = (100, 1_000, 10_000, 100_000)
QUEUED_OF_STORED = 5
"""One of so many jobs is still in the queue, held; the others were cancelled and have left it."""

ENOUGH_S, ROUNDS = 3.0, 15
"""A command is measured so often, or until so many seconds have gone by: the median counts."""


@dataclass(frozen=True)
class Case:
    """One line. `ID`: a job in the queue, `OLD`: one that left it. `once`: it changes much, and is done a single time, last."""

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
    Case("sacct of the last minute", ("sacct", "-X", "-S", "now-1minutes"), real=False),
    Case("sacct of today, all states", ("sacct", "-X", "-n", "-S", "00:00", "-s", "CA,PD"), real=False),
    Case("sbatch of a held job", HELD),
    Case("sbatch --wait of `true`", ("sbatch", "--wait", "-o", "/dev/null", "--wrap", "true")),
    Case("scancel of one", ("scancel", "ID")),
    Case("scancel --me of all", ("scancel", "--me"), once=True),
)


@dataclass
class Measured:
    """Seconds by case, and what else a size tells."""

    seconds: dict[str, float] = field(default_factory=dict)
    start_s: float = 0.0
    resident_mb: float = 0.0
    store_mb: float = 0.0


def took(world: worlds.World, argv: Sequence[str]) -> float:
    """Wall time of one command, from fork to exit. Raises CalledProcessError."""
    env = {name: os.environ[name] for name in worlds.KEPT if name in os.environ}
    env |= {"PATH": f"{world.path}:/usr/bin:/bin", **world.env}
    began = time.perf_counter()
    subprocess.run(argv, env=env, cwd="/tmp", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def measure(world: worlds.World, queued: range, old: int | None, *, is_real: bool) -> dict[str, float]:
    """The median of each case. Every round names another job."""
    ids = cycle(queued)

    def once(case: Case) -> float:
        named = {"ID": str(next(ids)), "OLD": str(old)}
        return took(world, [named.get(word, word) for word in case.argv])

    found: dict[str, float] = {}
    for case in CASES:
        if is_real and not case.real:
            continue
        rounds: list[float] = []
        while not rounds or (not case.once and sum(rounds) < ENOUGH_S and len(rounds) < ROUNDS):
            rounds.append(once(case))
        found[case.what] = statistics.median(rounds)
        print(f"  {case.what}: {found[case.what] * 1000:.1f} ms", flush=True)
    return found


def ours(place: Path, stored: int) -> Measured:
    """Our world with so many jobs."""
    root = place / f"ours-{stored}"
    world = worlds.our_world(root)
    conf, gres = ((root / "config" / name).read_text() for name in ("slurm.conf", "gres.conf"))
    cluster = slurmconf.parse(conf, gres, hostname=socket.gethostname(), name="slurm.conf", gres_name="gres.conf")
    store = root / "state" / "store.db"
    print(f"ours, {stored} jobs", flush=True)
    owner = Owner(os.getuid(), os.getgid(), "root", "root", socket.gethostname())
    queued = fill(store, cluster, stored, stored // QUEUED_OF_STORED, int(time.time()), owner)
    done = Measured(store_mb=store.stat().st_size / 1e6)
    try:
        done.start_s = took(world, ("squeue", "-j", str(queued[0])))
        done.seconds = measure(world, queued, queued[0] - 1, is_real=False)
        pid = (root / "state" / "controller.pid").read_text().split()[0]
        status = Path(f"/proc/{pid}/status").read_text()
        done.resident_mb = int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1000
    finally:
        worlds.stop(root)
    return done


def real(place: Path, queued: int) -> Measured:
    """A real Slurm with so many held jobs; they are submitted one by one, which takes minutes."""
    print(f"real Slurm, {queued} jobs", flush=True)
    with oracle.real_slurm(place / "real") as env:
        world = worlds.World("/usr/bin", env)
        for _ in range(queued):
            took(world, HELD)
        first = oracle.FIRST_JOB_ID
        done = Measured(seconds=measure(world, range(first, first + queued), None, is_real=True))
        pid = (place / "real" / "run" / "slurmctld.pid").read_text().strip()
        done.resident_mb = int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1000
        return done


def section(sizes: Sequence[tuple[int, Measured]], beside: Measured | None) -> str:
    """Its part of docs/reference/performance.md."""
    largest = sizes[-1][1]

    def line(what: str, value: Callable[[Measured], float | None], form: str) -> list[str]:
        cells = [form.format(found) if (found := value(one)) is not None else "" for _, one in sizes]
        theirs = value(beside) if beside is not None else None
        mine = value(largest)
        ratio = f"{mine / theirs:.2f}" if mine is not None and theirs else ""
        return [what, *cells, form.format(theirs) if theirs else "", ratio]

    rows = [line(case.what, lambda one, what=case.what: one.seconds.get(what), "{:.4f}") for case in CASES]  # type: ignore[misc]  # a default is the loop's value
    rows.append(line("controller's start, first answer", lambda one: one.start_s or None, "{:.4f}"))
    rows.append(line("resident memory, MB", lambda one: one.resident_mb or None, "{:.0f}"))
    rows.append(line("store on the disk, MB", lambda one: one.store_mb or None, "{:.1f}"))
    heads = [f"{stored:,} ({stored // QUEUED_OF_STORED:,})".replace(",", " ") for stored, _ in sizes]
    headers = ("seconds, median", *heads, "real Slurm", "ours : real")
    return f"{_HEAD.format(machine=page.machine())}\n{tabulate(rows, headers, tablefmt='github', disable_numparse=True)}\n{_TAIL}"


_HEAD = """\
Wall time of commands, from fork to exit, with so many jobs in the store (and of those so many in the queue, held). Beside them the same
command of a real Slurm whose queue is as long as our longest; it has no database here, so sacct stands alone. Written by
`python -m tests.bench --scale`.

{machine}
"""

_TAIL = """
What names a job reads that job: it costs the same whatever is stored. Listings cost what they list, a start what is queued, `sacct`
what was not over before its window, the queue included; `sdiag` counts all jobs of the day. Whatever looks back reads beside the thread that writes, and long answers
are written beside the loop: no submission waits for them.

Kept: journal lines for 7 days once their orders were carried out; jobs, their story, steps and specifications for 400 days
after their end (`FLOW_HISTORY_DAYS`; 0 keeps them for ever); script and environment as long as the job is in the queue.
"""


def main() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        sizes = [(stored, ours(Path(place), stored)) for stored in STORED]
        beside = real(Path(place), STORED[-1] // QUEUED_OF_STORED) if oracle.installed() else None
    text = section(sizes, beside)
    page.write("Many jobs", text)
    sys.stdout.write(text)
