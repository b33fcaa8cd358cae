"""One rented machine: from its address to its job's files brought back."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import shlex
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowbatch.backends.contract import MarketFact, Tell
from flowbatch.backends.conversation import Connection as Stream
from flowbatch.backends.conversation import Conversation
from flowbatch.backends.mithril import mounts, prepare, workspace
from flowbatch.backends.mithril.errand import Errand, errand, errands, source, translated
from flowbatch.backends.mithril.homecoming import Homecoming
from flowbatch.backends.mithril.packing import program
from flowbatch.backends.mithril.prepare import GUARD, STANDING, Place
from flowbatch.backends.mithril.ssh import Connection, Identity, SshAway
from flowbatch.backends.mithril.visit import Visit, rest
from flowbatch.backends.mithril.workspace import Workspace
from flowbatch.backends.supervised import supervised
from flowbatch.core.events import Ended, Launched, LaunchFailed, NodeLost, StepBegan, StepEnded
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import Door
from flowbatch.core.states import ExitStatus
from flowbatch.errors import FlowError
from flowbatch.node.threads import in_thread
from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.protocol.relay import joined
from flowbatch.spec.market import MarketTerms
from flowbatch.text import encode

Warn = Callable[[int | None], None]

SIGTERM = 15
HOST_KEY = "hostkey"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rental:
    """Whose machine it is, and all that is known of it before it is there."""

    bid: str
    """The bid's name: the machine's own, for good."""
    store: str
    owner: Owner
    terms: MarketTerms
    identity: Identity
    directory: Path
    """On this computer, for this machine alone: its host key, what it was brought. Made when it is not there."""
    return_allowance_s: int
    login: str = "ubuntu"


class Machine:
    """Runs the placements of one bid. It may be made before the machine is there: `at` says where it is.

    Orders are wishes, as a backend's: they return at once, wait for the machine, and are worked at until they hold. Facts are
    `Launched`, `LaunchFailed`, `Ended` (its files are back by then) and `NodeLost`.
    """

    def __init__(self, rental: Rental, reception: Callable[[], Awaitable[Stream]] | None = None) -> None:
        """`reception`: a new connection to who answers the commands that are called on the machine."""
        self._rental = rental
        self._reception = reception
        rental.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._visit = Visit(
            rental.identity, rental.owner, rental.login, rental.directory / HOST_KEY, bool(rental.terms.image)
        )
        self._conversation = Conversation(rental.store, self._attach, self._called, self._warned)
        self._tell: Tell | None = None
        self._warn: Warn | None = None
        self._work = asyncio.Event()
        """There is something to do on the machine: it is not visited before."""
        self._gone = asyncio.Event()
        self._homecomings = {one.key: self._homecoming(one) for one in errands(rental.directory)}
        """Of each placement that was handed over and is not forgotten."""
        self._bringing: dict[Key, asyncio.Task[None]] = {}
        self._ending: dict[Key, asyncio.Task[None]] = {}
        self._live: set[Key] = set()
        """Placements whose end was not told yet."""
        self._staying = asyncio.Event()
        """Not while it is to go away: nothing is begun on it then."""
        self._staying.set()
        self._aside: set[asyncio.Task[None]] = set()
        """Work that no order waits for."""

    async def start(self, tell: Tell, running: Sequence[Key], warn: Warn | None = None) -> None:
        """Begins; returns at once. The truth about `running` is told as soon as the machine has said it. `warn` is called with what
        the machine itself says of when it goes away, mostly before the market's looks show it."""
        self._tell, self._warn = tell, warn
        self._live.update(running)
        if running:
            self._work.set()
        self._conversation.begin(self._hear, running)

    def at(self, destination: str | None) -> None:
        """The market's word where its SSH server answers (`host` or `host:port`); None while it has none."""
        self._visit.at(destination)

    def door(self) -> Door | None:
        """The way for others to where it is; None before its host key was seen."""
        return self._visit.door(self._rental.bid)

    async def launch(self, message: LaunchMessage) -> None:
        key = message.key
        if key not in self._bringing and not self._gone.is_set():
            self._live.add(key)
            self._work.set()
            task = self._bringing[key] = supervised(
                self._bring(message), f"bringing {key} to its machine", lambda fault: self._give_up(message, fault)
            )
            task.add_done_callback(lambda done: self._bringing.pop(key, None))

    async def stop(self, key: Key, why: str) -> None:
        """The placement ends; one that was not handed over yet never is."""
        if key in self._bringing and key not in self._homecomings:
            self._bringing[key].cancel()
            await self._told(key, Ended(_now(), key.job_id, key.restart, ExitStatus(0, SIGTERM), "killed"))
        else:
            self._work.set()
            await self._conversation.stop(key, why)

    async def deliver(self, key: Key, signal: int, scope: str) -> None:
        self._spawn(self._conversation.deliver(key, signal, scope), f"a signal for {key}")

    async def deliver_step(self, key: Key, number: int, signal: int, by: int) -> None:
        self._spawn(self._conversation.deliver_step(key, number, signal, by), f"a signal for a step of {key}")

    async def pause(self, key: Key, paused: bool) -> None:
        await self._conversation.pause(key, paused)

    async def say(self, key: Key, text: str) -> None:
        self._spawn(self._conversation.say(key, text), f"words for {key}")

    async def forget(self, key: Key) -> None:
        """Its end is in the store: nothing of it is kept, here or there."""
        await self._conversation.forget(key)
        if (done := self._homecomings.pop(key, None)) is not None:
            done.errand.drop(self._rental.directory)

    async def leave(self, until: int) -> None:
        """It goes away at `until`: its jobs get their signals, are stopped in time, and their files come back."""
        self._staying.clear()
        for key in self._live:
            await self._conversation.leave(key, until)
        for coming in self._homecomings.values():
            self._spawn(coming.early(), f"saving the files of {coming.errand.key}")

    async def stay(self) -> None:
        """It does not go away after all."""
        self._staying.set()
        for key in self._live:
            await self._conversation.stay(key)

    async def rotate(self, key: str, key_fid: str | None) -> None:
        """The guard uses this API key from now on; returns when it does. Raises SshAway."""
        connection, _ = await self._visit.reach()
        command = prepare.as_root(self._rental.login, "python3", "-I", GUARD, "rotate")
        done = await connection.run(command, json.dumps({"key": key, "key_fid": key_fid}).encode())
        if done.code:
            raise SshAway(f"the guard did not take its new key: {done.err}")

    async def fetch(self) -> list[str]:
        """What its jobs have written so far is here; notes on what changed here meanwhile. Raises SshAway."""
        return [note for coming in self._homecomings.values() for note in await coming.now()]

    async def lost(self, at: int) -> None:
        """The machine is gone for good: what had ended is told as it ended, for the rest `NodeLost`."""
        self._gone.set()
        self._visit.cut()
        self._cancel(self._bringing)
        await asyncio.gather(*self._ending.values(), return_exceptions=True)
        for key in sorted(self._live, key=str):
            await self._told(key, NodeLost(at, key.job_id, key.restart))

    async def close(self) -> None:
        """Lets go of the machine; what runs there goes on."""
        tasks = [*self._bringing.values(), *self._ending.values(), *self._aside]
        for task in self._aside:
            task.cancel()
        self._cancel(self._bringing)
        self._cancel(self._ending)
        for coming in self._homecomings.values():
            coming.close()
        await self._conversation.close()
        self._visit.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        task = supervised(work, what)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    def _cancel(self, tasks: dict[Key, asyncio.Task[None]]) -> None:
        for task in list(tasks.values()):
            task.cancel()

    def _homecoming(self, one: Errand) -> Homecoming:
        return Homecoming(one, self._rental.directory, self._visit, node_command, self._gone)

    async def _attach(self) -> Stream:
        """The conversation with the machine's node, which is started if none is there."""
        await self._work.wait()
        connection, place = await self._visit.reach()
        return await connection.converse(attach_command(place))

    def _warned(self, until: int | None) -> None:
        if self._warn is not None:
            self._warn(until)

    def _called(self, number: int) -> None:
        """A command is called on the machine: whoever answers hears it, and it hears the answer."""
        if self._reception is not None:
            self._spawn(self._answer(number, self._reception), f"answering a caller on {self._rental.bid}")

    async def _answer(self, number: int, reception: Callable[[], Awaitable[Stream]]) -> None:
        try:
            connection, place = await self._visit.reach()
            caller = await connection.converse(answer_command(place, number))
            await joined(caller, await reception())
        except (FlowError, OSError) as error:
            log.info("a caller on %s was not answered: %s", self._rental.bid, error)

    async def _bring(self, message: LaunchMessage) -> None:
        """The machine has the job's files, and its node the launch; tried until that is so."""
        tries = 0
        while message.key not in self._homecomings:
            try:
                connection, place = await self._visit.reach()
                await self._set_up(connection, place, message)
            except (workspace.NotMirrored, workspace.NotBrought) as error:
                await self._refuse(message, error)
                return
            except (FlowError, OSError) as error:
                log.info("%s: %s", message.key, error)
                await rest(tries)
                tries += 1
        _, place = await self._visit.patiently()
        terms = self._rental.terms
        shared = [one.where for one in mounts.mounts(terms.volumes, terms.mounts)]
        await self._staying.wait()
        await self._conversation.launch(translated(message, place, terms.image, shared))
        log.info("handed over", extra={"fields": {"placement": str(message.key)}})

    async def _set_up(self, connection: Connection, place: Place, message: LaunchMessage) -> None:
        """All that the job needs is there; from here on it may have been launched. Raises NotMirrored, NotBrought, SshAway."""
        workspace.check(message.work_dir)
        one = errand(message, place)
        coming = self._homecoming(one)
        read = source(message, place)
        folders = [*(output.parent for output in one.outputs), *(read[:1] if read else ())]
        parents = [folder for folder in folders if Path(folder).is_dir()]
        asked = mounts.mounts(self._rental.terms.volumes, self._rental.terms.mounts)
        mounting = mounts.script(asked, dict(word.partition("=")[::2] for word in message.environment))
        outputs = [output.path for output in one.outputs]
        await self._visit.as_root(
            connection, prepare.rooms(place, message.work_dir, parents, outputs) + encode(mounting)
        )
        notes = await in_thread(_exchanged, coming.workspace(place), connection)
        if read is not None and read[0] in parents:
            beside = Workspace(read[0], node_command(place, read[0], "workspace"), frozenset(), message.key.job_id)
            await in_thread(_brought, beside, connection, [read[1]])
        await in_thread(one.save, self._rental.directory)
        self._homecomings[message.key] = coming
        log.info("the workspace is there", extra={"fields": {"placement": str(message.key)}})
        if notes:
            await in_thread(coming.note, notes)

    async def _give_up(self, message: LaunchMessage, fault: Exception) -> None:
        """A fault of ours: refused; where it may have been handed over already, the node stops it and says how it ended."""
        if message.key in self._homecomings:
            await self._conversation.stop(message.key, "killed")
            return
        try:
            await self._refuse(message, FlowError(f"the job could not be brought to its machine: {fault!r}"))
        except (FlowError, OSError, ValueError) as error:  # the words have no place: the log has them
            log.error("%s: not noted in its output: %r", message.key, error)
            key = message.key
            await self._told(key, LaunchFailed(_now(), key.job_id, key.restart, "JobLaunchFailure"))

    async def _refuse(self, message: LaunchMessage, error: FlowError) -> None:
        """The job cannot run there, and its output says why."""
        key = message.key
        _, place = await self._visit.patiently()
        words = [error.message, *([error.hint] if error.hint else [])]
        await in_thread(self._homecoming(errand(message, place)).note, words)
        await self._told(key, LaunchFailed(_now(), key.job_id, key.restart, "JobLaunchFailure"))

    async def _hear(self, fact: MarketFact) -> None:
        """What the node says, told in its time: an end when the files are back."""
        assert isinstance(fact, (Launched, LaunchFailed, Ended, NodeLost, StepBegan, StepEnded))
        key = Key(self._rental.store, fact.job_id, fact.restart)
        coming = self._homecomings.get(key)
        if isinstance(fact, Launched) and coming is not None:
            await supervised(coming.begin(), f"following the outputs of {key}")
        if isinstance(fact, Ended) and coming is not None:
            ending = self._ending[key] = supervised(self._end(coming, fact), f"the end of {key}")
            ending.add_done_callback(lambda done: self._ending.pop(key, None))
            await ending
        elif isinstance(fact, (Launched, StepBegan, StepEnded)):
            await self._say(fact)
        else:
            await self._told(key, fact)

    async def _end(self, coming: Homecoming, fact: Ended) -> None:
        await supervised(coming.home(self._rental.return_allowance_s), f"bringing {coming.errand.key} home")
        await self._told(coming.errand.key, fact)

    async def _told(self, key: Key, fact: MarketFact) -> None:
        """An end is told: nothing else is, of this placement, and nothing more of it comes home."""
        if (coming := self._homecomings.get(key)) is not None:
            await coming.over()
        await self._say(fact)
        self._live.discard(key)

    async def _say(self, fact: MarketFact) -> None:
        assert self._tell is not None
        await self._tell(fact)


