"""PMIx for the tasks of a step (--mpi=pmix), by the machine's own library.

To a PMIx program the virtual nodes of a machine are one node: they have one memory, and Open MPI, for one, names what it shares there by the
machine and the rank on it. What real Slurm's plugin does not serve (spawning, connecting jobs, publishing names) is refused here too.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowbatch.node.srun.pmi import mapping
from flowbatch.node.srun.wanted import CannotRun
from flowbatch.protocol.launch import BadLine, line, parse

CHUNK = 65536
OPENED_WITHIN_S = 60.0
ENDED_WITHIN_S = 5.0
PROGRAM = "flowbatch.node.srun.pmix_server"
WHERE = Path(__file__).parents[3]
"""Where the package is found, also on a rented machine."""


@dataclass(slots=True)
class Pmix:
    """The server of one step, named `JOB.STEP`. `abort` is called when a rank gives up for all, with its number and its word for the
    exit code; `lost` when one is gone without having said so, with the line that says it."""

    name: str
    ranks: Sequence[int]
    abort: Callable[[int, int], None]
    lost: Callable[[str], None]
    _process: subprocess.Popen[bytes] | None = None
    _connection: socket.socket = field(init=False)
    _directory: str = ""
    _unread: bytearray = field(default_factory=bytearray)
    _variables: dict[int, dict[str, str]] = field(default_factory=dict)
    _telling: bool = True

    def begin(self) -> int:
        """All ranks can be started; the descriptor that `over` hears. Raises CannotRun."""
        opening = line("open", name=self._namespace, ranks=list(self.ranks))
        try:
            self._start()
            self._connection.sendall(opening)
            messages: list[dict[str, Any]] = []
            while not messages:
                messages = self._heard()
        except (OSError, BadLine) as error:
            messages = [{"op": "failed", "why": f"no server: {error}"}]
        if messages[0]["op"] != "opened":
            raise CannotRun(f"srun: error: mpi/pmix: {messages[0]['why']}")
        self._variables = {int(rank): told for rank, told in messages[0]["environ"].items()}
        return self._connection.fileno()

    def variables(self, rank: int) -> dict[str, str]:
        """What a rank finds the server by."""
        # No program of ours listens for an abort there: the server tells srun.
        ours = {"SLURM_PMIX_MAPPING_SERV": mapping([self.ranks]), "SLURM_PMIXP_ABORT_AGENT_PORT": "0"}
        return self._variables[rank] | ours

    def over(self) -> bool:
        """What the server has said is heeded; true once it is gone."""
        try:
            for message in self._heard():
                if message["op"] == "abort":
                    self.abort(message["rank"], message["status"])
                else:
                    source = f"[{self._namespace}:{message['rank']}]"
                    self._tell(f"Error handler invoked: status = {message['status']}, source = {source}")
        except (OSError, BadLine) as error:
            self._tell(f"no server: {error}")
            return True
        return False

    def close(self) -> None:
        """Nothing of the server is left."""
        if not self._directory:
            return  # it has not begun
        self._connection.close()
        if self._process is not None:
            try:
                self._process.wait(ENDED_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _namespace(self) -> str:
        return f"slurm.pmix.{self.name}"

    def _start(self) -> None:
        """The server's process, in a directory of its own: nothing of the caller's environment tunes it."""
        self._connection, theirs = socket.socketpair()
        self._connection.settimeout(OPENED_WITHIN_S)
        self._directory = tempfile.mkdtemp(prefix="pmix.", dir="/tmp")
        environ = {"PATH": os.defpath, "PYTHONPATH": str(WHERE)}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM, str(theirs.fileno())], env=environ, cwd=self._directory, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip

    def _heard(self) -> list[dict[str, Any]]:
        """The messages that have come. Raises OSError once nothing more will, BadLine."""
        data = self._connection.recv(CHUNK)
        if not data:
            raise ConnectionResetError("it has ended")
        self._unread += data
        *lines, rest = self._unread.split(b"\n")
        self._unread = rest
        return [parse(bytes(one)) for one in lines]

    def _tell(self, what: str) -> None:
        """Once: what follows from the first is its consequence."""
        if self._telling:
            self._telling = False
            self.lost(f"slurmstepd: error:  mpi/pmix: {what}")
