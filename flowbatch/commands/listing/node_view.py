"""A node as Slurm's own records would tell it: what it is, what jobs hold of it, and what its bids make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flowbatch.core.bids import Bid
from flowbatch.core.jobs import Job
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import Allocation, Completing, Finished, NodeShare, Running, Suspended, held
from flowbatch.slurm import amounts, indices
from flowbatch.slurm.fields import NULL
from flowbatch.slurm.nodestates import NO_FLAGS, Base, Flag, NodeState
from flowbatch.slurm.times import TimeStyle
from flowbatch.spec.cluster import GresDevice, NodeSpec
from flowbatch.units import dollars


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node. `price_micro_usd`: what its machine costs an hour now, where a market has said so. `reasoned_at`: since when
    the reason of its state holds, as the caller's times are written."""

    spec: NodeSpec
    state: NodeState
    shares: tuple[NodeShare, ...] = ()
    gres_types: tuple[str, ...] = ()
    tracks_gpus: bool = False
    price_micro_usd: int | None = None
    reasoned_at: str = "Unknown"

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def cpus_held(self) -> int:
        return sum(share.cpus for share in self.shares)

    @property
    def memory_held_mib(self) -> int:
        return sum(share.memory_mib for share in self.shares)

    @property
    def tres(self) -> str:
        """What it has, as one text of trackable resources."""
        spec = self.spec
        gpus = gpus_on(spec) if self.tracks_gpus else 0
        return amounts.tres(cpu=spec.cpus, mib=spec.real_memory, billing=spec.cpus, gpus=gpus)

    @property
    def tres_held(self) -> str:
        """What jobs hold of it; empty for nothing."""
        gpus = gpus_of(self.shares) if self.tracks_gpus else 0
        return amounts.tres(cpu=self.cpus_held, mib=self.memory_held_mib, gpus=gpus)

    @property
    def present(self) -> bool:
        """Whether there is a machine that answers."""
        return not self.state.flags & (Flag.POWERED_DOWN | Flag.POWERING_UP)

    @property
    def features(self) -> str:
        return ",".join(self.spec.features) or NULL

    @property
    def active_features(self) -> str:
        return ",".join(self.spec.active_features) or NULL

    @property
    def reason(self) -> str:
        return self.spec.reason or "none"

    def blamed(self, unknown: str) -> tuple[str, str]:
        """Who says why it is as it is, without and with the number; root, where its configuration does."""
        by, uid = (self.spec.reason_by, self.spec.reason_uid) if self.spec.reason else ("root", 0)
        known = bool(self.spec.reason) or self.state.unavailable
        return (by, f"{by}({uid})") if known else (unknown, unknown)

    @property
    def gres(self) -> str:
        """`gpu:h100:8`."""
        return ",".join(f"{_kind(device)}:{device.count}" for device in self.spec.gres) or NULL

    @property
    def gres_used(self) -> str:
        """`gpu:h100:2(IDX:0-1)`; the numbers of devices are known where the node names their files."""
        if not self.spec.gres:
            return ",".join(f"{name}:0" for name in self.gres_types) or NULL
        return ",".join(self._used(device) for device in self.spec.gres)

    def _used(self, device: GresDevice) -> str:
        held = sorted(
            number
            for share in self.shares
            for name, kind, numbers in share.gres
            if name == device.name and kind in (None, device.type)
            for number in numbers
        )
        shown = f"(IDX:{indices.ranges(tuple(held)) or 'N/A'})" if device.files else ""
        return f"{_kind(device)}:{len(held)}{shown}"

    @property
    def comment(self) -> str | None:
        """What an administrator said; of a machine of the market its price, which Slurm has no field for."""
        return self.spec.comment or None if self.price_micro_usd is None else f"price={dollars(self.price_micro_usd)}/h"

    @property
    def extra(self) -> str | None:
        """What a node of the market stands for, or what an administrator said."""
        cloud = self.spec.cloud
        return (
            f"instance_type={cloud.instance_type},region={cloud.region}"
            if cloud is not None
            else self.spec.extra or None
        )


def gpus_on(spec: NodeSpec) -> int:
    """How many GPUs a node has."""
    return sum(device.count for device in spec.gres if device.name == "gpu")


def gpus_of(shares: Iterable[NodeShare]) -> int:
    """How many GPUs these shares hold."""
    return sum(len(devices) for share in shares for name, _, devices in share.gres if name == "gpu")


def _kind(device: GresDevice) -> str:
    return f"{device.name}:{device.type}" if device.type else device.name


