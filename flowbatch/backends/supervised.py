"""Work that no order waits for, and that does not end in silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


def supervised(
    work: Coroutine[Any, Any, None], what: str, failed: Callable[[Exception], Awaitable[None]] | None = None
) -> asyncio.Task[None]:
    """A task that ends without an exception, unless cancelled: a fault in `work` is logged with its traceback as one in `what`,
    and then `failed` is awaited with it."""
    task = asyncio.ensure_future(_watched(work, what, failed))
    task.add_done_callback(lambda done: work.close())  # one that was cancelled before it began
    return task


async def _watched(
    work: Coroutine[Any, Any, None], what: str, failed: Callable[[Exception], Awaitable[None]] | None
) -> None:
    try:
        await work
    except Exception as fault:  # whatever it is: a machine bills while nobody knows of it
        log.error("a fault in %s", what, exc_info=fault)
        if failed is not None:
            await _watched(_awaited(failed(fault)), f"{what}, told as one", None)


async def _awaited(work: Awaitable[None]) -> None:
    await work
