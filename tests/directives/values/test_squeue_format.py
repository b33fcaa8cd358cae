"""Format strings of squeue -o and -O, as real squeue took them apart."""

from __future__ import annotations

import pytest

from flowbatch.directives.values.squeue_format import ALL, Column, parse_long, parse_short, show_long, show_short

C = Column

SHORT = {
    "": (),
    "%": (),
    "%i%%": (C("i", source="%i"),),
    "i": (C("", suffix="i"),),
    "x%iy": (C("", suffix="x"), C("i", suffix="y", source="%iy")),
    "%.18i %.9P": (C("i", 18, True, " ", "%.18i "), C("P", 9, True, "", "%.9P")),
    "%2t%100j": (C("t", 2, source="%2t"), C("j", 100, source="%100j")),
    "%05i|": (C("i", 5, False, "|", "%05i|"),),
    "%.0i|": (C("i", None, True, "|", "%.0i|"),),
    "%all": (C(ALL, source="%all"),),
    "x%all": (C("", suffix="x"), C(ALL, source="%all")),
    "%i%all": (C("i", source="%i"), C("a", suffix="ll", source="%all")),
    "%allx": (C("a", suffix="llx", source="%allx"),),
    "%-5i": (C("-", suffix="5i", source="%-5i"),),
    "%5": (C("", source="%5"),),
    "%5%i": (C("", source="%5"), C("i", source="%i")),
    "%..5i": (C(".", None, True, "5i", "%..5i"),),
    "%999999999999i": (C("i", -727379969, False, "", "%999999999999i"),),
    '\'"%i","%j"\'': (C("", suffix="'\""), C("i", suffix='","', source='%i","'), C("j", suffix="\"'", source="%j\"'")),
}

LONG = {
    "": (),
    ",": (),
    "jobid": (C("jobid", 20, source="jobid"),),
    "jobid:5": (C("jobid", 5, source="jobid:5"),),
    "jobid:.5|": (C("jobid", 5, True, "|", "jobid:.5|"),),
    "jobid:": (C("jobid", source="jobid:"),),
    "jobid:###x###": (C("jobid", suffix="###x###", source="jobid:###x###"),),
    "jobid:-5|": (C("jobid", -5, False, "|", "jobid:-5|"),),
    "jobid:-.5|": (C("jobid", None, False, "-.5|", "jobid:-.5|"),),
    "jobid:5:6": (C("jobid", 5, False, ":6", "jobid:5:6"),),
    "jobid:.": (C("jobid", None, True, "", "jobid:."),),
    ",a,,b:3,": (C("a", 20, source="a"), C("b", 3, source="b:3")),
    "a b": (C("a b", 20, source="a b"),),
}


@pytest.mark.parametrize("text", SHORT)
def test_short(text: str) -> None:
    assert parse_short(text) == SHORT[text]
    assert parse_short(show_short(SHORT[text])) == SHORT[text]


@pytest.mark.parametrize("text", LONG)
def test_long(text: str) -> None:
    assert parse_long(text) == LONG[text]
    assert parse_long(show_long(LONG[text])) == LONG[text]
