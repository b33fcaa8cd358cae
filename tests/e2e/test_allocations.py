"""salloc, and srun outside a job: from the thin client through the controller to a command that runs where its caller is."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

WITHIN_S = 30
COMMANDS = ("srun", "salloc", "sbatch", "scancel", "squeue")
"""On the PATH of the callers."""


def record(cluster, job_id: int) -> dict[str, str]:
    """The words of `scontrol show job`."""
    said = cluster.run("scontrol", "show", "job", str(job_id)).out
    return dict(word.partition("=")[::2] for word in said.split())


class Behind:
    """A command that runs on, with what it has said on stderr so far."""

    def __init__(self, cluster, *words: str) -> None:
        self.err = cluster.root / "err"
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                cluster.command(*words), cwd=cluster.work, env=cluster.with_commands(*COMMANDS), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=err, start_new_session=True,
            )  # fmt: skip
        self.cluster = cluster

    def says(self, word: str) -> None:
        self.cluster.until(lambda: word in self.err.read_text(), f"it says {word!r}")

    def end(self) -> tuple[int, list[str]]:
        return self.process.wait(WITHIN_S), self.err.read_text().splitlines()


def test_srun_runs_a_job_of_one_step(cluster):
    done = cluster.run("srun", "sh", "-c", "cat; echo err >&2; exit 5", stdin="in\n")
    host = record(cluster, 1)["NodeList"]
    said = ["err", f"srun: error: {host}: task 0: Exited with exit code 5"]
    assert (done.code, done.out, done.err.splitlines()) == (5, "in\n", said)
    cluster.wait_state(1, "FAILED")
    told = record(cluster, 1)
    assert (told["JobName"], told["Command"], told["BatchFlag"], told["ExitCode"]) == ("sh", "sh", "0", "5:0")


def test_how_a_step_s_task_ended_is_how_its_job_did(cluster):
    assert cluster.run("srun", "sh", "-c", "exit 137").code == 137
    assert cluster.run("srun", "sh", "-c", "kill -9 $$").code == 137
    cluster.wait_state(2, "FAILED")
    assert [record(cluster, number)["ExitCode"] for number in (1, 2)] == ["137:0", "0:9"]


def test_a_second_ctrl_c_cancels_the_job_of_an_srun(cluster):
    srun = Behind(cluster, "srun", "sh", "-c", "echo >&2 begun; exec sleep 60")
    srun.says("begun")
    srun.process.send_signal(signal.SIGINT)
    srun.says("one more within 1 sec to abort")
    srun.process.send_signal(signal.SIGINT)
    assert srun.end()[0] == 130
    cluster.wait_state(1, "CANCELLED")
    assert record(cluster, 1)["ExitCode"] == "0:0"


def test_codes_that_the_environment_names(cluster):
    """22.05's own: of --immediate 1 unless it is named, of a job that is over the one for errors; complaints come once."""
    once = cluster.run("srun", "true", env={"SLURM_EXIT_ERROR": "0"})
    assert (once.code, once.err) == (0, "srun: error: SLURM_EXIT_ERROR has zero value\n")
    cluster.wait_state(1, "COMPLETED")
    expired = cluster.run("srun", "--jobid=1", "true", env={"SLURM_EXIT_ERROR": "5"})
    assert (expired.code, expired.err.splitlines()[0]) == (5, "srun: error: Slurm job 1 has expired")
    named = {"SLURM_EXIT_ERROR": "5"}, {"SLURM_EXIT_ERROR": "5", "SLURM_EXIT_IMMEDIATE": "7"}
    assert cluster.run("srun", "--hold", "-I", "true", env=named[1]).code == 5
    cluster.submit("#!/bin/sh\nsleep 60\n", "--exclusive")
    cluster.wait_state(2, "RUNNING")
    assert [cluster.run("salloc", "--exclusive", "-I", "true", env=env).code for env in named] == [1, 7]


def test_a_test_of_srun_allocates_nothing(cluster):
    done = cluster.run("srun", "--test-only", "true")
    assert (done.code, done.out) == (0, "") and done.err.startswith("srun: Job 1 to start at ")
    done = cluster.run("srun", "--test-only", "-N9", "true")
    assert (done.code, done.err) == (1, "allocation failure: More processors requested than permitted\n")
    assert cluster.jobs() == {}


def test_salloc_runs_a_command_with_the_job_s_variables(cluster):
    done = cluster.run("salloc", "-J", "mine", "sh", "-c", 'echo "$SLURM_JOB_ID $SLURM_JOB_NAME"; exit 3')
    said = ["salloc: Granted job allocation 1", "salloc: Relinquishing job allocation 1"]
    assert (done.code, done.out, done.err.splitlines()) == (3, "1 mine\n", said)
    cluster.wait_state(1, "FAILED")
    told = record(cluster, 1)
    assert (told["BatchFlag"], told["ExitCode"], "StdOut" in told) == ("0", "3:0", False)


def test_steps_and_jobs_from_inside(cluster):
    inside = "srun echo step; sbatch -Q -o /dev/null --wrap true; srun sh -c 'exit 4'; echo $?"
    done = cluster.run("salloc", "sh", "-c", inside, env=cluster.with_commands(*COMMANDS))
    assert (done.code, done.out) == (0, "step\n4\n"), done
    cluster.wait_state(2, "COMPLETED")


