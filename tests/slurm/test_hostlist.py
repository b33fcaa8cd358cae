"""Host lists, as `scontrol show hostnames`, `hostlist` and `hostlistsorted` of a real Slurm printed them."""

from __future__ import annotations

import pytest

from flowbatch.slurm.hostlist import InvalidHostlist, expand, fold, fold_sorted

NAMES = {
    "n[1-3,5],m7": "n1 n2 n3 n5 m7",
    "n[08-11]": "n08 n09 n10 n11",
    "n[9-11]": "n9 n10 n11",
    "n[001-3]": "n001 n002 n003",
    "n[1-003]": "n1 n2 n3",
    "n[1,1]": "n1 n1",
    "[1-3]": "1 2 3",
    "n1,,n2": "n1 n2",
    "n1 n2\nn3": "n1 n2 n3",
    "n[1-2][3-4]": "n13 n14 n23 n24",
    "n[1-2]m[1-2],x": "n1m1 n1m2 n2m1 n2m2 x",
    "n[0-1][0-1][0-1]": "n000 n001 n100 n101 n010 n011 n110 n111",
    "n[18446744073709551615]": "n18446744073709551615",
    "n{1-2}": "n{1-2}",
    "": "",
}
FOLDED = {
    "n3,n1,n2,n1": ("n[3,1-2,1]", "n[1,1-3]"),
    "n1,n2,n3,n5": ("n[1-3,5]", "n[1-3,5]"),
    "n01,n1,n2": ("n[01,1-2]", "n[1-2,01]"),
    "n9,n10,n11": ("n[9-11]", "n[9-11]"),
    "n09,n10": ("n[09-10]", "n[09-10]"),
    "n008,n9": ("n[008,9]", "n[9,008]"),
    "n1,m1,n2": ("n1,m1,n2", "m1,n[1-2]"),
    "n,n1": ("n,n1", "n,n1"),
    "n1x,n2x": ("n1x,n2x", "n1x,n2x"),
    "n1x1,n1x2,n2x1": ("n1x[1-2],n2x1", "n1x[1-2],n2x1"),
    "n1,n1": ("n[1,1]", "n[1,1]"),
    "a,a": ("a,a", "a,a"),
    "1,2,3": ("[1-3]", "[1-3]"),
    "a1b,a2b,a3": ("a1b,a2b,a3", "a3,a1b,a2b"),
    "n001,n002,n01,n02": ("n[001-002,01-02]", "n[01-02,001-002]"),
    "n5,n4,n5": ("n[5,4-5]", "n[4-5,5]"),
    "n1,n2,n2,n3": ("n[1-2,2-3]", "n[1-2,2-3]"),
    "m,n,n2": ("m,n,n2", "m,n,n2"),
    "": ("", ""),
}


@pytest.mark.parametrize("text", NAMES)
def test_expand(text: str) -> None:
    assert expand(text) == NAMES[text].split()


@pytest.mark.parametrize("text", FOLDED)
def test_fold(text: str) -> None:
    names = [name for name in text.split(",") if name]
    assert (fold(names), fold_sorted(names)) == FOLDED[text]
    assert expand(fold(names)) == names


@pytest.mark.parametrize(
    "text",
    [
        "n[3-1]",
        "n[",
        "n[1-",
        "n[a]",
        "n[]",
        "n[1,]",
        "n[1-2]x",
        "n[1]x,n2",
        "n[1-2]]",
        "n[[1]]",
        "n[1-70000]",
        "n]",
        "n[-1]",
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidHostlist):
        expand(text)


def test_more_names_than_any_cluster_has_are_refused_before_they_are_made():
    with pytest.raises(InvalidHostlist, match="Too many hosts"):
        expand("a[0-65535]b[0-65535]c[0-65535]")


def test_folding_writes_what_can_be_read():
    names = ["0" * 41 + "1", "0" * 41 + "2", "n" + "9" * 60]
    assert expand(fold(names)) == names
