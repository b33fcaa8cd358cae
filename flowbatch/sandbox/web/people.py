"""Who asks and what for: the user, their project; also where the vendor's client asks by paths that are not published."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from flowbatch.sandbox.state import User
from flowbatch.sandbox.web import stamps
from flowbatch.sandbox.web.asking import TheWorld
from flowbatch.sandbox.world import World

router = APIRouter()


class MeResponse(BaseModel):
    id: str
    fid: str
    email: str
    user_name: str | None
    organization_id: str
    organization_role: str | None


class TeammateResponse(BaseModel):
    id: str
    fid: str
    user_name: str | None
    email: str | None
    organization_role: str | None
    project_ids: list[str]
    deactivated_at: str | None = None


class ProjectModel(BaseModel):
    fid: str
    name: str
    created_at: str


@router.get("/v2/me")
async def me(world: TheWorld) -> MeResponse:
    return MeResponse(**world.state.user.model_dump())


@router.get("/v2/me/teammates")
async def teammates(world: TheWorld) -> list[TeammateResponse]:
    return [_teammate(world, world.state.user)]


@router.get("/v2/projects")
async def projects(world: TheWorld) -> list[ProjectModel]:
    return [
        ProjectModel(fid=project.fid, name=project.name, created_at=stamps.written(project.created_at))
        for project in world.state.projects.values()
    ]


@router.get("/v2/users/{user_fid}")
@router.get("/users/{user_fid}")
async def user(user_fid: str, world: TheWorld) -> dict[str, Any]:
    """Not published; the vendor's client shows names by it."""
    _known(world, user_fid)
    return world.state.user.model_dump()


@router.get("/users/{user_fid}/teammates")
async def teammates_of(user_fid: str, world: TheWorld) -> list[TeammateResponse]:
    """Not published either."""
    _known(world, user_fid)
    return await teammates(world)


def _known(world: World, user_fid: str) -> None:
    if user_fid not in (world.state.user.fid, world.state.user.id):
        raise HTTPException(404, f"User {user_fid} not found")


def _teammate(world: World, user: User) -> TeammateResponse:
    return TeammateResponse(
        id=user.id, fid=user.fid, user_name=user.user_name, email=user.email,
        organization_role=user.organization_role, project_ids=list(world.state.projects),
    )  # fmt: skip
