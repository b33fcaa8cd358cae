"""sbatch's words read without a process: by argv, script and environment, as the recordings were made."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from flowbatch.directives import sbatch
from flowbatch.directives.chosen import FileWanted, Surroundings
from flowbatch.directives.diagnosis import Diagnosis, DirectiveError
from flowbatch.directives.sbatch import Submission
from flowbatch.directives.settings import Help

NOW = 1795310488
"""2026-11-22T01:21:28 in UTC."""

USERS = {"root": 0, "0": 0, "daemon": 1, "1": 1}


@dataclass(frozen=True)
class Outcome:
    """What sbatch would have printed before it asked the controller, and its exit code if it never would."""

    exit_code: int
    tables: list[list[tuple[str, str]]]
    said: tuple[str, ...]
    submission: Submission | None = None
    diagnosis: Diagnosis | None = None

    @property
    def messages(self) -> list[str]:
        """What was said, without the lists of defined options."""
        kept, inside = [], False
        for line in self.said:
            inside = inside or line == "sbatch: defined options"
            if not inside:
                kept.append(line)
            inside = inside and line != "sbatch: end of defined options"
        return kept


Read = Callable[..., Outcome]


@pytest.fixture(scope="session")
def read() -> Read:
    """Reads `argv`, `script` and `environ` as sbatch does."""

    def run(
        script: bytes = b"#!/bin/sh\n",
        argv: Sequence[str] = ("job.sh",),
        environ: Mapping[str, str] | None = None,
        *,
        cwd: str = "/submit",
        name: str = "job.sh",
        files: Mapping[str, bytes] | None = None,
    ) -> Outcome:
        environ = environ or {}
        contents: dict[str, bytes | int] = {}
        while True:
            around = Surroundings(
                now=NOW, zone="UTC", cwd=cwd, uid=0, host_file=environ.get("SLURM_HOSTFILE"), user=USERS.get,
                group=USERS.get, files=contents,
            )  # fmt: skip
            try:
                line = sbatch.command_line(argv, around, environ)
                found = sbatch.read(line, script, name, around, environ)
            except FileWanted as wanted:
                contents[wanted.path] = (files or {}).get(wanted.path, errno.ENOENT)
            except Help as wanted:
                return Outcome(wanted.exit_code, [], ())
            except DirectiveError as error:
                tables = [list(table) for table in error.tables]
                return Outcome(error.exit_code, tables, error.said, diagnosis=error.diagnosis)
            else:
                return Outcome(0, [list(one.table) for one in found.components], found.said, found)

    return run
