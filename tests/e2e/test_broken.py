"""A machine that is broken under a queue at work: it says so, loses nothing, and goes on once it is mended."""

from __future__ import annotations

import os
import resource
import socket
import sqlite3
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.disks import fill, small
from tests.e2e.conftest import until

mounts = pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted by root alone")
WAITS = "until [ -e go ]; do sleep 0.1; done; exit 3"
MANY_WITHIN_S = 120
"""How long two hundred of anything may take on a busy machine."""


def doctor(cluster) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", "-m", "flowbatch", "doctor"]
    return subprocess.run(words, env=cluster.env, capture_output=True, text=True, timeout=60, check=False)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def ends(cluster, job: int) -> str:
    return cluster.run("sacct", "-n", "-P", "-X", "-j", str(job), "-o", "state,exitcode").out


@mounts
@pytest.mark.patient
def test_a_full_disk_under_store_journal_spool_and_output(cluster):
    """What runs ends truly, what is new is refused, and nothing has to be told once there is room again."""
    with small(cluster.state, "12m"), small(cluster.work, "64k"):
        try:
            runs = cluster.submit(f"#!/bin/sh\n{WAITS}\n", "-o", "out")
            cluster.wait_state(runs, "RUNNING")
            speaks = cluster.submit("#!/bin/sh\nhead -c 200000 /dev/zero\nexit $?\n", "-o", "full")
            cluster.wait_state(speaks, "FAILED")
            assert ends(cluster, speaks) == "FAILED|1:0\n"
            (cluster.work / "full").unlink()
            fill(cluster.state / "ballast")
            (cluster.work / "go").touch()
            refused = cluster.run("sbatch", stdin=f"#!/bin/sh\n# {'x' * 100_000}\n")
            unwritten = "sbatch: error: Batch job submission failed: I/O error writing script/environment to file\n"
            assert (refused.code, refused.out, refused.err) == (1, "", unwritten)
            told = doctor(cluster)
            assert told.returncode == 1 and "make room" in told.stdout
            cluster.run("squeue")
            (cluster.state / "ballast").unlink()
            cluster.wait_state(runs, "FAILED")
            assert ends(cluster, runs) == "FAILED|3:0\n"
            after = cluster.submit("#!/bin/sh\ntrue\n")
            assert after == speaks + 1
            cluster.wait_state(after, "COMPLETED")
            assert doctor(cluster).stdout.count("PROBLEM") == 1  # 12 MB are few, also when they are free
        finally:
            cluster.shut()


@mounts
def test_a_state_directory_that_cannot_be_written(cluster):
    with small(cluster.state, "1m"):
        subprocess.run(["mount", "-o", "remount,ro", str(cluster.state)], check=True)
        refused = cluster.run("sbatch", stdin="#!/bin/sh\n")
        assert (refused.code, refused.out) == (1, "")
        assert "cannot write to the state directory" in refused.err, refused
        assert refused.err.endswith(
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)\n"
        )
        told = doctor(cluster)
        assert told.returncode == 1 and "cannot be written: Read-only file system" in told.stdout, told
        assert not list(cluster.state.iterdir())


def test_a_store_of_a_later_version(cluster):
    """It is refused in words, and not a byte of it is another."""
    path = cluster.state / "store.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE jobs (later TEXT)")
    db.execute("PRAGMA user_version = 999")
    db.close()
    before = path.read_bytes()
    refused = cluster.run("sbatch", stdin="#!/bin/sh\n")
    assert (refused.code, refused.out) == (1, "")
    assert "was written by a later version of flowbatch" in refused.err and "use that version" in refused.err
    told = doctor(cluster)
    assert told.returncode == 1 and "use that version" in told.stdout, told
    assert path.read_bytes() == before
    path.unlink()  # the fixture would open it


@pytest.mark.patient
def test_a_node_daemon_without_descriptors(cluster):
    """The job that it cannot start waits until it can; what runs ends truly."""
    runs = cluster.submit(f"#!/bin/sh\ntouch up\n{WAITS}\n", "-o", "out")
    cluster.until((cluster.work / "up").exists, "the first job runs")
    node = cluster.pid("node.pid")
    usual = resource.prlimit(node, resource.RLIMIT_NOFILE)
    resource.prlimit(node, resource.RLIMIT_NOFILE, (descriptors(node), usual[1]))
    starved = cluster.submit("#!/bin/sh\necho up >>once\nexit 4\n", "-o", "starved")
    cluster.until(lambda: "waits for room" in cluster.logs() and "Too many open files" in cluster.logs(), "it waits")
    (cluster.work / "go").touch()
    resource.prlimit(node, resource.RLIMIT_NOFILE, usual)
    for job in (runs, starved):
        cluster.wait_state(job, "FAILED")
    assert [ends(cluster, job) for job in (runs, starved)] == ["FAILED|3:0\n", "FAILED|4:0\n"]
    assert (cluster.work / "once").read_text() == "up\n"
    cluster.wait_state(cluster.submit("#!/bin/sh\ntrue\n"), "COMPLETED")
    assert cluster.pid("node.pid") == node


@pytest.mark.patient
@pytest.mark.timeout(300)
def test_a_controller_without_descriptors(cluster):
    """Callers who say nothing take them all: the others wait until one of those is gone."""
    cluster.wait_state(cluster.submit("#!/bin/sh\ntrue\n"), "COMPLETED")
    controller = cluster.pid()
    most = descriptors(controller) + 8
    resource.prlimit(
        controller, resource.RLIMIT_NOFILE, (most, resource.prlimit(controller, resource.RLIMIT_NOFILE)[1])
    )
    with ExitStack() as silent:
        for _ in range(40):
            line = silent.enter_context(socket.socket(socket.AF_UNIX))
            line.connect(str(cluster.state / "controller.sock"))
        cluster.until(lambda: descriptors(controller) >= most, "all are taken")
        with cluster.start("squeue") as waiting:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(1)
            silent.close()
            assert waiting.wait(60) == 0
    assert cluster.pid() == controller
    assert cluster.submit("#!/bin/sh\ntrue\n") == 2
    cluster.wait_state(2, "COMPLETED")


@pytest.mark.patient
@pytest.mark.timeout(300)
def test_two_hundred_clients_at_once(cluster):
    """The first of them start the controller; each has a number of its own, and each job runs once."""
    clients = [
        subprocess.Popen(
            [*cluster.command("sbatch"), "--parsable", "-o", "/dev/null", "--wrap", "echo $SLURM_JOB_ID >>runs"], cwd=cluster.work,
            env=cluster.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(200)
    ]  # fmt: skip
    said = [(*client.communicate(timeout=MANY_WITHIN_S), client.returncode) for client in clients]
    assert {(err, code) for _, err, code in said} == {("", 0)}
    assert sorted(int(out) for out, *_ in said) == list(range(1, 201))
    until(lambda: not cluster.run("squeue", "-h").out, "all have run", cluster.logs, MANY_WITHIN_S)
    assert sorted(map(int, (cluster.work / "runs").read_text().split())) == list(range(1, 201))
