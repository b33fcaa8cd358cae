"""The keys of accounts as flow.toml names them: which files hold one, and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from flowbatch import text
from flowbatch.backends.mithril import vault
from flowbatch.config import ClusterConfig
from flowbatch.directives import flowtoml
from flowbatch.errors import ConfigError

FILE = "flow.toml"


def files(config: Path) -> Iterator[Path]:
    """Those that hold a key; they may not be there."""
    clusters = _clusters(config)
    if any(one.api_key is not None for one in clusters):
        yield config / FILE
    for one in clusters:
        if one.api_key_file is not None and not one.api_key_file.startswith(vault.KEYRING):
            yield config / one.api_key_file


def secrets(config: Path) -> Iterator[str]:
    """The keys themselves, wherever they are kept, as far as they can be had."""
    for one in _clusters(config):
        with suppress(ConfigError):
            key = one.api_key or (vault.read(config, one.api_key_file) if one.api_key_file else None)
            if key is not None:
                yield key.get_secret_value()


def _clusters(config: Path) -> tuple[ClusterConfig, ...]:
    """None where the file cannot be understood: whoever needs it says so."""
    try:
        return tuple(flowtoml.parse(text.decode((config / FILE).read_bytes()), FILE).clusters.values())
    except (OSError, ConfigError):
        return ()
