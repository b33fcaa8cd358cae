"""Volumes: disks that outlive the instances they are attached to."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from flowbatch.sandbox.state import Volume
from flowbatch.sandbox.web import stamps
from flowbatch.sandbox.web.asking import TheProject, TheWorld, owned_project
from flowbatch.sandbox.world import World

router = APIRouter(prefix="/v2/volumes")

TWO_PIB_IN_GB = 2 * 1024 * 1024
VolumeName = Annotated[str, Field(max_length=64, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]


class CreateVolumeRequest(BaseModel):
    name: VolumeName
    project: str
    disk_interface: Literal["Block", "File"]
    region: str
    size_gb: Annotated[int, Field(gt=0, lt=TWO_PIB_IN_GB)]


class UpdateVolumeRequest(BaseModel):
    name: VolumeName


class VolumeModel(BaseModel):
    fid: str
    name: str
    region: str
    created_at: str
    deleted_at: str | None
    capacity_gb: int
    project: str
    interface: Literal["Block", "File"]
    bids: list[str]
    reservations: list[str]
    attachments: dict[str, str]


@router.get("")
async def listing(
    world: TheWorld, project: TheProject, region: str | None = None, include_deleted: bool = False
) -> list[VolumeModel]:
    return [
        _shown(world, volume)
        for volume in world.state.volumes.values()
        if volume.project == project
        and region in (None, volume.region)
        and (include_deleted or volume.deleted_at is None)
    ]


@router.post("", status_code=201)
async def create(asked: CreateVolumeRequest, world: TheWorld) -> VolumeModel:
    owned_project(world, asked.project)
    if asked.region not in world.regions():
        raise HTTPException(400, f"Region {asked.region} not found")
    _free_name(world, asked.project, asked.name)
    volume = Volume(
        name=asked.name, project=asked.project, region=asked.region, interface=asked.disk_interface,
        capacity_gb=asked.size_gb, created_at=world.now(),
    )  # fmt: skip
    world.state.volumes[volume.fid] = volume
    return _shown(world, volume)


@router.patch("/{volume_fid}")
async def update(volume_fid: str, asked: UpdateVolumeRequest, world: TheWorld) -> VolumeModel:
    volume = _found(volume_fid, world)
    if asked.name != volume.name:
        _free_name(world, volume.project, asked.name)
        volume.name = asked.name
    return _shown(world, volume)


@router.delete("/{volume_fid}", status_code=204)
async def delete(volume_fid: str, world: TheWorld) -> None:
    volume = _found(volume_fid, world)
    if world.bids_with(volume_fid) or world.reservations_with(volume_fid):
        raise HTTPException(409, "The volume is attached and cannot be deleted")
    volume.deleted_at = world.now()


def _found(volume_fid: str, world: World) -> Volume:
    volume = world.state.volumes.get(volume_fid)
    if volume is None or volume.deleted_at is not None:
        raise HTTPException(404, f"Volume {volume_fid} not found")
    return volume


def _free_name(world: World, project: str, name: str) -> None:
    """Refuses with 400 if a volume of the project has this name."""
    if any(v.name == name and v.project == project and v.deleted_at is None for v in world.state.volumes.values()):
        raise HTTPException(400, f"Volume name already exists: {name}")


def _shown(world: World, volume: Volume) -> VolumeModel:
    return VolumeModel(
        fid=volume.fid, name=volume.name, region=volume.region, project=volume.project, interface=volume.interface,
        capacity_gb=volume.capacity_gb, created_at=stamps.written(volume.created_at),
        deleted_at=stamps.written_if(volume.deleted_at), bids=world.bids_with(volume.fid),
        reservations=world.reservations_with(volume.fid), attachments=world.attachments(volume.fid),
    )  # fmt: skip
