"""`python -m flowbatch.node.srun.pmix_server FD`: the PMIx server of a step, in a process of its own for the library's sake.

One JSON object a line over the descriptor, which is srun's other end; when srun hangs up, the server and its directory are gone.
`open` (name, ranks) is answered by `opened` (environ: by rank) or `failed` (why). `abort` (rank, status) says that a rank
gives up for all, `lost` (rank, status) that one is gone without having said so.
"""

from __future__ import annotations

import ctypes
import os
import queue
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from flowbatch.node.srun import pmix_library as pmix
from flowbatch.node.srun.pmi import mapping
from flowbatch.protocol.launch import line, parse

WITHIN_S = 20.0
LONGEST = 1024 * 1024
DIRECTORIES = "/tmp"
"""Where the machine's own temporary files are."""
NONE = ctypes.c_size_t(0)


class Failed(Exception):
    """The library has refused; its words."""


class Server:
    """All ranks are on this machine, so that every collective is over as soon as the library says that all are there.

    The library calls from a thread of its own, which must not wait: what follows is done by another.
    """

    def __init__(self, library: ctypes.CDLL, connection: socket.socket) -> None:
        self._library = library
        self._connection = connection
        self._later: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._name = b""
        self._numbers = count(1)
        self._lent: dict[int, bytes] = {}
        """What the library was told, until it has read it."""
        self._released = pmix.Release(self._release)
        self._called: list[Any] = [pmix.Abort(self._abort), pmix.Fence(self._fence), pmix.Event(self._event)]
        """All that the library may call, which lives as long as it does."""

    def serve(self) -> None:
        """Until srun hangs up."""
        threading.Thread(target=self._work, daemon=True).start()
        with self._connection.makefile("rb") as file:
            try:
                self._say("opened", environ=self._begin(parse(file.readline(LONGEST))))
            except Failed as error:
                self._say("failed", why=str(error))
            file.read()

    def _begin(self, message: Mapping[str, Any]) -> dict[int, dict[str, str]]:
        """The variables of each rank. Raises Failed."""
        library, ranks, directory = self._library, message["ranks"], os.getcwd()
        self._name = message["name"].encode()
        module = pmix.module({"abort": self._called[0], "fence_nb": self._called[1]})
        self._called.append(module)
        about = pmix.infos([("pmix.srvr.tmpdir", directory), ("pmix.sys.tmpdir", DIRECTORIES)])
        _check("PMIx_server_init", library.PMIx_server_init(module, about, ctypes.c_size_t(len(about))))
        self._wait(
            "PMIx_Register_event_handler", pmix.Registered,
            lambda done: library.PMIx_Register_event_handler(None, NONE, None, NONE, self._called[2], done, None),
        )  # fmt: skip
        job = pmix.infos(_job(library, message["name"], ranks, directory))
        size = ctypes.c_size_t(len(job))
        self._wait(
            "PMIx_server_register_nspace", pmix.Op,
            lambda done: library.PMIx_server_register_nspace(self._name, len(ranks), job, size, done, None),
        )  # fmt: skip
        return {rank: self._client(rank) for rank in ranks}

    def _client(self, rank: int) -> dict[str, str]:
        """One rank may connect from now on, with these variables. Raises Failed."""
        library, proc = self._library, ctypes.byref(pmix.Proc(self._name, rank))
        self._wait(
            "PMIx_server_register_client", pmix.Op,
            lambda done: library.PMIx_server_register_client(proc, os.getuid(), os.getgid(), None, done, None),
        )  # fmt: skip
        told = ctypes.POINTER(ctypes.c_char_p)()
        _check("PMIx_server_setup_fork", library.PMIx_server_setup_fork(proc, ctypes.byref(told)))
        words: list[str] = []
        while (word := told[len(words)]) is not None:
            words.append(os.fsdecode(word))
        return dict(word.split("=", 1) for word in words)

    def _wait(self, what: str, kind: Any, call: Callable[[Any], int]) -> None:
        """A call is made and over; `kind` is the type of the function that hears of it. Raises Failed."""
        answers: queue.SimpleQueue[int] = queue.SimpleQueue()
        done = kind(lambda status, *data: answers.put(status))
        self._called.append(done)
        status = call(done)
        if status == pmix.DONE_ALREADY:
            return
        _check(what, min(status, pmix.SUCCESS))  # a number may be an identifier
        try:
            _check(what, answers.get(timeout=WITHIN_S))
        except queue.Empty:
            raise Failed(f"{what}: no answer") from None

    def _abort(
        self, proc: Any, client: int, status: int, message: bytes, procs: Any, size: int, over: Any, word: int
    ) -> int:
        self._say("abort", rank=proc.contents.rank, status=status)
        return pmix.DONE_ALREADY

    def _fence(self, procs: Any, size: int, about: int, many: int, data: int, length: int, over: Any, word: int) -> int:
        given = ctypes.string_at(data, length) if length else b""
        number = next(self._numbers)
        self._lent[number] = given
        self._later.put(lambda: over(pmix.SUCCESS, given, len(given), word, self._released, number))
        return pmix.SUCCESS

    def _release(self, number: int) -> None:
        self._lent.pop(number, None)

    def _event(
        self, handler: int, status: int, source: Any, about: int, many: int, results: int, found: int, over: Any, word: int
    ) -> None:  # fmt: skip
        if source and source.contents.nspace == self._name:
            self._say("lost", rank=source.contents.rank, status=status)
        if over:
            over(pmix.EVENT_IS_HANDLED, None, 0, pmix.Op(), None, word)

    def _say(self, op: str, **values: Any) -> None:
        self._later.put(lambda: self._connection.sendall(line(op, **values)))

    def _work(self) -> None:
        """Until srun is gone."""
        while True:
            try:
                self._later.get()()
            except OSError:
                return


