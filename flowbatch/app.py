"""The composition root: the one place that picks store, machine, clock and commands.

`python -I -m flowbatch.app` is the controller.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from flowbatch import paths, text
from flowbatch.backends.local import LocalBackend
from flowbatch.clock import SystemClock
from flowbatch.commands.table import COMMANDS
from flowbatch.config import Settings
from flowbatch.controller import being
from flowbatch.controller.service import Parts, serve
from flowbatch.core.embedded import embedded
from flowbatch.directives import slurmconf
from flowbatch.errors import ConfigError, FlowError
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.ids import StoreId
from flowbatch.node import start as node
from flowbatch.node.machine import machine
from flowbatch.paths import Paths
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.store.sqlite import SqliteStore

SLURM_CONF, GRES_CONF = "slurm.conf", "gres.conf"


def run(here: Paths, settings: Settings, failpoint: Failpoint = nowhere) -> int:
    """Is the controller of `here` until it is stopped or idle; its exit code. Raises FlowError if it cannot be."""
    site = here.config / SLURM_CONF
    parts = Parts(
        store=lambda: SqliteStore(here.store),
        backend=lambda store: local(here, store),
        cluster=cluster(here.config),
        clock=SystemClock(),
        commands=COMMANDS,
        settings=settings,
        slurm_conf=str(site) if site.exists() else None,
        failpoint=failpoint,
    )
    return being.live(here, lambda ready: serve(parts, ready))


def local(here: Paths, store: StoreId) -> LocalBackend:
    """This machine, through a node daemon that is started when none answers."""

    async def ensure() -> None:
        await asyncio.get_running_loop().run_in_executor(None, node.start, here.node)

    return LocalBackend(here.node, store, ensure)


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
    try:
        sys.exit(run(paths.find(os.environ), Settings.read(os.environ)))
    except FlowError as error:
        sys.stderr.write(error.screen("flowbatch") + "\n")
        sys.exit(error.exit_code)
