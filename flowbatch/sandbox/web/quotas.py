"""How much of what a project may have at once."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from flowbatch.sandbox.ids import uuid_of
from flowbatch.sandbox.market.catalogue import INSTANCE_TYPES, REGIONS
from flowbatch.sandbox.web.asking import TheProject, TheWorld
from flowbatch.sandbox.world import World

router = APIRouter()

INSTANCES = 256
"""Of one type, at once."""
STORAGE_GIB = 100 * 1024
"""In one region."""


class QuotaModel(BaseModel):
    fid: str
    project: str
    instance_type: str | None
    product_type: str
    total_quantity: int
    used_quantity: int
    units: str
    name: str


class StorageQuotaProjectUsageModel(BaseModel):
    project_id: str
    used: int


class OrganizationStorageQuotaModel(BaseModel):
    product_type: str = "storage_gib"
    cluster_id: str
    region: str
    granted: int
    used: int
    remaining: int
    limit_source: str = "baseline"
    units: str = "GiB"
    usage_by_project: list[StorageQuotaProjectUsageModel]


@router.get("/v2/quotas")
async def quotas(world: TheWorld, project: TheProject) -> list[QuotaModel]:
    return [
        QuotaModel(
            fid=f"quota_{row.fid.removeprefix('it_')}", project=project, instance_type=row.fid, product_type="spot",
            total_quantity=INSTANCES, used_quantity=_held(world, row.fid), units="instances", name=f"Spot {row.name}",
        )
        for row in INSTANCE_TYPES
    ]  # fmt: skip


@router.get("/v2/organizations/{organization_id}/quotas")
async def organization_quotas(organization_id: str, world: TheWorld) -> list[OrganizationStorageQuotaModel]:
    if organization_id != world.state.user.organization_id:
        raise HTTPException(404, f"Organization {organization_id} not found")
    return [_storage(world, region) for region in REGIONS]


def check(world: World, instance_type: str, instances: int) -> None:
    """Refuses with 403 what would be more than the project may have."""
    if _held(world, instance_type) + instances > INSTANCES:
        raise HTTPException(403, f"Quota exceeded: at most {INSTANCES} spot instances of a type")


def _held(world: World, instance_type: str) -> int:
    return sum(bid.holds for bid in world.live_bids() if bid.instance_type == instance_type)


def _storage(world: World, region: str) -> OrganizationStorageQuotaModel:
    used = {
        project: sum(
            volume.capacity_gb
            for volume in world.state.volumes.values()
            if volume.project == project and volume.region == region and volume.deleted_at is None
        )
        for project in world.state.projects
    }
    total = sum(used.values())
    return OrganizationStorageQuotaModel(
        cluster_id=uuid_of(region), region=region, granted=STORAGE_GIB, used=total, remaining=STORAGE_GIB - total,
        usage_by_project=[StorageQuotaProjectUsageModel(project_id=uuid_of(p), used=gib) for p, gib in used.items()],
    )  # fmt: skip
