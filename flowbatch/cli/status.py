"""`flow status`: the queue as a table, or one job with its story."""

from __future__ import annotations

import click

from flowbatch.cli.options import as_program, of_clusters
from flowbatch.cli.streams import show


@click.command()
@of_clusters
@click.option("--all", "all_", is_flag=True, help="Also the jobs that have left the queue.")
@as_program
@click.argument("job", required=False)
def status(job: str | None, all_: bool, clusters: list[str], form: list[str]) -> int:
    """Show the queue; or one JOB (7, 7_3) in detail, with all that happened to it.

    A job on the market says what it waits for in words, its bids, and what it has cost.
    """
    if job is not None:
        return show("flow-job", [*form, *clusters, job], again=True)
    return show("flow-jobs", [*form, *clusters, *(["--all"] if all_ else [])], again=True)
