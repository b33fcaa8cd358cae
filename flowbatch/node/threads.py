"""Threads that are there before they are needed: a machine that is full has no room for another one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def pool(count: int, name: str) -> ThreadPoolExecutor:
    """So many threads, all of them running. Raises RuntimeError where they cannot be had: no work is lost in one that is half there."""
    threads = ThreadPoolExecutor(count, name)
    ready = Barrier(count + 1)
    try:
        for _ in range(count):
            threads.submit(ready.wait)
    except RuntimeError:
        ready.abort()
        threads.shutdown()
        raise
    ready.wait()
    return threads
