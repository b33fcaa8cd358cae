"""Jobs from Python: submitted, looked at, waited for, read and cancelled, all by the controller's word."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from flowbatch.commands.flow.flow_results import JobStatus, Submission, read_jobs
from flowbatch.errors import CommandFailed, JobFailed, NotThere
from flowbatch.sdk.controller import Answer, Controller

LOOK_S = 0.3
"""How often a followed file is looked at."""

PIECE = 1 << 16

OptionValue = str | int | bool | None


@dataclass(frozen=True)
class JobHandle:
    """One job, or one array, by its name (`7`, `7_3`) on its cluster; None: on the current one, or the one that has it."""

    id: str
    controller: Controller = field(default_factory=Controller, repr=False, compare=False)
    cluster: str | None = None

    def status(self) -> JobStatus:
        """The job as it is now, with its story. Raises CommandFailed if it is unknown, NotThere if it has several records."""
        records = self.records()
        if len(records) != 1:
            raise NotThere(f"job {self.id} has {len(records)} records", hint=f"name one, such as {records[0].id}")
        return records[0]

    def records(self) -> tuple[JobStatus, ...]:
        """The job's record, or those of an array: its started tasks, and one for the tasks still pending."""
        return read_jobs(asked(self._ask("flow-job", "--json", self.id)))

    def wait(self, timeout: float | None = None) -> JobStatus:
        """The job once it is over. Raises TimeoutError after `timeout` seconds; the job goes on."""
        return self.wait_all(timeout)[-1]

    def wait_all(self, timeout: float | None = None) -> tuple[JobStatus, ...]:
        """All records of the job, by task, once all are over. Raises TimeoutError after `timeout` seconds."""
        return read_jobs(asked(self._ask("flow-wait", self.id, timeout=timeout)))

    def cancel(self) -> None:
        """The job is told to end, or is over. Raises CommandFailed if there is no such job."""
        asked(self.controller.ask("flow-cancel", [*on_cluster(self.cluster), self.id]))

    def _ask(self, command: str, *words: str, timeout: float | None = None) -> Answer:
        return self.controller.ask(command, [*on_cluster(self.cluster), *words], again=True, timeout=timeout)

    def logs(self, *, stderr: bool = False) -> bytes:
        """What the job has written until now."""
        return b"".join(self.output(stderr=stderr))

    def output(self, *, stderr: bool = False, follow: bool = False, lines: int | None = None) -> Iterator[bytes]:
        """What the job has written, in pieces, from the last `lines` lines on; with `follow`, until the job is over.

        Raises NotThere if there is no such file and none will come.
        """
        job = self.status()
        path = job.stderr if stderr else job.stdout
        if path is None:
            raise NotThere(f"job {job.id} has no output file of its own", hint="name one task of the array: 7_1")
        while follow and not os.path.exists(path) and not job.finished:
            time.sleep(LOOK_S)
            job = self.status()
        try:
            file = open(path, "rb")  # noqa: SIM115  closed below, whatever the reader does
        except OSError as error:
            hint = None if job.started_at else f"it has not started: {job.state} ({job.reason})"
            raise NotThere(f"cannot read the output of job {job.id}: {path}: {error.strerror}", hint=hint) from None
        with file:
            if lines is not None:
                seek_lines(file, lines)
            while True:
                over = not follow or self.status().finished
                while piece := file.read(PIECE):
                    yield piece
                if over:
                    return
                time.sleep(LOOK_S)


def submit(
    what: str | os.PathLike[str], *arguments: str, args: Sequence[str] = (), cwd: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None, controller: Controller | None = None, **options: OptionValue,
) -> JobHandle:  # fmt: skip
    """A job is queued: `what` is a batch script's path or a command with its words (`"python train.py"`).

    `arguments` are sbatch's options as words (`"--gpus=1"`); `options` the same by name (`gpus=1`, `cpus_per_task=4`,
    `hold=True`), `args` the script's own arguments. Raises CommandFailed with the line that was refused and a hint.
    """
    words = [*map(str, arguments), *option_words(options), os.fspath(what), *(["--", *args] if args else [])]
    handle, submission = submit_words(words, cwd=cwd, environ=environ, controller=controller)
    if handle is None:
        raise NotThere(f"nothing was submitted: {submission.line}")
    return handle


