"""Whose market it is: where it answers, with which key, for which project."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from flowbatch.errors import ConfigError

Secret = SecretStr
"""A key of the API: it shows in no repr, log or error; `get_secret_value` is called where it is sent and nowhere else."""

_KEY = re.compile(r"fkey_[^\s\"',;]+")


@dataclass(frozen=True, slots=True)
class Account:
    """`project` is a name or an id (`proj_...`). Raises ConfigError for an address that a key must not be sent to."""

    api_url: str
    api_key: Secret
    project: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.api_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{self.api_url}: not the address of an API", hint="https://api.mithril.ai")
        if parts.scheme == "http" and not self.loopback:
            raise ConfigError(
                f"{self.api_url}: a key is not sent unencrypted to another machine", hint="use an https:// address"
            )

    @property
    def loopback(self) -> bool:
        """Whether the market is on this machine, as the sandbox is."""
        host = urlsplit(self.api_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def without_keys(words: str) -> str:
    """Text of others, with every key in it struck out."""
    return _KEY.sub("fkey_***", words)
