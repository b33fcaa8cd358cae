"""`flow cost`: what jobs on the market have cost."""

from __future__ import annotations

import click

from flowbatch.cli.options import as_program, of_clusters
from flowbatch.cli.streams import show


@click.command()
@click.option(
    "--by", type=click.Choice(["job", "account", "day"]), default="job", show_default=True, help="What is summed up."
)
@click.option("--since", metavar="DAY", help="What was paid from this day (UTC) on: 2026-11-20, today, 7d.")
@of_clusters
@as_program
def cost(by: str, since: str | None, clusters: list[str], form: list[str]) -> int:
    """Show what was paid, by the market's own charges: every bid and every placement of a job together."""
    said = [f"--by={by}", *([f"--since={since}"] if since else [])]
    return show("flow-cost", [*said, *clusters, *form], again=True)
