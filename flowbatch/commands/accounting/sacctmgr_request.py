"""What `sacctmgr add`, `modify` and `delete` were asked: names, conditions, and what to set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from flowbatch.commands.accounting.sacctmgr_words import ACCOUNT, FLAGS, QOS, USER, BadWord, Settings, Word, find, put
from flowbatch.commands.command_options import Stop

WORDS: Mapping[str, Sequence[Word]] = {"account": ACCOUNT, "user": USER, "qos": QOS, "cluster": ACCOUNT}
_NAMES = {
    "account": (("accounts", 2, "name"), ("names", 1, "name"), ("clusters", 1, "cluster"), ("parents", 4, "parent")),
    "user": (("users", 1, "name"), ("names", 1, "name"), ("accounts", 2, "account"), ("clusters", 1, "cluster"),
             ("partitions", 3, "partition")),
    "qos": (("names", 1, "name"), ("qos", 1, "name")),
    "cluster": (("names", 1, "name"), ("clusters", 1, "name")),
}  # fmt: skip
"""(word, letters at least, which condition) of what names a record."""


@dataclass(slots=True)
class Request:
    """`names` of what is meant, lower case; `conditions` by kind (`account`, `cluster`, `partition`); `set`: what is to hold.
    `said`: whether any word but a name was."""

    names: tuple[str, ...] = ()
    conditions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    set: Settings = field(default_factory=Settings)
    said: bool = False


def added(entity: str, given: Sequence[str], resources: Collection[str], qualities: Sequence[str]) -> Request:
    """What `add` was asked. Raises Stop."""
    request = Request()
    faults: list[str] = []
    for word in given:
        name, operator, value = _split(word)
        if not operator:
            request.names += _list(word)
        elif (kind := _named(entity, name)) is not None and not (entity == "account" and kind == "parent"):
            _narrow(request, kind, value)
            request.said |= kind != "name"
        else:
            request.said = True
            faults += _setting(request.set, entity, word, resources, qualities)
    if faults:
        raise _refused(entity, faults)
    return request


def conditioned(
    entity: str, given: Sequence[str], resources: Collection[str], qualities: Sequence[str], *, sets: bool
) -> Request:
    """What `modify` (`sets`) or `delete` was asked: conditions, and behind `set` what is to hold. Raises Stop."""
    request = Request()
    faults: list[str] = []
    setting = False
    for word in given:
        lowered = word.lower()
        name, operator, value = _split(word)
        if lowered in ("where", "set"):
            setting = lowered == "set" and sets
        elif setting:
            faults += _setting(request.set, entity, word, resources, qualities)
        elif not operator:
            request.names += _list(word)
        elif (kind := _named(entity, name)) is not None:
            _narrow(request, kind, value)
        else:
            faults += [f" Unknown condition: {word}", " Use keyword 'set' to modify value"]
    if faults and not sets:
        faults.append(" No conditions given to remove, not executing.")
    if faults:
        raise _refused(entity, faults)
    return request


def _refused(entity: str, faults: Sequence[str]) -> Stop:
    """Of a quality of service real sacctmgr complains on its standard output."""
    text = "".join(f"{line}\n" for line in faults)
    return Stop(1, out=text) if entity == "qos" and "time format" not in text else Stop(1, err=text)


def _split(word: str) -> tuple[str, str, str]:
    """(name, operator, value); without an operator all of it is the name."""
    name, equals, value = word.partition("=")
    if equals and name[-1:] in "+-" and name:
        return name[:-1], name[-1] + "=", value
    return name, equals, value


def _list(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in text.lower().split(",") if one))


def _named(entity: str, name: str) -> str | None:
    lowered = name.lower()
    return next(
        (kind for form, least, kind in _NAMES[entity] if form.startswith(lowered) and len(lowered) >= least), None
    )


def _narrow(request: Request, kind: str, value: str) -> None:
    if kind == "name":
        request.names += _list(value)
    else:
        request.conditions[kind] = (*request.conditions.get(kind, ()), *_list(value))


def _setting(
    settings: Settings, entity: str, text: str, resources: Collection[str], qualities: Sequence[str]
) -> list[str]:
    """Reads one word of what is to be set; the lines that complain of it."""
    name, operator, value = _split(text)
    word = find(WORDS[entity], name)
    unknown = [f" Unknown option: {text}", " Use keyword 'where' to modify condition"]
    if word is None or not operator:
        return unknown
    if word.key == "QOS" and (bad := next((one for one in _list(value) if one not in qualities), None)) is not None:
        return [f"sacctmgr: error: You gave a bad qos '{bad}'. Valid QOS's are {','.join(qualities)}", *unknown]
    if word.key == "DefQOS" and value not in ("", "-1") and value.lower() not in qualities:
        return [f"sacctmgr: error: You gave a bad qos '{value}'. Valid QOS's are {','.join(qualities)}", *unknown]
    if word.key == "Flags" and value != "-1":
        known = {flag.lower(): flag for flag in FLAGS}
        for one in _list(value):
            if one not in known:
                raise Stop(
                    1, out=f" Unknown QOS flag used in:\n  '{value}'\n Valid QOS flags are\n  '{','.join(FLAGS)}'\n"
                )
        value = ",".join(known[one] for one in _list(value))
    try:
        put(settings, word, operator, value, resources)
    except BadWord as error:
        if word.kind == "wall":
            line = f" Bad {word.key} time format: {text}"
            return [line] if entity == "qos" else [line, *unknown]
        return [*error.lines, *unknown]
    return []
