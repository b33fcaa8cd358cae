"""What srun tells of its tasks: how they ended, one line for each node and way of ending, and which still run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flowbatch.node.srun.tasks import Task, Tasks, ending, named
from flowbatch.node.srun.voice import Voice


@dataclass(slots=True)
class Telling:
    """`reduced`: each way of ending is told once only (SLURM_SRUN_REDUCE_TASK_EXIT_MSG). `told` hears of all: ranks and status."""

    tasks: Tasks
    voice: Voice
    step_id: str
    told: Callable[[Sequence[int], int], None] = lambda ranks, status: None
    reduced: bool = False
    interrupted: bool = False
    """Ctrl-C ended it: nothing is said of the signals that ended tasks."""
    _told: set[int] = field(default_factory=set)
    _ways: set[int] = field(default_factory=set)

    def ended(self) -> None:
        """Those that ended since the last time."""
        fresh = [task for task in self.tasks.all if task.status is not None and task.rank not in self._told]
        self._told.update(task.rank for task in fresh)
        alike: dict[tuple[str, int], list[int]] = {}
        for task in fresh:
            alike.setdefault((task.node, task.status or 0), []).append(task.rank)
        for (node, status), ranks in alike.items():
            self._detail(node, status, ranks)
            self.told(ranks, status)
            if status < 0 and self.interrupted:
                continue
            if status and not (self.reduced and status in self._ways):
                self.voice.error(f"srun: error: {node}: {named(ranks)}: {ending(status)}")
                self._ways.add(status)

    def _detail(self, node: str, status: int, ranks: Sequence[int]) -> None:
        waited = status << 8 if status >= 0 else -status
        many = f"{len(ranks)} task{'s' if len(ranks) > 1 else ''}"
        self.voice.detail(
            f"srun: launch/slurm: _task_finish: Received task exit notification for {many} of StepId={self.step_id} "
            f"(status=0x{waited:04x})."
        )
        if not status:
            self.voice.detail(f"srun: launch/slurm: _task_finish: {node}: {named(ranks)}: Completed")

    def states(self) -> None:
        """Who runs, who has ended, and how."""
        over = [task for task in self.tasks.all if task.status is not None]
        for word, some in (
            ("running", self.tasks.running), ("exited", [task for task in over if not task.status]),
            ("exited abnormally", [task for task in over if task.status]),
        ):  # fmt: skip
            self._state(word, some)

    def _state(self, word: str, some: Sequence[Task]) -> None:
        if some:
            self.voice.remark(f"srun: StepId={self.step_id} {named([task.rank for task in some])}: {word}")
