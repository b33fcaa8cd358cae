"""What a controller and a node say to each other: one JSON object a line, over the node's socket.

controller -> node: `launch` (message), `stop` (key, why), `deliver` (key, signal, scope), `forget` (key), `leave` (key, until), `stay` (key),
    `pause` (key, paused), `limit` (key, ends_by), `say` (key, text), `resume` (keys), `heard` (key, number: that end of a step is in the store), `step` (key, number, signal, by:
    that signal to the tasks of one step), `look` (key: what runs of it), `retire` (the daemon ends, and what it runs goes on: the next one takes it over).
A second kind of connection to a rented machine's node opens with `answer` (number) and then is the controller's end of a
caller's conversation (`frames.py`), which the node announced by `caller` (number).
node -> controller: `caller` (number), `node` (the node's `version`, what it can do, and its clock's `now`; the first line of every connection), `report` (report), `step` (step: a StepReport), `resumed`,
    `seen` (tasks: a TaskSeen each; the answer to `look`), `leaves` (until: the machine goes away then by its own word, or stays; whenever that changes, and at each `resume`).

`resume` opens every conversation: the node answers with one report for each of its keys (`absent` for a placement that
its journal never held), then with all others that no `forget` has ended yet, then with `resumed`. From there on it tells
what happens as it happens, to the connection that resumed last. Every line may come twice and means the same twice: a
launched placement is not launched again, and a report is repeated at each `resume` until its placement is forgotten.
Bytes are latin-1 text in JSON.

`pause` stops all processes of the placement where they are, or lets them go on, and its time limit with them; `limit` says when
that falls instead, the time in which it stood still not counted (null: never); `say` adds a line to its standard error. `leave` says that the machine goes away at `until`: the job gets its `--signal` at once, and is stopped ("preempted") in
time for its files to be saved; `stay` takes that back if it was not stopped yet. A node that is told so by its machine does
the same by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flowbatch.protocol.plain import heard, known, written


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
    over_time_s: int = 0
    """How long the script may go on beyond `ends_by` (OverTimeLimit)."""
    login_environment: bool = False
    machine: str = ""
    """The name of the bid whose machine it goes to; empty where there is but one machine."""
    run_limit_s: int | None = None
    """The time limit as a length, for a machine that is yet to boot: `ends_by` is then made when the gate opens."""
    leave_reserve_s: int = 60
    """How long before the machine goes away the script must have ended."""
    modules: dict[str, Any] = field(default_factory=dict, repr=False)
    """What `module load` stands for, as `node/modules.py` takes it."""
    image: str = ""
    """The container image that the job runs in."""
    shares: tuple[dict[str, Any], ...] = ()
    """What it has on each of `hosts`, in their order: `node`, `cpus`, `cpu_ids`, `gpus` (indices), `memory_mib` (0: not counted)."""
    components: tuple[dict[str, Any], ...] = ()
    """Of a heterogeneous job, whose leader this placement is, all components: `job_id`, and `shares` as above. The first is its own."""
    holds: Literal["", "client", "alone"] = ""
    """A placement without a script, which holds its nodes: for a client, with which it ends, or until it is stopped."""


Cause = Literal["exit", "timeout", "killed", "oom", "preempted"]
"""Why a script ended: by itself, by its time limit, by our kill, out of memory, or because its machine leaves."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a node says of a placement.

    `failed`: it could not be started and never ran. `unknown`: it was started, and its end will never be known.
    `absent`: this node never started it and never will, unless it is launched.
    """

    key: Key
    what: Literal["launched", "failed", "ended", "unknown", "absent"]
    at: int
    code: int = 0
    signal: int = 0
    cause: Cause = "exit"
    why: str = ""
    notes: tuple[str, ...] = ()
    """What its record is to keep besides: one sentence each."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a node says of one step of a placement: that it began, and later that it ended.

    `number` counts from 0 in each placement. An end repeats all that the beginning said: either may be lost, and both may come twice. `code` and
    `signal` are the worst of its tasks'; `tasks_on`: how many tasks on each of `nodes`. `cancelled_by`: the uid whose scancel ended it.
    """

    key: Key
    number: int
    what: Literal["began", "ended"]
    at: int
    """When that happened."""
    began_at: int
    name: str
    nodes: tuple[str, ...]
    tasks_on: tuple[int, ...]
    cpus: int
    gpus: int = 0
    memory_mib: int = 0
    command: str = field(default="", repr=False)
    components: tuple[tuple[int, int, int], ...] = ()
    """Of a step over components of a heterogeneous job, for each of `nodes`: whose it is, and the CPUs and GPUs there."""
    code: int = 0
    signal: int = 0
    cancelled_by: int | None = None
    max_rss_kib: int = 0
    cpu_ms: int = 0
    """User and system time of all tasks that have ended."""
    system_ms: int = 0
    """The system's part of it."""
    limit_min: int | None = None
    """Its own time limit (`srun --time`)."""
    layout: str = "Cyclic"
    """How its tasks are dealt out (`srun --distribution`), in Slurm's word."""
    srun: int = 0
    """The process that runs it."""


def line(op: str, **body: Any) -> bytes:
    """One message as one line of JSON."""
    return written({"op": op, **body}).encode() + b"\n"


class BadLine(ValueError):
    """The peer does not speak this protocol; the conversation ends."""


def parse(text: bytes) -> dict[str, Any]:
    """The message on one line; raises BadLine."""
    try:
        body = heard(text)
    except ValueError as error:
        raise BadLine(str(error)) from None
    if not isinstance(body, dict) or not isinstance(body.get("op"), str):
        raise BadLine("not a message")
    return body


def key_of(said: Mapping[str, Any]) -> Key:
    return Key(said["store"], said["job_id"], said["restart"])


def report_of(said: Mapping[str, Any]) -> Report:
    """The report in JSON's values; a field that this version does not know is left out."""
    return Report(**known(Report, said) | {"key": key_of(said["key"])})


def step_report_of(said: Mapping[str, Any]) -> StepReport:
    """The report of a step in JSON's values; a field that this version does not know is left out."""
    components = tuple(map(tuple, said.get("components", ())))
    return StepReport(**known(StepReport, said) | {"key": key_of(said["key"]), "components": components})


def launch_of(said: Mapping[str, Any]) -> LaunchMessage:
    """The launch message in JSON's values; a field that this version does not know is left out."""
    return LaunchMessage(**known(LaunchMessage, said) | {"key": key_of(said["key"])})
