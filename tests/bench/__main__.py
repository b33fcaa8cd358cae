"""`python -m tests.bench`: our commands beside real Slurm's in one run, as ratios. A measurement, never a timed test.

`--scale`: with up to 100 000 jobs, written to docs/reference/performance.md; takes some twenty minutes.
`--market`: what rented machines cost in time and calls, on the sandbox, into the same page; some eight minutes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tabulate import tabulate

from tests.bench import market, scale, throughput
from tests.bench.parsing import scripts_per_second
from tests.conformance import oracle, worlds

ROUNDS = 40


def seconds(world: worlds.World, argv: Sequence[str]) -> float:
    """Wall time of one command, from fork to exit."""
    env = {name: os.environ[name] for name in worlds.KEPT if name in os.environ}
    env |= {"PATH": f"{world.path}:/usr/bin:/bin", **world.env}
    began = time.perf_counter()
    subprocess.run(argv, env=env, cwd="/tmp", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def beside(real: worlds.World, ours: worlds.World, argv: Sequence[str], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median seconds of (real, ours), taken in turns so that the machine's moods meet both; both queues are empty after."""
    pairs = [(seconds(real, argv), seconds(ours, argv)) for _ in range(rounds)]
    for world in (real, ours):
        seconds(world, ("scancel", "--me"))
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


CASES: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("squeue of an empty queue", ("squeue",), ROUNDS),
    ("sbatch --test-only", ("sbatch", "--test-only", "--wrap", "true"), ROUNDS),
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


def table(measure: Callable[[Sequence[str], int], tuple[float, float]]) -> str:
    rows = []
    for what, argv, rounds in CASES:
        real, ours = measure(argv, rounds)
        rows.append((what, f"{real * 1000:.1f}", f"{ours * 1000:.1f}", f"{ours / real:.2f}"))
    return tabulate(rows, headers=("command", "real Slurm, ms", "ours, ms", "ours / real"), tablefmt="github")


def main() -> None:
    if sys.argv[1:] == ["--scale"]:
        scale.main()
        return
    if sys.argv[1:] == ["--market"]:
        market.main()
        return
    if sys.argv[1:] == ["--throughput"]:
        throughput.main()
        return
    print(f"scripts parsed per second: {scripts_per_second():.0f}\n")
    if not oracle.installed():
        sys.exit("no real Slurm here to measure beside (slurmctld, slurmd and root are needed)")
    with tempfile.TemporaryDirectory(dir="/tmp") as place, oracle.real_slurm(Path(place) / "real") as env:
        real, ours = worlds.World("/usr/bin", env), worlds.our_world(Path(place) / "ours")
        seconds(ours, ("squeue",))  # starts the controller
        print(table(lambda argv, rounds: beside(real, ours, argv, rounds)))
        worlds.stop(Path(place) / "ours")


if __name__ == "__main__":
    main()
