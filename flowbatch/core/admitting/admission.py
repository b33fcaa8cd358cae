"""May this job enter the queue? slurmctld's checks, in its order, with its words.

The order was found by pairing faults and watching which one 22.05.8 names. A held job is not measured against the
nodes: it may wait for a cluster that has what it wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from flowbatch.core import limits
from flowbatch.core.accounting.accounts import NOBODY, Accounts
from flowbatch.core.accounting.usage import Claim, binds
from flowbatch.core.admitting.accounted import accounted, beyond, within_wall
from flowbatch.core.admitting.gresrules import gres_fault
from flowbatch.core.admitting.hints import hint
from flowbatch.core.admitting.onmarket import on_market, unserved
from flowbatch.core.admitting.reserved import outside, reservation_fault
from flowbatch.core.events import Refused, Submitted
from flowbatch.core.placing import constraints
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.sizing import Demand, default_memory, demand, license_counts, partition_nodes
from flowbatch.core.ruling.reservations import Reservation
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import UNLIMITED, JobSpec
from flowbatch.spec.model import TOO_LONG, Malformed
from flowbatch.spec.resources import Constraint
from flowbatch.text import encode
from flowbatch.units import MINUTE

MAX_STRING = 1024
"""Bytes that a name, a comment and the like may have."""

MAX_PATH = 4096
"""Bytes that a whole path may have."""


class AdmissionContext(Protocol):
    """What admission must know of the queue."""

    def job_count(self) -> int:
        """How many records the queue holds, an array's unstarted tasks counted each (MaxJobCount)."""

    def unfinished(self) -> Mapping[Claim, int]:
        """How many tasks of them are not over, by where they count."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The job may enter. `spec` is what enters: the time limit and memory that Slurm fills in at submission are in it.
    `partitions` are resolved names, never empty; `notes` one sentence each of what was obliged or is only recorded."""

    spec: JobSpec
    partitions: tuple[str, ...]
    notes: tuple[str, ...] = ()


def admit(
    cluster: ClusterSpec, event: Submitted, context: AdmissionContext, reservations: Sequence[Reservation] = (),
    accounts: Accounts = NOBODY,
) -> Admitted | Refused:  # fmt: skip
    """The verdict on a submission; changes nothing."""
    verdict = _admit(cluster, event, context, reservations, accounts)
    if isinstance(verdict, Refused):
        return replace(verdict, hint=verdict.hint or hint(cluster, event.spec, verdict.code))
    return verdict


def _admit(
    cluster: ClusterSpec, event: Submitted, context: AdmissionContext, reservations: Sequence[Reservation],
    accounts: Accounts,
) -> Admitted | Refused:  # fmt: skip
    spec, notes = _obliged(cluster, event.spec) if cluster.obliging else (event.spec, ())
    fault = _client(cluster, spec) or _nice(spec, event.owner.uid)
    fault = fault or _strings(cluster, spec) or _array(cluster, spec) or _nodelist(cluster, spec)
    if fault is not None:
        return fault
    if cluster.market is not None:
        spec, fault = on_market(cluster, cluster.market, spec)
        if fault is not None:
            return fault
    found = _partitions(cluster, spec, event.owner.uid)
    if isinstance(found, Refused):
        return found
    paid = (
        spec
        if accounts is NOBODY and not cluster.accounting_enforce
        else accounted(cluster, accounts, event, spec, found)
    )
    if isinstance(paid, Refused):
        return paid
    spec = paid
    fault = _times(found[0], spec, event.at) or next(filter(None, (check(cluster, spec) for check in _CHECKS)), None)
    fault = fault or reservation_fault(reservations, event.owner, spec)
    if fault is None and not event.test_only and context.job_count() + _tasks(spec) > cluster.max_job_count:
        fault = Refused("EAGAIN")
    if fault is None and not spec.hold and cluster.market is not None:
        fault = unserved(cluster, spec, [partition.name for partition in found])
    elif fault is None and not spec.hold:
        fault = _fits(cluster, found, spec, test_only=event.test_only) or outside(cluster, reservations, found, spec)
    filled = _filled(cluster, found, spec)
    if fault is None and binds(cluster, accounts):
        filled = within_wall(accounts, event, filled)
        fault = beyond(accounts, event, filled, context.unfinished())
    if fault is not None:
        return fault
    return Admitted(filled, tuple(p.name for p in found), notes)


