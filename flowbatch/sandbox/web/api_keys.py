"""API keys: made with an end, their secret told once, revoked for good."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, Field

from flowbatch.sandbox.state import ApiKey
from flowbatch.sandbox.web import stamps
from flowbatch.sandbox.web.asking import TheWorld

router = APIRouter(prefix="/v2/api-keys")


class CreateApiKeyRequest(BaseModel):
    name: str
    expires_at: AwareDatetime


class ApiKeyModel(BaseModel):
    fid: str
    name: str
    created_at: str
    expires_at: str
    deactivated_at: str | None
    snippet: str


class CreateApiKeyResponse(ApiKeyModel):
    secret: str = Field(repr=False)


@router.get("")
async def listing(world: TheWorld) -> list[ApiKeyModel]:
    return [ApiKeyModel(**_shown(key)) for key in world.state.api_keys.values() if key.deactivated_at is None]


@router.post("", status_code=201)
async def create(asked: CreateApiKeyRequest, world: TheWorld) -> CreateApiKeyResponse:
    if not asked.name.strip():
        raise HTTPException(400, "An API key needs a name")
    if (expires_at := stamps.instant(asked.expires_at)) <= world.now():
        raise HTTPException(400, "expires_at must be in the future")
    key, secret = world.state.mint(asked.name, world.now(), expires_at)
    return CreateApiKeyResponse(**_shown(key), secret=secret)


@router.delete("/{key_fid}", status_code=204)
async def revoke(key_fid: str, world: TheWorld) -> None:
    key = world.state.api_keys.get(key_fid)
    if key is None:
        raise HTTPException(404, f"API key {key_fid} not found")
    if key.deactivated_at is None:
        key.deactivated_at = world.now()


def _shown(key: ApiKey) -> dict[str, str | None]:
    return {
        "fid": key.fid, "name": key.name, "snippet": key.snippet, "created_at": stamps.written(key.created_at),
        "expires_at": stamps.written(key.expires_at), "deactivated_at": stamps.written_if(key.deactivated_at),
    }  # fmt: skip
