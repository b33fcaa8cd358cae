"""The shape of a cluster, in slurm.conf's own words: what the embedded default and a site's file both become."""

from __future__ import annotations

from typing import Literal

from flowbatch.spec.model import Frozen
from flowbatch.spec.policy import MarketPolicy


class GresDevice(Frozen):
    """What a node has of one gres: `count` of it, and device `files` (in index order) where gres.conf names them."""

    name: str
    type: str | None = None
    count: int = 1
    files: tuple[str, ...] = ()


class Cloud(Frozen):
    """What a node of the market stands for: one instance of a type in a region, by the API's names; `fid` is the type's id there.

    `interconnect` is the kind of network between instances (`InfiniBand`), None for an ordinary one.
    """

    instance_type: str
    fid: str
    region: str
    gpu: str | None = None
    gpus: int = 0
    interconnect: str | None = None


class NodeSpec(Frozen):
    """One (virtual) node. `real_memory` and `tmp_disk` in MiB. `cloud`: it exists only while a bid holds its machine."""

    name: str
    cpus: int
    boards: int = 1
    sockets: int = 1
    cores_per_socket: int = 1
    threads_per_core: int = 1
    real_memory: int = 1
    tmp_disk: int = 0
    features: tuple[str, ...] = ()
    gres: tuple[GresDevice, ...] = ()
    weight: int = 1
    state: Literal["UNKNOWN", "DOWN", "DRAIN", "FUTURE"] = "UNKNOWN"
    cloud: Cloud | None = None
    flags: tuple[Literal["DRAIN", "FAIL"], ...] = ()
    """What an administrator said of it besides its state."""
    active: tuple[str, ...] | None = None
    """Those of its features that jobs may ask for now; None: all of them."""
    reason: str | None = None
    reason_by: str = ""
    reason_uid: int = 0
    reason_at: int | None = None
    """Why it is as it is; who said so, and when."""
    comment: str | None = None
    extra: str | None = None

    @property
    def in_service(self) -> bool:
        """Whether it takes new jobs."""
        return self.state == "UNKNOWN" and not self.flags

    @property
    def active_features(self) -> tuple[str, ...]:
        return self.features if self.active is None else self.active


class PartitionSpec(Frozen):
    """One partition. Times in minutes; None is UNLIMITED (INFINITE) for a limit and "not set" for a default."""

    name: str
    nodes: tuple[str, ...]
    default: bool = False
    max_time_min: int | None = None
    default_time_min: int | None = None
    max_nodes: int | None = None
    min_nodes: int = 0
    max_mem_per_cpu: int | None = None
    max_mem_per_node: int | None = None
    def_mem_per_cpu: int | None = None
    def_mem_per_node: int | None = None
    max_cpus_per_node: int | None = None
    over_subscribe: Literal["NO", "YES", "FORCE", "EXCLUSIVE"] = "NO"
    priority_tier: int = 1
    priority_job_factor: int = 1
    state: Literal["UP", "DOWN", "DRAIN", "INACTIVE"] = "UP"
    hidden: bool = False
    root_only: bool = False
    allow_accounts: tuple[str, ...] | None = None
    allow_qos: tuple[str, ...] | None = None


class ClusterSpec(Frozen):
    """A whole cluster. `obliging` is true for the embedded default (no slurm.conf): an unknown partition becomes the
    default one, account and qos are recorded; resources are never invented."""

    name: str
    nodes: tuple[NodeSpec, ...]
    partitions: tuple[PartitionSpec, ...]
    obliging: bool = False
    max_array_size: int = 1001
    max_job_count: int = 10000
    min_job_age_s: int = 300
    kill_wait_s: int = 30
    use_interactive_step: bool = False
    """salloc without a command runs a step of these options instead of the user's shell (LaunchParameters)."""
    interactive_step_options: str = "--interactive --preserve-env --pty $SHELL"
    gathers: bool = False
    """What running steps use is measured (JobAcctGatherType)."""
    contains: bool = False
    """A job has a step `extern` on each of its nodes, from its beginning to its end (PrologFlags)."""
    tracks_gpus: bool = False
    """GPUs stand among the trackable resources of jobs, nodes and partitions (AccountingStorageTRES)."""
    first_job_id: int = 1
    enforce_part_limits: Literal["NO", "ANY", "ALL"] = "NO"
    job_requeue: bool = True
    def_mem_per_cpu: int | None = None
    def_mem_per_node: int | None = None
    max_mem_per_cpu: int | None = None
    max_mem_per_node: int | None = None
    licenses: tuple[tuple[str, int], ...] = ()
    select_cores: bool = True
    """True for CR_Core and CR_Core_Memory: CPUs are given by whole cores. False for CR_CPU*: by threads."""
    select_memory: bool = False
    """True for CR_*_Memory: memory is counted and given; otherwise it is only checked against the node's size."""
    kill_on_invalid_dep: bool = False
    default_queue_depth: int = 100
    max_script_size: int = 4 << 20
    """Bytes of a script; a longer one is PATHNAME_TOO_LONG to slurmctld."""
    backfill: bool = True
    batch_sched_delay_s: int = 0
    sched_interval_s: int = 60
    """So long after its submission a job that waits for a partition's limit names the limit."""
    requeue_delay_s: int = 120
    """How long a job rests after `scontrol requeue` (real Slurm: some two minutes)."""
    over_time_limit_min: int = 0
    job_file_append: bool = False
    mail_prog: str | None = None
    mail_domain: str | None = None
    gres_types: tuple[str, ...] = ()
    accounting_enforce: tuple[str, ...] = ()
    """AccountingStorageEnforce: `associations`, `limits`, `qos`, `safe`, `wckeys`; all that each of them implies is named."""
    slurm_uid: int = 0
    """SlurmUser, who runs the controller: with root the administrator."""
    market: MarketPolicy | None = None
    """How it spends, if its nodes are rented: then every placement begins with a bid."""
    other: tuple[tuple[str, str], ...] = ()
    """Parameters that were read and have no effect here, as (name, value): `flow doctor` names them."""

    @property
    def default_partition(self) -> PartitionSpec | None:
        return next((p for p in self.partitions if p.default), None)

    def operated_by(self, uid: int) -> bool:
        """Whether it is an administrator's: root's or SlurmUser's."""
        return uid in (0, self.slurm_uid)

    def partition(self, name: str) -> PartitionSpec | None:
        return next((p for p in self.partitions if p.name == name), None)

    def node(self, name: str) -> NodeSpec | None:
        return next((n for n in self.nodes if n.name == name), None)
