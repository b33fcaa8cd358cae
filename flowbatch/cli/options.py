"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def of_clusters(command: Command) -> Command:
    """`-M NAMES`: the parameter `clusters`, as words for the controller."""
    return click.option(
        "-M", "--clusters", metavar="NAMES", callback=lambda context, option, said: [f"--clusters={said}"] if said else [],
        help="The cluster, several with commas, or all; without it every one that was used.",
    )(command)  # fmt: skip


def as_program(command: Command) -> Command:
    """`--json`: the parameter `form`, as words for the controller."""
    return click.option(
        "--json", "form", is_flag=True, callback=lambda context, option, said: ["--json"] if said else [],
        help="For a program to read.",
    )(command)  # fmt: skip
