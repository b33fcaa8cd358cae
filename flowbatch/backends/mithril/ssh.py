"""SSH to rented machines: the only user of paramiko."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Identity:
    """This user's key for rented machines: `public` is an authorized_keys line."""

    public: str
    private: Path = field(repr=False)


def identity(directory: Path) -> Identity:
    """The key in `directory` (0700), made when it is not there. Raises OSError. Blocking: a moment."""
    raise NotImplementedError(directory)
