"""When and how srun ends its tasks: signals, Ctrl-C, --kill-on-bad-exit, --wait, --time; in the words of 22.05."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from flowbatch.node.own_process import say
from flowbatch.node.srun.tasks import Tasks
from flowbatch.node.srun.telling import Telling
from flowbatch.node.srun.voice import Voice
from flowbatch.node.srun.wanted import Wanted

MINUTE = 60
TWICE_WITHIN_S = 1.0
FOLD_S = 0.05
"""Tasks that end alike within so long are told of in one line."""

FORWARDED = (signal.SIGUSR1, signal.SIGUSR2)
FORCING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
HEEDED = (signal.SIGINT, *FORCING, *FORWARDED, signal.SIGCONT, signal.SIGALRM)

NEVER = float("inf")


@dataclass(slots=True)
class Ending:
    """The end of one step. `tick` is called often; instants are of the monotonic clock. `aloud`: the words of the step's daemon."""

    tasks: Tasks
    telling: Telling
    voice: Voice
    wanted: Wanted
    step_id: str
    node: str
    kill_wait_s: int
    aloud: Callable[[str], None] = say
    _limit_at: float = NEVER
    _kill_at: float = NEVER
    _forced: bool = False
    """The tasks end because srun was told so: nothing more says that it was forced."""
    _first_end: float = NEVER
    _untold: float = NEVER
    _interrupted_at: float = float("-inf")
    _closed: bool = False
    _code: int | None = None
    """What a task has said that srun's exit code is, as it gave up for all."""

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was its end."""
        return self.telling.interrupted

    @property
    def status(self) -> tuple[int, int]:
        """The exit code and signal of a job that is this step alone: of both, the signal counts."""
        spent = self.tasks.spent()
        return (0, spent["signal"]) if spent["signal"] else (spent["code"], 0)

    def begin(self, now: float) -> None:
        """The tasks run; from now on counts --time."""
        if self.wanted.limit_min is not None:
            self._limit_at = now + MINUTE * self.wanted.limit_min

    def noted(self) -> None:
        """A task has ended."""
        now = time.monotonic()
        self._first_end = min(self._first_end, now)
        self._untold = min(self._untold, now)

    def patience(self, most_s: float) -> float:
        """How long nothing need be looked at."""
        return min(most_s, FOLD_S) if self._untold != NEVER else most_s

    def tick(self, now: float) -> None:
        if now - self._untold >= FOLD_S:
            self._tell()
        if self.wanted.wait_s and now - self._first_end >= self.wanted.wait_s:
            self._tired()
        if now >= self._limit_at:
            self._too_long()
        if now >= self._kill_at:
            self._close()
            self.tasks.signal(signal.SIGKILL)

    def over(self) -> None:
        """No task runs any more: the last words."""
        self._tell()
        killed = any(task.status in (-signal.SIGKILL, -signal.SIGTERM) for task in self.tasks.all)
        if killed and not self._forced:
            self.voice.remark(f"srun: Force Terminated StepId={self.step_id}")

    def heed(self, number: int) -> None:
        """A signal that srun has got."""
        if number == signal.SIGINT:
            self._interrupt(time.monotonic())
        elif number in FORCING:
            if number == signal.SIGQUIT:
                self.voice.remark("srun: Quit")
            self._force()
        elif number == signal.SIGCONT:
            self.voice.remark("srun: got SIGCONT")
        elif number in FORWARDED:
            self.tasks.signal(number)

    def signalled(self, number: int) -> None:
        """The node gives the tasks this signal (scancel)."""
        if number == signal.SIGKILL:
            self._waiting()
            self._forced = True
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._close()

    def revoked(self, why: str) -> None:
        """The whole job ends, and the step with it: the node sees to its tasks. `why` as the node says it."""
        self._waiting()
        self._forced = True
        self._close(" DUE TO TIME LIMIT" if why == "timeout" else "")

    def abort(self, rank: int | None = None, code: int | None = None) -> None:
        """A task has given up for all (MPI_Abort). One that is known by its rank ends by itself, and has said what srun's exit code is."""
        if self._kill_at != NEVER:
            return
        self._waiting()
        self._close()
        self._forced = True
        self._code = code
        self.tasks.signal(signal.SIGKILL, spared=rank)
        self._kill_at = time.monotonic() + self.kill_wait_s

    def lost(self, said: str) -> None:
        """A task's process manager has missed it: that ends all, unless they are being ended."""
        if not (self._forced or self._closed):
            self.aloud(said)
            self.abort()

    def exit_code(self) -> int:
        """srun's, once all is over."""
        return self.tasks.exit_code() if self._code is None else self._code & 0xFF

    def _tell(self) -> None:
        self._untold = NEVER
        self.telling.ended()
        if self.wanted.kill_on_bad_exit and any(task.status for task in self.tasks.all):
            self._terminate()

    def _interrupt(self, now: float) -> None:
        """The first shows what runs; the second within a second is the tasks' own, and then their end."""
        twice = now - self._interrupted_at < TWICE_WITHIN_S
        self._interrupted_at = now
        wanted = self.wanted
        if not (twice or wanted.disable_status or wanted.quit_on_interrupt):
            self.voice.remark("srun: interrupt (one more within 1 sec to abort)")
            self.telling.states()
            return
        self.voice.remark(f"srun: sending Ctrl-C to StepId={self.step_id}")
        self.tasks.signal(signal.SIGINT)
        if twice or wanted.quit_on_interrupt:
            self._forcing()
            self.telling.interrupted = True
            self._kill_at = now + TWICE_WITHIN_S

    def _force(self) -> None:
        self._forcing()
        self._close()
        self.tasks.signal(signal.SIGKILL)
        self._kill_at = time.monotonic()

    def _forcing(self) -> None:
        self.voice.remark("srun: forcing job termination")
        self._waiting()
        self._forced = True

    def _terminate(self) -> None:
        if self._kill_at == NEVER and self.tasks.running:
            self.voice.remark(f"srun: launch/slurm: _step_signal: Terminating StepId={self.step_id}")
            self._close()
            self._ask_to_end()

    def _tired(self) -> None:
        """-W: the first task ended so long ago."""
        self._first_end = NEVER
        self.voice.remark(f"srun: First task exited {self.wanted.wait_s}s ago")
        self.telling.states()
        self.voice.remark(f"srun: launch/slurm: _step_signal: Terminating StepId={self.step_id}")
        self._close()
        self._waiting()
        self._forced = True
        self.tasks.signal(signal.SIGKILL)
        self._kill_at = time.monotonic()

    def _too_long(self) -> None:
        """--time."""
        self._limit_at = NEVER
        self._close(" DUE TO TIME LIMIT")
        self._ask_to_end()

    def _ask_to_end(self) -> None:
        self.tasks.signal(signal.SIGCONT)
        self.tasks.signal(signal.SIGTERM)
        self._kill_at = time.monotonic() + self.kill_wait_s

    def _waiting(self) -> None:
        self.voice.remark(
            f"srun: Job step aborted: Waiting up to {self.kill_wait_s + 2} seconds for job step to finish."
        )

    def _close(self, why: str = "") -> None:
        """The word of the step's daemon, once."""
        if not self._closed and self.tasks.running:
            self._closed = True
            at = time.strftime("%Y-%m-%dT%H:%M:%S")
            self.aloud(f"slurmstepd: error: *** STEP {self.step_id} ON {self.node} CANCELLED AT {at}{why} ***")
