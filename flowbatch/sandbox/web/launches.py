"""What an order says of the machines it wants: checked as a whole before any of it is bid for."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, Field

from flowbatch.sandbox.web import images
from flowbatch.sandbox.world import World

SCRIPT_LIMIT = 10_000
SHEBANG = "#!/bin/bash"


class LaunchSpecificationModel(BaseModel):
    volumes: list[str]
    ssh_keys: list[str]
    startup_script: str | None = Field(default=None, repr=False)
    kubernetes_cluster: str | None = None
    image_version: str | None = None
    memory_gb: int | None = None

    def kept(self) -> dict[str, Any]:
        """What the market keeps and never changes."""
        return self.model_dump(exclude={"volumes", "memory_gb"})


def check(world: World, project: str, region: str, asked: LaunchSpecificationModel) -> None:
    """Refuses with 400 what cannot be launched, with 501 what the sandbox does not have."""
    if asked.kubernetes_cluster is not None:
        raise HTTPException(501, "Kubernetes clusters are not available in the sandbox")
    if asked.image_version is not None and asked.image_version not in images.KNOWN:
        raise HTTPException(400, f"Image version {asked.image_version} not found")
    _check_script(asked.startup_script)
    _check_keys(world, project, asked.ssh_keys)
    check_volumes(world, project, region, asked.volumes)


def check_volumes(world: World, project: str, region: str, volumes: list[str], order: str | None = None) -> None:
    """Each is there, in the order's region, and a block volume is nobody else's. Refuses with 400, 409."""
    for fid in volumes:
        volume = world.state.volumes.get(fid)
        if volume is None or volume.deleted_at is not None or volume.project != project:
            raise HTTPException(400, f"Volume {fid} not found")
        if volume.region != region:
            raise HTTPException(400, f"Volume {fid} is in {volume.region}, not in {region}")
        others = [each for each in world.bids_with(fid) + world.reservations_with(fid) if each != order]
        if volume.interface == "Block" and others:
            raise HTTPException(409, f"Volume {fid} is in use by {others[0]}")


def _check_script(script: str | None) -> None:
    if script is None:
        return
    if len(script) > SCRIPT_LIMIT:
        raise HTTPException(400, f"Startup script is {len(script)} characters; at most {SCRIPT_LIMIT} are allowed")
    if not script.startswith(SHEBANG):
        raise HTTPException(400, f"Startup script must start with {SHEBANG}")


def _check_keys(world: World, project: str, ssh_keys: list[str]) -> None:
    keys = world.state.ssh_keys
    for fid in ssh_keys:
        if fid not in keys or keys[fid].project != project:
            raise HTTPException(400, f"SSH key {fid} not found")
    missing = [key.name for key in keys.values() if key.required and key.project == project and key.fid not in ssh_keys]
    if missing:
        raise HTTPException(400, f"SSH key required by the project is missing: {', '.join(missing)}")
