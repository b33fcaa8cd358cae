"""Prints what failed last, a test a line: `--last-failed` does not know the tests of a group, which distributing names NAME@GROUP."""

from __future__ import annotations

import json
from pathlib import Path

CACHE = Path(".pytest_cache/v/cache/lastfailed")


def ungrouped(node: str) -> str:
    """The name that pytest takes."""
    at = node.rfind("@")
    return node[:at] if at > node.rfind("]") else node


if __name__ == "__main__":
    for node in json.loads(CACHE.read_text()) if CACHE.exists() else ():
        print(ungrouped(node))
