"""How much of which machine was asked for. Memory and disk in MiB; `None` means that nothing was said."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from flowbatch.spec.model import Frozen, Malformed


class NodeCount(Frozen):
    """`--nodes=min[-max]`; `maximum` is None for an open end (`-N 4` has both 4)."""

    minimum: int
    maximum: int | None


class Memory(Frozen):
    """`--mem`, `--mem-per-cpu` or `--mem-per-gpu`; 0 MiB means all the memory of a node."""

    per: Literal["node", "cpu", "gpu"]
    mib: int


class Gres(Frozen):
    """One countable thing: `gpu:h100:2` is name gpu, type h100, count 2. `text` is what was written."""

    name: str
    type: str | None = None
    count: int = 1


class GresRequest(Frozen):
    """`--gres` and the `--gpus*` options: what is wanted per node, job, task and socket, with the words as written."""

    per_node: tuple[Gres, ...] = ()
    per_job: tuple[Gres, ...] = ()
    per_task: tuple[Gres, ...] = ()
    per_socket: tuple[Gres, ...] = ()
    malformed: Malformed | None = None


class License(Frozen):
    name: str
    count: int = 1


class FeatureTerm(Frozen):
    """One feature of a constraint; `count` is the `*N` behind it."""

    kind: Literal["feature"] = "feature"
    name: str
    count: int | None = None


class FeatureGroup(Frozen):
    """`&` (all), `|` (any) or brackets (`matching`) over smaller constraints.

    `[a|b]` is any, but the same for all nodes; `[a*1&b*2]`, where every part has a count, so many nodes of each.
    """

    kind: Literal["all", "any", "matching"]
    terms: tuple[Constraint, ...]
    count: int | None = None


Constraint = FeatureTerm | FeatureGroup


class Resources(Frozen):
    """The machine-sized part of a request, each field named after its option."""

    nodes: NodeCount | None = None
    ntasks: int | None = None
    cpus_per_task: int | None = None
    ntasks_per_node: int | None = None
    ntasks_per_socket: int | None = None
    ntasks_per_core: int | None = None
    ntasks_per_gpu: int | None = None
    mincpus: int | None = None
    memory: Memory | None = None
    tmp_mib: int | None = None
    gres: GresRequest = GresRequest()
    cpus_per_gpu: int | None = None
    exclusive: Literal["node", "user", "mcs"] | None = None
    oversubscribe: bool = False
    overcommit: bool = False
    contiguous: bool = False
    spread_job: bool = False
    use_min_nodes: bool = False
    constraint: Constraint | Malformed | None = Field(default=None)
    constraint_text: str | None = None
    prefer: Constraint | Malformed | None = Field(default=None)
    prefer_text: str | None = None
    nodelist: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sockets_per_node: int | None = None
    cores_per_socket: int | None = None
    threads_per_core: int | None = None
    core_spec: int | None = None
    licenses: tuple[License, ...] | Malformed = ()
    licenses_text: str | None = None


FeatureGroup.model_rebuild()
Resources.model_rebuild()
