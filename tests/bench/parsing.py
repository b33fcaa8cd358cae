"""How many scripts a second become a JobSpec, in one process: distinct scripts, nothing cached from a first round."""

from __future__ import annotations

import time

from flowbatch.directives import build, sbatch
from flowbatch.directives.build import Origins
from flowbatch.directives.chosen import Surroundings
from flowbatch.spec.market import MarketTerms

COUNT = 400

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
    around = Surroundings(cwd="/home/user/project", now=1_800_000_000)
    texts = [
        SCRIPT.format(n=n, nodes=1 + n % 8, mem=1 + n, hours=n % 24, last=10 + n, lead=60 + n).encode()
        for n in range(COUNT)
    ]
    one(texts[0], around)  # grammars are built once in a controller's life
    began = time.perf_counter()
    for text in texts[1:]:
        one(text, around)
    return (COUNT - 1) / (time.perf_counter() - began)


def one(text: bytes, around: Surroundings) -> None:
    line = sbatch.command_line(["job.sh"], around, {})
    submission = sbatch.read(line, text, "job.sh", around, {})
    build.job(submission.chosen, Origins("/home/user/project", "job.sh"), MarketTerms())
