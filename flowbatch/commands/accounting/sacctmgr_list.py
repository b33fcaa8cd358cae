"""What sacctmgr lists: users, accounts, associations, clusters, qualities of service and trackable resources."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flowbatch.commands import plain_options
from flowbatch.commands.accounting.accounts import user_id
from flowbatch.commands.accounting.associations import ROOT, Listed, known, tree
from flowbatch.commands.accounting.sacctmgr_fields import FORMATS, Record, columns, texts
from flowbatch.commands.accounting.sacctmgr_words import tres_text
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.core.accounting.accounts import PARENT_SHARE, Account, Accounts, Association, Limits, Qos, User
from flowbatch.core.accounting.budgets import LIMIT, MICRO_USD, RESOURCE
from flowbatch.core.ports import QueuePort
from flowbatch.slurm import print_fields
from flowbatch.slurm.print_fields import Column
from flowbatch.slurm.times import minutes_clock

ENTITIES = {
    "account": ("account", 2), "association": ("association", 2), "cluster": ("cluster", 2), "qos": ("qos", 1),
    "tres": ("tres", 3), "user": ("user", 1), "associations": ("association", 2), "accounts": ("account", 2),
    "clusters": ("cluster", 2), "users": ("user", 1), "federation": ("federation", 1), "resource": ("resource", 4),
    "wckey": ("wckey", 1), "wckeys": ("wckey", 1), "runawayjobs": ("runawayjobs", 3),
}  # fmt: skip
"""What is listed, and in how many letters at least."""
NONE = ("federation", "resource", "wckey")
"""There is none here, and never will be."""
RUNAWAY = "Runaway Jobs: No runaway jobs found on cluster {}\n"
"""No job runs that the queue does not know: there is no other record of them."""
UNKEPT = {
    "configuration": 2, "event": 1, "problem": 1, "reservation": 4, "stats": 2, "transaction": 1,
}  # fmt: skip
"""What is refused, and its letters at least."""
NO_ENTITY = """\
No valid entity in list command
Input line must include "Account", "Association", "Cluster", "Configuration",
"Event", "Federation", "Problem", "QOS", "Resource", "Reservation",
"RunAwayJobs", "Stats", "Transaction", "TRES", "User", or "WCKey"
"""
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


async def listing(
    call: Call, queues: Sequence[QueuePort], queue: QueuePort, said: plain_options.Said, rest: Sequence[str]
) -> str:
    """What `list` prints; `queue` is the current cluster's. Raises Stop."""
    if not rest:
        raise Stop(1, err=NO_ENTITY)
    entity = _entity(rest[0])
    switches, words, format = _conditions(rest[1:])
    if "associations" in said.flags:
        switches |= {"withassoc"}
    asked = Asked(entity, switches, words, format)
    if entity == "runawayjobs":
        return RUNAWAY.format(queue.cluster.name)
    chosen = columns(_format(asked))
    if isinstance(chosen, str):
        raise Stop(1, err=f"Unknown field '{chosen}'\n")
    return _listing(said, asked, chosen, await _records(call, queues, queue, asked))


def _entity(word: str) -> str:
    lowered = word.lower()
    for name, (entity, least) in ENTITIES.items():
        if name.startswith(lowered) and len(lowered) >= least:
            return entity
    if any(f"{name}s".startswith(lowered) and len(lowered) >= least for name, least in UNKEPT.items()):
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
    if asked.format is not None:
        return asked.format
    names = [f"{asked.entity} with associations"] if "withassoc" in asked.switches else []
    names += [f"{asked.entity} without limits"] if "wolimits" in asked.switches else []
    names += [f"{asked.entity} with coordinators"] if "withcoordinators" in asked.switches else []
    return next(FORMATS[name] for name in (*names, asked.entity) if name in FORMATS)


async def _records(call: Call, queues: Sequence[QueuePort], queue: QueuePort, asked: Asked) -> list[Record]:
    if asked.entity in NONE:
        return []
    if asked.entity == "tres":
        return [one for one in _tres(queue.cluster.gres_types) if asked.lets("name", _tres_name(one))]
    kept = [one for one in queues if asked.lets("cluster", one.cluster.name)]
    if asked.entity == "cluster":
        named = [one for one in kept if asked.lets("name", one.cluster.name)]
        return [_cluster(one.cluster.name, await known(one, call.owner.name)) for one in named]
    accounts = {one.cluster.name: _with_budgets(one, await known(one, call.owner.name)) for one in kept}
    if asked.entity == "qos":
        found = {one.name: one for each in accounts.values() for one in each.qos}
        return [_quality(one) for one in found.values() if asked.lets("name", one.name)]
    return _who(asked, accounts)


