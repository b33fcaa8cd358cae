"""What the views of one listing share: the cluster at one instant, and needs that many jobs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from flowbatch.commands.listing.form import Form
from flowbatch.core.accounting.accounts import NOBODY, Accounts
from flowbatch.core.jobs import Job
from flowbatch.core.placing.sizing import demand
from flowbatch.core.ports import Snapshot
from flowbatch.slurm import hostlist
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec
from flowbatch.spec.resources import Resources


@dataclass
class Scene:
    """What the views of one listing share. What follows from a wish is worked out once: many jobs ask for the same."""

    at: int
    cluster: ClusterSpec
    planned: Mapping[int, tuple[int, tuple[str, ...]]]
    accounts: Accounts = NOBODY
    _forms: dict[tuple[Resources, str], Form] = field(default_factory=dict)
    _known: dict[tuple[int, str], tuple[Resources, Form]] = field(default_factory=dict)
    """The same by the wish's address, which is found sooner than its value; the wish stands beside it, so the address stays its."""
    _limits: dict[str, int | None] = field(default_factory=dict)
    _node_texts: dict[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Scene:
        return cls(snapshot.at, snapshot.cluster, snapshot.planned, snapshot.rulings.accounts)

    @cached_property
    def partitions(self) -> dict[str, PartitionSpec]:
        return {partition.name: partition for partition in self.cluster.partitions}

    def form(self, job: Job) -> Form:
        """What the job asks for in its first partition (the one it runs in, once it does)."""
        name, wish = job.partitions[0] if job.partitions else "", job.spec.resources
        known = self._known.get((id(wish), name))
        if known is None:
            known = self._known[id(wish), name] = wish, self._form(name, job)
        return known[1]

    def _form(self, name: str, job: Job) -> Form:
        key = job.spec.resources, name
        found = self._forms.get(key)
        if found is None:
            partition = self.partitions.get(name) or PartitionSpec(name=name, nodes=())
            need = demand(self.cluster, partition, job.spec)
            found = self._forms[key] = Form(self.cluster, job.spec.resources, need)
        return found

    def limit_min(self, partition: str) -> int | None:
        """The time limit of a job that asks for none there; None where there is none either."""
        if partition not in self._limits:
            found = self.partitions.get(partition)
            default, most = (found.default_time_min, found.max_time_min) if found is not None else (None, None)
            self._limits[partition] = most if default is None else default
        return self._limits[partition]

    def nodes_text(self, nodes: tuple[str, ...]) -> str:
        """`n[1-3]`."""
        if nodes not in self._node_texts:
            self._node_texts[nodes] = hostlist.fold_sorted(nodes)
        return self._node_texts[nodes]
