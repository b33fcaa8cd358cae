"""States of nodes as 22.05 numbers and words them: a base state and flags."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from types import MappingProxyType


class Base(IntEnum):
    """What a node does; the numbers are Slurm's, which sinfo sorts by."""

    UNKNOWN = 0
    DOWN = 1
    IDLE = 2
    ALLOCATED = 3
    MIXED = 5
    FUTURE = 6


class Flag(IntFlag):
    """What is true of it besides; the names are Slurm's, in the order in which it lists them, and so are the numbers."""

    CLOUD = 0x80
    COMPLETING = 0x400
    DRAIN = 0x200
    FAIL = 0x2000
    MAINTENANCE = 0x8000
    NOT_RESPONDING = 0x800
    POWERED_DOWN = 0x1000
    POWERING_UP = 0x4000
    POWERING_DOWN = 0x40000
    POWER_DOWN = 0x100000
    RESERVED = 0x20


NO_FLAGS = Flag(0)

_COMPACT = MappingProxyType(
    {Base.UNKNOWN: "unk", Base.DOWN: "down", Base.IDLE: "idle", Base.ALLOCATED: "alloc", Base.MIXED: "mix", Base.FUTURE: "futr"}
)  # fmt: skip
_SUFFIXES = (
    (Flag.POWERING_UP, "#"), (Flag.POWERING_DOWN, "%"), (Flag.POWERED_DOWN, "~"), (Flag.POWER_DOWN, "!"),
    (Flag.NOT_RESPONDING, "*"),
)  # fmt: skip
"""The first flag that holds is shown."""


@dataclass(frozen=True, slots=True)
class _Words:
    """How flags are worded that say more than the base state."""

    draining: str
    drained: str
    failing: str
    completing: str
    both: str
    reserved: str
    fail: str = "fail"
    maint: str = "maint"


_COMPACT_WORDS = _Words("drng", "drain", "failg", "comp", "alloc+", "resv")
_LONG_WORDS = _Words("draining", "drained", "failing", "completing", "allocated+", "reserved")


@dataclass(frozen=True, slots=True)
class NodeState:
    """One node's state. Equal ones are printed alike, and stand in one row of sinfo."""

    base: Base
    flags: Flag = NO_FLAGS

    @property
    def number(self) -> int:
        """Slurm's own number for it."""
        return self.base | self.flags

    @property
    def busy(self) -> bool:
        """Whether jobs have it, or are leaving it."""
        return self.base in (Base.ALLOCATED, Base.MIXED) or bool(self.flags & Flag.COMPLETING)

    @property
    def unavailable(self) -> bool:
        """Whether no job will get it as it is."""
        return self.base in (Base.DOWN, Base.FUTURE) or bool(self.flags & (Flag.DRAIN | Flag.FAIL))

    @property
    def words(self) -> tuple[str, ...]:
        """The base state and every flag, in capitals."""
        return (self.base.name, *(str(flag.name) for flag in Flag if flag in self.flags))

    @property
    def compact(self) -> str:
        """`idle~`, `drng`: how sinfo shows it in six places."""
        return self._worded(_COMPACT_WORDS, _COMPACT[self.base])

    @property
    def long(self) -> str:
        """`mixed#`, `draining`."""
        return self._worded(_LONG_WORDS, self.base.name.lower())

    @property
    def complete(self) -> str:
        """`idle+cloud+powered_down`."""
        return "+".join(self.words).lower()

    def _worded(self, words: _Words, base: str) -> str:
        suffix = next((mark for flag, mark in _SUFFIXES if flag in self.flags), "")
        if Flag.MAINTENANCE in self.flags and self.base is Base.IDLE and Flag.DRAIN not in self.flags:
            return words.maint + suffix
        if Flag.DRAIN in self.flags:
            return (words.draining if self.busy else words.drained) + suffix
        if Flag.FAIL in self.flags:
            failing = self.base is Base.ALLOCATED or Flag.COMPLETING in self.flags
            return (words.failing if failing else words.fail) + suffix
        if Flag.COMPLETING in self.flags:
            return (words.both if self.base is Base.ALLOCATED else words.completing) + suffix
        if Flag.RESERVED in self.flags and self.base is Base.IDLE:
            return words.reserved + suffix
        return base + suffix


NOTHING = "n/a"
"""The state of no node at all."""

NAMES: tuple[str, ...] = (
    "unknown", "down", "idle", "allocated", "mixed", "future", "drain", "drained", "draining", "no_respond", "reserved",
    "perfctrs", "cloud", "completing", "powering_down", "powered_down", "power_down", "powering_up", "fail", "maint",
    "reboot", "reboot^", "planned",
)  # fmt: skip
"""What `sinfo -t` takes, and every beginning of it: the first that fits is meant."""

SHORT_NAMES = MappingProxyType(
    {
        "unk": "unknown", "alloc": "allocated", "mix": "mixed", "futr": "future", "comp": "completing", "resv": "reserved",
        "npc": "perfctrs", "drng": "draining", "plnd": "planned", "all": "all",
    }
)  # fmt: skip

VALID = (
    "unknown,down,idle,allocated,?,mixed,future,drain,drained,draining,no_respond,reserved,perfctrs,cloud,completing,"
    "powering_down,powered_down,power_down,powering_up,fail,maint,reboot,reboot^,unknown"
)
"""The list that sinfo 22.05 prints for a state that it does not know."""

_BY_BASE = MappingProxyType({"unknown": Base.UNKNOWN, "down": Base.DOWN, "idle": Base.IDLE, "mixed": Base.MIXED})
_BY_FLAG = MappingProxyType(
    {
        "drain": Flag.DRAIN, "no_respond": Flag.NOT_RESPONDING, "cloud": Flag.CLOUD, "completing": Flag.COMPLETING,
        "powering_down": Flag.POWERING_DOWN, "powered_down": Flag.POWERED_DOWN, "power_down": Flag.POWER_DOWN,
        "powering_up": Flag.POWERING_UP, "fail": Flag.FAIL, "maint": Flag.MAINTENANCE, "reserved": Flag.RESERVED,
    }
)  # fmt: skip


def named(word: str) -> str | None:
    """The state that a word of `sinfo -t` means, or None for what is none."""
    word = word.lower()
    if word in SHORT_NAMES:
        return SHORT_NAMES[word]
    return next((name for name in NAMES if word and name.startswith(word)), None)


def matches(state: NodeState, name: str) -> bool:
    """Whether a node in that state is one of those that `sinfo -t NAME` lists. States that never occur here match none."""
    match name:
        case "all":
            return True
        case "allocated":
            return state.busy
        case "drained" | "draining":
            return Flag.DRAIN in state.flags and state.busy is (name == "draining")
        case _ if name in _BY_BASE:
            return state.base is _BY_BASE[name]
        case _:
            flag = _BY_FLAG.get(name)
            return flag is not None and flag in state.flags
