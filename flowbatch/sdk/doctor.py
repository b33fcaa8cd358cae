"""What may stand in the way on this machine, each with what to do about it."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from flowbatch import __version__
from flowbatch.commands.flow.flow_results import ClusterStatus, MarketHealth
from flowbatch.errors import FlowError
from flowbatch.node.cgroups import Cgroups
from flowbatch.node.wrappers import compiled_in, find_perl
from flowbatch.sdk import doctor_machine, shims
from flowbatch.sdk.controller import Controller
from flowbatch.sdk.doctor_machine import Finding, Level
from flowbatch.sdk.sandbox import NEEDED, Sandbox

PUT_FIRST = 'eval "$(flow shims env)" puts ours first'
ANSWER_WITHIN_S = 30.0
SANDBOX = "sandbox"
"""The cluster of the sandbox."""

ON_NODES = ("RUNNING", "SUSPENDED", "COMPLETING")
"""Where these words stand for jobs, a node daemon must answer."""


def findings(controller: Controller, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Looks at everything, from the caller's shell to the cluster; starts a controller to ask it."""
    yield Finding("flow", "ok", f"{__version__}, Python {sys.version.split()[0]}, {sys.executable}")
    yield from _commands(environ)
    yield from doctor_machine.state(controller.paths, time.time())
    yield from doctor_machine.keys(controller.paths.config)
    yield from doctor_machine.descriptors(controller.pid)
    yield from _controller(controller)
    yield _wrapper(controller.paths.node)
    yield _memory()


def _commands(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Who wins on PATH, the names together that fare alike."""
    fares: dict[tuple[Level, str, str | None], list[str]] = {}
    for standing in shims.standing(environ):
        fares.setdefault(_fare(standing), []).append(standing.command)
    for (level, says, todo), commands in fares.items():
        yield Finding(", ".join(commands), level, says, todo)


def _fare(standing: shims.Standing) -> tuple[Level, str, str | None]:
    if standing.winner is None:
        return "note", "not on PATH", PUT_FIRST
    if standing.ours:
        return "ok", f"ours, in {standing.winner.parent}", None
    return (
        "note",
        f"{standing.winner.parent} wins on PATH, and is not ours",
        f"{PUT_FIRST}, unless you want the real one",
    )


def _controller(controller: Controller) -> Iterator[Finding]:
    try:
        cluster = controller.cluster(timeout=ANSWER_WITHIN_S)
    except FlowError as error:
        yield Finding("controller", "problem", error.message, error.hint)
        return
    except TimeoutError:
        says = f"pid {controller.pid} takes calls and has not answered one in {ANSWER_WITHIN_S:.0f} s"
        todo = f"kill -9 {controller.pid}: the next command starts another, and jobs go on; {controller.paths.log} may say why"
        yield Finding("controller", "problem", says, todo)
        return
    yield Finding("controller", "ok", f"pid {controller.pid} answers at {controller.paths.socket}")
    if cluster.version != __version__:
        yield Finding(
            "controller", "problem", f"it is of version {cluster.version}, flow of {__version__}",
            "run `flow controller stop`; the next command starts the new one, and jobs go on",
        )  # fmt: skip
    yield from _cluster(controller, cluster)
    yield from doctor_machine.node(controller.paths, sum(cluster.jobs.get(state, 0) for state in ON_NODES))
    yield from _markets(controller)


def _cluster(controller: Controller, cluster: ClusterStatus) -> Iterator[Finding]:
    shape = ", ".join(f"{name} ({cpus} CPUs)" for name, cpus in list(cluster.nodes.items())[:4])
    more = f" and {len(cluster.nodes) - 4} more" if len(cluster.nodes) > 4 else ""
    source = "no slurm.conf: names of partitions are taken as they come" if cluster.obliging else "as slurm.conf says"
    yield Finding("cluster", "ok", f"{cluster.name}: {shape}{more}; {source}")
    if cluster.without_effect:
        yield Finding(
            "slurm.conf", "note", f"read and without effect here: {', '.join(cluster.without_effect)}",
            "docs/reference/slurm-conf.md lists what has one",
        )  # fmt: skip


def _markets(controller: Controller) -> Iterator[Finding]:
    """Every account and the sandbox: asked now."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        yield Finding(
            "sandbox",
            "note",
            f"a rehearsal of the market needs {', '.join(missing)}",
            "pip install 'flowbatch[sandbox]'",
        )
    known = [MarketHealth.read(one) for one in json.loads(controller.ask("flow-markets", again=True).out)]
    if not known:
        yield Finding(
            "market", "ok", "none is set up: `flow sandbox start` for a rehearsal, `flow setup` for an account"
        )
    for one in known:
        yield from _market(one, running=Sandbox(controller.paths).address() is not None)


def _market(one: MarketHealth, *, running: bool) -> Iterator[Finding]:
    subject = f"cluster {one.cluster}"
    until = "" if one.lease_ends_at is None else f"; the last ends by itself {_at(one.lease_ends_at)}"
    bids = f"{one.live_bids} live bid{'' if one.live_bids == 1 else 's'}{until}"
    if one.problem is not None and one.cluster == SANDBOX and not running:
        level: Level = "problem" if one.live_bids else "note"
        yield Finding(subject, level, f"the sandbox does not run; {bids}", "flow sandbox start")
    elif one.problem is not None:
        yield Finding(subject, "problem", f"{one.problem}; {bids}", one.hint or "flow setup tries the account anew")
    else:
        yield Finding(subject, "ok", f"the market answers; {bids}")
    if one.strangers:
        names = ", ".join(one.strangers[:3]) + (f" and {len(one.strangers) - 3} more" if len(one.strangers) > 3 else "")
        yield Finding(
            subject, "note", f"live bids of another flowbatch in this account: {names}",
            "if its state directory is lost, end them in the market's console; their leases end them otherwise",
        )  # fmt: skip


def _at(instant: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(instant))


def _wrapper(node: Path) -> Finding:
    if os.access(compiled_in(node), os.X_OK):
        return Finding("jobs", "ok", "each runs under a small wrapper, compiled for this machine")
    perl = find_perl()
    if perl:
        return Finding("jobs", "ok", f"each runs under a small wrapper, by {perl}")
    return Finding(
        "jobs", "note", "each runs under a wrapper in Python: 10 MB and some milliseconds more", "install perl-base"
    )


def _memory() -> Finding:
    if Cgroups.find() is not None:
        return Finding("memory", "ok", "a job that uses more than it asked for is ended (cgroup v2)")
    return Finding(
        "memory", "note", "what a job asks for is counted; that it uses more is not prevented",
        "hand memory control of cgroup v2 to your user (systemd: Delegate=memory)",
    )  # fmt: skip
