"""Which lines of a script are read."""

from __future__ import annotations

import pytest

from flowbatch.directives.script import Script, fault


@pytest.mark.parametrize(
    ("raw", "first_line"),
    [
        (b"", "Batch script is empty!"),
        (b" \n\t\v", "Batch script contains only whitespace!"),
        (b"\0\0", "Batch script contains only whitespace!"),
        (b"\n#!/bin/sh\n", "This does not look like a batch script.  The first"),
        (b"\xff\xfe#\0!\0", "This does not look like a batch script.  The first"),
        (b"\xef\xbb\xbf#!/bin/sh\n", "This does not look like a batch script.  The first"),
        (b"\x7fELF\0\0", "This does not look like a batch script.  The first"),
        (b"#!/bin/sh\r\n\0", "The Slurm controller does not allow scripts that"),
        (b"#!/bin/sh\ntrue\r\n", "Batch script contains DOS line breaks (\\r\\n)"),
    ],
)
def test_scripts_that_are_none(raw: bytes, first_line: str) -> None:
    found = fault(raw)
    assert found is not None
    assert found.lines[0] == first_line


@pytest.mark.parametrize("raw", [b"#!", b"#! \n", b"#!/bin/sh\n\r", b"#!/bin/sh\n" + b"x" * 10_000_000])
def test_scripts_that_are_some(raw: bytes) -> None:
    assert fault(raw) is None


HEADER = b"""#!/bin/bash
# a comment
#SBATCH -N1
   # indented
#FLOW --budget=5

#SBATCH--ntasks=2
#SBATCH hetjob
#SLURM -c2
set -e
#SBATCH -t5
#PBS -N late
"""


def test_directives_end_at_the_first_command() -> None:
    script = Script(HEADER, "job.sh")
    assert [[(line.number, line.rest) for line in lines] for lines in script.components] == [
        [(3, "-N1"), (7, "--ntasks=2")],
        [(9, "-c2")],
    ]
    assert [(line.number, line.rest) for line in script.flow] == [(5, "--budget=5")]
    assert [(line.number, line.rest) for line in script.foreign] == [(12, " -N late")]


def test_lines_that_only_look_like_directives_are_named() -> None:
    script = Script(
        b"#!/bin/sh\n##SBATCH -a\n# SBATCH -b\n\t#SBATCH -c\n#sbatch -d\ntrue\n#SBATCH -e\n# SBATCH is fine\n", "x"
    )
    assert [(line.number, line.why) for line in script.unread] == [
        (2, "is a comment: SBATCH must follow the # at once"),
        (3, "is a comment: SBATCH must follow the # at once"),
        (4, "is indented"),
        (5, "is not written in capital letters"),
        (7, "stands after the first command (line 6)"),
        (8, "stands after the first command (line 6)"),
    ]


def test_a_header_is_read_without_the_body() -> None:
    script = Script(b"#!/bin/sh\n#SBATCH -N2\ntrue\n" + b"\xff\n" * 5_000_000, "big")
    assert [line.number for line in script.header] == [2]
