"""A process manager for MPI programs: PMI-1 and PMI-2, as MPICH and its kin ask over PMI_FD.

Each task has a connection to srun. What tasks put for each other is one space of keys; at a barrier (PMI-2: fence) nobody goes
on until all tasks are there. Starting further processes is refused: a step is as large as it was granted.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flowbatch.node.srun.pmi_wire import BadMessage, Wire

CHUNK = 65536
MAPPING = "PMI_process_mapping"
NAME_MAX, KEY_MAX, VALUE_MAX = 256, 256, 1024
NOT_SUPPORTED = {"rc": -1, "errmsg": "not supported", "msg": "not_supported"}


@dataclass(slots=True)
class _Peer:
    """One task's end. `waits`: the answer that it gets when the barrier opens."""

    rank: int
    node: int
    connection: socket.socket
    wire: Wire = field(default_factory=Wire)
    waits: tuple[str, Mapping[str, object]] | None = None


@dataclass(slots=True)
class Pmi:
    """The process manager of one step. `ranks`: those of each node; `abort` is called when a task gives up for all."""

    name: str
    ranks: Sequence[Sequence[int]]
    abort: Callable[[], None]
    _peers: dict[int, _Peer] = field(default_factory=dict)
    _values: dict[str, str] = field(default_factory=dict)
    _of_node: dict[tuple[int, str], str] = field(default_factory=dict)
    _waiting: dict[tuple[int, str], list[tuple[_Peer, Mapping[str, str]]]] = field(default_factory=dict)
    """Who waits for a node's value."""
    _names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._values[MAPPING] = mapping(self.ranks)

    @property
    def size(self) -> int:
        return sum(map(len, self.ranks))

    def connect(self, rank: int, node: int) -> tuple[int, int, dict[str, str]]:
        """A new task's connection: our descriptor, to be watched; the task's, to be closed once it has it; its variables."""
        ours, theirs = socket.socketpair()
        self._peers[ours.fileno()] = _Peer(rank, node, ours)
        fd = theirs.detach()
        told = {"PMI_FD": fd, "PMI_RANK": rank, "PMI_SIZE": self.size, "PMI_JOBID": self.name}
        return ours.fileno(), fd, {name: str(value) for name, value in told.items()}

    def over(self, fd: int) -> bool:
        """What a task has said is answered; true if its connection is over."""
        peer = self._peers[fd]
        try:
            data = peer.connection.recv(CHUNK)
            peer.wire.take(data)
            while (message := peer.wire.next()) is not None:
                self._answer(peer, message)
        except (OSError, BadMessage):
            return True
        return not data

    def close(self, fd: int) -> None:
        self._peers.pop(fd).connection.close()

    def _answer(self, peer: _Peer, message: Mapping[str, str]) -> None:
        command = message.get("cmd", message.get("mcmd", ""))
        answers = FIRST if peer.wire.version == 1 else SECOND
        answer = answers.get(command)
        if answer is not None:
            answer(self, peer, message)
        else:
            word = f"{command}_result" if peer.wire.version == 1 else f"{command}-response"
            self._say(peer, word, NOT_SUPPORTED, message)

    def _say(self, peer: _Peer, command: str, values: Mapping[str, object], asked: Mapping[str, str]) -> None:
        thread = {"thrid": asked["thrid"]} if "thrid" in asked else {}
        try:
            peer.connection.sendall(peer.wire.words(command, thread | dict(values)))
        except OSError:
            return  # it has ended; its exit code tells how

    def _init(self, peer: _Peer, message: Mapping[str, str]) -> None:
        version = 2 if message.get("pmi_version") == "2" else 1
        self._say(peer, "response_to_init", {"pmi_version": version, "pmi_subversion": 2 - version, "rc": 0}, message)
        peer.wire.version = version

    def _maxes(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._say(peer, "maxes", {"kvsname_max": NAME_MAX, "keylen_max": KEY_MAX, "vallen_max": VALUE_MAX}, message)

    def _kvsname(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._say(peer, "my_kvsname", {"kvsname": self.name}, message)

    def _appnum(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._say(peer, "appnum", {"appnum": 0}, message)

    def _universe(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._say(peer, "universe_size", {"size": self.size, "rc": 0}, message)

    def _put(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._values[message.get("key", "")] = message.get("value", "")
        self._say(peer, "put_result", {"rc": 0, "msg": "success"}, message)

    def _get(self, peer: _Peer, message: Mapping[str, str]) -> None:
        value = self._values.get(message.get("key", ""))
        if value is None:
            self._say(peer, "get_result", {"rc": -1, "msg": "key_not_found", "value": "unknown"}, message)
        else:
            self._say(peer, "get_result", {"rc": 0, "msg": "success", "value": value}, message)

    def _barrier(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._wait_for_all(peer, "barrier_out", {"rc": 0}, message)

    def _fence(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._wait_for_all(peer, "kvs-fence-response", {"rc": 0}, message)

    def _wait_for_all(self, peer: _Peer, word: str, values: Mapping[str, object], message: Mapping[str, str]) -> None:
        peer.waits = word, dict(values) | {name: message[name] for name in ("thrid",) if name in message}
        there = [one for one in self._peers.values() if one.waits is not None]
        if len(there) == self.size:
            for one in there:
                assert one.waits is not None
                (said, told), one.waits = one.waits, None
                self._say(one, said, told, {})

    def _finalize(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._say(peer, "finalize_ack", {"rc": 0}, message)

    def _give_up(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self.abort()

    def _publish(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._names[message.get("service", message.get("name", ""))] = message.get("port", "")
        self._done(peer, message, "publish_result", {})

    def _lookup(self, peer: _Peer, message: Mapping[str, str]) -> None:
        port = self._names.get(message.get("service", message.get("name", "")))
        found: dict[str, object] = (
            NOT_SUPPORTED | {"found": "FALSE"} if port is None else {"port": port, "found": "TRUE"}
        )
        self._done(peer, message, "lookup_result", found)

    def _unpublish(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._names.pop(message.get("service", message.get("name", "")), None)
        self._done(peer, message, "unpublish_result", {})

    def _done(self, peer: _Peer, message: Mapping[str, str], word: str, values: Mapping[str, object]) -> None:
        """It is done: by the word of PMI-1, or by that of PMI-2, which follows from the question."""
        said = word if peer.wire.version == 1 else f"{message['cmd']}-response"
        self._say(
            peer,
            said,
            {"rc": 0, "msg": "success", **values} if peer.wire.version == 1 else {**values, "rc": 0},
            message,
        )

    def _full_init(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._say(peer, "fullinit-response", {
            "pmi-version": 2, "pmi-subversion": 0, "rank": peer.rank, "size": self.size, "appnum": 0, "debugged": "FALSE",
            "pmiverbose": "FALSE", "rc": 0,
        }, message)  # fmt: skip

    def _job_id(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._say(peer, "job-getid-response", {"jobid": self.name, "rc": 0}, message)

    def _job_attribute(self, peer: _Peer, message: Mapping[str, str]) -> None:
        told = {MAPPING: self._values[MAPPING], "universeSize": str(self.size)}
        self._found(peer, "info-getjobattr-response", told.get(message.get("key", "")), message)

    def _put_of_node(self, peer: _Peer, message: Mapping[str, str]) -> None:
        where = peer.node, message.get("key", "")
        self._of_node[where] = message.get("value", "")
        self._say(peer, "info-putnodeattr-response", {"rc": 0}, message)
        for waiting, asked in self._waiting.pop(where, []):
            self._found(waiting, "info-getnodeattr-response", self._of_node[where], asked)

    def _get_of_node(self, peer: _Peer, message: Mapping[str, str]) -> None:
        where = peer.node, message.get("key", "")
        if where not in self._of_node and message.get("wait", "").upper() == "TRUE":
            self._waiting.setdefault(where, []).append((peer, message))
        else:
            self._found(peer, "info-getnodeattr-response", self._of_node.get(where), message)

    def _put_second(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._values[message.get("key", "")] = message.get("value", "")
        self._say(peer, "kvs-put-response", {"rc": 0}, message)

    def _get_second(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._found(peer, "kvs-get-response", self._values.get(message.get("key", "")), message)

    def _found(self, peer: _Peer, word: str, value: str | None, message: Mapping[str, str]) -> None:
        told: dict[str, object] = {"found": "FALSE"} if value is None else {"found": "TRUE", "value": value}
        self._say(peer, word, {**told, "rc": 0}, message)

    def _finalize_second(self, peer: _Peer, message: Mapping[str, str]) -> None:
        self._say(peer, "finalize-response", {"rc": 0}, message)


Answer = Callable[[Pmi, _Peer, Mapping[str, str]], None]

FIRST: dict[str, Answer] = {
    "init": Pmi._init, "get_maxes": Pmi._maxes, "get_my_kvsname": Pmi._kvsname, "get_appnum": Pmi._appnum,
    "get_universe_size": Pmi._universe, "put": Pmi._put, "get": Pmi._get, "barrier_in": Pmi._barrier,
    "finalize": Pmi._finalize, "abort": Pmi._give_up, "publish_name": Pmi._publish, "lookup_name": Pmi._lookup,
    "unpublish_name": Pmi._unpublish,
}  # fmt: skip
SECOND: dict[str, Answer] = {
    "fullinit": Pmi._full_init, "job-getid": Pmi._job_id, "info-getjobattr": Pmi._job_attribute,
    "info-putnodeattr": Pmi._put_of_node, "info-getnodeattr": Pmi._get_of_node, "kvs-put": Pmi._put_second,
    "kvs-get": Pmi._get_second, "kvs-fence": Pmi._fence, "finalize": Pmi._finalize_second, "abort": Pmi._give_up,
    "name-publish": Pmi._publish, "name-lookup": Pmi._lookup, "name-unpublish": Pmi._unpublish,
}  # fmt: skip


def mapping(ranks: Sequence[Sequence[int]]) -> str:
    """Which rank is on which node, as MPICH reads it: blocks of (first node, number of nodes, ranks on each)."""
    node_of = {rank: node for node, mine in enumerate(ranks) for rank in mine}
    blocks: list[list[int]] = []
    for rank in sorted(node_of):
        if blocks and blocks[-1][0] == node_of[rank]:
            blocks[-1][2] += 1
        else:
            blocks.append([node_of[rank], 1, 1])
    return "(vector," + ",".join(f"({first},{nodes},{each})" for first, nodes, each in blocks) + ")"
