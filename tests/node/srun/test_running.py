"""What a step does beside running: terminals, bindings, limits, signals, process managers; words of Slurm 22.05.8."""

from __future__ import annotations

import os
import shutil

import pytest

CANCELLED = "slurmstepd: error: *** STEP 1.0 ON n1 CANCELLED AT T ***\n"
ABORTED = "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"
UP = "until [ -e up ]; do sleep .05; done"
SLEEPS = "srun {} sh -c 'trap \"echo got\" INT; touch up; i=0; while [ $i -lt 200 ]; do sleep .1; i=$((i+1)); done'"


def test_a_terminal_of_its_own(run):
    """Only task 0 is heard; its three streams are one terminal, and its session's own."""
    script = "tty >/dev/null && [ -t 1 ] && [ -t 2 ] && echo $SLURM_PROCID >/dev/tty; exit 5"
    said = run(
        f"script -qec \"srun --pty -n2 sh -c '{script.replace('$', chr(92) + '$')}'\" /dev/null </dev/null; echo rc=$?"
    )
    words = said.replace("\r", "").replace("\0", "").replace("^@", "").split("\n")
    assert words == ["0", "srun: error: n1: tasks 0-1: Exited with exit code 5", "rc=5", ""]


def test_no_terminal_without_one(run):
    assert run("echo hi | srun -n1 --pty cat; srun --pty -o x true; echo rc=$?") == (
        "srun: error: ioctl(TIOCGWINSZ): Inappropriate ioctl for device\n"
        "srun: error: Not using a pseudo-terminal, disregarding --pty option\nhi\n"
        "srun: error: --error/--input/--output are incompatible with --pty\nrc=1\n"
    )


@pytest.mark.parametrize(
    ("options", "signals", "said"),
    [
        (
            "-n1", "kill -INT $p; sleep .3; kill -INT $p",
            "srun: interrupt (one more within 1 sec to abort)\nsrun: StepId=1.0 task 0: running\n"
            f"srun: sending Ctrl-C to StepId=1.0\nsrun: forcing job termination\n{ABORTED}got\n{CANCELLED}rc=137\n",
        ),
        (
            "-n1 --quit-on-interrupt", "kill -INT $p",
            f"srun: sending Ctrl-C to StepId=1.0\nsrun: forcing job termination\n{ABORTED}got\n{CANCELLED}rc=137\n",
        ),
        (
            "-n1 -X", "kill -INT $p; until grep -q got out; do sleep .05; done; kill -QUIT $p",
            f"srun: sending Ctrl-C to StepId=1.0\ngot\nsrun: Quit\nsrun: forcing job termination\n{ABORTED}{CANCELLED}"
            "srun: error: n1: task 0: Killed\nrc=137\n",
        ),
        ("-n1 -Q", "kill -HUP $p", f"{CANCELLED}srun: error: n1: task 0: Killed\nrc=137\n"),
        ("-n1", "kill -USR2 $p", "srun: error: n1: task 0: User defined signal 2\nrc=140\n"),
    ],
)  # fmt: skip
def test_signals(run, options, signals, said):
    """In a shell of its own job control, so that Ctrl-C is not ignored in the background."""
    found = run(
        f"set -m; {SLEEPS.format(options)} > out 2>&1 & p=$!; {UP}; sleep .3; {signals}; wait $p; rc=$?; cat out; echo rc=$rc"
    )
    assert sorted(found.splitlines()) == sorted(said.splitlines())


