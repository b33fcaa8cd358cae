"""`flow controller`: the process that owns the queue."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from flowbatch.commands.flow.flow_results import as_json
from flowbatch.sdk.controller import Controller

NOT_RUNNING = 3
"""As service managers have it."""


@click.group()
def controller() -> None:
    """The process that owns the queue. It starts by itself when it is needed, and ends by itself when it is not."""


@controller.command()
@click.option("--json", "json_", is_flag=True, help="For a program to read.")
def status(json_: bool) -> int:
    """Say who answers, and where its files are; starts nothing. Exit code 3 if nobody does."""
    here = Controller()
    files = {"socket": str(here.paths.socket), "store": str(here.paths.store), "log": str(here.paths.log)}
    pid = here.pid
    cluster = None if pid is None else asdict(here.cluster())
    if json_:
        click.echo(as_json({"running": pid is not None, "pid": pid, **files, "cluster": cluster}), nl=False)
    else:
        facts = {"pid": pid or "not running", **files, **_in_words(cluster or {})}
        click.echo("\n".join(f"{name:8} {value}" for name, value in facts.items()))
    return NOT_RUNNING if pid is None else 0


def _in_words(cluster: Mapping[str, Any]) -> dict[str, str]:
    """The lines about a cluster and its queue."""
    if not cluster:
        return {}
    jobs = ", ".join(f"{count} {state}" for state, count in cluster["jobs"].items())
    return {"cluster": f"{cluster['name']}: {', '.join(cluster['nodes'])}", "jobs": jobs or "none"}


@controller.command()
def start() -> None:
    """Start it, unless it runs."""
    click.echo(f"controller: pid {Controller().start()}")


@controller.command()
def stop() -> None:
    """Stop it. Running jobs go on; the next command starts another controller, which takes them over."""
    pid = Controller().stop()
    click.echo("controller: none was running" if pid is None else f"controller: pid {pid} stopped")


@controller.command()
def run() -> None:
    """Be the controller, in the foreground, for a service manager."""
    sys.stdout.flush()
    Controller().become()
