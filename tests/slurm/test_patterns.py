"""File name patterns against what slurmstepd 22.05.8 made of them (job 215 and on, by root on host vm)."""

import pytest

from flowbatch.slurm.patterns import Names, expand, input_path, listed, output_path

JOB = Names(job_id=216, job_name="nm", user="root", host="vm.example.org")
TASK = Names(job_id=264, job_name="nm", user="root", host="vm", array_id=259, array_index=4)

EXPANDED = [
    ("p-%%-%A-%a-%b-%j-%J-%N-%n-%s-%t-%u-%x", "p-%-216-4294967294-%b-216-216-vm-0-batch-0-root-nm"),
    ("%3a-%05j-%3n", "4294967294-00216-000"),
    ("%5A.%4t.%5x", "00216.0000.nm"),
    ("%10N|%6u|%3s", "vm|root|batch"),
    ("%q-%z-%", "%q-%z-%"),
    ("x%", "x%"),
    ("%%%j", "%216"),
    ("%5%", "5%"),
    ("%5%j", "5216"),
    ("%5q%j", "5q216"),
    ("%0j", "216"),
    ("%1j", "216"),
    ("%12j", "0000000216"),
    ("%010j", "0000000216"),
    ("%9999j", "0000000216"),
    ("%3J", "216"),
    ("%-5j", "%-5j"),
    ("% j", "% j"),
    ("%5", "5"),
    ("%5b", "5b"),
    ("%c%h%H%U%e%i%w%k", "%c%h%H%U%e%i%w%k"),
    ("%j%", "216%"),
    ("sp ace-%j", "sp ace-216"),
    (r"\%j", "%j"),
    (r"\\%j", r"\%j"),
    (r"a\\b%j", r"a\b%j"),
    (r"a\%j\%x", "a%j%x"),
    ("%j\\", "%j"),
]


@pytest.mark.parametrize(("pattern", "name"), EXPANDED)
def test_a_pattern_becomes_the_name_that_slurmstepd_opens(pattern, name):
    assert expand(pattern, JOB) == name


def test_an_array_task_has_its_own_ids():
    assert expand("arr-%A-%a-%b-%j-%J-%3a-%n-%N", TASK) == "arr-259-4-%b-264-264-004-0-vm"


def test_a_name_is_not_expanded_twice():
    assert expand("y-%x", Names(job_id=1, job_name="p%j", user="u", host="h")) == "y-p%j"


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("p-%%-%A-%a-%b-%j-%J-%N-%n-%s-%t-%u-%x", "p-%%-216-4294967294-%b-216-%J-%N-%n-%s-%t-root-nm"),
        ("%%%j", "%%216"),
        ("%05j", "%05j"),
        (r"\\%j", r"\\216"),
        ("%5%", "%5%"),
        ("x%", "x%"),
    ],
)
def test_a_listing_knows_fewer_specifiers(pattern, shown):
    assert listed(pattern, JOB) == shown


def test_the_default_lies_in_the_work_directory_whatever_its_name():
    assert output_path(None, "/w/d%j", JOB) == "/w/d%j/slurm-216.out"
    assert output_path(None, "/w/b\\d", TASK) == "/w/b\\d/slurm-259_4.out"


def test_a_given_pattern_is_expanded_with_its_directory():
    assert output_path("q%j", "/w/d%j", JOB) == "/w/d216/q216"
    assert output_path("q%j", "/w/b\\d", JOB) == "/w/bd/q%j"
    assert output_path("/abs/%j", "/w", JOB) == "/abs/216"


@pytest.mark.parametrize("word", ["none", "NONE", "None"])
def test_none_is_the_null_device(word):
    assert output_path(word, "/w", JOB) == "/dev/null"


def test_input_is_the_null_device_unless_given():
    assert input_path(None, "/w", JOB) == "/dev/null"
    assert input_path("in-%j", "/w", JOB) == "/w/in-216"
