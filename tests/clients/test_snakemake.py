"""Snakemake: a workflow as jobs by its slurm executor, whose jobs start their steps by srun with the jobstep executor."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

CLIENT = "snakemake"
WORDS = (
    "snakemake", "--executor", "slurm", "--jobs", "4", "--default-resources", "slurm_partition=debug", "slurm_account=root",
    "--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1", "--latency-wait", "10",
)  # fmt: skip


@pytest.fixture
def workflow(client):
    """The words that run a workflow, whose file is in the client's directory."""

    def at(name: str) -> tuple[str, ...]:
        shutil.copy(os.path.join(os.path.dirname(__file__), "programs", "snakemake", name), client.work)
        return (*WORDS, "--snakefile", name)

    return at


def test_a_workflow_with_groups_and_a_rule_that_fails_at_first(client, workflow):
    done = client.run(*workflow("Snakefile"))
    assert done.code == 0, done.err
    assert (client.work / "gathered.txt").read_text() == "A ON 2\nA ON 2\nB ON 2\nB ON 2\n"
    assert (client.work / "stubborn.txt").read_text() == "200\n"
    assert set(client.site.says("sacct", "-X", "-n", "-P", "-o", "account").split()) == {"root"}


def test_a_rule_that_fails_for_good(client, workflow):
    done = client.run(*workflow("Failing"))
    assert done.code == 1
    assert "SLURM status is: 'FAILED'" in done.err, done.err
    assert len((client.work / "tries.txt").read_text().split()) >= 2  # it tries again inside each job too


def test_ctrl_c_takes_the_jobs_along(client, workflow):
    running = client.start(*workflow("Sleeping"))
    try:
        client.site.until(lambda: list(client.site.states().values()).count("RUNNING") == 2, "both run")
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 1, said
    client.site.until(lambda: not client.site.says("squeue", "-h"), "they are gone")
    assert sorted(client.site.states().values())[:2] == ["CANCELLED", "CANCELLED"]
