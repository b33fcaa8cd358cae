"""`flow cancel`: jobs end."""

from __future__ import annotations

import click

from flowbatch.cli.streams import show


@click.command()
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
def cancel(jobs: tuple[str, ...]) -> int:
    """End jobs: 7, a task 7_3, several tasks 7_[1-4]."""
    return show("flow-cancel", jobs)
