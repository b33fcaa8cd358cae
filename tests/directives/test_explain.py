"""What becomes of every word of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowbatch.directives import market
from flowbatch.directives.explain import Explanation, explain

SCRIPT = b"""#!/bin/bash
#SBATCH --time=1:00 -N 2
#SBATCH --qos=high --mail-type=END
#SBATCH --mail-type=BEGIN --container=/c --wrap=x
## SBATCH --mem=1G
#FLOW --budget=5
srun true
#SBATCH -n4
"""


@pytest.fixture
def told(read: Callable[..., Any]) -> Explanation:
    outcome = read(SCRIPT, ["-t", "5", "job.sh"], {"SBATCH_QOS": "low"})
    return explain(outcome.submission, market.read(outcome.submission.script, {}))


def test_each_word_with_its_place_and_verdict(told: Explanation) -> None:
    found = [
        (one.option, one.text, one.place, one.line, one.column, one.verdict, one.overridden_by) for one in told.findings
    ]
    assert found == [
        ("--time", "1:00", "script", 2, 9, "honoured", "-t"),
        ("--nodes", "2", "script", 2, 21, "honoured", None),
        ("--qos", "high", "script", 3, 9, "recorded", "SBATCH_QOS"),
        ("--mail-type", "END", "script", 3, 20, "honoured", None),
        ("--mail-type", "BEGIN", "script", 4, 9, "honoured", None),
        ("--container", "/c", "script", 4, 27, "refused", None),
        ("--qos", "low", "environment", 0, 12, "recorded", None),
        ("--time", "5", "command line", 0, 1, "honoured", None),
        ("--budget", "5", "script", 6, 16, "recorded", None),
    ]
    assert [one.value for one in told.findings][-3:] == ["low", "00:05:00", "5"]


def test_what_is_not_read_is_named(told: Explanation) -> None:
    assert [(line.number, line.why) for line in told.unread] == [
        (4, "sbatch heeds it on its command line alone"),
        (5, "is a comment: SBATCH must follow the # at once"),
        (8, "stands after the first command (line 7)"),
    ]


def test_refused_and_only_recorded(told: Explanation) -> None:
    assert [one.option for one in told.refused] == ["--container"]
    assert [one.option for one in told.only_recorded] == ["--qos", "--budget"]
    document = told.document()
    assert document["refused"] is True
    assert document["directives"][0]["overridden_by"] == "-t"
    assert document["unread"][0]["number"] == 4


def test_rows_for_a_reader(told: Explanation) -> None:
    assert told.rows()[:3] == [
        ("2:9", "--time=1:00", "overridden", "by -t"),
        ("2:21", "--nodes=2", "honoured", "how many nodes"),
        ("3:9", "--qos=high", "overridden", "by SBATCH_QOS"),
    ]
    assert told.rows()[-1] == ("line 8", "#SBATCH -n4", "not read", "stands after the first command (line 7)")
