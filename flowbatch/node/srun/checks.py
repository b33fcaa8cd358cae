"""Options whose values are looked at and then have no effect on a step: each in 22.05's words where it refuses the value."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from typing import Any

from flowbatch.node.srun.option_table import StepOption
from flowbatch.node.srun.wanted import CannotRun

Reader = Callable[[StepOption, str | None, str], Mapping[str, Any]]

MAILS = (
    "none", "begin", "end", "fail", "requeue", "all", "invalid_depend", "stage_out", "time_limit", "time_limit_90", "time_limit_80",
    "time_limit_50", "array_tasks",
)  # fmt: skip
RLIMITS = ("all", "none", "as", "core", "cpu", "data", "fsize", "memlock", "nofile", "nproc", "rss", "stack")


def invalid(row: StepOption) -> CannotRun:
    return CannotRun(f"srun: error: Invalid --{row.long} specification", 255)


def not_a_number(name: str, value: str) -> CannotRun:
    return CannotRun(f'srun: error: Invalid numeric value "{value}" for {name}.')


def number(name: str, value: str | None, least: int = 1) -> int:
    """Raises CannotRun for what is no whole number, or too small."""
    text = (value or "").strip().removeprefix("+")
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise not_a_number(name, value or "")
    return int(text)


def _any(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {}


def _refuse(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    raise CannotRun(f"srun: error: --{row.long} is not supported: {row.what}")


def _frequencies(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if not re.fullmatch(r"(?:(?:(?:task|energy|network|filesystem)=)?\d+,?)+", (value or "").lower()):
        raise CannotRun(f"srun: error: Invalid --acctg-freq specification: {value}", 255)
    return {}


def _words(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if not set((value or "").lower().split(",")) <= set(row.value.split()):
        raise invalid(row)
    return {}


def _letters(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if not value or not set(value) <= set(row.value):
        raise invalid(row)
    return {}


def _mail(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if not set((value or "").lower().split(",")) <= set(MAILS):
        raise invalid(row)
    return {}


def _profile(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if not set((value or "").lower().split(",")) <= {"none", "all", "energy", "task", "lustre", "network"}:
        raise CannotRun(f"srun: error: invalid --profile={value} option", 255)
    return {}


def _rlimits(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    for word in filter(None, (value or "").split(",")):
        if word.lower().removeprefix("rlimit_") not in RLIMITS:
            raise CannotRun(f"srun: error: Bad rlimit name: {word}\nsrun: error: --propagate={value} is not valid.")
    return {}


def _signal(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    found = re.fullmatch(r"(?:[RB]+:)?(\w+)(?:@\d+)?", (value or "").upper())
    if not found or not (found[1].isdecimal() or f"SIG{found[1].removeprefix('SIG')}" in signal.Signals.__members__):
        raise invalid(row)
    return {}


def _begin(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {"remarks": ("srun: error: --begin is ignored because nodes are already allocated.",)}


def _power(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {} if value == "level" else {"remarks": (f"srun: error: Ignoring unrecognized power option ({value})",)}


def _compression(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if value in (None, "", "lz4", "none"):
        return {}
    return {"remarks": (f"srun: error: Compression type '{value}' unknown, disabling compression support.",)}


CHECKS: dict[str, Reader] = {
    "any": _any,
    "refuse": _refuse,
    "frequencies": _frequencies,
    "words": _words,
    "letters": _letters,
    "mail": _mail,
    "profile": _profile,
    "rlimits": _rlimits,
    "signal": _signal,
    "begin": _begin,
    "power": _power,
    "compression": _compression,
}
