"""Several clusters through the real thin clients: numbers and jobs apart, and both back after every death."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from flowbatch.controller import lifecycle

TWO = '[clusters.two]\nkind = "local"\n'
WAITS = (
    "#!/bin/bash\necho $SLURM_CLUSTER_NAME >>runs.$SLURM_CLUSTER_NAME\nuntil [ -e go ]; do sleep 0.05; done\nexit 5\n"
)
ASKS = "#!/bin/bash\n{sbatch} --parsable -o inner.out --wrap true >inner\n"


@pytest.fixture
def both(cluster: Any) -> Any:
    """This machine, and one more queue on it."""
    (cluster.root / "config/flow.toml").write_text(TWO)
    return cluster


def states(cluster: Any, name: str) -> dict[str, str]:
    return dict(
        line.split() for line in cluster.run("squeue", "-M", name, "-h", "-t", "all", "-o", "%i %T").out.splitlines()
    )


def test_the_table_of_clusters(both: Any) -> None:
    said = both.run("sbatch", "-M", "two", "--hold", "-J", "there", "--wrap", "true")
    assert (said.code, said.out, said.err) == (0, "Submitted batch job 1 on cluster two\n", "")
    assert both.run("sbatch", "--hold", "-J", "here", "--parsable", "--wrap", "true").out == "1\n"
    assert both.run("sbatch", "--hold", "--parsable", "--wrap", "true", env={"SLURM_CLUSTERS": "two"}).out == "2;two\n"
    listed = both.run("squeue", "-M", "all", "-o", "%i %j", "-S", "i").out
    assert listed == "CLUSTER: local\nJOBID NAME\n1 here\n\nCLUSTER: two\nJOBID NAME\n1 there\n2 wrap\n"
    assert both.run("scontrol", "-M", "two", "show", "job", "1").out.startswith("JobId=1 JobName=there\n")
    assert both.run("scancel", "-M", "two", "1").code == 0
    assert (states(both, "local"), states(both, "two")) == ({"1": "PENDING"}, {"1": "CANCELLED", "2": "PENDING"})
    said = both.run("squeue", "-M", "three")
    assert (said.code, said.err.splitlines()[0]) == (1, "squeue: error: No cluster 'three' known by database.")


def test_both_come_back_after_a_kill(both: Any) -> None:
    for name in ("local", "two"):
        assert both.run("sbatch", "-M", name, "-o", f"{name}.out", stdin=WAITS).code == 0
    both.until(lambda: {file.name for file in both.work.glob("runs.*")} == {"runs.local", "runs.two"}, "both run")
    both.kill()
    (both.work / "go").touch()
    assert both.run("squeue").code == 0  # starts the next controller, which looks after both
    for name in ("local", "two"):
        both.until(lambda name=name: states(both, name) == {"1": "FAILED"}, f"the job on {name} is over")
        assert (both.work / f"runs.{name}").read_text() == f"{name}\n", "it ran once"


def test_a_job_submits_to_its_own_cluster(both: Any) -> None:
    (both.work / "job.sh").write_text(ASKS.format(sbatch=" ".join(both.command("sbatch"))))
    assert both.run("sbatch", "-M", "two", "--wait", "job.sh").code == 0
    assert (both.work / "inner").read_text() == "2\n"
    assert set(states(both, "two")) == {"1", "2"} and states(both, "local") == {}


def test_a_configuration_that_cannot_be_read_is_named(cluster: Any) -> None:
    (cluster.root / "config/flow.toml").write_text("[clusters.two]\nkind = 'remote'\n")
    said = cluster.run("squeue")
    assert said.code == 1
    assert "flow.toml:2: clusters.two.kind: no such kind of cluster" in said.err


def test_a_cluster_that_does_not_exist_is_no_default(cluster: Any) -> None:
    (cluster.root / "config/flow.toml").write_text('default = "elsewhere"\n')
    said = cluster.run("squeue")
    assert said.code == 1 and "flow.toml: default: there is no cluster elsewhere" in said.err


def test_a_second_controller_opens_nothing(both: Any) -> None:
    assert both.run("squeue", "-M", "all").code == 0
    before = {file: file.stat().st_mtime_ns for file in both.state.rglob("*.db*")}
    second = subprocess.run([sys.executable, "-I", "-m", "flowbatch.app"], env=both.env, timeout=60, check=False)
    assert second.returncode == lifecycle.ALREADY
    assert {file: file.stat().st_mtime_ns for file in both.state.rglob("*.db*")} == before
