"""Clock frequencies: `--cpu-freq`, `--gpu-freq`. sbatch judges; the value is the text as sbatch lists it."""

from __future__ import annotations

import re
from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import as_long, as_uint32, whole

_LEVELS = {"lo": "Low", "med": "Medium", "highm1": "Highm1", "hi": "High"}
"""What a word begins with, the longer beginning first."""

_GOVERNORS = {
    "co": "Conservative", "onde": "OnDemand", "perf": "Performance", "pow": "PowerSave", "sche": "SchedUtil",
    "user": "UserSpace",
}  # fmt: skip
_ALLOWED = ("OnDemand", "Performance", "UserSpace")
"""CpuFreqGovernors, as it is without a word in slurm.conf."""

_RANK = {"Low": 1, "Medium": 2, "High": 3, "Highm1": 4}
LEVELS = frozenset(_RANK)
"""The limits that have a name."""
_NUMBER = re.compile(r"[ \t\n\v\f\r]*\+?[0-9]+")


@lru_cache(maxsize=128)
def parse_cpu(text: str) -> str:
    """The request as listed (`Low-High:Performance`). Raises ValueSyntax with sbatch's sentence.

    A second line, `Invalid --cpu-freq argument`, follows it in sbatch.
    """
    try:
        return _CPU.read(text)
    except ValueSyntax as error:
        raise error if error.said else _refused(f'unrecognized --cpu-freq argument "{text}"') from None


@lru_cache(maxsize=128)
def parse_gpu(text: str) -> str:
    """The text. Raises ValueSyntax with sbatch's sentence."""
    try:
        if text:
            return text if _GPU.read(text) else ""
    except ValueSyntax as error:
        raise _refused(f"Invalid --gpu-freq argument: gpu:{text}", error.column) from None
    raise _refused("Invalid --gpu-freq argument: gpu:")


def show(frequency: str) -> str:
    return frequency


def _refused(said: str, column: int = 1) -> ValueSyntax:
    return ValueSyntax(said, column, said=said)


def _governor(word: str) -> str | None:
    return next((name for start, name in _GOVERNORS.items() if word.lower().startswith(start)), None)


def _limit(word: str) -> str:
    """A level by name or a number of kHz."""
    if found := next((name for start, name in _LEVELS.items() if word.lower().startswith(start)), None):
        return found
    number = _NUMBER.match(word)
    khz = as_uint32(as_long(whole(number[0]))) if number else 0
    if khz == 0:
        raise _refused(f'unrecognized --cpu-freq argument "{word}"')
    return str(khz)


def _rank(limit: str) -> tuple[int, int]:
    return (_RANK[limit], 0) if limit in _RANK else (0, int(limit))


def _allowed(governor: str, text: str) -> str:
    if governor not in _ALLOWED:
        raise _refused(f"governor of {text} is not allowed in slurm.conf")
    return governor


@v_args(inline=True)
class _Reader(Transformer[Token, str]):
    def cpu(self, word: str | None, span: tuple[str, str] | None, governor: str | None) -> str:
        least, (most, rest) = str(word or ""), span or ("", "")
        text = least + (f"-{most}{rest}" if span else "") + ("" if governor is None else f":{governor}")
        if alone := _governor(least):
            if span is None and governor is None:
                return _allowed(alone, text)
            if span:
                _limit(most)
            raise _refused(f"governor cannot be specified twice {least}{{-}}:{governor or ''} in --cpu-freq")
        low = _limit(least)
        if span is None:
            if governor is None:
                return low
            raise _refused(f"gov on cpu-frec ({governor}) illegal without max")
        high = _limit(most)
        if _rank(high) < _rank(low):
            raise _refused(f"min cpu-frec ({least}) must be < max cpu-freq ({most})")
        if governor is None:
            return f"{low}-{high}"
        if chosen := _governor(governor):
            return f"{low}-{high}:{_allowed(chosen, text)}"
        raise _refused(f"illegal governor: {governor} on --cpu-freq")

    def governor(self, text: str | None) -> str:
        return str(text or "")

    def range(self, most: str | None, rest: str | None) -> tuple[str, str]:
        return str(most or ""), str(rest or "")

    def gpu(self, *settings: Token | None) -> str:
        return ",".join(setting or "" for setting in settings) or ","


_CPU: Language[str] = Language("frequency", _Reader(), start="cpu")
_GPU: Language[str] = Language("frequency", _Reader(), start="gpu")
