"""sacctmgr modify: what it would change, and how that is said before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from flowbatch.commands.accounting.sacctmgr_change import Change, Clusters, associated, matching, qualified
from flowbatch.commands.accounting.sacctmgr_request import Request
from flowbatch.commands.accounting.sacctmgr_words import ACCOUNT, LEVELS
from flowbatch.commands.command_options import Stop
from flowbatch.core.accounting.accounts import ROOT, Accounts, Association


def modify_accounts(request: Request, clusters: Clusters) -> Change:
    _something(request)
    change = Change()
    parent = request.set.texts.get("Parent")
    if parent is not None and all(accounts.association(parent) is None for accounts in clusters.values()):
        raise Stop(1, err=f" Parent Account {parent} doesn't exist.\n")
    texts = {key: request.set.texts[key] for key in ("Description", "Organization") if key in request.set.texts}
    if texts:
        names: list[str] = []
        for cluster, accounts in clusters.items():
            for account in accounts.accounts:
                if not request.names or account.name in request.names:
                    new = replace(account, description=texts.get("Description", account.description),
                                  organization=texts.get("Organization", account.organization))  # fmt: skip
                    change.add(cluster, new)
                    names.append(account.name)
        change.text += [" Modified accounts...", *(f"  {name}" for name in dict.fromkeys(names))] if names else []
    _modify(change, request, clusters, lambda one: not one.user, "account")
    return _changed(change)


def modify_users(request: Request, clusters: Clusters) -> Change:
    _something(request)
    change = Change()
    default = request.set.texts.get("DefaultAccount")
    if default is not None:
        _may_default(request, clusters, default)
    said = request.set.texts.get("AdminLevel")
    level = LEVELS.get(said.lower()) if said is not None else None
    names: list[str] = []
    for cluster, accounts in clusters.items():
        for user in accounts.users:
            if (not request.names or user.name in request.names) and (default is not None or level is not None):
                new = replace(user, default_account=default or user.default_account, admin=level or user.admin)
                change.add(cluster, new)
                names.append(user.name)
    change.text += [" Modified users...", *(f"  {name}" for name in dict.fromkeys(names))] if names else []
    _modify(change, request, clusters, lambda one: bool(one.user), "user")
    return _changed(change)


def _may_default(request: Request, clusters: Clusters, default: str) -> None:
    """Raises Stop where a user is not on the account that is to be his default."""
    lines = [
        f"  U = {user} C = {cluster}"
        for user in request.names
        for cluster, accounts in clusters.items()
        if accounts.user(user) is not None and accounts.association(default, user) is None
    ]
    if lines:
        head = f" Can't modify because these users aren't associated with new default account '{default}'..."
        raise Stop(1, out="".join(f"{line}\n" for line in (head, *lines)))


def _modify(
    change: Change, request: Request, clusters: Clusters, fits: Callable[[Association], bool], kind: str
) -> None:
    settings = request.set
    if not (settings.counts or settings.tres or settings.lists or {"DefQOS", "Parent"} & settings.texts.keys()):
        return
    lines: list[str] = []
    lacking: list[str] = []
    for cluster, accounts in clusters.items():
        for one in matching(request, accounts, fits, kind):
            new = associated(one, settings)
            if "Parent" in settings.texts and not one.user and _below(accounts, one.account, settings.texts["Parent"]):
                raise Stop(1, err=" Error with request: Can't move an account below itself\n")
            change.add(cluster, new)
            lines.append(modified_line(cluster, one))
            if new.default_qos is not None and new.default_qos not in _reachable(accounts, new):
                lacking.append(f"  DefQOS = {new.default_qos:<10} {lines[-1].lstrip()}")
    if lacking:
        head = (" These associations don't have access to their default qos.",
                " Please give them access before they the default can be set to this.")  # fmt: skip
        raise Stop(0, err="".join(f"{line}\n" for line in (*head, *lacking)))
    change.text += [f" Modified {kind} associations...", *lines] if lines else []


def _below(accounts: Accounts, account: str, parent: str) -> bool:
    return parent == account or parent in accounts.below(account) or account == ROOT


def _reachable(accounts: Accounts, one: Association) -> tuple[str, ...]:
    return one.qos if one.qos is not None else accounts.qualities(one)


def modified_line(cluster: str, one: Association) -> str:
    """How an association is named where it was changed."""
    if not one.user:
        above = f" of {one.parent}" if one.parent else ""
        return f"  C = {cluster:<10} A = {one.account}{above}"
    line = f"  C = {cluster:<10} A = {one.account:<20} U = {one.user:<9}"
    return line + (f" P = {one.partition}" if one.partition else "")


def modify_qualities(request: Request, clusters: Clusters) -> Change:
    _something(request)
    change = Change()
    names: list[str] = []
    for cluster, accounts in clusters.items():
        for one in accounts.qos:
            if not request.names or one.name in request.names:
                change.add(cluster, qualified(one, request.set))
                names.append(one.name)
    change.text += [" Modified qos...", *(f"  {name}" for name in dict.fromkeys(names))] if names else []
    return _changed(change)


def modify_clusters(request: Request, clusters: Clusters) -> Change:
    """The limits of a cluster are those of its root account."""
    _something(request)
    meant = {name: accounts for name, accounts in clusters.items() if not request.names or name in request.names}
    change = Change()
    lines: list[str] = []
    for cluster, accounts in meant.items():
        root = accounts.association(ROOT)
        if root is not None:
            change.add(cluster, associated(root, request.set))
            lines.append(modified_line(cluster, root))
    change.text += [" Setting", "  Default Limits:", *request.set.lines(ACCOUNT)]
    change.text += [" Modified cluster defaults for associations...", *lines]
    return _changed(change)


def _something(request: Request) -> None:
    if not request.set:
        raise Stop(1, err=" You didn't give me anything to set\n")


def _changed(change: Change) -> Change:
    if change.nothing:
        raise Stop(1, out=" Nothing modified\n")
    return change


MODIFYING: Mapping[str, Callable[[Request, Clusters], Change]] = {
    "account": modify_accounts, "user": modify_users, "qos": modify_qualities, "cluster": modify_clusters,
}  # fmt: skip
