"""The account and the limits of money, written down: flow.toml and, beside it, the API key in a file that only its owner reads.

`cli/setup.py` loads this when it runs: asking the market takes an HTTP library, a quarter of a second of every other `flow`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from flowbatch import text
from flowbatch.backends.mithril import vault
from flowbatch.backends.mithril.account import Account
from flowbatch.backends.mithril.api import Api
from flowbatch.backends.mithril.client import Client
from flowbatch.backends.mithril.pace import ABROAD
from flowbatch.config import API_URL, MITHRIL, Configuration
from flowbatch.directives import flowtoml
from flowbatch.errors import ConfigError, NotThere
from flowbatch.paths import Paths

FILE, KEY_FILE = "flow.toml", "mithril.key"


@dataclass(frozen=True)
class Project:
    name: str
    fid: str


@dataclass(frozen=True)
class Wishes:
    """What is to be written; None is left as it stands. Money is text (`$200`), as flow.toml has it."""

    api_key: SecretStr | None = None
    keyring: bool = False
    """Whether the system's keyring is to have the key, and no file."""
    project: str | None = None
    regions: tuple[str, ...] = ()
    api_url: str | None = None
    default: str | None = None
    budget: str | None = None
    budget_per_day: str | None = None


@dataclass(frozen=True)
class Written:
    """Where it stands. The key itself is never told. `left`: a file of somebody else's choice, which held the key until now and still does."""

    file: str
    key_file: str | None
    values: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    left: str | None = None


def configured(paths: Paths) -> Configuration:
    """What flow.toml says now. Raises ConfigError."""
    file = paths.config / FILE
    return flowtoml.parse(_read(file), str(file))


def kept_key(paths: Paths) -> SecretStr | None:
    """The key that stands there already, if one does. Raises ConfigError."""
    one = configured(paths).clusters.get(MITHRIL)
    if one is None or one.api_key is not None:
        return one.api_key if one else None
    return vault.read(paths.config, one.api_key_file) if one.api_key_file else None


def projects(api_key: SecretStr, api_url: str | None = None) -> tuple[Project, ...]:
    """The projects that the key opens. Raises MarketFailed for a key that is none, MarketAway, ConfigError."""
    return asyncio.run(_projects(Account(api_url or API_URL, api_key, "")))


def chosen(known: tuple[Project, ...], wanted: str | None) -> Project:
    """The project of that name or id; the only one where none is named. Raises NotThere."""
    names = ", ".join(project.name for project in known)
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None:
        raise NotThere("which project?" if known else "this key opens no project", hint=f"--project NAME: {names}")
    found = next((project for project in known if wanted in (project.name, project.fid)), None)
    if found is None:
        raise NotThere(f"this key opens no project {wanted}", hint=f"it opens {names}" if names else None)
    return found


def write(paths: Paths, wishes: Wishes) -> Written:
    """All of it is on the disk, or nothing is. What else flow.toml says stays. Raises ConfigError."""
    file, key_file = paths.config / FILE, paths.config / KEY_FILE
    account = ("clusters", MITHRIL)
    key = wishes.api_key or (kept_key(paths) if wishes.keyring else None)
    in_file = key is not None and not wishes.keyring
    place = None if key is None else KEY_FILE if in_file else f"{vault.KEYRING}{MITHRIL}"
    values: dict[flowtoml.Path, str | tuple[str, ...] | None] = {
        ("default",): wishes.default,
        (*account, "api_key_file"): place,
        (*account, "api_url"): wishes.api_url,
        (*account, "project"): wishes.project,
        (*account, "regions"): wishes.regions or None,
        ("budgets", "total"): wishes.budget,
        ("budgets", "per_day"): wishes.budget_per_day,
    }
    said = {path: value for path, value in values.items() if value is not None}
    left = _left(paths, place)
    new = flowtoml.with_values(_read(file), said)
    flowtoml.parse(new, str(file))
    if key is not None and wishes.keyring:
        vault.keep(MITHRIL, key)
    try:
        paths.config.mkdir(mode=0o700, parents=True, exist_ok=True)
        if key is not None and in_file:
            _replace(key_file, key.get_secret_value() + "\n", 0o600)
        _replace(file, new, 0o600)
        if wishes.keyring:
            key_file.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write {error.filename or file}: {error.strerror}") from None
    told = {".".join(path): value for path, value in said.items()}
    return Written(str(file), str(key_file) if in_file else None, told, left)


def _left(paths: Paths, place: str | None) -> str | None:
    """The file that holds the key now, and will not be read any more once it is kept at `place`; our own goes by itself. Raises
    ConfigError."""
    one = configured(paths).clusters.get(MITHRIL)
    before = one.api_key_file if one is not None else None
    if place is None or before is None or before in (place, KEY_FILE) or before.startswith(vault.KEYRING):
        return None
    return str(paths.config / before) if (paths.config / before).exists() else None


async def _projects(account: Account) -> tuple[Project, ...]:
    api = Api(account, ABROAD)
    try:
        return tuple(Project(one.name, one.fid) for one in await Client(api).projects())
    finally:
        await api.close()


def _read(path: Path) -> str:
    try:
        return text.decode(path.read_bytes())
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def _replace(path: Path, content: str, mode: int) -> None:
    """The file has this content and this mode, or is as it was; never between."""
    beside = path.with_name(path.name + ".new")
    with suppress(FileNotFoundError):
        beside.unlink()
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        file.write(text.encode(content))
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
