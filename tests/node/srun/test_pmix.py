"""PMIx: the server of a step, and programs of Open MPI that are started by srun itself."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from flowbatch.node.srun import pmix_library
from flowbatch.node.srun.pmix import Pmix
from flowbatch.node.srun.wanted import CannotRun
from flowbatch.protocol.launch import line

pytestmark = pytest.mark.xdist_group("pmix")
MPICC = shutil.which("mpicc.openmpi")
needs_library = pytest.mark.skipif(not pmix_library.plugins(), reason="needs libpmix (Debian's libpmix2)")
needs_open_mpi = pytest.mark.skipif(MPICC is None, reason="needs Debian's libopenmpi-dev and openmpi-bin")

PROGRAM = """
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int rank, sum, here;
  MPI_Comm node;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (argc > 1 && rank == 1) { if (argv[1][0] == 'a') MPI_Abort(MPI_COMM_WORLD, 7); raise(SIGKILL); }
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &here);
  printf("%d %d %d\\n", rank, sum, here);
  MPI_Finalize();
  return 0;
}
"""


@pytest.fixture
def told() -> list[object]:
    return []


@pytest.fixture
def pmix(told: list[object]) -> Pmix:
    return Pmix("7.0", [0, 1], lambda rank, code: told.append((rank, code)), told.append)


@needs_library
def test_a_server_comes_and_goes(pmix):
    """Each rank is told where it is; the directory of the server goes with it, and its end is told."""
    pmix.begin()
    place = Path(pmix.variables(0)["PMIX_SERVER_TMPDIR"])
    assert [pmix.variables(rank)["PMIX_RANK"] for rank in (0, 1)] == ["0", "1"]
    assert pmix.variables(1)["SLURM_PMIX_MAPPING_SERV"] == "(vector,(0,1,2))"
    assert place.is_dir()
    pmix.close()
    assert not place.exists()


def test_the_end_of_one_is_told_once(pmix, told, monkeypatch):
    """A server that is played by the test."""
    monkeypatch.setattr(Pmix, "_start", lambda self: None)
    pmix._connection, theirs = socket.socketpair()
    with theirs, pmix._connection:
        theirs.sendall(line("opened", environ={"0": {}, "1": {}}))
        pmix.begin()
        said = line("abort", rank=1, status=7) + line("lost", rank=1, status=-61)
        theirs.sendall(said[:40])
        assert not pmix.over()
        theirs.sendall(said[40:])
        assert not pmix.over()
        theirs.shutdown(socket.SHUT_RDWR)
        assert pmix.over()
    why = "Error handler invoked: status = -61, source = [slurm.pmix.7.0:1]"
    assert told == [(1, 7), f"slurmstepd: error:  mpi/pmix: {why}"]


@pytest.mark.parametrize("said", [line("failed", why="PMIx_server_init: status = -1"), b""])
def test_a_step_without_a_server_does_not_begin(pmix, monkeypatch, said):
    monkeypatch.setattr(Pmix, "_start", lambda self: None)
    pmix._connection, theirs = socket.socketpair()
    with theirs, pmix._connection:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(CannotRun) as refused:
            pmix.begin()
    why = "PMIx_server_init: status = -1" if said else "no server: it has ended"
    assert refused.value.line == f"srun: error: mpi/pmix: {why}"


def test_a_machine_without_the_library(monkeypatch):
    monkeypatch.setattr(pmix_library, "NAME", "libpmix.so.none")
    assert pmix_library.plugins() == ()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of Open MPI: says rank, sum of ranks and ranks on its node; `a` gives up for all, `k` is killed, in rank 1."""
    place = tmp_path_factory.mktemp("mpi")
    (place / "m.c").write_text(PROGRAM)
    subprocess.run([str(MPICC), "-o", place / "m", place / "m.c"], check=True, capture_output=True, timeout=120)
    return place / "m"


@needs_library
@needs_open_mpi
def test_programs_of_open_mpi_find_their_ranks(run, program):
    """The nodes of one machine are one to them."""
    said = run(f"srun -N2 -n4 --mpi=pmix {program} | sort", cpus=(2, 2), ntasks=None)
    assert said == "0 6 4\n1 6 4\n2 6 4\n3 6 4\n"


@needs_library
@needs_open_mpi
def test_the_end_of_one_rank_is_the_end_of_all(run, program):
    """As on a real one: who gives up for all has the exit code, none waits for a rank that was killed; and no server leaves anything."""
    before = set(Path("/tmp").glob("pmix.*"))
    said = run(
        f"srun -n2 -c1 --exact --mpi=pmix {program} a > a 2>&1 & a=$!; srun -n2 -c1 --exact --mpi=pmix {program} k > k 2>&1; k=$?\n"
        "wait $a; echo rc=$?; grep '^s' a | cut -d'*' -f1; echo rc=$k; cut -d'*' -f1 k | sed 's,slurm.pmix[.0-9]*,X,'"
    )
    waiting = "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\nslurmstepd: error: \n"
    assert said == (
        f"rc=7\n{waiting}srun: error: n1: task 0: Killed\nsrun: error: n1: task 1: Exited with exit code 7\n"
        "rc=137\nsrun: error: n1: task 1: Killed\n"
        f"slurmstepd: error:  mpi/pmix: Error handler invoked: status = -61, source = [X:1]\n{waiting}"
        "srun: error: n1: task 0: Killed\n"
    )
    left = set(Path("/tmp").glob("pmix.*")) - before
    assert not [one for one in left if one.stat().st_uid == os.getuid()]
