"""What differs where the machine is rented: it may be taken away, and a guard watches whether it is still needed."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from datetime import datetime, timezone
from pathlib import Path

from flowbatch.node.files import write_private
from flowbatch.node.node import Node

NOTICE = Path("/opt/mithril/MITHRIL_SIGNAL.yml")
"""Is there only while the machine is about to be taken away (since February 2026)."""
NOTICE_S = 300
"""As long as a notice is before its end, where it does not say when that is."""

LOOK_S = 1.0

_END = re.compile(r"""^\s*end_time\s*:\s*["']?([^"'#]+)""", re.MULTILINE)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.\d*)? ?([Zz]|[+-]\d\d:?\d\d)?$")

log = logging.getLogger(__name__)


async def watch(node: Node, standing: Path, notice: Path = NOTICE) -> None:
    """Tells the node what its machine says, and the guard (in the file `standing`) what the node does, until cancelled."""
    said: float | None = -1.0  # nothing yet: the first word counts, whatever it is
    phase, began = "", time.time()
    while True:
        until = leaves_at(notice, began)
        if until != said:
            said = until
            node.machine_leaves(until)
        if node.phase != phase:
            phase = node.phase
            _say(standing, phase)
        await asyncio.sleep(LOOK_S)


def leaves_at(notice: Path, began: float = 0) -> float | None:
    """When the machine goes away by its own word, or None if it stays.

    What was said before `began` of a time before it is of an earlier life: the machine went away then, and is back.
    """
    try:
        text, written = notice.read_text(errors="replace"), notice.stat().st_mtime
    except OSError:
        return None
    found = _END.search(text)
    instant = _instant(found[1].strip()) if found else None
    until = written + NOTICE_S if instant is None else instant
    return None if max(until, written) < began else until


def _instant(text: str) -> float | None:
    """An instant of RFC 3339, with a zone or without (then UTC)."""
    found = _INSTANT.match(text)
    if found is None:
        return None
    day, time, zone = found.groups()
    zone = "+0000" if zone is None or zone in "Zz" else zone.replace(":", "")
    try:
        return datetime.strptime(f"{day} {time} {zone}", "%Y-%m-%d %H:%M:%S %z").astimezone(timezone.utc).timestamp()
    except ValueError:
        return None


def _say(path: Path, phase: str) -> None:
    new = path.with_suffix(".new")
    try:
        write_private(new, phase.encode(), 0o644)
        os.replace(new, path)
    except OSError as error:
        log.error("the guard cannot be told %s: %s", phase, error)
