"""`scontrol create|update|delete reservation`: how an administrator makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from flowbatch.commands.accounting.accounts import user_id
from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.control.scontrol_words import Setting
from flowbatch.core.events import Made, Refused
from flowbatch.core.ruling.reservations import FLAGS, NEVER, Party
from flowbatch.core.ruling.wishes import ReservationAsked, ReservationWish
from flowbatch.directives.values import begin, licenses, time
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm import codes, hostlist
from flowbatch.slurm.times import zone
from flowbatch.spec.job import UNLIMITED
from flowbatch.units import MINUTE, Instant

KEYS = (
    "accounts", "corecnt", "duration", "endtime", "features", "flags", "licenses", "nodecnt", "nodes", "partitionname",
    "skip", "starttime", "users",
)  # fmt: skip
"""What can be said of one; the beginning of a name is enough, the first that fits is meant."""

WITHOUT_EFFECT = frozenset({"burstbuffer", "groups", "maxstartdelay", "trespernode", "watts"})
OTHER_FLAGS = frozenset({
    "FIRST_CORES", "MAGNETIC", "PART_NODES", "PURGE_COMP", "REPLACE", "REPLACE_DOWN", "STATIC_ALLOC",
    "TIME_FLOAT", "USER_DELETE", "WEEKDAY", "WEEKEND",
})  # fmt: skip
"""Flags of 22.05 that are not built: refused by name."""

SINGLE_PARTITION = (
    "Note, unless nodes are directly requested a reservation must exist in a single partition.\n"
    "If no partition is requested the default partition is assumed.\n"
)

Act = Literal["create", "update"]
NOT_DONE = {"create": "No reservation created.", "update": "No reservation update."}


class _Reader:
    """Reads the settings of one command line."""

    def __init__(self, asked: Asked, act: Act) -> None:
        self.asked, self.act = asked, act
        self.found: dict[str, Any] = {}
        self.stranger = False
        """Whether a user is named that there is not."""

    def fault(self, line: str, before: str = "") -> Stop:
        return Stop(1, err=f"{before}scontrol: error: {line}  {NOT_DONE[self.act]}\n")

    def read(self, one: Setting) -> None:
        name = next((name for name in KEYS if one.key and name.startswith(one.key) and (len(one.key) > 2)), None)
        if name is None or (one.sign and name not in ("users", "accounts", "flags", "nodes")):
            why = f"scontrol: error: {one.key}: not built\n" if one.key in WITHOUT_EFFECT else ""
            raise self.fault(f"Unknown parameter {one.written}.", why)
        getattr(self, f"_{name}")(one)

    def _starttime(self, one: Setting) -> None:
        self.found["start"] = self._instant(one, "start")

    def _endtime(self, one: Setting) -> None:
        self.found["end"] = self._instant(one, "end")

    def _instant(self, one: Setting, which: str) -> int:
        call = self.asked.call
        try:
            return int(begin.parse(one.value, Instant(self.asked.queue.now()), zone(call.environ.get("TZ"))))
        except ValueSyntax as error:
            said = error.said or f"Invalid time specification (pos=0): {one.value}"
            raise self.fault(f"Invalid {which} time {one.written}.", f"{said}\n") from None

    def _duration(self, one: Setting) -> None:
        try:
            minutes = time.parse(one.value)
        except ValueSyntax:
            raise self.fault(f"Invalid duration {one.written}.") from None
        self.found["duration_s"] = NEVER if minutes in (UNLIMITED, 0) else minutes * MINUTE

    def _nodes(self, one: Setting) -> None:
        if one.sign:
            raise self.fault("The +=/-= notation is not supported when updating nodes.")
        self.found["all_nodes"] = one.value.upper() == "ALL"
        try:
            self.found["nodes"] = tuple(hostlist.expand(one.value))
        except hostlist.InvalidHostlist:
            self.found["nodes"] = (one.value,)

    def _nodecnt(self, one: Setting) -> None:
        self.found["node_count"] = self._count(one, "node")

    def _corecnt(self, one: Setting) -> None:
        self.found["core_count"] = self._count(one, "core")

    def _count(self, one: Setting, what: str) -> int:
        if not one.value.isdecimal():
            raise Stop(1, err=f"scontrol: error: Invalid {what} count {one.value}\n")
        return int(one.value)

    def _features(self, one: Setting) -> None:
        self.found["features"] = one.value or None

    def _partitionname(self, one: Setting) -> None:
        self.found["partition"] = one.value

    def _skip(self, one: Setting) -> None:
        self.found["skip"] = True

    def _licenses(self, one: Setting) -> None:
        try:
            self.found["licenses"] = tuple((each.name, each.count) for each in licenses.parse(one.value))
        except ValueSyntax:
            self.found["licenses"] = ((one.value, 1),)

    def _flags(self, one: Setting) -> None:
        less: set[str] = set()
        more: set[str] = set()
        for word in filter(None, one.value.split(",")):
            bare = word.lstrip("+-").upper()
            bare = "ANY_NODES" if bare == "LICENSE_ONLY" else bare
            flag = next((flag for flag in FLAGS if flag.startswith(bare) and len(bare) >= 3), None)
            if flag is None:
                why = f"scontrol: error: {bare}: not built\n" if bare in OTHER_FLAGS else ""
                raise self.fault(f"Error parsing flags {one.value}.", why)
            (less if word.startswith("-") or one.sign == "-" else more).add(flag)
        self.found |= {"flags": frozenset(more), "less_flags": frozenset(less)}

    def _users(self, one: Setting) -> None:
        self._party(one, "users")

    def _accounts(self, one: Setting) -> None:
        self._party(one, "accounts")

    def _party(self, one: Setting, which: str) -> None:
        words = [word for word in one.value.split(",") if word]
        names: list[tuple[str, int]] = []
        for word in words:
            bare = word.removeprefix("-")
            number = user_id(bare) if which == "users" else 0
            self.stranger |= number is None
            names.append((bare, number or 0))
        party = Party(tuple(names), denied=bool(words) and all(word.startswith("-") for word in words))
        if one.sign and which == "users":
            self.found["more_users" if one.sign == "+" else "less_users"] = party
        else:
            self.found[which] = party


async def create_reservation(asked: Asked, name: str, settings: Sequence[Setting]) -> int:
    """Makes one, and says how it is called. Raises Stop."""
    reader = _Reader(asked, "create")
    for one in settings:
        reader.read(one)
    found = reader.found
    start, end = found.get("start"), found.get("end")
    if start is None:
        raise reader.fault("A start time must be given.")
    if end is None and found.get("duration_s") is None:
        raise reader.fault("An end time or duration must be given.")
    if end is not None and start > end:
        raise reader.fault("Start time cannot be after end time.")
    if not {"core_count", "nodes", "node_count", "licenses"} & found.keys():
        raise reader.fault("CoreCnt, Nodes, NodeCnt, BurstBuffer, Licenses or Watts must be specified.")
    if not {"users", "accounts"} & found.keys():
        raise reader.fault("Either Users/Groups and/or Accounts must be specified.")
    reply = await _ask(asked, "create", reader, name)
    if isinstance(reply, Refused):
        note = SINGLE_PARTITION if reply.code == "ESLURM_NODES_BUSY" and "nodes" not in found else ""
        said = codes.message(reply.code)
        raise Stop(1, out=note, err=f"Error creating the reservation: {said}\n{asked.rented}")
    asked.out(f"Reservation created: {reply.name}\n")
    return 0


async def update_reservation(asked: Asked, named: Setting, settings: Sequence[Setting]) -> int:
    """Changes the one that `named` names. Raises Stop."""
    reader = _Reader(asked, "update")
    try:
        for one in settings:
            reader.read(one)
    except Stop as stop:
        raise Stop(1, err=f"{stop.err}slurm_update error: No error\n") from None
    reply = await _ask(asked, "update", reader, named.value)
    if isinstance(reply, Refused):
        said = codes.message(reply.code)
        raise Stop(1, err=f"Error updating the reservation: {said}\nslurm_update error: {said}\n{asked.rented}")
    asked.out("Reservation updated.\n")
    return 0


async def delete_reservation(asked: Asked, name: str, word: str) -> int:
    event = ReservationAsked(asked.queue.now(), asked.call.owner.uid, "delete", ReservationWish(name))
    reply = await asked.queue.apply(event)
    if isinstance(reply, Refused):
        raise Stop(1, err=f"delete_reservation {word}: {codes.message(reply.code)}\n{asked.rented}")
    return 0


async def _ask(asked: Asked, act: Act, reader: _Reader, name: str) -> Made | Refused:
    if reader.stranger:
        return Refused("ESLURM_USER_ID_MISSING")
    wish = ReservationWish(name=name, **reader.found)
    reply = await asked.queue.apply(ReservationAsked(asked.queue.now(), asked.call.owner.uid, act, wish))
    return reply if isinstance(reply, Made) else reply if isinstance(reply, Refused) else Made(name)
