"""`flow pricing`: what machines of the market cost now."""

from __future__ import annotations

import click

from flowbatch.cli.options import as_program, of_clusters
from flowbatch.cli.streams import show


@click.command()
@click.option("--region", metavar="NAME", help="In this region alone.")
@of_clusters
@as_program
@click.argument("type_", metavar="[TYPE]", required=False)
def pricing(type_: str | None, region: str | None, clusters: list[str], form: list[str]) -> int:
    """Show prices and free machines of the market, the cheapest GPU first; of a TYPE: 8xh100, h100:8, h100, an API name.

    The default cap is what a bid may be at most for a job that names no limit price.
    """
    said = [*([f"--region={region}"] if region else []), *([type_] if type_ else [])]
    return show("flow-pricing", [*clusters, *form, *said], again=True)
