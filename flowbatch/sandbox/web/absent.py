"""Kubernetes clusters and machines without GPUs outside the auction: not in the sandbox, and it says so."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException

from flowbatch.sandbox.web.asking import TheProject

router = APIRouter(prefix="/v2")

CLUSTERS = "Kubernetes clusters are not available in the sandbox"
CPU = "CPU instances outside the auction are not available in the sandbox: bid for one"


@router.get("/kubernetes/clusters")
async def clusters(project: TheProject) -> list[dict[str, Any]]:
    return []


@router.get("/kubernetes/clusters/{cluster_fid}")
@router.delete("/kubernetes/clusters/{cluster_fid}")
async def cluster(cluster_fid: str) -> None:
    raise HTTPException(404, f"Kubernetes cluster {cluster_fid} not found")


@router.post("/kubernetes/clusters")
async def create_cluster() -> None:
    raise HTTPException(501, CLUSTERS)


@router.post("/cpu/instances")
async def create_cpu_instance() -> None:
    raise HTTPException(501, CPU)


@router.delete("/cpu/instances/{instance_fid}")
async def terminate_cpu_instance(instance_fid: str) -> None:
    raise HTTPException(404, f"Instance {instance_fid} not found")
