"""The descriptors and sinks of a step's tasks, made as they are needed; a file that all share is opened once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from flowbatch.node.srun import streams
from flowbatch.node.srun.streams import Place, Sink
from flowbatch.node.srun.wanted import CannotRun, Wanted
from flowbatch.slurm.patterns import Names

Tap = Callable[[int, int, int, bytes], None]
"""What a task of that node writes: node, rank, stream and data."""


@dataclass(slots=True)
class Files:
    """Where the three streams of each task lead. `names`: what a pattern may say, for task 0 of node 0; `tap` is given what goes
    through srun."""

    wanted: Wanted
    names: Names
    directory: str
    tasks: int
    tap: Tap
    _shared: dict[str, int] = field(default_factory=dict)
    _places: tuple[Place, ...] = ()

    def __post_init__(self) -> None:
        said = (self.wanted.input, self.wanted.output, self.wanted.error or self.wanted.output)
        self._places = tuple(streams.place(word, self.directory) for word in said)

    def input(self, rank: int, node: int) -> int | None:
        """A descriptor, or None: the task is fed with srun's own. Raises CannotRun."""
        where = self._places[0]
        if where.kind == "srun" or (where.kind == "one" and where.only == rank):
            return None
        path = os.devnull if where.kind in ("one", "null") else self._path(where, rank, node)
        return _open(lambda: os.open(path, os.O_RDONLY), where, path, 0)

    def output(self, fd: int, rank: int, node: int) -> int | Sink:
        """Of standard output (1) or error (2). Raises CannotRun."""
        where, mode = self._places[fd], self.wanted.open_mode
        label = streams.label(rank, self.tasks) if self.wanted.label else b""
        if where.kind == "srun" or (where.kind == "one" and where.only == rank):
            return Sink(fd, label, partial(self.tap, node, rank, fd))
        if where.kind == "one":
            return os.open(os.devnull, os.O_WRONLY)
        path = os.devnull if where.kind == "null" else self._path(where, rank, node)
        if path not in self._shared:
            self._shared[path] = _open(lambda: streams.opened(path, mode), where, path, fd)
        if where.kind == "files":
            return Sink(self._shared[path], label) if label else os.dup(self._shared[path])
        return Sink(self._shared[path], label, partial(self.tap, node, rank, fd))

    def close(self) -> None:
        """The files are closed here; tasks have their own descriptors."""
        for fd in self._shared.values():
            os.close(fd)

    def _path(self, where: Place, rank: int, node: int) -> str:
        return streams.file_of(where, replace(self.names, node=node), rank)


def _open(opening: Callable[[], int], where: Place, path: str, fd: int) -> int:
    try:
        return opening()
    except OSError as error:
        raise CannotRun(streams.could_not(where, path, fd, error)) from None
