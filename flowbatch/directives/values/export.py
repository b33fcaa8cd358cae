"""The environment of a job: `--export`. sbatch takes any text; of an open quote it says
`Improperly formed environment variable (A='x)` and goes on."""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.spec.job import Export

Variable = tuple[str, str | None]


@lru_cache(maxsize=256)
def parse(text: str) -> Export:
    """What is exported, and the text itself (SLURM_EXPORT_ENV). Raises ValueSyntax for no text at all."""
    return _EXPORT.read(text).model_copy(update={"text": text})


def show(export: Export) -> str:
    """The text as given, as sbatch shows it."""
    if export.text is not None:
        return export.text
    if export.kind in ("nil", "none"):
        return export.kind.upper()
    named = [name if value is None else f"{name}={value}" for name, value in export.variables]
    return ",".join((["ALL"] if export.kind == "all" else []) + named)


@v_args(inline=True)
class _Reader(Transformer[Token, Export]):
    def none(self, _word: str) -> Export:
        return Export(kind="none")

    def nil(self, _word: str) -> Export:
        return Export(kind="nil")

    def several(self, *parts: Token | None) -> Export:
        said = [part for part in parts if part is not None]
        variables = tuple(_variable(part) for part in said if part.type == "VARIABLE" and not part.startswith("="))
        return Export(kind="all" if any(part.type == "ALL" for part in said) else "named", variables=variables)

    def part(self, word: Token | None) -> Token | None:
        return word


def _variable(text: str) -> Variable:
    name, equals, value = text.partition("=")
    return name, value if equals else None


_EXPORT: Language[Export] = Language("export", _Reader())
