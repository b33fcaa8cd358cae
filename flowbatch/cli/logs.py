"""`flow logs`: what a job has written."""

from __future__ import annotations

import sys

import click

from flowbatch.sdk.jobs import JobHandle, newest


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over.")
@click.option("--stderr", is_flag=True, help="Standard error, where it has a file of its own.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="The last N lines only.", metavar="N")
@click.option(
    "-M", "--clusters", "cluster", metavar="NAME", help="The job's cluster, where several have one of its name."
)
@click.argument("job", required=False)
def logs(job: str | None, follow: bool, stderr: bool, lines: int | None, cluster: str | None) -> None:
    """Print the output of JOB (7, or a task of an array 7_3); without one, of the newest job.

    The output of a job on the market grows here while it runs there.
    """
    handle = newest(cluster=cluster) if job is None else JobHandle(job, cluster=cluster)
    for piece in handle.output(stderr=stderr, follow=follow, lines=lines):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
