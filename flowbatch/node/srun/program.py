"""srun itself: its words are read and answered, or become a step of a job that runs here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flowbatch.node.own_process import say, take_name
from flowbatch.node.srun import components, describing, help, options, pmix_library
from flowbatch.node.srun.ending import Ending
from flowbatch.node.srun.step import Run
from flowbatch.node.srun.voice import Voice
from flowbatch.node.srun.wanted import CannotRun, Wanted
from flowbatch.node.start import start
from flowbatch.slurm.exits import exit_codes

VERSION = "slurm 22.05.8"
MPI = ("none", "openmpi", "pmi2")
"""The values of --mpi that are built; the second is an old name for the first."""

NO_MPI = (
    "srun: error: Couldn't find the specified plugin name for mpi/{mpi} looking at all files\n"
    "srun: error: cannot find mpi plugin for mpi/{mpi}\n"
    "srun: error: MPI: Cannot create context for mpi/{mpi}\n"
    "srun: error: MPI: Unable to load any plugin\n"
    "srun: error: Invalid MPI type '{mpi}', --mpi=list for acceptable types"
)
NO_JOB = "srun: error: no job: here srun starts the steps of a job, and SLURM_JOB_ID does not say of which"


def main(
    directory: Path,
    argv: Sequence[str],
    environ: Mapping[str, str],
    begun: Callable[[Ending], None] = lambda ending: None,
    *,
    alone: bool = False,
    revive: Callable[[Path], None] | None = start,
) -> int:
    """Runs the step that the words ask for on the node of `directory`; srun's exit code. `begun` is given what ends it; `alone`: the
    step is all of its job, and who allocated it has said what the environment names wrongly; `revive` starts the node's
    daemon anew, None where the controller does that."""
    take_name("srun")
    codes = exit_codes(environ, "srun")
    for line in () if alone else codes.complaints:
        say(line)
    voice = Voice()
    try:
        parts = components.read(argv, environ)
        wanted = parts[0].wanted
        voice = Voice(wanted.quiet, wanted.verbose)
        if _answered(wanted):
            return 0
        _check(wanted)
        parts = tuple(replace(one, wanted=options.with_files(one.wanted, environ, os.getcwd())) for one in parts)
        for line in wanted.remarks:
            voice.remark(line)
        for line in describing.options(wanted):
            voice.detail(line)
        line = " ".join(("srun", *argv))
        return Run(directory, parts, environ, voice, begun, line=line, alone=alone, revive=revive).run()
    except CannotRun as error:
        voice.error(error.line)
        return codes.error if error.code is None else error.code


def _answered(wanted: Wanted) -> bool:
    """Whether srun has said all that was asked for."""
    if wanted.ask is not None:
        sys.stdout.write({"version": f"{VERSION}\n", "usage": help.usage(), "help": help.text()}[wanted.ask])
    elif wanted.mpi == "list":
        sys.stdout.write(_plugins())
    else:
        return False
    return True


def _plugins() -> str:
    """--mpi=list: the types, with PMIx where the machine has its library."""
    found = pmix_library.plugins()
    types = "".join(f"\t{name}\n" for name in ("none", "pmi2", *found[:1]))
    return f"MPI plugin types are...\n{types}" + "".join(
        f"specific pmix plugin versions available: {version}\n" for version in found[1:]
    )


def _check(wanted: Wanted) -> None:
    """Raises CannotRun for what no job could run."""
    if wanted.mpi is not None and wanted.mpi not in MPI and wanted.mpi not in pmix_library.plugins():
        raise CannotRun(NO_MPI.format(mpi=wanted.mpi))
    if not wanted.command:
        raise CannotRun("srun: fatal: No command given to execute.", 1)
    if wanted.pty and (wanted.input or wanted.output or wanted.error):
        raise CannotRun("srun: error: --error/--input/--output are incompatible with --pty")
    if wanted.job_id is None:
        raise CannotRun(NO_JOB)
