"""Two streams joined: what either says the other hears."""

from __future__ import annotations

import asyncio
import contextlib

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CHUNK = 1 << 16


async def joined(one: Stream, other: Stream) -> None:
    """Returns once one of them has ended and the other is closed."""
    pumps = [asyncio.ensure_future(_pump(one[0], other[1])), asyncio.ensure_future(_pump(other[0], one[1]))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        other[1].close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
