"""Whose a queue is, on this machine: two controllers never act for one store, however their state directories came about.

The lock of a state directory does not see a copy of it, and a copy whose jobs have machines keeps the store's id: both
would give the same numbers, send the same bids, and end those that only the other one knows.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from flowbatch.errors import StoreFailed
from flowbatch.ids import StoreId


def claim(store: StoreId) -> FileLock:
    """Nobody else here acts for the store until this is released, or the process is dead. Raises StoreFailed where
    somebody does."""
    lock = FileLock(Path(tempfile.gettempdir()) / f"flowbatch-{os.getuid()}-{store}.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise StoreFailed(
            f"another controller acts for this queue ({store}): one of the two state directories is a copy of the other",
            hint="stop that controller first, and keep one of the two",
        ) from None
    except OSError as error:
        raise StoreFailed(f"cannot make sure that no other controller acts for this queue: {error}") from None
    return lock