def test_heterogeneous_jobs_of_srun_and_salloc(cluster):
    cluster.configure("NodeName=n[1-2] NodeHostname=localhost CPUs=4\nPartitionName=p Nodes=ALL Default=YES\n")
    done = cluster.run("srun", "-l", "-n1", ":", "-n2", "sh", "-c", "echo $SLURM_JOB_NODELIST $SLURM_NTASKS")
    waits = ["srun: job 1 queued and waiting for resources", "srun: job 1 has been allocated resources"]
    assert (done.code, sorted(done.out.splitlines())) == (0, [f"{rank}: n[1-2] 3" for rank in range(3)]), done
    assert done.err.splitlines() == waits
    inside = "srun --het-group=0,1 -l printenv SLURM_PROCID; srun --het-group=1 -l printenv SLURM_NTASKS; exit 4"
    done = cluster.run("salloc", "-Q", "-n1", ":", "-n2", "sh", "-c", inside, env=cluster.with_commands(*COMMANDS))
    assert (done.code, sorted(done.out.splitlines())) == (4, ["0: 0", "0: 2", "1: 1", "1: 2", "2: 2"]), done
    assert cluster.run("salloc", "--no-shell", "-n1", ":", "-n1").code == 0
    cluster.run("scancel", "5")
    ends = {
        "1+0": "COMPLETED",
        "1+1": "COMPLETED",
        "3+0": "FAILED",
        "3+1": "FAILED",
        "5+0": "CANCELLED",
        "5+1": "CANCELLED",
    }

    def told() -> dict[str, str]:
        return dict(line.split() for line in cluster.run("squeue", "-ht", "all", "-o", "%i %T").out.splitlines())

    cluster.until(lambda: told() == ends, "all have ended")


def test_held_without_a_shell_until_it_is_cancelled(cluster):
    done = cluster.run("salloc", "--no-shell")
    assert (done.code, done.err) == (0, "salloc: Granted job allocation 1\n")
    assert cluster.wait_state(1, "RUNNING")
    assert cluster.run("srun", "--jobid=1", "echo", "there").out == "there\n"
    cluster.run("scancel", "1")
    cluster.wait_state(1, "CANCELLED")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "salloc",
            [
                "salloc: Job is in held state, pending scheduler release",
                "salloc: Pending job allocation 1",
                "salloc: job 1 queued and waiting for resources",
                "salloc: Job allocation 1 has been revoked.",
                "salloc: Job aborted due to signal",
            ],
        ),
        (
            "srun",
            [
                "srun: Job is in held state, pending scheduler release",
                "srun: job 1 queued and waiting for resources",
                "srun: Job allocation 1 has been revoked",
                "srun: Force Terminated JobId=1",
            ],
        ),
    ],
)
def test_interrupted_while_it_waits(cluster, command, said):
    waiting = Behind(cluster, command, "-H", "true")
    waiting.says("queued")
    waiting.process.send_signal(signal.SIGINT)
    assert waiting.end() == (1, said)
    cluster.wait_state(1, "CANCELLED")


def test_released_while_it_waits(cluster):
    waiting = Behind(cluster, "salloc", "-H", "true")
    waiting.says("queued")
    cluster.run("scontrol", "release", "1")
    code, said = waiting.end()
    assert (code, said[-3:]) == (
        0,
        [
            "salloc: job 1 has been allocated resources",
            "salloc: Granted job allocation 1",
            "salloc: Relinquishing job allocation 1",
        ],
    )


def test_cancelled_from_outside(cluster):
    holding = Behind(cluster, "salloc", "-K", "sh", "-c", "touch runs; exec sleep 60")
    cluster.until((cluster.work / "runs").exists, "the command runs")
    cluster.run("scancel", "1")
    granted, revoked = "salloc: Granted job allocation 1", "salloc: Job allocation 1 has been revoked."
    assert holding.end() == (1, [granted, revoked])
    cluster.wait_state(1, "CANCELLED")


def test_a_step_ends_with_its_job(cluster):
    running = Behind(cluster, "srun", "sleep", "60")
    cluster.until(lambda: "1.0" in cluster.run("squeue", "-s", "-h").out, "the step runs")
    cluster.run("scancel", "1")
    code, said = running.end()
    assert code == 143, said
    cluster.wait_state(1, "CANCELLED")
    assert record(cluster, 1)["ExitCode"] == "0:15"


def test_at_once_or_not_at_all(cluster):
    cluster.run("salloc", "--no-shell", "--exclusive")
    for command in ("salloc", "srun"):
        done = cluster.run(command, "-I", "true")
        told = f"{command}: error: Unable to allocate resources: Requested nodes are busy\n"
        assert (done.code, done.err) == (1, told)


def test_a_shell_on_a_terminal_has_it_for_itself(cluster):
    """Ctrl-C is its foreground program's, not salloc's; the shell's exit code is salloc's."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cluster.work)
        words = cluster.command("salloc", "bash", "--norc")
        os.execve(words[0], words, {**cluster.env, "PS1": "ready> "})
    heard = ""

    def until(pattern: str) -> None:
        nonlocal heard
        deadline = time.monotonic() + WITHIN_S
        while not re.search(pattern, heard):
            assert time.monotonic() < deadline, heard
            if select.select([terminal], [], [], 0.1)[0]:
                heard += os.read(terminal, 4096).decode()

    until("ready> ")
    os.write(terminal, b"echo job=$SLURM_JOB_ID; sleep 60\n")
    until("job=1\r")
    until("sleep 60")
    cluster.until(lambda: b"sleep\x0060\0" in _command_line(os.tcgetpgrp(terminal)), "sleep has the terminal")
    os.write(terminal, b"\x03")
    os.write(terminal, b"echo after=$?; exit 7\n")
    until("after=130\r")
    until("Relinquishing job allocation 1")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(terminal)


def _command_line(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""
