"""The options of salloc, and of srun outside a job."""

from __future__ import annotations

import pytest

from flowbatch.directives import allocation, build
from flowbatch.directives.build import Origins
from flowbatch.directives.chosen import Surroundings
from flowbatch.directives.diagnosis import DirectiveError
from flowbatch.directives.settings import Help
from flowbatch.spec.market import MarketTerms


def read(command, *argv, **environ):
    return allocation.read(argv, Surroundings(cwd="/here", command=command), environ)


def job(command, *argv, program=None, **environ):
    wish = read(command, *argv, **environ)
    return build.job(wish.chosen, Origins("/here", program, kind=command), MarketTerms())


def test_words_end_at_the_command():
    assert read("salloc", "-n2", "make", "-n", "--", "-x").words == ("make", "-n", "--", "-x")


def test_what_is_said_wins_over_the_environment():
    spec = job("salloc", "-p", "long", SALLOC_PARTITION="short", SALLOC_TIMELIMIT="5", SBATCH_QOS="none")
    assert (spec.partitions, spec.time_limit_min, spec.qos) == (("long",), 5, None)


def test_srun_reads_the_variables_that_steps_get_too():
    assert job("srun", SLURM_NTASKS="3", SLURM_JOB_NAME="mine", program="/bin/true").resources.ntasks == 3


@pytest.mark.parametrize(
    ("command", "argv", "program", "name"),
    [
        ("salloc", [], None, "interactive"),
        ("salloc", ["--no-shell"], None, "no-shell"),
        ("salloc", ["-J", "mine"], None, "mine"),
        ("srun", [], "/usr/bin/env", "env"),
    ],
)
def test_names(command, argv, program, name):
    spec = job(command, *argv, program=program)
    assert (spec.name, spec.kind, spec.unattended) == (name, command, "--no-shell" in argv)


def test_a_step_s_streams_and_environment_are_no_business_of_its_job():
    spec = job("srun", "-o", "out", "--export=NONE", program="true")
    assert (spec.files.output, spec.export.kind) == (None, "all")


@pytest.mark.parametrize(
    ("command", "argv", "code", "said"),
    [
        (
            "salloc",
            ["--array=1"],
            255,
            ["salloc: unrecognized option '--array=1'", 'Try "salloc --help" for more information'],
        ),
        ("salloc", ["-Kbogus"], 255, ["salloc: error: Invalid --kill-command specification"]),
        ("salloc", ["-I-1"], 1, ['salloc: error: Invalid numeric value "-1" for immediate.']),
        ("salloc", ["--signal=B:USR1"], 255, ["salloc: error: Invalid --signal specification"]),
        ("srun", ["-N", "x"], 255, ['srun: error: "x" is not a valid node count']),
        ("srun", ["-Q", "-v"], 1, ["srun: error: don't specify both --verbose (-v) and --quiet (-Q)"]),
    ],
)
def test_refused(command, argv, code, said):
    with pytest.raises(DirectiveError) as stop:
        read(command, *argv)
    assert (stop.value.exit_code, list(stop.value.said)) == (code, said)


@pytest.mark.parametrize(
    ("command", "argv", "parts"),
    [
        ("salloc", "-n1 : -n2 -c3 env -i : x", [(1, None, ()), (2, 3, ("env", "-i", ":", "x"))]),
        ("salloc", "-n1 echo a : b", [(1, None, ("echo", "a", ":", "b"))]),
        ("salloc", "-n1 :", [(1, None, ()), (None, None, ())]),
        ("srun", "-n1 a x : -c2 b : c", [(1, None, ("a", "x")), (None, 2, ("b",)), (None, None, ("c",))]),
        ("srun", ": -n2 b", [(None, None, ()), (2, None, ("b",))]),
    ],
)
def test_components_stand_between_colons(command, argv, parts):
    """Of salloc's words none behind its command's name; what one component says of its tasks the next has not said."""
    found = read(command, *argv.split()).components
    assert [(one.chosen.get("ntasks"), one.chosen.get("cpus-per-task"), one.words) for one in found] == parts


def test_later_components_are_read_in_the_colon_s_name():
    with pytest.raises(DirectiveError) as stop:
        read("srun", "true", ":", "--nosuch")
    assert list(stop.value.said) == [":: unrecognized option '--nosuch'", 'Try "srun --help" for more information']


def test_asked_for_help():
    with pytest.raises(Help, match="usage"):
        read("salloc", "--usage")


def test_verbose_shows_the_options():
    said = read("salloc", "-v", "--no-bell", "-K", "-t", "5").said
    assert said[2:-2] == (
        "salloc: kill-command        : TERM",
        "salloc: no-bell             : bell-never",
        "salloc: time                : 00:05:00",
        "salloc: verbose             : 1",
    )
