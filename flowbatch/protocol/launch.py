"""What a controller and a node say to each other: one JSON object a line, over the node's socket.

controller -> node: `launch`, `stop`, `deliver`, `forget`, `resume`; node -> controller: `report`s, numbered without
gaps per node life, repeated after every (re)connection until acknowledged by `forget` of that placement or `resume`.
All of them may come twice. Bytes are latin-1 text in JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Key:
    """One placement of one job, named the same everywhere and forever."""

    store: str
    job_id: int
    restart: int

    def __str__(self) -> str:
        return f"{self.store}.{self.job_id}.{self.restart}"


@dataclass(frozen=True, slots=True)
class LaunchMessage:
    """All that a node needs to run one placement; it never sees a JobSpec.

    Paths and patterns are text by `flowbatch.text`; `script` and `environment` are bytes as latin-1 text.
    `facts` are the plain values that `slurm/environment.py` makes the SLURM_* variables from.
    """

    key: Key
    name: str
    user: str
    uid: int
    gid: int
    node: str
    hosts: tuple[str, ...]
    work_dir: str
    script: str = field(repr=False)
    arguments: tuple[str, ...]
    environment: tuple[str, ...] = field(repr=False)
    facts: dict[str, Any] = field(repr=False)
    stdin: str | None
    stdout: str | None
    stderr: str | None
    append: bool
    umask: int
    limits: dict[str, int]
    array_id: int | None
    array_index: int | None
    kill_wait_s: int
    ends_by: int | None
    """The instant at which the time limit falls; None for no limit."""
    signal: int | None = None
    signal_lead_s: int = 0
    signal_batch_only: bool = False
    memory_mib: int | None = None
    cpu_ids: tuple[int, ...] = ()
    gpu_ids: tuple[int, ...] = ()
    login_environment: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a node says of a placement."""

    key: Key
    what: Literal["launched", "failed", "ended", "unknown"]
    at: int
    code: int = 0
    signal: int = 0
    cause: str = "exit"
    why: str = ""


def line(op: str, **body: Any) -> bytes:
    """One message as one line of JSON."""
    return json.dumps({"op": op, **body}, separators=(",", ":"), default=asdict).encode() + b"\n"
