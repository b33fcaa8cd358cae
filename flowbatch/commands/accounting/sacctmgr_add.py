"""sacctmgr add: what it would make, and how that is said before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flowbatch.commands.accounting.sacctmgr_change import Change, Clusters, associated, qualified
from flowbatch.commands.accounting.sacctmgr_request import Request
from flowbatch.commands.accounting.sacctmgr_words import ASSOCIATION, LEVELS, QOS
from flowbatch.commands.command_options import Stop
from flowbatch.core.accounting.accounts import ROOT, Account, Association, Qos, User


def add_accounts(request: Request, clusters: Clusters) -> Change:
    if not request.names:
        raise Stop(1, err=" Need name of account to add.\n")
    _known_clusters(request, clusters)
    change = Change(problem="Problem adding accounts")
    parent = request.set.texts.get("Parent", ROOT)
    for name, accounts in clusters.items():
        if accounts.association(parent) is None:
            change.faults.append(f" Parent account '{parent}' doesn't exist on cluster {name}")
            change.faults.append("        Contact your admin to add this account.")
    if change.faults:
        raise Stop(1, err="".join(f"{line}\n" for line in (*change.faults, " No associations created.")))
    first = next(iter(clusters.values()))
    fresh = [name for name in request.names if first.account(name) is None]
    texts = request.set.texts
    placed: list[str] = []
    for name in request.names:
        record = Account(
            name, texts.get("Description", name), texts.get("Organization", parent if parent != ROOT else name)
        )
        for cluster, accounts in clusters.items():
            if accounts.account(name) is None:
                change.add(cluster, record)
            if accounts.association(name) is None:
                change.add(cluster, associated(Association(name, parent=parent), request.set))
                placed.append(f"  A = {name:<10.10} C = {cluster:<10.10}")
    if change.nothing:
        raise Stop(1, out=" Nothing new added.\n")
    if fresh:
        said = (texts.get("Description", "Account Name"), texts.get("Organization", "Parent/Account Name"))
        change.text += [" Adding Account(s)", *(f"  {name}" for name in fresh), " Settings",
                        f"  Description     = {said[0]}", f"  Organization    = {said[1]}"]  # fmt: skip
    change.text += [" Associations", *placed] if placed else []
    if request.said:
        request.set.shown.setdefault("Parent", parent)
        change.text += [" Settings", *request.set.lines(ASSOCIATION)]
    return change


def add_users(request: Request, clusters: Clusters) -> Change:
    if not request.names:
        raise Stop(1, err=" Need name of user to add.\n")
    default = request.set.texts.get("DefaultAccount")
    named = request.conditions.get("account", ())
    if not named and default is None:
        raise Stop(1, err=" Need name of account to add user to.\n")
    change = Change(problem="Problem adding users")
    wanted = tuple(dict.fromkeys((*named, *([default] if default else []))))
    unknown = [one for one in wanted if all(accounts.association(one) is None for accounts in clusters.values())]
    for one in unknown:
        change.faults += [f" This account '{one}' doesn't exist.", "        Contact your admin to add this account."]
    change.faults += _unknown_clusters(request, clusters)
    joined = [one for one in wanted if one not in unknown]
    level = LEVELS.get(request.set.texts.get("AdminLevel", "none").lower(), "None")
    placed: list[str] = []
    fresh: list[str] = []
    for name in request.names:
        for cluster, accounts in clusters.items():
            known = accounts.user(name)
            if known is None and joined:
                change.add(cluster, User(name, default if default in joined and default else joined[0], level))
                fresh.append(name)
            for account in joined:
                for partition in request.conditions.get("partition", ("",)):
                    if accounts.association(account) is None or accounts.association(account, name, partition):
                        continue
                    record = Association(account, name, partition)
                    change.add(cluster, associated(record, request.set))
                    placed.append(_member(cluster, record))
    if change.nothing:
        raise Stop(1, out=" Nothing new added.\n", err="".join(f"{line}\n" for line in change.faults))
    fresh = list(dict.fromkeys(fresh))
    change.text += [" Adding User(s)", *(f"  {name}" for name in fresh)] if fresh else []
    settings = [f"  Default Account = {default}"] if default else []
    settings += [f"  Admin Level     = {level}"] if "AdminLevel" in request.set.texts else []
    change.text += [" Settings =", *settings] if fresh and settings else []
    change.text += [" Associations =", *placed] if placed else []
    if named:
        change.text += [" Non Default Settings", *request.set.lines(ASSOCIATION)]
    return change


def _member(cluster: str, one: Association) -> str:
    line = f"  U = {one.user:<9.9} A = {one.account:<10.10} C = {cluster:<10.10}"
    return line + (f" P = {one.partition:<10.10}" if one.partition else "")


def add_qualities(request: Request, clusters: Clusters) -> Change:
    if not request.names:
        raise Stop(1, err=" Need name of qos to add.\n")
    change = Change(problem="Problem adding QOS")
    fresh = [name for name in request.names if any(accounts.quality(name) is None for accounts in clusters.values())]
    if not fresh:
        raise Stop(1, out=" Nothing new added.\n")
    for name in fresh:
        for cluster, accounts in clusters.items():
            if accounts.quality(name) is None:
                change.add(cluster, qualified(Qos(name, description=name), request.set))
    request.set.shown.setdefault("Description", fresh[-1])
    change.text += [" Adding QOS(s)", *(f"  {name}" for name in fresh), " Settings", *request.set.lines(QOS)]
    return change


def _unknown_clusters(request: Request, clusters: Clusters) -> list[str]:
    return [
        line
        for name in request.conditions.get("cluster", ())
        if name not in clusters
        for line in (
            f" This cluster '{name}' doesn't exist.",
            "        Contact your admin to add it to accounting.",
        )
    ]


def _known_clusters(request: Request, clusters: Clusters) -> None:
    if unknown := _unknown_clusters(request, clusters):
        raise Stop(1, err="".join(f"{line}\n" for line in unknown))


ADDING: Mapping[str, Callable[[Request, Clusters], Change]] = {
    "account": add_accounts, "user": add_users, "qos": add_qualities,
}  # fmt: skip
