"""docs/reference/performance.md: one section a bench, each written by its own command and leaving the others as they are."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import time
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "performance.md"

SECTIONS = ("Commands", "Throughput", "Many jobs", "Parsing", "Market")
"""In the order of the page; another one comes last."""

_HEAD = """\
# Performance

Each section is written by the command that it names, on a machine that does other things as well: the ratios count, not the numbers.
"""


def write(title: str, text: str, path: Path = PAGE) -> None:
    """The page has this section, in its place, and all others as they were."""
    found = sections(path.read_text()) if path.exists() else {}
    found[title] = text.strip("\n")
    order = [*(name for name in SECTIONS if name in found), *(name for name in found if name not in SECTIONS)]
    path.write_text("\n".join([_HEAD, *(f"## {name}\n\n{found[name]}\n" for name in order)]))


def sections(text: str) -> dict[str, str]:
    """Each section's text by its title."""
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    return {title: body.strip("\n") for title, body in zip(parts[::2], parts[1::2], strict=True)}


def machine() -> str:
    """What it was measured on."""
    model = re.findall(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.findall(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[0]) / 1e6
    return (
        f"{os.cpu_count()} cores of {model[0] if model else platform.machine()}, {memory:.0f} GB, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; {time.strftime('%Y-%m-%d')}."
    )
