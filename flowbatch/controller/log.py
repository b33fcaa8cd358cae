"""The controller's log: one JSON object a line, in the state directory, cut by size."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from logging.handlers import RotatingFileHandler
from pathlib import Path

CHATTY = ("httpx", "httpcore", "paramiko", "asyncio")
"""Libraries that tell of every request: only what is wrong is kept of theirs."""

MAX_BYTES = 4 * 1024 * 1024
KEPT = 3


class JsonLines(logging.Formatter):
    """`at`, `level`, `room` and `said`, then the record's own `fields`, then a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name,
            "said": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def open_log(path: Path, level: int = logging.INFO) -> None:
    """From now on everything that is logged goes to `path`, and nothing to the terminal."""
    handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, delay=True)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
