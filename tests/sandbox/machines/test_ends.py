"""Whatever becomes of the sandbox's process, nothing of an instance outlives it; and who may not be root has instances too."""

from __future__ import annotations

import os
import shutil
import signal
import site
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowbatch.sandbox.machines import instance

ROOT = Path(__file__).parents[3]
NOBODY = 65534
SANDBOX = """
import asyncio, sys
from pathlib import Path
from flowbatch.errors import MachineFailed
from flowbatch.sandbox.contract import MachineOrder
from flowbatch.sandbox.machines.machines import LocalMachines

async def main():
    place, script, key = sys.argv[1:]
    machines = LocalMachines(Path(place))
    try:
        address = await machines.boot(MachineOrder("inst_1", "node-0", "cpu", script or None, (key,)))
    except MachineFailed as error:
        print("refused", error.message, error.hint, flush=True)
        return
    print(address.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await machines.close()

asyncio.run(main())
"""


Sandbox = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A process that runs one instance until its input ends, and the instance's port."""
    started: list[subprocess.Popen[str]] = []

    def starting(words: list[str], place: Path, script: str, key: str, **how: Any) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [*words, "-c", SANDBOX, str(place), script, key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **how,
        )
        started.append(process)
        said = process.stdout.readline()
        if not said.strip().isdigit():
            pytest.skip(said or "it could not start")
        return process, int(said)

    yield starting
    for process in started:
        process.kill()
        process.communicate()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def sleepers(word: str) -> list[int]:
    """Living processes `sleep WORD`."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if (directory / "cmdline").read_bytes() == f"sleep\0{word}\0".encode() and alive(int(directory.name)):
                found.append(int(directory.name))
        except OSError:
            continue
    return found


def test_a_sandbox_that_is_killed_leaves_no_process(house, until, sandbox) -> None:
    script = "#!/bin/bash\nsetsid sleep 98767 & nohup sleep 98767 &\n"
    process, _ = sandbox([sys.executable], house.disks, script, house.public)
    until(lambda: len(sleepers("98767")) == 2)
    first = int((house.disks / "inst_1/first_process").read_text().split()[0])
    process.kill()
    process.communicate()
    until(lambda: not sleepers("98767"))
    until(lambda: not alive(first))
    address = house.boot()
    assert house.says(address, "cat /var/lib/foundry/startup_script.sh | wc -l", "root") == "2"  # the same disk


def test_what_a_killed_sandbox_left_is_ended_at_the_next_boot(house, until, sandbox) -> None:
    """Its first process was stopped, so it could not see that its sandbox had gone."""
    process, _ = sandbox([sys.executable], house.disks, "#!/bin/bash\nsleep 98768 &\n", house.public)
    until(lambda: sleepers("98768"))
    first = int((house.disks / "inst_1/first_process").read_text().split()[0])
    os.kill(first, signal.SIGSTOP)
    process.kill()
    process.communicate()
    assert alive(first)
    house.boot()
    assert not alive(first)
    assert sleepers("98768") == []


def test_a_process_that_took_the_number_of_one_that_ended_is_left_alone(house) -> None:
    other = subprocess.Popen(["sleep", "98769"])
    disk = house.disks / "inst_1"
    disk.mkdir(parents=True)
    (disk / "first_process").write_text(f"{other.pid} 1\n")
    house.boot()
    assert other.poll() is None
    other.kill()
    other.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="all of these tests run as an ordinary user already")
def test_an_ordinary_user_has_instances_with_one_uid(house, sandbox) -> None:
    place = Path("/var/tmp") / f"flowbatch-{os.getpid()}"  # pytest's own directories are their owner's alone
    python, packages = shutil.which("python3", path="/usr/bin"), [p for p in site.getsitepackages() if Path(p).is_dir()]
    if python is None or not Path(python).resolve().name.endswith(".".join(map(str, sys.version_info[:2]))):
        pytest.skip("the packages of this interpreter cannot be used by one that everybody may run")
    place.mkdir(mode=0o700)
    os.chown(place, NOBODY, NOBODY)
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        process, port = sandbox(
            [python], place / "disks", "", house.public, env=environment, user=NOBODY, group=NOBODY, extra_groups=[]
        )
        words = ["ssh", *house.options("p", port), "ubuntu@localhost"]
        command = "id -u; pwd; sudo -n id -u; touch /etc/x /usr/local/bin/x /opt/x && echo written; systemctl is-system-running"
        done = subprocess.run([*words, command], capture_output=True, text=True, timeout=20)
        process.communicate("\n", timeout=20)
    finally:
        shutil.rmtree(place)
    assert done.stdout.split() == ["0", "/home/ubuntu", "0", "written", "running"], done.stderr


def test_a_first_process_that_is_held_up_holds_nobody_up(house, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "ANSWER_S", 0.5)
    address = house.boot("held")
    house.says(address, "rm -f ~/.ssh/authorized_keys; mkfifo ~/.ssh/authorized_keys")
    assert house.ssh(address, "true").returncode == 255
    house.wait(house.machines.notice("held", "2026-01-01T00:00:00Z"))
    house.wait(house.machines.destroy("held"))
    assert not (house.disks / "held").exists()
