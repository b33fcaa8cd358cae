"""The user's own ssh, on the way that the controller knows: to the machine of a job, as the job's user, where the job works."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from flowbatch.errors import FlowError
from flowbatch.sdk.controller import Controller
from flowbatch.sdk.jobs import asked, on_cluster

SHELL = 'cd {work_dir} 2>/dev/null; exec "${{SHELL:-/bin/bash}}" -l'
COMMAND = "cd {work_dir} 2>/dev/null; {command}"


class NoSsh(FlowError):
    """There is no ssh on this machine."""


def go(job: str, command: Sequence[str] = (), cluster: str | None = None) -> NoReturn:
    """This process is ssh from now on: a shell on the job's machine, or a command there, with its exit code.

    Raises NoSsh, and CommandFailed where the job has no machine.
    """
    program = shutil.which("ssh")
    if program is None:
        raise NoSsh("there is no ssh on this machine", hint="apt install openssh-client")
    way = json.loads(asked(Controller().ask("flow-door", [*on_cluster(cluster), job], again=True)))
    sys.stdout.flush()
    os.execv(program, words(way, command, terminal=sys.stdin.isatty() and sys.stdout.isatty()))


def words(way: Mapping[str, Any], command: Sequence[str], *, terminal: bool) -> list[str]:
    """ssh and its words for a Door. Nobody is asked for a password or whether a host key is right: the controller knows it."""
    options = {
        "BatchMode": "yes", "IdentitiesOnly": "yes", "HostKeyAlias": way["alias"], "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{way["known_hosts"]}"', "GlobalKnownHostsFile": "/dev/null", "LogLevel": "ERROR",
    }  # fmt: skip
    script = COMMAND.format(work_dir=shlex.quote(way["work_dir"]), command=shlex.join(command)) if command else SHELL.format(
        work_dir=shlex.quote(way["work_dir"])
    )  # fmt: skip
    there = ["/bin/sh", "-c", script]
    if way["user"] is not None:
        there = ["sudo", "-n", "-H", "-u", way["user"], "--", *there]
    return [
        "ssh", "-F", "none", "-i", way["identity"], "-p", str(way["port"]), "-l", way["login"],
        *(word for name, value in options.items() for word in ("-o", f"{name}={value}")),
        *(["-t"] if terminal else []), "--", way["host"], shlex.join(there),
    ]  # fmt: skip
