"""What a daemon leaves behind of whoever happened to start it, a job for one: it serves everybody, and for long."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from flowbatch.node import cgroups
from flowbatch.paths import APART
from flowbatch.slurm.environment import in_job

RAISED = ("CPU", "FSIZE", "DATA", "RSS", "AS", "NPROC", "NOFILE")
"""Limits of a process that would end a daemon or stand in its way, raised as far as they can be; as slurmd does. Jobs have those of their
submission."""

ENDING = ("CPU", "FSIZE", "DATA", "AS")
"""Of these none is usual: one that cannot be raised is told."""

_IN_JOB, _ELSEWHERE = "job", "1"
_IGNORED = {signal.SIGPIPE, signal.SIGXFSZ}
"""By Python itself, which raises OSError instead."""

_CPUS = 8192
"""More than Linux knows: the kernel leaves out those that are not there, or not for this process."""


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """What a daemon that is started by a process with this environment is to find in its own. A job of another
    Slurm keeps what it starts: its CPUs are all that it may use of the machine."""
    return {APART: _IN_JOB if in_job(environ) else _ELSEWHERE}


def stand(environ: Mapping[str, str] = os.environ) -> list[str]:
    """This process hears every signal, and the limits in RAISED are as high as they can be; where a job of ours has started it, it also
    has no CPUs, priority and memory group of that job. What stays as it was, in words."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - _IGNORED:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    notes = [note for name in RAISED for note in _raised(name)]
    if environ.get(APART) == _IN_JOB:
        notes += _left()
    return notes


def _raised(name: str) -> Iterator[str]:
    number = getattr(resource, f"RLIMIT_{name}")
    hard = resource.getrlimit(number)[1]
    with suppress(ValueError, OSError):  # some systems have a ceiling of their own, below an endless hard limit
        resource.setrlimit(number, (hard, hard))
    if hard != resource.RLIM_INFINITY and name in ENDING:
        yield f"a hard limit of whoever has started this process stays: {name} {hard}"


def _left() -> Iterator[str]:
    for what, leave in _JOBS.items():
        try:
            leave()
        except OSError as error:
            yield f"{what} of the job that has started this process stays: {error.strerror}"


def _all_cpus() -> None:
    if sys.platform == "linux":
        os.sched_setaffinity(0, range(_CPUS))


def _usual_priority() -> None:
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    if os.getpriority(os.PRIO_PROCESS, 0) > 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)


_JOBS: dict[str, Callable[[], None]] = {
    "the CPUs": _all_cpus,
    "the priority": _usual_priority,
    "the memory limit": cgroups.leave,
}
