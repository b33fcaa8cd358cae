"""sacctmgr delete: what it would take away, and how that is said before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from flowbatch.commands.accounting.sacctmgr_change import Change, Clusters, matching
from flowbatch.commands.accounting.sacctmgr_request import Request
from flowbatch.commands.command_options import Stop
from flowbatch.core.accounting.accounts import ROOT, Accounts

Active = Iterable[tuple[str, int, str, str]]
"""(cluster, job id, account, user) of the jobs that are not over."""


def delete_accounts(request: Request, clusters: Clusters, active: Active) -> Change:
    _condition(request)
    if ROOT in request.names:
        raise Stop(1, err=" You are not allowed to remove the root account.\n Use remove cluster instead.\n")
    change = Change()
    names: list[str] = []
    gone: dict[str, set[str]] = {}
    for cluster, accounts in clusters.items():
        for name in request.names:
            if accounts.account(name) is None:
                continue
            names.append(name)
            subtree = {name, *accounts.below(name)}
            gone.setdefault(cluster, set()).update(subtree)
            change.drop.setdefault(cluster, []).append(("account", name, "", ""))
            for one in accounts.associations:
                if one.account in subtree:
                    change.remove(cluster, one)
            _homeless(change, cluster, accounts, subtree)
    _idle(active, lambda cluster, account, user: account in gone.get(cluster, ()))
    change.text = [" Deleting accounts...", *(f"  {name}" for name in sorted(set(names)))]
    return _deleted(change)


def _homeless(change: Change, cluster: str, accounts: Accounts, subtree: set[str]) -> None:
    """Users whose default account goes have none."""
    for user in accounts.users:
        if user.default_account in subtree:
            change.add(cluster, replace(user, default_account=""))


def delete_users(request: Request, clusters: Clusters, active: Active) -> Change:
    _condition(request)
    change = Change()
    some = bool(request.conditions.keys() & {"account", "partition", "cluster"})
    names: list[str] = []
    lines: list[str] = []
    gone: set[tuple[str, str, str]] = set()
    for cluster, accounts in clusters.items():
        found = list(matching(request, accounts, lambda one: bool(one.user), "user"))
        for one in found:
            change.remove(cluster, one)
            gone.add((cluster, one.account, one.user))
            part = f" P = {one.partition}" if one.partition else ""
            lines.append(f"  C = {cluster:<10} A = {one.account:<10} U = {one.user:<9}{part}")
        for user in accounts.users:
            own = [one for one in accounts.associations if one.user == user.name]
            meant = not request.names or user.name in request.names
            if meant and (not some or found) and all(one in found for one in own):
                change.remove(cluster, user)
                names.append(user.name)
            elif meant and any(one.account == user.default_account for one in found):
                change.add(cluster, replace(user, default_account=""))
    _idle(active, lambda cluster, account, user: (cluster, account, user) in gone)
    listed = [f"  {name}" for name in sorted(set(names))]
    if some:
        change.text += [" Deleting user associations...", *lines] if lines else []
        change.text += [" Deleting users (No Associations)...", *listed] if listed else []
    else:
        change.text = [" Deleting users...", *listed]
    return _deleted(change)


def delete_qualities(request: Request, clusters: Clusters, active: Active) -> Change:
    _condition(request)
    change = Change()
    names: list[str] = []
    for cluster, accounts in clusters.items():
        for one in accounts.qos:
            if one.name in request.names:
                change.remove(cluster, one)
                names.append(one.name)
        for association in accounts.associations:
            if association.qos is not None and set(association.qos) & set(names):
                kept = tuple(name for name in association.qos if name not in names)
                default = None if association.default_qos in names else association.default_qos
                change.add(cluster, replace(association, qos=kept, default_qos=default))
    change.text = [" Deleting QOS(s)...", *(f"  {name}" for name in sorted(set(names)))]
    return _deleted(change)


def _condition(request: Request) -> None:
    if not request.names and not request.conditions:
        raise Stop(1, err=" No conditions given to remove, not executing.\n")


def _idle(active: Active, touches: Callable[[str, str, str], bool]) -> None:
    lines = [
        f"  JobID = {id:<10} C = {cluster:<10} A = {account:<10} U = {user:<9}"
        for cluster, id, account, user in active
        if touches(cluster, account, user)
    ]
    if lines:
        head = " Error with request: Job(s) active, cancel job(s) before remove"
        raise Stop(1, err="".join(f"{line}\n" for line in (head, *lines)))


def _deleted(change: Change) -> Change:
    if not change.drop:
        raise Stop(1, out=" Nothing deleted\n")
    return change


DELETING: Mapping[str, Callable[[Request, Clusters, Sequence[tuple[str, int, str, str]]], Change]] = {
    "account": delete_accounts, "user": delete_users, "qos": delete_qualities,
}  # fmt: skip
