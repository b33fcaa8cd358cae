"""`python -m tests.bench`: our commands beside real Slurm's in one run, as ratios. A measurement, never a timed test.

Each writes its section of docs/reference/performance.md.

`--scale`: with up to 100 000 jobs; some eight minutes. `--million`: the same with a million too; some twelve.
`--throughput`: jobs a second, beside a tuned real Slurm and others; some six minutes.
`--parsing`: scripts a second, beside the parser of Mithril's client.
`--market`: what rented machines cost in time and calls, on the sandbox; some eight minutes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tabulate import tabulate

from tests.bench import market, page, parsing, scale, throughput
from tests.bench.measuring import took
from tests.conformance import oracle, worlds

ROUNDS = 40


def beside(sides: Sequence[worlds.World], argv: Sequence[str], rounds: int = ROUNDS) -> list[float]:
    """Median seconds of each, taken in turns so that the machine's moods meet all; their queues are empty after each turn."""
    turns = [[_alone(world, argv) for world in sides] for _ in range(rounds)]
    return [statistics.median(turn[side] for turn in turns) for side in range(len(sides))]


def _alone(world: worlds.World, argv: Sequence[str]) -> float:
    """Nothing is left of it: a queue has room for one array of 100 000 tasks, and sides may share theirs."""
    seconds = took(world, argv, check=False)
    took(world, ("scancel", "--me"))
    return seconds


CASES: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("squeue of an empty queue", ("squeue",), ROUNDS),
    ("sbatch --test-only", ("sbatch", "--test-only", "--wrap", "true"), ROUNDS),
    ("scontrol show job", ("scontrol", "show", "job", str(oracle.FIRST_JOB_ID)), ROUNDS),
    ("sacct of one job", ("sacct", "-n", "-X", "-j", str(oracle.FIRST_JOB_ID)), ROUNDS),
    ("scancel of an unknown job", ("scancel", "49999999"), ROUNDS),
    ("sbatch --wrap (held)", ("sbatch", "-H", "-o", "/dev/null", "--wrap", "true"), ROUNDS),
    (
        "sbatch of a 10 000-task array (held)",
        ("sbatch", "-H", "--array=1-10000", "-o", "/dev/null", "--wrap", "true"),
        10,
    ),
    (
        "sbatch of a 100 000-task array (held)",
        ("sbatch", "-H", "--array=1-100000", "-o", "/dev/null", "--wrap", "true"),
        1,
    ),
)


def table(measure: Callable[[Sequence[str], int], Sequence[float]]) -> str:
    rows = []
    for what, argv, rounds in CASES:
        real, compiled, python = measure(argv, rounds)
        told = (f"{one * 1000:.1f}" for one in (real, compiled, python))
        rows.append((what, *told, f"{compiled / real:.2f}", f"{python / real:.2f}"))
        print(f"  {what}: {compiled / real:.2f}, {python / real:.2f}", flush=True)
    headers = ("command", "real Slurm, ms", "ours, compiled", "ours, in Python", "compiled : real", "Python : real")
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def commands() -> None:
    """One command at a time. sacct asks a database of real Slurm's, where it can have one here."""
    if not oracle.installed():
        sys.exit("no real Slurm here to measure beside (slurmctld, slurmd and root are needed)")
    accounts = oracle.keeps_accounts()
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as place,
        oracle.real_slurm(Path(place) / "real", accounts=accounts) as env,
    ):
        real, ours = worlds.World("/usr/bin", env), worlds.our_world(Path(place) / "ours")
        thin = Path(place) / "thin"
        install = [sys.executable, "-m", "flowbatch", "shims", "install", "--python", "--to", str(thin)]
        subprocess.run(install, env=os.environ | ours.env, check=True, capture_output=True, timeout=300)
        try:
            for world in (real, ours):  # starts the controller; the job that others look at
                took(world, ("sbatch", "-H", "-o", "/dev/null", "--wrap", "true"))
            found = table(lambda argv, rounds: beside((real, ours, worlds.World(str(thin), ours.env)), argv, rounds))
        finally:
            worlds.stop(Path(place) / "ours")
    text = f"{_HEAD.format(machine=page.machine())}\n{found}"
    page.write("Commands", text)
    print(text)


_HEAD = """\
Wall time of one command, from fork to exit, in turns with real Slurm's; medians. Ours twice: by the client that `flow shims install` compiles where it finds a
compiler, and by the one in Python. Real Slurm's sacct asks slurmdbd on a MariaDB of its own. Written by `python -m tests.bench`.

{machine}
"""

BENCHES: dict[str, Callable[[], None]] = {
    "--scale": scale.main,
    "--million": partial(scale.main, million=True),
    "--market": market.main,
    "--throughput": throughput.main,
    "--parsing": parsing.main,
}


def main() -> None:
    if not sys.argv[1:]:
        commands()
    elif len(sys.argv) == 2 and sys.argv[1] in BENCHES:
        BENCHES[sys.argv[1]]()
    else:
        sys.exit(f"usage: python -m tests.bench [{' | '.join(BENCHES)}]")


if __name__ == "__main__":
    main()
