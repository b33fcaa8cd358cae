"""`flow explain`: what becomes of each directive, without submitting anything."""

from __future__ import annotations

import click

from flowbatch.cli.streams import show
from flowbatch.cli.words import SETTINGS, Words


@click.command(cls=Words, context_settings=SETTINGS)
@click.option("--strict", is_flag=True, help="Fail if something would only be recorded.")
@click.option("--waive", multiple=True, metavar="OPTION", help="With --strict: this option may be recorded only.")
@click.option("--json", "json_", is_flag=True, help="For a program to read.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT|COMMAND [SBATCH OPTIONS]")
def explain(words: tuple[str, ...], strict: bool, waive: tuple[str, ...], json_: bool) -> int:
    """Say what becomes of each directive: honoured, emulated, recorded or refused.

    Lines that look like directives and are not read are named too. The same as `flow submit --explain`.
    """
    ours = [*(["--strict"] if strict else []), *(f"--waive={name}" for name in waive), *(["--json"] if json_ else [])]
    return show("flow-explain", [*ours, "--", *words], again=True)
