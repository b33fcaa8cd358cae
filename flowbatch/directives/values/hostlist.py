"""Lists of nodes: `--nodelist`, `--exclude`, slurm.conf's NodeName and Nodes. In `--nodelist` sbatch refuses ranges that
make no sense; the controller refuses everything else (`Invalid node name specified`), as names that it does not know."""

from __future__ import annotations

from functools import lru_cache
from typing import NoReturn

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.hostlist import MAX_NAMES, HostPattern, HostRange, InvalidHostlist, fold, host_range

FORMS = "a node list is names with commas between them, and ranges like n[1-3,5]"


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[str, ...]:
    """The names in order, with repetitions. Raises ValueSyntax; `said` is Slurm's own line where it has one."""
    patterns = _HOSTLIST.read(text)
    if sum(pattern.count for pattern in patterns) > MAX_NAMES:
        raise ValueSyntax("too many names", hint=FORMS)
    return tuple(name for pattern in patterns for name in pattern.names())


def show(names: tuple[str, ...]) -> str:
    return fold(names)


@v_args(inline=True)
class _Reader(Transformer[Token, "tuple[HostPattern, ...]"]):
    def start(self, *hosts: HostPattern | None) -> tuple[HostPattern, ...]:
        return tuple(host for host in hosts if host)

    def host(self, *parts: Token | tuple[HostRange, ...] | None) -> HostPattern:
        heads = [str(part or "") for part in parts if not isinstance(part, tuple)]
        return HostPattern(tuple(heads), tuple(part for part in parts if isinstance(part, tuple)))

    def bracket(self, *ranges: Token) -> tuple[HostRange, ...]:
        return tuple(_range(text) for text in ranges)


def _range(text: Token) -> HostRange:
    try:
        return host_range(text) or _refuse(f"Invalid range: `{text}'", text)
    except InvalidHostlist as error:
        _refuse(error.message, text)


def _refuse(message: str, at: Token) -> NoReturn:
    raise ValueSyntax(message, (at.start_pos or 0) + 1, said=f"_parse_single_range: {message}", hint=FORMS)


_HOSTLIST: Language[tuple[HostPattern, ...]] = Language("hostlist", _Reader(), forms=FORMS)
