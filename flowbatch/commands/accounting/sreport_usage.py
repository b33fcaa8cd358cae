"""The rows of sreport's reports of usage: a cluster's, its accounts', its users'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from flowbatch.commands.accounting.associations import ROOT
from flowbatch.commands.accounting.sreport_request import Report
from flowbatch.commands.accounting.sreport_spans import Row, Spans

Taken = Counter[str]
"""Seconds by resource."""


def rows(report: Report, spans: Spans) -> list[Row]:
    """What the report says of one cluster."""
    return list(_REPORTS[report.kind.name](report, spans))


def _utilization(report: Report, spans: Spans) -> Iterator[Row]:
    """What was taken, and what was idle, of each resource that the cluster has."""
    for tres in report.tres:
        total = spans.total(tres)
        if not total:
            continue
        taken = min(total, sum(span.used(tres) for span in spans.spans))
        shown = report.amount(total)
        yield {
            "Cluster": spans.cluster.name, "TRES Name": tres, "TRES Count": str(spans.counts[tres]), "Allocated": shown(taken),
            "Down": shown(0), "PLND Down": shown(0), "Idle": shown(total - taken), "Planned": shown(0), "Over Comm": shown(0),
            "Reported": shown(total),
        }  # fmt: skip


def _by_user(spans: Spans) -> dict[tuple[str, str], Taken]:
    """What each user took on each account."""
    found: dict[tuple[str, str], Taken] = {}
    for span in spans.spans:
        taken = found.setdefault((span.user, span.account), Counter())
        for tres, amount in span.taken.items():
            taken[tres] += amount * span.seconds
    return {who: taken for who, taken in found.items() if any(taken.values())}


def _amounts(report: Report, spans: Spans, taken: Taken, account: str, user: str) -> Iterator[Row]:
    """One row for each resource of which something was taken."""
    for tres in report.tres:
        if not report.typed or taken[tres]:
            shown = report.amount(spans.total(tres))
            yield {
                "Cluster": spans.cluster.name, "Account": account, "Login": user, "Proper Name": user, "TRES Name": tres,
                "TRES Count": "0", "Used": shown(taken[tres]), "Energy": shown(0),
            }  # fmt: skip


def _users(report: Report, spans: Spans) -> Iterator[Row]:
    """Users by what they took in all, each account for itself."""
    first = report.tres[0]
    each = _of_accounts(report, _by_user(spans))
    whole: Counter[str] = Counter()
    for (user, _), taken in each.items():
        whole[user] += taken[first]
    for user, account in sorted(each, key=lambda who: (-whole[who[0]], who[0], -each[who][first], who[1])):
        yield from _amounts(report, spans, each[user, account], account, user)


def _top(report: Report, spans: Spans) -> Iterator[Row]:
    """Who took most, on which account, or on all of them together (`group`)."""
    first = report.tres[0]
    each = _of_accounts(report, _by_user(spans))
    if "group" in report.switches:
        each = _together(each)
    for user, account in sorted(each, key=lambda who: (-each[who][first], who))[: report.most]:
        yield from _amounts(report, spans, each[user, account], account, user)


def _of_accounts(report: Report, each: dict[tuple[str, str], Taken]) -> dict[tuple[str, str], Taken]:
    return {who: taken for who, taken in each.items() if report.wants("accounts", who[1])}


def _together(each: dict[tuple[str, str], Taken]) -> dict[tuple[str, str], Taken]:
    """Each user's accounts as one."""
    users = dict.fromkeys(user for user, _ in each)
    return {
        (user, ", ".join(sorted(account for one, account in each if one == user))): sum(
            (taken for (one, _), taken in each.items() if one == user), Counter[str]()
        )
        for user in users
    }


def _accounts(report: Report, spans: Spans) -> Iterator[Row]:
    """What each account and all below it took, the root first, its users behind it; of named users, theirs alone."""
    each = _by_user(spans)
    totals: dict[str, Taken] = {}
    for (_, account), taken in each.items():
        for name in spans.above(account):
            totals.setdefault(name, Counter()).update(taken)
    if "users" in report.lists:
        for user, account in sorted(_of_accounts(report, each), key=lambda who: (who[1], who[0])):
            yield from _amounts(report, spans, each[user, account], account, user)
        return
    shown = {name for name in totals if any(report.wants("accounts", one) for one in spans.above(name))}
    for name, depth in _tree(spans, totals):
        if name not in shown:
            continue
        indent = " " * depth if "tree" in report.switches else ""
        yield from _amounts(report, spans, totals[name], indent + name, "")
        for user, account in sorted(each):
            if account == name:
                deeper = f"{indent} " if "tree" in report.switches else ""
                yield from _amounts(report, spans, each[user, account], deeper + account, user)


def _tree(spans: Spans, names: Sequence[str] | dict[str, Taken]) -> Iterator[tuple[str, int]]:
    """The accounts with what is below each behind it, and how deep they are."""
    waiting = [(ROOT, 0)]
    while waiting:
        name, depth = waiting.pop()
        if name in names:
            yield name, depth
        below = sorted((one for one in names if one != ROOT and spans.parent(one) == name), reverse=True)
        waiting += [(one, depth + 1) for one in below]


def _nothing(report: Report, spans: Spans) -> Iterator[Row]:
    yield from ()


_REPORTS: dict[str, Callable[[Report, Spans], Iterator[Row]]] = {
    "AccountUtilizationByUser": _accounts,
    "UserUtilizationByAccount": _users,
    "UserUtilizationByWckey": _nothing,
    "Utilization": _utilization,
    "WCKeyUtilizationByUser": _nothing,
    "TopUsage": _top,
}
