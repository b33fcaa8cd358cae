"""`scontrol create|update|delete partition`: how an administrator has partitions beside what the configuration says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.control.scontrol_words import Setting
from flowbatch.core.events import Refused
from flowbatch.core.ruling.wishes import PartitionAsked
from flowbatch.directives.values import time
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm import codes, hostlist
from flowbatch.spec.cluster import PartitionSpec
from flowbatch.spec.job import UNLIMITED

Read = Callable[[Asked, Setting], object]

ABSENT = "scontrol: error: {}: nothing hangs on it here\n"
"""What real scontrol changes of a partition and has no effect here."""


def _bad(lines: str) -> Stop:
    return Stop(1, err="".join(f"scontrol: error: {line}\n" for line in lines.splitlines()))


def _one_of(name: str, words: Mapping[str, object], said: str) -> Read:
    def read(asked: Asked, one: Setting) -> object:
        if one.value.upper() not in words:
            raise _bad(f"Invalid input: {one.written}\nAcceptable {name} values are {said}")
        return words[one.value.upper()]

    return read


def _flag(name: str) -> Read:
    return _one_of(name, {"YES": True, "NO": False}, "YES and NO")


def _minutes(asked: Asked, one: Setting) -> object:
    if one.value.upper() == "NONE":
        return None
    try:
        minutes = time.parse(one.value)
    except ValueSyntax:
        raise _bad(f"Invalid input {one.written}") from None
    return None if minutes == UNLIMITED else minutes


def _most(name: str) -> Read:
    """So many, or any number."""

    def read(asked: Asked, one: Setting) -> object:
        if one.value.upper() in ("UNLIMITED", "INFINITE"):
            return None
        if not one.value.isdecimal():
            raise Unsaid(f'scontrol: error: Invalid numeric value "{one.value}" for {name}.\n')
        return int(one.value)

    return read


class Unsaid(Stop):
    """Refused by scontrol before it asks anybody: no line follows."""

    def __init__(self, line: str) -> None:
        super().__init__(1, err=line)


def _least(name: str) -> Read:
    most = _most(name)
    return lambda asked, one: most(asked, one) or 0


def _number(name: str) -> Read:
    def read(asked: Asked, one: Setting) -> object:
        if not one.value.isdecimal():
            raise _bad(f"Invalid {name} value: {one.value}")
        return int(one.value)

    return read


def _mib(name: str) -> Read:
    number = _number(name)
    return lambda asked, one: None if one.value.upper() == "UNLIMITED" else number(asked, one) or None


def _shared(asked: Asked, one: Setting) -> object:
    word = one.value.upper().partition(":")[0]
    if word not in ("NO", "YES", "FORCE", "EXCLUSIVE"):
        said = "Acceptable OverSubscribe values are NO, EXCLUSIVE, YES:#, and FORCE:#"
        raise _bad(f"Invalid input: {one.written}\n{said}")
    return word


def _names(asked: Asked, one: Setting) -> object:
    return None if one.value.upper() == "ALL" or not one.value else tuple(word for word in one.value.split(",") if word)


def _nodes(asked: Asked, one: Setting) -> object:
    known = [node.name for node in asked.queue.cluster.nodes]
    if one.value.upper() == "ALL":
        return tuple(known)
    try:
        wanted = dict.fromkeys(hostlist.expand(one.value)) if one.value else {}
    except hostlist.InvalidHostlist:
        return (one.value,)
    return tuple(name for name in known if name in wanted) + tuple(name for name in wanted if name not in known)


_STATES = {"UP": "UP", "DOWN": "DOWN", "DRAIN": "DRAIN", "INACTIVE": "INACTIVE"}

KEYS: Mapping[str, tuple[str, int, Read]] = {
    "allowaccounts": ("allow_accounts", 7, _names),
    "allowqos": ("allow_qos", 6, _names),
    "default": ("default", 7, _flag("Default")),
    "defaulttime": ("default_time_min", 8, _minutes),
    "defmempercpu": ("def_mem_per_cpu", 10, _mib("DefMemPerCPU")),
    "defmempernode": ("def_mem_per_node", 10, _mib("DefMemPerNode")),
    "hidden": ("hidden", 1, _flag("Hidden")),
    "maxcpuspernode": ("max_cpus_per_node", 4, _most("MaxCPUsPerNode")),
    "maxmempercpu": ("max_mem_per_cpu", 10, _mib("MaxMemPerCPU")),
    "maxmempernode": ("max_mem_per_node", 10, _mib("MaxMemPerNode")),
    "maxnodes": ("max_nodes", 4, _most("MaxNodes")),
    "maxtime": ("max_time_min", 4, _minutes),
    "minnodes": ("min_nodes", 2, _least("MinNodes")),
    "nodes": ("nodes", 1, _nodes),
    "oversubscribe": ("over_subscribe", 5, _shared),
    "shared": ("over_subscribe", 2, _shared),
    "priorityjobfactor": ("priority_job_factor", 9, _number("PriorityJobFactor")),
    "prioritytier": ("priority_tier", 9, _number("PriorityTier")),
    "priority": ("priority_tier", 3, _number("Priority")),
    "rootonly": ("root_only", 3, _flag("RootOnly")),
    "state": ("state", 2, _one_of("State", _STATES, "UP, DOWN, DRAIN and INACTIVE")),
}
"""The fields that can be changed: how much of a name is enough, and how its value is read."""

WITHOUT_EFFECT = frozenset({
    "allocnodes", "allowgroups", "alternate", "cpubind", "denyaccounts", "denyqos", "disablerootjobs", "exclusiveuser",
    "gracetime", "jobdefaults", "lln", "overtimelimit", "preemptmode", "qos", "reqresv", "tresbillingweights",
})  # fmt: skip
"""What else real scontrol takes: refused by name, since nothing would come of it."""


async def update_partition(asked: Asked, named: Setting, settings: Sequence[Setting]) -> int:
    """Changes the partition that `named` names. Raises Stop."""
    if not settings:
        raise Stop(1, err="scontrol: error: No changes specified\n")
    try:
        fields = _fields(asked, settings)
    except Unsaid:
        raise
    except Stop as stop:
        raise Stop(1, err=f"{stop.err}slurm_update error: No error\n") from None
    return await _ask(asked, "update", named.value, fields, "slurm_update error: {}")


async def create_partition(asked: Asked, named: Setting, settings: Sequence[Setting]) -> int:
    fields = {"min_nodes": 1, "nodes": (), **_fields(asked, settings)}
    return await _ask(asked, "create", named.value, fields, "Error creating the partition: {}")


async def delete_partition(asked: Asked, name: str, word: str) -> int:
    return await _ask(asked, "delete", name, {}, f"delete_partition {word}: {{}}")


async def _ask(
    asked: Asked, act: Literal["create", "update", "delete"], name: str, fields: Mapping[str, Any], complaint: str
) -> int:
    spec = PartitionSpec(name=name, **{"nodes": (), **fields})
    reply = await asked.queue.apply(PartitionAsked(asked.queue.now(), asked.call.owner.uid, act, spec, tuple(fields)))
    if isinstance(reply, Refused):
        raise Stop(1, err=complaint.format(codes.message(reply.code)) + f"\n{asked.rented}")
    return 0


def _fields(asked: Asked, settings: Sequence[Setting]) -> dict[str, Any]:
    """Raises Stop for what scontrol does not take."""
    found: dict[str, Any] = {}
    for one in settings:
        row = next((row for name, row in KEYS.items() if name.startswith(one.key) and len(one.key) >= row[1]), None)
        if row is None or one.sign:
            why = ABSENT.format(one.key) if one.key in WITHOUT_EFFECT else ""
            said = f"scontrol: error: Update of this parameter is not supported: {one.written}\n\n"
            raise Stop(1, err=f"{why}{said}scontrol: error: Request aborted\n")
        field, _, read = row
        found[field] = read(asked, one)
    return found
