"""Documents of `--json` and `--yaml`: the envelope that all have, and how Slurm 22.05 writes them.

One version of the data is declared, the one that 22.05 prints: Slurm's OpenAPI v0.0.38 (dbv0.0.38 of what its database tells).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

_SLURM = {"version": {"major": 22, "micro": 8, "minor": 5}, "release": "22.05.8"}
_CONTROLLER = {"type": "openapi/v0.0.38", "name": "Slurm OpenAPI v0.0.38"}
_DATABASE = {"type": "openapi/dbv0.0.38", "name": "Slurm OpenAPI DB v0.0.38"}

FLAGS = frozenset({"json", "yaml"})
"""The options that ask for a document."""


def said(flags: Set[str], key: str) -> set[str]:
    """The flags with one more: of those that ask for a document the last one holds."""
    return {*(flags - FLAGS if key in FLAGS else flags), key}


def document(key: str, records: Sequence[Mapping[str, Any]], *, accounting: bool = False) -> dict[str, Any]:
    """The whole answer: what it is about, what went wrong (nothing), and the records under their name."""
    meta = {"plugin": _DATABASE if accounting else _CONTROLLER, "Slurm": _SLURM}
    return {"meta": meta, "errors": [], key: records}


def written(data: Any, flags: frozenset[str]) -> str:
    """The document as the flags ask for it: JSON or YAML."""
    return as_json(data) if "json" in flags else as_yaml(data)


def as_json(data: Any) -> str:
    """JSON as Slurm writes it: two blanks deep, `/` escaped, no line end behind it."""
    pieces: list[str] = []
    _json(data, "\n", pieces.append)
    return "".join(pieces)


def _json(value: Any, line: str, put: Callable[[str], None]) -> None:
    """Puts a value whose closing bracket stands after `line`. Names of fields need no escapes. json.dumps does not escape `/`,
    and its writer with indentation takes three times as long."""
    scalar = _SCALARS.get(type(value))
    if scalar is not None:
        put(scalar(value))
        return
    inner = line + "  "
    is_map = isinstance(value, dict)
    before = "{" if is_map else "["
    for name, item in value.items() if is_map else (("", item) for item in value):
        head = f'{before}{inner}"{name}": ' if is_map else before + inner
        before = ","
        scalar = _SCALARS.get(type(item))
        if scalar is not None:
            put(head + scalar(item))
        else:
            put(head)
            _json(item, inner, put)
    put(("{" if before == "{" else "[" if before == "[" else "") + line + ("}" if is_map else "]"))


_LONG = 256
"""Texts of so many characters are written anew each time: the cache lives as long as the controller."""


def _text(value: str) -> str:
    return _short(value) if len(value) < _LONG else _short.__wrapped__(value)


@lru_cache(4096)
def _short(value: str) -> str:
    return encode_basestring(value).replace("/", "\\/")


_SCALARS: Mapping[type, Callable[[Any], str]] = {
    str: _text,
    int: str,
    bool: lambda value: "true" if value else "false",
    float: repr,
    type(None): lambda value: "null",
}


def as_yaml(data: Any) -> str:
    """YAML as Slurm writes it: every key and value with its type."""
    return "%YAML 1.1\n--- " + _yaml(data, 0) + "...\n"


def _yaml(data: Any, depth: int) -> str:
    pad = "  " * depth
    if isinstance(data, dict):
        return "!!map\n" + "".join(f"{pad}!!str {key}: {_yaml(value, depth + 1)}" for key, value in data.items())
    if isinstance(data, (list, tuple)):
        if not data:
            return "!!seq []\n"
        inner = max(depth - 1, 0)
        return "!!seq\n" + "".join(f"{'  ' * inner}- {_yaml(value, inner + 1)}" for value in data)
    return _scalar(data) + "\n"


_PLAIN = re.compile(r"[A-Za-z0-9/_.(](?:[A-Za-z0-9/_.,:()=%+-]|(?<!:) )*[A-Za-z0-9/_.()=%+-]|[A-Za-z/_.]")


def _scalar(value: Any) -> str:
    match value:
        case None | "":
            return "!!null null"
        case bool():
            return f"!!bool {str(value).lower()}"
        case int():
            return f"!!int {value}"
        case float():
            return f"!!float {value:.6f}"
        case _:
            return f"!!str {value if _PLAIN.fullmatch(value) else _quoted(value)}"


_ESCAPED = re.compile(r'["\\\\]|[^\x20-\x7e]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\0": "\\0"}


def _quoted(value: str) -> str:
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    coded = f"\\x{number:02X}" if number < 0x100 else f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"
    return _ESCAPES.get(found[0], coded)
