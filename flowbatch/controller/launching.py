"""From a record to all that a node needs of a placement (`protocol.launch.LaunchMessage`), and a market of a bid (`Tender`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flowbatch.backends.contract import BidKey, Tender
from flowbatch.config import Modules
from flowbatch.core.bids import Bid
from flowbatch.core.jobs import ArrayTask, Job
from flowbatch.core.placing.sizing import default_memory
from flowbatch.core.ports import Payload
from flowbatch.core.states import Allocation, NodeShare, Pending, Running
from flowbatch.ids import StoreId
from flowbatch.node.allocation.held import held
from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.protocol.plain import plain
from flowbatch.slurm import hostlist
from flowbatch.slurm.components import EVERYWHERE
from flowbatch.slurm.environment import JobFacts
from flowbatch.spec.array import ArraySpec
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.dependency import Dependency
from flowbatch.spec.job import JobSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.spec.resources import Gres, Memory
from flowbatch.units import MINUTE

GPU = "gpu"


@dataclass(frozen=True, slots=True)
class Site:
    """What every launch from this controller has in common. `slurm_conf`: the site's file, if it has one."""

    store: StoreId
    cluster: ClusterSpec
    slurm_conf: str | None = None
    modules: Modules = field(default_factory=Modules)


def message(site: Site, job: Job, state: Running, payload: Payload, components: Sequence[Job] = ()) -> LaunchMessage:
    """The launch of the job's present placement. Bytes go as latin-1 text. `components`: of a heterogeneous job, all of them."""
    spec, share, bid = job.spec, state.allocation.shares[0], live_bid(job)
    task = job.array if isinstance(job.array, ArrayTask) else None
    beside = [(one, one.state.allocation) for one in components if not isinstance(one.state, Pending)]
    together = [(one, where) for one, where in beside if where is not None]
    facts = _with_components(_facts(site, job, state.allocation), [_facts(site, one, where) for one, where in together])
    launch = LaunchMessage(
        key=Key(site.store, job.id, job.restarts),
        name=spec.name,
        user=job.owner.name,
        uid=job.owner.uid,
        gid=job.owner.gid,
        node=share.node,
        hosts=state.allocation.nodes,
        work_dir=spec.work_dir,
        script=payload.script.decode("latin-1"),
        arguments=spec.arguments,
        environment=tuple(word.decode("latin-1") for word in payload.environment),
        facts=plain(facts),
        stdin=spec.files.input,
        stdout=spec.files.output,
        stderr=spec.files.error,
        append=_appends(spec, site.cluster),
        umask=payload.umask,
        limits=_propagated(spec, payload.limits),
        array_id=task.array_id if task else None,
        array_index=task.index if task else None,
        kill_wait_s=site.cluster.kill_wait_s,
        ends_by=state.ends_by if bid is None else None,
        over_time_s=site.cluster.over_time_limit_min * MINUTE,
        signal=spec.signal.number if spec.signal else None,
        signal_lead_s=spec.signal.lead_s if spec.signal else 0,
        signal_batch_only=spec.signal.batch_only if spec.signal else False,
        memory_mib=share.memory_mib or None,
        cpu_ids=share.cpu_ids,
        gpu_ids=_gpus(share),
        shares=tuple(map(_plain_share, state.allocation.shares)),
        components=tuple(
            {"job_id": one.id, "shares": tuple(map(_plain_share, where.shares))} for one, where in together
        ),
        login_environment=facts.login_environment,
        machine="" if bid is None else str(BidKey(site.store, job.id, bid.number)),
        run_limit_s=None if bid is None else bid.run_limit_s,
        modules=plain(site.modules),
        image=spec.market.image or "",
        leave_reserve_s=(site.cluster.market or MarketPolicy()).save_reserve_s,
    )
    return launch if spec.is_batch else held(launch, alone=spec.unattended)


def _with_components(facts: JobFacts, het: Sequence[JobFacts]) -> JobFacts:
    """The facts of a heterogeneous job's script, with those of all its components."""
    said = {name: text for one in het for name, text in one.options.items() if name in EVERYWHERE}
    return replace(facts, het=tuple(het), options={**said, **facts.options})


def live_bid(job: Job) -> Bid | None:
    """The bid whose machine the job's placement goes to; None on a cluster that rents nothing."""
    return job.bids[-1] if job.bids and job.bids[-1].live else None


def tender(site: Site, job: Job, bid: Bid) -> Tender:
    """All that a market needs to know of one bid of a job."""
    return Tender(BidKey(site.store, job.id, bid.number), bid, job.owner, job.spec.market, job.spec.work_dir)


