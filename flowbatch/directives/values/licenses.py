"""Licences: `--licenses`, slurm.conf's Licenses. sbatch passes any text on; the controller judges, and says
`Invalid license specification` to a malformed text, an unknown name and more than there are alike."""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import as_int32, whole
from flowbatch.spec.resources import License

FORMS = "licences are NAME[@SERVER][:COUNT] with commas between them"


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[License, ...]:
    """The licences, each name once with all that was asked of it. Raises ValueSyntax."""
    wanted: dict[str, int] = {}
    for name, count in _LICENSES.read(text):
        wanted[name] = wanted.get(name, 0) + count
    return tuple(License(name=name, count=count) for name, count in wanted.items())


def show(licenses: tuple[License, ...]) -> str:
    return ",".join(f"{one.name}:{one.count}" for one in licenses)


@v_args(inline=True)
class _Reader(Transformer[Token, "tuple[tuple[str, int], ...]"]):
    def start(self, *licenses: tuple[str, int] | None) -> tuple[tuple[str, int], ...]:
        return tuple(one for one in licenses if one)

    def license(self, name: str, count: str | None) -> tuple[str, int]:
        number = 1 if count is None else as_int32(whole(count[1:]))
        if number < 0:
            raise ValueSyntax("a count is not negative", hint=FORMS)
        return str(name), number


_LICENSES: Language[tuple[tuple[str, int], ...]] = Language("licenses", _Reader(), forms=FORMS)
