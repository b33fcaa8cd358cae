"""Where things lie on this machine. Home comes from the password file: clients delete `HOME` and `XDG_*`.

`FLOW_STATE_DIR` and `FLOW_CONFIG_DIR` win where they are set; no `SLURM_*` variable is ever asked (clients delete them).
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

APART = "FLOWBATCH_APART"
"""In the environment that a daemon, or a job's wrapper, began with: what a job has started of ours serves everybody, and is neither ended nor
signalled with the job. The wrappers know the word too."""


@dataclass(frozen=True)
class Paths:
    """One user's directories: `state` (0700: store, socket, spool, logs) and `config` (slurm.conf, gres.conf, flow.toml)."""

    state: Path
    config: Path

    @property
    def socket(self) -> Path:
        return self.state / SOCKET

    @property
    def store(self) -> Path:
        return self.state / "store.db"

    @property
    def lock(self) -> Path:
        return self.state / "controller.lock"

    @property
    def starting(self) -> Path:
        """Locked by who starts a controller, while it starts."""
        return self.state / "controller.starting"

    @property
    def pid(self) -> Path:
        """Holds the controller's process id while it lives."""
        return self.state / "controller.pid"

    @property
    def log(self) -> Path:
        return self.state / "controller.log"

    @property
    def node(self) -> Path:
        """The node daemon's own directory: its socket, journal and spool."""
        return self.state / NODE

    @property
    def sandbox(self) -> Path:
        """The sandbox's own directory: its address, state, log and machines."""
        return self.state / "sandbox"

    @property
    def clusters(self) -> Path:
        """One directory for each cluster but the one that this machine is: its store, and what its backend keeps."""
        return self.state / "clusters"


NODE = "node"

SOCKET = "controller.sock"
"""Clients change to the state directory and connect to this name, so that no path is too long for a socket."""


def find(env: Mapping[str, str]) -> Paths:
    """The directories that `env` and the password file name; creates nothing."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    state = env.get("FLOW_STATE_DIR") or os.path.join(env.get("XDG_STATE_HOME") or home / ".local/state", "flowbatch")
    config = env.get("FLOW_CONFIG_DIR") or os.path.join(env.get("XDG_CONFIG_HOME") or home / ".config", "flowbatch")
    return Paths(Path(state).absolute(), Path(config).absolute())
