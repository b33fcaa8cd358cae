"""SSH keys of a project; a pair is made where no public key is sent."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from flowbatch.sandbox.state import SshKey
from flowbatch.sandbox.web import stamps
from flowbatch.sandbox.web.asking import TheProject, TheWorld, owned_project

router = APIRouter(prefix="/v2/ssh-keys")

RSA_BITS = 2048


class CreateSshKeyRequest(BaseModel):
    project: str
    name: str
    public_key: str | None = None
    required: bool = False


class UpdateSshKeyRequest(BaseModel):
    required: bool


class NewSshKeyModel(BaseModel):
    fid: str
    name: str
    project: str
    public_key: str
    created_at: str
    required: bool


class CreatedSshKeyModel(NewSshKeyModel):
    private_key: str | None = Field(default=None, repr=False)


@router.get("")
async def listing(world: TheWorld, project: TheProject) -> list[NewSshKeyModel]:
    return [NewSshKeyModel(**_shown(key)) for key in world.state.ssh_keys.values() if key.project == project]


@router.post("", status_code=201)
async def create(asked: CreateSshKeyRequest, world: TheWorld) -> CreatedSshKeyModel:
    owned_project(world, asked.project)
    if not asked.name.strip():
        raise HTTPException(400, "An SSH key needs a name")
    if any(key.name == asked.name and key.project == asked.project for key in world.state.ssh_keys.values()):
        raise HTTPException(400, f"SSH key name already exists: {asked.name}")
    private_key, public_key = _pair() if asked.public_key is None else (None, _checked(asked.public_key))
    key = SshKey(
        name=asked.name, project=asked.project, public_key=public_key, created_at=world.now(), required=asked.required
    )
    world.state.ssh_keys[key.fid] = key
    return CreatedSshKeyModel(**_shown(key), private_key=private_key)


@router.patch("/{ssh_key_fid}")
async def update(ssh_key_fid: str, asked: UpdateSshKeyRequest, world: TheWorld) -> NewSshKeyModel:
    key = _found(ssh_key_fid, world)
    key.required = asked.required
    return NewSshKeyModel(**_shown(key))


@router.delete("/{ssh_key_fid}", status_code=204)
async def delete(ssh_key_fid: str, world: TheWorld) -> None:
    _found(ssh_key_fid, world)
    if world.key_in_use(ssh_key_fid):
        raise HTTPException(409, "The SSH key is in use by a bid or reservation and cannot be deleted")
    del world.state.ssh_keys[ssh_key_fid]


def _found(ssh_key_fid: str, world: TheWorld) -> SshKey:
    key = world.state.ssh_keys.get(ssh_key_fid)
    if key is None:
        raise HTTPException(404, f"SSH key {ssh_key_fid} not found")
    return key


def _pair() -> tuple[str, str]:
    """A new private key as PEM, and its public key as OpenSSH writes it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


def _checked(public_key: str) -> str:
    """One line as in an authorized_keys file. Refuses with 400."""
    try:
        serialization.load_ssh_public_key(public_key.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise HTTPException(400, "Invalid SSH public key") from None
    if "\n" in public_key.strip():
        raise HTTPException(400, "Invalid SSH public key: more than one line")
    return public_key.strip()


def _shown(key: SshKey) -> dict[str, object]:
    return key.model_dump() | {"created_at": stamps.written(key.created_at)}
