"""srun inside a job, through a real node daemon. Words and codes were recorded from Slurm 22.05.8 on a node of four CPUs;
real srun names the daemon of a virtual node in `slurmstepd-n1:`, a machine of its own says `slurmstepd:`.
"""

from __future__ import annotations

import pytest

from flowbatch.node.srun import options

RECORDED = {
    "more than the job has": (
        "srun -n5 true; echo rc=$?",
        "srun: error: Unable to create step for job 1: More processors requested than permitted\nrc=1\n",
    ),
    "more nodes": ("srun -N2 true; echo rc=$?", "srun: error: Only allocated 1 nodes asked for 2\nrc=1\n"),
    "no command": ("srun; echo rc=$?", "srun: fatal: No command given to execute.\nrc=1\n"),
    "no such option": (
        "srun --nosuch true; echo rc=$?",
        "srun: unrecognized option '--nosuch'\nTry \"srun --help\" for more information\nrc=255\n",
    ),
    "no number": ("srun -nx true; echo rc=$?", 'srun: error: Invalid numeric value "x" for --ntasks.\nrc=1\n'),
    "no such job": (
        "srun --jobid=99999 true; echo rc=$?",
        "srun: error: Unable to confirm allocation for job 99999: Invalid job id specified\n"
        "srun: Check SLURM_JOB_ID environment variable. Expired or invalid job 99999\nrc=1\n",
    ),
    "the worst code": (
        "srun -n2 sh -c 'sleep 0.$SLURM_PROCID; exit $SLURM_PROCID'; echo rc=$?",
        "srun: error: n1: task 1: Exited with exit code 1\nrc=1\n",
    ),
    "killed": (
        "srun -n2 sh -c 'kill -9 $$'; echo rc=$?",
        "srun: error: n1: tasks 0-1: Killed\nsrun: Force Terminated StepId=1.0\nrc=137\n",
    ),
    "a signal": ("srun -n1 sh -c 'kill -SEGV $$'; echo rc=$?", "srun: error: n1: task 0: Segmentation fault\nrc=139\n"),
    "no such program": (
        "srun -n1 nosuchprog; echo rc=$?",
        "slurmstepd: error: execve(): nosuchprog: No such file or directory\n"
        "srun: error: n1: task 0: Exited with exit code 2\nrc=2\n",
    ),
    "not executable": (
        "srun -n1 /tmp; echo rc=$?",
        "slurmstepd: error: execve(): /tmp: Permission denied\nsrun: error: n1: task 0: Exited with exit code 13\nrc=13\n",
    ),
    "-K": (
        "srun -K -n2 sh -c 'if [ $SLURM_PROCID = 0 ]; then exit 3; fi; exec sleep 20'; echo rc=$?",
        "srun: error: n1: task 0: Exited with exit code 3\nsrun: launch/slurm: _step_signal: Terminating StepId=1.0\n"
        "slurmstepd: error: *** STEP 1.0 ON n1 CANCELLED AT T ***\nsrun: error: n1: task 1: Terminated\n"
        "srun: Force Terminated StepId=1.0\nrc=143\n",
    ),
    "-W": (
        "srun -W1 -n2 sh -c 'if [ $SLURM_PROCID = 0 ]; then exit 0; fi; exec sleep 20'; echo rc=$?",
        "srun: First task exited 1s ago\nsrun: StepId=1.0 task 1: running\nsrun: StepId=1.0 task 0: exited\n"
        "srun: launch/slurm: _step_signal: Terminating StepId=1.0\n"
        "slurmstepd: error: *** STEP 1.0 ON n1 CANCELLED AT T ***\n"
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"
        "srun: error: n1: task 1: Killed\nrc=137\n",
    ),
    "terminated": (
        "srun -n1 sh -c 'touch up; exec sleep 30' & p=$!; until [ -e up ]; do sleep .05; done; "
        "sleep .3; kill -TERM $p; wait $p; echo rc=$?",
        "srun: forcing job termination\nsrun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"
        "slurmstepd: error: *** STEP 1.0 ON n1 CANCELLED AT T ***\nsrun: error: n1: task 0: Killed\nrc=137\n",
    ),
    "a forwarded signal": (
        "srun -n1 sh -c 'trap \"echo got; exit 3\" USR1; touch up; sleep 5 & wait' & p=$!\n"
        "until [ -e up ]; do sleep .05; done; kill -USR1 $p; wait $p; echo rc=$?",
        "got\nsrun: error: n1: task 0: Exited with exit code 3\nrc=3\n",
    ),
    "input for all": ("echo hello | srun -n2 cat", "hello\nhello\n"),
    "input for one": ("echo in | srun -n2 -i 1 -l cat", "1: in\n"),
    "output of one": ("srun -n2 -o 1 sh -c 'echo $SLURM_PROCID'", "1\n"),
    "no output": ("srun -n2 -o none echo x", ""),
    "a line without its end": ("srun -n1 -l printf abc", "0: abc\n"),
    "a file for each": (
        "srun -n2 -o out.%j.%s.%t.txt sh -c 'echo hi $SLURM_PROCID'; cat out.*",
        "hi 0\nhi 1\n",
    ),
    "one file": ("srun -n1 -o all.txt echo once; cat all.txt", "once\n"),
    "no such directory": (
        "srun -n1 -D /nosuchdir pwd",
        "slurmstepd: error: couldn't chdir to `/nosuchdir': No such file or directory: going to /tmp instead\n/tmp\n",
    ),
    "a program for each": (
        "printf '0 echo zero %%t %%o\\n1-2 echo m %%t %%o\\n' > mp; srun -n3 -l --multi-prog mp | sort; "
        "srun -n4 --multi-prog mp; echo rc=$?",
        "0: zero 0 0\n1: m 1 0\n2: m 2 1\n"
        "srun: error: Configuration file mp invalid, no record for task id 3\nrc=1\n",
    ),
    "not supported": (
        "srun --container=x true; echo rc=$?",
        "srun: error: --container is not supported: there is no OCI runtime here, and outside its container the step would be another"
        " one\nrc=1\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RECORDED)
def test_as_recorded(run, case):
    script, said = RECORDED[case]
    assert run(script) == said


def test_ranks(run):
    lines = run("srun -l sh -c 'echo $SLURM_PROCID $SLURM_LOCALID $SLURM_NTASKS $SLURM_GTIDS' | sort")
    assert lines.splitlines() == [f"{rank}: {rank} {rank} 4 0,1,2,3" for rank in range(4)]


def test_the_variables_of_a_step(run):
    lines = run(
        "env | grep -E '^(SLURM|SRUN)' | sort > batch; srun -n1 env | grep -E '^(SLURM|SRUN)' | sort | diff batch - || :"
    )
    changed = {line.partition("=")[0] for line in lines.splitlines() if line[0] in "<>"}
    assert changed == {
        "> SLURM_DISTRIBUTION", "> SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0", "> SLURM_LAUNCH_NODE_IPADDR", "< SLURM_NPROCS", "> SLURM_NPROCS", "< SLURM_NTASKS",
        "> SLURM_NTASKS", "> SLURM_SRUN_COMM_HOST", "> SLURM_SRUN_COMM_PORT", "> SLURM_STEPID", "> SLURM_STEP_ID",
        "> SLURM_STEP_LAUNCHER_PORT", "> SLURM_STEP_NODELIST", "> SLURM_STEP_NUM_NODES", "> SLURM_STEP_NUM_TASKS",
        "> SLURM_STEP_TASKS_PER_NODE", "< SLURM_TASKS_PER_NODE", "> SLURM_TASKS_PER_NODE", "< SLURM_TASK_PID",
        "> SLURM_TASK_PID", "> SLURM_UMASK", "> SRUN_DEBUG",
    }  # fmt: skip


def test_nothing_but_the_job_id_is_needed(run):
    assert (
        run("env -i PATH=$PATH SLURM_JOB_ID=$SLURM_JOB_ID srun sh -c 'echo $SLURM_JOB_NODELIST $SLURM_NTASKS'")
        == "n1 1\n"
    )


def test_whole_steps_wait_for_each_other(run):
    said = run("srun -n1 sh -c 'touch a; until [ -e go ]; do sleep .05; done' & until [ -e a ]; do sleep .05; done\n"
               "srun -n1 echo second & until grep -q busy slurm-*.out; do sleep .05; done; touch go; wait")  # fmt: skip
    assert said == (
        "srun: Job 1 step creation temporarily disabled, retrying (Requested nodes are busy)\n"
        "srun: Step created for job 1\nsecond\n"
    )


def test_a_signal_ends_the_wait_for_a_step(run):
    said = run("srun -n1 sh -c 'touch a; until [ -e go ]; do sleep .05; done' & until [ -e a ]; do sleep .05; done\n"
               "srun -n1 echo never & until grep -q busy slurm-*.out; do sleep .05; done; kill -TERM $!; wait $!; echo $?\n"
               "touch go; wait")  # fmt: skip
    assert said.splitlines()[1:] == [
        "srun: Cancelled pending job step with signal 15",
        "srun: error: Unable to create step for job 1: Job/step already completing or completed", "1",
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["--exact", "-c1", "--overlap"])
def test_small_steps_run_side_by_side(run, option):
    """Each of the two ends only when the other has begun."""
    one = f"srun -n1 {option} sh -c 'touch %s; until [ -e %s ]; do sleep .05; done; echo met'"
    assert run(f"{one % ('a', 'b')} & {one % ('b', 'a')} & wait") == "met\nmet\n"


def test_a_task_has_its_own_gpu(run):
    said = run("srun -n2 --gpus-per-task=1 sh -c 'echo $SLURM_PROCID $CUDA_VISIBLE_DEVICES' | sort", gpus=(2, 3))
    assert said == "0 2\n1 3\n"


def test_steps_side_by_side_have_gpus_of_their_own(run):
    """Each of the two ends only when the other has begun; the third waits for one of theirs."""
    one = "srun -Q -n1 --exact {} sh -c 'touch %s; until [ -e %s ]; do sleep .05; done; echo $CUDA_VISIBLE_DEVICES >> both'"
    said = run(f"{one.format('--gpus=1') % ('a', 'b')} & {one.format('--gres=gpu:x:1') % ('b', 'a')} & wait; sort both; "
               "srun --gpus=3 true; srun -n1 --gres=none sh -c 'echo =$CUDA_VISIBLE_DEVICES='; srun -n1 printenv CUDA_VISIBLE_DEVICES",
               gpus=(2, 3))  # fmt: skip
    assert said == (
        "2\n3\nsrun: error: Unable to create step for job 1: Invalid generic resource (gres) specification\n==\n2,3\n"
    )


def test_tasks_end_with_their_srun(run):
    said = run("srun -n1 sh -c 'echo $$ > pid; exec sleep 60' & until [ -s pid ]; do sleep .05; done; sleep .3; kill -9 $!\n"
               "wait $! 2>/dev/null; until ! kill -0 $(cat pid) 2>/dev/null; do sleep .05; done; srun -n1 echo next")  # fmt: skip
    assert said.splitlines()[-1] == "next"


@pytest.mark.parametrize(
    ("environ", "tasks"), [({"SLURM_NTASKS": "3"}, 3), ({"SLURM_NPROCS": "2", "SLURM_NTASKS": "3"}, 3), ({}, None)]
)
def test_the_environment_asks_too(environ, tasks):
    assert options.read(["true"], environ).tasks == tasks
    assert options.read(["-n1", "true"], environ).tasks == 1
