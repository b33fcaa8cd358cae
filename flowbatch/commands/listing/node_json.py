"""Nodes as `sinfo --json` of 22.05 prints them: the fields of Slurm's OpenAPI v0.0.38, in its order and types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowbatch.commands import documents
from flowbatch.commands.listing.node_view import NodeView
from flowbatch.slurm.fields import NULL
from flowbatch.spec.cluster import ClusterSpec

_NO_LOAD = 4294967294
_NO_MEMORY = -2


def document(nodes: Iterable[tuple[NodeView, ClusterSpec]], host: str) -> dict[str, Any]:
    """The whole answer: every node of the clusters, whatever was asked for."""
    return documents.document("nodes", [record(node, cluster, host) for node, cluster in nodes])


def record(node: NodeView, cluster: ClusterSpec, host: str) -> dict[str, Any]:
    """One node. What nobody measures here (load, free memory, times of boot) is unknown, in Slurm's numbers."""
    spec = node.spec
    address = node.name if spec.cloud is not None else host
    return {
        "architecture": "x86_64" if node.present else "",
        "burstbuffer_network_address": "",
        "boards": spec.boards,
        "boot_time": 0,
        "comment": node.comment or "",
        "cores": spec.cores_per_socket,
        "cpu_binding": 0,
        "cpu_load": _NO_LOAD,
        "extra": node.extra or "",
        "free_memory": _NO_MEMORY,
        "cpus": spec.cpus,
        "last_busy": 0,
        "features": _or_empty(node.features),
        "active_features": _or_empty(node.active_features),
        "gres": _or_empty(node.gres),
        "gres_drained": "N/A",
        "gres_used": _or_empty(node.gres_used),
        "mcs_label": "",
        "name": node.name,
        "next_state_after_reboot": "invalid",
        "address": address,
        "hostname": address,
        "state": node.state.base.name.lower(),
        "state_flags": list(node.state.words[1:]),
        "next_state_after_reboot_flags": [],
        "operating_system": "Linux" if node.present else "",
        "owner": None,
        "partitions": [part.name for part in cluster.partitions if node.name in part.nodes],
        "port": 0,
        "real_memory": spec.real_memory,
        "reason": node.spec.reason or "",
        "reason_changed_at": node.spec.reason_at or 0,
        "reason_set_by_user": node.blamed("")[0] or None,
        "slurmd_start_time": 0,
        "sockets": spec.sockets,
        "threads": spec.threads_per_core,
        "temporary_disk": spec.tmp_disk,
        "weight": spec.weight,
        "tres": node.tres,
        "slurmd_version": "22.05.8" if node.present else "",
        "alloc_memory": node.memory_held_mib,
        "alloc_cpus": node.cpus_held,
        "idle_cpus": spec.cpus - node.cpus_held,
        "tres_used": node.tres_held or None,
        "tres_weighted": float(node.cpus_held),
    }


def _or_empty(text: str) -> str:
    return "" if text == NULL else text
