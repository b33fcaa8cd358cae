"""The composition root: the one place that picks stores, machines, markets, clock and commands.

`python -I -m flowbatch.app` is the controller.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from flowbatch import paths, text
from flowbatch.backends.contract import Backend, MarketBackend
from flowbatch.backends.local import LocalBackend
from flowbatch.clock import SystemClock
from flowbatch.commands.table import COMMANDS
from flowbatch.config import MITHRIL, ClusterConfig, Configuration, Modules, Settings
from flowbatch.controller import being
from flowbatch.controller.cluster import ClusterParts
from flowbatch.controller.service import Parts, serve
from flowbatch.core.embedded import NAME as LOCAL
from flowbatch.core.embedded import embedded
from flowbatch.core.market.cloud import PARTITION, cloud
from flowbatch.directives import flowtoml, slurmconf
from flowbatch.errors import ConfigError, FlowError
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.ids import StoreId
from flowbatch.node import apart
from flowbatch.node import start as node
from flowbatch.node.machine import machine
from flowbatch.paths import Paths
from flowbatch.protocol.relay import Stream
from flowbatch.sandbox import address
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.policy import MarketPolicy, PartitionTerms
from flowbatch.store.sqlite import SqliteStore

SLURM_CONF, GRES_CONF, FLOW_TOML = "slurm.conf", "gres.conf", "flow.toml"
SANDBOX = "sandbox"
STORE = "store.db"
PROGRAMS = {"salloc": "allocation.salloc", "srun": "allocation.srun", "sattach": "sattach"}
"""Those that clients become on this machine, by their modules in `node`."""


class Market(MarketBackend, Protocol):
    """A market whose policy can be another while it is open."""

    def adopt(self, policy: MarketPolicy) -> None: ...


def run(
    here: Paths, settings: Settings, environ: Mapping[str, str] | None = None, failpoint: Failpoint = nowhere
) -> int:
    """Is the controller of `here` until it is stopped or idle; its exit code. `environ` names an account (MITHRIL_*).

    Raises FlowError if it cannot be.
    """
    notes = apart.stand()  # before it is looked how large this machine is
    parts = Parts(
        clusters=Offered(here, environ or {}, failpoint), clock=SystemClock(), commands=COMMANDS, settings=settings,
        failpoint=failpoint,
    )  # fmt: skip
    return being.live(here, lambda ready: serve(parts, ready), notes)


class Offered:
    """`controller.clusters.Offer`: this machine, and what flow.toml, the environment and the sandbox name besides.

    slurm.conf is read once; flow.toml is read again when it has changed. Markets that are open have its caps and budgets at the next
    command; its accounts are those of clusters that are opened from then on.
    """

    def __init__(self, here: Paths, environ: Mapping[str, str], failpoint: Failpoint = nowhere) -> None:
        """Raises ConfigError."""
        self._here = here
        self._environ = environ
        self._failpoint = failpoint
        self._home = cluster(here.config)
        self._file = here.config / FLOW_TOML
        self._seen: str | None = None
        self._said = Configuration().with_environment(environ)
        self._markets: dict[str, Market] = {}
        """What was opened last of each name."""
        self._told: str | None = None

    @property
    def default(self) -> str:
        self._tell_markets()
        said = self._configuration().default
        if said is None or said == LOCAL:
            return self._home.name
        if said not in (self._home.name, MITHRIL, SANDBOX, *self._configuration().clusters):
            raise ConfigError(f"{self._file}: default: there is no cluster {said}", hint=f"write [clusters.{said}]")
        return said

    @property
    def names(self) -> tuple[str, ...]:
        self._tell_markets()
        known = dict.fromkeys((self._home.name, *self._accounts()))
        first = (self.default,) if self.default in known else ()
        return tuple(dict.fromkeys((*first, *known)))

    @property
    def stored(self) -> tuple[str, ...]:
        others = tuple(sorted(file.parent.name for file in self._here.clusters.glob(f"*/{STORE}")))
        return (self._home.name, *others) if self._here.store.exists() else others

    def parts(self, name: str) -> ClusterParts:
        if name == self._home.name:
            site = self._here.config / SLURM_CONF
            conf = str(site) if site.exists() else None
            modules = self._configuration().modules
            return _local(self._home, self._here.store, self._here.node, modules, conf, self._reread)
        directory = self._here.clusters / name
        accounts = self._accounts()
        if name not in accounts:
            _explain(name)
        one = accounts[name]
        if one.kind == "local":
            shape = embedded(machine()).model_copy(update={"name": name})
            return _local(shape, directory / STORE, directory / "node", self._configuration().modules)
        policy = _policy(one, self._configuration().policy)
        return ClusterParts(
            shape=cloud(name, policy, ()),
            store=lambda: SqliteStore(directory / STORE),
            backend=lambda store: self._market(one, policy, directory, store),
            modules=self._configuration().modules,
        )

    def _reread(self) -> ClusterSpec:
        """This machine's cluster as slurm.conf has it now. Raises ConfigError."""
        found = cluster(self._here.config)
        if found.name != self._home.name:
            what = f"ClusterName={found.name}: the controller that runs is the one of {self._home.name}"
            raise ConfigError(what, hint="flow controller stop: the next command starts the other one")
        self._home = found
        return _administered(found)

    def _configuration(self) -> Configuration:
        """Raises ConfigError."""
        content = _text(self._file)
        if content != self._seen:
            said = Configuration() if content is None else flowtoml.parse(content, str(self._file))
            if self._home.name in said.clusters:
                what = f"[clusters.{self._home.name}]: this machine's own cluster has that name"
                raise ConfigError(f"{self._file}: {what}", hint="give it another one")
            self._said, self._seen = said.with_environment(self._environ), content
        return self._said

    def _tell_markets(self) -> None:
        """Markets that are open spend as flow.toml says now."""
        said = self._configuration()
        if self._told == self._seen:
            return
        self._told = self._seen
        for name, one in self._accounts().items():
            if name in self._markets:
                self._markets[name].adopt(_policy(one, said.policy))

    def _accounts(self) -> dict[str, ClusterConfig]:
        """The clusters besides this machine: those that are configured, and the sandbox once there was one."""
        found = {name: one for name, one in self._configuration().clusters.items() if name != self._home.name}
        if SANDBOX not in found and (market := address.read(self._here.sandbox)) is not None:
            key = SecretStr(market.api_key)
            found[SANDBOX] = ClusterConfig(SANDBOX, api_url=market.api_url, api_key=key, project=market.project)
        return found

    def _market(self, one: ClusterConfig, policy: MarketPolicy, directory: Path, store: StoreId) -> Backend:
        """Raises ConfigError for an account that is not whole."""
        key = one.api_key
        if key is None and one.api_key_file is not None:
            key = importlib.import_module("flowbatch.backends.mithril.vault").read(self._here.config, one.api_key_file)
        if key is None or not key.get_secret_value():
            raise ConfigError(f"cluster {one.name} has no API key", hint="flow setup, or set MITHRIL_API_KEY")
        if one.project is None:
            raise ConfigError(f"cluster {one.name} has no project", hint="flow setup, or set MITHRIL_PROJECT")
        # Loaded when a market is opened and not before: httpx and paramiko cost a quarter of a second.
        account = importlib.import_module("flowbatch.backends.mithril.account")
        market = importlib.import_module("flowbatch.backends.mithril.backend")
        rented = importlib.import_module("flowbatch.backends.mithril.machine")
        made: Market = market.MithrilBackend(
            one.name,
            account.Account(one.api_url, key, one.project),
            policy,
            directory,
            store,
            machines=partial(rented.Machine, reception=_own_socket),
            failpoint=self._failpoint,
        )
        self._markets[one.name] = made
        return made


