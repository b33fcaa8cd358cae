"""How each option's text becomes a value, how sbatch lists that value, and in which words it refuses a text.

One entry of `LANGUAGES` for each language that the option table names. Languages with structure are modules of
`values`; those that only choose among words are tables here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flowbatch.directives.chosen import Surroundings
from flowbatch.directives.options import Option
from flowbatch.directives.refusal import USAGE
from flowbatch.directives.values import (
    begin,
    binding,
    count,
    distribution,
    frequency,
    gres,
    mail,
    memory,
    nodes,
    signal,
    time,
)
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm import times
from flowbatch.slurm.integers import as_int32, leading
from flowbatch.spec.job import Signal
from flowbatch.units import Instant

Read = Callable[[str, Surroundings], Any]
Show = Callable[[Any], str]
Wording = Callable[[Option, str, ValueSyntax], tuple[tuple[str, ...], int]]


SOFT = -1
"""In place of an exit code: the one that SLURM_EXIT_ERROR replaces."""

BARE = "!"
"""At the start of a line that stands without the command's name."""


class Help(Exception):
    """The words asked for a text about `option`: sbatch prints it and ends with `exit_code`."""

    def __init__(self, option: str, exit_code: int) -> None:
        super().__init__(option)
        self.option = option
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Language:
    """`read` raises ValueSyntax; `wording` gives sbatch's lines (without its name in front) and exit code for it."""

    read: Read
    show: Show
    wording: Wording


def specification(option: Option, text: str, error: ValueSyntax) -> tuple[tuple[str, ...], int]:
    said = (f"error: {error.said}",) if error.said else ()
    return (*said, f"error: Invalid --{option.key or option.name} specification"), USAGE


def own_words(option: Option, text: str, error: ValueSyntax) -> tuple[tuple[str, ...], int]:
    said = (f"error: {error.said}",) if error.said and error.said != error.message else ()
    return (*said, f"error: {error.message}"), USAGE


def argument(option: Option, text: str, error: ValueSyntax) -> tuple[tuple[str, ...], int]:
    return (f"error: {error.message}", f"error: Invalid --{option.name} argument"), USAGE


def number(option: Option, text: str, error: ValueSyntax) -> tuple[tuple[str, ...], int]:
    return (f"error: {error.message} for --{option.key or option.name}.",), 1


def soft(option: Option, text: str, error: ValueSyntax) -> tuple[tuple[str, ...], int]:
    """The exit code is the one that SLURM_EXIT_ERROR replaces."""
    return (f"error: {error.message}",), SOFT


def _simple(read: Callable[[str], Any], show: Show = str, wording: Wording = specification) -> Language:
    return Language(lambda text, around: read(text), show, wording)


def _words(table: Mapping[str, Any], show: Show = str, wording: Wording = specification) -> Language:
    """A language of a few words, in any case."""

    def read(text: str, around: Surroundings) -> Any:
        try:
            return table[text.lower()]
        except KeyError:
            raise ValueSyntax(f"none of {', '.join(word for word in table if word)}") from None

    return Language(read, show, wording)


# numbers and times


def _instant(text: str, around: Surroundings) -> tuple[int, datetime]:
    zone = times.zone(around.zone)
    at = begin.parse(text, Instant(around.now), zone)
    return at, datetime.fromtimestamp(at, zone)


def _instant_wording(option: Option, text: str, error: ValueSyntax) -> tuple[tuple[str, ...], int]:
    """The time's own complaint stands bare, without the command's name."""
    said = (f"{BARE}{error.said}",) if error.said else ()
    return (*said, f"error: Invalid --{option.key or option.name} specification"), USAGE


NICE_LIMIT = 2147483645


def _nice(text: str) -> int:
    value = leading(text) if text else 100
    if abs(value) > NICE_LIMIT:
        raise ValueSyntax(f"Invalid --nice value, out of range (+/- {NICE_LIMIT})")
    return value


TOP_PRIORITY = 4294967293
_NO_PRIORITY = 4294967294


