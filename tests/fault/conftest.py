"""A market for the fault tests: one sandbox a worker, with short rounds and real instances."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowbatch.paths import Paths
from flowbatch.sandbox import address
from flowbatch.sandbox.settings import Settings
from flowbatch.sdk.sandbox import Sandbox
from tests.fault.market import Laptop, laptops

QUICK = Settings(tick_s=1, notice_s=12, boot_delay_s=0, history_s=0, requests_per_minute=0)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One market for all tests of this process: each laptop has a store of its own, and so names of its own."""
    root = Path("/tmp") / f"fm-{os.getpid()}"
    root.mkdir(mode=0o700)
    here = Sandbox(Paths(root, root))
    here.start(QUICK)
    yield here
    known = address.read(here.directory)
    try:
        here.stop()
    finally:
        if known is not None and known.pid is not None and Path(f"/proc/{known.pid}").exists():
            os.kill(known.pid, signal.SIGKILL)
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def new_laptop(sandbox: Sandbox) -> Iterator[Callable[..., Laptop]]:
    """Makes laptops."""
    with laptops(sandbox) as new:
        yield new


@pytest.fixture
def laptop(new_laptop: Callable[..., Laptop]) -> Laptop:
    """One with a controller that is not troubled yet: `laptop.boots()` starts it."""
    return new_laptop()