def _with_budgets(queue: QueuePort, accounts: Accounts) -> Accounts:
    """With the budgets of flow.toml beside the limits that administrators set: they are the same thing."""
    policy = queue.cluster.market
    for budget in policy.budgets if policy is not None else ():
        name = budget.account or ROOT
        minutes = budget.micro_usd // MICRO_USD
        if budget.per != "ever":
            continue
        if accounts.account(name) is None:
            accounts = accounts.put(Account(name, name, name)).put(Association(name))
        one = accounts.association(name)
        before = one.limits.tres.get(LIMIT, {}) if one is not None else {}
        if one is not None and before.get(RESOURCE, minutes) >= minutes:
            limits = Limits(one.limits.counts, {**one.limits.tres, LIMIT: {**before, RESOURCE: minutes}})
            accounts = accounts.put(replace(one, limits=limits))
    return accounts


def _who(asked: Asked, accounts: Mapping[str, Accounts]) -> list[Record]:
    """Users, accounts or associations."""
    kept = [
        one
        for cluster, each in accounts.items()
        for one in tree(cluster, each)
        if asked.lets("account", one.account)
        and asked.lets("partition", one.record.partition)
        and ("user" not in asked.words or asked.lets("user", one.user))
    ]
    if asked.entity == "association":
        indented = "tree" in asked.switches
        ordered = sorted(kept, key=lambda one: one.account) if "user" in asked.words else kept
        return [_association(one, asked, indent=indented) for one in ordered]
    return _users(asked, kept, accounts) if asked.entity == "user" else _accounts(asked, kept, accounts)


def _users(asked: Asked, kept: Sequence[Listed], accounts: Mapping[str, Accounts]) -> list[Record]:
    records: list[Record] = []
    seen: set[str] = set()
    for each in accounts.values():
        for user in sorted(each.users, key=lambda one: one.name):
            own = [one for one in kept if one.user == user.name and one.accounts is each]
            who = {"User": user.name, "Def Acct": user.default_account, "Admin": _level(user)}
            if not (
                asked.lets("name", user.name)
                and asked.lets("user", user.name)
                and asked.lets("adminlevel", who["Admin"])
            ):
                continue
            if not asked.lets("defaultaccount", user.default_account) or ("account" in asked.words and not own):
                continue
            if "withassoc" in asked.switches:
                ordered = sorted(own, key=lambda one: one.account)
                records += [{**_association(one, asked), **who} for one in ordered]
            elif user.name not in seen:
                records.append(who)
            seen.add(user.name)
    return sorted(records, key=lambda one: one["User"])


def _level(user: User) -> str:
    """Whoever runs the controller administers it."""
    return "Administrator" if user_id(user.name) in (0, os.geteuid()) else user.admin


def _accounts(asked: Asked, kept: Sequence[Listed], accounts: Mapping[str, Accounts]) -> list[Record]:
    records: list[Record] = []
    seen: set[str] = set()
    for each in accounts.values():
        for account in sorted(each.accounts, key=lambda one: one.name):
            if not (asked.lets("name", account.name) and asked.lets("account", account.name)):
                continue
            what = {"Account": account.name, "Descr": account.description, "Org": account.organization}
            own = [one for one in kept if one.account == account.name and one.accounts is each]
            if "withassoc" in asked.switches:
                ordered = sorted(own, key=lambda one: one.user)
                records += [{**_association(one, asked), **what} for one in ordered]
            elif account.name not in seen:
                records.append(what)
            seen.add(account.name)
    return sorted(records, key=lambda one: one["Account"])


def _listing(said: plain_options.Said, asked: Asked, chosen: Sequence[Column], records: Sequence[Record]) -> str:
    header = "noheader" not in said.flags
    if "tree" in asked.switches:
        chosen = [Column(c.header, -20) if c.header == "Account" else c for c in chosen]
    rows = texts(chosen, records)
    if {"parsable", "parsable2"} & said.flags:
        return print_fields.parsable(chosen, rows, header=header, closed="parsable2" not in said.flags)
    return print_fields.lines(chosen, rows, header=header)


