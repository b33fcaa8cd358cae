"""Steps as records: what srun runs in a job is listed while it runs, remembered when it is over, and survives every death."""

from __future__ import annotations

import os
import signal

import pytest

RUNS = """#!/bin/bash
#SBATCH --ntasks=2 --overcommit --job-name=steps
srun -n2 -J first true
srun -n1 --overlap sh -c 'exit 3'
srun -n1 --overlap sh -c 'kill -9 $$'
srun -n1 --overlap -J waits sh -c 'touch began; until [ -e go ]; do sleep 0.05; done' &
until [ -e began ]; do sleep 0.05; done
srun -n1 --overlap sh -c 'trap "exit 7" USR1; until [ -e go ]; do sleep 0.05; done'
wait
"""


@pytest.fixture
def listed(cluster):
    """A line for each step by sacct, as `0 COMPLETED 0:0`."""

    def ask(job: int) -> list[str]:
        done = cluster.run("sacct", "-nP", "-j", str(job), "-o", "jobid,jobname,state,exitcode")
        assert (done.code, done.err) == (0, "")
        return [line.split(".", 1)[1].replace("|", " ") for line in done.out.splitlines() if "." in line]

    return ask


@pytest.fixture
def job(cluster):
    """A job whose steps 3 and 4 wait, after three that are over."""
    done = cluster.run("sbatch", "--parsable", stdin=RUNS, env=cluster.with_commands("srun"))
    assert done.code == 0, done
    running = lambda: cluster.run("squeue", "-hs", "-o", "%i").out.split()  # noqa: E731  asked again and again
    cluster.until(lambda: {f"{done.out.strip()}.3", f"{done.out.strip()}.4"} <= {*running()}, "its steps run")
    return int(done.out)


OVER = ["0 first COMPLETED 0:0", "1 sh FAILED 3:0", "2 sh CANCELLED 0:9"]


def finish(cluster, job: int) -> None:
    (cluster.work / "go").touch()
    cluster.until(lambda: cluster.jobs("-j", str(job)).get(str(job), "") in ("COMPLETED", "FAILED"), "it ends")


def test_steps_are_listed_shown_signalled_and_remembered(cluster, listed, job):
    said = cluster.run("squeue", "-hs", "-j", str(job), "-o", "%i %j %A %N")
    host = said.out.split()[3]
    assert {line.split()[0] for line in said.out.splitlines()} == {f"{job}.3", f"{job}.4", f"{job}.batch"}
    assert f"{job}.3 waits 1 {host}" in said.out
    assert "Name=waits" in cluster.run("scontrol", "show", "step", f"{job}.3").out
    assert cluster.run("scontrol", "show", "step", f"{job}.1").code == 1
    assert cluster.run("sstat", "-nP", "-o", "jobid", f"{job}.3").out == f"{job}.3\n"
    assert cluster.run("scancel", "-s", "USR1", f"{job}.4").code == 0
    cluster.until(lambda: "4 sh FAILED 7:0" in listed(job), "step 4 hears the signal")
    assert cluster.run("scancel", f"{job}.3").code == 0
    cluster.until(lambda: listed(job)[-2:] == ["3 waits CANCELLED by 0 0:9", "4 sh FAILED 7:0"], "step 3 is cancelled")
    finish(cluster, job)
    assert listed(job)[1:4] == OVER
    assert cluster.run("sacct", "-nP", "-X", "-j", str(job), "-o", "jobid,derivedexitcode").out == f"{job}|7:0\n"
    assert cluster.run("sacct", "-nP", "-j", f"{job}.1", "-o", "jobid").out == f"{job}.1\n"
    assert cluster.run("squeue", "-hs", "-o", "%i").out == ""


@pytest.mark.parametrize("dead", [("node.pid",), ("controller.pid",), ("node.pid", "controller.pid")], ids=" ".join)
def test_no_death_loses_a_step_or_tells_of_one_twice(cluster, listed, job, dead):
    for name in dead:
        cluster.kill(name)
    assert listed(job)[1:] == [*OVER, "3 waits RUNNING 0:0", "4 sh RUNNING 0:0"]
    finish(cluster, job)
    assert listed(job) == ["batch batch COMPLETED 0:0", *OVER, "3 waits COMPLETED 0:0", "4 sh COMPLETED 0:0"]


def test_a_step_whose_srun_dies_while_nobody_looks_was_killed(cluster, listed, job):
    shown = cluster.run("scontrol", "show", "step", f"{job}.3").out
    srun = int(shown.rpartition(":")[2].split()[0])
    cluster.kill("node.pid")

    os.kill(srun, signal.SIGKILL)
    cluster.until(lambda: "3 waits CANCELLED 0:9" in listed(job), "the next node daemon tells of it")
    finish(cluster, job)
    assert listed(job)[1:] == [*OVER, "3 waits CANCELLED 0:9", "4 sh COMPLETED 0:0"]
