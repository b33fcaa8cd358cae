"""Values that are words, as sbatch 22.05 took and refused them: --open-mode, --hint, and counts in --constraint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowbatch.directives.values import constraint
from flowbatch.directives.values.syntax import ValueSyntax


@pytest.mark.parametrize(("said", "kept"), [("appendx", "a"), ("at", "a"), ("ta", "t"), ("APPEND", "a")])
def test_of_an_open_mode_the_first_letter_counts(read: Callable[..., Any], said: str, kept: str) -> None:
    assert dict(read(argv=(f"--open-mode={said}", "job.sh")).tables[0])["open-mode"] == kept


@pytest.mark.parametrize("said", ["", " a", "x"])
def test_no_open_mode(read: Callable[..., Any], said: str) -> None:
    outcome = read(argv=(f"--open-mode={said}", "job.sh"))
    assert (outcome.exit_code, outcome.said) == (255, ("sbatch: error: Invalid --open-mode specification",))


@pytest.mark.parametrize("said", ["NoMultithread", "nomultithread,compute_bound"])
def test_hints_are_kept_as_they_are_written(read: Callable[..., Any], said: str) -> None:
    assert dict(read(argv=(f"--hint={said}", "job.sh")).tables[0])["hint"] == said


@pytest.mark.parametrize(("said", "wrong"), [("compute_bound,foo", "foo"), (",compute_bound", ""), ("foo,help", "foo")])
def test_the_first_word_that_is_no_hint_is_named(read: Callable[..., Any], said: str, wrong: str) -> None:
    outcome = read(argv=(f"--hint={said}", "job.sh"))
    assert outcome.said == (f'sbatch: error: unrecognized --hint argument "{wrong}", see --hint=help',)


def test_a_list_of_hints_may_ask_for_help(read: Callable[..., Any]) -> None:
    assert read(argv=("--hint=compute_bound,help", "job.sh")).exit_code == 1


@pytest.mark.parametrize("said", ["(fast*1)", "(fast*1&big)", "(fast*1&big*2)", "[fast*1|slow*1]"])
def test_where_a_count_may_not_stand(said: str) -> None:
    with pytest.raises(ValueSyntax):
        constraint.parse(said)


@pytest.mark.parametrize("said", ["(fast|big)*2", "[fast*1&big*2]", "fast*1&big*2", "[fast*1]&big", "[a|b]&c"])
def test_where_a_count_may_stand(said: str) -> None:
    assert constraint.parse(constraint.show(constraint.parse(said))) == constraint.parse(said)


@pytest.mark.parametrize(
    ("words", "nodes"),
    [
        (["--nodelist="], (0, 0)),
        (["-w,"], (0, 0)),
        (["-B0"], (0, 0)),
        (["--nodelist=", "-N2"], (2, 2)),
        (["-B0", "-N2"], (2, 2)),
        (["-B0", "-n2"], None),
    ],
)
def test_no_nodes_at_all(read: Callable[..., Any], words: list[str], nodes: tuple[int, int] | None) -> None:
    found = read(argv=(*words, "job.sh")).submission.chosen.get("nodes")
    assert (found and (found.minimum, found.maximum)) == nodes


@pytest.mark.parametrize(
    ("words", "tasks"),
    [("-B1:2", 2), ("-B1:2 -N2", 4), ("-B1:2 -N1-0", 2), ("-B1:2 -w n1", 2), ("-B1:2 -N2-3", None),
     ("-B1:2 -w n1 -N1-2", None), ("--sockets-per-node=2", None)],
)  # fmt: skip
def test_a_shape_asks_for_tasks_where_the_nodes_are_certain(
    read: Callable[..., Any], words: str, tasks: int | None
) -> None:
    assert read(argv=(*words.split(), "job.sh")).submission.chosen.get("ntasks") == tasks