def test_bound_to_cpus(run):
    """The job's CPUs are this machine's."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        pytest.skip("one CPU")
    show = "sh -c 'echo $SLURM_PROCID $(taskset -cp $$ | sed s/.*://)' | sort"
    cpus = mine[:2]
    said = run(
        f"srun -n2 --cpu-bind=rank {show}; srun -n2 --cpu-bind=map_cpu:{cpus[1]},{cpus[0]} {show};"
        f"srun -n1 --cpu-bind=none {show}; srun -n1 --cpu-bind=v,mask_cpu:{1 << cpus[1]:x} true 2>&1 | sed 's/\\[.*\\]/[PID]/'",
        cpus=(2,), ntasks=2, cpu_ids=cpus,
    )  # fmt: skip
    host = os.uname().nodename
    assert said.splitlines()[:4] == [f"0 {cpus[0]}", f"1 {cpus[1]}", f"0 {cpus[1]}", f"1 {cpus[0]}"]
    assert said.splitlines()[5] == f"cpu-bind=MASK - {host}, task  0  0 [PID]: mask {1 << cpus[1]:#x} set"


def test_where_cpus_are_not_this_machines_nothing_is_bound(run):
    said = run("srun -n1 --cpu-bind=cores true", cpus=(2,), cpu_ids=(4096, 4097))
    assert said == "srun: cluster configuration lacks support for cpu binding\n"


def test_programs_around_it(run):
    """An epilog's failure is told; a task's prolog sets, unsets and prints; its epilog's output is nobody's."""
    said = run(
        "printf '#!/bin/sh\\necho P $SLURM_NTASKS\\n' > p; printf '#!/bin/sh\\necho E; exit 4\\n' > e\n"
        "printf '#!/bin/sh\\necho export A=5\\necho print printed\\necho unset B\\necho other\\n' > tp\n"
        "printf '#!/bin/sh\\necho te $SLURM_PROCID >&2; echo out\\n' > te; chmod +x p e tp te; export B=6\n"
        "srun -n2 --prolog=./p --epilog=./e true\n"
        "srun -n1 --task-prolog=$PWD/tp --task-epilog=$PWD/te sh -c 'echo a=$A b=$B'"
    )
    assert said == "P 2\nE\nsrun: error: srun epilog failed status=4\nprinted\na=5 b=\nte 0\n"


def test_the_program_is_copied_first(run):
    said = run(
        "printf '#!/bin/sh\\necho $0\\n' > prog; chmod +x prog; srun -n1 --bcast=$PWD/there ./prog | sed s,.*/,,; ls there"
    )
    assert said == "there\nthere\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--mpi=list | head -3", "MPI plugin types are...\n\tnone\n\tpmi2\n"),
        ("--mpi=none -n1 printenv PMI_FD", "srun: error: n1: task 0: Exited with exit code 1\n"),
        ("--mpi=nosuch true", "srun: error: Invalid MPI type 'nosuch', --mpi=list for acceptable types\n"),
        ("--test-only true", "srun: Job 1 to start at T using 4 processors on nodes n1 in partition debug\n"),
        ("--export=NONE -n1 /bin/sh -c 'echo =$FOO='", "==\n"),
        ("-n1 nosuch -Q -Q", "slurmstepd: error: execve(): nosuch: No such file or directory\nsrun: error: n1: task 0: Exited with exit code 2\n"),
        ("--begin=now -n1 true", "srun: error: --begin is ignored because nodes are already allocated.\n"),
        ("--gres=foo:1 true", "srun: error: Invalid generic resource (gres) specification\n"),
        ("-G1 true", "srun: error: Step requested GRES but job doesn't have GRES\n"
                     "srun: error: Unable to create step for job 1: Invalid generic resource (gres) specification\n"),
    ],
)  # fmt: skip
def test_words(run, words, said):
    assert run(f"export FOO=1; srun {words}").endswith(said)


def test_twice_quiet(run):
    assert run("srun -QQ -n9 true; echo $?") == "1\n"


def test_own_codes_for_its_own_failures(run):
    assert run("SLURM_EXIT_ERROR=42 srun -n99 true; echo $?; SLURM_UMASK=0077 srun -n1 sh -c umask").endswith(
        "42\n0077\n"
    )
    said = run(
        "export SLURM_EXIT_ERROR=0; srun -n1 true; export SLURM_EXIT_ERROR=5 SLURM_EXIT_IMMEDIATE=-3; srun; echo no=$?;"
        "srun sh -c ': >up; sleep 9' & until [ -e up ]; do sleep .05; done; srun -I true; echo busy=$?; kill %1"
    )
    assert said.count("srun: error: SLURM_EXIT_ERROR has zero value\n") == 1
    assert "no=1\n" in said, "what is fatal has a code of its own"
    assert "busy=5\n" in said, "as 22.05's, which has another for allocations alone"


@pytest.mark.skipif(shutil.which("mpicc.mpich") is None, reason="needs Debian's libmpich-dev")
def test_a_program_of_mpich(run):
    said = run(
        "cat > m.c <<'END'\n#include <mpi.h>\n#include <stdio.h>\n"
        "int main(int c, char **v) { int r, s; MPI_Init(&c, &v); MPI_Comm_rank(MPI_COMM_WORLD, &r);\n"
        "MPI_Allreduce(&r, &s, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD); printf(\"%d %d\\n\", r, s);\n"
        "if (c > 1 && r == 1) MPI_Abort(MPI_COMM_WORLD, 7); MPI_Barrier(MPI_COMM_WORLD); MPI_Finalize(); return 0; }\nEND\n"
        "mpicc.mpich -o m m.c && srun -N2 -n4 --mpi=pmi2 ./m | sort; srun -n2 --mpi=pmi2 ./m x >/dev/null 2>&1; echo rc=$?",
        cpus=(2, 2), ntasks=None,
    )  # fmt: skip
    assert said == "0 6\n1 6\n2 6\n3 6\nrc=137\n"