def _priority(text: str) -> int:
    if text.lower() == "top":
        return TOP_PRIORITY
    value = leading(text)
    if value < 0:
        raise ValueSyntax("Priority must be >= 0")
    if value >= _NO_PRIORITY:
        raise ValueSyntax(f"Priority must be < {_NO_PRIORITY}")
    return value


def _all_nodes(text: str) -> int:
    value = count.parse(text, at_least=0)
    if value > 1:
        raise ValueSyntax("neither 0 nor 1")
    return value


def _all_nodes_wording(option: Option, text: str, error: ValueSyntax) -> tuple[tuple[str, ...], int]:
    return (number if error.message.startswith(("Invalid", "Numeric")) else specification)(option, text, error)


@dataclass(frozen=True, slots=True)
class Switches:
    """At most so many switches, and how long to wait for them: None for no limit said, -1 for a text that is no time."""

    count: int | None = None
    wait_min: int | None = None

    def over(self, earlier: Switches | None) -> Switches:
        """This, and from `earlier` what this leaves open."""
        if earlier is None:
            return self
        count = earlier.count if self.count is None else self.count
        return Switches(count, earlier.wait_min if self.wait_min is None else self.wait_min)

    def __str__(self) -> str:
        return self.most if self.wait_min is None else f"{self.most}@{self.wait}"

    @property
    def most(self) -> str:
        return "unset" if self.count is None else str(self.count)

    @property
    def wait(self) -> str:
        if self.wait_min is None:
            return "unset"
        return "INVALID" if self.wait_min < 0 else times.clock(self.wait_min * 60)


def _switch_wait(text: str) -> int:
    try:
        return time.minutes(text)
    except ValueSyntax:
        return -1


def _switches(text: str) -> Switches:
    most, at, wait = text.partition("@")
    return Switches(count.parse(most), _switch_wait(wait) if at else None)


@dataclass(frozen=True, slots=True)
class UserEnvironment:
    """--get-user-env: how long to wait for it, and the mode of su; None where the timeout was negative."""

    timeout: int
    mode: str = ""

    def __str__(self) -> str:
        return "(null)" if self.timeout < 0 else f"{self.timeout}{self.mode}"


_USER_ENV = re.compile(r"(-?[0-9]*)(?:([sSlL]).*)?")


def _user_env(text: str) -> UserEnvironment:
    found = _USER_ENV.fullmatch(text)
    if not found:
        raise ValueSyntax("neither a timeout nor S or L")
    return UserEnvironment(int(found.group(1) or 0), (found.group(2) or "").upper())


# words


_INTERVALS = ("task", "energy", "network", "filesystem")


def _intervals(text: str) -> str:
    for part in text.split(",") if text else ():
        name, equals, seconds = part.rpartition("=")
        if not seconds.isdecimal() or (equals and name.lower() not in _INTERVALS):
            raise ValueSyntax(f"Invalid --acctg-freq specification: {part}", text.find(part) + 1)
    return text


_PROFILES = {"energy": "Energy", "lustre": "Lustre", "network": "Network", "task": "Task"}


def _profile(text: str) -> str:
    words = [word for word in text.lower().split(",") if word]
    if "none" in words:
        return "None"
    chosen = (
        list(_PROFILES.values()) if "all" in words else [shown for word, shown in _PROFILES.items() if word in words]
    )
    if not chosen:
        raise ValueSyntax(f"invalid --profile={text} option")
    return ",".join(chosen)


OPEN_MODES: Mapping[str, Literal["append", "truncate"]] = {"a": "append", "t": "truncate"}
"""--open-mode by the letter that sbatch keeps."""

HINTS = ("compute_bound", "memory_bound", "multithread", "nomultithread")


def _immediate(text: str) -> int:
    """--immediate: so many seconds; without a number at once, which is 1."""
    if not text:
        return 1
    value = leading(text) if text.lstrip("+").isdecimal() else -1
    if value < 0:
        raise ValueSyntax(f'Invalid numeric value "{text}" for immediate.')
    return value


def _kill_command(text: str) -> int:
    """--kill-command: a signal, SIGTERM where none is named."""
    return signal.parse(text).number if text else signal.NUMBERS["TERM"]


