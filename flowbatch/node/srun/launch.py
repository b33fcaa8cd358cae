"""How the tasks of a granted step begin: each with its environment, streams, CPUs, GPUs, terminal and process manager."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from flowbatch.node.granting import Part
from flowbatch.node.own_process import say
from flowbatch.node.srun import binding, environment, hooks
from flowbatch.node.srun.ending import Ending
from flowbatch.node.srun.environment import Step
from flowbatch.node.srun.files import Files
from flowbatch.node.srun.pmi import Pmi
from flowbatch.node.srun.pmix import Pmix
from flowbatch.node.srun.streams import Sink
from flowbatch.node.srun.tasks import Beginning, Task, Tasks
from flowbatch.node.srun.terminal import Terminal
from flowbatch.node.srun.wanted import CpuBind


@dataclass(slots=True)
class Launch:
    """All that the tasks of one step share as they begin. `kept`: the environment before the step's own variables; `bind`: how
    they are bound to CPUs here; `terminal`: task 0's own, with --pty; `ending` hears of a task that gives up for all."""

    step: Step
    tasks: Tasks
    kept: Mapping[str, str]
    commands: Sequence[Sequence[str]]
    files: Files
    cwd: str
    bind: CpuBind
    terminal: Terminal | None
    ending: Ending
    _variables: dict[int, dict[str, str]] = field(default_factory=dict)
    _directory: str = ""
    _pmi: Pmi | None = None
    _pmix: Pmix | None = None

    def begin(self) -> None:
        """All tasks are started, the lowest rank first. Raises CannotRun."""
        step = self.step
        self._directory = _directory(self.cwd)
        self._manage()
        for node, local in _by_rank(step.parts):
            self._begin(node, local)

    def over(self) -> None:
        """No task runs any more, and nothing of the process manager is left."""
        if self._pmix is not None:
            self._pmix.close()

    def ended(self, task: Task) -> None:
        """A task is over: its epilog runs."""
        program = self.step.wanted.task_epilog
        if program is not None and task.process is not None:
            hooks.task_epilog(program, self._variables[task.rank], self._directory)

    def _manage(self) -> None:
        """The process manager that was asked for is there. Raises CannotRun."""
        step, mpi = self.step, self.step.wanted.mpi or ""
        name = f"{step.job_id}.{step.number}"
        if mpi == "pmi2":
            self._pmi = Pmi(name, [part.ranks for part in step.parts], self.ending.abort)
        elif mpi.startswith("pmix"):
            ranks = sorted(rank for part in step.parts for rank in part.ranks)
            self._pmix = Pmix(name, ranks, self.ending.abort, self.ending.lost)
            self._watch(self._pmix.begin(), self._pmix.over, lambda: None)

    def _watch(self, fd: int, over: Callable[[], bool], close: Callable[[], None]) -> None:
        """The process manager hears the descriptor until that is over."""

        def heard() -> None:
            if over():
                self.tasks.unwatch(fd)
                close()

        self.tasks.watch(fd, heard)

    def _begin(self, node: int, local: int) -> None:
        part = self.step.parts[node]
        rank = part.ranks[local]
        variables = self._variables[rank] = environment.of_task(self.kept, self.step, node, local)
        with ExitStack() as ours:
            kept = self._connected(rank, node, variables, ours)
            stdin, out, err, terminal = self._streams(rank, node, variables)
            for fd in (stdin, out, err):
                if isinstance(fd, int) and fd > 2:
                    ours.callback(os.close, fd)
            _write(out, hooks.task_prolog(self.step.wanted.task_prolog, variables, self._directory))
            task = self.tasks.start(Beginning(
                rank, part.node, self._command(rank, part), variables, self._directory, stdin, out, err, terminal,
                binding.cpus_of(self.bind, part, local), kept,
            ))  # fmt: skip
            _write(err, "".join(f"{line}\n" for line in self._bound(part, local, task)).encode())

    def _command(self, rank: int, part: Part) -> list[str]:
        command, where = list(self.commands[rank]), self.step.wanted.bcast
        if where is not None:
            command[0] = hooks.broadcast(command, where, f"{self.step.job_id}.{self.step.number}", part.node, self.cwd)
        return command

    def _connected(self, rank: int, node: int, variables: dict[str, str], ours: ExitStack) -> tuple[int, ...]:
        """The task's end of its connection to the process manager, if there is one."""
        if self._pmix is not None:
            variables.update(self._pmix.variables(rank))
        if self._pmi is None:
            return ()
        fd, theirs, told = self._pmi.connect(rank, node)
        ours.callback(os.close, theirs)
        variables.update(told)
        self._watch(fd, partial(self._pmi.over, fd), partial(self._pmi.close, fd))
        return (theirs,)

    def _streams(
        self, rank: int, node: int, variables: dict[str, str]
    ) -> tuple[int | None, int | Sink, int | Sink, str]:
        """Standard input, output and error, or the terminal that is all three. With --pty only task 0 is heard."""
        if self.terminal is None:
            return self.files.input(rank, node), self.files.output(1, rank, node), self.files.output(2, rank, node), ""
        variables.update(self.terminal.variables())
        stdin, out = (os.open(os.devnull, os.O_RDWR) for _ in range(2))
        if rank == 0:
            return stdin, out, Sink(2, tap=partial(self.files.tap, node, rank, 2)), self.terminal.path
        return stdin, out, os.open(os.devnull, os.O_RDWR), ""

    def _bound(self, part: Part, local: int, task: Task) -> Iterator[str]:
        """What verbose bindings tell of a task."""
        gpus = binding.gpu_binding(self.step.wanted)
        if gpus is not None and gpus.verbose:
            yield binding.gpu_line(part, binding.visible(gpus, part, local))
        if self.bind.verbose and task.process is not None:
            cpus = binding.cpus_of(self.bind, part, local)
            yield binding.cpu_line(self.bind, os.uname().nodename, task.rank, local, task.process.pid, cpus)


def _by_rank(parts: Sequence[Part]) -> list[tuple[int, int]]:
    """Every task as (node, place there), the lowest rank first."""
    places = ((rank, node, local) for node, part in enumerate(parts) for local, rank in enumerate(part.ranks))
    return [(node, local) for _, node, local in sorted(places)]


def _directory(cwd: str) -> str:
    try:
        os.stat(os.path.join(cwd, "."))
    except OSError as error:
        say(f"slurmstepd: error: couldn't chdir to `{cwd}': {error.strerror}: going to /tmp instead")
        return "/tmp"
    return cwd


def _write(stream: int | Sink, data: bytes) -> None:
    if not data:
        return
    if isinstance(stream, Sink):
        stream.take(data)
    else:
        os.write(stream, data)
