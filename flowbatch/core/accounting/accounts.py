"""Accounts, users, qualities of service, and who may compute on what: as sacctmgr has them, for one cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

ROOT = "root"
"""The account above all others, and its user; both are always there."""

NORMAL = "normal"
"""The quality of service that everybody has."""

PARENT_SHARE = -1
"""A share that is the parent's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is limited, by sacctmgr's own names: `counts` (`MaxJobs`, `MaxWall` in minutes), and `tres` by resource (`cpu`,
    `mem` in MiB, `node`, `billing`, `gres/gpu`). What is not named has no limit here."""

    counts: Mapping[str, int] = field(default_factory=dict)
    tres: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.counts or self.tres)


NO_LIMITS = Limits()

AdminLevel = Literal["None", "Operator", "Administrator"]


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    description: str
    organization: str
    coordinators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    name: str
    default_account: str
    admin: AdminLevel = "None"


@dataclass(frozen=True, slots=True)
class Association:
    """An account (`user` empty) below its `parent`, or a user on an account, perhaps in one partition alone.

    `qos` None: as the parent's. `id` counts from 1 and is never used again.
    """

    account: str
    user: str = ""
    partition: str = ""
    parent: str = ROOT
    id: int = 0
    share: int = 1
    priority: int | None = None
    limits: Limits = NO_LIMITS
    qos: tuple[str, ...] | None = None
    default_qos: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.user, self.partition


@dataclass(frozen=True, slots=True)
class Qos:
    name: str
    id: int = 0
    description: str = ""
    priority: int = 0
    flags: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS


Record = Account | User | Association | Qos
_R = TypeVar("_R", bound=Record)
Key = tuple[Literal["account", "user", "association", "qos"], str, str, str]
"""A record's kind, and its name; of an association account, user and partition."""


def key_of(record: Record) -> Key:
    match record:
        case Account():
            return "account", record.name, "", ""
        case User():
            return "user", record.name, "", ""
        case Qos():
            return "qos", record.name, "", ""
        case Association():
            return "association", *record.key


@dataclass(frozen=True, slots=True)
class Accounts:
    """All of them. `numbered`, `qos_numbered`: the last ids that were given."""

    accounts: tuple[Account, ...] = (Account(ROOT, "default root account", ROOT),)
    users: tuple[User, ...] = (User(ROOT, ROOT, "Administrator"),)
    associations: tuple[Association, ...] = (
        Association(ROOT, parent="", id=1, qos=(NORMAL,)),
        Association(ROOT, ROOT, id=2),
    )
    qos: tuple[Qos, ...] = (Qos(NORMAL, 1, "Normal QOS default"),)
    numbered: int = 2
    qos_numbered: int = 1

    def account(self, name: str) -> Account | None:
        return next((one for one in self.accounts if one.name == name), None)

    def user(self, name: str) -> User | None:
        return next((one for one in self.users if one.name == name), None)

    def quality(self, name: str) -> Qos | None:
        return next((one for one in self.qos if one.name == name), None)

    def association(self, account: str, user: str = "", partition: str = "") -> Association | None:
        """The one of exactly this account, user and partition."""
        return next((one for one in self.associations if one.key == (account, user, partition)), None)

    def of_job(self, account: str, user: str, partition: str) -> Association | None:
        """What a job in this partition counts on: the user's association there, else his on the account."""
        return self.association(account, user, partition) or self.association(account, user)

    def chain(self, association: Association) -> Iterator[Association]:
        """It, its account and all accounts above, the root last."""
        yield association
        seen = {association.key}
        above = association.account if association.user else association.parent
        while above and (one := self.association(above)) is not None and one.key not in seen:
            yield one
            seen.add(one.key)
            above = one.parent

    def below(self, account: str) -> tuple[str, ...]:
        """The accounts below this one, however far."""
        found: list[str] = []
        for one in self.associations:
            if not one.user and one.account != account and any(up.account == account for up in self.chain(one)):
                found.append(one.account)
        return tuple(found)

    def qualities(self, association: Association) -> tuple[str, ...]:
        """The qualities of service that it has, its own or those of the first above that has any."""
        return next((one.qos for one in self.chain(association) if one.qos is not None), ())

    def default_quality(self, association: Association) -> str | None:
        return next((one.default_qos for one in self.chain(association) if one.default_qos is not None), None)

    def count(self, association: Association, limit: str) -> int | None:
        """The limit that holds of it: its own, or that of the first above that has one."""
        return next((n for one in self.chain(association) if (n := one.limits.counts.get(limit)) is not None), None)

    def amounts(self, association: Association, limit: str) -> dict[str, int]:
        """The same of resources, each by itself."""
        found: dict[str, int] = {}
        for one in self.chain(association):
            for tres, amount in one.limits.tres.get(limit, {}).items():
                found.setdefault(tres, amount)
        return found

    def put(self, record: Record) -> Accounts:
        """With the record, in place of the one of its name or as the last; a new one gets its id."""
        match record:
            case Account():
                return replace(self, accounts=_placed(self.accounts, record))
            case User():
                return replace(self, users=_placed(self.users, record))
            case Qos():
                old = self.quality(record.name)
                number = self.qos_numbered + (old is None)
                given = replace(record, id=number if old is None else old.id)
                return replace(self, qos=_placed(self.qos, given), qos_numbered=number)
            case Association():
                found = self.association(*record.key)
                number = self.numbered + (found is None)
                placed = replace(record, id=number if found is None else found.id)
                return replace(self, associations=_placed(self.associations, placed), numbered=number)

    def drop(self, key: Key) -> Accounts:
        """Without the record."""
        return replace(
            self,
            accounts=tuple(one for one in self.accounts if key_of(one) != key),
            users=tuple(one for one in self.users if key_of(one) != key),
            associations=tuple(one for one in self.associations if key_of(one) != key),
            qos=tuple(one for one in self.qos if key_of(one) != key),
        )

    @property
    def limited(self) -> bool:
        """Whether anything is limited at all."""
        return any(one.limits for one in self.associations) or any(one.limits for one in self.qos)


def _placed(records: tuple[_R, ...], record: _R) -> tuple[_R, ...]:
    if all(key_of(one) != key_of(record) for one in records):
        return *records, record
    return tuple(record if key_of(one) == key_of(record) else one for one in records)


NOBODY = Accounts()
"""Nothing was said yet: the root account, its user, and the normal quality of service."""
