"""`flow cancel`: jobs end."""

from __future__ import annotations

import click

from flowbatch.cli.options import of_clusters
from flowbatch.cli.streams import show


@click.command()
@of_clusters
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
def cancel(jobs: tuple[str, ...], clusters: list[str]) -> int:
    """End jobs: 7, a task 7_3, several tasks 7_[1-4]. On the market their bids and machines go with them."""
    return show("flow-cancel", [*clusters, *jobs])
