"""What comes home of one placement: its outputs while it runs, the rest at its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

from flowbatch.backends.mithril.errand import Errand
from flowbatch.backends.mithril.outputs import Followed
from flowbatch.backends.mithril.prepare import Place
from flowbatch.backends.mithril.ssh import Connection, SshAway
from flowbatch.backends.mithril.visit import Visit, rest
from flowbatch.backends.mithril.workspace import Workspace
from flowbatch.backends.supervised import supervised
from flowbatch.node.mirror import Failed
from flowbatch.node.threads import in_thread
from flowbatch.text import encode

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Of a disk that may have room again."""

log = logging.getLogger(__name__)


class Homecoming:
    """`node` is the machine's command line for a workspace (or none) and a word of the node program; `gone` is set when the machine is for good."""

    def __init__(
        self,
        errand: Errand,
        directory: Path,
        visit: Visit,
        node: Callable[[Place, str, str], str],
        gone: asyncio.Event,
    ) -> None:
        self.errand = errand
        self._visit = visit
        self._node = node
        self._gone = gone
        self._followed = Followed(errand.outputs, directory / errand.memory)
        self._following: asyncio.Task[None] | None = None
        self._fetching = asyncio.Lock()

    async def begin(self) -> None:
        """The job has started: its outputs are here, and grow from now on; on a full disk, once it has room."""
        if self._following is not None:
            return
        begun = True
        try:
            await in_thread(self._followed.begin)
        except OSError as error:
            log.error("%s: an output cannot be written here: %s", self.errand.key, error)
            if error.errno not in FULL:
                return
            begun = False
        self._following = supervised(
            self._follow(begun), f"following the outputs of {self.errand.key}", self._unfollowed
        )

    async def home(self, within_s: float) -> None:
        """All that the job wrote is here, or a note in its output says what is not: the machine is gone, or `within_s` is over."""
        work = asyncio.ensure_future(self._bring_home())
        gone = asyncio.ensure_future(self._gone.wait())
        await asyncio.wait({work, gone}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if work.done() and (fault := work.exception()) is not None:  # the end is told all the same
            log.error("%s: a fault in bringing it home", self.errand.key, exc_info=fault)
            notes = [f"not all that the job wrote could be brought back: {fault!r}"]
        elif work.done():
            notes = work.result()
        else:
            work.cancel()
            await self.over()
            why = "the machine is gone" if self._gone.is_set() else f"it took longer than {within_s:.0f} s"
            notes = [f"not all that the job wrote could be brought back: {why}"]
        if notes:
            await in_thread(self.note, notes)

    async def now(self) -> list[str]:
        """What the job has written so far is here; notes on it. Raises SshAway."""
        notes, failed = await self._fetched()
        return [*notes, *(f"{path} could not be brought back: {why}" for path, why in failed)]

    async def early(self) -> None:
        """What is written already does not wait for the job's end; what cannot come now comes then."""
        with contextlib.suppress(SshAway):
            notes, _ = await self._fetched()
            if notes:
                await in_thread(self.note, notes)

    async def _fetched(self) -> tuple[list[str], Failed]:
        """One at a time: two would write the same files."""
        async with self._fetching:
            connection, place = await self._visit.reach()
            return await in_thread(_fetched, self.workspace(place), connection)

    def workspace(self, place: Place) -> Workspace:
        return Workspace(
            self.errand.root,
            self._node(place, self.errand.root, "workspace"),
            frozenset(output.path for output in self.errand.outputs),
            self.errand.key.job_id,
        )

    def note(self, notes: list[str]) -> None:
        """The notes stand in the job's errors, or in the log where it has none."""
        text = "".join(f"flowbatch: {note}\n" for note in notes)
        log.warning("%s: %s", self.errand.key, text.strip())
        if not self.errand.outputs:
            return
        try:
            fd = os.open(
                encode(self.errand.outputs[-1].path), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY, 0o644
            )
        except OSError:
            return
        with contextlib.suppress(OSError), open(fd, "ab") as file:  # on a full disk it stands in the log
            file.write(encode(text))

    def close(self) -> None:
        """What is copied is not followed up."""
        if self._following is not None:
            self._following.cancel()

    async def over(self) -> None:
        """Nothing of this run is copied any more, from when this returns: the next one may write the same files."""
        self.close()
        await in_thread(self._followed.close)

    async def _follow(self, begun: bool) -> None:
        tries = 0
        while True:
            try:
                if not begun:
                    await in_thread(self._followed.begin)
                    begun = True
                connection, place = await self._visit.reach()
                await in_thread(self._followed.follow, connection, self._node(place, "", "tail"))
                return
            except (SshAway, OSError) as error:
                log.info("%s: %s", self.errand.key, error)
            await rest(tries)
            tries += 1

    async def _unfollowed(self, fault: Exception) -> None:
        await in_thread(self.note, [f"from here on the job's output was not brought back: {fault!r}"])

    async def _bring_home(self) -> list[str]:
        self._followed.finish()
        if self._following is not None:
            await asyncio.wait({self._following})
        tries = 0
        while True:
            try:
                notes, failed = await self._fetched()
                if not failed:
                    return notes
                log.error("%s: cannot be written here, or read there: %s", self.errand.key, failed)
            except SshAway as error:
                log.info("%s: %s", self.errand.key, error.message)
            await rest(tries)
            tries += 1


def _fetched(workspace: Workspace, connection: Connection) -> tuple[list[str], Failed]:
    with workspace.talk(connection) as talk:
        return workspace.fetch(talk)
