"""What a partition permits, and the two ways Slurm says no: a refusal where limits are enforced, else a reason to wait."""

from __future__ import annotations

from flowbatch.core.jobs import Job
from flowbatch.core.placing.sizing import Demand, partition_nodes
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec
from flowbatch.spec.job import UNLIMITED, JobSpec

UNNAMED = "PartitionConfig"
"""What a job beyond a limit of its partition says before it names the limit."""


def named_at(cluster: ClusterSpec, job: Job) -> int:
    """When a job that is beyond a limit of its partition begins to name it: at slurmctld's next look at the whole queue."""
    return job.submitted_at + cluster.sched_interval_s


def time_limit_min(partition: PartitionSpec, spec: JobSpec) -> int:
    """The job's time limit in the partition, in minutes; UNLIMITED for none."""
    for limit in (spec.time_limit_min, partition.default_time_min, partition.max_time_min):
        if limit is not None:
            return limit
    return UNLIMITED


def too_many_cpus(cluster: ClusterSpec, partition: PartitionSpec, need: Demand) -> bool:
    """More CPUs than all the partition's nodes have."""
    limit = partition.max_cpus_per_node
    nodes = partition_nodes(cluster, partition.name)
    return need.cpus > sum(node.cpus if limit is None else min(node.cpus, limit) for node in nodes)


def wrong_node_count(cluster: ClusterSpec, partition: PartitionSpec, spec: JobSpec) -> bool:
    """A number of nodes outside the partition's; what was not said can be no fault."""
    count = spec.resources.nodes
    if count is None:
        return False
    least = max(count.minimum, partition.min_nodes)
    most = min(n for n in (partition.max_nodes, len(partition_nodes(cluster, partition.name))) if n is not None)
    if least > most or (count.maximum is not None and count.maximum < partition.min_nodes):
        return True
    return partition.max_nodes is not None and count.maximum is not None and count.maximum > partition.max_nodes


def too_much_memory(cluster: ClusterSpec, partition: PartitionSpec, need: Demand) -> bool:
    """More memory on one node than the partition or the cluster gives to a job there."""
    limit = partition.max_mem_per_node or cluster.max_mem_per_node
    if limit is None or need.memory is None:
        return False
    return need.memory.mib * (need.cpus_per_node if need.memory.per == "cpu" else 1) > limit


def too_long(partition: PartitionSpec, spec: JobSpec) -> bool:
    """A time limit beyond the partition's."""
    limit, most = time_limit_min(partition, spec), partition.max_time_min
    return most is not None and (limit == UNLIMITED or limit > most)


def account_trouble(partition: PartitionSpec, spec: JobSpec) -> str | None:
    """Why the account may not use the partition, in Slurm's sentence, or None."""
    allowed = partition.allow_accounts
    if allowed is None or spec.account in allowed:
        return None
    names = ",".join(allowed)
    if spec.account is None:
        return f"Job's account not known, so it can't use this partition ({partition.name} allows {names})"
    return (
        "Job's account not permitted to use this partition "
        f"({partition.name} allows {names} not {spec.account})"
    )  # fmt: skip


def refusal(cluster: ClusterSpec, partition: PartitionSpec, spec: JobSpec, need: Demand) -> str | None:
    """The error that an enforced limit of the partition gives, in slurmctld's order, or None."""
    if too_many_cpus(cluster, partition, need):
        return "ESLURM_TOO_MANY_REQUESTED_CPUS"
    if wrong_node_count(cluster, partition, spec):
        return "ESLURM_INVALID_NODE_COUNT"
    if too_much_memory(cluster, partition, need):
        return "ESLURM_INVALID_TASK_MEMORY"
    if too_long(partition, spec):
        return "ESLURM_INVALID_TIME_LIMIT"
    if account_trouble(partition, spec):
        return "ESLURM_INVALID_ACCOUNT"
    return None


def reason_to_wait(cluster: ClusterSpec, partition: PartitionSpec, spec: JobSpec, need: Demand) -> str | None:
    """Why a job in the queue cannot start in the partition whatever is free, or None."""
    if partition.state in ("DOWN", "INACTIVE"):
        return "PartitionDown" if partition.state == "DOWN" else "PartitionInactive"
    if wrong_node_count(cluster, partition, spec) and not too_many_cpus(cluster, partition, need):
        return "PartitionNodeLimit"
    if too_many_cpus(cluster, partition, need) or too_much_memory(cluster, partition, need):
        return UNNAMED
    return "PartitionTimeLimit" if too_long(partition, spec) else account_trouble(partition, spec)
