"""`flow completion`: click's own, as a line to evaluate."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion of `flow` for SHELL: eval "$(flow completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None  # the choices are click's own three
    click.echo(kind(ctx.find_root().command, {}, "flow", "_FLOW_COMPLETE").source())
