"""Bytes of users as text, reversibly.

A Slurm script, a job name or a path is bytes; most are UTF-8, some are not. Inside, text is `str` without lone
surrogates (JSON and pydantic refuse those): a byte that is no UTF-8 becomes one character of a private range
(U+EF80 to U+EFFF) and comes back as that byte. A real character of that range is escaped byte by byte as well.
"""

from __future__ import annotations

_SURROGATE, _PRIVATE = 0xDC00, 0xEF00
_HIGH = range(0x80, 0x100)

_TO_PRIVATE: dict[int, str] = {_SURROGATE + byte: chr(_PRIVATE + byte) for byte in _HIGH} | {
    _PRIVATE + byte: "".join(chr(_PRIVATE + b) for b in chr(_PRIVATE + byte).encode()) for byte in _HIGH
}
_TO_SURROGATE: dict[int, str] = {_PRIVATE + byte: chr(_SURROGATE + byte) for byte in _HIGH}


def decode(raw: bytes) -> str:
    """The text of `raw`; `encode` gives back exactly `raw`."""
    text = raw.decode("utf-8", "surrogateescape")
    return text if text.isascii() else text.translate(_TO_PRIVATE)


def encode(text: str) -> bytes:
    """The bytes that `decode` was given."""
    return text.encode() if text.isascii() else text.translate(_TO_SURROGATE).encode("utf-8", "surrogateescape")


def shown(words: str) -> str:
    """Words of somebody else as a terminal may have them: what would move it, or shows nothing, is U+FFFD."""
    return words if words.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in words)


def small(word: str) -> str:
    """ASCII's capitals made small, all else as it is: what sqlite's `lower` makes of it."""
    return decode(encode(word).lower())
