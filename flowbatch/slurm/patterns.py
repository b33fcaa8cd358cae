"""File names of a batch script's streams: `slurm-%j.out`, as sbatch(1) "FILENAME PATTERN" describes and slurmstepd expands."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

DEFAULT, DEFAULT_ARRAY = "slurm-%j.out", "slurm-%A_%a.out"
NO_INDEX = 4294967294
"""`%a` of a job that is no array task: Slurm's NO_VAL."""

_MAX_WIDTH = 10
_SPECIFIER = re.compile(r"%(\d*)(.?)", re.DOTALL)
_LISTED = re.compile(r"%(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Names:
    """What a pattern may name. `host` is the machine's short host name, not the name of a virtual node."""

    job_id: int
    job_name: str
    user: str
    host: str
    array_id: int | None = None
    array_index: int | None = None
    step: str = "batch"
    task: int = 0
    node: int = 0

    def values(self) -> dict[str, str | int]:
        """Each specifier's value (a batch script is task 0 of step `batch`); a number takes a width, a text ignores it."""
        return {
            "A": self.array_id if self.array_id is not None else self.job_id,
            "a": self.array_index if self.array_index is not None else NO_INDEX,
            "J": self.job_id if self.step == "batch" else f"{self.job_id}.{self.step}",
            "j": self.job_id,
            "N": self.host.partition(".")[0],
            "n": self.node,
            "s": self.step,
            "t": self.task,
            "u": self.user,
            "x": self.job_name,
            "%": "%",
        }


def expand(pattern: str, names: Names) -> str:
    """The file name that slurmstepd opens.

    A backslash anywhere switches expansion off: each is taken away, and what follows it stays. A width pads numbers
    with zeros, to ten digits at most; a letter that means nothing stays as it is, without the `%` if a width was given.
    """
    if "\\" in pattern:
        return re.sub(r"\\(.?)", r"\1", pattern, flags=re.DOTALL)
    values, parts, at = names.values(), [], 0
    while (found := _SPECIFIER.search(pattern, at)) is not None:
        width, letter = found.groups()
        value = values.get(letter) if not (width and letter == "%") else None
        parts.append(pattern[at : found.start()])
        at = found.end()
        if isinstance(value, int):
            parts.append(str(value).zfill(min(int(width or 0), _MAX_WIDTH)))
        elif value is not None:
            parts.append(value)
        else:
            parts.append(width or "%")
            at -= len(letter)
    return "".join(parts) + pattern[at:]


def listed(pattern: str, names: Names) -> str:
    """What `StdOut=` of scontrol shows: the specifiers that the controller knows, without widths and backslashes."""
    if "%" not in pattern:
        return pattern
    values = names.values()
    return _LISTED.sub(lambda found: str(values[found[1]]) if found[1] in "Aajux" else found[0], pattern)


def absolute(pattern: str | None, work_dir: str, names: Names) -> str:
    """An output's whole pattern: `None` is Slurm's default, `none` the null device, the rest starts in the work directory."""
    if pattern is None:
        pattern = DEFAULT if names.array_index is None else DEFAULT_ARRAY
    elif pattern.lower() == "none":
        return os.devnull
    return os.path.join(work_dir, pattern)


def output_path(pattern: str | None, work_dir: str, names: Names) -> str:
    """The file that an output pattern means. The default's directory is taken as it is, a given pattern's is expanded too."""
    if pattern is None:
        return os.path.join(work_dir, expand(os.path.basename(absolute(None, work_dir, names)), names))
    return expand(absolute(pattern, work_dir, names), names)


def input_path(pattern: str | None, work_dir: str, names: Names) -> str:
    """The file that `--input` means; without one, the null device."""
    return os.devnull if pattern is None else output_path(pattern, work_dir, names)
