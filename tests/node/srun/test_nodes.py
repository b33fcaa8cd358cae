"""Steps over several virtual nodes of one machine; transcripts of Slurm 22.05.8 on nodes of the same sizes."""

from __future__ import annotations

import pytest

SHOW = (
    "sh -c 'echo $SLURM_PROCID $SLURM_NODEID $SLURM_LOCALID $SLURMD_NODENAME $SLURM_GTIDS $SLURM_STEP_NODELIST"
    " $SLURM_STEP_TASKS_PER_NODE on=$SLURM_CPUS_ON_NODE $SLURM_DISTRIBUTION' | sort -n"
)
MORE = "srun: error: Unable to create step for job 1: More processors requested than permitted\n"
FEWER = "srun: Warning: can't run {0} processes on 3 nodes, setting nnodes to {0}\n"
IGNORED = (
    "srun: Warning: can't honor --ntasks-per-node set to 2 which doesn't match the requested tasks 12 with the number of requested"
    " nodes 3. Ignoring --ntasks-per-node.\n"
)


def table(text: str) -> str:
    return "".join(f"{line.strip()}\n" for line in text.strip().splitlines())


RECORDED = {
    "-n4": table("""
        0 0 0 n1 0,1 n[1-3] 2,1(x2) on=4 block
        1 0 1 n1 0,1 n[1-3] 2,1(x2) on=4 block
        2 1 0 n2 2 n[1-3] 2,1(x2) on=4 block
        3 2 0 n3 3 n[1-3] 2,1(x2) on=4 block"""),
    "-n6 -m cyclic": table("""
        0 0 0 n1 0,3 n[1-3] 2(x3) on=4 cyclic
        1 1 0 n2 1,4 n[1-3] 2(x3) on=4 cyclic
        2 2 0 n3 2,5 n[1-3] 2(x3) on=4 cyclic
        3 0 1 n1 0,3 n[1-3] 2(x3) on=4 cyclic
        4 1 1 n2 1,4 n[1-3] 2(x3) on=4 cyclic
        5 2 1 n3 2,5 n[1-3] 2(x3) on=4 cyclic"""),
    "-n2 -c2": FEWER.format(2) + table("""
        0 0 0 n1 0 n[1-2] 1(x2) on=2 cyclic
        1 1 0 n2 1 n[1-2] 1(x2) on=2 cyclic"""),
    "-N1 -n1 -r1": "0 0 0 n2 0 n2 1 on=4 cyclic\n",
    "-N1 -n1 -x n1": "0 0 0 n2 0 n2 1 on=4 cyclic\n",
    "-N1 -n1 -w n3": "0 0 0 n3 0 n3 1 on=4 cyclic\n",
    "-N2 --exact -n2": "0 0 0 n1 0 n[1-2] 1(x2) on=1 cyclic\n1 1 0 n2 1 n[1-2] 1(x2) on=1 cyclic\n",
    "-N3 -n2": FEWER.format(2) + table("""
        0 0 0 n1 0 n[1-2] 1(x2) on=4 cyclic
        1 1 0 n2 1 n[1-2] 1(x2) on=4 cyclic"""),
    "-w n9": "srun: error: Unable to create step for job 1: Requested node configuration is not available\n",
    "-x n1": "srun: error: Only allocated 2 nodes asked for 3\nsrun: error: Are required nodes explicitly excluded?\n",
    "-x n[1-3]": "srun: error: Hostlist is empty!  Can't run job.\n",
    "-N4": "srun: error: Only allocated 3 nodes asked for 4\n",
    "-N2": MORE,
    "-n13": MORE,
    "-c2": MORE,
    "-N1 -r5": "srun: error: --relative and --nodes option incompatible with count of allocated nodes (5+1>3)\n",
    "-r1": "srun: error: --relative and SLURM_JOB_NUM_NODES option incompatible with count of allocated nodes (1+3>3)\n",
    "-r2 -N1 -w n1": "srun: error: -r,--relative not allowed with -w,--nodelist or -x,--exclude.\n",
    "-m foo": "srun: error: Invalid --distribution specification\n",
    "-m plane": "srun: error: Invalid plane size or size not specified\nsrun: error: Invalid --distribution specification\n",
    "-m arbitrary": "srun: error: You asked for 12 tasks but hostlist specified 0 nodes\n",
    "-N x": 'srun: error: "x" is not a valid node count\n',
    "-N2-1": "srun: error: Maximum node count 1 is less than minimum node count 2\n",
    "-Z": "srun: error: must specify a node list with -Z, --no-allocate.\n",
}  # fmt: skip


def test_as_recorded(run):
    """All of them in one job: each is told by its words."""
    script = "\n".join(f"echo '# {words}'; srun {words} {SHOW}" for words in RECORDED)
    said = run(script, cpus=(4, 4, 4), ntasks=12, within_s=120)
    found = dict(part.split("\n", 1) for part in said.split("# ")[1:])
    assert found == RECORDED


