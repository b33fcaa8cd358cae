"""`flow ssh`: onto the machine of a job."""

from __future__ import annotations

import click

from flowbatch.sdk import ssh as way


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "-M", "--clusters", "cluster", metavar="NAME", help="The job's cluster, where several have one of its name."
)
@click.argument("job")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [WORDS]]")
def ssh(job: str, command: tuple[str, ...], cluster: str | None) -> None:
    """Log in to the rented machine of JOB, as the job's user and where it works; or run a COMMAND there, with its exit code.

    \b
    flow ssh 7
    flow ssh 7 -- nvidia-smi
    """
    way.go(job, command, cluster)
