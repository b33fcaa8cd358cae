"""Lists of node names: `n[1-3,5],m7` to names and back, as Slurm 22.05 writes and orders them.

The same language is grammar/hostlist.lark, which options are read by; this reader is for where Lark is not (a node's
`scontrol show hostnames`, a list that Slurm itself wrote).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, product
from math import prod

from flowbatch.errors import FlowError

MAX_DIGITS = 18
"""So many at a name's end are its number."""

MAX_RANGE = 65536
"""Slurm refuses a range of more hosts."""

MAX_NAMES = 1 << 18
"""More names than any cluster has: refused before they are made."""

_NAME = re.compile(r"(?:[^\[\],\s]+|\[[^\[\]]*\])+")
_BLANK = re.compile(r"[,\s]+")
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")
_DIGITS = "0123456789"


class InvalidHostlist(FlowError):
    """A text that is no hostlist; the message is what `scontrol show hostnames` says.

    `brackets`: they do not match, or hold no text; else a range in them is none.
    """

    def __init__(self, message: str, *, brackets: bool = False) -> None:
        super().__init__(message)
        self.brackets = brackets

    def fault(self, command: str) -> str:
        """The line of `command` about a range that is none; empty of brackets, of which it says nothing by themselves."""
        return "" if self.brackets else f"{command}: error: _parse_single_range: {self.message}\n"


@dataclass(slots=True)
class HostRange:
    """`01-03`: the numbers `first` to `last`, written with at least `width` digits."""

    first: int
    last: int
    width: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    def texts(self) -> Iterator[str]:
        return (f"{number:0{self.width}}" for number in range(self.first, self.last + 1))

    def __str__(self) -> str:
        first = f"{self.first:0{self.width}}"
        return first if self.first == self.last else f"{first}-{self.last:0{self.width}}"

    def followed_by(self, digits: str) -> bool:
        return digits == f"{self.last + 1:0{self.width}}"


@dataclass(frozen=True)
class HostPattern:
    """One name with brackets: literal `heads`, each followed by its ranges. A plain name has one head and no ranges."""

    heads: tuple[str, ...]
    ranges: tuple[tuple[HostRange, ...], ...]

    @property
    def count(self) -> int:
        """How many names."""
        return prod(sum(map(len, ranges)) for ranges in self.ranges)

    def names(self) -> Iterator[str]:
        """All names; the last bracket counts fastest, then the first one, the second and so on, as in Slurm."""
        if not self.ranges:
            yield self.heads[0]
            return
        *outer, inner = ([text for r in ranges for text in r.texts()] for ranges in self.ranges)
        for backwards in product(*reversed(outer)):
            stem = "".join(head + text for head, text in zip(self.heads, reversed(backwards), strict=False))
            for text in inner:
                yield stem + self.heads[-1] + text


def expand(text: str) -> list[str]:
    """The names, in order and with repetitions. Raises InvalidHostlist."""
    names: list[str] = []
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        if not (found := _NAME.match(text, at)):
            raise InvalidHostlist(f"Invalid hostlist: {text}", brackets=True)
        pattern = _pattern(found[0], text)
        if len(names) + pattern.count > MAX_NAMES:
            raise InvalidHostlist(f"Too many hosts in `{found[0]}'")
        names += pattern.names()
        at = found.end()
    return names


def fold(names: Iterable[str]) -> str:
    """The shortest text that Slurm writes: neighbours join when they follow each other, order and repetitions stay."""
    groups = groupby(map(split, names), key=lambda name: (name[0], bool(name[1])))
    return ",".join(_folded(prefix, [digits for _, digits in group]) for (prefix, _), group in groups)


def fold_sorted(names: Iterable[str]) -> str:
    """`fold` of the names by prefix, number of digits and number, as node lists of jobs and sinfo show them."""
    return fold(sorted(names, key=sort_key))


def sort_key(name: str) -> tuple[str, int, int]:
    prefix, digits = split(name)
    return prefix, len(digits), int(digits or "-1")


def split(name: str) -> tuple[str, str]:
    """`n01` is (n, 01); a name without a number has none. Of very many digits the last are the number: a range of them can be read."""
    cut = max(len(name.rstrip(_DIGITS)), len(name) - MAX_DIGITS)
    return name[:cut], name[cut:]


def host_range(text: str) -> HostRange | None:
    """`5` or `1-3` as a range; None if it is none. Raises InvalidHostlist for more than MAX_RANGE hosts."""
    found = _RANGE.fullmatch(text)
    if not found or len(text) > 40:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    if last - first >= MAX_RANGE:
        raise InvalidHostlist(f"Too many hosts in range `{text}'")
    return HostRange(first, last, len(found[1])) if first <= last else None


def _pattern(name: str, text: str) -> HostPattern:
    head, *rest = name.split("[")
    heads, ranges = [head], []
    for part in rest:
        inside, _, after = part.partition("]")
        ranges.append(tuple(_range(one) for one in inside.split(",")))
        heads.append(after)
    if ranges and heads.pop():
        raise InvalidHostlist(f"Invalid hostlist: {text}", brackets=True)
    return HostPattern(tuple(heads), tuple(ranges))


def _range(text: str) -> HostRange:
    if found := host_range(text):
        return found
    raise InvalidHostlist(f"Invalid range: `{text}'")


def _folded(prefix: str, numbers: list[str]) -> str:
    """One prefix with the numbers that stand together; plain names have none."""
    ranges: list[HostRange] = []
    for digits in filter(None, numbers):
        if ranges and ranges[-1].followed_by(digits):
            ranges[-1].last += 1
        else:
            ranges.append(HostRange(int(digits), int(digits), len(digits)))
    if not ranges:
        return ",".join(prefix for _ in numbers)
    inside = ",".join(map(str, ranges))
    return prefix + (inside if inside.isdigit() else f"[{inside}]")