def views(snapshot: Snapshot, times: TimeStyle | None = None) -> list[NodeView]:
    """Every node, in the cluster's order. `times`: how instants are written, where they are."""
    cluster = snapshot.cluster
    use = _Use.of(snapshot.jobs)
    marks = _reserved(snapshot)
    return [
        NodeView(
            node,
            _state(node, use, marks.get(node.name, NO_FLAGS)),
            use.shares.get(node.name, ()),
            cluster.gres_types,
            cluster.tracks_gpus,
            _price(snapshot, node),
            times.stamp(node.reason_at, "Unknown") if times is not None else "Unknown",
        )
        for node in cluster.nodes
    ]


@dataclass(frozen=True, slots=True)
class _Use:
    """What jobs do to nodes, by name: what they hold of it, whether they leave it or wait for it to boot, and the live bids."""

    shares: Mapping[str, tuple[NodeShare, ...]]
    completing: frozenset[str]
    booting: frozenset[str]
    bids: Mapping[str, tuple[Bid, bool]]
    """With each bid, whether a job has had its machine."""

    @classmethod
    def of(cls, jobs: Iterable[Job]) -> _Use:
        shares: dict[str, list[NodeShare]] = {}
        completing: set[str] = set()
        booting: set[str] = set()
        bids: dict[str, tuple[Bid, bool]] = {}
        for job in jobs:
            match job.state:
                case (Running() | Suspended()) as state:
                    for share in rest.shares if (rest := held(state)) is not None else ():
                        shares.setdefault(share.node, []).append(share)
                    booting |= set() if state.launched else set(state.allocation.nodes)
                case Completing(allocation=left):
                    completing |= set(left.nodes)
            for bid in _live(job):
                bids[bid.node] = bid, bid.node in _had(job)
        return cls(
            {node: tuple(these) for node, these in shares.items()}, frozenset(completing), frozenset(booting), bids
        )


def _live(job: Job) -> Iterator[Bid]:
    return (bid for bid in job.bids[-1:] if bid.live)


def _had(job: Job) -> tuple[str, ...]:
    """The nodes that the job has, or had to its end."""
    match job.state:
        case Running(allocation=had) | Completing(allocation=had) | Finished(allocation=Allocation() as had):
            return had.nodes
        case _:
            return ()


def _reserved(snapshot: Snapshot) -> dict[str, Flag]:
    """What active reservations make of their nodes."""
    marks: dict[str, Flag] = {}
    for one in snapshot.rulings.reservations:
        if one.active(snapshot.at):
            mark = Flag.RESERVED | (Flag.MAINTENANCE if "MAINT" in one.flags else NO_FLAGS)
            marks |= {name: marks.get(name, NO_FLAGS) | mark for name in one.nodes}
    return marks


_SAID = {"DRAIN": Flag.DRAIN, "FAIL": Flag.FAIL}


def _state(node: NodeSpec, use: _Use, marks: Flag) -> NodeState:
    flags = marks | (_cloud_flags(node, use) if node.cloud is not None else NO_FLAGS)
    for said in node.flags:
        flags |= _SAID[said]
    if node.name in use.completing:
        flags |= Flag.COMPLETING
    match node.state:
        case "DOWN":
            return NodeState(Base.DOWN, flags)
        case "FUTURE":
            return NodeState(Base.FUTURE, flags)
        case "DRAIN":
            flags |= Flag.DRAIN
    used = sum(share.cpus for share in use.shares.get(node.name, ()))
    return NodeState(Base.IDLE if not used else Base.ALLOCATED if used >= node.cpus else Base.MIXED, flags)


def _cloud_flags(node: NodeSpec, use: _Use) -> Flag:
    """How far its machine is: without one it is powered down; a bid that was won boots it, until its job was launched."""
    bid, had = use.bids.get(node.name, (None, False))
    if node.name in use.booting or (bid is not None and bid.phase == "won" and not had):
        return Flag.CLOUD | Flag.NOT_RESPONDING | Flag.POWERING_UP
    if node.name in use.shares or node.name in use.completing or (bid is not None and bid.phase in ("won", "leaving")):
        return Flag.CLOUD | (Flag.POWER_DOWN if bid is not None and bid.phase == "leaving" else NO_FLAGS)
    if bid is not None and bid.phase == "withdrawn" and had:
        return Flag.CLOUD | Flag.POWERING_DOWN
    return Flag.CLOUD | Flag.POWERED_DOWN


def _price(snapshot: Snapshot, node: NodeSpec) -> int | None:
    if snapshot.quotes is None or node.cloud is None:
        return None
    quote = snapshot.quotes.quotes.get((node.cloud.instance_type, node.cloud.region))
    return quote.price_micro_usd if quote is not None else None
