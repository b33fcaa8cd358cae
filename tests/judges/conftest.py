"""The vendor's own client, unchanged, in an environment of its own, and a sandbox for it to work against."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flowbatch.paths import Paths
from flowbatch.sandbox import address
from flowbatch.sandbox.address import LOG, Address
from flowbatch.sandbox.settings import Settings
from flowbatch.sdk.sandbox import Sandbox
from flowbatch.units import DAY
from tests.judges.vendor import PLACE, VENDOR, NotToBeHad, install

ANSWER_WITHIN_S = 120
COME_WITHIN_S = 150
QUICK = Settings(tick_s=1, notice_s=600, boot_delay_s=0, history_s=8 * DAY, requests_per_minute=0)
REFUSED = re.compile(r" INFO flowbatch\.sandbox\.web\.gate: (\w+ \S+: \d{3}) ")


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """What `--json` prints: one object and nothing beside it."""
        told: dict[str, Any] = json.loads(self.out)
        assert {"data", "error", "project"} <= set(told)
        return told


class Client:
    """`flow` of the vendor as a user at a shell has it: a fresh home and the documented environment."""

    def __init__(self, program: Path, known: Address, home: Path) -> None:
        self._program = program
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "200",
            "MITHRIL_API_URL": known.api_url, "MITHRIL_API_KEY": known.api_key, "MITHRIL_PROJECT": known.project,
            "FLOW_HTTP_CACHE_DIR": str(home / "http-cache"), "FLOW_TELEMETRY": "0", "FLOW_UPDATE_CHECK": "0",
            "FLOW_NO_INTERACTIVE": "1",
        }  # fmt: skip
        self.directory = home / "work"
        self.directory.mkdir()

    def flow(self, *words: str) -> Said:
        done = subprocess.run(
            [self._program, *words], cwd=self.directory, env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=ANSWER_WITHIN_S,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def says(self, *words: str) -> str:
        said = self.flow(*words)
        assert said.code == 0, said
        return said.out

    def tells(self, *words: str) -> Any:
        """The data of a command's `--json`."""
        said = self.flow(*words, "--json")
        assert said.code == 0, said
        assert said.envelope["error"] is None
        return said.envelope["data"]

    def runs(self, name: str, command: str, *options: str) -> str:
        """The id of a task that runs by now, on the smallest machine with a GPU."""
        told = self.tells(
            "run", command, "--name", name, "-i", "1xa100", "-m", "9", "--no-upload-code", "--yes", *options
        )
        assert told["task"]["name"].startswith(f"{name}-")  # the client puts six letters behind every name
        return str(told["task_id"])

    def described(self, name: str, **config: Any) -> str:
        """The id of a task that a file describes, as soon as it is asked for."""
        file = self.directory / f"{name}.yaml"
        file.write_text(json.dumps({"name": name, "instance_type": "1xa100", "upload_code": False, **config}))
        return str(self.tells("run", file.name, "--yes", "--wait-until", "submitted")["task_id"])

    def status(self, task: str) -> str:
        return str(self.tells("status", task, "--force-refresh")["status"])


class Site:
    """The sandbox behind the client: what only its owner sees and does."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def bid_status(self, bid: str) -> str:
        (row,) = [row for row in self.sandbox.ledger()["bids"] if row["bid"] == bid]
        return str(row["status"])

    def refused(self) -> list[str]:
        """Every request that was not answered well."""
        return REFUSED.findall((self.sandbox.directory / LOG).read_text())

    def skip_without_machines(self) -> None:
        if why := self.sandbox.status()["failed"]:
            pytest.skip(f"this machine runs no instances: {why}")


@pytest.fixture(scope="session")
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("ssh") is None:
        pytest.skip("the vendor's client needs ssh (Debian: openssh-client)")
    place = os.environ.get(PLACE)
    try:
        return install(Path(place) if place else _kept(request.config, tmp_path_factory))
    except NotToBeHad as why:
        pytest.skip(str(why))


def _kept(config: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In pytest's cache: it is made once for a checkout."""
    cached = config.pluginmanager.hasplugin("cacheprovider")
    above = config.cache.mkdir("vendor") if cached else tmp_path_factory.mktemp("vendor")
    return above / f"{VENDOR.replace('==', '-')}-py{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("judged")
    here = Sandbox(Paths(place / "state", place / "config"))
    here.start(QUICK)
    yield Site(here)
    known = address.read(here.directory)
    here.stop()
    if known is not None and known.pid is not None and here.address() is not None:
        os.kill(known.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def client(program: Path, site: Site) -> Iterator[Client]:
    known = site.sandbox.address()
    assert known is not None
    with tempfile.TemporaryDirectory(prefix="vendor-", dir="/tmp") as home:  # its sockets must have short names
        yield Client(program, known, Path(home))


Until = Callable[..., Any]


@pytest.fixture(scope="module")
def until() -> Until:
    """What a question answers, once that is true; a second one says why it is not."""

    def waiting(question: Callable[[], Any], why: Callable[[], Any] = lambda: "") -> Any:
        deadline = time.monotonic() + COME_WITHIN_S
        while not (answer := question()):
            assert time.monotonic() < deadline, f"it did not come true in time {why()}"
            time.sleep(0.2)
        return answer

    return waiting
