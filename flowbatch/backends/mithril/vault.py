"""Where an account's key is kept: in a file that its owner alone can read, or in the system's keyring (the library `keyring`, an extra of this package).

flow.toml names the place (`api_key_file`): a file beside it, or `keyring:NAME`.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from pathlib import Path
from threading import Thread
from typing import Any

from flowbatch.backends.mithril.account import Secret
from flowbatch.errors import ConfigError

KEYRING = "keyring:"
SERVICE = "flowbatch"
"""Under this name the keyring has our keys."""

WITHIN_S = 5.0
"""A keyring that answers later is locked, and waits for somebody who is not there."""

_UNANSWERED: dict[str, Future[str | None]] = {}
"""What the keyring has not answered in time: nobody waits for the same a second time, and its answer counts once it is there."""

ELSEWHERE = "flow setup keeps the key in a file without --keyring, and MITHRIL_API_KEY names it for one controller"

log = logging.getLogger(__name__)


def read(config: Path, place: str) -> Secret | None:
    """The key that is kept at `place`, None where there is none. Raises ConfigError where it cannot be read."""
    if place.startswith(KEYRING):
        said = _asked(place, lambda keyring: keyring.get_password(SERVICE, place.removeprefix(KEYRING)))
    else:
        said = _file(config / place)
    return Secret(said.strip()) if said and said.strip() else None


def keep(name: str, key: Secret) -> str:
    """The keyring has the key, and gives it again; the place. Raises ConfigError."""
    place = f"{KEYRING}{name}"
    _asked(f"keep {place}", lambda keyring: keyring.set_password(SERVICE, name, key.get_secret_value()))
    if read(Path(), place) != key:
        raise ConfigError("the system's keyring does not keep what it is given", hint=ELSEWHERE)
    return place


def _file(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            log.warning("%s can be read by others: chmod 600, and a new key", path)
        return path.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None


def _asked(question: str, ask: Callable[[Any], str | None]) -> str | None:
    """What the keyring answers in time. Raises ConfigError."""
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise ConfigError("the library keyring is not installed", hint="pip install 'flowbatch[keyring]'") from None
    if (late := _UNANSWERED.pop(question, None)) is not None:
        return _answered(question, late, 0)
    answer: Future[str | None] = Future()

    def run() -> None:
        try:
            answer.set_result(ask(keyring))
        except Exception as error:  # noqa: BLE001  each keyring has faults of its own, all of which mean the same here
            answer.set_exception(error)

    Thread(target=run, name="keyring", daemon=True).start()
    return _answered(question, answer, WITHIN_S)


def _answered(question: str, answer: Future[str | None], within_s: float) -> str | None:
    try:
        return answer.result(within_s)
    except NoAnswer:
        _UNANSWERED[question] = answer
        raise ConfigError("the system's keyring does not answer: it may be locked", hint=ELSEWHERE) from None
    except Exception as error:  # noqa: BLE001  as above
        raise ConfigError(f"the system's keyring cannot be used: {error}", hint=ELSEWHERE) from None
