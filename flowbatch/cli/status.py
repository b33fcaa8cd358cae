"""`flow status`: the queue as a table, or one job with its story."""

from __future__ import annotations

import click

from flowbatch.cli.streams import show


@click.command()
@click.option("--all", "all_", is_flag=True, help="Also the jobs that have left the queue.")
@click.option("--json", "json_", is_flag=True, help="For a program to read.")
@click.argument("job", required=False)
def status(job: str | None, all_: bool, json_: bool) -> int:
    """Show the queue; or one JOB (7, 7_3) in detail, with all that happened to it."""
    form = ["--json"] if json_ else []
    if job is not None:
        return show("flow-job", [*form, job], again=True)
    return show("flow-jobs", [*form, *(["--all"] if all_ else [])], again=True)
