"""What has been chosen for one component of a job so far: a value for each slot, and who said it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flowbatch.directives.diagnosis import Origin
from flowbatch.directives.options import Command, Option, option


@dataclass(frozen=True, slots=True)
class Use:
    """One time that an option was said: its text (None: none was given), as spelled there, and where.

    `columns`: where in the origin's line each character of the text stands (from 1), empty where there is no line.
    """

    option: Option
    text: str | None
    spelled: str
    origin: Origin
    columns: Sequence[int] = ()
    component: int = 0

    def origin_at(self, column: int) -> Origin:
        """Where the text's character `column` (from 1) stands."""
        if not self.columns:
            return self.origin
        at = self.columns[column - 1] if column <= len(self.columns) else self.columns[-1] + 1
        return replace(self.origin, column=at, width=max(1, self.columns[-1] + 1 - at))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a value may mean more by than its text: the caller's clock, zone, directory, identity, and files it named.

    `zone` is the caller's TZ, `host_file` its SLURM_HOSTFILE. `files`: what was read for the caller, by path; an errno
    where it could not be read. `user` and `group` find a number for a name or a number, or None.
    """

    now: int = 0
    zone: str | None = None
    cwd: str = "/"
    uid: int = 1
    host_file: str | None = None
    user: Callable[[str], int | None] = lambda name: None
    group: Callable[[str], int | None] = lambda name: None
    files: Mapping[str, bytes | int] = field(default_factory=dict)
    command: Command = "sbatch"


class FileWanted(Exception):
    """The caller's file at `path` must be read first: put it into `Surroundings.files` and ask again."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


SLOTS: Mapping[str, str] = {
    "cluster": "clusters",
    "exclusive": "sharing",
    "no-requeue": "requeue",
    "oversubscribe": "sharing",
    "req-switch": "switches",
    "tasks-per-node": "ntasks-per-node",
    "wait-for-switch": "switches",
}
"""Options that keep their value under another name than their own, because they share it."""


def slot(name: str) -> str:
    return SLOTS.get(name, name)


class Chosen:
    """The slots of one component. `said` maps each option that is set to the use that set it last."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.said: dict[str, Use] = {}
        self.history: list[Use] = []

    def __contains__(self, name: str) -> bool:
        return name in self.said

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an option's slot."""
        return self.values.get(slot(name), default)

    def set(self, name: str, value: Any) -> None:
        self.values[slot(name)] = value

    def forget(self, name: str) -> None:
        """The option was never said; another one that shares its slot loses the value too."""
        self.values.pop(slot(name), None)
        self.said.pop(name, None)

    def next_component(self) -> Chosen:
        """What a later component of a heterogeneous job begins with; of itself it has said nothing yet."""
        later = Chosen()
        later.said = {name: use for name, use in self.said.items() if use.option.carried}
        kept = {slot(name) for name in later.said}
        later.values = {name: value for name, value in self.values.items() if name in kept}
        return later

    def order(self, name: str) -> int:
        """How late an option was set, for telling the later of two; -1 for what an earlier component said."""
        use = self.said[name]
        return self.history.index(use) if use in self.history else -1

    def origin(self, name: str) -> Origin | None:
        use = self.said.get(name)
        return use.origin if use else None

    def record(self, use: Use) -> None:
        self.said[canonical(use.option).name] = use
        self.history.append(use)


def canonical(one: Option) -> Option:
    """The option as sbatch lists it: under another name where that is what it is, but --cluster stays --cluster."""
    return option(one.key) if one.name == "tasks-per-node" else one
