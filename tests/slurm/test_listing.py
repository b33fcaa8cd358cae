"""Columns as printf and squeue make them; each case was seen on 22.05."""

from __future__ import annotations

import pytest

from flowbatch import text
from flowbatch.slurm import amounts, indices, listing
from flowbatch.slurm.listing import Column


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        (Column("x"), "abc", "abc"),
        (Column("x", width=5, suffix="|"), "abc", "abc  |"),
        (Column("x", width=5, right=True), "abc", "  abc"),
        (Column("x", width=2), "abc", "ab"),
        (Column("x", width=2, right=True), "abc", "ab"),
        (Column("x", width=5), "(null)", "     "),
        (Column("x", width=6), "(null)", "(null)"),
        (Column("x", width=5, right=True), "(null)", "(null"),
        (Column("x", width=9, right=True, whole=True), "365-00:00:00", "365-00:00:00"),
        (Column("x", width=3, right=True, whole=True), "UNLIMITED", "UNL"),
        (Column("x", width=3, whole=True), "1:00:00", "1:0"),
        (Column("x", width=3, right=True, whole=True), "(Priority)", "(Pr"),
        (Column("x", width=3, right=True, whole=True), "(null)", "(null)"),
        (Column(None, suffix="100% of it"), "", "100% of it"),
    ],
)
def test_cell_and_line_agree(column: Column, value: str, shown: str) -> None:
    assert column.cell(value) == shown
    assert listing.lines([column], [[value]]) == shown + "\n"


def test_widths_count_bytes() -> None:
    """Five characters of two bytes each in a column of eight bytes; half a character is cut off as bytes are."""
    assert text.encode(listing.lines([Column("x", width=7)], [["äöüäö"]])) == "äöü".encode() + b"\xc3\n"
    assert listing.lines([Column("x", width=8, right=True)], [["äö"]]) == "    äö\n"


def test_a_mad_width_costs_a_line_not_the_machine() -> None:
    assert len(listing.lines([Column("x", width=2**31 - 1)], [["a"]])) == listing.MAX_WIDTH + 1


def test_header_is_always_cut() -> None:
    assert listing.header([Column("x", "TIME_LIMIT", 9, True, whole=True)]) == "TIME_LIMI"


@pytest.mark.parametrize(
    ("mib", "shown"),
    [
        (0, "0"), (500, "500M"), (1024, "1G"), (1500, "1500M"), (1536, "1.50G"), (2560, "2.50G"), (3000, "3000M"),
        (10000, "10000M"), (15360, "15G"), (16000, "16000M"), (32000, "32000M"), (48000, "48000M"), (64000, "62.50G"),
        (1 << 20, "1T"),
    ],
)  # fmt: skip
def test_mebibytes(mib: int, shown: str) -> None:
    assert amounts.mebibytes(mib) == shown
    assert amounts.mebibytes(mib, convert=False) == (f"{mib}M" if mib else "0")


def runs(*numbers: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


@pytest.mark.parametrize(
    ("numbers", "limit", "shown"),
    [
        (range(0, 12, 2), 64, "0,2,4,6,8,10"),
        (range(0, 14, 2), 64, "0-12:2"),
        (range(0, 101, 7), 64, "0-98:7"),
        ([1, 2, 3, 5, 7, 9], 64, "1-3,5,7,9"),
        (range(1, 301), 64, "1-300"),
        ([1, 8], 64, "1,8"),
        ([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31], 20, "0,3,6,9,12,15,18..."),
        ([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31], 9, "0,3,6..."),
        ([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31], 5, "0..."),
        ([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31], 3, ".."),
        ([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31], 1, ""),
        ([0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31], 0, "0,3,6,9,12,15,18,21,24,27,30-31"),
    ],
)
def test_indices(numbers: list[int], limit: int, shown: str) -> None:
    assert indices.text(runs(*numbers), limit) == shown


@pytest.mark.parametrize(
    ("said", "limit"), [(None, 64), ("0", 0), ("20", 20), ("abc", 0), ("-3", 64), ("999999", 4096)]
)
def test_length_limit(said: str | None, limit: int) -> None:
    assert indices.length_limit({} if said is None else {"SLURM_BITSTR_LEN": said}) == limit