def _association(one: Listed, asked: Asked, *, indent: bool = False) -> dict[str, str]:
    """Limits are those that hold, their own or of the accounts above, unless only their own are asked for."""
    record, accounts = one.record, one.accounts
    own = bool({"woplimits", "wopinfo"} & asked.switches)
    limits = record.limits if own else _in_force(accounts, record)
    parent = accounts.association(record.account if record.user else record.parent)
    priority = next((up.priority for up in accounts.chain(record) if up.priority is not None), None)
    qualities = accounts.qualities(record) if not own else record.qos or ()
    values = {
        "Cluster": one.cluster, "Account": " " * one.depth + one.account if indent else one.account, "User": one.user,
        "Partition": record.partition, "Share": "parent" if record.share == PARENT_SHARE else str(record.share),
        "Priority": str(priority) if priority is not None else "", "QOS": ",".join(sorted(qualities)),
        "QOS_RAW": ",".join(str(quality.id) for quality in accounts.qos if quality.name in qualities),
        "Def QOS": record.default_qos or "", "ID": str(one.id), "ParentName": record.parent if not record.user else "",
        "ParentID": str(parent.id) if parent is not None else "",
    }  # fmt: skip
    return values | _limits(limits)


def _in_force(accounts: Accounts, record: Association) -> Limits:
    """Group limits are each record's own; the others come down from above."""
    counts = {key: n for key, n in record.limits.counts.items() if key.startswith("Grp")}
    tres = {key: amounts for key, amounts in record.limits.tres.items() if key.startswith("Grp")}
    for key in ("MaxJobs", "MaxJobsAccrue", "MaxSubmitJobs", "MaxWall", "MinPrioThresh"):
        if (n := accounts.count(record, key)) is not None:
            counts[key] = n
    for key in ("MaxTRES", "MaxTRESPerNode", "MaxTRESMins"):
        if amounts := accounts.amounts(record, key):
            tres[key] = amounts
    return Limits(counts, tres)


_HEADERS = {
    "GrpSubmitJobs": "GrpSubmit", "MaxSubmitJobs": "MaxSubmit", "MaxSubmitJobsPU": "MaxSubmitPU", "MaxSubmitJobsPA": "MaxSubmitPA",
    "MinPrioThresh": "MinPrioThres",
}  # fmt: skip
"""Where a limit's header is another word than its name."""
_OLD = {
    "GrpCPUs": ("GrpTRES", "cpu"), "GrpMem": ("GrpTRES", "mem"), "GrpNodes": ("GrpTRES", "node"),
    "GrpCPUMins": ("GrpTRESMins", "cpu"), "GrpCPURunMins": ("GrpTRESRunMins", "cpu"), "MaxCPUs": ("MaxTRES", "cpu"),
    "MaxNodes": ("MaxTRES", "node"), "MaxCPUMins": ("MaxTRESMins", "cpu"),
}  # fmt: skip
"""Columns of one resource of a limit."""


def _limits(limits: Limits) -> dict[str, str]:
    values = {
        _HEADERS.get(key, key): minutes_clock(n) if key.endswith("Wall") else str(n) for key, n in limits.counts.items()
    }
    values |= {key: tres_text(amounts) for key, amounts in limits.tres.items()}
    for header, (key, name) in _OLD.items():
        if name in limits.tres.get(key, {}):
            values[header] = str(limits.tres[key][name])
    return values


def _quality(one: Qos) -> Record:
    values = {
        "Name": one.name, "Priority": str(one.priority), "GraceTime": "00:00:00", "PreemptMode": "cluster",
        "UsageFactor": "1.000000", "ID": str(one.id), "Flags": ",".join(one.flags), "Descr": one.description,
    }  # fmt: skip
    return values | _limits(one.limits)


def _cluster(name: str, accounts: Accounts) -> Record:
    root = accounts.association(ROOT)
    values = {
        "Cluster": name, "ControlHost": "127.0.0.1", "ControlPort": "0", "RPC": _RPC_VERSION, "Share": "1",
        "QOS": ",".join(sorted(accounts.qualities(root) if root is not None else ())),
    }  # fmt: skip
    return values | (_limits(root.limits) if root is not None else {})


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
