"""Being the controller, while something serves. Apart from `lifecycle`, so that a client that starts one loads no event loop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from filelock import Timeout

from flowbatch.controller import lifecycle
from flowbatch.controller.log import open_log
from flowbatch.errors import ControllerUnreachable
from flowbatch.paths import Paths

log = logging.getLogger("flowbatch.controller")

UNLOCKED = "the file system of {state} does not lock files: two controllers could serve one queue"
ON_A_LOCAL_DISK = "set FLOW_STATE_DIR to a directory on a disk of this machine"


def live(
    paths: Paths, serve: Callable[[Callable[[], None]], Coroutine[Any, Any, None]], notes: Sequence[str] = ()
) -> int:
    """Is the controller while `serve` runs, and calls `ready` once the socket answers. ALREADY if another one is. `notes` are for its
    log."""
    lifecycle.make_state(paths)
    os.chdir(paths.state)
    os.umask(0o077)
    try:
        if not lifecycle.locks_hold(paths.lock):
            raise ControllerUnreachable(UNLOCKED.format(state=paths.state), hint=ON_A_LOCAL_DISK)
        with lifecycle.lock(paths):
            open_log(paths.log)
            for note in notes:
                log.warning(note)
            paths.pid.write_text(f"{os.getpid()}\n")
            try:
                asyncio.run(serve(ready))
            finally:
                paths.pid.unlink()
    except Timeout:
        return lifecycle.ALREADY
    except OSError as error:
        raise ControllerUnreachable(f"cannot write to the state directory {paths.state}: {error.strerror}") from None
    return 0


def ready() -> None:
    """Tells `start` that the controller answers, and lets go of the standard streams (a pipe to the starter)."""
    with suppress(BrokenPipeError):  # whoever started this one did not wait
        os.write(1, lifecycle.READY)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
