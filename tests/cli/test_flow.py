"""What `flow` says to its user and hands to the controller; the controller's side is answered by the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowbatch import __version__
from flowbatch.cli.entry import flow as group
from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_results import JobStatus, Submission, as_json
from flowbatch.errors import FlowError
from flowbatch.node.commands import COMMANDS
from flowbatch.paths import Paths

Flow = Callable[..., tuple[int, str, str]]
Serve = Callable[..., object]

JOB = JobStatus(
    id="7", job_id=7, name="train", state="COMPLETED", reason=None, user="ann", partition="debug", submitted_at=100,
    started_at=101, ended_at=105, time_limit_min=10, nodes=("n1",), cpus=2, exit_code=0, signal=0, restarts=0,
    work_dir="/w", command="/w/train.slurm", stdout="/w/7.out", stderr="/w/7.out",
)  # fmt: skip


class Answers:
    """Commands that print a text and remember how they were called."""

    def __init__(self, **texts: str) -> None:
        self.said: list[tuple[str, ...]] = []
        self.commands = {name.replace("_", "-"): self._command(text) for name, text in texts.items()}

    def _command(self, text: str) -> object:
        async def command(call: Call, queue: object) -> int:
            self.said.append((call.command, *call.argv))
            call.out.write(text)
            return 0

        return command


def submitted(wait: bool = False) -> str:
    return as_json(Submission(7, "Submitted batch job 7", wait, ("unknown partition gpu: runs in debug",)))


def test_version_and_help(flow: Flow) -> None:
    assert flow("--version") == (0, f"flow {__version__}\n", "")
    code, out, _ = flow("--help")
    assert code == 0 and all(name in out for name in group.commands)


@pytest.mark.parametrize("name", sorted(group.commands))
def test_each_command_says_what_it_is_for(flow: Flow, name: str) -> None:
    code, out, _ = flow(name, "--help")
    assert code == 0 and out.startswith(f"Usage: flow {name}")


def test_a_wrong_word_is_usage(flow: Flow) -> None:
    code, out, err = flow("statsu")
    assert code == 2 and out == "" and "No such command 'statsu'" in err


def test_words_of_sbatch_are_passed_on_as_they_are(flow: Flow, serve: Serve) -> None:
    answers = Answers(flow_submit=submitted())
    serve(answers.commands)
    words = ["-N2", "job.slurm", "--gpus", "1", "-ohello", "--strict", "--comment=--wait", "--", "--json", "-x"]
    assert flow("submit", *words)[:2] == (0, "Submitted batch job 7\n")
    rest = ["-N2", "job.slurm", "--gpus", "1", "-ohello", "--comment=--wait", "--", "--json", "-x"]
    assert answers.said == [("flow-submit", "--strict", "--", *rest)]


def test_notes_are_for_a_terminal(flow: Flow, serve: Serve) -> None:
    serve(Answers(flow_submit=submitted()).commands)
    assert flow("submit", "job.slurm") == (0, "Submitted batch job 7\n", "")


def test_json_of_a_submission(flow: Flow, serve: Serve) -> None:
    serve(Answers(flow_submit=submitted(), flow_wait=as_json([JOB])).commands)
    assert json.loads(flow("submit", "job.slurm", "--json")[1])["job_id"] == 7
    waited = json.loads(flow("submit", "job.slurm", "--json", "--wait")[1])
    assert waited["notes"] == ["unknown partition gpu: runs in debug"] and waited["jobs"][0]["state"] == "COMPLETED"


@pytest.mark.parametrize("words", [["job.slurm", "--wait"], ["job.slurm"]])
def test_waiting_ends_as_the_job_does(flow: Flow, serve: Serve, words: list[str]) -> None:
    failed = json.loads(as_json([JOB]))[0] | {"state": "FAILED", "exit_code": 9}
    answers = Answers(flow_submit=submitted(wait="--wait" not in words), flow_wait=as_json([failed]))
    serve(answers.commands)
    assert flow("submit", *words) == (9, "Submitted batch job 7\n", "")
    assert answers.said[1] == ("flow-wait", "7")


def test_explaining_submits_nothing(flow: Flow, serve: Serve) -> None:
    answers = Answers(flow_explain="line 2: honoured\n")
    serve(answers.commands)
    assert flow("submit", "job.slurm", "--explain", "--json", "-n", "2") == (0, "line 2: honoured\n", "")
    assert flow("explain", "job.slurm", "--waive", "qos")[0] == 0
    assert answers.said == [
        ("flow-explain", "--json", "--", "job.slurm", "-n", "2"), ("flow-explain", "--waive=qos", "--", "job.slurm"),
    ]  # fmt: skip


def test_status_and_cancel_are_the_controller_s_words(flow: Flow, serve: Serve) -> None:
    answers = Answers(flow_jobs="no jobs\n", flow_job="job 7\n", flow_cancel="")
    serve(answers.commands)
    assert flow("status", "--all")[1] == "no jobs\n" and flow("status", "7", "--json")[1] == "job 7\n"
    assert flow("cancel", "7", "8_1")[0] == 0
    assert answers.said == [("flow-jobs", "--all"), ("flow-job", "--json", "7"), ("flow-cancel", "7", "8_1")]


def test_logs(flow: Flow, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"one\ntwo\n\xff\n")
    serve(Answers(flow_job=as_json([json.loads(as_json([JOB]))[0] | {"stdout": str(tmp_path / "out")}])).commands)
    assert main_bytes(flow, "logs", "7", "-n", "2") == b"two\n\xff\n"


def main_bytes(flow: Flow, *words: str) -> bytes:
    done = subprocess.run([sys.executable, "-c", "import sys; from flowbatch.cli.entry import main; sys.exit(main())", *words],
                          capture_output=True, check=True, timeout=60)  # fmt: skip
    assert done.stderr == b""
    return done.stdout


def test_shims(flow: Flow, tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert flow("shims", "which") == (
        1,
        "".join(f"{c}: not on PATH\n" for c in COMMANDS),
        "",
    )
    code, out, err = flow("shims", "install", "--to", str(tmp_path / "bin"))
    assert (
        code == 0 and out.splitlines()[0] == str(tmp_path / "bin" / "sbatch") and f"export PATH={tmp_path}/bin" in err
    )
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert flow("shims", "which")[0] == 0
    assert flow("shims", "env")[1] == f'export PATH={paths.state}/shims:"$PATH"\n'
    assert (paths.state / "shims" / "sbatch").exists()
    (tmp_path / "bin" / "squeue").write_text("#!/bin/sh\n")
    code, out, err = flow("shims", "install", "--to", str(tmp_path / "bin"))
    assert (code, out) == (1, "") and err.startswith("flow: ") and "\nhint: " in err
    assert len(flow("shims", "uninstall", "--to", str(tmp_path / "bin"))[1].splitlines()) == len(COMMANDS) - 1


def test_a_controller_that_does_not_run_is_not_started_by_asking(flow: Flow, paths: Paths) -> None:
    code, out, _ = flow("controller", "status", "--json")
    said = json.loads(out)
    assert code == 3 and not said["running"] and said["pid"] is None and said["socket"] == str(paths.socket)
    assert flow("controller", "status")[1].startswith("pid      not running\nsocket   ")
    assert flow("controller", "stop")[:2] == (0, "controller: none was running\n")


def test_completion(flow: Flow) -> None:
    for shell in ("bash", "zsh", "fish"):
        code, out, _ = flow("completion", shell)
        assert code == 0 and "_FLOW_COMPLETE" in out


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (FlowError("no room", hint="make some"), 1, "flow: no room\nhint: make some\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_errors_are_messages(error: BaseException, code: int, said: str) -> None:
    program = (
        "import sys\nfrom flowbatch.cli import entry\nfrom flowbatch.errors import FlowError\n"
        f"def main(*a, **k): raise {error!r}\n" if not isinstance(error, FlowError) else
        "import sys\nfrom flowbatch.cli import entry\nfrom flowbatch.errors import FlowError\n"
        "def main(*a, **k): raise FlowError('no room', hint='make some')\n"
    ) + "entry.flow.main = main\nsys.exit(entry.main())\n"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (code, said)


def test_a_reader_that_leaves_is_no_error(flow: Flow, serve: Serve) -> None:
    serve(Answers(flow_jobs="x" * 1_000_000).commands)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from flowbatch.cli.entry import main; sys.exit(main(['status']))"],
        stdout=writing, stderr=subprocess.PIPE, timeout=60,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
