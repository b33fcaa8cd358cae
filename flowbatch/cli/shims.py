"""`flow shims`: Slurm's commands on PATH."""

from __future__ import annotations

import os
from pathlib import Path

import click

from flowbatch.paths import find
from flowbatch.sdk import shims as files
from flowbatch.sdk.compiling import compiler


def _folder(to: Path | None) -> Path:
    return (to or find(os.environ).state / "shims").absolute()


_to = click.option("--to", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where they stand.")


@click.group()
def shims() -> None:
    """Put Slurm's commands on PATH, in front of a real Slurm or in place of one."""


@shims.command()
@_to
@click.option("--force", is_flag=True, help="Replace files that are not ours.")
@click.option("--python", is_flag=True, help="Do not compile them, even where there is a C compiler.")
def install(to: Path | None, force: bool, python: bool) -> None:
    """Write the commands into DIR (default: a folder of our own), and say how to reach them."""
    folder = _folder(to)
    cc = None if python else compiler()
    for path in files.install(folder, files.Baked.of(find(os.environ)), force=force, cc=cc):
        click.echo(path)
    if not all(standing.winner and standing.winner.parent == folder for standing in files.standing(os.environ)):
        click.echo(
            f"not yet first on PATH; put this into your shell's start-up file:\n{files.path_line(folder)}", err=True
        )


@shims.command()
def env() -> None:
    """Print the line that puts the commands on PATH: eval "$(flow shims env)"."""
    paths = find(os.environ)
    folder = _folder(None)
    baked = files.Baked.of(paths)
    if not files.is_current(folder, baked):
        files.install(folder, baked, cc=compiler())
    click.echo(files.path_line(folder))


@shims.command()
def which() -> int:
    """Say which of Slurm's commands win on PATH; exit code 1 unless all are ours."""
    found = files.standing(os.environ)
    for standing in found:
        whose = "flowbatch" if standing.ours else "not ours"
        click.echo(
            f"{standing.command}: {standing.winner} ({whose})"
            if standing.winner
            else f"{standing.command}: not on PATH"
        )
    return 0 if all(standing.ours for standing in found) else 1


@shims.command()
@_to
def uninstall(to: Path | None) -> None:
    """Remove our commands from DIR; other files stay."""
    for path in files.uninstall(_folder(to)):
        click.echo(path)
