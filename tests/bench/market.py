"""`python -m tests.bench --market`: what ours adds to a rented machine, beside plain rsync; on the sandbox, without a boot delay."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabulate import tabulate

from tests.bench import calls, page
from tests.bench.renting import Rented, Renter, renter

JOBS = 5
PHASES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("submitted, bid sent", "a bid is on the market", {}),
    ("won and seen (a round of the auction, a look)", "seen of a bid", {"fact": "BidWon"}),
    ("booted, SSH answers", "connected", {}),
    ("user and directories", "prepared", {}),
    ("node program", "the node program is there", {}),
    ("workspace", "the workspace is there", {}),
)
"""The lines of the log that end each phase."""
LAUNCH, RETURN = "launch, to the script's first line", "end seen, files back, sbatch --wait returns"

FILES, FILE_BYTES = 10_000, 4096
LARGE_BYTES = 2 << 30
PIECE = 1 << 20


def first_lines(who: Renter, jobs: int = JOBS) -> list[tuple[str, float]]:
    """Median seconds of each phase of a job's way, the controller being warm."""
    ways = [_way(who) for _ in range(jobs + 1)][1:]
    return [(name, statistics.median(way[name] for way in ways)) for name in ways[0]]


def _way(who: Renter) -> dict[str, float]:
    began = time.time()
    done = who.run("sbatch", "--wait", "--parsable", "-t", "5", "--wrap", "date +%s.%N", timeout=300)
    ended = time.time()
    assert done.code == 0, done
    first = float((who.work / f"slurm-{done.out.split(';')[0].strip()}.out").read_text())
    lines = [line for line in who.log() if line["s"] >= began - 0.001]
    way, at = {}, began
    for name, said, fields in PHASES:
        reached = next(line["s"] for line in lines if line["said"] == said and fields.items() <= line.items())
        way[name], at = reached - at, reached
    return way | {LAUNCH: first - at, "**sbatch to first line**": first - began, RETURN: ended - first}


def small_files(directory: Path) -> None:
    """As a project has them: a hundred directories, text that shrinks to a third."""
    words = b" ".join(b"%x" % (n * 2654435761 % 2**32) for n in range(600))
    for number in range(FILES):
        folder = directory / f"{number // 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.txt").write_bytes((b"%d " % number + words)[:FILE_BYTES])


def large_file(directory: Path) -> None:
    """As a checkpoint is: no smaller when packed."""
    with open(directory / "checkpoint", "wb") as file:
        for _ in range(LARGE_BYTES // PIECE):
            file.write(os.urandom(PIECE))


def transfers(machine: Rented, place: Path, what: str, make: Callable[[Path], None], rounds: int) -> list[Any]:
    """Median seconds of (rsync, ours) out and home, in turns; one row each way."""
    out: list[tuple[float, float]] = []
    home: list[tuple[float, float]] = []
    source = place / "source"
    source.mkdir(parents=True)
    make(source)
    for number in range(rounds):
        root, plain = place / f"{number}", Path(f"/tmp/plain-{number}")
        shutil.copytree(source, root / "in")
        machine.room(root)
        machine.shell(f"mkdir -p {plain}")
        out.append((machine.rsync(root / "in", plain, home=False), machine.ours(root, home=False)))
        machine.shell(f"mv {root}/in {root}/out")
        back = place / "back"
        back.mkdir()
        home.append((machine.rsync(back, root / "out", home=True), machine.ours(root, home=True)))
        assert _same(source, root / "out") and _same(source, back)
        machine.shell(f"rm -rf {root} {plain}")
        shutil.rmtree(root)
        shutil.rmtree(back)
    shutil.rmtree(source)
    return [_row(f"{what}, out", out), _row(f"{what}, home", home)]


def _same(one: Path, other: Path) -> bool:
    def shape(root: Path) -> list[tuple[str, int]]:
        return sorted((str(p.relative_to(root)), p.stat().st_size) for p in root.rglob("*") if p.is_file())

    return shape(one) == shape(other)


def _row(what: str, pairs: list[tuple[float, float]]) -> list[Any]:
    theirs, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [what, f"{theirs:.2f}", f"{ours:.2f}", f"{ours / theirs:.2f}"]


def main() -> None:
    """Writes its section of docs/reference/performance.md."""
    began = page.machine()
    with renter() as who:
        phases = tabulate([(name, f"{s:.2f}") for name, s in first_lines(who)], ("phase", "seconds, median"), "github")
        print(phases, flush=True)
        machine = Rented(who)
        rows = transfers(machine, who.root / "small", "10 000 files of 4 KB", small_files, 3)
        rows += transfers(machine, who.root / "large", "one file of 2 GB", large_file, 1)
        machine.end()
    copied = tabulate(rows, ("", "rsync, s", "ours, s", "ours : rsync"), "github")
    print(copied, flush=True)
    counted = [calls.measure(jobs) for jobs in calls.SIZES]
    asked = tabulate(
        [(one.jobs, one.most, f"{one.following:.0f}") for one in counted],
        ("jobs on machines", "most calls in any minute", "calls a minute while all run"), "github",
    )  # fmt: skip
    print(asked, flush=True)
    page.write("Market", TEXT.format(jobs=JOBS, machine=began, phases=phases, copied=copied, asked=asked))


TEXT = """\
On the sandbox, with rounds of a second and no boot delay: its instances are namespaces of this machine, so that what is measured is ours and
not a network. Written by `python -m tests.bench --market`.

{machine}

From `sbatch -M sandbox` to the first line of the script, and home again; {jobs} jobs, one after the other, a warm controller:

{phases}

Files to the machine and back, beside `rsync -a` over the system's ssh to the same machine, in turns, both over connections that are open already.
The sandbox's SSH server, which both share, is Python.

{copied}

Calls of the API with so many jobs, counted by the sandbox, at the real market's pace (120 a minute for long, 20 more at once): machines that only
say that they run, and time that goes twenty times as fast for both sides.

{asked}
"""


if __name__ == "__main__":
    main()