def _job(library: ctypes.CDLL, name: str, ranks: Sequence[int], directory: str) -> list[tuple[str, Any]]:
    """What every rank may know of the step, in the standard's keys."""
    size, host = len(ranks), os.uname().nodename
    every = ",".join(map(str, ranks))
    return [
        ("pmix.jobid", name), ("pmix.spawned", False), ("pmix.univ.size", size), ("pmix.job.size", size), ("pmix.max.size", size),
        ("pmix.job.napps", 1), ("pmix.app.size", size), ("pmix.offset", 0), ("pmix.num.nodes", 1), ("pmix.nodeid", 0),
        ("pmix.local.size", size), ("pmix.node.size", size), ("pmix.lpeers", every), ("pmix.lldr", min(ranks)),
        ("pmix.nmap", _short("PMIx_generate_regex", library, host)), ("pmix.pmap", _short("PMIx_generate_ppn", library, every)),
        ("pmix.anlmap", mapping([ranks])), ("pmix.tmpdir", directory), ("pmix.nsdir", directory), ("pmix.tdir.rmclean", True),
        *(("pmix.pdata", _rank(rank, place, host)) for place, rank in enumerate(ranks)),
    ]  # fmt: skip


def _rank(rank: int, place: int, host: str) -> list[tuple[str, Any]]:
    return [
        ("pmix.rank", rank), ("pmix.appnum", 0), ("pmix.grank", rank), ("pmix.apprank", rank), ("pmix.lrank", place), ("pmix.nrank", place),
        ("pmix.nodeid", 0), ("pmix.hname", host),
    ]  # fmt: skip


def _short(name: str, library: ctypes.CDLL, text: str) -> str:
    """The library's own short form of a list. Raises Failed."""
    found = ctypes.c_char_p()
    _check(name, getattr(library, name)(text.encode(), ctypes.byref(found)))
    return (found.value or b"").decode()


def _check(what: str, status: int) -> None:
    if status != pmix.SUCCESS:
        raise Failed(f"{what}: status = {status}")


def main(fd: int) -> None:
    """Serves the descriptor; the directory that it runs in goes with it."""
    connection = socket.socket(fileno=fd)
    try:
        Server(pmix.load(), connection).serve()
    finally:
        shutil.rmtree(os.getcwd(), ignore_errors=True)
        os._exit(0)  # the library's thread may wait for ranks that are gone


if __name__ == "__main__":
    main(int(sys.argv[1]))
