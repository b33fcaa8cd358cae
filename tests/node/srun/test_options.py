"""srun's table beside the one that sbatch and salloc share, and words that 22.05 refuses."""

from __future__ import annotations

import pytest

from flowbatch.directives.options import OPTIONS as ALL
from flowbatch.node.srun import help, options
from flowbatch.node.srun.checks import CHECKS
from flowbatch.node.srun.option_table import OPTIONS
from flowbatch.node.srun.programs import programs
from flowbatch.node.srun.readers import READERS
from flowbatch.node.srun.wanted import CannotRun, Wanted


def test_both_tables_know_the_same_options():
    """In the same order, which getopt shows where a prefix fits several."""
    theirs = [(one.name, one.short, one.arity) for one in ALL if "srun" in one.commands and one.since is None]
    assert [(one.long, one.short, one.arity) for one in OPTIONS] == theirs


def test_every_option_is_read_and_goes_somewhere():
    fields = set(Wanted.__dataclass_fields__) | {"gres"}
    for option in OPTIONS:
        assert option.reads in READERS or option.reads in ("ask", "count"), option.long
        assert option.field in fields or not option.field, option.long
        assert option.field or option.reads in CHECKS or option.reads == "number", option.long


REFUSED = {
    ("-n0",): ('srun: error: Invalid numeric value "0" for --ntasks.', 1),
    ("-n-1",): ('srun: error: Invalid numeric value "-1" for --ntasks.', 1),
    ("-T0",): ('srun: error: Invalid numeric value "0" for --threads.', 1),
    ("-W", "-1"): ('srun: error: Invalid numeric value "-1" for --wait.', 1),
    ("--immediate=x",): ('srun: error: Invalid numeric value "x" for immediate.', 1),
    ("-K=x",): ('srun: error: Invalid numeric value "=x" for --kill-on-bad-exit.', 1),
    ("--jobid=x",): ('srun: error: Invalid numeric value "x" for --jobid.', 1),
    ("--mem=x",): ("srun: error: Invalid --mem specification", 255),
    ("-t", "x"): ("srun: error: Invalid --time specification", 255),
    ("--signal=x",): ("srun: error: Invalid --signal specification", 255),
    ("--exclusive=x",): ("srun: error: Invalid --exclusive specification", 255),
    ("--open-mode=z",): ("srun: error: Invalid --open-mode specification", 255),
    ("--accel-bind=x",): ("srun: error: Invalid --accel-bind specification", 255),
    ("--mail-type=FOO",): ("srun: error: Invalid --mail-type specification", 255),
    ("--gres-flags=foo",): ("srun: error: Invalid --gres-flags specification", 255),
    ("--profile=foo",): ("srun: error: invalid --profile=foo option", 255),
    ("--gpu-bind=foo",): ("srun: error: Invalid --gpu-bind argument: gpu:foo", 255),
    ("--gpu-freq=foo",): ("srun: error: Invalid --gpu-freq argument: gpu:foo", 255),
    ("--acctg-freq=foo",): ("srun: error: Invalid --acctg-freq specification: foo", 255),
    ("--mem-bind=foo",): ('srun: error: unrecognized --mem-bind argument "foo"', 255),
    ("--hint=foo",): ('srun: error: unrecognized --hint argument "foo", see --hint=help', 1),
    ("--het-group=x",): ("srun: error: _parse_single_range: Invalid range: `x'\nsrun: error: Invalid --het-group value: x", 1),
    ("--propagate=FOO",): ("srun: error: Bad rlimit name: FOO\nsrun: error: --propagate=FOO is not valid.", 1),
    ("--cpu-freq=foo",): ('srun: error: unrecognized --cpu-freq argument "foo"\nsrun: error: Invalid --cpu-freq argument', 255),
    ("--tres-per-task=cpu:1",): (
        "srun: unrecognized option '--tres-per-task=cpu:1'\nTry \"srun --help\" for more information", 255,
    ),
    ("--nodefile=/nonexistent",): (
        "srun: error: slurm_allocate_resources error opening file /nonexistent, No such file or directory\n"
        "srun: error: Invalid --nodefile node file", 255,
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: " ".join(words))
def test_refused_as_by_slurm(words):
    with pytest.raises(CannotRun) as refused:
        options.with_files(options.read([*words, "true"], {}), {}, "/")
    assert (refused.value.line, 1 if refused.value.code is None else refused.value.code) == REFUSED[words]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("5", 5),
        ("0:01", 1),
        ("1:30", 2),
        ("1:00:00", 60),
        ("1-0", 1440),
        ("1-2:30", 1590),
        ("infinite", None),
        ("0", None),
    ],
)
def test_time_limits(text, minutes):
    assert options.read(["-t", text, "true"], {}).limit_min == minutes


def test_words_win_over_the_environment():
    told = {
        "SLURM_NTASKS": "3",
        "SLURM_LABELIO": "1",
        "SLURM_DISTRIBUTION": "plane",
        "SLURM_DIST_PLANESIZE": "4",
        "SLURM_GRES": "gpu:2",
    }
    wanted = options.read(["-n2", "true", "-l"], told)
    assert (wanted.tasks, wanted.label, wanted.gpus_per_node, wanted.command) == (2, True, 2, ("true", "-l"))
    assert wanted.distribution is not None and wanted.distribution.plane == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 a", "srun: error: Configuration file f invalid, no record for task id 1"),
        ("0-5 a", "srun: error: Invalid task id, 5 >= ntasks\nsrun: error: Line 1 of configuration file f invalid"),
        (
            "x a",
            "srun: error: Invalid task range specification (x)\nsrun: error: Line 1 of configuration file f invalid",
        ),
    ],
)
def test_files_of_programs_that_do_not_fit(text, said):
    with pytest.raises(CannotRun) as refused:
        programs(text, 2, "f")
    assert refused.value.line == said


def test_files_of_programs():
    found = programs("# a comment\n1 b 'two words' \"x\"\n* c %t \\\n %o\n", 3, "f")
    assert found == [["c", "0", "0"], ["b", "two words", "x"], ["c", "2", "1"]]


def test_help_tells_of_every_option():
    assert all(f"--{option.long}" in help.text() for option in OPTIONS)
    assert all(len(line) <= 100 for line in help.text().splitlines()[1:])
