"""Real instances on this machine, run from a thread of their own, and clients that speak to them as anybody would."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
import pytest

from flowbatch.errors import MachineFailed
from flowbatch.sandbox.contract import Address, MachineOrder
from flowbatch.sandbox.machines.machines import LocalMachines

T = TypeVar("T")
PATIENCE_S = 20.0


class House:
    """`LocalMachines` behind calls that block, and `ssh` with the key that its orders allow."""

    def __init__(self, place: Path) -> None:
        self.disks = place / "disks"
        self.key = place / "key"
        self.key.touch(0o600)
        private = asyncssh.generate_private_key("ssh-ed25519")
        self.key.write_bytes(private.export_private_key())
        self.public = private.export_public_key().decode()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.machines = LocalMachines(self.disks)

    def wait(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE_S * 2)

    def order(self, fid: str = "inst_1", script: str = "", **more: Any) -> MachineOrder:
        hostname = more.pop("hostname", "node-0")
        text = f"#!/bin/bash\n{script}\n" if script else None
        return MachineOrder(fid, hostname, "cpu", text, (self.public,), **more)

    def boot(self, fid: str = "inst_1", script: str = "", **more: Any) -> Address:
        """Skips the test where this machine allows no namespaces."""
        try:
            return self.wait(self.machines.boot(self.order(fid, script, **more)))
        except MachineFailed as error:
            pytest.skip(f"{error.message}; {error.hint}")

    def halt(self, fid: str = "inst_1") -> None:
        self.wait(self.machines.halt(fid))

    def options(self, port_letter: str, port: int) -> list[str]:
        return [
            "-F", "none", "-i", str(self.key), f"-{port_letter}", str(port), "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
        ]  # fmt: skip

    def ssh(
        self, address: Address, command: str, user: str = "ubuntu", *options: str, given: bytes = b"", env: Any = None
    ) -> subprocess.CompletedProcess[bytes]:
        words = ["ssh", *self.options("p", address.port), *options, f"{user}@{address.host}", command]
        return subprocess.run(words, input=given, capture_output=True, timeout=PATIENCE_S, env=env)

    def says(self, address: Address, command: str, user: str = "ubuntu") -> str:
        done = self.ssh(address, command, user)
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done.stdout.decode().rstrip("\n")

    def close(self) -> None:
        self.wait(self.machines.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


@pytest.fixture(scope="module")
def lasting_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """For tests that leave an instance as they found it, or do not mind: booting takes a second."""
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.close()


Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def until() -> Until:
    """What a question answers, once that is true."""

    def waiting(question: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := question()):
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.02)
        return answer

    return waiting
