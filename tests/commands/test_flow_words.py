"""Options before, behind and between: `flow submit`'s words in sbatch's order."""

from __future__ import annotations

import pytest

from flowbatch.commands.flow.flow_words import sort


@pytest.mark.parametrize(
    ("words", "argv", "terms"),
    [
        ("job.slurm", "-- job.slurm", ""),
        ("job.slurm --time 10 -N2", "--time 10 -N2 -- job.slurm", ""),
        ("-J x job.slurm --gpus 1 arg", "-J x --gpus 1 -- job.slurm arg", ""),
        ("job.slurm --hold -- --time 10", "--hold -- job.slurm --time 10", ""),
        ("-- job.slurm -x", "-- job.slurm -x", ""),
        ("-J -- job.slurm", "-J -- -- job.slurm", ""),
        ("job.slurm -HW --parsable", "-HW --parsable -- job.slurm", ""),
        ("job.slurm --exclusive user", "--exclusive -- job.slurm user", ""),
        ("job.slurm --budget 5 --hold --limit-price=$2/h", "--hold -- job.slurm", "--budget 5 --limit-price=$2/h"),
        ("job.slurm --in x", "--in x -- job.slurm", ""),
        ("job.slurm -i x", "-i x -- job.slurm", ""),
        ("x -i 8xh100 -N1", "-N1 -- x", "--instance-type=8xh100"),
        ("-N1 -ih100:8 x --hold", "-N1 --hold -- x", "--instance-type=h100:8"),
        ("x -i a100-80gb.sxm.8x", "-- x", "--instance-type=a100-80gb.sxm.8x"),
        ("x -i data.txt --input 8xh100", "-i data.txt --input 8xh100 -- x", ""),
        ("job.slurm --nonsense --hold", "--nonsense --hold -- job.slurm", ""),
        ("job.slurm --hold --time", "--hold --time -- job.slurm", ""),
        ("-N1 : -N2 job.slurm", "-N1 : -N2 -- job.slurm", ""),
        ("--wrap hostname --time 1", "--wrap hostname --time 1", ""),
        ("", "", ""),
    ],
)
def test_words_find_their_places(words: str, argv: str, terms: str) -> None:
    found = sort(words.split())
    assert found.argv == argv.split() and found.terms == terms.split()


def test_the_places_survive_a_second_sorting() -> None:
    once = sort(["a b", "--comment=x y", "-t", "5", "--", "-q", "--"])
    assert sort(once.argv) == once and once.operands == ["a b", "-q", "--"]
