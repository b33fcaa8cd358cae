"""The settings of `scontrol update job` that are fields of what was asked for: how each is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.submitting import sbatch_help
from flowbatch.directives.values import (
    begin,
    constraint,
    count,
    dependency,
    gres,
    hostlist,
    licenses,
    mail,
    nodes,
    time,
)
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm import codes
from flowbatch.slurm.integers import as_int32, leading, whole
from flowbatch.slurm.times import zone
from flowbatch.spec.job import JobSpec
from flowbatch.spec.model import Malformed
from flowbatch.spec.resources import GresRequest, Memory, NodeCount
from flowbatch.units import Instant

Changes = dict[str, Any]
"""New values by field; `resources.memory` is one of its resources."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: its name in full, how its text is read, and when it may change."""

    name: str
    read: Callable[[Asked, str], Changes]
    when: str = "while it waits"
    older: str = ""
    """The key that this one is another word for, by which a refusal calls it."""


def changes(asked: Asked, key: str, value: str) -> Changes | None:
    """What `key=value` changes; None for a key that is no setting. Raises Stop for a text that it does not take."""
    found = next(
        (
            one
            for short, one in SETTINGS.items()
            if one.name.lower() == key or (len(key) >= LEAST and short.startswith(key))
        ),
        None,
    )
    if found is None:
        return None
    try:
        return found.read(asked, value)
    except ValueSyntax:
        raise Stop(1, err=f"scontrol: error: Invalid {found.older or found.name} value: {value}\n") from None


def spec_of(found: Changes) -> JobSpec:
    """A spec that has these fields, and nothing else to say."""
    spec = JobSpec(name="", work_dir="/")
    for name, value in found.items():
        part, _, inner = name.partition(".")
        new = getattr(spec, part).model_copy(update={inner: value}) if inner else value
        spec = spec.model_copy(update={part: new})
    return spec


LEAST = 5
"""So much of a name is enough."""


def _text(field: str) -> Callable[[Asked, str], Changes]:
    return lambda asked, value: {field: value or None}


def _name(asked: Asked, value: str) -> Changes:
    return {"name": value}


def _number(field: str) -> Callable[[Asked, str], Changes]:
    return lambda asked, value: {field: _whole(value)}


def _whole(value: str) -> int:
    if not value.lstrip("+-").isdecimal():
        raise ValueSyntax("not a number")
    return as_int32(whole(value))


def _count(field: str) -> Callable[[Asked, str], Changes]:
    return lambda asked, value: {field: count.parse(value)}


def _memory(per: str) -> Callable[[Asked, str], Changes]:
    """Whole MiB: 22.05 takes no suffix here."""

    def read(asked: Asked, value: str) -> Changes:
        if not value.isdecimal():
            raise ValueSyntax("not a number")
        return {"resources.memory": Memory.model_validate({"per": per, "mib": int(value)})}

    return read


def _instant(field: str) -> Callable[[Asked, str], Changes]:
    def read(asked: Asked, value: str) -> Changes:
        try:
            return {field: int(begin.parse(value, Instant(asked.queue.now()), zone(asked.call.environ.get("TZ"))))}
        except ValueSyntax as error:
            raise Stop(
                1, err=f"{error.said or 'Invalid time specification (pos=0): ' + value}\nNo changes specified\n"
            ) from None

    return read


def _dependency(asked: Asked, value: str) -> Changes:
    try:
        return {"dependency": dependency.parse(value) if value else None}
    except ValueSyntax as error:
        return {"dependency": Malformed(text=value, where=error.where)}


def _features(field: str) -> Callable[[Asked, str], Changes]:
    def read(asked: Asked, value: str) -> Changes:
        try:
            wanted = constraint.parse(value) if value else None
        except ValueSyntax as error:
            return {field: Malformed(text=value, where=error.where), f"{field}_text": value}
        return {field: wanted, f"{field}_text": value or None}

    return read


def _licenses(asked: Asked, value: str) -> Changes:
    try:
        return {"resources.licenses": licenses.parse(value) if value else (), "resources.licenses_text": value or None}
    except ValueSyntax as error:
        return {"resources.licenses": Malformed(text=value, where=error.where), "resources.licenses_text": value}


def _file(asked: Asked, value: str) -> Changes:
    return {"files.output": value or None}


def _gres(asked: Asked, value: str) -> Changes:
    """What each node is to give, instead of all that was asked for."""
    if value == "help":
        raise Stop(1, out=sbatch_help.gres(asked.queue.cluster), err="No changes specified\n")
    try:
        return {"resources.gres": GresRequest(per_node=gres.parse(value) if value else ())}
    except ValueSyntax:
        raise Stop(1, err=f"{codes.message('ESLURM_INVALID_GRES')} for job {value}\n") from None


def _hosts(field: str) -> Callable[[Asked, str], Changes]:
    def read(asked: Asked, value: str) -> Changes:
        try:
            return {field: hostlist.parse(value) if value else ()}
        except ValueSyntax:
            return {field: (value,)}

    return read


