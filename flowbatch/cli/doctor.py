"""`flow doctor`: what stands in the way, and what to do."""

from __future__ import annotations

import os

import click

from flowbatch.commands.flow.flow_results import as_json
from flowbatch.sdk.controller import Controller
from flowbatch.sdk.doctor import findings

MARKS = {
    "ok": click.style("ok", fg="green"),
    "note": click.style("note", fg="yellow"),
    "problem": click.style("PROBLEM", fg="red"),
}


@click.command()
@click.option("--json", "json_", is_flag=True, help="For a program to read.")
def doctor(json_: bool) -> int:
    """Look at PATH, the controller, its store and its cluster. Exit code 1 if something stops them."""
    found = list(findings(Controller(), os.environ))
    if json_:
        click.echo(as_json(found), nl=False)
    else:
        for finding in found:
            pad = " " * (8 - len(finding.level))
            click.echo(f"{MARKS[finding.level]}{pad}{finding.subject}: {finding.says}")
            if finding.todo:
                click.echo(f"{'':8}-> {finding.todo}")
    return 1 if any(finding.level == "problem" for finding in found) else 0
