"""kill -9 of each process of an allocation: nothing is held for a command that is gone, and a command that lives loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.e2e.conftest import alive

WITHIN_S = 60


def behind(cluster, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        cluster.command(*words), cwd=cluster.work, env=cluster.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def held(cluster) -> None:
    """The command of job 1 runs: it has made the file."""
    cluster.until((cluster.work / "runs").exists, "the command runs")


def waits(cluster) -> None:
    cluster.until(lambda: cluster.jobs().get("1") == "PENDING", "job 1 waits")


HOLD = ("salloc", "sh", "-c", "touch runs; while [ ! -e end ]; do sleep 0.1; done; exit 6")


def test_the_caller_dies_while_it_waits(cluster):
    caller = behind(cluster, "salloc", "-H", "true")
    waits(cluster)
    caller.kill()
    caller.wait()
    cluster.wait_state(1, "CANCELLED")


def test_the_caller_dies_while_it_holds(cluster):
    caller = behind(cluster, *HOLD)
    held(cluster)
    caller.kill()
    caller.wait()
    cluster.wait_state(1, "CANCELLED")
    (cluster.work / "end").touch()


def test_srun_dies_and_its_tasks_with_it(cluster):
    caller = behind(cluster, "srun", "sh", "-c", "echo $$ > runs.new; mv runs.new runs; exec sleep 60")
    held(cluster)
    task = int((cluster.work / "runs").read_text())
    caller.kill()
    caller.wait()
    cluster.wait_state(1, "CANCELLED")
    cluster.until(lambda: not alive(task), "its task is gone")


def test_the_controller_dies_while_a_caller_waits(cluster):
    caller = behind(cluster, "salloc", "-H", "true")
    waits(cluster)
    cluster.kill()
    assert caller.wait(WITHIN_S) == 1
    cluster.wait_state(1, "CANCELLED")


@pytest.mark.parametrize("dead", [("controller.pid",), ("controller.pid", "node.pid")])
def test_nobody_asks_until_the_command_is_over(cluster, dead):
    """It tells its end to the node daemon; if there is none, to one that it starts itself."""
    caller = behind(cluster, *HOLD)
    held(cluster)
    for name in dead:
        cluster.kill(name)
    (cluster.work / "end").touch()
    assert caller.wait(WITHIN_S) == 6
    cluster.wait_state(1, "FAILED")
    assert "ExitCode=6:0" in cluster.run("scontrol", "show", "job", "1").out


def test_the_node_dies_while_it_is_held(cluster):
    caller = behind(cluster, *HOLD)
    held(cluster)
    cluster.kill("node.pid")
    assert cluster.wait_state(1, "RUNNING")
    (cluster.work / "end").touch()
    assert caller.wait(WITHIN_S) == 6
    cluster.wait_state(1, "FAILED")
    assert "ExitCode=6:0" in cluster.run("scontrol", "show", "job", "1").out


def test_the_caller_dies_while_the_node_is_away(cluster):
    """A node that was stopped hears of it when it goes on."""
    caller = behind(cluster, *HOLD)
    held(cluster)
    node = cluster.pid("node.pid")
    os.kill(node, signal.SIGSTOP)
    caller.kill()
    caller.wait()
    os.kill(node, signal.SIGCONT)
    cluster.wait_state(1, "CANCELLED")
    (cluster.work / "end").touch()
