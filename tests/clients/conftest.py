"""Clients of Slurm as PyPI has them, unchanged, each in an environment of its own, and a cluster of ours for them to find.

A client meets what a user's shell has: our commands first on PATH, an empty home, and no variable of ours.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.living import files

CLIENTS: dict[str, tuple[str, ...]] = {
    "aiida": ("aiida-core==2.9.4",),
    "dask": ("dask-jobqueue==0.9.0",),
    "executorlib": ("executorlib==1.11.0", "pysqa==1.1.1", "h5py"),
    "jax": ("jax==0.10.2",),
    "parsl": ("parsl==2026.10.26",),
    "psij": ("psij-python==0.9.11",),
    "reframe": ("reframe-hpc==4.10.4",),
    "simple-slurm": ("simple-slurm==0.3.6",),
    "snakemake": ("snakemake==9.27.1", "snakemake-executor-plugin-slurm==2.8.0"),
    "toil": ("toil==9.6.0",),
    "torch": ("torch==2.13.0+cpu", "numpy", "lightning==2.6.6"),
    "submitit": ("submitit==1.5.4", "hydra-submitit-launcher==1.2.0"),
}
"""What is installed together for one client."""
PLACE = "FLOWBATCH_CLIENTS_VENV"
"""Names a directory for the environments; without it they lie in pytest's cache, and are made once for a checkout."""
INSTALL_WITHIN_S = 300
ANSWER_WITHIN_S = 240
COME_WITHIN_S = 90
PROGRAMS = Path(__file__).parent / "programs"
SHAPE = """\
ClusterName=site
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=2
NodeName={nodes} CPUs=8 RealMemory=16000
PartitionName=debug Nodes=ALL Default=YES MaxTime=1-00:00:00
PartitionName=long Nodes=ALL MaxTime=7-00:00:00
"""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """What a program told in its last line, in JSON."""
        assert self.code == 0, f"{self.out}\n{self.err}"
        return json.loads(self.out.splitlines()[-1])


@dataclass
class Site:
    """A cluster of our own under `root`, and a user's home on it."""

    root: Path
    nodes: str
    bin: Path = field(init=False)
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        self.bin, self.home = self.root / "bin", self.root / "home"
        for directory in (self.root / "state", self.root / "config", self.home):
            directory.mkdir(mode=0o700)
        (self.root / "config" / "slurm.conf").write_text(SHAPE.format(nodes=self.nodes))
        self._flow("shims", "install", "--to", str(self.bin))

    def environment(self, *, client: Path | None = None) -> dict[str, str]:
        """What a login shell would have: nothing in it leads to us but PATH."""
        paths = [str(self.bin), *([str(client / "bin")] if client else []), "/usr/local/bin", "/usr/bin", "/bin"]
        return {
            "PATH": os.pathsep.join(paths),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "USER": "root",
            "LOGNAME": "root",
        }

    def says(self, *words: str) -> str:
        """What one of Slurm's commands prints."""
        done = subprocess.run(
            words, env=self.environment(), cwd=self.home, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def states(self, *args: str) -> dict[str, str]:
        """Long state words by job id, of all jobs that squeue remembers."""
        return dict(
            line.split(None, 1)
            for line in self.says("squeue", "-h", "-r", "-t", "all", "-o", "%i %T", *args).splitlines()
        )

    def until(self, true: Callable[[], Any], what: str, *, within_s: float = COME_WITHIN_S) -> Any:
        """What a question answers, once that is true."""
        deadline = time.monotonic() + within_s
        while not (answer := true()):
            assert time.monotonic() < deadline, (
                f"waited in vain until {what}\n{self.says('scontrol', 'show', 'job')}\n{self.logs()}"
            )
            time.sleep(0.1)
        return answer

    def logs(self) -> str:
        return "\n".join(f"{file}:\n{file.read_text()[-4000:]}" for file in files(self.root / "state", "*.log"))

    def shut(self) -> None:
        """Jobs, controller and node daemon are gone."""
        self.says("scancel", "--me")
        self.until(lambda: not self.says("squeue", "-h"), "the queue is empty")
        self._flow("controller", "stop")
        for file in files(self.root / "state", "*.pid"):
            try:
                os.kill(int(file.read_text().split()[0]), signal.SIGTERM)
            except (OSError, ValueError, IndexError):
                continue

    def _flow(self, *words: str) -> None:
        ours = {"FLOW_STATE_DIR": str(self.root / "state"), "FLOW_CONFIG_DIR": str(self.root / "config")}
        command = [sys.executable, "-m", "flowbatch", *words]
        subprocess.run(command, env=os.environ | ours, check=True, capture_output=True, timeout=ANSWER_WITHIN_S)


@dataclass
class Client:
    """One client at work on a site, in a directory of its own."""

    site: Site
    place: Path
    work: Path

    def run(self, *words: str, env: Mapping[str, str] | None = None, timeout: float = ANSWER_WITHIN_S) -> Said:
        done = subprocess.run(
            words, cwd=self.work, env=self.environment | (env or {}), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=timeout, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def program(self, name: str, *words: str, **more: Any) -> Said:
        """Runs one of the programs beside this file in the client's interpreter."""
        return self.run("python", str(PROGRAMS / name), *words, **more)

    def told(self, pattern: str) -> list[Any]:
        """What such files in its directory say in JSON, in the order of their names; one that is just being written is left out."""
        texts = [file.read_text() for file in sorted(self.work.glob(pattern))]
        return [json.loads(text) for text in texts if text]

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words, cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        return self.site.environment(client=self.place)


def install(place: Path, packages: tuple[str, ...]) -> Path:
    """An environment that has these packages; it is made if it is not there."""
    with FileLock(f"{place}.lock"):
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", place], check=True, capture_output=True)
            pip = [place / "bin/pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", *packages]
            done = subprocess.run(pip, capture_output=True, text=True, timeout=INSTALL_WITHIN_S, check=False)
            if done.returncode:
                pytest.skip(f"{packages[0]} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
            (place / "complete").touch()
    return place


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one client stay together, on one site, and have time to install it."""
    for item in items:
        if isinstance(item, pytest.Function) and item.path.parent == PROGRAMS.parent:
            item.add_marker(pytest.mark.clients)
            item.add_marker(pytest.mark.xdist_group(item.module.CLIENT))
            item.add_marker(pytest.mark.timeout(INSTALL_WITHIN_S + 2 * ANSWER_WITHIN_S))


@pytest.fixture(scope="session")
def environments(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if place := os.environ.get(PLACE):
        Path(place).mkdir(parents=True, exist_ok=True)
        return Path(place).absolute()
    if request.config.pluginmanager.hasplugin("cacheprovider"):
        return Path(request.config.cache.mkdir("clients"))
    return tmp_path_factory.mktemp("clients")


@pytest.fixture
def programs() -> Path:
    return PROGRAMS


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two virtual nodes, with the names that the test's module says in NODES, if it does."""
    here = Site(tmp_path_factory.mktemp("site"), getattr(request.module, "NODES", "n[1-2]"))
    yield here
    here.shut()


@pytest.fixture
def client(request: pytest.FixtureRequest, environments: Path, site: Site, tmp_path: Path) -> Client:
    """The client that the test's module names as CLIENT."""
    name = request.module.CLIENT
    python = f"py{sys.version_info[0]}.{sys.version_info[1]}"
    packages = CLIENTS[name]
    version = packages[0].partition("==")[2]
    return Client(site, install(environments / f"{name}-{version}-{python}", packages), tmp_path)
