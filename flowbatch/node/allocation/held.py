"""The life of a placement without a script: its holder waits until whoever holds it is done, or until it is told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

from flowbatch.node.book import Book, Released, Started
from flowbatch.node.files import Outcome
from flowbatch.node.processes import Processes
from flowbatch.node.run import Run
from flowbatch.protocol.launch import LaunchMessage, Report

HOLDER = "#!/bin/sh\nexec sleep 2147483647\n"
"""What waits under the wrapper. It needs no word of its own: it ends by a signal, and what its end means is in the journal."""

NOWHERE = "/dev/null"

LOOK_S = 0.1
"""How often it is asked whether the last step is over."""


def held(launch: LaunchMessage, *, alone: bool) -> LaunchMessage:
    """The launch of a placement that is held instead: for a client, or `alone`. Its holder reads and writes nothing."""
    return replace(
        launch, holds="alone" if alone else "client", script=HOLDER, work_dir="/", stdin=NOWHERE, stdout=NOWHERE, stderr=None,
    )  # fmt: skip


class HeldRun(Run):
    """One holder. `busy`: whether a step of it, or the srun that holds it, goes on; `revoked` tells who holds it that it ends, and why."""

    def __init__(
        self, started: Started, book: Book, processes: Processes, now: Callable[[], float],
        to_steps: Callable[[int], bool], busy: Callable[[], bool], revoked: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(started, book, processes, now, to_steps)
        self._busy = busy
        self._asked = False
        """Whether a step's tasks were told to end: one whose srun has just begun has none yet."""
        self._revoked = revoked

    @property
    def stopping(self) -> str | None:
        """Why it was told to end, if it was."""
        stopping = self._entry.stopping
        return None if stopping is None else stopping.why

    def stop(self, why: str) -> None:
        if self._entry.stopping is None and self._entry.report is None:
            super().stop(why)
            self._revoked(why)

    def release(self, code: int, number: int) -> None:
        """Whoever held it is done: it ends with this status, once its steps are over."""
        if self._entry.released is None and self._entry.report is None:
            self._book.note(Released(self.started.key, code, number, self._now()))
            if self._entry.stopping is None:
                self._let_go()

    def deliver(self, number: int, scope: str) -> None:
        """There is no batch shell: signals are for the steps."""
        self._to_steps(number)

    def _arm(self) -> None:
        if self._entry.stopping is None and self._entry.released is not None:
            self._let_go()
        else:
            super()._arm()

    def _let_go(self) -> None:
        released = self._entry.released
        assert released is not None
        self._at(released.at, self._ask_to_end)
        self._at(released.at + self.started.kill_wait_s, self._kill)

    def _freeze(self) -> None:
        super()._freeze()
        self._to_steps(signal.SIGSTOP)

    def _thaw(self) -> None:
        super()._thaw()
        self._to_steps(signal.SIGCONT)

    def _ask_to_end(self) -> None:
        self._to_steps(signal.SIGCONT)
        self._end_when_idle()

    def _end_when_idle(self) -> None:
        self._asked = self._asked or bool(self._to_steps(signal.SIGTERM))
        if self._busy():
            self._at(self._now() + LOOK_S, self._end_when_idle)
        else:
            self._kill()

    def _kill(self) -> None:
        self._to_steps(signal.SIGKILL)
        super()._kill()

    def _end(self, outcome: Outcome | None) -> Report | None:
        """The holder's own end says nothing: what the one who held it said counts, and 0 where he was not asked."""
        report, entry = super()._end(outcome), self._entry
        if report is None or report.what != "ended" or (entry.released is None and entry.stopping is None):
            return report
        code, number = (0, 0) if entry.released is None else (entry.released.code, entry.released.signal)
        return replace(report, code=code, signal=number)
