"""A change of accounts under way: what is said of it, and what it does in each cluster. And what settings make of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from flowbatch.commands.accounting.sacctmgr_request import Request
from flowbatch.commands.accounting.sacctmgr_words import Settings
from flowbatch.core.accounting.accounts import Account, Accounts, Association, Key, Qos, Record, User, key_of

Clusters = Mapping[str, Accounts]
"""What each cluster that is meant knows of accounts."""


@dataclass(slots=True)
class Change:
    """`text`: what is said first. `put`, `drop` by cluster. `problem`: what is said where that is refused. `faults`: what is
    wrong besides; the exit code is 1 then, though the rest is done."""

    text: list[str] = field(default_factory=list)
    put: dict[str, list[Account | User | Association | Qos]] = field(default_factory=dict)
    drop: dict[str, list[Key]] = field(default_factory=dict)
    problem: str = "Error with request"
    faults: list[str] = field(default_factory=list)

    def add(self, cluster: str, record: Account | User | Association | Qos) -> None:
        self.put.setdefault(cluster, []).append(record)

    def remove(self, cluster: str, record: Record) -> None:
        self.drop.setdefault(cluster, []).append(key_of(record))

    @property
    def nothing(self) -> bool:
        return not self.put and not self.drop


def associated(one: Association, settings: Settings) -> Association:
    """The association with the settings in it."""
    share = settings.counts.get("Fairshare")
    default = settings.texts.get("DefQOS", one.default_qos)
    return replace(
        one,
        limits=settings.limits(one.limits),
        share=one.share if share is None else share,
        priority=settings.counts.get("Priority", one.priority),
        qos=_listed(one.qos, settings.lists.get("QOS")),
        default_qos=None if default in ("", "-1") else default,
        parent=settings.texts.get("Parent", one.parent) if not one.user else one.parent,
    )


def qualified(one: Qos, settings: Settings) -> Qos:
    priority = settings.counts.get("Priority", one.priority)
    flags = _listed(one.flags, settings.lists.get("Flags"))
    return replace(
        one,
        limits=settings.limits(one.limits),
        priority=priority or 0,
        flags=flags or (),
        description=settings.texts.get("Description", one.description),
    )


def _listed(before: tuple[str, ...] | None, said: tuple[str, tuple[str, ...]] | None) -> tuple[str, ...] | None:
    if said is None:
        return before
    operator, names = said
    if operator == "+=":
        return tuple(dict.fromkeys((*(before or ()), *names)))
    if operator == "-=":
        return tuple(one for one in before or () if one not in names)
    return None if not names else tuple(name.lower() if name.islower() else name for name in names)


def matching(
    request: Request, accounts: Accounts, fits: Callable[[Association], bool], kind: str
) -> Iterator[Association]:
    on, parts = request.conditions.get("account"), request.conditions.get("partition")
    under = request.conditions.get("parent")
    for one in accounts.associations:
        name = one.user if kind == "user" else one.account
        named = (not request.names or name in request.names) and (on is None or one.account in on)
        if fits(one) and named and (parts is None or one.partition in parts) and (under is None or one.parent in under):
            yield one