def _exchanged(files: Workspace, connection: Connection) -> list[str]:
    """What an earlier placement left there is here, and all that is here is there; notes on the former. Raises SshAway, NotBrought."""
    with files.talk(connection) as talk:
        notes, failed = files.fetch(talk)
        if failed:
            raise SshAway(f"what the last placement wrote cannot be brought back: {failed}")
        files.bring(talk)
    return notes


def _brought(files: Workspace, connection: Connection, paths: Sequence[str]) -> None:
    with files.talk(connection) as talk:
        files.bring_these(talk, paths)


def node_command(place: Place, root: str, word: str) -> str:
    """The node program says or does `word`; about the workspace `root`, if one is given."""
    mark = hashlib.sha256(encode(root)).hexdigest()[:16]
    about = (root, f"{place.directory}/brought-{mark}.json") if root else ()
    return place.as_user("python3", "-I", place.program(program().name), word, *about)


def attach_command(place: Place) -> str:
    """A daemon serves the machine's node directory, and the streams of this command are a conversation with it."""
    node = shlex.join(("python3", "-I", place.program(program().name)))
    clean = shlex.join(("env", "-i", f"PATH={place.path}", "LANG=C.UTF-8", f"HOME={place.home}"))
    serve = f"{clean} {node} daemon {shlex.quote(place.journal)} {STANDING}"
    return place.as_user("/bin/sh", "-c", f"{serve} && exec {node} attach {shlex.quote(place.journal)}")


def answer_command(place: Place, number: int) -> str:
    """The streams of this command are the answering end of a caller's conversation."""
    node = ("python3", "-I", place.program(program().name))
    return place.as_user(*node, "answer", place.journal, str(number))


def _now() -> int:
    return int(time.time())
