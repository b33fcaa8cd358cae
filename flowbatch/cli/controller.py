"""`flow controller`: the process that owns the queue."""

from __future__ import annotations

import sys

import click

from flowbatch.cli.streams import show
from flowbatch.commands.flow_results import as_json
from flowbatch.controller.__main__ import main as become
from flowbatch.sdk.controller import Controller


@click.group()
def controller() -> None:
    """The process that owns the queue. It starts by itself when it is needed, and ends by itself when it is not."""


@controller.command()
@click.option("--json", "json_", is_flag=True, help="For a program to read.")
def status(json_: bool) -> int:
    """Say who answers, and where its files are; starts nothing. Exit code 3 if nobody does."""
    here = Controller()
    running = here.pid is not None
    if running:
        return show("flow-info", ["--json"] if json_ else [], again=True)
    facts = {"running": False, "socket": str(here.paths.socket), "store": str(here.paths.store)}
    click.echo(
        as_json(facts) if json_ else "\n".join(f"{name:8} {value}" for name, value in facts.items()), nl=not json_
    )
    return 3


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
    become(["run"])