def _facts(site: Site, job: Job, allocation: Allocation) -> JobFacts:
    spec, shares = job.spec, allocation.shares
    memory = spec.resources.memory or _default_memory(site.cluster, allocation.partition)
    array = spec.array if isinstance(spec.array, ArraySpec) else None
    indices = array.indices() if array else None
    return JobFacts(
        cluster=site.cluster.name,
        job_id=job.id,
        name=spec.name,
        user=job.owner.name,
        uid=job.owner.uid,
        gid=job.owner.gid,
        partition=allocation.partition,
        nodelist=hostlist.fold(allocation.nodes),
        nodes=allocation.nodes,
        cpus_per_node=tuple(share.cpus for share in shares),
        tasks_per_node=tuple(share.tasks for share in shares),
        submit_dir=spec.submit_dir or spec.work_dir,
        submit_host=job.owner.host,
        ntasks=_tasks_asked(spec, allocation),
        options=dict(_options(spec)),
        account=spec.account,
        qos=spec.qos,
        reservation=spec.reservation,
        mem_per_node_mib=memory.mib if memory and memory.per == "node" else None,
        mem_per_cpu_mib=memory.mib if memory and memory.per == "cpu" else None,
        mem_per_gpu_mib=memory.mib if memory and memory.per == "gpu" else None,
        gpus=_gpus(shares[0]) if GPU in site.cluster.gres_types else None,
        array_id=job.array.array_id if isinstance(job.array, ArrayTask) else None,
        array_index=job.array.index if isinstance(job.array, ArrayTask) else None,
        array_count=len(indices) if indices else 0,
        array_min=indices.first if indices else 0,
        array_max=indices.last if indices else 0,
        array_step=array.ranges[0].step if array and len(array.ranges) == 1 else 1,
        restarts=job.restarts,
        login_environment=_from_login(spec),
        slurm_conf=site.slurm_conf,
    )


def _default_memory(cluster: ClusterSpec, partition: str) -> Memory | None:
    """What a job gets that said nothing, and whose partitions did not agree when it was admitted."""
    found = cluster.partition(partition)
    return None if found is None else default_memory(cluster, found)


def _from_login(spec: JobSpec) -> bool:
    """sbatch loads a login environment for --get-user-env and for every --export but ALL alone."""
    return spec.get_user_env or spec.export.kind != "all" or bool(spec.export.variables)


def _appends(spec: JobSpec, cluster: ClusterSpec) -> bool:
    return cluster.job_file_append if spec.files.open_mode is None else spec.files.open_mode == "append"


def _propagated(spec: JobSpec, limits: Mapping[str, int]) -> dict[str, int]:
    """--propagate: all limits, none, or the named ones."""
    named = {name.upper() for name in spec.propagate} if spec.propagate is not None else {"ALL"}
    return {name: value for name, value in limits.items() if named & {"ALL", name}}


def _tasks_asked(spec: JobSpec, allocation: Allocation) -> int | None:
    """The number of tasks where it was asked for in any way, else None."""
    asked = spec.resources
    if asked.ntasks is not None:
        return asked.ntasks
    if asked.ntasks_per_node is not None:
        return asked.ntasks_per_node * len(allocation.shares)
    if asked.ntasks_per_gpu is not None:
        return asked.ntasks_per_gpu * sum(len(_gpus(share)) for share in allocation.shares)
    return None


def _plain_share(share: NodeShare) -> dict[str, Any]:
    """What the job has on one node, as the node reckons with it."""
    return {
        "node": share.node, "cpus": share.cpus, "cpu_ids": share.cpu_ids, "gpus": _gpus(share), "memory_mib": share.memory_mib,
    }  # fmt: skip


def _gpus(share: NodeShare) -> tuple[int, ...]:
    return tuple(index for name, _, indices in share.gres if name == GPU for index in indices)


def _options(spec: JobSpec) -> Iterator[tuple[str, str]]:
    """The options that were given, by long name, with sbatch's own words for their values."""
    asked = spec.resources
    numbers = {
        "cpus-per-gpu": asked.cpus_per_gpu,
        "cpus-per-task": asked.cpus_per_task,
        "ntasks-per-core": asked.ntasks_per_core,
        "ntasks-per-gpu": asked.ntasks_per_gpu,
        "ntasks-per-node": asked.ntasks_per_node,
        "ntasks-per-socket": asked.ntasks_per_socket,
        "threads-per-core": asked.threads_per_core,
    }
    words = {
        "dependency": spec.dependency.text if isinstance(spec.dependency, Dependency) else None,
        "distribution": spec.distribution,
        "export": spec.export.text,
        "gpus": _gpu_words(asked.gres.per_job),
        "gpus-per-socket": _gpu_words(asked.gres.per_socket),
        "gpus-per-task": _gpu_words(asked.gres.per_task),
        "open-mode": spec.files.open_mode[0] if spec.files.open_mode else None,
        "overcommit": "set" if asked.overcommit else None,
    }
    yield from ((name, str(value)) for name, value in numbers.items() if value is not None)
    yield from ((name, value) for name, value in words.items() if value is not None)
    yield from spec.recorded


def _gpu_words(asked: tuple[Gres, ...]) -> str | None:
    """`2` or `h100:2,a100:1`, as the --gpus* options take them."""
    named = [f"{one.type}:{one.count}" if one.type else str(one.count) for one in asked if one.name == GPU]
    return ",".join(named) or None
