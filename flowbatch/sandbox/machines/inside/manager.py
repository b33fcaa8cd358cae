"""All units of an instance: what is loaded, what runs, what starts with the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from flowbatch.sandbox.machines.inside.children import Children
from flowbatch.sandbox.machines.inside.service import Service, note
from flowbatch.sandbox.machines.inside.timer import Timer
from flowbatch.sandbox.machines.inside.unitfile import OWN, PLACES, SERVICE, TIMER, Unit, UnitRefused, full_name, load

TARGETS = ("sysinit", "basic", "network-online", "timers", "multi-user", "default", "graphical")
"""What a machine reaches as it boots; units that these want start with it, all at once."""

Running = Service | Timer


class NotFound(Exception):
    """There is no unit of this name."""


class Manager:
    def __init__(self, children: Children) -> None:
        self.running: dict[str, Running] = {}
        self._children = children
        self._booted = time.monotonic()
        self._tasks: set[asyncio.Task[object]] = set()

    def boot(self) -> None:
        """What was enabled starts."""
        for name in sorted({link.name for target in TARGETS for link in OWN.glob(f"{target}.target.wants/*")}):
            self.begin(name)

    def begin(self, name: str) -> None:
        """It starts while we go on; if it cannot, that is for its journal alone."""
        task: asyncio.Task[object] = asyncio.create_task(self._try(name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def start(self, name: str) -> bool:
        """Whether it started. Raises NotFound, UnitRefused."""
        return await self._ready(name).start()

    async def restart(self, name: str) -> bool:
        running = self._ready(name)
        await running.stop()
        return await self._ready(name).start()

    async def stop(self, name: str) -> None:
        """It does not run. Raises NotFound."""
        if running := self.running.get(name):
            await running.stop()
        elif load(name) is None:
            raise NotFound(name)

    async def ended(self, name: str) -> int:
        """The exit code of its end, once it has come."""
        running = self.running[name]
        return await running.ended() if isinstance(running, Service) else 0

    def add(self, unit: Unit) -> None:
        """A transient unit is known until the machine goes down."""
        self.running[unit.name] = self._made(unit)

    def state(self, name: str) -> str:
        running = self.running.get(name)
        return running.state if running else "inactive"

    def enable(self, unit: Unit) -> Iterator[tuple[Path, Path]]:
        """It starts with the machine from now on; the links that were made."""
        for target in unit.wanted_by:
            link = OWN / f"{target}.wants" / unit.name
            if unit.path is not None and not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(unit.path)
                yield link, unit.path

    def disable(self, name: str) -> Iterator[Path]:
        """It does not start with the machine any more; the links that are gone."""
        for link in _links(name):
            link.unlink()
            yield link

    def enabled(self, unit: Unit) -> str:
        """As `systemctl is-enabled` says it."""
        if unit.path is None:
            return "transient"
        if any(_links(unit.name)):
            return "enabled"
        return "disabled" if unit.wanted_by else "static"

    def files(self) -> list[str]:
        """Names of all units that have a file."""
        found = (file.name for place in PLACES if place.is_dir() for file in place.iterdir())
        return sorted({name for name in found if name.endswith((SERVICE, TIMER))})

    def _ready(self, name: str) -> Running:
        """As its file says now, if it is not running."""
        running = self.running.get(name)
        unit = load(name)
        if running is not None and (unit is None or running.state in {"active", "activating", "deactivating"}):
            return running
        if unit is None:
            raise NotFound(name)
        self.running[name] = self._made(unit)
        return self.running[name]

    def _made(self, unit: Unit) -> Running:
        if unit.name.endswith(TIMER):
            return Timer(unit, self._booted, self.begin)
        if unit.name.endswith(SERVICE):
            return Service(unit, self._children)
        raise UnitRefused("only services and timers are known in an instance of the sandbox")

    async def _try(self, name: str) -> None:
        try:
            await self.start(full_name(name))
        except (NotFound, UnitRefused) as error:
            note(full_name(name), f"not started: {error}")


def _links(name: str) -> list[Path]:
    return [link for pattern in (f"*.wants/{name}", f"*.requires/{name}") for link in OWN.glob(pattern)]
