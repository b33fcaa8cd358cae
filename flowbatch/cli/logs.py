"""`flow logs`: what a job has written."""

from __future__ import annotations

import sys

import click

from flowbatch.sdk.jobs import JobHandle


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over.")
@click.option("--stderr", is_flag=True, help="Standard error, where it has a file of its own.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="The last N lines only.", metavar="N")
@click.argument("job")
def logs(job: str, follow: bool, stderr: bool, lines: int | None) -> None:
    """Print the output of JOB (7, or a task of an array 7_3)."""
    for piece in JobHandle(job).output(stderr=stderr, follow=follow, lines=lines):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
