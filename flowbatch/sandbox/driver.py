"""Moves the market on in its time, and carries out on machines what happens there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from flowbatch.errors import MachineFailed
from flowbatch.sandbox.contract import MachineOrder, Machines
from flowbatch.sandbox.market import happenings
from flowbatch.sandbox.market.catalogue import TYPES
from flowbatch.sandbox.market.happenings import Happening
from flowbatch.sandbox.market.records import Instance
from flowbatch.sandbox.reservations import ReservedInstance
from flowbatch.sandbox.web import stamps
from flowbatch.sandbox.world import World

LONGEST_S = 60.0
"""It looks at the clock at least so often."""

log = logging.getLogger(__name__)


class Driver:
    """`volumes`: where the volumes' directories are. `changed` is called after the market has changed by itself."""

    def __init__(
        self, machines: Machines, api_url: str, volumes: Path, changed: Callable[[], None], world: Callable[[], World]
    ) -> None:
        self._machines = machines
        self._api_url = api_url
        self._volumes = volumes
        self._changed = changed
        self._world = world
        self._last: dict[str, asyncio.Task[None]] = {}
        """The last order of each machine that is not carried out yet."""
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            world = self._world()
            happened = world.advance()
            if happened:
                self.carry_out(happened)
                self._changed()
            self._woken.clear()
            until = world.next_at()
            wait_s = None if until is None else world.clock.wait_s(until)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LONGEST_S if wait_s is None else min(LONGEST_S, wait_s))

    def carry_out(self, happened: Iterable[Happening]) -> None:
        """Each machine's orders are carried out one after the other; different machines' side by side."""
        for happening in happened:
            log.info("%s %s %s", type(happening).__name__, happening.bid, " ".join(happening.instances))
            for fid in happening.instances:
                order = self._order(happening, fid)
                if order is not None:
                    self._then(fid, order)
        self._woken.set()

    async def settle(self) -> None:
        """Every order given so far is carried out."""
        while self._last:
            await asyncio.gather(*self._last.values())

    async def close(self) -> None:
        """No machine runs."""
        left = list(self._last.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._machines.close()

    def _order(self, happening: Happening, fid: str) -> Callable[[], Awaitable[None]] | None:
        """What a happening means for a machine; None: nothing."""
        match happening:
            case happenings.Boot():
                return lambda: self._boot(fid, happening.number)
            case happenings.Leaving():
                return lambda: self._machines.notice(fid, self._by_their_clock(happening.until))
            case happenings.Kept():
                return lambda: self._machines.notice(fid, None)
            case happenings.Lost() | happenings.Paused():
                return lambda: self._halt(fid)
            case happenings.Ended() | happenings.Replaced():
                return lambda: self._destroy(fid)
            case happenings.Allocated() | happenings.Running() | happenings.Failed():
                return None

    def _then(self, fid: str, order: Callable[[], Awaitable[None]]) -> None:
        """`order` is carried out after what was ordered for the machine before."""
        before = self._last.get(fid)

        async def turn() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await order()
            except MachineFailed as error:
                log.error("%s: %s", fid, error.message)
            except OSError as error:
                log.error("%s: %s", fid, error)

        def over(task: asyncio.Task[None]) -> None:
            if self._last.get(fid) is task:
                del self._last[fid]

        self._last[fid] = asyncio.get_running_loop().create_task(turn())
        self._last[fid].add_done_callback(over)

    async def _boot(self, fid: str, number: int) -> None:
        """It is up and the market knows it, or the market knows why it is not."""
        world = self._world()
        try:
            world.addresses[fid] = await self._machines.boot(self._machine(world, world.instances()[fid]))
        except (MachineFailed, OSError) as error:
            log.error("%s does not boot: %s", fid, error)
            self.carry_out(world.failed(fid, str(error), number))
        else:
            self.carry_out(world.booted(fid, number))
        self._changed()

    def _by_their_clock(self, until: int) -> str:
        """An instant of the market as the machines' own clock will show it, which is ours."""
        wait_s = self._world().clock.wait_s(until)
        return stamps.written(until if wait_s is None else int(time.time() + wait_s))

    async def _halt(self, fid: str) -> None:
        self._world().addresses.pop(fid, None)
        await self._machines.halt(fid)

    async def _destroy(self, fid: str) -> None:
        self._world().addresses.pop(fid, None)
        await self._machines.destroy(fid)

    def _machine(self, world: World, instance: Instance | ReservedInstance) -> MachineOrder:
        order = world.order_of(instance)
        keys = [world.state.ssh_keys[fid] for fid in order.launch["ssh_keys"] if fid in world.state.ssh_keys]
        peers = [world.instances()[fid] for fid in order.instances]
        return MachineOrder(
            fid=instance.fid,
            hostname=_hostname(instance),
            instance_type=TYPES[instance.instance_type].name,
            startup_script=order.launch["startup_script"],
            authorized_keys=tuple(key.public_key for key in keys),
            peers=tuple(_hostname(peer) for peer in peers) if len(peers) > 1 else (),
            api_url=self._api_url,
            volumes=tuple(self._volume(world, fid) for fid in order.volumes if _is_file(world, fid)),
        )

    def _volume(self, world: World, fid: str) -> tuple[str, str]:
        directory = self._volumes / fid
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        return world.state.volumes[fid].name, str(directory)


def _is_file(world: World, volume: str) -> bool:
    """Only those are mounted by the platform; a block volume would be a device, which instances here cannot have."""
    return world.state.volumes[volume].interface == "File"


def _hostname(instance: Instance | ReservedInstance) -> str:
    """A host name made of the instance's own: letters, digits and hyphens, 63 at most."""
    words = "".join(c if c.isascii() and c.isalnum() else "-" for c in instance.name.lower())
    return words.strip("-")[:63].rstrip("-") or instance.fid.replace("_", "-").lower()
