"""What every endpoint is asked in front of: which world, by whom, about which project."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from flowbatch.sandbox.state import ApiKey
from flowbatch.sandbox.world import World


async def _world(request: Request) -> World:
    world: World = request.state.world
    return world


TheWorld = Annotated[World, Depends(_world)]

_BEARER = HTTPBearer(auto_error=False, bearerFormat="fkey_<key>")


async def authorised(
    world: TheWorld, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> ApiKey:
    """The key that asks: known, not revoked, not expired. Refuses with 401."""
    key = world.state.bearer(credentials.credentials, world.now()) if credentials is not None else None
    if key is None:
        raise HTTPException(401, "Invalid or expired API key", {"WWW-Authenticate": "Bearer"})
    return key


def owned_project(world: World, project: str) -> str:
    """The project, which the asker belongs to. Refuses with 404."""
    if project not in world.state.projects:
        raise HTTPException(404, f"Project {project} not found")
    return project


async def asked_project(project: str, world: TheWorld) -> str:
    return owned_project(world, project)


TheProject = Annotated[str, Depends(asked_project)]
"""The query's project."""
