"""Slurm's commands on a rented machine, by the thin client that is brought there."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from flowbatch.node import callers, commands, remote
from flowbatch.node.callers import Callers
from flowbatch.node.server import SOCKET
from flowbatch.protocol.frames import HEADER, Kind, frame, header, unpack_call


class Machine:
    """A machine's folder of commands, and the one who answers them; `controller` plays the other end, if there is one."""

    def __init__(self, directory: Path) -> None:
        commands.install(directory)
        self.directory = directory
        self.numbers: list[int] = []

    def call(self, *words: str, controller=None, **environ: str) -> subprocess.CompletedProcess[str]:
        return asyncio.run(self._call(words, controller, environ))

    async def _call(self, words, controller, environ):
        playing: list[asyncio.Task[None]] = []

        def announce(number: int) -> bool:
            self.numbers.append(number)
            if controller is not None:
                playing.append(asyncio.ensure_future(controller(answering, number)))
            return controller is not None

        answering = Callers(announce, ("/bin/echo", "became"))
        name = self.directory / callers.SOCKET
        name.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(name))
        async with await answering.serve(listening):
            program = self.directory / commands.FOLDER / words[0]
            done = await asyncio.to_thread(
                subprocess.run, [program, *words[1:]], env={"PATH": os.environ["PATH"], **environ}, capture_output=True,
                text=True, timeout=60, check=False,
            )  # fmt: skip
            await asyncio.gather(*playing)
        return done


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_srun_is_the_program_of_this_machine_without_a_controller(machine):
    done = machine.call("srun", "-n2", "two words")
    assert (done.returncode, done.stdout) == (0, "became -n2 two words\n")
    assert machine.numbers == []


def test_hosts_are_expanded_without_a_controller(machine):
    assert machine.call("scontrol", "show", "hostnames", "n[1-2]").stdout == "n1\nn2\n"
    assert machine.call("scontrol", "show", "hostnames", SLURM_JOB_NODELIST="m7").stdout == "m7\n"


@pytest.mark.parametrize(
    ("command", "before"),
    [
        ("squeue", "slurm_load_jobs error: "),
        ("sbatch", "sbatch: error: Batch job submission failed: "),
        ("sacct", "sacct: error: "),
    ],
)
def test_without_a_controller_it_says_so(machine, command, before):
    done = machine.call(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{before}Unable to contact slurm controller (connect failure)\n"


def test_the_controller_hears_the_call_and_is_heard(machine):
    async def controller(answering: Callers, number: int) -> None:
        mine, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=mine)
        carrying = asyncio.ensure_future(answering.carry(number, *await asyncio.open_unix_connection(sock=theirs)))
        kind, length = header(await reader.readexactly(HEADER.size))
        call = unpack_call(await reader.readexactly(length))
        assert (kind, call.command, call.argv) == (Kind.CALL, b"squeue", (b"-h",))
        writer.write(frame(Kind.OUT, b"a row\n") + frame(Kind.EXIT, (3).to_bytes(4, "big", signed=True)))
        await carrying
        writer.close()

    done = machine.call("squeue", "-h", controller=controller)
    assert (done.returncode, done.stdout) == (3, "a row\n")
    assert machine.numbers == [1]


def test_a_node_that_hangs_up_ends_the_answer(tmp_path):
    """Before it has said what it is: nothing is waited for."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / SOCKET))
        listening.listen()
        hanging_up = threading.Thread(target=lambda: listening.accept()[0].close())
        hanging_up.start()
        assert remote.attach(tmp_path, b"{}\n") == 1
        hanging_up.join()
