"""Threads that are there before they are needed, where a machine may be full by then; and threads that nobody's end waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def pool(count: int, name: str) -> ThreadPoolExecutor:
    """So many threads, all of them running. Raises RuntimeError where they cannot be had: no work is lost in one that is half there."""
    threads = ThreadPoolExecutor(count, name)
    ready = threading.Barrier(count + 1)
    try:
        for _ in range(count):
            threads.submit(ready.wait)
    except RuntimeError:
        ready.abort()
        threads.shutdown()
        raise
    ready.wait()
    return threads


def start(name: str, work: Callable[[], None]) -> None:
    """The work is done beside all else, by a thread that ends with this process."""
    threading.Thread(target=work, name=name, daemon=True).start()


def outcome_of(name: str, work: Callable[[], T]) -> asyncio.Future[T]:
    """What becomes of `work` in a thread of its own, which nobody's end waits for. Raises RuntimeError where there is no room for one."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # from here on nobody can cancel it under the thread's hands

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001  whoever waits for the outcome is told
            outcome.set_exception(error)

    start(name, run)
    return asyncio.wrap_future(outcome)


async def in_thread(work: Callable[P, T], *words: P.args, **named: P.kwargs) -> T:
    """The outcome of `work` in a thread of its own, which nobody's end waits for."""
    return await outcome_of("aside", lambda: work(*words, **named))