def _flag(field: str) -> Callable[[Asked, str], Changes]:
    def read(asked: Asked, value: str) -> Changes:
        words = {"yes": True, "1": True, "y": True, "no": False, "0": False, "n": False}
        if value.lower() not in words:
            raise ValueSyntax("neither yes nor no")
        return {field: words[value.lower()]}

    return read


def _oversubscribe(asked: Asked, value: str) -> Changes:
    """Who shares has no node for itself."""
    found = _flag("resources.oversubscribe")(asked, value)
    return found | {"resources.exclusive": None} if found["resources.oversubscribe"] else found


def _priority(asked: Asked, value: str) -> Changes:
    """A whole number; nothing is none, which holds the job."""
    if value and not value.isdecimal():
        raise ValueSyntax("not a number")
    return {"priority": as_int32(whole(value or "0"))}


def _requeue(asked: Asked, value: str) -> Changes:
    if not value.isdecimal():
        raise ValueSyntax("not a number")
    return {"requeue": int(value) > 0}


def _mail(asked: Asked, value: str) -> Changes:
    try:
        return {"mail.types": () if value.upper() == "NONE" else mail.parse(value)}
    except ValueSyntax:
        raise Stop(1, err=f"Invalid MailType: {value}\n") from None


def _time_min(asked: Asked, value: str) -> Changes:
    try:
        return {"time_min_min": time.minutes(value) or None}
    except ValueSyntax:
        raise Stop(1, err="scontrol: error: Invalid TimeMin value\n") from None


NICE, _MOST_NICE = 100, 2**31 - 3


def _nice(asked: Asked, value: str) -> Changes:
    """The number that the text begins with; without a text, as much as sbatch's --nice."""
    number = leading(value) if value else NICE
    if abs(number) > _MOST_NICE:
        raise Stop(1, err=f"scontrol: error: Nice value out of range (+/- {_MOST_NICE}). Value ignored\n")
    return {"nice": number}


def _nodes(asked: Asked, value: str) -> Changes:
    """No number is as many as there may be; what is none ends the update, which 22.05 does not count as a failure."""
    if value and not _NODE_COUNT.fullmatch(value):
        raise Stop(0, err=f'scontrol: error: Invalid numeric value "{value}" for requested node count.\n')
    return {"resources.nodes": nodes.parse(value) if value else NodeCount(minimum=1, maximum=None)}


_NODE_COUNT = re.compile(r"[0-9]+[kKmM]?(-[0-9]+[kKmM]?)?")

ALWAYS = "also while it runs"

_ALL = (
    Setting("AdminComment", _text("admin_comment"), ALWAYS),
    Setting("Account", _text("account")),
    Setting("Comment", _text("comment"), ALWAYS),
    Setting("Contiguous", _flag("resources.contiguous")),
    Setting("CPUsPerTask", _count("resources.cpus_per_task")),
    Setting("Deadline", _instant("deadline")),
    Setting("Dependency", _dependency),
    Setting("EligibleTime", _instant("begin")),
    Setting("ExcNodeList", _hosts("resources.exclude")),
    Setting("Gres", _gres),
    Setting("Features", _features("resources.constraint")),
    Setting("JobName", _name, ALWAYS),
    Setting("Licenses", _licenses),
    Setting("MailType", _mail, ALWAYS),
    Setting("MailUser", _text("mail.user"), ALWAYS),
    Setting("MinCPUsNode", _count("resources.mincpus")),
    Setting("MinMemoryCPU", _memory("cpu")),
    Setting("MinMemoryNode", _memory("node")),
    Setting("MinTmpDiskNode", _number("resources.tmp_mib")),
    Setting("Name", _name, ALWAYS),
    Setting("Nice", _nice, ALWAYS),
    Setting("NodeList", _hosts("resources.nodelist")),
    Setting("NumNodes", _nodes),
    Setting("NumTasks", _count("resources.ntasks")),
    Setting("OverSubscribe", _oversubscribe),
    Setting("Partition", lambda asked, value: {"partitions": tuple(word for word in value.split(",") if word)}),
    Setting("Prefer", _features("resources.prefer")),
    Setting("Priority", _priority, ALWAYS),
    Setting("QOS", _text("qos"), ALWAYS),
    Setting("ReqNodeList", _hosts("resources.nodelist")),
    Setting("ReqCores", _count("resources.cores_per_socket")),
    Setting("ReqNodes", _nodes),
    Setting("ReqProcs", _count("resources.ntasks"), older="NumTasks"),
    Setting("ReqSockets", _count("resources.sockets_per_node")),
    Setting("ReqThreads", _count("resources.threads_per_core")),
    Setting("Reboot", _flag("reboot")),
    Setting("Requeue", _requeue, ALWAYS),
    Setting("Shared", _oversubscribe, older="OverSubscribe"),
    Setting("ReservationName", _text("reservation")),
    Setting("StdOut", _file),
    Setting("StartTime", _instant("begin")),
    Setting("TasksPerNode", _count("resources.ntasks_per_node")),
    Setting("TimeMin", _time_min),
    Setting("WorkDir", lambda asked, value: {"work_dir": value}),
    Setting("WCKey", _text("wckey")),
)
SETTINGS: Mapping[str, Setting] = {one.name.lower(): one for one in _ALL}
