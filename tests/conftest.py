"""A controller's real socket server in this process, with commands of the test behind it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from flowbatch.commands.call import Command
from flowbatch.controller.server import Server
from flowbatch.paths import Paths
from flowbatch.sdk.controller import Controller

settings.register_profile("any machine", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # how busy it is is nobody's fault

Serve = Callable[[Mapping[str, Command]], Controller]


class Nowhere:
    """No cluster at all."""

    async def current(self, environ: Mapping[str, str]) -> None:
        return None


class Behind:
    """Serves `commands` at the state directory's socket, on a thread, until it is closed."""

    def __init__(self, paths: Paths, commands: Mapping[str, Command]) -> None:
        self._loop = asyncio.new_event_loop()
        self._server = Server(Nowhere(), commands)  # type: ignore[arg-type]  # these commands look at no queue
        self._socket = str(paths.socket)
        self._loop.run_until_complete(self._server.start(self._socket))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(self._socket, 0), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "state").mkdir(mode=0o700)
    return Paths(tmp_path / "state", tmp_path / "config")


@pytest.fixture
def serve(paths: Paths) -> Iterator[Serve]:
    behind: list[Behind] = []

    def serving(commands: Mapping[str, Command]) -> Controller:
        behind.append(Behind(paths, commands))
        return Controller(paths)

    yield serving
    for one in behind:
        one.close()
