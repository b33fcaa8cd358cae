"""Named instants at which a test may end the process, to see what survives."""

from __future__ import annotations

from collections.abc import Callable

Failpoint = Callable[[str], None]
"""Called at each instant with its name: `stepped`, `committed`, `ordered Launch` (controller), `before gate` (node) ..."""


def nowhere(name: str) -> None:
    """The failpoint of every real run."""
