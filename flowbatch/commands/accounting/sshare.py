"""sshare: shares and usage. Priority is a place in the queue, so as with priority/basic nobody's usage is weighed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flowbatch.commands import clusters, plain_options
from flowbatch.commands.accounting.associations import Listed, associations
from flowbatch.commands.accounting.sacctmgr_words import tres_text
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.core.accounting.accounts import PARENT_SHARE
from flowbatch.core.ports import QueuePort
from flowbatch.slurm import print_fields
from flowbatch.slurm.print_fields import Column
from flowbatch.spec.cluster import ClusterSpec

OPTIONS = (
    CommandOption("accounts", "A", "required", "these accounts"),
    CommandOption("all", "a", help="all users"),
    CommandOption("helpformat", "e", help="print the names of the fields"),
    CommandOption("long", "l", help="all fields"),
    CommandOption("partition", "m", help="a column for partitions, of which no share has one"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of these clusters"),
    CommandOption("noheader", "n", help="no header line"),
    CommandOption("format", "o", "required", "these fields"),
    CommandOption("parsable", "p", help="values between bars, one at the end"),
    CommandOption("parsable2", "P", help="values between bars"),
    CommandOption("users", "u", "required", "these users"),
    CommandOption("Users", "U", help="users alone"),
    CommandOption("verbose", "v", help="say what was asked"),
    *plain_options.ASKED,
)
COLUMNS = (
    Column("Account", -20), Column("Cluster", 10), Column("EffectvUsage", 13), Column("FairShare", 10),
    Column("GrpTRESMins", 30), Column("GrpTRESRaw", 30), Column("ID", 6), Column("LevelFS", 10),
    Column("NormShares", 11), Column("NormUsage", 11), Column("Partition", 12), Column("RawShares", 10),
    Column("RawUsage", 11), Column("TRESRunMins", 30), Column("User", 10),
)  # fmt: skip
"""Every field, in the order of --helpformat."""
STANDARD = "Account,User,RawShares,NormShares,RawUsage,EffectvUsage,FairShare"
LONG = "Account,User,RawShares,NormShares,RawUsage,NormUsage,EffectvUsage,FairShare,LevelFS,GrpTRESMins,TRESRunMins"
_ZERO = "0.000000"


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the shares of each cluster."""
    try:
        said = plain_options.read("sshare", "", OPTIONS, call.argv)
        if "helpformat" in said.flags:
            raise Stop(0, out=print_fields.names((column.header for column in COLUMNS), 17))
        columns = _columns(said)
        queues = await plain_options.queues(call, queue, said, "sshare")
        for one, heading in zip(queues, clusters.headings(queues), strict=True):
            call.out.write(heading if "clusters" in said.words else "")
            call.out.write(
                _listing(said, columns, one.cluster, await associations(one, call.owner.name), call.owner.name)
            )
        if "verbose" in said.flags:
            call.err.write(_asked(said, call.owner.name))
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _columns(said: plain_options.Said) -> list[Column]:
    """The columns of the format. Raises Stop."""
    format = said.words.get("format", LONG if "long" in said.flags else STANDARD)
    if "partition" in said.flags and "format" not in said.words:
        format = format.replace("User,", "User,Partition,", 1)
    chosen = []
    for word in filter(None, format.split(",")):
        name, _, width = word.partition("%")
        found = next((column for column in COLUMNS if column.header.lower().startswith(name.lower())), None)
        if found is None:
            raise Stop(1, err=f'sshare: error: Invalid field requested: "{name}"\n')
        chosen.append(Column(found.header, print_fields.width(width) or found.width))
    return chosen


def _listing(
    said: plain_options.Said, columns: Sequence[Column], cluster: ClusterSpec, known: Sequence[Listed], caller: str
) -> str:
    kept = _chosen(said, known, caller)
    rows = [[VALUES[column.header](one, cluster) for column in columns] for one in kept]
    accounts = [number for number, column in enumerate(columns) if column.header == "Account"]
    if accounts and "Users" not in said.flags:
        shown = {one.account for one in kept if not one.user}
        for row, one in zip(rows, kept, strict=True):
            above = [up for up in one.accounts.chain(one.record) if up is not one.record and up.account in shown]
            row[accounts[0]] = " " * len(above) + one.account
    header = "noheader" not in said.flags
    if {"parsable", "parsable2"} & said.flags:
        return print_fields.parsable(columns, rows, header=header, closed="parsable2" not in said.flags)
    return print_fields.lines(columns, rows, header=header)


def _chosen(said: plain_options.Said, known: Sequence[Listed], caller: str) -> list[Listed]:
    users = None if "all" in said.flags else set(said.words.get("users", caller).split(","))
    accounts = set(said.words["accounts"].split(",")) if "accounts" in said.words else None
    return [
        one
        for one in known
        if (accounts is None or one.account in accounts)
        and (not one.user or users is None or one.user in users)
        and (one.user or "Users" not in said.flags)
    ]


def _asked(said: plain_options.Said, caller: str) -> str:
    users = ["all"] if "all" in said.flags else said.words.get("users", caller).split(",")
    accounts = said.words.get("accounts", "all").split(",")
    lists = (("Users", users), ("Accounts", accounts))
    return "".join(f"{what} requested:\n" + "".join(f"\t: {name}\n" for name in names) for what, names in lists)


def _resources(one: Listed, cluster: ClusterSpec) -> str:
    names = ("cpu", "mem", "energy", "node", "billing", "fs/disk", "vmem", "pages")
    return ",".join(f"{name}=0" for name in (*names, *(f"gres/{kind}" for kind in cluster.gres_types)))


_NOTHING: Callable[[Listed, ClusterSpec], str] = lambda one, cluster: ""  # noqa: E731  one value under several names

VALUES: Mapping[str, Callable[[Listed, ClusterSpec], str]] = {
    "Account": lambda one, cluster: one.account,
    "Cluster": lambda one, cluster: one.cluster,
    "EffectvUsage": lambda one, cluster: _ZERO,
    "FairShare": lambda one, cluster: _ZERO if one.user else "",
    "GrpTRESMins": lambda one, cluster: tres_text(one.record.limits.tres.get("GrpTRESMins", {})),
    "GrpTRESRaw": _resources,
    "ID": lambda one, cluster: str(one.id),
    "LevelFS": lambda one, cluster: "" if one.record.share == PARENT_SHARE else _ZERO,
    "NormShares": _NOTHING,
    "NormUsage": _NOTHING,
    "Partition": lambda one, cluster: one.record.partition,
    "RawShares": lambda one, cluster: (
        ("parent" if one.record.share == PARENT_SHARE else str(one.record.share)) if one.depth else ""
    ),
    "RawUsage": lambda one, cluster: "0",
    "TRESRunMins": _resources,
    "User": lambda one, cluster: one.user,
}
