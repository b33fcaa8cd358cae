"""How many jobs are over, by our store's own word, read beside the controller."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

OVER = "SELECT count(*) FROM jobs WHERE id > ? AND json_extract(body, '$.state.ending') IS NOT NULL"
LOOK_S = 0.1
"""A look costs milliseconds where thousands are counted."""


class Records:
    """`mark` says from which job on they count."""

    def __init__(self, store: Path) -> None:
        self._db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        self._before = 0

    def mark(self) -> None:
        (self._before,) = self._db.execute("SELECT coalesce(max(id), 0) FROM jobs").fetchone()

    def await_more(self, count: int, within_s: float) -> None:
        """So many jobs since the mark are over, and committed. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while self._over() < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._over()} of {count} jobs are over")
            time.sleep(LOOK_S)

    def _over(self) -> int:
        (count,) = self._db.execute(OVER, (self._before,)).fetchone()
        return int(count)
