"""What the market offers, as the shapes that a cluster of cloud nodes is made of; the last one is kept on disk, so that jobs
can be judged while the market cannot be asked."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from flowbatch.backends.mithril import wire
from flowbatch.core.market.cloud import MACHINES, Shape, cloud
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import DAY

MIB_PER_GB = 1024
"""The API's GB of memory and disk are taken for GiB, as its instances show them."""

KEPT_S = 8 * DAY
"""A shape that is not offered any more stays so long: jobs may still run there."""

ORDINARY = frozenset({"", "ethernet", "none"})

log = logging.getLogger(__name__)

Kept = dict[str, tuple[Shape, int]]
_KEPT = TypeAdapter(Kept)


class Catalogue:
    """Shapes by type and region. Begins with what `file` holds, if it holds something that can be read."""

    def __init__(self, name: str, policy: MarketPolicy, file: Path) -> None:
        self._name = name
        self.policy = policy
        self._file = file
        self._kept: Kept = _read(file)
        self._names: dict[str, str] = {}
        self._auctions: tuple[wire.Auction, ...] = ()
        self._said: set[tuple[str, str]] = set()
        self._made: tuple[MarketPolicy, Kept, ClusterSpec] | None = None

    @property
    def shapes(self) -> list[Shape]:
        return [shape for shape, _ in self._kept.values()]

    @property
    def cluster(self) -> ClusterSpec:
        """The cluster that the market is to Slurm's eyes; the same one until the policy or the shapes are others."""
        if self._made is None or self._made[0] is not self.policy or self._made[1] is not self._kept:
            self._made = self.policy, self._kept, cloud(self._name, self.policy, self.shapes)
        return self._made[2]

    def learn(self, types: Sequence[wire.InstanceType], auctions: Sequence[wire.Auction], at: int) -> bool:
        """Whether the cluster has another shape now; then it is on disk too."""
        by_fid = {one.fid: one for one in types}
        self._names = {one.fid: one.name for one in types}
        self.see(auctions)
        before = self.shapes
        kept = {key: (shape, seen) for key, (shape, seen) in self._kept.items() if at - seen < KEPT_S}
        for auction in auctions:
            if auction.instance_type in by_fid:
                key = f"{auction.instance_type} {auction.region}"
                most = kept[key][0].capacity if key in kept else MACHINES
                kept[key] = _shape(by_fid[auction.instance_type], auction, most), at
        self._kept = dict(sorted(kept.items()))
        self._write()
        return self.shapes != before

    def see(self, auctions: Sequence[wire.Auction]) -> None:
        """Prices and capacity as they are now."""
        self._auctions = tuple(auctions)

    def offers(self) -> dict[tuple[str, str], wire.Auction]:
        """The auction to bid at for each type (by name) and region: of several ids the one with most to give, then the
        cheapest. Said once in the log where there is a choice."""
        best: dict[tuple[str, str], wire.Auction] = {}
        for auction in sorted(self._auctions, key=lambda a: (-a.capacity, a.last_instance_price, a.instance_type)):
            place = (self._names.get(auction.instance_type, ""), auction.region)
            if place[0] and best.setdefault(place, auction) is not auction and place not in self._said:
                self._said.add(place)
                log.info(
                    "a type has several ids in one region: that with the most capacity is taken",
                    extra={"fields": {"type": place[0], "region": place[1], "taken": best[place].instance_type}},
                )
        return best

    def fid(self, instance_type: str, region: str) -> str | None:
        """The id to bid for; while the market has not said anything yet, the one that was kept."""
        offer = self.offers().get((instance_type, region))
        if offer is not None:
            return offer.instance_type
        kept = [shape for shape in self.shapes if (shape.instance_type, shape.region) == (instance_type, region)]
        return kept[0].fid if kept else None

    def _write(self) -> None:
        """All of it or nothing is there afterwards. A full disk costs the copy, not the market."""
        beside = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside.write_bytes(_KEPT.dump_json(self._kept))
            os.replace(beside, self._file)
        except OSError as error:
            log.warning("the catalogue is not kept", extra={"fields": {"why": str(error)}})
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _read(file: Path) -> Kept:
    try:
        return _KEPT.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        log.warning("the kept catalogue cannot be read", extra={"fields": {"why": type(error).__name__}})
        return {}


def _shape(kind: wire.InstanceType, auction: wire.Auction, most: int) -> Shape:
    """`most`: what capacity was at its highest: the number of nodes does not go up and down with the market."""
    network = kind.network_type or ""
    return Shape(
        instance_type=kind.name,
        fid=kind.fid,
        region=auction.region,
        gpu=model(kind) if kind.num_gpus else None,
        gpus=kind.num_gpus,
        gpu_memory_gb=kind.gpu_memory_gb,
        cpus=max(1, kind.num_cpus),
        ram_mib=kind.ram_gb * MIB_PER_GB,
        disk_mib=kind.local_storage_gb * MIB_PER_GB,
        interconnect=None if network.lower() in ORDINARY else network,
        capacity=max(most, auction.capacity),
    )


def model(kind: wire.InstanceType) -> str:
    """A GPU model as Slurm's scripts write it: `h100` of `H100`, of `NVIDIA H100 80GB`, of `H100-80GB`; where the API says no
    GPU type, the type's own name up to its size."""
    words = kind.gpu_type.lower().removeprefix("nvidia").split()
    return re.sub(r"-\d+gb$", "", words[0]) if words else re.split(r"[-.]", kind.name.lower())[0]
