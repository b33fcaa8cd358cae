"""`flow submit`: hands a script or a command to the queue, and waits for it if asked."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from flowbatch.cli.progress import watch
from flowbatch.cli.streams import show, stdin
from flowbatch.cli.words import SETTINGS, Words
from flowbatch.commands.flow.flow_results import as_json, worst
from flowbatch.sdk.jobs import submit_words


@click.command(cls=Words, context_settings=SETTINGS)
@click.option("--wait", is_flag=True, help="Wait for the end; the exit code is the job's.")
@click.option("--strict", is_flag=True, help="Refuse what would only be recorded.")
@click.option("--waive", multiple=True, metavar="OPTION", help="With --strict: this option may be recorded only.")
@click.option("--explain", is_flag=True, help="Submit nothing; say what becomes of each directive.")
@click.option("--dry-run", is_flag=True, help="Submit nothing; say what would be rented and what it could cost.")
@click.option("--json", "json_", is_flag=True, help="For a program to read.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT|COMMAND [SBATCH OPTIONS] [-- ARGUMENTS]")
def submit(
    words: tuple[str, ...], wait: bool, strict: bool, waive: tuple[str, ...], explain: bool, dry_run: bool, json_: bool
) -> int:
    """Submit a batch script, or a command in quotes.

    \b
    flow submit train.slurm
    flow submit train.slurm --time=30 -- --epochs 100
    flow submit "python train.py" --gpus 1 --time 10
    flow submit train.slurm -M sandbox -i 8xh100 --limit-price '$20/h' --budget '$50'

    Every option of sbatch is taken, in all its spellings, and wins over the script's directives; so are those of the
    market: --limit-price, --budget, --instance-type (-i), --region, --image, --max-run-time, --volume, --mount.
    """
    ours = [*(["--strict"] if strict else []), *(f"--waive={name}" for name in waive)]
    form = ["--json"] if json_ else []
    if explain or dry_run:
        return show("flow-explain" if explain else "flow-plan", [*ours, *form, "--", *words], again=True)
    handle, submission = submit_words(words, options=ours, stdin=stdin())
    if not json_ and submission.line:
        click.echo(submission.line)
    if sys.stderr.isatty():
        for note in submission.notes:
            click.echo(f"flow submit: {note}", err=True)
    sys.stdout.flush()
    jobs = watch(handle) if handle and (wait or submission.wait) else ()
    if json_:
        click.echo(as_json({**asdict(submission), "jobs": jobs}), nl=False)
    return worst(jobs)
