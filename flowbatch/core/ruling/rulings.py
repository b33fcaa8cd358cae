"""What administrators have said of a cluster besides its configuration. It is kept in the store, and part of the cluster's shape
until they say otherwise, or have the configuration read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from flowbatch.core.accounting.accounts import NOBODY, Accounts
from flowbatch.core.accounting.budgets import budgeted
from flowbatch.core.ruling.reservations import Reservation
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec

NodeFlag = Literal["DRAIN", "FAIL"]


@dataclass(frozen=True, slots=True)
class NodeRuling:
    """What was said of one node; None is as configured. `by`, `uid` and `at`: whose the reason is, and since when."""

    base: Literal["UNKNOWN", "DOWN", "FUTURE"] | None = None
    flags: tuple[NodeFlag, ...] = ()
    reason: str | None = None
    by: str = ""
    uid: int = 0
    at: int | None = None
    weight: int | None = None
    features: tuple[str, ...] | None = None
    active: tuple[str, ...] | None = None
    comment: str | None = None
    extra: str | None = None

    def applied(self, node: NodeSpec) -> NodeSpec:
        said: dict[str, Any] = {
            "state": self.base, "weight": self.weight, "features": self.features, "active": self.active,
        }  # fmt: skip
        return node.model_copy(
            update={
                **{name: value for name, value in said.items() if value is not None},
                "flags": self.flags, "reason": self.reason, "reason_by": self.by, "reason_uid": self.uid,
                "reason_at": self.at, "comment": self.comment, "extra": self.extra,
            }
        )  # fmt: skip

    def reread(self) -> NodeRuling:
        """What stays when the configuration is read again: the state and the words."""
        return replace(self, weight=None, features=None, active=None)


@dataclass(frozen=True, slots=True)
class PartitionRuling:
    """These `fields` of a partition are those of `spec`. `made`: no configuration has it; `deleted`: it is not there."""

    spec: PartitionSpec
    fields: tuple[str, ...] = ()
    made: bool = False
    deleted: bool = False

    def applied(self, part: PartitionSpec) -> PartitionSpec:
        return part.model_copy(update={name: getattr(self.spec, name) for name in self.fields})


@dataclass(frozen=True, slots=True)
class Crontab:
    """A user's crontab as he wrote it, and (first line, last line, job) of each entry."""

    text: str
    lines: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Rulings:
    """All of it. `numbered`: how many reservations were ever made, which those without a name are called after."""

    nodes: Mapping[str, NodeRuling] = field(default_factory=dict)
    partitions: Mapping[str, PartitionRuling] = field(default_factory=dict)
    reservations: tuple[Reservation, ...] = ()
    numbered: int = 0
    accounts: Accounts = NOBODY
    crontabs: Mapping[str, Crontab] = field(default_factory=dict)
    """Of users, by uid."""

    def applied(self, cluster: ClusterSpec) -> ClusterSpec:
        """The cluster as it is administered. A name that the configuration does not have any more is passed over."""
        cluster = budgeted(cluster, self.accounts)
        if not self.nodes and not self.partitions:
            return cluster
        nodes = tuple(
            self.nodes[node.name].applied(node) if node.name in self.nodes else node for node in cluster.nodes
        )
        return cluster.model_copy(update={"nodes": nodes, "partitions": self._partitions(cluster)})

    def _partitions(self, cluster: ClusterSpec) -> tuple[PartitionSpec, ...]:
        known = {part.name for part in cluster.partitions}
        names = {node.name for node in cluster.nodes}
        parts = [part for part in cluster.partitions if not self._deleted(part.name)]
        parts = [self.partitions[part.name].applied(part) if part.name in self.partitions else part for part in parts]
        parts += [one.spec for name, one in self.partitions.items() if one.made and name not in known]
        return tuple(
            part.model_copy(update={"nodes": tuple(name for name in part.nodes if name in names)}) for part in parts
        )

    def _deleted(self, name: str) -> bool:
        return name in self.partitions and self.partitions[name].deleted

    def reread(self) -> Rulings:
        """What stays when an administrator has the configuration read again, as with slurmctld: partitions are as it says."""
        return replace(self, nodes={name: one.reread() for name, one in self.nodes.items()}, partitions={})

    def with_node(self, name: str, ruling: NodeRuling) -> Rulings:
        return replace(self, nodes={**self.nodes, name: ruling})

    def with_partition(self, ruling: PartitionRuling) -> Rulings:
        return replace(self, partitions={**self.partitions, ruling.spec.name: ruling})

    def without_partition(self, name: str) -> Rulings:
        return replace(self, partitions={key: one for key, one in self.partitions.items() if key != name})

    def with_accounts(self, accounts: Accounts) -> Rulings:
        return replace(self, accounts=accounts)

    def reservation(self, name: str) -> Reservation | None:
        return next((one for one in self.reservations if one.name == name), None)

    def with_reservation(self, ruling: Reservation) -> Rulings:
        """In its old place, or the last."""
        if self.reservation(ruling.name) is None:
            return replace(self, reservations=(*self.reservations, ruling))
        kept = tuple(ruling if one.name == ruling.name else one for one in self.reservations)
        return replace(self, reservations=kept)

    def without_reservation(self, name: str) -> Rulings:
        return replace(self, reservations=tuple(one for one in self.reservations if one.name != name))

    def next_boundary(self, at: int) -> int | None:
        """When the next reservation begins or ends after `at`."""
        return min((time for one in self.reservations for time in (one.start, one.end) if time > at), default=None)


NOTHING_SAID = Rulings()
