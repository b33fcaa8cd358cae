"""What belongs to the sandbox's one user, beside the auction: keys, volumes, scripts, and answers to be given twice."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, Field

from flowbatch.sandbox.ids import fid
from flowbatch.sandbox.reservations import Reservations

FOREVER_S = 10 * 365 * 86400
"""How long the sandbox's first key holds."""
REMEMBERED_S = 86400
"""How long the answer to an Idempotency-Key is known."""


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class User(BaseModel):
    id: str = Field(default_factory=lambda: str(uuid4()))
    fid: str = Field(default_factory=lambda: fid("user"))
    email: str = "you@sandbox.example"
    user_name: str = "you"
    organization_id: str = Field(default_factory=lambda: str(uuid4()))
    organization_role: str = "owner"


class Project(BaseModel):
    fid: str = Field(default_factory=lambda: fid("proj"))
    name: str = "sandbox"
    created_at: int


class ApiKey(BaseModel):
    """The secret itself is known to its owner alone."""

    fid: str = Field(default_factory=lambda: fid("apikey"))
    name: str
    digest: str = Field(repr=False)
    snippet: str
    created_at: int
    expires_at: int
    deactivated_at: int | None = None

    def holds(self, at: int) -> bool:
        return self.deactivated_at is None and at < self.expires_at


class SshKey(BaseModel):
    fid: str = Field(default_factory=lambda: fid("sshkey"))
    name: str
    project: str
    public_key: str
    created_at: int
    required: bool = False


class Volume(BaseModel):
    fid: str = Field(default_factory=lambda: fid("vol"))
    name: str
    project: str
    region: str
    interface: Literal["Block", "File"]
    capacity_gb: int
    created_at: int
    deleted_at: int | None = None


class Script(BaseModel):
    """A lifecycle script."""

    fid: str = Field(default_factory=lambda: fid("ls"))
    name: str
    description: str
    content: str
    project: str
    scope: Literal["PROJECT", "ORGANIZATION"]
    created_at: int
    created_by: str
    last_modified_at: int
    last_modified_by: str


class Answered(BaseModel):
    """What a request with an Idempotency-Key was answered."""

    at: int
    status: int
    body: str = Field(repr=False)


class State(BaseModel):
    """Everything by its id; nothing is ever taken out but ssh keys, scripts and old answers."""

    user: User = Field(default_factory=User)
    projects: dict[str, Project] = {}
    api_keys: dict[str, ApiKey] = {}
    ssh_keys: dict[str, SshKey] = {}
    volumes: dict[str, Volume] = {}
    scripts: dict[str, Script] = {}
    reserved: Reservations = Field(default_factory=Reservations)
    answered: dict[str, Answered] = {}
    market: dict[str, Any] | None = Field(default=None, repr=False)
    """The auction's own dump."""
    ahead_s: int = 0
    """How far the market's time was before ours when this was written."""

    @classmethod
    def new(cls, at: int) -> tuple[State, str]:
        """A user with one project, and the secret of the one key."""
        state, project = cls(), Project(created_at=at)
        state.projects[project.fid] = project
        _, secret = state.mint("sandbox", at, at + FOREVER_S)
        return state, secret

    def mint(self, name: str, at: int, expires_at: int) -> tuple[ApiKey, str]:
        """A new key and its secret, which is told once."""
        secret = "fkey_" + secrets.token_urlsafe(32)
        key = ApiKey(name=name, digest=digest(secret), snippet=secret[:9] + "...", created_at=at, expires_at=expires_at)
        self.api_keys[key.fid] = key
        return key, secret

    def bearer(self, secret: str, at: int) -> ApiKey | None:
        """The key that this is the secret of, if it holds now."""
        wanted = digest(secret)
        return next((key for key in self.api_keys.values() if key.digest == wanted and key.holds(at)), None)

    def forget(self, at: int) -> None:
        """Drops answers that are too old to be asked for again."""
        self.answered = {key: kept for key, kept in self.answered.items() if kept.at > at - REMEMBERED_S}


def read(path: Path) -> State | None:
    """The state as it was last written; None if there is none."""
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None


def write(path: Path, text: str) -> None:
    """`text` is on disk, whole and for its owner alone, or what was there before is."""
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
