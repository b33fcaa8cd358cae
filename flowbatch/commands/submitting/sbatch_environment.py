"""The environment and the limits a batch job takes along from its submitter: --export, --export-file, SLURM_UMASK.

Observed on 22.05: SLURM_* variables always go along, a file of variables replaces all others, and is not looked at where
--export says anything but ALL. What the node adds is `slurm/environment.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from flowbatch import text
from flowbatch.spec.job import Export

OURS = "SLURM_"


def environment(environ: Mapping[str, str], export: Export, from_file: bytes | None = None) -> tuple[bytes, ...]:
    """The `NAME=value` words that a job starts from; `from_file` is what --export-file holds."""
    if from_file is not None and export.kind == "all":
        return tuple(word for word in from_file.split(b"\0") if b"=" in word)
    return tuple(text.encode(f"{name}={value}") for name, value in _chosen(environ, export).items())


def _chosen(environ: Mapping[str, str], export: Export) -> dict[str, str]:
    chosen = {name: value for name, value in environ.items() if export.kind == "all" or name.startswith(OURS)}
    for name, value in export.variables:
        if value is not None:
            chosen[name] = value
        elif name in environ:
            chosen[name] = environ[name]
    return chosen


def umask(environ: Mapping[str, str], asked: str | None, own: int) -> int:
    """The mask of the job's files: what a #PBS line or SLURM_UMASK says, else the submitter's own."""
    for octal in (asked, environ.get("SLURM_UMASK")):
        if octal and set(octal) <= set("01234567"):
            return int(octal, 8) & 0o777
    return own