def test_a_file_says_where_each_task_runs(run):
    said = run(
        "printf 'n1\\nn3\\nn3\\nn1\\n' > hosts; SLURM_HOSTFILE=hosts "
        "srun -n4 -m arbitrary sh -c 'echo $SLURM_PROCID $SLURMD_NODENAME $SLURM_STEP_NODELIST' | sort",
        cpus=(4, 4, 4), ntasks=12,
    )  # fmt: skip
    assert said == "0 n1 n[1,3]\n1 n3 n[1,3]\n2 n3 n[1,3]\n3 n1 n[1,3]\n"


def test_a_word_of_the_job_that_does_not_fit_is_told(run):
    said = run("srun --ntasks-per-node=2 true", cpus=(4, 4, 4), ntasks=12)
    assert said == IGNORED


def test_idle_nodes_come_first(run):
    """Each of the two ends only when the other has begun: whole steps on nodes of their own."""
    one = "srun -N1 -n1 sh -c 'touch %s; until [ -e %s ]; do sleep .05; done; echo $SLURMD_NODENAME'"
    said = run(f"{one % ('a', 'b')} & {one % ('b', 'a')} & wait", cpus=(2, 2), ntasks=None)
    assert sorted(said.split()) == ["n1", "n2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-N2 -G3", "0 n1 0,1 2\n1 n2 0 1\n"),
        ("-N2 -n3 --gpus-per-task=1", "0 n1 0 2\n1 n1 1 2\n2 n2 0 1\n"),
        ("-N2 --gpus-per-node=2", "0 n1 0,1 2\n1 n2 0,1 2\n"),
        ("-N2 --gres=none", "0 n1\n1 n2\n"),
        ("-N1 -n2 --gpu-bind=map_gpu:2,1", "0 n1 2 3\n1 n1 1 3\n"),
        ("-N1 -n2 --gpu-bind=mask_gpu:0x6,0x1", "0 n1 1,2 3\n1 n1 0 3\n"),
        ("-N1 -n2 --gpu-bind=single:1", "0 n1 0 3\n1 n1 1 3\n"),
    ],
)
def test_gpus_of_each_node(run, words, said):
    script = (
        f"srun {words} sh -c 'echo $SLURM_PROCID $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES $SLURM_GPUS_ON_NODE' | sort"
    )
    assert run(script, cpus=(4, 4), ntasks=None, gpus=(0, 1, 2)) == said


def test_memory_is_shared_out_where_it_is_counted(run):
    """Each of the two ends only when the other has begun; a third would be too much."""
    one = "srun -n1 --exact --mem=60 sh -c 'touch %s; until [ -e %s ]; do sleep .05; done; echo met'"
    said = run(f"{one % ('a', 'b')} & {one % ('b', 'a')} & wait; srun --mem=200 true", memory_mib=120)
    assert said == "met\nmet\nsrun: error: Unable to create step for job 1: Memory required by task is not available\n"


HET = (
    "SLURM_HET_SIZE=2", "SLURM_NTASKS_HET_GROUP_0=1", "SLURM_NTASKS_HET_GROUP_1=3", "SLURM_JOB_NUM_NODES_HET_GROUP_0=1",
    "SLURM_JOB_NUM_NODES_HET_GROUP_1=2",
)  # fmt: skip
SHOW_HET = (
    "sh -c 'echo $SLURM_PROCID $SLURM_NODEID $SLURM_LOCALID $SLURMD_NODENAME $SLURM_GTIDS $SLURM_STEP_NODELIST"
    " $SLURM_STEP_TASKS_PER_NODE $SLURM_NTASKS'"
)
SECOND = "0 0 0 n2 0,1 n[2-3] 2,1 3\n1 0 1 n2 0,1 n[2-3] 2,1 3\n2 1 0 n3 2 n[2-3] 2,1 3\n"
BOTH = (
    "0 0 0 n1 0 n[1-3] 1,2,1 4\n1 1 0 n2 1,2 n[1-3] 1,2,1 4\n2 1 1 n2 1,2 n[1-3] 1,2,1 4\n3 2 0 n3 3 n[1-3] 1,2,1 4\n"
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (SHOW_HET, "0 0 0 n1 0 n1 1 1\n"),
        (f"--het-group=1 {SHOW_HET}", SECOND),
        (f"--het-group=0,1 {SHOW_HET}", BOTH),
        (f"{SHOW_HET} : {SHOW_HET}", BOTH),
        ("-l echo a : -n2 echo b", "0: a\n1: b\n2: b\n"),
        ("--het-group=2 true", "srun: error: Requested het-group offset exceeds highest hetjob index (2 > 1)\n"),
        (
            "true : true : true",
            "srun: error: Attempt to run a job step with het group value of 2, but the job allocation has maximum value of 1\n",
        ),
    ],
)
def test_components_of_a_heterogeneous_job(run, words, said):
    found = run(f"srun {words} | sort", cpus=(1,), ntasks=1, others=[(2, 1)], variables=HET)
    assert found.replace("srun: Warning: can't run 2 processes on 2 nodes, setting nnodes to 2\n", "") == said


def test_no_components_without_such_a_job(run):
    said = "srun: error: No directives to start application on any available hetjob components\n"
    assert run("srun --het-group=0 true") == said
