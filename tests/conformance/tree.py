"""`tree.py [NAME]`: a document of --json on standard input as its fields and their kinds, in their order.

Of a list of records only the first is shown, or the first of that name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

KINDS: dict[type, str] = {
    dict: "map",
    list: "list",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    type(None): "null",
}


def lines(value: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """One line a field, those of maps and of a list's first item below it."""
    for key, item in value.items():
        first = item[0] if isinstance(item, list) and item else item
        of = f" of {KINDS[type(first)]}" if first is not item else ""
        yield "  " * depth + f"{key}: {KINDS[type(item)]}{of}"
        if isinstance(first, dict):
            yield from lines(first, depth + 1)


def chosen(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The document with the records of that name alone."""
    return {
        key: [one for one in value if one.get("name") == name] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        for key, value in document.items()
    }  # fmt: skip


if __name__ == "__main__":
    said = json.load(sys.stdin)
    print("\n".join(lines(chosen(said, sys.argv[1]) if len(sys.argv) > 1 else said)))