def run(
    what: str | os.PathLike[str], *arguments: str, check: bool = True, args: Sequence[str] = (),
    cwd: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None,
    controller: Controller | None = None, **options: OptionValue,
) -> JobStatus:  # fmt: skip
    """Submits as `submit` does, and waits; the finished job. Raises JobFailed if it did not complete, unless `check` is false."""
    handle = submit(what, *arguments, args=args, cwd=cwd, environ=environ, controller=controller, **options)
    jobs = handle.wait_all()
    failed = [job for job in jobs if not job.succeeded]
    if failed and check:
        raise JobFailed(
            f"job {failed[0].id} ended {failed[0].state}, exit code {failed[0].exit_code}",
            hint=f"see {failed[0].stderr or failed[0].stdout}, or `flow status {failed[0].id}`",
        )
    return (failed or jobs)[-1]


def jobs(
    *, history: bool = False, controller: Controller | None = None, cluster: str | None = None
) -> tuple[JobStatus, ...]:
    """The jobs of a cluster's queue (None: of all that were used); with `history`, also those that have left it."""
    words = ["--json", *on_cluster(cluster), *(["--all"] if history else [])]
    return read_jobs(asked((controller or Controller()).ask("flow-jobs", words, again=True)))


def newest(controller: Controller | None = None, cluster: str | None = None) -> JobHandle:
    """The job that was submitted last. Raises NotThere if there is none."""
    controller = controller or Controller()
    ever = jobs(history=True, controller=controller, cluster=cluster)
    if not ever:
        raise NotThere("there is no job yet", hint="flow submit SCRIPT")
    last = max(reversed(ever), key=lambda job: (job.submitted_at, job.started_at or 0))
    return JobHandle(last.id, controller, last.cluster)


def submit_words(
    words: Sequence[str], *, options: Sequence[str] = (), cwd: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None, stdin: BinaryIO | None = None, controller: Controller | None = None,
) -> tuple[JobHandle | None, Submission]:  # fmt: skip
    """Submits as `flow submit` does: `words` as after it, `options` are --strict and --waive. Raises CommandFailed.

    There is no handle where nothing was to be submitted (--test-only).
    """
    controller = controller or Controller()
    answer = controller.ask("flow-submit", [*options, "--", *words], cwd=cwd, environ=environ, stdin=stdin)
    submission = Submission.read(json.loads(asked(answer)))
    handle = None if submission.job_id is None else JobHandle(str(submission.job_id), controller, submission.cluster)
    return handle, submission


def on_cluster(cluster: str | None) -> list[str]:
    """The words that name a cluster to a command of `flow`."""
    return [f"--clusters={cluster}"] if cluster else []


def option_words(options: Mapping[str, OptionValue]) -> list[str]:
    """`{"cpus_per_task": 4, "hold": True}` as words: `--cpus-per-task=4 --hold`; None and False say nothing."""
    names = {name: name.replace("_", "-") for name in options}
    given = {names[name]: value for name, value in options.items() if value is not None and value is not False}
    return [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]


def seek_lines(file: BinaryIO, lines: int) -> None:
    """`file` stands where its last `lines` lines begin."""
    at = file.seek(0, os.SEEK_END)
    tail = b""
    while at and tail.count(b"\n", 0, -1) < lines:
        step = min(PIECE, at)
        at = file.seek(at - step)
        tail = file.read(step) + tail
    parts = tail.splitlines(keepends=True)
    file.seek(at + sum(map(len, parts[: max(0, len(parts) - lines)])))


def asked(answer: Answer) -> bytes:
    """What the command printed. Raises CommandFailed in its own words if it failed."""
    if answer.code == 0:
        return answer.out
    message, _, hint = answer.err.decode(errors="replace").rstrip("\n").partition("\nhint: ")
    raise CommandFailed(message or f"exit code {answer.code}", hint=hint or None, exit_code=answer.code)
