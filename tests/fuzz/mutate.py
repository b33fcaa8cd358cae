"""Inputs near those that real scripts hold: cut, joined, doubled, with bytes and words changed. The same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

TOKENS = (
    b"\0", b"\n", b" ", b"\t", b",", b":", b"-", b"=", b"%", b"[", b"]", b"(", b")", b"*", b"&", b"|", b"'", b'"', b"\\", b"/", b"#",
    b"..", b"0", b"-1", b"4294967296", b"99999999999999999999", b"1e9", b"0x10", b"\xff", b"\xe2\x82\xac", b"[1-1000000]", b"%9999999j",
    b"{}", b"null", b"NaN", b'"\\ud800"', b"all", b"UNLIMITED", b"now", b"#SBATCH ", b"$", b"K", b"T",
)  # fmt: skip
LONGEST = 4096


def inputs(seeds: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """So many; what was made before may be made on."""
    random = Random(seed)
    pool = [*(seeds or [b""]), *TOKENS]
    for _ in range(count):
        data = random.choice(pool)
        for _ in range(random.randint(1, 5)):
            data = _changed(data, random, pool)
        yield data[:LONGEST]
        if random.random() < 0.05:
            pool[random.randrange(len(pool))] = data[:LONGEST]


def _changed(data: bytes, random: Random, pool: Sequence[bytes]) -> bytes:
    at, to = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    match random.randrange(7):
        case 0:
            return data[:at] + data[to:]
        case 1:
            return data[:at] + random.choice(TOKENS) + data[at:]
        case 2:
            return data[:at] + random.choice(pool) + data[to:]
        case 3:
            return data[:at] + data[at:to] * random.choice((2, 3, 17)) + data[to:]
        case 4:
            return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
        case 5:
            return data[:at] + random.choice(TOKENS) + data[to:]
        case _:
            return data + random.choice(pool)