def _signal(text: str, around: Surroundings) -> Signal:
    """Without a batch shell there is none that `B:` could mean."""
    found = signal.parse(text)
    if found.batch_only and around.command != "sbatch":
        raise ValueSyntax("there is no batch shell")
    return found


def _hint(text: str) -> str:
    for word in text.split(","):
        if word.lower() == "help":
            raise Help("hint", 1)
        if word.lower() not in HINTS:
            raise ValueSyntax(f'unrecognized --hint argument "{word}", see --hint=help')
    return text


def _open_mode(text: str) -> str:
    """Only the first letter is looked at."""
    letter = text[:1].lower()
    if letter not in OPEN_MODES:
        raise ValueSyntax("neither append nor truncate")
    return letter


def _gres(text: str) -> str:
    if text.lower() in gres.HELP:
        raise Help("gres", 0)
    return text


def _mem_bind(text: str) -> str:
    if text.lower() == "help":
        raise Help("mem-bind", USAGE)
    return binding.parse_mem(text)


def _identity(kind: str, find: Callable[[Surroundings], Callable[[str], int | None]]) -> Language:
    """A user or group, which root alone may name."""

    def read(text: str, around: Surroundings) -> int:
        if around.uid != 0:
            raise ValueSyntax(f"--{kind} only permitted by root user")
        number = find(around)(text) if text else None
        if number is None:
            raise ValueSyntax(f"Invalid --{kind} specification")
        return number

    return Language(read, str, own_words)


LANGUAGES: Mapping[str, Language] = {
    "text": _simple(str),
    "number": _simple(lambda text: count.parse(text), wording=number),
    "cores": _simple(lambda text: count.parse(text, at_least=0), wording=number),
    "max_switches": _simple(lambda text: Switches(count.parse(text)), wording=number),
    "switch_wait": _simple(lambda text: Switches(None, _switch_wait(text))),
    "switches": _simple(_switches, wording=number),
    "time": _simple(time.parse, time.show),
    "minutes": _simple(time.minutes, time.show),
    "memory": _simple(memory.parse, memory.show),
    "nodes": _simple(nodes.parse, nodes.show, own_words),
    "instant": Language(_instant, lambda value: times.standard(value[1]), _instant_wording),
    "signal": Language(_signal, signal.show, specification),
    "mail": _simple(mail.parse, mail.show),
    "distribution": _simple(distribution.parse, distribution.show),
    "cpu_freq": _simple(frequency.parse_cpu, wording=argument),
    "gpu_freq": _simple(frequency.parse_gpu, wording=own_words),
    "gpu_bind": _simple(binding.parse_gpu, wording=own_words),
    "mem_bind": _simple(_mem_bind, wording=own_words),
    "immediate": _simple(_immediate, wording=soft),
    "kill_command": _simple(_kill_command, lambda number: signal.NAMES.get(number, str(number))),
    "interval": _simple(_intervals, wording=own_words),
    "nice": _simple(_nice, wording=own_words),
    "priority": _simple(_priority, lambda value: str(as_int32(value)), own_words),
    "all_nodes": _simple(_all_nodes, wording=_all_nodes_wording),
    "user_env": _simple(_user_env),
    "profile": _simple(_profile, wording=own_words),
    "hint": _simple(_hint, wording=soft),
    "open_mode": _simple(_open_mode),
    "gres": _simple(_gres, gres.listed),
    "exclusive": _words({"": "exclusive", "user": "user", "mcs": "mcs"}),
    "gres_flags": _words({"disable-binding": "disable-binding", "enforce-binding": "enforce-binding"}),
    "no_kill": _words({"": True, "no": False, "off": False}, lambda on: "set" if on else "unset"),
    "yes_no": _words({"yes": True, "no": False}, lambda yes: "yes" if yes else "no"),
    "uid": _identity("uid", lambda around: around.user),
    "gid": _identity("gid", lambda around: around.group),
}
"""By the name in the option table. What has no value, several slots or a message of its own is set in `setting.py`."""
