"""The next version takes over a queue that is at work: what runs goes on, what is asked gets an answer, and there is no way back by accident."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, alive

pytestmark = pytest.mark.patient

SOURCES = Path(__file__).resolve().parents[2]
CONF = (
    "ClusterName=site\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n"
    "NodeName=n[1-2] CPUs=8 RealMemory=1000\nPartitionName=all Nodes=ALL Default=YES\n"
)
WAITS = "echo begun >&2; until [ -e go ]; do sleep 0.1; done; "


@pytest.fixture(scope="module")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an installation of the next version: another number, and a store of one step more."""
    root = tmp_path_factory.mktemp("next")
    shutil.copytree(SOURCES / "flowbatch", root / "flowbatch")
    for part in ("grammar", "shims"):
        shutil.copytree(SOURCES / part, root / "flowbatch" / part)
    _edit(root / "flowbatch/__init__.py", r'__version__ = ".*"', '__version__ = "999.0"')
    later = "    CREATE TABLE later (id INTEGER PRIMARY KEY);\n"
    _edit(root / "flowbatch/store/migrations.py", r"\n\)\n\Z", f'\n    """\n{later}    """,\n)\n')
    venv.create(root / "venv", symlinks=True)
    python = root / "venv/bin/python"
    asked = [python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    libraries = [path for path in sys.path if path.endswith("-packages")]
    Path(site, "next.pth").write_text("\n".join([str(root), *libraries]) + "\n")
    return str(python)


def _edit(file: Path, pattern: str, text: str) -> None:
    edited, count = re.subn(pattern, text, file.read_text())
    assert count == 1, file
    file.write_text(edited)


@pytest.fixture
def this(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of this version; its commands are on the PATH of who calls them."""
    cluster = Cluster(tmp_path)
    cluster.configure(CONF)
    cluster.env = cluster.with_commands("srun", "sbatch")
    yield cluster
    cluster.shut()


def ended(cluster: Cluster) -> dict[str, list[str]]:
    """State and exit code of every job and step."""
    done = cluster.run("sacct", "-n", "-P", "-o", "jobid,state,exitcode")
    assert done.code == 0, done
    return {number: rest for number, *rest in (line.split("|") for line in done.out.splitlines())}


def begun(cluster: Cluster, *files: str) -> None:
    for file in files:
        path = cluster.work / file
        cluster.until(lambda path=path: path.exists() and "begun" in path.read_text(), f"{file} says that it began")


def test_what_runs_goes_on_under_the_next_version(this, next_version):
    this.submit(f"#!/bin/sh\n#SBATCH -o batch\n{WAITS}exit 7\n")
    this.submit(f"#!/bin/sh\n#SBATCH -o array.%a -a 1-2\n{WAITS}exit $SLURM_ARRAY_TASK_ID\n")
    this.submit(f"#!/bin/sh\n#SBATCH -o steps\nsrun sh -c '{WAITS}exit 3'\nsrun -n1 sh -c 'exit 4'\nexit $?\n")
    with open(this.work / "salloc", "wb") as said:
        salloc = subprocess.Popen(
            this.command("salloc", "-n1", "sh", "-c", f"{WAITS}exit 5"), cwd=this.work, env=this.env, stderr=said,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    begun(this, "batch", "array.1", "array.2", "steps", "salloc")
    this.submit("#!/bin/sh\nexit 6\n", "-d", "afterany:1")
    older = this.pid("node.pid")
    assert older is not None
    assert this.controller("stop").code == 0

    later = replace(this, python=next_version)
    assert sorted(set(later.jobs().values())) == ["PENDING", "RUNNING"]  # by the older thin client
    later.until(lambda: not alive(older), "the older node daemon has made room")
    (this.work / "go").touch()
    assert salloc.wait(60) == 5
    later.until(lambda: later.run("squeue", "-h").out == "", "all jobs have ended")
    assert ended(later) == {
        "1": ["FAILED", "7:0"], "1.batch": ["FAILED", "7:0"],
        "2_1": ["FAILED", "1:0"], "2_1.batch": ["FAILED", "1:0"], "2_2": ["FAILED", "2:0"], "2_2.batch": ["FAILED", "2:0"],
        "3": ["FAILED", "4:0"], "3.batch": ["FAILED", "4:0"], "3.0": ["FAILED", "3:0"], "3.1": ["FAILED", "4:0"],
        "4": ["FAILED", "5:0"],
        "6": ["FAILED", "6:0"], "6.batch": ["FAILED", "6:0"],
    }  # fmt: skip


def test_an_earlier_version_leaves_the_store_as_it_is(this, next_version):
    later = replace(this, python=next_version)
    assert later.submit("#!/bin/sh\nuntil [ -e go ]; do sleep 0.1; done\nexit 3\n") == 1
    later.wait_state(1, "RUNNING")
    assert later.controller("stop").code == 0
    before = contents(this.state)

    done = this.run("sbatch", "--wrap", "true")
    assert done.code == 1
    assert done.err.splitlines() == [
        f"flowbatch: the store {this.state}/store.db was written by a later version of flowbatch",
        "hint: use that version, or set FLOW_STATE_DIR to another directory",
        "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
    ]
    assert contents(this.state) == before

    (this.work / "go").touch()
    assert later.wait_state(1, "FAILED")
    assert ended(later)["1"] == ["FAILED", "3:0"]


def contents(state: Path) -> dict[str, str]:
    """What stands in the store's files, and in the node's journal."""
    files = [*state.glob("store.db*"), state / "node/journal"]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_thin_client_of_an_earlier_protocol_is_told_what_to_do(this, next_version):
    frames = Path(next_version).parents[2] / "flowbatch/protocol/frames.py"
    kept = frames.read_text()
    _edit(frames, r"VERSION = 1", "VERSION = 2")
    try:
        done = replace(this, python=next_version).run("squeue")
    finally:
        frames.write_text(kept)
    told = "squeue: error: this command was installed by an earlier flowbatch than the one that answers; run `flow shims install`, then try again\n"
    assert (done.code, done.out, done.err) == (1, "", told)
