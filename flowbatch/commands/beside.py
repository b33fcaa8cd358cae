"""Where a command works: beside the controller's loop where there is much to do, so that nobody waits for somebody's long answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

MANY = 100
"""Records that are read, chosen or written in some milliseconds."""

P = ParamSpec("P")
T = TypeVar("T")


async def done(much: bool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` gives. A little is done at once: a thread would cost more."""
    return await asyncio.to_thread(work, *args, **kwargs) if much else work(*args, **kwargs)
