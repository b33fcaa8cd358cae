"""Task distribution: `--distribution`. sbatch judges; the value is the text as sbatch lists it."""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import whole

FORMS = "a distribution is block or cyclic for nodes[:sockets[:cores]], arbitrary or plane=N, with ,pack or ,nopack"

_DEFAULT_FIRST, _DEFAULT_INNER = "block", "cyclic"
_MAX_PLANE = 2**31 - 1


@lru_cache(maxsize=256)
def parse(text: str) -> str:
    """The distribution in sbatch's words (`block:cyclic,pack`). Raises ValueSyntax; `said` is Slurm's line on planes."""
    try:
        return _DISTRIBUTION.read(text)
    except ValueSyntax as error:
        if text[: error.column].lower().startswith("plane"):
            raise _no_plane(error.column) from None
        raise


def show(distribution: str) -> str:
    return distribution


def _no_plane(column: int = 1) -> ValueSyntax:
    said = "Invalid plane size or size not specified"
    return ValueSyntax(said, column, said=said, hint=FORMS)


@v_args(inline=True)
class _Reader(Transformer[Token, str]):
    def levels(self, *parts: Token | None) -> str:
        levels: list[str] = []
        pack = ""
        for part in parts:
            if part is None:
                continue
            if part.type == "PACK":
                pack = part.lower()
            elif part == "*":
                levels.append(_DEFAULT_INNER if levels else _DEFAULT_FIRST)
            else:
                levels.append(part.lower())
        return ",".join(word for word in (":".join(levels), pack) if word)

    def plane(self, text: str) -> str:
        _, _, size = text.partition("=")
        if not 0 < whole(size or "0") <= _MAX_PLANE:
            raise _no_plane()
        return f"plane={whole(size)}"


_DISTRIBUTION: Language[str] = Language("distribution", _Reader(), forms=FORMS)
