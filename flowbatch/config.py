"""What may be set for the controller by environment; slurm.conf and gres.conf lie in `paths.Paths.config`.

A controller keeps the values of the command that started it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flowbatch.errors import ConfigError

IDLE_EXIT_S = 600


@dataclass(frozen=True)
class Settings:
    """`FLOW_IDLE_EXIT`: seconds with nothing queued or running after which the controller ends itself, 0 for never.

    `FLOW_SMTP`: `host[:port]` that takes the mails of --mail-type, in place of MailProg and sendmail.
    """

    idle_exit_s: int = IDLE_EXIT_S
    smtp: tuple[str, int] | None = None

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Settings:
        """Raises ConfigError, naming the variable."""
        return cls(_idle(env.get("FLOW_IDLE_EXIT", "")), _smtp(env.get("FLOW_SMTP", "")))


def _idle(value: str) -> int:
    if not value:
        return IDLE_EXIT_S
    if not value.isdecimal():
        raise ConfigError(f"FLOW_IDLE_EXIT={value}: not a whole number of seconds")
    return int(value)


def _smtp(value: str) -> tuple[str, int] | None:
    if not value:
        return None
    host, _, port = value.partition(":")
    if not host or not (port or "25").isdecimal():
        raise ConfigError(f"FLOW_SMTP={value}: not host or host:port")
    return host, int(port or 25)
