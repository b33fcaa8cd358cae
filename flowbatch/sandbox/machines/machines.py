"""`Machines` of this machine: every instance a root view of its own, an SSH server on the loopback, a disk in one directory."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowbatch.sandbox.contract import Address, MachineOrder
from flowbatch.sandbox.machines import needs
from flowbatch.sandbox.machines.disk import Disk
from flowbatch.sandbox.machines.host import LOOPBACK, own_address
from flowbatch.sandbox.machines.instance import Instance
from flowbatch.sandbox.machines.leftover import end_leftover, remember
from flowbatch.sandbox.machines.ssh import SshServer, host_key
from flowbatch.sandbox.machines.tools import put_tools

HOST = "localhost"
"""By name: the vendor's client takes an address of the loopback for unreachable."""


@dataclass(frozen=True)
class Running:
    instance: Instance
    server: SshServer
    address: Address

    async def end(self) -> None:
        await self.instance.halt()
        await self.server.close()


class LocalMachines:
    """`base` is the sandbox's own directory: every instance has its disk there, under its fid."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._running: dict[str, Running] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def boot(self, order: MachineOrder) -> Address:
        async with self._turns[order.fid]:
            if (running := self._running.get(order.fid)) and not running.instance.gone.is_set():
                return running.address
            await self._end(order.fid)
            self._running[order.fid] = await self._boot(order)
            return self._running[order.fid].address

    async def halt(self, fid: str) -> None:
        async with self._turns[fid]:
            await self._end(fid)
            await asyncio.to_thread(self._disk(fid).empty)

    async def destroy(self, fid: str) -> None:
        async with self._turns[fid]:
            await self._end(fid)
            await asyncio.to_thread(self._disk(fid).remove)

    async def notice(self, fid: str, until: str | None) -> None:
        if running := self._running.get(fid):
            await running.instance.notice(until and _notice(until))

    async def close(self) -> None:
        await asyncio.gather(*(self.halt(fid) for fid in list(self._running)))

    async def _boot(self, order: MachineOrder) -> Running:
        needs.check()
        disk, one_uid = self._disk(order.fid), os.geteuid() != 0
        await asyncio.to_thread(self._make_ready, disk, order, one_uid)
        instance = await Instance.start(disk.path, _asked(order, disk, one_uid))
        remember(disk.path, instance.pid)
        server = SshServer(instance)
        try:
            port = await server.listen(host_key(disk.path / "host_key"), disk.port)
        except BaseException:
            await instance.halt()
            raise
        disk.port = port
        first = not disk.started_before
        disk.has_started()
        instance.boot(first=first)
        return Running(instance, server, Address(HOST, port))

    def _make_ready(self, disk: Disk, order: MachineOrder, one_uid: bool) -> None:
        self._base.mkdir(mode=0o700, parents=True, exist_ok=True)
        end_leftover(disk.path)
        disk.prepare(one_uid=one_uid, script=order.startup_script, keys=order.authorized_keys, tools=put_tools)

    async def _end(self, fid: str) -> None:
        """None of its processes lives, whoever started them."""
        if running := self._running.pop(fid, None):
            await running.end()
        await asyncio.to_thread(end_leftover, self._disk(fid).path)

    def _disk(self, fid: str) -> Disk:
        return Disk(self._base / fid)


def _asked(order: MachineOrder, disk: Disk, one_uid: bool) -> dict[str, Any]:
    """What its first process is told."""
    return {
        "hostname": order.hostname,
        "layers": disk.layers,
        "volumes": order.volumes,
        "one_uid": one_uid,
        "files": {"/etc/hostname": f"{order.hostname}\n", "/etc/hosts": _hosts(order), **_resolver()},
    }


def _hosts(order: MachineOrder) -> str:
    """Names of all instances of the bid: the last line is the head, rank 0. Its own name also where it is alone."""
    address = own_address() if order.peers else LOOPBACK
    lines = [f"{address} {name}" for name in reversed(order.peers or (order.hostname,))]
    return "\n".join(("127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", *lines, ""))


def _resolver() -> dict[str, str]:
    """The host's, as text: it may be a link to where the instance has something else."""
    with contextlib.suppress(OSError):
        return {"/etc/resolv.conf": Path("/etc/resolv.conf").read_text()}
    return {}


def _notice(until: str) -> str:
    return f"instance_status: STATUS_PREEMPTING\nbid_status: Preempting\nend_time: {until}\n"
