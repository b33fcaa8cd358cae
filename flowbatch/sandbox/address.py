"""Where the sandbox answers, as a file in its directory says it to those who may ask. Standard library only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from flowbatch.errors import ConfigError

ADDRESS, LOCK, LOG = "sandbox.json", "sandbox.lock", "sandbox.log"
READY = b"ready\n"
"""What its process says to whoever started it, once it answers."""
ALREADY = 75
"""Its exit code when another one holds the lock."""


@dataclass(frozen=True)
class Address:
    """`secret` opens the control API under /sandbox; `pid` is None while no sandbox runs. The rest outlives restarts."""

    api_url: str
    api_key: str = field(repr=False)
    project: str
    secret: str = field(repr=False)
    pid: int | None = None


def read(directory: Path) -> Address | None:
    """None if there never was a sandbox. Raises ConfigError for a file that no sandbox wrote."""
    file = directory / ADDRESS
    try:
        return Address(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        raise ConfigError(
            f"cannot read {file}", hint="remove it: the next `flow sandbox start` writes it anew"
        ) from None


def text(address: Address) -> str:
    return json.dumps(asdict(address), indent=1) + "\n"
