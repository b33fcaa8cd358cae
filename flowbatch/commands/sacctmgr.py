"""sacctmgr: who may compute on which account, on which clusters. Nothing is registered here, so it lists and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowbatch.commands import plain_options
from flowbatch.commands.accounts import user_id
from flowbatch.commands.associations import ROOT, Association, associations
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import VERSION, CommandOption, Stop, help_text
from flowbatch.commands.sacctmgr_fields import FORMATS, Record, columns, texts
from flowbatch.core.ports import QueuePort
from flowbatch.errors import FlowError
from flowbatch.slurm import print_fields
from flowbatch.slurm.print_fields import Column

_NOTHING_CHANGES = "nothing is changed"
OPTIONS = (
    CommandOption("help", "h", help="print this"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("immediate", "i", help="do not ask", verdict="recorded", reason=_NOTHING_CHANGES),
    CommandOption("noheader", "n", help="no header line"),
    CommandOption("oneliner", "o", help="one line a record", verdict="recorded", reason="as it always is"),
    CommandOption("parsable", "p", help="values between bars, one at the end"),
    CommandOption("parsable2", "P", help="values between bars"),
    CommandOption("quiet", "Q", help="say less", verdict="recorded", reason=_NOTHING_CHANGES),
    CommandOption("readonly", "r", help="change nothing, as ever"),
    CommandOption("associations", "s", help="users and accounts with their associations"),
    CommandOption("verbose", "v", help="say more", verdict="recorded", reason=_NOTHING_CHANGES),
    CommandOption("version", "V", help="print the version"),
)
ENTITIES = {
    "account": ("account", 2), "association": ("association", 2), "cluster": ("cluster", 2), "qos": ("qos", 1),
    "tres": ("tres", 3), "user": ("user", 1), "associations": ("association", 2), "accounts": ("account", 2),
    "clusters": ("cluster", 2), "users": ("user", 1),
}  # fmt: skip
"""What is listed, and in how many letters at least."""
UNKEPT = ("configuration", "event", "federation", "problem", "resource", "reservation", "runawayjobs", "stats", "transaction", "wckey")  # fmt: skip
CHANGES = ("add", "archive", "clear", "create", "delete", "dump", "load", "modify", "reconfigure", "remove", "shutdown", "update")  # fmt: skip
NO_ENTITY = """\
No valid entity in list command
Input line must include "Account", "Association", "Cluster", "Configuration",
"Event", "Federation", "Problem", "QOS", "Resource", "Reservation",
"RunAwayJobs", "Stats", "Transaction", "TRES", "User", or "WCKey"
"""
UNCHANGED = (
    "sacctmgr: error: {} is not supported\n"
    "sacctmgr: hint: accounts and users need no entry: --account of a job names one, flow.toml has budgets\n"
)
_CONDITIONS = {"name": 1, "names": 1, "user": 1, "users": 1, "account": 3, "accounts": 3, "cluster": 2, "clusters": 2, "format": 1,
               "adminlevel": 2, "defaultaccount": 8, "partition": 3}  # fmt: skip
_SWITCHES = ("where", "withassoc", "withassociations", "withcoordinators", "withdeleted", "withrawqos", "withsubaccounts",
             "withclusters", "withfed", "wolimits", "wopinfo", "woplimits", "onlydefaults", "tree")  # fmt: skip
_RPC_VERSION = "9728"


@dataclass(frozen=True)
class Asked:
    """A listing: `switches` like `withassoc`, and the words of each condition."""

    entity: str
    switches: frozenset[str]
    words: Mapping[str, tuple[str, ...]]
    format: str | None

    def lets(self, condition: str, value: str) -> bool:
        return condition not in self.words or value.lower() in self.words[condition]


async def main(call: Call, queue: QueuePort) -> int:
    """Prints a listing; refuses to change anything."""
    try:
        said = plain_options.read("sacctmgr", "COMMAND", OPTIONS, call.argv)
        asked = _asked(said)
        chosen = columns(_format(asked))
        if isinstance(chosen, str):
            raise Stop(1, err=f"Unknown field '{chosen}'\n")
        records = await _records(call, queue, asked)
        call.out.write(_listing(said, asked, chosen, records))
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _asked(said: plain_options.Said) -> Asked:
    """What is to be listed. Raises Stop for everything else."""
    verb, *rest = said.operands or ("help",)
    lowered = verb.lower()
    if lowered == "version":
        raise Stop(0, out=VERSION + "\n")
    if lowered == "help":
        raise Stop(0, out=help_text("sacctmgr", "COMMAND", OPTIONS))
    if any(change.startswith(lowered) and len(lowered) >= 3 for change in CHANGES):
        if "readonly" in said.flags:
            raise Stop(1, err="Can't run this command in readonly mode.\n")
        raise Stop(1, err=UNCHANGED.format(" ".join([lowered, *rest[:1]])))
    if lowered not in ("show", "list", "sho", "lis"):
        raise Stop(1, err=f"invalid keyword: {verb}\n")
    if not rest:
        raise Stop(1, err=NO_ENTITY)
    switches, words, format = _conditions(rest[1:])
    if "associations" in said.flags:
        switches |= {"withassoc"}
    return Asked(_entity(rest[0]), switches, words, format)


def _entity(word: str) -> str:
    lowered = word.lower()
    for name, (entity, least) in ENTITIES.items():
        if name.startswith(lowered) and len(lowered) >= least:
            return entity
    if len(lowered) > 2 and any(name.startswith(lowered) for name in UNKEPT):
        raise Stop(1, err=f"sacctmgr: error: {lowered}: none is kept, for there is no database\n")
    raise Stop(1, err=NO_ENTITY)


def _conditions(given: Sequence[str]) -> tuple[frozenset[str], dict[str, tuple[str, ...]], str | None]:
    """The conditions behind the entity; a word by itself is a name. Raises Stop."""
    switches: set[str] = set()
    words: dict[str, tuple[str, ...]] = {}
    format = None
    for word in given:
        name, equals, value = word.partition("=")
        key = next((k for k, least in _CONDITIONS.items() if k.startswith(name.lower()) and len(name) >= least), None)
        if not equals:
            found = next((s for s in _SWITCHES if s.startswith(word.lower()) and len(word) >= 4), None)
            if found:
                switches.add(found.replace("withassociations", "withassoc"))
            else:
                words["name"] = (*words.get("name", ()), *word.lower().split(","))
        elif key is None:
            raise Stop(1, err=f" Unknown condition: {word}\n Use keyword 'set' to modify value\n")
        elif key == "format":
            format = value
        else:
            one = key.removesuffix("s")
            words[one] = (*words.get(one, ()), *value.lower().split(","))
    return frozenset(switches), words, format


def _format(asked: Asked) -> str:
    with_associations = f"{asked.entity} with associations"
    standard = FORMATS[
        with_associations if "withassoc" in asked.switches and with_associations in FORMATS else asked.entity
    ]
    return standard if asked.format is None else asked.format


async def _records(call: Call, queue: QueuePort, asked: Asked) -> list[Record]:
    if asked.entity == "qos":
        return [_QOS] if asked.lets("name", "normal") else []
    if asked.entity == "tres":
        return [one for one in _tres(queue.cluster.gres_types) if asked.lets("name", _tres_name(one))]
    queues = await _clusters(call, queue)
    if asked.entity == "cluster":
        names = [one.cluster.name for one in queues]
        return [_cluster(name) for name in names if asked.lets("name", name) and asked.lets("cluster", name)]
    known = [one for each in queues for one in await associations(each, call.owner.name)]
    return _who(asked, [one for one in known if asked.lets("cluster", one.cluster)])


def _who(asked: Asked, known: Sequence[Association]) -> list[Record]:
    """Users, accounts or associations."""
    kept = [
        one
        for one in known
        if asked.lets("account", one.account) and ("user" not in asked.words or asked.lets("user", one.user))
    ]
    if asked.entity == "association":
        tree = "tree" in asked.switches
        ordered = sorted(kept, key=lambda one: one.account) if "user" in asked.words else kept
        return [_association(one, indent=tree) for one in ordered]
    by_user = asked.entity == "user"
    named = [
        one for one in kept if (one.user or not by_user) and asked.lets("name", one.user if by_user else one.account)
    ]
    named.sort(key=lambda one: (one.user, one.account) if by_user else (one.account, one.user))
    records: list[Record] = [
        {**_association(one), **(_user(one.user) if by_user else _account(one.account))} for one in named
    ]
    if by_user:
        records = [
            one for one in records if asked.lets("adminlevel", one["Admin"]) and asked.lets("defaultaccount", ROOT)
        ]
    return (
        records
        if "withassoc" in asked.switches
        else list({one["User" if by_user else "Account"]: one for one in records}.values())
    )


async def _clusters(call: Call, queue: QueuePort) -> list[QueuePort]:
    """Every cluster that can be served now; the current one at least."""
    queues: list[QueuePort] = []
    for name in call.clusters.names:
        try:
            queues.append(await call.clusters.queue(name))
        except FlowError as error:
            call.err.write(f"sacctmgr: error: cluster {name}: {error.message}\n")
    return queues or [queue]


def _listing(said: plain_options.Said, asked: Asked, chosen: Sequence[Column], records: Sequence[Record]) -> str:
    header = "noheader" not in said.flags
    if "tree" in asked.switches:
        chosen = [Column(c.header, -20) if c.header == "Account" else c for c in chosen]
    rows = texts(chosen, records)
    if {"parsable", "parsable2"} & said.flags:
        return print_fields.parsable(chosen, rows, header=header, closed="parsable2" not in said.flags)
    return print_fields.lines(chosen, rows, header=header)


def _association(one: Association, *, indent: bool = False) -> dict[str, str]:
    account = " " * one.depth + one.account if indent else one.account
    below = one.account != ROOT and not one.user
    return {
        "Cluster": one.cluster, "Account": account, "User": one.user, "Share": "1", "QOS": "normal", "ID": str(one.id),
        "ParentName": ROOT if below else "",
    }  # fmt: skip


def _user(name: str) -> dict[str, str]:
    rules = user_id(name) in (0, os.geteuid())
    return {"User": name, "Def Acct": ROOT, "Admin": "Administrator" if rules else "None"}


def _account(name: str) -> dict[str, str]:
    return {"Account": name, "Descr": "default root account" if name == ROOT else name, "Org": name}


def _cluster(name: str) -> dict[str, str]:
    return {
        "Cluster": name,
        "ControlHost": "127.0.0.1",
        "ControlPort": "0",
        "RPC": _RPC_VERSION,
        "Share": "1",
        "QOS": "normal",
    }


_QOS = {
    "Name": "normal",
    "Priority": "0",
    "GraceTime": "00:00:00",
    "PreemptMode": "cluster",
    "UsageFactor": "1.000000",
    "ID": "1",
}


def _tres(kinds: Sequence[str]) -> list[Record]:
    fixed = (
        ("cpu", ""),
        ("mem", ""),
        ("energy", ""),
        ("node", ""),
        ("billing", ""),
        ("fs", "disk"),
        ("vmem", ""),
        ("pages", ""),
    )
    records: list[Record] = [{"Type": type, "Name": name, "ID": str(id)} for id, (type, name) in enumerate(fixed, 1)]
    return [*records, *({"Type": "gres", "Name": kind, "ID": str(id)} for id, kind in enumerate(kinds, 1001))]


def _tres_name(one: Record) -> str:
    return f"{one['Type']}/{one['Name']}" if one["Name"] else one["Type"]
