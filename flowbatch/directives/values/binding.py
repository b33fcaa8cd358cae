"""Binding of tasks: `--gpu-bind`, `--mem-bind`. sbatch judges; the value is the text as sbatch lists it."""

from __future__ import annotations

import re
from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax

_FLAGS = {"verbose": "verbose", "v": "verbose", "sort": "sort", "prefer": "prefer", "p": "prefer"}
_NOT = {"quiet": "verbose", "q": "verbose", "nosort": "sort"}
_MODES = {"no": "none"}
_ORDER = ("verbose", "prefer", "sort")
_UNSET = "unset"

_GPU_LIST = re.compile(r"(?:verbose,)?(map_gpu|mask_gpu):(.*)", re.IGNORECASE | re.DOTALL)
_MEM_LIST = re.compile(r"(map_mem|mask_mem)(?:[:=](.*))?", re.IGNORECASE | re.DOTALL)
_REPEATED = re.compile(r"(.+)\*([0-9]{1,4})")


@lru_cache(maxsize=128)
def parse_gpu(text: str) -> str:
    """The text. Raises ValueSyntax with sbatch's sentence; `said` is the line before it."""
    try:
        return _GPU.read(text)
    except ValueSyntax as error:
        found = _GPU_LIST.fullmatch(text)
        fault = _bad_number(found[2], mask=found[1].lower() == "mask_gpu") if found else None
        said = f"Failed to validate {fault[0]}, offending character is {fault[1]}" if fault else ""
        raise ValueSyntax(f"Invalid --gpu-bind argument: gpu:{text}", error.column, said=said) from None


@lru_cache(maxsize=128)
def parse_mem(text: str) -> str:
    """What remains of the words (`verbose,sort,local`), or "unset". Raises ValueSyntax with sbatch's sentence."""
    try:
        return _MEM.read(text)
    except ValueSyntax as error:
        part = text[text.rfind(",", 0, error.column - 1) + 1 :]
        found = _MEM_LIST.match(part)
        if not found:
            word = part.split(",")[0] or (text if text.endswith(",") else "")
            said = f'unrecognized --mem-bind argument "{word}"'
        elif fault := _bad_number(found[2] or "", mask=found[1].lower() == "mask_mem"):
            said = f"Failed to validate number: {fault[0]}, the offending character is {fault[1]}"
        else:
            said = f'missing list for "--mem-bind={found[1].lower()}:<list>"'
        raise ValueSyntax(said, error.column, said=said) from None


def show(binding: str) -> str:
    return binding


def _bad_number(text: str, *, mask: bool) -> tuple[str, str] | None:
    """The first part of a list that is no number, and the character to blame."""
    good = "0123456789abcdefABCDEFx*" if mask else "0123456789*"
    for part in re.split(r"[,*]", text):
        if bad := next((character for character in part if character not in good), None):
            return part, bad
    return None


@v_args(inline=True)
class _Reader(Transformer[Token, str]):
    def gpu(self, verbose: str | None, binding: str) -> str:
        return f"{verbose or ''}{binding}"

    def mem(self, *words: Token) -> str:
        flags: set[str] = set()
        mode = ""
        for token in words:
            word = token.lower()
            if token.type == "FLAG":
                flags.discard(_NOT.get(word, ""))
                flags |= {_FLAGS[word]} if word in _FLAGS else set()
            else:
                mode = _MODES.get(word, word) if token.type == "MODE" else _listed(token)
        return ",".join([flag for flag in _ORDER if flag in flags] + [mode] * bool(mode)) or _UNSET


def _listed(text: str) -> str:
    """A map or mask with its repetitions written out, masks without their 0x."""
    name, numbers = text[:8].rstrip(":=").lower(), re.split(r"[:=]", text, maxsplit=1)[1]
    listed: list[str] = []
    for part in filter(None, numbers.split(",")):
        repeated = _REPEATED.fullmatch(part)
        listed += [repeated[1]] * int(repeated[2]) if repeated else [part]
    if name == "mask_mem":
        listed = [part.removeprefix("0x") for part in listed]
    return f"{name}:{','.join(listed)}"


_GPU: Language[str] = Language("binding", _Reader(), start="gpu")
_MEM: Language[str] = Language("binding", _Reader(), start="mem")
