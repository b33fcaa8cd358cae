"""sacctmgr: accounts, users, qualities of service and their limits, listed and changed. Each cluster keeps its own, in its
store; a change that names no cluster is made in all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from flowbatch.commands import plain_options
from flowbatch.commands.accounting.associations import known
from flowbatch.commands.accounting.sacctmgr_add import ADDING
from flowbatch.commands.accounting.sacctmgr_change import Change
from flowbatch.commands.accounting.sacctmgr_delete import DELETING
from flowbatch.commands.accounting.sacctmgr_list import listing
from flowbatch.commands.accounting.sacctmgr_modify import MODIFYING
from flowbatch.commands.accounting.sacctmgr_request import Request, added, conditioned
from flowbatch.commands.call import Call, Lines
from flowbatch.commands.command_options import VERSION, CommandOption, Stop, help_text
from flowbatch.core.accounting.accounts import NOBODY, ROOT, Account, Accounts, Association, Qos, User
from flowbatch.core.accounting.budgets import LIMIT, RESOURCE
from flowbatch.core.events import Refused
from flowbatch.core.ports import QueuePort
from flowbatch.core.ruling.wishes import AccountsAsked
from flowbatch.core.states import Finished
from flowbatch.errors import FlowError
from flowbatch.slurm import codes
from flowbatch.spec.cluster import ClusterSpec

OPTIONS = (
    CommandOption("help", "h", help="print this"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("immediate", "i", help="do not ask"),
    CommandOption("noheader", "n", help="no header line"),
    CommandOption("oneliner", "o", help="one line a record", verdict="recorded", reason="as it always is"),
    CommandOption("parsable", "p", help="values between bars, one at the end"),
    CommandOption("parsable2", "P", help="values between bars"),
    CommandOption("quiet", "Q", help="say less", verdict="recorded", reason="errors and results alone are said"),
    CommandOption("readonly", "r", help="change nothing"),
    CommandOption("associations", "s", help="users and accounts with their associations"),
    CommandOption("verbose", "v", help="say more", verdict="recorded", reason="there is nothing more to say"),
    CommandOption("version", "V", help="print the version"),
)
VERBS = {
    "add": ("add", 3), "create": ("add", 3), "modify": ("modify", 1), "update": ("modify", 1), "delete": ("delete", 3),
    "remove": ("delete", 3), "list": ("list", 3), "show": ("list", 3), "help": ("help", 4), "version": ("version", 4),
    "archive": ("refused", 2), "clear": ("refused", 2), "dump": ("refused", 2), "load": ("refused", 2),
    "reconfigure": ("refused", 3), "shutdown": ("refused", 4),
}  # fmt: skip
"""(what is done, letters at least)."""
ENTITIES = {"account": 2, "cluster": 2, "coordinator": 2, "federation": 1, "qos": 1, "resource": 3, "user": 1, "job": 1}
_NO_ENTITY = {
    "add": '"Account", "Cluster", "Coordinator", "Federation", "QOS", "Resource", or "User"',
    "modify": '"Account", "Cluster", "Federation", "Job", "QOS", "Resource" or "User"',
    "delete": '"Account", "Cluster", "Coordinator", "Federation", "QOS", "Resource", or "User"',
}
UNKEPT = {
    ("add", "cluster"): "a cluster is one of flow.toml, or the one of slurm.conf",
    ("delete", "cluster"): "a cluster is one of flow.toml, or the one of slurm.conf",
    "coordinator": "accounts have no coordinators here; make the user an Operator (adminlevel=operator)",
    "federation": "there is no federation: name a cluster with -M",
    "resource": "licences are those of slurm.conf (Licenses=)",
    "job": "scontrol update changes a job",
}
"""What is refused, and what there is instead."""
REFUSED = {
    "archive": "the store keeps every job", "clear": "there are no statistics of a database", "dump": "the store is one file",
    "load": "accounts are added and modified by name", "reconfigure": "there is no database daemon", "shutdown": "there is no database daemon",
}  # fmt: skip
_NO_USAGE = "nobody's usage is summed up, as with PriorityType=priority/basic"
_NO_AGE = "priorities know no age, as with PriorityType=priority/basic"
UNHEEDED = {
    "GrpTRESMins": _NO_USAGE, "GrpWall": _NO_USAGE, "GrpJobsAccrue": _NO_AGE, "MaxJobsAccrue": _NO_AGE, "MinPrioThresh": _NO_AGE,
}  # fmt: skip
"""Limits that are kept and hold up nobody, and why."""
ASKED = "Would you like to commit changes? (You have 30 seconds to decide)\n(N/y): \n"
PATIENCE_S = 30


async def main(call: Call, queue: QueuePort) -> int:
    """Prints a listing, or makes a change."""
    try:
        said = plain_options.read("sacctmgr", "COMMAND", OPTIONS, call.argv)
        verb, *rest = said.operands or ("help",)
        act = _verb(verb)
        if act == "list":
            call.out.write(await listing(call, await _clusters(call, queue), queue, said, rest))
            return 0
        if "readonly" in said.flags:
            raise Stop(1, err="Can't run this command in readonly mode.\n")
        return await _change(call, queue, act, rest, ask="immediate" not in said.flags)
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _verb(verb: str) -> str:
    """What is to be done. Raises Stop for what is answered at once."""
    lowered = verb.lower()
    found = next((n for n, (_, least) in VERBS.items() if n.startswith(lowered) and len(lowered) >= least), None)
    act = "" if found is None else VERBS[found][0]
    if act == "version":
        raise Stop(0, out=VERSION + "\n")
    if act == "help":
        raise Stop(0, out=help_text("sacctmgr", "COMMAND", OPTIONS))
    if act == "refused" and found is not None:
        raise Stop(1, err=f"sacctmgr: error: {found} is not supported: {REFUSED[found]}\n")
    if not act:
        raise Stop(1, err=f"invalid keyword: {verb}\n")
    return act


async def _clusters(call: Call, queue: QueuePort) -> list[QueuePort]:
    """Every cluster that can be served now; the current one at least."""
    queues: list[QueuePort] = []
    for name in call.clusters.names:
        try:
            queues.append(await call.clusters.queue(name))
        except FlowError as error:
            call.err.write(f"sacctmgr: error: cluster {name}: {error.message}\n")
    return queues or [queue]


async def _change(call: Call, queue: QueuePort, act: str, given: Sequence[str], *, ask: bool) -> int:
    entity = _entity(act, given[0] if given else "")
    queues = {one.cluster.name: one for one in await _clusters(call, queue)}
    accounts = {name: await known(one, call.owner.name) for name, one in queues.items()}
    resources = [f"gres/{kind}" for one in queues.values() for kind in one.cluster.gres_types]
    resources += [f"license/{name}" for one in queues.values() for name, _ in one.cluster.licenses]
    qualities = list(dict.fromkeys(one.name for each in accounts.values() for one in each.qos))
    if act == "add":
        request = added(entity, given[1:], resources, qualities)
    else:
        request = conditioned(entity, given[1:], resources, qualities, sets=act == "modify")
    named = request.conditions.get("cluster")
    meant = {name: one for name, one in accounts.items() if named is None or name in named}
    _bindable(entity, request, [queues[name] for name in meant])
    call.err.write(_unheeded(request, [queues[name].cluster for name in meant]))
    change = _made(act, entity, request, meant, queues)
    call.out.write("".join(f"{line}\n" for line in change.text))
    call.err.write("".join(f"{line}\n" for line in change.faults))
    if ask and not await _confirmed(call):
        call.out.write(" Changes Discarded\n")
        return 0
    return await _carried_out(call, queues, accounts, change)


def _entity(act: str, word: str) -> str:
    lowered = word.lower().removesuffix("s") if len(word) > 3 and word.lower() != "qos" else word.lower()
    for name, least in ENTITIES.items():
        if lowered and name.startswith(lowered) and len(lowered) >= least and (name != "job" or act == "modify"):
            reason = UNKEPT.get((act, name)) or UNKEPT.get(name)
            if reason is not None:
                raise Stop(1, err=f"sacctmgr: error: {act} {name} is not supported: {reason}\n")
            return name
    raise Stop(1, err=f"No valid entity in {act} command\nInput line must include {_NO_ENTITY[act]}\n")


def _made(act: str, entity: str, request: Request, meant: dict[str, Accounts], queues: dict[str, QueuePort]) -> Change:
    if act == "add":
        return ADDING[entity](request, meant)
    if act == "modify":
        return MODIFYING[entity](request, meant)
    active = [
        (name, job.id, job.spec.account or ROOT, job.owner.name)
        for name in meant
        for job in queues[name].snapshot().jobs
        if not isinstance(job.state, Finished)
    ]
    return DELETING[entity](request, meant, active)


def _bindable(entity: str, request: Request, queues: Sequence[QueuePort]) -> None:
    """Raises Stop for limits that a market could not keep: there, money is what accounts share."""
    for queue in queues:
        if queue.cluster.market is None:
            continue
        for limit, amounts in request.set.tres.items():
            if (limit, set(amounts)) != (LIMIT, {RESOURCE}) or entity not in ("account", "cluster"):
                raise Stop(1, err=(
                    f"sacctmgr: error: {limit} cannot be set on cluster {queue.cluster.name}, whose machines are rented\n"
                    f"sacctmgr: hint: limit the money of an account there ({LIMIT}={RESOURCE}=CENTS), "
                    f"or name other clusters (cluster=)\n"
                ))  # fmt: skip


def _unheeded(request: Request, clusters: Sequence[ClusterSpec]) -> str:
    """A note for each limit that is kept and holds up nobody; a budget of a market is none of them."""
    local = [one.name for one in clusters if one.market is None]
    limits = [name for name, n in request.set.counts.items() if n is not None]
    limits += [name for name, amounts in request.set.tres.items() if any(n is not None for n in amounts.values())]
    return "".join(
        f"sacctmgr: note: {name} holds up nobody on {','.join(local)}: {UNHEEDED[name]}\n"
        for name in limits
        if name in UNHEEDED and local and (name != LIMIT or len(local) == len(clusters))
    )


async def _confirmed(call: Call) -> bool:
    """Asks, for half a minute, until the answer is yes or no; the end of the input is no."""
    call.out.write(ASKED)
    await call.out.drain()
    lines = Lines(call)

    async def answered() -> bool:
        while line := await lines.next():
            for letter in line.decode("utf-8", "replace").lower():
                if letter in "yn\n":
                    return letter == "y"
                call.out.write("Y or N please\n(N/y): \n")
        return False

    try:
        return await asyncio.wait_for(answered(), PATIENCE_S)
    except asyncio.TimeoutError:
        call.out.write("timeout\n")
        return False


async def _carried_out(call: Call, queues: dict[str, QueuePort], before: Mapping[str, Accounts], change: Change) -> int:
    """Makes the change, cluster by cluster. With the first one the accounts that jobs have named are kept as well."""
    for name, queue in queues.items():
        put, drop = tuple(change.put.get(name, ())), tuple(change.drop.get(name, ()))
        if not (put or drop):
            continue
        if queue.snapshot().rulings.accounts == NOBODY:
            put = (*_records(before[name]), *put)
        reply = await queue.apply(AccountsAsked(queue.now(), call.owner.uid, call.owner.name, put, drop))
        if isinstance(reply, Refused):
            call.err.write(f" {change.problem}: {codes.MESSAGES[reply.code]}\n")
            return 1
    return 1 if change.faults else 0


def _records(accounts: Accounts) -> Iterator[Account | User | Association | Qos]:
    yield from accounts.accounts
    yield from accounts.users
    yield from accounts.associations
