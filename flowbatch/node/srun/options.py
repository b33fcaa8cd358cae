"""The words after `srun` and the variables of its environment, as what they ask for: `Wanted`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flowbatch.node.srun.option_table import BY_LONG, OPTIONS, TABLE, StepOption
from flowbatch.node.srun.readers import READERS
from flowbatch.node.srun.wanted import CannotRun, Wanted
from flowbatch.slurm import hostlist
from flowbatch.slurm.getopt import GetoptError, Operand
from flowbatch.slurm.hostlist import InvalidHostlist

IMPLY_EXACT = ("cpus_per_task", "threads_per_core")


def read(argv: Sequence[str], environ: Mapping[str, str]) -> Wanted:
    """What the words and the environment ask for; words win. No file is opened. Raises CannotRun."""
    said: dict[str, Any] = {}
    for option in OPTIONS:
        for variable in option.variables:
            if environ.get(variable):
                _take(said, option, _told(variable, environ), variable)
    rest: list[str] = []
    given: list[str] = []
    try:
        for found in TABLE.parse("srun", argv, permute=False):
            if isinstance(found, Operand):
                rest.append(found.word)
            else:
                option = BY_LONG[found.row.long or ""]
                given.append(option.long)
                _take(said, option, found.value, f"--{option.long}")
    except GetoptError as error:
        raise CannotRun(f'{error.line}\nTry "srun --help" for more information', 255) from None
    return Wanted(command=tuple(rest), given=tuple(given), **said)


def with_files(wanted: Wanted, environ: Mapping[str, str], directory: str) -> Wanted:
    """The nodes that a file names, where one does: --nodefile, or SLURM_HOSTFILE of an arbitrary distribution. Raises CannotRun."""
    arbitrary = wanted.distribution is not None and wanted.distribution.kind == "arbitrary" and not wanted.nodelist
    path = wanted.nodefile or (environ.get("SLURM_HOSTFILE") if arbitrary else None)
    if path is None:
        return wanted
    try:
        words = Path(directory, path).read_text(errors="surrogateescape").split()
        return replace(wanted, nodelist=tuple(name for word in words for name in hostlist.expand(word)))
    except OSError as error:
        line = f"srun: error: slurm_allocate_resources error opening file {path}, {error.strerror}"
        raise CannotRun(f"{line}\nsrun: error: Invalid --nodefile node file", 255) from None
    except InvalidHostlist as error:
        raise CannotRun(f"srun: error: {error}") from None


def _told(variable: str, environ: Mapping[str, str]) -> str:
    """A variable's value as its option would be given; a plane's size has a variable of its own."""
    value = environ[variable]
    if variable == "SLURM_DISTRIBUTION" and value == "plane":
        return f"plane={environ.get('SLURM_DIST_PLANESIZE', '')}"
    return value


def _take(said: dict[str, Any], option: StepOption, value: str | None, name: str) -> None:
    """What one option says joins what was said before."""
    if option.reads == "ask":
        said["ask"] = option.long
        return
    if option.reads == "count":
        said[option.field] = int(value) if value and value.isdecimal() else said.get(option.field, 0) + 1
        return
    read = READERS[option.reads](option, value, name)
    remarks = said.get("remarks", ())
    said.update(read)
    if any(name in read for name in IMPLY_EXACT):
        said["exact"] = True
    if "remarks" in read:
        said["remarks"] = (*remarks, *read["remarks"])
