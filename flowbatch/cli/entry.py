"""`flow`: the one place where commands are gathered, and where an error becomes a message, a hint and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from flowbatch import __version__
from flowbatch.cli.cancel import cancel
from flowbatch.cli.completion import completion
from flowbatch.cli.controller import controller
from flowbatch.cli.cost import cost
from flowbatch.cli.debug import debug
from flowbatch.cli.doctor import doctor
from flowbatch.cli.explain import explain
from flowbatch.cli.logs import logs
from flowbatch.cli.pricing import pricing
from flowbatch.cli.sandbox import sandbox
from flowbatch.cli.setup import setup
from flowbatch.cli.shims import shims
from flowbatch.cli.ssh import ssh
from flowbatch.cli.status import status
from flowbatch.cli.submit import submit
from flowbatch.errors import FlowError

INTERRUPTED = 130
"""128 and SIGINT, as a shell says it."""
NOBODY_READS = 1
"""As click has it where it meets a broken pipe first."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="flow %(version)s")
def flow() -> None:
    """Run #SBATCH scripts unchanged: on this machine (no account, no configuration, no root), or on rented GPUs (-M)."""


COMMANDS = (
    submit, explain, status, logs, ssh, cancel, cost, pricing, setup, shims, controller, sandbox, doctor, debug, completion,
)  # fmt: skip
for command in COMMANDS:
    flow.add_command(command)


def main(words: Sequence[str] | None = None) -> int:
    """Runs one `flow` command; its exit code. Nothing but a fault of our own is a traceback."""
    try:
        code = flow.main(words, prog_name="flow", standalone_mode=False)
        sys.stdout.flush()
    except FlowError as error:
        click.echo(screen(error), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the interpreter's last flush is quiet too
        return NOBODY_READS
    return code if isinstance(code, int) else 0


def screen(error: FlowError) -> str:
    """What happened, and what to do."""
    return error.screen("flow")
