"""flowbatch.slurm.getopt against glibc's getopt_long as sbatch showed it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbatch.slurm.getopt import GetoptError, Given, Operand, OptionRow, Table

TABLE = Table(
    [
        OptionRow("cluster-constraint", "cluster-constraint", None, "required"),
        OptionRow("clusters", "cluster", "M", "required"),
        OptionRow("clusters", "clusters", "M", "required"),
        OptionRow("job-name", "job-name", "J", "required"),
        OptionRow("no-kill", "no-kill", "k", "optional"),
        OptionRow("nodes", "nodes", "N", "required"),
        OptionRow("ntasks", "ntasks", "n", "required"),
        OptionRow("ntasks-per-node", "ntasks-per-node", None, "required"),
        OptionRow("requeue", "requeue", None, "none"),
        OptionRow("verbose", "verbose", "v", "none"),
    ]
)


def parsed(*argv: str, permute: bool = True) -> list[tuple[str, str | None] | str]:
    found = TABLE.parse("sbatch", argv, permute=permute)
    return [one.word if isinstance(one, Operand) else (one.row.key, one.value) for one in found]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-N2"], [("nodes", "2")]),
        (["-N", "2"], [("nodes", "2")]),
        (["-N=2"], [("nodes", "=2")]),
        (["--nodes=2"], [("nodes", "2")]),
        (["--nodes", "2"], [("nodes", "2")]),
        (["--nodes="], [("nodes", "")]),
        (["--nodes", "-J"], [("nodes", "-J")]),
        (["-vvN2"], [("verbose", None), ("verbose", None), ("nodes", "2")]),
        (["-kv"], [("no-kill", "v")]),
        (["-k", "off"], [("no-kill", None), "off"]),
        (["--no-kill", "off"], [("no-kill", None), "off"]),
        (["--no-kill=off"], [("no-kill", "off")]),
        (["--job", "x"], [("job-name", "x")]),
        (["--ntasks=3"], [("ntasks", "3")]),
        (["-", "-v"], ["-", ("verbose", None)]),
        (["-v", "--", "-v", "--"], [("verbose", None), "-v", "--"]),
        ([""], [""]),
        (["-J", "é"], [("job-name", "é")]),
    ],
)
def test_reads(argv: list[str], expected: list[object]) -> None:
    assert parsed(*argv) == expected


def test_two_names_of_one_option_are_not_ambiguous_among_themselves() -> None:
    two_names = Table(
        [OptionRow("clusters", "cluster", "M", "required"), OptionRow("clusters", "clusters", "M", "required")]
    )
    (found,) = two_names.parse("squeue", ["--clus=a"])
    assert isinstance(found, Given)
    assert (found.row.key, found.value) == ("clusters", "a")


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["--nosuch=1"], "sbatch: unrecognized option '--nosuch=1'"),
        (["---nodes=2"], "sbatch: unrecognized option '---nodes=2'"),
        (["-vZN"], "sbatch: invalid option -- 'Z'"),
        (["-é"], "sbatch: invalid option -- '\uefc3'"),
        (["--requeue=1"], "sbatch: option '--requeue' doesn't allow an argument"),
        (["--req=1"], "sbatch: option '--requeue' doesn't allow an argument"),
        (["--node"], "sbatch: option '--nodes' requires an argument"),
        (["-J"], "sbatch: option requires an argument -- 'J'"),
        (["--no=1"], "sbatch: option '--no=1' is ambiguous; possibilities: '--no-kill' '--nodes'"),
        (["--ntas"], "sbatch: option '--ntas' is ambiguous; possibilities: '--ntasks' '--ntasks-per-node'"),
        (
            ["--clu"],
            "sbatch: option '--clu' is ambiguous; possibilities: '--cluster-constraint' '--cluster' '--clusters'",
        ),
    ],
)
def test_refuses_in_getopts_words(argv: list[str], line: str) -> None:
    with pytest.raises(GetoptError) as caught:
        parsed(*argv)
    assert caught.value.line == line


def test_the_fault_comes_after_what_stands_before_it() -> None:
    found = TABLE.parse("sbatch", ["-N2", "x", "--nosuch"])
    assert isinstance(next(found), Given)
    assert isinstance(next(found), Operand)
    with pytest.raises(GetoptError) as caught:
        next(found)
    assert caught.value.index == 2


def test_the_first_operand_ends_the_options_unless_permuted() -> None:
    assert parsed("-v", "job.sh", "-N2", permute=False) == [("verbose", None), "job.sh", "-N2"]
    assert parsed("-v", "job.sh", "-N2") == [("verbose", None), "job.sh", ("nodes", "2")]


def test_a_value_knows_where_it_stands() -> None:
    found = [one for one in TABLE.parse("sbatch", ["--nod=2", "-vJx", "-n", "4", "-k"]) if isinstance(one, Given)]
    assert [(one.spelled, one.value_at) for one in found] == [
        ("--nod", (0, 6)), ("-v", None), ("-J", (1, 3)), ("-n", (3, 0)), ("-k", None),
    ]  # fmt: skip


@given(st.lists(st.text(alphabet="-=Nnvkx27 a", max_size=6)))
def test_any_words_are_read_or_refused(argv: list[str]) -> None:
    try:
        found = list(TABLE.parse("sbatch", argv))
    except GetoptError as error:
        assert error.line.startswith("sbatch: ")
    else:
        assert [one.index for one in found] == sorted(one.index for one in found)
