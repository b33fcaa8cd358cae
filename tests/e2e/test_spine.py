"""The way of a job, all of it: thin client, controller, node daemon, output file; and back after every death."""

from __future__ import annotations

import signal
import stat
import subprocess

import pytest

HELLO = "#!/bin/bash\n#SBATCH --job-name=hello\necho out $SLURM_JOB_ID $1; echo err >&2; exit 3\n"
WAITS = "#!/bin/bash\necho $SLURM_JOB_ID >>runs\nuntil [ -e go ]; do sleep 0.05; done\nexit 5\n"


def test_a_script_runs_and_its_output_is_beside_it(cluster):
    (cluster.work / "job.sh").write_text(HELLO)
    done = cluster.run("sbatch", "job.sh", "argument")
    assert (done.code, done.out, done.err) == (0, "Submitted batch job 1\n", "")
    assert cluster.wait_state(1, "FAILED", "COMPLETED") == "FAILED"
    assert (cluster.work / "slurm-1.out").read_text() == "out 1 argument\nerr\n"


def test_the_exit_code_comes_back_with_wait(cluster):
    done = cluster.run("sbatch", "--wait", stdin=HELLO)
    assert (done.code, done.out) == (3, "Submitted batch job 1\n")


def test_the_environment_of_the_caller_goes_along(cluster):
    (cluster.work / "job.sh").write_bytes(
        b'#!/bin/sh\nprintf "%s" "$RAW" >raw; umask >mask; pwd >where; ulimit -Sn >files\n'
    )
    env = {**{name.encode(): value.encode() for name, value in cluster.env.items()}, b"RAW": b"\xff\xe9 =\n"}
    shell = ["sh", "-c", 'umask 027; ulimit -Sn 777; exec "$@"', "sh"]
    subprocess.run([*shell, *cluster.command("sbatch", "--wait", "job.sh")], cwd=cluster.work, env=env, check=True)
    assert (cluster.work / "raw").read_bytes() == b"\xff\xe9 =\n"
    assert (cluster.work / "mask").read_text() == "0027\n"
    assert (cluster.work / "where").read_text() == f"{cluster.work}\n"
    assert (cluster.work / "files").read_text() == "777\n"
    assert stat.S_IMODE((cluster.work / "slurm-1.out").stat().st_mode) == 0o640


def test_a_refusal_is_slurms(cluster):
    done = cluster.run("sbatch", "-n", "100000", "--wrap", "true")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("sbatch: error: Batch job submission failed: ")
    assert cluster.jobs() == {}


def test_a_missing_script(cluster):
    done = cluster.run("sbatch", "missing.sh")
    assert (done.code, done.out, done.err) == (1, "", "sbatch: error: Unable to open file missing.sh\n")


def test_cancel_a_running_job(cluster):
    job = cluster.submit(WAITS)
    cluster.wait_state(job, "RUNNING")
    assert cluster.run("scancel", str(job)).code == 0
    assert cluster.wait_state(job, "CANCELLED", "COMPLETED") == "CANCELLED"


def test_an_array(cluster):
    done = cluster.run("sbatch", "--wait", "--array=1-4", stdin="#!/bin/sh\nexit $((SLURM_ARRAY_TASK_ID % 3))\n")
    assert done.code == 2, done
    assert sorted(file.name for file in cluster.work.glob("slurm-*")) == [f"slurm-1_{n}.out" for n in range(1, 5)]


def test_a_running_job_outlives_its_controller(cluster):
    job = cluster.submit(WAITS)
    cluster.wait_state(job, "RUNNING")
    cluster.kill()
    assert cluster.wait_state(job, "RUNNING") == "RUNNING"
    (cluster.work / "go").touch()
    cluster.wait_state(job, "FAILED")
    assert (cluster.work / "runs").read_text() == f"{job}\n"
    assert cluster.run("squeue", "-h", "-t", "all", "-O", "exit_code").out.split() == ["1280"]


@pytest.mark.parametrize("victims", [["node.pid"], ["node.pid", "controller.pid"]], ids=["node", "both"])
def test_a_running_job_outlives_its_daemons(cluster, victims):
    job = cluster.submit(WAITS)
    cluster.wait_state(job, "RUNNING")
    for victim in victims:
        cluster.kill(victim)
    (cluster.work / "go").touch()
    cluster.wait_state(job, "FAILED")
    assert (cluster.work / "runs").read_text() == f"{job}\n"


def test_an_orderly_stop_leaves_jobs_alone(cluster):
    job = cluster.submit(WAITS)
    cluster.wait_state(job, "RUNNING")
    assert cluster.controller("stop").code == 0
    assert cluster.controller("status").code == 3
    (cluster.work / "go").touch()
    cluster.wait_state(job, "FAILED")
    assert (cluster.work / "runs").read_text() == f"{job}\n"


def test_it_ends_itself_when_there_is_nothing_to_do(new_cluster):
    cluster = new_cluster(FLOW_IDLE_EXIT="1")
    assert cluster.run("squeue").code == 0
    pid = cluster.pid()
    assert pid is not None
    cluster.until(lambda: cluster.pid() is None, "the controller has ended")
    assert not (cluster.state / "controller.sock").exists()
    assert cluster.run("squeue").code == 0


def test_numbers_go_on_after_a_restart(cluster):
    assert cluster.submit(HELLO) == 1
    cluster.wait_state(1, "FAILED")
    assert cluster.controller("stop").code == 0
    assert cluster.submit(HELLO) == 2


def test_a_site_with_a_slurm_conf(cluster):
    cluster.configure(
        "ClusterName=site\nNodeName=n[1-2] CPUs=2 RealMemory=1000\nPartitionName=short Nodes=ALL Default=YES MaxTime=60\n"
    )
    done = cluster.run("sbatch", "-p", "nosuch", "--wrap", "true")
    assert (done.code, done.err) == (
        1,
        "sbatch: error: invalid partition specified: nosuch\n"
        "sbatch: error: Batch job submission failed: Invalid partition name specified\n",
    )
    job = cluster.submit("#!/bin/sh\necho $SLURM_CLUSTER_NAME $SLURM_JOB_PARTITION $SLURMD_NODENAME\n")
    cluster.wait_state(job, "COMPLETED")
    assert (cluster.work / f"slurm-{job}.out").read_text() == "site short n1\n"


def test_a_bad_slurm_conf_is_named(cluster):
    cluster.configure("ClusterName=site\nNodeName=n1 CPUs=many\n")
    done = cluster.run("squeue")
    assert done.code == 1
    assert "slurm.conf:2" in done.err
    assert done.err.endswith("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n")


def test_a_state_directory_that_cannot_be(cluster):
    cluster.state.rmdir()
    cluster.state.symlink_to("/dev/null")
    done = cluster.run("sbatch", "--wrap", "true")
    assert done.code == 1
    assert done.err.startswith("flowbatch: cannot use the state directory ")
    assert done.err.endswith("Unable to contact slurm controller (connect failure)\n")
    cluster.state.unlink()


def test_a_caller_that_leaves_takes_nothing_along(cluster):
    waiting = cluster.start("sbatch", "--wait", "--wrap", "until [ -e go ]; do sleep 0.05; done")
    cluster.until(lambda: "1" in cluster.jobs(), "the job is there")
    waiting.send_signal(signal.SIGINT)
    waiting.communicate(timeout=10)
    assert waiting.returncode == -signal.SIGINT
    (cluster.work / "go").touch()
    cluster.wait_state(1, "COMPLETED")