def _obliged(cluster: ClusterSpec, spec: JobSpec) -> tuple[JobSpec, tuple[str, ...]]:
    """Names of another site are taken as good will: partitions become the default one, accounts are only kept."""
    notes: list[str] = []
    default = cluster.default_partition
    known = [name for name in spec.partitions if cluster.partition(name) is not None]
    unknown = [name for name in spec.partitions if cluster.partition(name) is None]
    if unknown and default is not None:
        notes.append(f"unknown partition {','.join(unknown)}: runs in {','.join(known) or default.name}")
        known = known or [default.name]
    absent = [name for name in spec.resources.exclude if cluster.node(name) is None]
    if absent:
        notes.append(f"nodes to exclude that are not here anyway: {','.join(absent)}")
    if spec.account is not None and cluster.market is None:
        notes.append(f"account {spec.account} is recorded only")
    if spec.qos is not None:
        notes.append(f"qos {spec.qos} is recorded only")
    kept = tuple(name for name in spec.resources.exclude if name not in absent)
    resources = spec.resources.model_copy(update={"exclude": kept})
    return spec.model_copy(update={"partitions": tuple(known), "resources": resources}), tuple(notes)


def _tasks(spec: JobSpec) -> int:
    return len(spec.array.indices()) if spec.array is not None and not isinstance(spec.array, Malformed) else 1


