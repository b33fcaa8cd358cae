"""The Python API over a real server, with commands that answer as the flow commands do."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import flowbatch
from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_results import JobStatus, Submission, as_json, read_jobs, worst
from flowbatch.errors import CommandFailed, JobFailed, NotThere
from flowbatch.sdk.controller import Controller
from flowbatch.sdk.jobs import JobHandle, jobs, option_words, run, seek_lines, submit

Serve = Callable[..., Controller]

PENDING = JobStatus(
    id="7", job_id=7, name="train", state="PENDING", reason="Priority", user="ann", partition="debug", submitted_at=100,
    started_at=None, ended_at=None, time_limit_min=10, nodes=(), cpus=None, exit_code=None, signal=None, restarts=0,
    work_dir="/w", command="/w/train.slurm", stdout="/w/7.out", stderr="/w/7.out", notes=("a note",),
)  # fmt: skip
DONE = replace(
    PENDING, state="COMPLETED", reason=None, started_at=101, ended_at=105, nodes=("n1",), cpus=2, exit_code=0, signal=0,
    story=((100, "submitted"), (105, "ended")),
)  # fmt: skip
FAILED = replace(DONE, state="FAILED", exit_code=3)
KILLED = replace(DONE, state="CANCELLED", exit_code=0, signal=15)


def answering(*texts: str, code: int = 0, err: str = "", said: list[Call] | None = None) -> object:
    """A command that prints these texts, one a call (the last for ever)."""
    left = list(texts)

    async def command(call: Call, queue: object) -> int:
        if said is not None:
            said.append(call)
        call.out.write(left.pop(0) if len(left) > 1 else left[0] if left else "")
        call.err.write(err)
        return code

    return command


SUBMITTED = as_json(Submission(7, "Submitted batch job 7", False, ()))


def test_views_survive_json() -> None:
    assert read_jobs(as_json([PENDING, DONE]).encode()) == (PENDING, DONE)
    assert Submission.read(json.loads(SUBMITTED)) == Submission(7, "Submitted batch job 7", False, ())


@pytest.mark.parametrize(
    ("ended", "code"),
    [((DONE,), 0), ((FAILED,), 3), ((DONE, FAILED, replace(FAILED, exit_code=2)), 3), ((KILLED,), 1), ((), 0)],
)
def test_the_worst_exit_code_counts(ended: tuple[JobStatus, ...], code: int) -> None:
    assert worst(ended) == code


def test_options_by_name_are_sbatch_words() -> None:
    options = {"cpus_per_task": 4, "hold": True, "comment": "a b", "exclusive": False, "mem": None}
    assert option_words(options) == ["--cpus-per-task=4", "--hold", "--comment=a b"]


def test_submitting_says_options_before_the_script(serve: Serve, tmp_path: Path) -> None:
    said: list[Call] = []
    controller = serve({"flow-submit": answering(SUBMITTED, said=said)})
    handle = submit(Path("job.slurm"), "-N2", args=["--epochs", "5"], cwd=tmp_path, controller=controller, time=10)
    assert handle == JobHandle("7") and said[0].cwd == str(tmp_path)
    assert said[0].argv == ("--", "-N2", "--time=10", "job.slurm", "--", "--epochs", "5")


def test_a_refusal_is_an_error_with_its_hint(serve: Serve) -> None:
    screen = "flow submit: job.slurm:2:9: --time=x: no time\n    #SBATCH --time=x\nhint: say minutes\n"
    controller = serve({"flow-submit": answering(code=255, err=screen)})
    with pytest.raises(CommandFailed, match="--time=x: no time") as raised:
        submit("job.slurm", controller=controller)
    assert raised.value.hint == "say minutes" and raised.value.exit_code == 255


def test_run_waits_and_tells_failure(serve: Serve) -> None:
    ended = answering(as_json([FAILED]))
    controller = serve({"flow-submit": answering(SUBMITTED), "flow-wait": ended})
    with pytest.raises(JobFailed, match="job 7 ended FAILED, exit code 3"):
        run("job.slurm", controller=controller)
    assert run("job.slurm", check=False, controller=controller) == FAILED


def test_the_queue_and_its_history(serve: Serve) -> None:
    said: list[Call] = []
    controller = serve({"flow-jobs": answering(as_json([PENDING]), said=said)})
    assert jobs(controller=controller) == jobs(history=True, controller=controller) == (PENDING,)
    assert [call.argv for call in said] == [("--json",), ("--json", "--all")]


def test_an_array_has_no_single_status(serve: Serve) -> None:
    tasks = [replace(DONE, id="7_1"), replace(DONE, id="7_2")]
    handle = JobHandle("7", serve({"flow-job": answering(as_json(tasks))}))
    with pytest.raises(NotThere, match="2 records") as raised:
        handle.status()
    assert raised.value.hint == "name one, such as 7_1"


def test_following_an_output_to_its_end(serve: Serve, tmp_path: Path) -> None:
    out = tmp_path / "7.out"
    out.write_bytes(b"one\n")
    running, ended = replace(PENDING, state="RUNNING", stdout=str(out), started_at=101), replace(DONE, stdout=str(out))
    handle = JobHandle("7", serve({"flow-job": answering(*(as_json([v]) for v in (running, running, ended)))}))
    pieces = handle.output(follow=True)
    assert next(pieces) == b"one\n"
    with out.open("ab") as file:
        file.write(b"two\n")
    assert b"".join(pieces) == b"two\n"


def test_an_output_that_is_not_there(serve: Serve, tmp_path: Path) -> None:
    handle = JobHandle("7", serve({"flow-job": answering(as_json([replace(PENDING, stdout=str(tmp_path / "x"))]))}))
    with pytest.raises(NotThere, match="No such file") as raised:
        handle.logs()
    assert raised.value.hint == "it has not started: PENDING (Priority)"


@pytest.mark.parametrize(
    ("text", "lines", "left"),
    [
        (b"a\nb\nc\n", 2, b"b\nc\n"), (b"a\nb\nc", 2, b"b\nc"), (b"a\n", 5, b"a\n"), (b"", 3, b""), (b"a\nb\n", 0, b""),
        (b"x" * 70_000 + b"\n" + b"y" * 70_000 + b"\n", 1, b"y" * 70_000 + b"\n"),
    ],
)  # fmt: skip
def test_the_last_lines(text: bytes, lines: int, left: bytes) -> None:
    file = io.BytesIO(text)
    seek_lines(file, lines)
    assert file.read() == left


def test_every_public_name_is_there() -> None:
    for name in flowbatch.PUBLIC:
        assert getattr(flowbatch, name).__module__ == flowbatch.PUBLIC[name]
    assert set(flowbatch.PUBLIC) <= set(dir(flowbatch))
    with pytest.raises(AttributeError, match="no attribute 'submitt'"):
        flowbatch.submitt  # noqa: B018  looking it up is the test
