"""From a market's catalogue to a cluster of cloud nodes: one node for each instance that the queue may hold at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from flowbatch.core.embedded import MAX_ARRAY_SIZE, MAX_JOB_COUNT
from flowbatch.spec.cluster import Cloud, ClusterSpec, GresDevice, NodeSpec, PartitionSpec
from flowbatch.spec.policy import MarketPolicy, PartitionTerms
from flowbatch.units import MINUTE

PARTITION = "market"
"""All of it, for a job that names no partition."""

MACHINES = 16
"""So many nodes a type and region, or as many as there are to be had if that is more: jobs beyond them wait for one."""

MOST_MACHINES = 1024
"""And no more than so many: what a market says does not fill our memory."""

_SHORT_WORDS = {"infiniband": "ib"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One instance type in one region. `instance_type` is the API's name, `fid` its id; `gpu` a model (`a100`), None for
    none; `capacity`: instances free when it was looked at."""

    instance_type: str
    fid: str
    region: str
    gpu: str | None
    gpus: int
    gpu_memory_gb: int
    cpus: int
    ram_mib: int
    disk_mib: int
    interconnect: str | None = None
    capacity: int = 0


def cloud(name: str, policy: MarketPolicy, shapes: Iterable[Shape]) -> ClusterSpec:
    """The cluster that a market is to Slurm's eyes; the same catalogue gives the same names.

    Obliging about names, as the embedded one: an old script's partition becomes the default one, unless the policy
    says what it stands for. Prices change and stand in quotes: all nodes have one weight.
    """
    nodes = tuple(node for shape, short in _named(shapes) for node in _nodes(shape, short))
    terms = {one.partition: one for one in policy.partitions}
    default = terms.pop(PARTITION, PartitionTerms(partition=PARTITION))
    return ClusterSpec(
        name=name,
        nodes=nodes,
        partitions=(
            _partition(policy, default, nodes, default=True),
            *(_partition(policy, one, nodes, default=False) for one in terms.values()),
        ),
        obliging=True,
        max_array_size=MAX_ARRAY_SIZE,
        max_job_count=MAX_JOB_COUNT,
        enforce_part_limits="ALL",
        job_requeue=True,
        requeue_delay_s=0,
        select_memory=True,
        gres_types=("gpu",),
        market=policy,
    )


def names_type(text: str, place: Cloud) -> bool:
    """Whether an instance type as a user writes it (`a100-80gb.sxm.8x`, `8xa100`, `a100:8`, `a100x8`, a `it_` id, or a
    model alone for any number) is this one."""
    word, gpu = text.lower(), (place.gpu or "cpu").lower()
    count = place.gpus
    forms = {place.instance_type.lower(), f"{count}x{gpu}", f"{gpu}:{count}", f"{gpu}x{count}", gpu}
    return word in forms or text == place.fid


def takes(terms: PartitionTerms, place: Cloud) -> bool:
    """Whether an instance belongs to a partition of these terms."""
    return (
        (terms.gpu is None or terms.gpu.lower() == (place.gpu or "").lower())
        and (terms.instance_type is None or names_type(terms.instance_type, place))
        and (not terms.regions or place.region in terms.regions)
    )


def _named(shapes: Iterable[Shape]) -> list[tuple[Shape, str]]:
    """Each type and region once (the one with most to give), in a fixed order, with the short name of its nodes."""
    best = {(s.region, s.instance_type): s for s in sorted(shapes, key=lambda s: (s.capacity, s.fid))}
    found: list[tuple[Shape, str]] = []
    for region, group in groupby(sorted(best.values(), key=attrgetter("region")), key=attrgetter("region")):
        taken: set[str] = set()
        for shape in sorted(group, key=lambda s: (s.gpu or "", s.gpus, len(s.instance_type), s.instance_type)):
            short = f"{shape.gpus}x{shape.gpu}" if shape.gpus else f"{shape.cpus}cpu"
            if short in taken:
                short = "-".join(_words(shape.instance_type))
            taken.add(short)
            found.append((shape, f"{region}-{short}"))
    return found


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]


def _nodes(shape: Shape, stem: str) -> list[NodeSpec]:
    place = Cloud(
        instance_type=shape.instance_type, fid=shape.fid, region=shape.region, gpu=shape.gpu, gpus=shape.gpus,
        interconnect=shape.interconnect,
    )  # fmt: skip
    network = _words(shape.interconnect or "")
    size = [f"{shape.gpus}x{shape.gpu}"] if shape.gpus else []
    features = (
        shape.region, *([shape.gpu] if shape.gpu else []), *size, shape.instance_type, *_words(shape.instance_type),
        *network, *(_SHORT_WORDS[word] for word in network if word in _SHORT_WORDS),
    )  # fmt: skip
    one = NodeSpec(
        name=stem,
        cpus=shape.cpus,
        cores_per_socket=shape.cpus,
        real_memory=shape.ram_mib,
        tmp_disk=shape.disk_mib,
        features=tuple(dict.fromkeys(features)),
        gres=(GresDevice(name="gpu", type=shape.gpu, count=shape.gpus),) if shape.gpus else (),
        cloud=place,
    )
    count = min(max(MACHINES, shape.capacity), MOST_MACHINES)
    return [one.model_copy(update={"name": f"{stem}-{number}"}) for number in range(1, count + 1)]


def _partition(
    policy: MarketPolicy, terms: PartitionTerms, nodes: tuple[NodeSpec, ...], *, default: bool
) -> PartitionSpec:
    return PartitionSpec(
        name=terms.partition,
        nodes=tuple(node.name for node in nodes if node.cloud is not None and takes(terms, node.cloud)),
        default=default,
        default_time_min=-(-policy.default_time_s // MINUTE),  # rounded up, as Slurm rounds a time limit
        max_time_min=policy.max_time_s // MINUTE,
        over_subscribe="EXCLUSIVE",
    )
