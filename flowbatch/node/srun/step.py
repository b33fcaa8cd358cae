"""One step, from its request to its last task: asked for, granted, begun, heard, fed and ended."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from flowbatch.node.granting import CannotEver, Demand, grant_all
from flowbatch.node.own_process import say
from flowbatch.node.srun import binding, describing, environment, hooks, shaping
from flowbatch.node.srun.attached import Attached
from flowbatch.node.srun.components import Component
from flowbatch.node.srun.ending import HEEDED, Ending
from flowbatch.node.srun.files import Files
from flowbatch.node.srun.grant import Grant, Granted, Job, Refused
from flowbatch.node.srun.launch import Launch
from flowbatch.node.srun.programs import programs
from flowbatch.node.srun.refusals import refusal
from flowbatch.node.srun.tasks import Task, Tasks
from flowbatch.node.srun.telling import Telling
from flowbatch.node.srun.terminal import Terminal
from flowbatch.node.srun.voice import Voice
from flowbatch.node.srun.wanted import CannotRun, CpuBind, Wanted
from flowbatch.protocol.sockets import NODE
from flowbatch.slurm.patterns import Names

LOOK_S = 0.2
LAST_WORDS_S = 0.5
CHUNK = 65536
NO_TERMINAL = (
    "srun: error: ioctl(TIOCGWINSZ): Inappropriate ioctl for device\n"
    "srun: error: Not using a pseudo-terminal, disregarding --pty option"
)

T = TypeVar("T")


class Run:
    """A step that a node is asked for, and that then runs here."""

    def __init__(
        self,
        directory: Path,
        components: Sequence[Component],
        environ: Mapping[str, str],
        voice: Voice,
        begun: Callable[[Ending], None],
        *,
        line: str,
        alone: bool,
        revive: Callable[[Path], None] | None,
    ) -> None:
        """`begun` is given what ends the step, once there is a step; `line`: the words that asked for it; `alone`: the step is all
        of its job; `revive`: as `Grant`'s."""
        self._line = line
        self._begun = begun
        self._alone = alone
        self.components = components
        self.wanted = wanted = components[0].wanted
        self.environ = environ
        self.voice = voice
        self.job_id = wanted.job_id or 0
        self.cwd = os.path.join(os.getcwd(), wanted.chdir or "")
        try:
            self.grant = Grant(directory, NODE, revive)
        except OSError:
            raise CannotRun("srun: error: Unable to create step: the node of this job does not answer") from None
        self.tasks = Tasks()
        self.attached = Attached(self.tasks, voice.detail)
        self.launch: Launch | None = None
        self.signals: list[int] = []
        self._waits = False
        """Whether a signal ends it: the step is asked for, and not granted yet."""

    def run(self) -> int:
        """srun's exit code. Raises CannotRun."""
        wakes = self._catch()
        try:
            job = self._answered(lambda: self.grant.job(self.job_id))
            bind = self._bind(job)
            demands = [shaping.demand(one.wanted, job.shares, self.voice.remark, one.number) for one in self.components]
            commands = [
                command for one, demand in zip(self.components, demands, strict=True)
                for command in self._commands(one.wanted, demand.tasks)
            ]  # fmt: skip
            if self.wanted.test_only:
                return self._would_be(job, demands)
            granted = self._granted(demands)
        except OSError as error:
            raise CannotRun(f"srun: error: Unable to create step for job {self.job_id}: {error}") from None
        spread = shaping.told(self.wanted, demands)
        step = environment.Step(
            self.job_id, granted.step, granted.parts, job.shares, self._said(), spread.said,
            spread.plane, self._umask(),
        )  # fmt: skip
        around = {**self.environ, **step.variables}
        hooks.around(self.wanted.prolog, "prolog", around, self.voice)
        for line in describing.granted(step):
            self.voice.detail(line)
        for note in granted.notes:
            self.voice.remark(f"srun: flowbatch: {note}")
        if granted.door is not None:
            self.attached.open(Path(granted.door))
        try:
            with self._terminal() as terminal:
                self._begin(job, step, commands, bind, terminal)
                self._live(wakes, terminal)
        finally:
            self.tasks.signal(signal.SIGKILL)
            self.grant.done(**self.tasks.spent())
            if self.launch is not None:
                self.launch.over()
        self.ending.over()
        self.attached.over(LAST_WORDS_S)
        hooks.around(self.wanted.epilog, "epilog", around, self.voice)
        return self.ending.exit_code()

    def _said(self) -> Wanted:
        """What the tasks are told was wanted: the first component's words, but of -c outside a job whichever came last."""
        said = [one.wanted.cpus_per_task for one in self.components if one.wanted.cpus_per_task is not None]
        return replace(self.wanted, cpus_per_task=said[-1]) if self._alone and said else self.wanted

    def _catch(self) -> int:
        """From now on signals are noted; the descriptor that wakes whoever waits."""
        wakes, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        for number in HEEDED:
            signal.signal(number, self._caught)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.pthread_sigmask(
            signal.SIG_UNBLOCK, HEEDED
        )  # the thin client held them back until somebody could heed them
        return wakes

    def _caught(self, number: int, _: object) -> None:
        if self._waits:
            self._waits = False
            raise CannotRun(refusal("signalled", job=self.job_id, number=int(number)))
        self.signals.append(number)

    def _answered(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Refused as error:
            raise CannotRun(refusal(error.why, job=self.job_id, **error.facts)) from None

    def _bind(self, job: Job) -> CpuBind:
        """How tasks are bound to CPUs here; says so where they cannot be."""
        if self.wanted.cpu_bind is None or binding.can_bind(job.shares, job.variables.get("SLURM_CONF")):
            return self.wanted.cpu_bind or CpuBind()
        self.voice.remark(binding.UNSUPPORTED)
        return CpuBind()

    def _commands(self, wanted: Wanted, tasks: int) -> list[list[str]]:
        if not wanted.multi_prog:
            return [list(wanted.command)] * tasks
        path = wanted.command[0]
        try:
            text = Path(self.cwd, path).read_text(errors="surrogateescape")
        except OSError:
            raise CannotRun(f"srun: error: Could not open multi_prog config file {path}") from None
        return programs(text, tasks, path)

    def _would_be(self, job: Job, demands: Sequence[Demand]) -> int:
        """--test-only. Raises CannotRun for what the job has not."""
        try:
            parts = grant_all(demands, job.shares, ()) or ()
        except CannotEver as error:
            raise CannotRun(refusal(error.why, job=self.job_id, **error.facts)) from None
        self.voice.remark(describing.would_be(self.job_id, parts, job.variables.get("SLURM_JOB_PARTITION", "")))
        return 0

    def _granted(self, demands: Sequence[Demand]) -> Granted:
        waited = False

        def busy() -> None:
            nonlocal waited
            waited = True
            if self.wanted.immediate:
                raise CannotRun(refusal("busy", job=self.job_id))
            self.voice.remark(
                f"srun: Job {self.job_id} step creation temporarily disabled, retrying (Requested nodes are busy)"
            )

        command = self.wanted.command
        self._waits = True
        granted = self._answered(lambda: self.grant.ask(
            self.job_id, demands, busy, name=self.wanted.job_name or os.path.basename(command[0]), command=self._line,
            pid=os.getpid(), limit_min=self.wanted.limit_min, layout=demands[0].distribution.kind.capitalize(),
        ))  # fmt: skip
        self._waits = False
        if waited:
            self.voice.remark(f"srun: Step created for job {self.job_id}")
        return granted

    @contextlib.contextmanager
    def _terminal(self) -> Iterator[Terminal | None]:
        """Task 0's own, where --pty was said and srun has one itself."""
        if not self.wanted.pty:
            yield None
            return
        try:
            terminal = Terminal.open()
        except (OSError, termios.error):
            self.voice.error(NO_TERMINAL)
            yield None
            return
        try:
            yield terminal
        finally:
            self.tasks.unwatch(terminal.fd)
            terminal.close()

    def _begin(
        self, job: Job, step: environment.Step, commands: list[list[str]], bind: CpuBind, terminal: Terminal | None
    ) -> None:
        """All tasks run, and the node knows them. Raises CannotRun."""
        wanted, tasks, name = self.wanted, self.tasks, f"{self.job_id}.{step.number}"
        reduced = "SLURM_SRUN_REDUCE_TASK_EXIT_MSG" in self.environ
        self.ending = Ending(
            tasks,
            Telling(tasks, self.voice, name, self.attached.exited, reduced),
            self.voice,
            wanted,
            name,
            step.parts[0].node,
            job.kill_wait_s,
            self._aloud,
        )
        self._begun(self.ending)
        kept = environment.base(self.environ, job.variables, wanted.export)
        if self._alone and len(self.components) > 1:
            kept = environment.joined(kept, job.shares)
        files = Files(wanted, self._names(step.number), self.cwd, step.tasks, self.attached.hear)
        self.launch = launch = Launch(step, tasks, kept, commands, files, self.cwd, bind, terminal, self.ending)

        def ended(task: Task) -> None:
            launch.ended(task)
            self.ending.noted()

        tasks.ended = ended
        launch.begin()
        self.grant.tasks(tasks.pids)
        for line in describing.started(step):
            self.voice.detail(line)
        self.ending.begin(time.monotonic())
        if terminal is not None:
            self._show(terminal)

    def _show(self, terminal: Terminal) -> None:
        """What is typed goes to the task, what it writes is shown; also to those who look on."""
        terminal.tap = partial(self.attached.hear, 0, 0, 1)
        self.attached.feed = lambda data, only: terminal.put(data)
        self.attached.stuffed = lambda: terminal.behind
        terminal.follow()

    def _aloud(self, words: str) -> None:
        """The words of the step's daemon, for all who listen to the step."""
        say(words)
        self.attached.said(words)

    def _names(self, number: int) -> Names:
        """What file names may say; job name and array are the caller's word, as its environment has them."""
        told = self.environ
        array = (told.get("SLURM_ARRAY_JOB_ID", ""), told.get("SLURM_ARRAY_TASK_ID", ""))
        array_id, index = (int(word) if word.isdecimal() else None for word in array)
        name = self.wanted.job_name or told.get("SLURM_JOB_NAME") or os.path.basename(self.wanted.command[0])
        return Names(
            self.job_id, name, pwd.getpwuid(os.getuid()).pw_name, os.uname().nodename, array_id, index, step=str(number)
        )

    def _live(self, wakes: int, terminal: Terminal | None) -> None:
        """Until every task has ended and what it wrote is heard."""
        tasks = self.tasks
        tasks.watch(wakes, lambda: _emptied(wakes))
        tasks.watch(self.grant.fd, self._told)
        fed = False
        while tasks.running:
            if tasks.hungry != fed:
                fed = tasks.hungry
                if fed:
                    tasks.watch(0, lambda: tasks.feed(_stdin()))
                else:
                    tasks.unwatch(0)
            if terminal is not None:
                terminal.attend(tasks)
            tasks.look(self.ending.patience(LOOK_S))
            self.attached.tick()
            while self.signals:
                self.ending.heed(self.signals.pop(0))
            self.ending.tick(time.monotonic())
        tasks.drain(time.monotonic() + LAST_WORDS_S)

    def _told(self) -> None:
        """The node has a word about the running step, or is gone, which is no reason to end."""
        try:
            number = self.grant.signalled()
        except OSError:
            self.tasks.unwatch(self.grant.fd)
            return
        if number is not None:
            self.ending.signalled(number)

    def _umask(self) -> int:
        """The tasks' umask: the caller's, or what SLURM_UMASK says."""
        umask = os.umask(0o022)
        with contextlib.suppress(ValueError):
            umask = int(self.environ.get("SLURM_UMASK") or "", 8) & 0o777
        os.umask(umask)
        return umask


def _stdin() -> bytes:
    try:
        return os.read(0, CHUNK)
    except OSError:
        return b""


def _emptied(wakes: int) -> None:
    os.read(wakes, 4096)
