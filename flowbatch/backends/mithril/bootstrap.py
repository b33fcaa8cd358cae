"""The start-up script of a bid: it installs the guard, which holds the lease."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Lease:
    """All that the guard of one bid knows. Lengths in seconds; `key` is the secret of an API key minted for this bid."""

    bid: str
    project: str
    api_url: str
    key: str = field(repr=False)
    key_fid: str | None
    """The API key's own id: it is deleted after the bid."""
    ends_at: int
    """The bid is gone by then, whatever else is true."""
    run_limit_s: int
    boot_s: int
    """Nobody came with work within so long of a boot, or came back after the work: the bid is deleted."""
    upload_s: int
    grace_s: int
    return_s: int


def script(lease: Lease) -> str:
    """What the machine runs as root at its first boot: at most 10,000 characters, `#!/bin/bash`."""
    raise NotImplementedError(lease)
