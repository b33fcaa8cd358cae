"""What administrators say of nodes and partitions. As on 22.05: root and SlurmUser may; of a list of nodes it holds for those
of which it can be said; a node that is down loses its jobs, a drained one keeps them and gets no others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flowbatch.core.events import Refused
from flowbatch.core.facts import Downed
from flowbatch.core.ruling.rulings import NodeRuling, PartitionRuling, Rulings
from flowbatch.core.ruling.wishes import NodeAsked, NodeChange, PartitionAsked, Reread
from flowbatch.core.states import Running, Suspended
from flowbatch.core.turn import Turn
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec

DENIED = Refused("ESLURM_USER_ID_MISSING")
RENTED = Refused("ESLURM_NOT_SUPPORTED")
"""The nodes of a market are what is to be had there: nobody here administers them."""


def refused(cluster: ClusterSpec, by: int) -> Refused | None:
    """Why somebody may not administer the cluster, or None."""
    if not cluster.operated_by(by):
        return DENIED
    return RENTED if cluster.market is not None else None


def rule(turn: Turn, rulings: Rulings) -> None:
    """It is said from now on, and will be remembered."""
    turn.queue.rule(rulings, turn.at)
    turn.stepped.rulings = rulings


def reread(turn: Turn, event: Reread) -> Refused | None:
    """The configuration holds again as it is written; states of nodes, reservations and jobs stay."""
    queue = turn.queue
    if (no := refused(queue.cluster, event.by)) is not None:
        return no
    queue.rulings = queue.rulings.reread()
    queue.reshape(event.cluster)
    rule(turn, queue.rulings)
    return None


# Nodes


def nodes(turn: Turn, event: NodeAsked) -> Refused | None:
    """Says it of each node in turn."""
    if (no := refused(turn.queue.cluster, event.by)) is not None:
        return no
    cluster, rulings, down = turn.queue.cluster, turn.queue.rulings, set[str]()
    fault: Refused | None = None
    for name in event.nodes:
        node = cluster.node(name)
        ruled = "ESLURM_INVALID_NODE_NAME" if node is None else _ruled(turn, event, node, rulings.nodes.get(name))
        if isinstance(ruled, str):
            fault = Refused(ruled)
            continue
        rulings = rulings.with_node(name, ruled)
        down |= {name} if event.change.state == "DOWN" else set()
    if rulings != turn.queue.rulings:
        rule(turn, rulings)
    _end_jobs(turn, down)
    return fault


def _ruled(turn: Turn, event: NodeAsked, node: NodeSpec, before: NodeRuling | None) -> NodeRuling | str:
    """What holds of the node then, or Slurm's error."""
    change, said = event.change, before or NodeRuling()
    features = change.features if change.features is not None else node.features
    active = change.active
    if active is None and change.features is not None:
        active = node.active_features or change.features
    if active is not None and not set(features).issuperset(active):
        return "ESLURM_ACTIVE_FEATURE_NOT_SUBSET"
    if change.gres is not None:
        return "ESLURM_INVALID_GRES"
    words: dict[str, Any] = {
        "weight": change.weight, "features": change.features, "active": active, "comment": change.comment,
        "extra": change.extra,
    }  # fmt: skip
    said = replace(said, **{name: value for name, value in words.items() if value is not None})
    if change.reason is not None:
        said = replace(said, reason=change.reason or None, by=event.name, uid=event.by, at=event.at)
    return said if change.state is None else _in_state(turn, node, said, change)


def _in_state(turn: Turn, node: NodeSpec, said: NodeRuling, change: NodeChange) -> NodeRuling | str:
    """The ruling with another state; a node that is in service again has no reason."""
    flags = node.flags or (("DRAIN",) if node.state == "DRAIN" else ())
    match change.state:
        case "DOWN":
            return replace(said, base="DOWN", flags=tuple(one for one in flags if one == "DRAIN"))
        case "DRAIN" | "FAIL":
            return replace(said, base="UNKNOWN" if node.state == "DRAIN" else said.base, flags=(change.state,))
        case "FUTURE" if not _busy(turn, node.name):
            return replace(said, base="FUTURE", flags=())
        case "UNDRAIN":
            left = replace(said, base="UNKNOWN" if node.state == "DRAIN" else said.base, flags=())
            return left if node.state in ("DOWN", "FUTURE") else _no_reason(left)
        case "RESUME" if flags or node.state in ("DOWN", "FUTURE"):
            return _no_reason(replace(said, base="UNKNOWN", flags=()))
        case "IDLE" if not _busy(turn, node.name):
            return _no_reason(replace(said, base="UNKNOWN", flags=()))
        case "NORESP":
            return said
    return "ESLURM_INVALID_NODE_STATE"


