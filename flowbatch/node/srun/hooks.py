"""The programs around a step: srun's prolog and epilog, each task's prolog and epilog, and the program that is copied first."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from flowbatch.node.srun.voice import Voice
from flowbatch.node.srun.wanted import CannotRun


def around(program: str | None, which: str, environ: Mapping[str, str], voice: Voice) -> None:
    """srun's `prolog` or `epilog`, where srun is; a code that is not 0 is told."""
    if program is None or program.lower() == "none":
        return
    try:
        status = subprocess.run([program], env=dict(environ), check=False).returncode
    except OSError as error:
        voice.error(f"srun: error: {which} of srun: {program}: {error.strerror}")
        return
    if status:
        voice.error(f"srun: error: srun {which} failed status={status}")


def task_prolog(program: str | None, environ: dict[str, str], directory: str) -> bytes:
    """What it prints for the task; its lines `export NAME=value` and `unset NAME` change `environ`. srun(1)."""
    if program is None:
        return b""
    done = _beside(program, environ, directory, subprocess.PIPE)
    shown = []
    for line in done.splitlines():
        word, _, rest = line.partition(b" ")
        text = os.fsdecode(rest.strip())
        if word == b"export" and "=" in text:
            name, _, value = text.partition("=")
            environ[name.strip()] = value
        elif word == b"unset":
            environ.pop(text, None)
        elif word == b"print":
            shown.append(rest + b"\n")
    return b"".join(shown)


def task_epilog(program: str | None, environ: Mapping[str, str], directory: str) -> None:
    """Runs with the task's environment when it has ended; what it prints is nobody's, as with Slurm."""
    if program is not None:
        _beside(program, environ, directory, subprocess.DEVNULL)


def _beside(program: str, environ: Mapping[str, str], directory: str, out: int) -> bytes:
    try:
        done = subprocess.run(
            [program], env=dict(environ), cwd=directory, stdin=subprocess.DEVNULL, stdout=out, check=False
        )
    except OSError as error:
        os.write(2, f"slurmstepd: error: run_script_as_user: {program}: {error.strerror}\n".encode())
        return b""
    return done.stdout or b""


def broadcast(command: list[str], destination: str, name: str, node: str, directory: str) -> str:
    """--bcast: where the program now lies, in its own words or as `slurm_bcast_JOB.STEP_NODE`. Raises CannotRun."""
    program = command[0] if "/" in command[0] else shutil.which(command[0]) or command[0]
    where = os.path.join(directory, destination or f"slurm_bcast_{name}_{node}")
    if destination.endswith("/"):
        where = os.path.join(where, os.path.basename(program))
    try:
        shutil.copy(os.path.join(directory, program), where)
    except OSError as error:
        raise CannotRun(f"srun: error: can't open `{program}`: {error.strerror}") from None
    return where