def _local(
    shape: ClusterSpec, store: Path, directory: Path, modules: Modules, slurm_conf: str | None = None,
    reread: Callable[[], ClusterSpec] | None = None,
) -> ClusterParts:  # fmt: skip
    """A queue on this machine, through a node daemon that is started when none answers."""

    async def ensure() -> None:
        await asyncio.get_running_loop().run_in_executor(None, node.start, directory)

    return ClusterParts(
        shape=_administered(shape),
        store=lambda: SqliteStore(store),
        backend=lambda id: LocalBackend(directory, id, ensure),
        slurm_conf=slurm_conf,
        steps=(sys.executable, "-I", "-m", "flowbatch.node.srun", str(directory)),
        programs={
            name: (sys.executable, "-I", "-m", f"flowbatch.node.{module}", str(directory))
            for name, module in PROGRAMS.items()
        },
        modules=modules,
        reread=reread,
    )


def _administered(shape: ClusterSpec) -> ClusterSpec:
    """Who runs the controller is its SlurmUser."""
    return shape.model_copy(update={"slurm_uid": os.getuid()})


def _explain(name: str) -> None:
    """Raises ConfigError for a cluster that there could be."""
    if name == MITHRIL:
        raise ConfigError("there is no account for the market", hint="flow setup, or set MITHRIL_API_KEY")
    if name == SANDBOX:
        raise ConfigError("there is no sandbox yet", hint="flow sandbox start")


async def _own_socket() -> Stream:
    """A connection to this controller, as a client makes it; the current directory is the state's."""
    return await asyncio.open_unix_connection(paths.SOCKET)


def _policy(one: ClusterConfig, policy: MarketPolicy) -> MarketPolicy:
    """The policy on this account: a partition that names no region is in the account's."""
    if not one.regions:
        return policy
    named = {terms.partition: terms for terms in policy.partitions}
    terms = (named.pop(PARTITION, PartitionTerms(partition=PARTITION)), *named.values())
    kept = tuple(each if each.regions else each.model_copy(update={"regions": one.regions}) for each in terms)
    return policy.model_copy(update={"partitions": kept})


def cluster(config: Path) -> ClusterSpec:
    """The shape that slurm.conf and gres.conf give; without a slurm.conf, this machine as it is. Raises ConfigError."""
    site, devices = config / SLURM_CONF, config / GRES_CONF
    conf, gres = _text(site), _text(devices)
    if conf is None:
        return embedded(machine())
    return slurmconf.parse(
        conf, gres, hostname=machine().hostname, name=str(site), gres_name=str(devices),
        include=lambda named: text.decode((config / named).read_bytes()),
    )  # fmt: skip


def _text(path: Path) -> str | None:
    """A file's text, None if it is not there. Raises ConfigError."""
    try:
        return text.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


if __name__ == "__main__":
    # Nothing that this process starts is to inherit the key.
    account = {name: os.environ.pop(name) for name in tuple(os.environ) if name.startswith("MITHRIL_")}
    try:
        sys.exit(run(paths.find(os.environ), Settings.read(os.environ), account))
    except FlowError as error:
        sys.stderr.write(error.screen("flowbatch") + "\n")
        sys.exit(error.exit_code)
