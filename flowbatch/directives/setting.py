"""One option said once: what it changes in what is chosen, and what sbatch says to it at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowbatch.directives.chosen import Chosen, Surroundings, Use, canonical
from flowbatch.directives.options import OPTIONS, Command, Option
from flowbatch.directives.refusal import Message, Refusal
from flowbatch.directives.settings import BARE, LANGUAGES, SOFT, Switches
from flowbatch.directives.values import mail, nodeinfo
from flowbatch.directives.values.nodeinfo import NodeInfo
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.exits import ERROR

FLAG_VALUES = {
    "bell": "bell-always",
    "no-bell": "bell-never",
    "requeue": "requeue",
    "no-requeue": "no-requeue",
    "oversubscribe": "oversubscribe",
}
"""What a flag sets its slot to, where that is not simply True."""

REPLACES = {"nodelist": "nodefile", "nodefile": "nodelist"}
"""Of these two, the later one counts."""

NODE_INFO = ("sockets-per-node", "cores-per-socket", "threads-per-core")


def say(chosen: Chosen, use: Use, around: Surroundings) -> Iterator[Message]:
    """Sets what `use` says. Raises Refusal, Help, and FileWanted."""
    name, text = canonical(use.option).name, use.text
    match use.option.language:
        case "flag":
            chosen.set(name, FLAG_VALUES.get(name, True))
        case "node_info":
            for part, count in zip(NODE_INFO, _node_info(use, around), strict=True):
                chosen.set(part, count)
        case "power":
            yield from _power(chosen, text or "")
        case _:
            chosen.set(name, _joined(chosen, name, _value(use, around)))
    if name in REPLACES:
        chosen.values.pop(REPLACES[name], None)
    chosen.record(use)


def _value(use: Use, around: Surroundings) -> Any:
    """The value of the text; an option without one means what an empty text means. Raises Refusal."""
    text = use.text or ""
    if use.option.name == "propagate":
        return text or "ALL"
    language = LANGUAGES[use.option.language]
    try:
        return language.read(text, around)
    except ValueSyntax as error:
        said, exit_code = language.wording(use.option, text, error)
        raise refused(use, around, said, exit_code, error) from None


def refused(use: Use, around: Surroundings, said: tuple[str, ...], exit_code: int, error: ValueSyntax) -> Refusal:
    """A text that an option does not take."""
    lines = tuple(line[1:] if line.startswith(BARE) else f"{around.command}: {line}" for line in said)
    return Refusal(
        f"{use.spelled}{'=' if use.spelled.startswith('--') else ' '}{use.text or ''}: {error.message}",
        lines,
        ERROR if exit_code == SOFT else exit_code,
        soft=exit_code == SOFT,
        option=use.option.name,
        column=error.column,
        hint=error.hint,
    )


def _joined(chosen: Chosen, name: str, value: Any) -> Any:
    """Most options replace what was said before; mail types add up, and a switch's count and patience are kept apart."""
    if name == "mail-type":
        both = {*(chosen.get(name) or ()), *value}
        return tuple(kind for kind in mail.ORDER if kind in both)
    if isinstance(value, Switches):
        return value.over(chosen.get(name))
    return value


def _node_info(use: Use, around: Surroundings) -> tuple[int | None, int | None, int | None]:
    try:
        info = nodeinfo.parse(use.text or "")
    except ValueSyntax as error:
        raise refused(use, around, (f"error: {error.message}",), 1, error) from None
    return info.sockets, info.cores, info.threads


def _power(chosen: Chosen, text: str) -> Iterator[Message]:
    level = False
    for word in text.split(",") if text else ():
        if word.lower() == "level":
            level = True
        else:
            yield Message("notice", f"Ignoring unrecognized power option ({word})")
    chosen.set("power", "LEVEL" if level else None)


def shown(chosen: Chosen, one: Option) -> str:
    """The value of a set option as `sbatch -v` lists it."""
    if one.name == "extra-node-info":
        return nodeinfo.show(NodeInfo(*(chosen.get(part) for part in NODE_INFO)))
    value = chosen.get(one.name)
    if value is None:
        return "(null)" if one.name == "nodefile" else "unset"
    if isinstance(value, Switches):
        return {"req-switch": value.most, "wait-for-switch": value.wait}.get(one.name, str(value))
    if one.language == "flag":
        return "set" if value is True else str(value)
    language = LANGUAGES.get(one.language)
    return language.show(value) if language else str(value)


def defined(chosen: Chosen, command: Command = "sbatch") -> tuple[tuple[str, str], ...]:
    """The command's list of defined options: (name, value), in its order."""
    return tuple(
        ("(null)" if one.nameless else one.name, shown(chosen, one))
        for one in OPTIONS
        if command in one.commands and one.name in chosen
    )
