"""How many jobs of `true` a second: ours, a real Slurm tuned for it, HyperQueue, submitit, and processes alone."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tabulate import tabulate

from tests.bench import contenders, page
from tests.bench.contenders import Contender
from tests.bench.measuring import resident_mb
from tests.conformance import oracle, worlds

TASKS, SINGLES, SLOW = 2_000, 500, 50
"""Tasks of one array, submissions one by one, and jobs of those that are much slower."""

PR_SET_CHILD_SUBREAPER = 36

MANY = 20_000
"""Tasks after which memory is looked at again."""

ROUNDS, ENOUGH_S = 3, 30.0
"""Each is measured so often, in turns with the others, unless it has had so many seconds already; the quickest counts."""

PEERS = "FLOWBATCH_PEERS_VENV"
"""An environment that is kept, with the peers from PyPI; else one is made each time."""

FLOOR, REAL_ARRAY, REAL_SINGLES = "xargs -P", "real Slurm, one array", "real Slurm, one by one"


def measure(one: Contender) -> None:
    """One round: seconds, and CPU seconds of the daemons and of all that was started."""
    before, began = _cpu_s(one), time.perf_counter()
    one.work(one.count)
    one.seconds.append(time.perf_counter() - began)
    _bury()
    one.cpu_s.append(_cpu_s(one) - before)
    print(
        f"  {one.name}: {one.count / one.seconds[-1]:.0f} jobs/s, {1000 * one.cpu_s[-1] / one.count:.1f} ms CPU",
        flush=True,
    )


def _cpu_s(one: Contender) -> float:
    """What the daemons and their children have had, and all processes that ended as ours: orphans come to us."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = sum(
        sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15])) for pid in one.daemons()
    )
    return ended.ru_utime + ended.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def _adopt_orphans() -> None:
    """From here on slurmstepd and whatever else is left by its parent is this process's child."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _bury() -> None:
    """Orphans that ended are reaped, so that their time counts."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


@contextmanager
def ready(place: Path) -> Iterator[tuple[list[Contender], contenders.Ours]]:
    """Everybody who can be had on this machine, and ours once more, for its memory."""
    script = place / "true.sh"
    script.write_text(contenders.JOB)
    script.chmod(0o755)
    found: list[Contender] = []
    with ExitStack() as all_:
        ours = _ours(all_, place / "ours")
        thin = _ours(all_, place / "thin", "--python")
        found += [
            Contender("ours, one array", "compiled client", TASKS, ours.work(contenders.array), ours.daemons),
            Contender("ours, one by one", "compiled client", SINGLES, ours.work(contenders.single), ours.daemons),
            Contender(
                "ours, one by one, in Python", "client in Python", SLOW, thin.work(contenders.single), thin.daemons
            ),
        ]
        if oracle.installed():
            _adopt_orphans()  # not before ours have started: they are waited for by whoever stops them
            real = all_.enter_context(contenders.real(place / "real"))
            found += [
                Contender(REAL_ARRAY, "tuned, no database", TASKS, real.work(contenders.array), real.daemons),
                Contender(REAL_SINGLES, "tuned, no database", SINGLES, real.work(contenders.single), real.daemons),
            ]
        found += _peers(all_, place, script)
        slots = contenders.SLOTS
        found.append(
            Contender(FLOOR, "the floor: keeps no record", TASKS, contenders.processes(script, f"xargs -n1 -P{slots}"))
        )
        if shutil.which("parallel"):
            gnu = contenders.processes(script, f"parallel -j{slots}")
            found.append(Contender("GNU parallel", "keeps no record", SINGLES, gnu))
        yield found, ours


def _ours(all_: ExitStack, root: Path, *words: str) -> contenders.Ours:
    ours = contenders.Ours(root, *words)
    all_.callback(worlds.stop, root)
    return ours


