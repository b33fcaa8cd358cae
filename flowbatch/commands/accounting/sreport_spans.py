"""What jobs took of a cluster within the window of a report: one span a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flowbatch.commands.accounting.associations import ROOT
from flowbatch.commands.accounting.sreport_request import Report
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.accounting.accounts import Accounts, Association
from flowbatch.core.accounting.usage import resources
from flowbatch.core.arrays import root
from flowbatch.core.jobs import ArrayTask, Job
from flowbatch.core.past import Past
from flowbatch.core.ports import QueuePort
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.units import HOUR

MOST = 2_000_000
"""So many jobs are looked at, the latest ones."""

Row = dict[str, str]
"""What stands in a row, by the header of its column."""


@dataclass(frozen=True)
class Span:
    """How long one job ran within the window, in its last placement, and what it had."""

    view: JobView
    seconds: int

    @cached_property
    def taken(self) -> Mapping[str, int]:
        """What it had, by resource."""
        allocation = self.view.allocation
        return Counter[str]() if allocation is None else resources(allocation)

    @property
    def account(self) -> str:
        return self.view.spec.account or ROOT

    @property
    def user(self) -> str:
        return self.view.job.owner.name

    def used(self, tres: str) -> int:
        """Seconds of the resource."""
        return self.seconds * self.taken.get(tres, 0)


@dataclass(frozen=True)
class Spans:
    """Those of one cluster, whose resources are known of for `known_s` of the window."""

    cluster: ClusterSpec
    accounts: Accounts
    spans: tuple[Span, ...]
    known_s: int

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """What the cluster has, by resource."""
        found: Counter[str] = Counter()
        for node in self.cluster.nodes:
            found.update({"cpu": node.cpus, "billing": node.cpus, "mem": node.real_memory, "node": 1})
            for device in node.gres:
                found[f"gres/{device.name}"] += device.count
        return found

    def total(self, tres: str) -> int:
        """Seconds of the resource that the cluster had."""
        return self.known_s * self.counts.get(tres, 0)

    def above(self, account: str) -> list[str]:
        """The account and all above it, the root last; of one that nobody registered, it and the root."""
        found = self.accounts.association(account)
        chain = [one.account for one in self.accounts.chain(found)] if found is not None else [account]
        return chain if chain[-1] == ROOT else [*chain, ROOT]

    def parent(self, account: str) -> str:
        above: Association | None = self.accounts.association(account)
        return "" if account == ROOT else above.parent if above is not None and above.parent else ROOT


async def spans_of(queue: QueuePort, report: Report) -> Spans:
    """The spans of the jobs that the report is about."""
    snapshot = queue.snapshot()
    scene = Scene.of(snapshot)
    end = min(report.end, scene.at)
    history = () if report.kind.untracked else await queue.history(None, MOST, Past(report.start, until=end))
    views = [JobView(job, scene) for job in history]
    first = min((view.job.submitted_at for view in views), default=end)
    whole = end // HOUR * HOUR - max(first // HOUR * HOUR, report.start)
    spans = tuple(Span(view, _seconds(view, report.start, end)) for view in views if _wanted(view, report))
    return Spans(snapshot.cluster, snapshot.rulings.accounts, spans, max(0, whole))


def _seconds(view: JobView, start: int, end: int) -> int:
    """How long the job ran between these, in its last placement."""
    if view.started_at is None or view.pending:
        return 0
    over = view.end_time if view.finished else view.scene.at
    return max(0, min(over or view.scene.at, end) - max(view.started_at, start))


def _wanted(view: JobView, report: Report) -> bool:
    """Whether the conditions let it through; accounts are for each report to judge."""
    job, owner = view.job, view.job.owner
    nodes, jobs = report.lists.get("nodes"), report.lists.get("jobs")
    return (
        report.wants("users", owner.name)
        and report.wants("partitions", view.partition)
        and report.wants("wckeys", view.spec.wckey or "")
        and (jobs is None or not _names(job).isdisjoint(word.lstrip("0") for word in jobs))
        and (report.wants("gid", str(owner.gid)) or report.wants("gid", owner.group))
        and (nodes is None or not nodes.isdisjoint(view.allocation.nodes if view.allocation is not None else ()))
    )


def _names(job: Job) -> set[str]:
    """How it can be named: a number of its own, that of its array or heterogeneous job, and its place in the array."""
    names = {str(job.id), str(root(job))}
    return names | {f"{job.array.array_id}_{job.array.index}"} if isinstance(job.array, ArrayTask) else names