def _client(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    return gres_fault(cluster, spec.resources)


def _nice(spec: JobSpec, uid: int) -> Refused | None:
    """Root alone may ask for more priority than others have."""
    return Refused("ESLURM_INVALID_NICE") if spec.nice < 0 and uid != 0 else None


def _strings(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    names = (
        spec.name, spec.account, spec.comment, spec.qos, spec.reservation, spec.wckey, spec.mail.user,
        ",".join(spec.partitions), spec.resources.constraint_text, spec.resources.licenses_text,
    )  # fmt: skip
    files = (spec.files.output, spec.files.error, spec.files.input)
    paths = [spec.work_dir, *(f"{spec.work_dir}/{name}" for name in files if name and not name.startswith("/"))]
    paths += [name for name in files if name and name.startswith("/")]
    read = (spec.array, spec.dependency, spec.resources.constraint, spec.resources.licenses)
    unread = any(isinstance(value, Malformed) and value.where == TOO_LONG for value in read)
    if unread or _longer_than(MAX_STRING, names) or _longer_than(MAX_PATH, paths):
        return Refused("ESLURM_PATHNAME_TOO_LONG")
    return None


def _longer_than(most: int, texts: Iterable[str | None]) -> bool:
    return any(text is not None and len(encode(text)) > most for text in texts)


def _array(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    array = spec.array
    if array is None:
        return None
    if isinstance(array, Malformed) or any(r.last >= cluster.max_array_size for r in array.ranges):
        return Refused("ESLURM_INVALID_ARRAY")
    return Refused("EAGAIN") if _tasks(spec) > cluster.max_job_count else None


def _nodelist(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    return _unknown_nodes(cluster, spec.resources.nodelist)


def _unknown_nodes(cluster: ClusterSpec, names: tuple[str, ...]) -> Refused | None:
    if any(cluster.node(name) is None for name in names):
        return Refused("ESLURM_INVALID_NODE_NAME")
    return None


def _partitions(cluster: ClusterSpec, spec: JobSpec, uid: int) -> list[PartitionSpec] | Refused:
    """The partitions that may take the job, in the order said; each one once."""
    default = cluster.default_partition
    if not spec.partitions and default is None:
        return Refused("ESLURM_DEFAULT_PARTITION_NOT_SET")
    found: list[PartitionSpec] = []
    for name in dict.fromkeys(spec.partitions) if spec.partitions or default is None else (default.name,):
        partition = cluster.partition(name)
        if partition is None:
            return Refused("ESLURM_INVALID_PARTITION_NAME", (f"invalid partition specified: {name or '(null)'}",))
        found.append(partition)
    if any(partition.root_only for partition in found) and uid != 0:
        return Refused("ESLURM_ACCESS_DENIED")
    ready = [partition for partition in found if partition.state in ("UP", "DOWN")]
    if not ready:
        return Refused("ESLURM_PARTITION_NOT_AVAIL")
    return _enforced(cluster, ready, spec)


def _enforced(cluster: ClusterSpec, partitions: list[PartitionSpec], spec: JobSpec) -> list[PartitionSpec] | Refused:
    """EnforcePartLimits: with ALL one partition that says no refuses the job, with ANY only all of them together."""
    if cluster.enforce_part_limits == "NO" or isinstance(spec.resources.constraint, Malformed):
        return partitions
    codes = [limits.refusal(cluster, p, spec, demand(cluster, p, spec)) for p in partitions]
    faults = [code for code in codes if code is not None]
    if faults and (cluster.enforce_part_limits == "ALL" or len(faults) == len(codes)):
        return Refused(faults[0])
    return [partition for partition, code in zip(partitions, codes, strict=True) if code is None]


def _times(partition: PartitionSpec, spec: JobSpec, at: int) -> Refused | None:
    limit = spec.time_limit_min
    if limit is None:
        limit = partition.default_time_min or partition.max_time_min
        if spec.deadline is not None:
            left = max(0, spec.deadline - at) // MINUTE
            limit = left if limit is None or limit == UNLIMITED else min(limit, left)
    least = spec.time_min_min
    if least is not None and _longer(least, limit, unsaid=spec.time_limit_min is None):
        return Refused("ESLURM_INVALID_TIME_MIN_LIMIT")
    if spec.deadline is not None and spec.deadline < at:
        return Refused("ESLURM_INVALID_TIME_LIMIT")
    return None


def _longer(least: int, limit: int | None, *, unsaid: bool) -> bool:
    """Whether a least time exceeds the limit; to want no limit at least fits only where no limit was said."""
    if least == UNLIMITED:
        return unsaid or limit != UNLIMITED
    return limit is not None and limit != UNLIMITED and least > limit


def _licenses(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    total = dict(cluster.licenses)
    wish = spec.resources
    malformed = isinstance(wish.licenses, Malformed)
    if malformed or any(name not in total or count > total[name] for name, count in license_counts(wish)):
        return Refused("ESLURM_INVALID_LICENSES")
    return None


def _tres(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    return Refused("ESLURM_INVALID_TRES") if spec.resources.gres.malformed is not None else None


def _exclude(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    wish = spec.resources
    if not set(wish.exclude).isdisjoint(wish.nodelist):
        return Refused("ESLURM_INVALID_NODE_NAME")
    return _unknown_nodes(cluster, wish.exclude)


def _dependency(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    waits = spec.dependency
    if waits is None:
        return None
    if isinstance(waits, Malformed):
        return Refused("ESLURM_DEPENDENCY")
    if any(term.kind == "expand" for term in waits.terms):
        return Refused("ESLURM_NOT_SUPPORTED")
    return None


def _batch(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    """`--batch`: the feature of the first node, which must be one of --constraint."""
    constraint = spec.resources.constraint
    named = set() if constraint is None or isinstance(constraint, Malformed) else set(constraints.names(constraint))
    wanted = dict(spec.recorded).get("batch")
    return Refused("ESLURM_BATCH_CONSTRAINT") if wanted and wanted not in named else None


def _features(cluster: ClusterSpec, spec: JobSpec) -> Refused | None:
    known = {feature for node in cluster.nodes for feature in node.features}
    if not _of(known, spec.resources.constraint):
        return Refused("ESLURM_INVALID_FEATURE")
    return None if _of(known, spec.resources.prefer) else Refused("ESLURM_INVALID_PREFER")


def _of(known: set[str], wanted: Constraint | Malformed | None) -> bool:
    """Whether all that is wanted are features of the cluster, and at least one node is to have each."""
    if wanted is None or isinstance(wanted, Malformed):
        return wanted is None
    return known.issuperset(constraints.names(wanted)) and all(count for _, count in constraints.counted(wanted))


_CHECKS: tuple[Callable[[ClusterSpec, JobSpec], Refused | None], ...] = (
    _licenses,
    _tres,
    _exclude,
    _dependency,
    _batch,
    _features,
)


def _fits(cluster: ClusterSpec, partitions: list[PartitionSpec], spec: JobSpec, *, test_only: bool) -> Refused | None:
    """Whether the nodes of a partition, all idle, could run the job. What a partition only forbids may wait in it."""
    count = spec.resources.nodes
    needs = [(partition, demand(cluster, partition, spec)) for partition in partitions]
    forbidden = [limits.refusal(cluster, partition, spec, need) is not None for partition, need in needs]
    if count is not None and count.minimum == 0:
        return None if test_only or all(forbidden) else Refused("ESLURM_INVALID_NODE_COUNT")
    empty = Occupancy(cluster)
    faults: list[Refused] = []
    for (partition, need), forbids in zip(needs, forbidden, strict=True):
        if (forbids and not test_only) or empty.find(need, partition) is not None:
            return None
        line = None if test_only else _lacking(cluster, partition, need)
        faults.append(Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE", (line,) if line else ()))
    return faults[0]


def _lacking(cluster: ClusterSpec, partition: PartitionSpec, need: Demand) -> str | None:
    """What no node that the job may use has: slurmctld's line before its refusal, or None."""
    constraint = need.constraint
    nodes = [
        node
        for node in partition_nodes(cluster, partition.name)
        if node.name not in need.exclude
        and (constraint is None or constraints.counted(constraint) or constraints.holds(constraint, node))
    ]
    wanting = [_first_lack(need, node) for node in nodes]
    return wanting[0] if wanting and all(wanting) else None


def _first_lack(need: Demand, node: NodeSpec) -> str | None:
    if node.cpus < need.cpus_per_node:
        return "CPU count per node can not be satisfied"
    if need.memory is not None and node.real_memory < need.memory.mib and need.memory.per != "gpu":
        return "Memory specification can not be satisfied"
    if node.tmp_disk < need.tmp_mib:
        return "Temporary disk specification can not be satisfied"
    if (
        node.sockets < need.sockets_per_node
        or node.cores_per_socket < need.cores_per_socket
        or node.threads_per_core < need.threads_per_core
    ):
        return "Socket, core and/or thread specification can not be satisfied"
    return None


def _in_time_at_least(partitions: list[PartitionSpec], spec: JobSpec) -> bool:
    """Whether nobody says how long what has a deadline runs: neither it nor a partition."""
    unsaid = spec.time_limit_min is None and spec.time_min_min is None
    return spec.deadline is not None and unsaid and not any(partition.default_time_min for partition in partitions)


def _filled(cluster: ClusterSpec, partitions: list[PartitionSpec], spec: JobSpec) -> JobSpec:
    """With the time limit and the memory that its partitions give to a job that says nothing, where they agree; what has a
    deadline and says nothing runs for a minute at least."""
    times = {limits.time_limit_min(partition, spec) for partition in partitions}
    defaults = {default_memory(cluster, partition) for partition in partitions}
    memory = spec.resources.memory or (defaults.pop() if len(defaults) == 1 else None)
    return spec.model_copy(
        update={
            "time_min_min": 1 if _in_time_at_least(partitions, spec) else spec.time_min_min,
            "time_limit_min": times.pop() if len(times) == 1 else spec.time_limit_min,
            "resources": spec.resources.model_copy(update={"memory": memory}),
        }
    )