def _peers(all_: ExitStack, place: Path, script: Path) -> Iterator[Contender]:
    for name, package, text, count in (
        ("HyperQueue, one job of many tasks", "hyperqueue", contenders.HYPERQUEUE, TASKS),
        ("submitit, local executor", "submitit", contenders.SUBMITIT, SLOW),
    ):
        python = contenders.python_with(package, Path(os.environ.get(PEERS) or place / "venv"))
        if python is None:
            print(f"{package} cannot be installed here", flush=True)
            continue
        peer = contenders.Peer(python, text, script, place / package)
        all_.callback(peer.close)
        yield Contender(
            name, "no record on disk" if package == "hyperqueue" else "a Python a job", count, peer.work, peer.daemons
        )


def rounds(found: Sequence[Contender]) -> None:
    """In turns, so that the machine's moods meet all."""
    for _ in range(ROUNDS):
        for one in found:
            if sum(one.seconds) < ENOUGH_S:
                measure(one)


def memory(ours: contenders.Ours) -> list[list[str]]:
    """Resident memory of controller and node: now, after some thousand tasks, and after many more."""
    rows = []
    for what, count in (
        ("after the rounds above", 0),
        (f"after {TASKS} tasks more", TASKS),
        (f"after {MANY} tasks more", MANY),
    ):
        for some in range(0, count, TASKS):
            ours.work(contenders.array)(min(TASKS, count - some))
        rows.append([what, *(f"{resident_mb(pid):.1f}" for pid in ours.daemons())])
        print(f"  memory {rows[-1]}", flush=True)
    return rows


def section(found: Sequence[Contender], resident: Sequence[Sequence[str]]) -> str:
    """Its part of docs/reference/performance.md."""
    rates = {one.name: one.count / min(one.seconds) for one in found}
    spent = {one.name: min(one.cpu_s) / one.count for one in found}
    rows = []
    for one in found:
        real = REAL_SINGLES if "one by one" in one.name else REAL_ARRAY
        rows.append([
            one.name, one.what, str(one.count), f"{rates[one.name]:.0f}", f"{1000 * spent[one.name]:.1f}",
            f"{rates[one.name] / rates[real]:.1f}" if real in rates else "", f"{rates[one.name] / rates[FLOOR]:.2f}",
            f"{spent[one.name] / spent[FLOOR]:.1f}",
        ])  # fmt: skip
    headers = ("", "", "jobs", "jobs/s", "CPU ms/job", "rate : real Slurm's", "rate : xargs's", "CPU : xargs's")
    table = tabulate(rows, headers, tablefmt="github", disable_numparse=True)
    grown = tabulate(resident, ("resident memory, MB", "controller", "node"), tablefmt="github", disable_numparse=True)
    return f"{_HEAD.format(slots=contenders.SLOTS, machine=page.machine())}\n{table}\n\n{grown}\n{_TAIL}"


_HEAD = """\
Jobs of `true`, from the first submission to the last record: ended and committed in our store, a line of real Slurm's own list of completed jobs. Everybody
may run {slots} at once, on the same cores, in turns; the quickest of up to three rounds counts. CPU time is that of all daemons and of all that they and
the clients started. Written by `python -m tests.bench --throughput` (some six minutes; HyperQueue and submitit come from PyPI).

{machine}
"""

_TAIL = """
The real Slurm is 22.05 with four slurmd and, for many short jobs, `batch_sched_delay=0`, `sched_min_interval=0`, `sched_interval=1`, `bf_interval=1`,
`default_queue_depth=1000`, `partition_job_depth=0`, logs of errors alone, no prologs, no database; `MinJobAge=10` on both sides. Ours syncs its store before it acknowledges a submission, its
journal before a job's first instruction, and a job's exit status when it ends; none of the others does. What bounds the rest: `docs/dev/decisions/0033`.
"""


def main() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place, ready(Path(place)) as (found, ours):
        rounds(found)
        text = section(found, memory(ours))
    page.write("Throughput", text)
    sys.stdout.write(text)
