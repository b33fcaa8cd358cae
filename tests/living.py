"""Files of a cluster at work, whose folders come and go while one looks."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path


def files(directory: Path, pattern: str) -> list[Path]:
    """Those at any depth whose names match, sorted. (`Path.rglob` raises FileNotFoundError where a folder goes meanwhile.)"""
    return sorted(
        Path(folder, name) for folder, _, names in os.walk(directory) for name in fnmatch.filter(names, pattern)
    )
