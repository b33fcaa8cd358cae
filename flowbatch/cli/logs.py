"""`flow logs`: what a job has written."""

from __future__ import annotations

import sys

import click

from flowbatch.sdk.jobs import JobHandle, newest


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over.")
@click.option("--stderr", is_flag=True, help="Standard error, where it has a file of its own.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="The last N lines only.", metavar="N")
@click.argument("job", required=False)
def logs(job: str | None, follow: bool, stderr: bool, lines: int | None) -> None:
    """Print the output of JOB (7, or a task of an array 7_3); without one, of the newest job."""
    for piece in JobHandle(job or newest()).output(stderr=stderr, follow=follow, lines=lines):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
