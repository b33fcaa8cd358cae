"""`flow debug`: what helps to understand a fault."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from flowbatch.cli.streams import show
from flowbatch.errors import NotThere
from flowbatch.sdk.bundle import bundle as gather
from flowbatch.sdk.controller import Controller


@click.group()
def debug() -> None:
    """What helps to understand a fault: logs without secrets, the controller in numbers."""


@debug.command()
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="The archive; flowbatch-debug-TIME.tar.gz without it."
)
def bundle(to: Path | None) -> None:
    """Gather logs, configuration and the state of the queue in one archive, for somebody else to look at.

    Keys, tokens and passwords are removed; scripts, outputs, names and environments of jobs are not put in.
    """
    to = to or Path(time.strftime("flowbatch-debug-%Y%m%d-%H%M%S.tar.gz"))
    try:
        names = gather(Controller(), os.environ, to)
    except OSError as error:
        raise NotThere(f"cannot write {to}: {error.strerror}", hint="--to names another place") from None
    click.echo(f"{to}: {len(names)} parts. Look through it before you send it: tar -tzf {to}")


@debug.command()
def metrics() -> int:
    """Print the controller's numbers in the text format of Prometheus: jobs by state, CPUs and GPUs, what the market costs."""
    return show("flow-metrics", [], again=True)