def _no_reason(said: NodeRuling) -> NodeRuling:
    return replace(said, reason=None, by="", uid=0, at=None)


def _busy(turn: Turn, name: str) -> bool:
    return bool(turn.queue.occupancy.load(name).held)


def _end_jobs(turn: Turn, down: set[str]) -> None:
    """Jobs on nodes that are down are stopped: back in the queue, or NODE_FAIL."""
    for id in sorted(turn.queue.indexes.holding) if down else ():
        job = turn.queue.jobs[id]  # as it is by now: another component may have taken it along
        if isinstance(job.state, Running | Suspended) and not down.isdisjoint(job.state.allocation.nodes):
            turn.advance(job, Downed(turn.at))


# Partitions


def partition(turn: Turn, event: PartitionAsked) -> Refused | None:
    """Makes, changes or deletes it."""
    cluster, rulings, name = turn.queue.cluster, turn.queue.rulings, event.spec.name
    if (no := refused(cluster, event.by)) is not None:
        return no
    known = cluster.partition(name)
    if (known is None) != (event.act == "create"):
        return Refused("ESLURM_INVALID_PARTITION_NAME")
    if "nodes" in event.fields and any(cluster.node(node) is None for node in event.spec.nodes):
        return Refused("ESLURM_INVALID_NODE_NAME")
    if event.act == "delete" and _in_use(turn, name):
        return Refused("ESLURM_PARTITION_IN_USE")
    if event.act == "delete":
        rule(turn, _deleted(turn, rulings, event.spec))
        return None
    if event.spec.default and "default" in event.fields:
        rulings = _other_defaults(turn, rulings, name)
    rule(turn, _said(turn, rulings, event))
    return None


def _in_use(turn: Turn, name: str) -> bool:
    """Whether a job that is not over is in it, or would have to be."""
    return any(
        state.allocation.partition == name if isinstance(state := job.state, Running | Suspended) else name in job.partitions
        for job in turn.queue.jobs.values()
        if job.state.kind not in ("finished",)
    )  # fmt: skip


def _deleted(turn: Turn, rulings: Rulings, spec: PartitionSpec) -> Rulings:
    if turn.queue.configured.partition(spec.name) is None:
        return rulings.without_partition(spec.name)
    return rulings.with_partition(PartitionRuling(spec, deleted=True))


def _said(turn: Turn, rulings: Rulings, event: PartitionAsked) -> Rulings:
    """The rulings with what is said now beside what was said before."""
    before = rulings.partitions.get(event.spec.name)
    configured = turn.queue.configured.partition(event.spec.name) is not None
    if before is None or before.deleted:
        made = not configured
        fields = tuple(PartitionSpec.model_fields) if before is not None and before.deleted else event.fields
        return rulings.with_partition(PartitionRuling(event.spec, fields, made=made))
    changed = before.spec.model_copy(update={name: getattr(event.spec, name) for name in event.fields})
    fields = tuple(dict.fromkeys((*before.fields, *event.fields)))
    return rulings.with_partition(replace(before, spec=changed, fields=fields))


def _other_defaults(turn: Turn, rulings: Rulings, name: str) -> Rulings:
    """There is one default: those that were are not any more."""
    for part in turn.queue.cluster.partitions:
        if part.default and part.name != name:
            plain = part.model_copy(update={"default": False})
            before = rulings.partitions.get(part.name)
            fields = ("default",) if before is None else tuple(dict.fromkeys((*before.fields, "default")))
            made = before is not None and before.made
            rulings = rulings.with_partition(PartitionRuling(plain, fields, made=made))
    return rulings
