"""How many scripts a second become a JobSpec, in one process: distinct scripts in a tree, nothing cached from a first round. Beside it
the parser of Mithril's own client on the same tree."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from flowbatch.directives import build, sbatch
from flowbatch.directives.build import Origins
from flowbatch.directives.chosen import Surroundings
from flowbatch.spec.market import MarketTerms
from tests.bench import page
from tests.judges.vendor import PLACE, VENDOR, NotToBeHad, install

COUNT, TREE, ROUNDS = 400, 2_000, 3

SCRIPT = """\
#!/bin/bash -l
#SBATCH --job-name=run-{n}
#SBATCH --output=logs/%x-%j-{n}.out   # where it goes
#SBATCH --error="logs/%x-%j-{n}.err"
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=4 --cpus-per-task=2
#SBATCH --mem={mem}G
#SBATCH --time=0-{hours:02}:30:00
#SBATCH --gres=gpu:h100:2
#SBATCH --array=1-{last}%4
#SBATCH -p gpu -A project{n}
#SBATCH --constraint="fast&big"
#SBATCH --mail-type=END,FAIL
#SBATCH --signal=B:USR1@{lead}

module load cuda
srun python train.py --seed {n}
"""


def scripts_per_second() -> float:
    """Thirteen directives each, read from bytes to specification."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        tree(Path(place), COUNT)
        return ours(Path(place))


def tree(place: Path, count: int) -> None:
    """So many scripts, no two alike, a hundred a directory."""
    for n in range(count):
        text = SCRIPT.format(n=n, nodes=1 + n % 8, mem=1 + n, hours=n % 24, last=10 + n, lead=60 + n)
        path = place / f"{n // 100}" / f"job-{n}.sh"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def ours(place: Path) -> float:
    """Scripts a second, by the processor's time: from the file to a specification that sbatch would submit."""
    around = Surroundings(cwd="/home/user/project", now=1_800_000_000)
    first, *others = sorted(place.glob("*/*.sh"))
    one(first.read_bytes(), around)  # grammars are built once in a controller's life
    began = time.process_time()
    for path in others:
        one(path.read_bytes(), around)
    return len(others) / (time.process_time() - began)


THEIRS = """
import sys, time
from pathlib import Path
from flow.plugins.slurm.parser import parse_sbatch_script
first, *others = sorted(map(str, Path(sys.argv[1]).glob("*/*.sh")))
parse_sbatch_script(first)
began = time.process_time()
for path in others:
    parse_sbatch_script(path)
print(len(others) / (time.process_time() - began))
"""


def theirs(place: Path, python: Path) -> float:
    """The same of flow-compute's parser: from the file to its SlurmConfig, whose values are yet to be read."""
    argv = [python, "-c", THEIRS, place]
    return float(subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300).stdout)


def their_python(place: Path) -> Path | None:
    """The interpreter of the environment that has theirs; None where it cannot be installed."""
    try:
        return install(place).with_name("python")
    except NotToBeHad as why:
        print(why, file=sys.stderr)
        return None


def section(our_rates: Sequence[float], their_rates: Sequence[float]) -> str:
    """Its part of docs/reference/performance.md."""
    rows = [["ours, file to JobSpec", f"{max(our_rates):.0f}", f"{1000 / max(our_rates):.2f}", ""]]
    if their_rates:
        ratio = max(our_rates) / max(their_rates)
        rows.append(
            [
                f"{VENDOR}, file to SlurmConfig",
                f"{max(their_rates):.0f}",
                f"{1000 / max(their_rates):.2f}",
                f"{ratio:.2f}",
            ]
        )
    headers = ("", "scripts/s", "CPU ms/script", "rate of ours : theirs")
    table = tabulate(rows, headers, tablefmt="github", disable_numparse=True)
    return f"{_HEAD.format(count=TREE, machine=page.machine())}\n{table}\n{_TAIL}"


_HEAD = """\
A tree of {count} scripts with thirteen directives each, no two alike, in one process, by the processor's time; the quickest of three rounds in turns.
Written by `python -m tests.bench --parsing`.

{machine}
"""

_TAIL = """
The two do not do the same: ours reads every value by its grammar (time, memory, gres, array, constraint, signal, file patterns), checks them together as sbatch
does and builds the specification that is stored; theirs splits the options and keeps the words.
"""


def main() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        scripts = Path(place) / "tree"
        scripts.mkdir()
        tree(scripts, TREE)
        python = their_python(Path(os.environ.get(PLACE) or Path(place) / "venv"))
        mine, other = [], []
        for _ in range(ROUNDS):
            mine.append(ours(scripts))
            other += [] if python is None else [theirs(scripts, python)]
        text = section(mine, other)
    page.write("Parsing", text)
    sys.stdout.write(text)


def one(text: bytes, around: Surroundings) -> None:
    line = sbatch.command_line(["job.sh"], around, {})
    submission = sbatch.read(line, text, "job.sh", around, {})
    build.job(submission.chosen, Origins("/home/user/project", "job.sh"), MarketTerms())
