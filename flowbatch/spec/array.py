"""Job arrays: which indices were asked for, and sets of indices that stay small at 100 000 tasks."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from typing import Any

from pydantic_core import CoreSchema, core_schema

from flowbatch.spec.model import Frozen


class IndexRange(Frozen):
    """`first-last:step`, `last` included."""

    first: int
    last: int
    step: int = 1


class ArraySpec(Frozen):
    """`--array`: the ranges, the `%` throttle (None: none said; 0 counts as none), and the text as given."""

    text: str
    ranges: tuple[IndexRange, ...]
    throttle: int | None = None

    def indices(self) -> IndexSet:
        return IndexSet.of(self.ranges)


class IndexSet:
    """An immutable set of task indices, held as one integer's bits: removing one costs a copy of a few kilobytes."""

    __slots__ = ("bits",)

    def __init__(self, bits: int = 0) -> None:
        self.bits = bits

    @classmethod
    def of(cls, ranges: tuple[IndexRange, ...]) -> IndexSet:
        bits = 0
        for r in ranges:
            count = (r.last - r.first) // r.step + 1
            if r.step == 1:
                bits |= ((1 << count) - 1) << r.first
            else:
                mask = bytearray(r.last // 8 + 1)
                for index in range(r.first, r.last + 1, r.step):
                    mask[index >> 3] |= 1 << (index & 7)
                bits |= int.from_bytes(mask, "little")
        return cls(bits)

    def __len__(self) -> int:
        return bin(self.bits).count("1")

    def __bool__(self) -> bool:
        return self.bits != 0

    def __contains__(self, index: int) -> bool:
        return index >= 0 and bool(self.bits >> index & 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndexSet) and self.bits == other.bits

    def __hash__(self) -> int:
        return hash(self.bits)

    def __repr__(self) -> str:
        return f"IndexSet({self.text()!r})"

    def __iter__(self) -> Iterator[int]:
        for first, last in self.runs():
            yield from range(first, last + 1)

    @property
    def first(self) -> int:
        """The smallest index; the set must not be empty."""
        return (self.bits & -self.bits).bit_length() - 1

    @property
    def last(self) -> int:
        """The greatest index; the set must not be empty."""
        return self.bits.bit_length() - 1

    def without(self, index: int) -> IndexSet:
        return IndexSet(self.bits & ~(1 << index))

    def minus(self, other: IndexSet) -> IndexSet:
        return IndexSet(self.bits & ~other.bits)

    def both(self, other: IndexSet) -> IndexSet:
        return IndexSet(self.bits & other.bits)

    def union(self, other: IndexSet) -> IndexSet:
        return IndexSet(self.bits | other.bits)

    def runs(self) -> Iterator[tuple[int, int]]:
        """The maximal runs of neighbours, ascending, as (first, last)."""
        digits = bin(self.bits)[:1:-1]
        at = digits.find("1")
        while at >= 0:
            end = digits.find("0", at)
            end = len(digits) if end < 0 else end
            yield at, end - 1
            at = digits.find("1", end)

    def text(self) -> str:
        """As Slurm shows pending tasks: `1-3,5,9`."""
        return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in self.runs())

    def packed(self) -> str:
        """All of it in few characters: base64 of the deflated bits, as a store keeps it."""
        raw = self.bits.to_bytes((self.bits.bit_length() + 7) // 8, "little")
        return base64.b64encode(zlib.compress(raw)).decode()

    @classmethod
    def unpacked(cls, text: str) -> IndexSet:
        """The set that `packed` gave."""
        return cls(int.from_bytes(zlib.decompress(base64.b64decode(text)), "little"))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.unpacked(value),
            serialization=core_schema.plain_serializer_function_ser_schema(cls.packed),
        )
