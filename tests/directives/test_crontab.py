"""Crontabs: what scrontab 22.05 takes and what it refuses, in its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbatch.directives import crontab
from flowbatch.directives.crontab import CrontabFault
from flowbatch.directives.values import cron
from flowbatch.directives.values.syntax import ValueSyntax

BROKEN = ("something is broken",)


@pytest.mark.parametrize(("text", "lines"), [
    ("foo", BROKEN), ("* * * *", BROKEN), ("* * * * *", BROKEN), ("@daily", BROKEN),
    ("* * 0 * * true", BROKEN), ("* * 32 * * true", BROKEN), ("* * * 13 * true", BROKEN), ("* * * * 8 true", BROKEN),
    ("* * * jan,feb mon-fri true", BROKEN), ("* * * January * true", BROKEN), ("5-1 * * * * true", BROKEN),
    ("5/2 * * * * true", BROKEN), ("1-5/2,7 * * * * true", BROKEN), ("*/2,3 * * * * true", BROKEN),
    ("*/0 * * * * true", ("bad step value", *BROKEN)), ("*/70 * * * * true", ("bad step value", *BROKEN)),
    ("@reboot true", ("invalid @ line", *BROKEN)), ("@fika true", ("invalid @ line", *BROKEN)),
])  # fmt: skip
def test_what_is_refused(text, lines):
    with pytest.raises(CrontabFault) as refused:
        crontab.parse(f"# first\n{text}\n", "UTC")
    assert refused.value.lines == lines


@pytest.mark.parametrize(("text", "shown"), [
    ("@hourly", "0 0-23 * * *"), ("* * * * *", "* * * * *"), ("60 24 * * 7", "0 0 * * 0"), ("1,2-4,9 * * * *", "1-4,9 * * * *"),
    ("  5\t4 1 JAN Mon", "5 4 1 1 1"),
])  # fmt: skip
def test_how_scontrol_shows_it(text, shown):
    assert cron.parse(text).text == shown


def test_options_variables_and_jobs():
    text = 'A=1\nB = two\n#SCRON -t 5\n\n#SCRON -J "a b"\n# words\n@hourly echo "$A"  now\n*/5 * * * * true\n'
    first, second = crontab.parse(text, "UTC")
    assert (first.first, first.last, first.words) == (3, 7, ("-t", "5", "-J", "a b"))
    assert first.variables == second.variables == (("A", "1"), ("B", "two"))
    assert (second.first, second.last, second.words, second.name) == (8, 8, (), "true")
    assert first.script == (
        "#!/bin/sh\n# This job was submitted through scrontab\n#SCRON -t 5\n#SCRON -J \"a b\"\n"
        "# crontab time request was: '@hourly'\necho \"$A\"  now\n"
    )  # fmt: skip


def test_lines_put_out_of_use():
    assert crontab.disabled("a\nb\nc\n", {1, 2}) == "#DISABLED: a\n#DISABLED: b\nc\n"


@given(st.text())
def test_any_text_is_a_crontab_or_refused(text):
    try:
        crontab.parse(text, "UTC")
    except CrontabFault as fault:
        assert fault.lines


@given(st.text(alphabet="0123456789*/,- @abdhilmnory", max_size=30))
def test_an_expression_that_is_shown_is_the_same(text):
    try:
        found = cron.parse(text)
    except ValueSyntax:
        return
    assert cron.parse(found.text).text == found.text
