"""What may be set for the controller: by environment (`Settings`), and in flow.toml (`Configuration`, which
`directives.flowtoml` reads); flow.toml, slurm.conf and gres.conf lie in `paths.Paths.config`.

A controller keeps the environment of the command that started it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import SecretStr

from flowbatch.errors import ConfigError
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import DAY

IDLE_EXIT_S = 600
HISTORY_DAYS = 400

API_URL = "https://api.mithril.ai"
MITHRIL = "mithril"
"""The cluster that MITHRIL_* variables speak of; they are named as the vendor's own client has them."""


@dataclass(frozen=True)
class Settings:
    """`FLOW_IDLE_EXIT`: seconds with nothing queued or running after which the controller ends itself, 0 for never.

    `FLOW_SMTP`: `host[:port]` that takes the mails of --mail-type, in place of MailProg and sendmail.

    `FLOW_HISTORY_DAYS`: so long sacct knows a job after its end, 0 for always.
    """

    idle_exit_s: int = IDLE_EXIT_S
    smtp: tuple[str, int] | None = None
    history_s: int | None = HISTORY_DAYS * DAY

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Settings:
        """Raises ConfigError, naming the variable."""
        return cls(
            _whole(env, "FLOW_IDLE_EXIT", IDLE_EXIT_S, "seconds"),
            _smtp(env.get("FLOW_SMTP", "")),
            _whole(env, "FLOW_HISTORY_DAYS", HISTORY_DAYS, "days") * DAY or None,
        )


Kind = Literal["local", "mithril"]


@dataclass(frozen=True)
class ClusterConfig:
    """One `[clusters.NAME]`. `local`: one more queue on this machine. `mithril`: an account; what is None was not said.

    `api_key_file` is relative to flow.toml's directory, or `keyring:NAME`, and read when the cluster is opened. `regions`: nowhere else; empty
    is everywhere.
    """

    name: str
    kind: Kind = "mithril"
    api_url: str = API_URL
    api_key: SecretStr | None = None
    api_key_file: str | None = None
    project: str | None = None
    regions: tuple[str, ...] = ()

    @property
    def has_key(self) -> bool:
        return self.api_key is not None or self.api_key_file is not None


@dataclass(frozen=True)
class Module:
    """What `module load NAME` stands for: these variables, these folders in front of a path variable, or an image to be in."""

    set: Mapping[str, str] = field(default_factory=dict)
    prepend: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    image: str | None = None


@dataclass(frozen=True)
class Modules:
    """`[modules]`. `unmapped`: what becomes of a name that stands for nothing."""

    unmapped: Literal["warn", "fail"] = "warn"
    names: Mapping[str, Module] = field(default_factory=dict)


@dataclass(frozen=True)
class Configuration:
    """What flow.toml says. `default`: the cluster of commands that name none; None is this machine."""

    default: str | None = None
    modules: Modules = field(default_factory=Modules)
    clusters: Mapping[str, ClusterConfig] = field(default_factory=dict)
    policy: MarketPolicy = field(default_factory=MarketPolicy)

    def with_environment(self, env: Mapping[str, str]) -> Configuration:
        """The same with the account that MITHRIL_* variables name: they win over the file, as in the vendor's client."""
        names = ("MITHRIL_API_KEY", "MITHRIL_API_URL", "MITHRIL_PROJECT", "MITHRIL_REGION")
        said = {name: env[name] for name in names if env.get(name)}
        known = self.clusters.get(MITHRIL)
        if not said or (known is None and "MITHRIL_API_KEY" not in said):
            return self
        one = known or ClusterConfig(MITHRIL)
        if "MITHRIL_API_KEY" in said:
            one = replace(one, api_key=SecretStr(said["MITHRIL_API_KEY"]), api_key_file=None)
        one = replace(
            one, api_url=said.get("MITHRIL_API_URL", one.api_url), project=said.get("MITHRIL_PROJECT", one.project),
            regions=(said["MITHRIL_REGION"],) if "MITHRIL_REGION" in said else one.regions,
        )  # fmt: skip
        return replace(self, clusters={**self.clusters, MITHRIL: one})


def _whole(env: Mapping[str, str], name: str, default: int, unit: str) -> int:
    value = env.get(name, "")
    if not value:
        return default
    if not value.isdecimal():
        raise ConfigError(f"{name}={value}: not a whole number of {unit}")
    return int(value)


def _smtp(value: str) -> tuple[str, int] | None:
    if not value:
        return None
    host, _, port = value.partition(":")
    if not host or not (port or "25").isdecimal():
        raise ConfigError(f"FLOW_SMTP={value}: not host or host:port")
    return host, int(port or 25)
