"""Lifecycle scripts: kept and shown; the market runs none of them by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from flowbatch.sandbox.state import Script
from flowbatch.sandbox.web import stamps
from flowbatch.sandbox.web.asking import TheProject, TheWorld, owned_project
from flowbatch.sandbox.web.paging import Page, SortDirection, page

router = APIRouter(prefix="/v2/lifecycle-scripts")

Said = Annotated[str, Field(min_length=1)]
Scope = Literal["PROJECT", "ORGANIZATION"]


class CreateLifecycleScriptRequest(BaseModel):
    project: str
    name: Said
    content: Said
    description: str | None = None
    scope: Scope = "PROJECT"


class UpdateLifecycleScriptRequest(BaseModel):
    name: Said | None = None
    description: str | None = None
    scope: Scope | None = None


class LifecycleScriptModel(BaseModel):
    fid: str
    name: str
    description: str
    content_url: str
    project: str
    created_at: str
    created_by: str
    last_modified_at: str
    last_modified_by: str
    scope: Literal["PROJECT", "ORGANIZATION", "PLATFORM"]


@router.get("")
async def listing(
    request: Request, world: TheWorld, project: TheProject, next_cursor: str | None = None,
    sort_by: Literal["created_at", "last_modified_at"] | None = None, sort_dir: SortDirection | None = None,
    limit: Annotated[int | None, Query(ge=1, le=100)] = None,
) -> Page[LifecycleScriptModel]:  # fmt: skip
    scripts = [script for script in world.state.scripts.values() if script.project == project]
    return page(
        scripts, lambda script: _shown(request, script), by=sort_by or "created_at", direction=sort_dir or "desc",
        limit=limit, cursor=next_cursor,
    )  # fmt: skip


@router.post("", status_code=201)
async def create(asked: CreateLifecycleScriptRequest, request: Request, world: TheWorld) -> LifecycleScriptModel:
    owned_project(world, asked.project)
    at, who = world.now(), world.state.user.fid
    script = Script(
        name=asked.name, description=asked.description or "", content=asked.content, project=asked.project,
        scope=asked.scope, created_at=at, created_by=who, last_modified_at=at, last_modified_by=who,
    )  # fmt: skip
    world.state.scripts[script.fid] = script
    return _shown(request, script)


@router.get("/{ls_fid}/content")
async def content(ls_fid: str, world: TheWorld) -> Response:
    return Response(_found(world, ls_fid).content, media_type="text/plain")


@router.patch("/{ls_fid}")
async def update(
    ls_fid: str, asked: UpdateLifecycleScriptRequest, request: Request, world: TheWorld
) -> LifecycleScriptModel:
    script = _found(world, ls_fid)
    changed = asked.model_dump(exclude_none=True)
    world.state.scripts[ls_fid] = fresh = script.model_copy(
        update={**changed, "last_modified_at": world.now(), "last_modified_by": world.state.user.fid}
    )
    return _shown(request, fresh)


@router.delete("/{ls_fid}", status_code=204)
async def delete(ls_fid: str, world: TheWorld) -> None:
    _found(world, ls_fid)
    del world.state.scripts[ls_fid]


def _found(world: TheWorld, ls_fid: str) -> Script:
    script = world.state.scripts.get(ls_fid)
    if script is None:
        raise HTTPException(404, f"Lifecycle script {ls_fid} not found")
    return script


def _shown(request: Request, script: Script) -> LifecycleScriptModel:
    stamped = {name: stamps.written(getattr(script, name)) for name in ("created_at", "last_modified_at")}
    url = str(request.url_for("content", ls_fid=script.fid))
    return LifecycleScriptModel(**(script.model_dump(exclude={"content"}) | stamped | {"content_url": url}))
