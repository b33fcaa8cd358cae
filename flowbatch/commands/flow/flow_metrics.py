"""`flow-metrics [--clusters=NAMES]`: queues, nodes and money as numbers, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flowbatch import __version__
from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_argv import Argv
from flowbatch.commands.flow.flow_clusters import queues
from flowbatch.commands.flow.flow_jobs import refused
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.node_view import views
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.jobs import ArrayRest
from flowbatch.core.market.budgets import Ledger
from flowbatch.core.ports import QueuePort, Snapshot
from flowbatch.errors import FlowError
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import MICRO


@dataclass(frozen=True)
class Family:
    """One metric: a gauge, and what it counts."""

    name: str
    help: str


INFO = Family("flowbatch_info", "The version that answers.")
JOBS = Family("flowbatch_jobs", "Jobs in the queue, each task of an array by itself, by state.")
NODES = Family("flowbatch_nodes", "Nodes by state.")
CPUS = Family("flowbatch_cpus", "CPUs of all nodes.")
CPUS_HELD = Family("flowbatch_cpus_held", "CPUs that jobs hold.")
BIDS = Family("flowbatch_market_bids", "Live bids on the market.")
SPENT = Family("flowbatch_market_spent_dollars", "What was paid, by the market's own charges, ever, by account.")
ESCROW = Family("flowbatch_market_escrow_dollars", "What live bids may still cost at most, by account.")

Sample = tuple[Family, dict[str, str], float]


async def metrics(call: Call, queue: QueuePort) -> int:
    """Prints every family once, with a sample for each cluster that was used."""
    try:
        listed = await queues(call, queue, Argv.of(call.argv).clusters)
    except FlowError as error:
        return refused(call, error)
    samples: list[Sample] = [(INFO, {"version": __version__}, 1)]
    for one in listed:
        samples += _of_cluster(one.snapshot())
    call.out.write(text(samples))
    await call.out.drain()
    return 0


def text(samples: Iterable[Sample]) -> str:
    """The samples under their families, which come in the order in which they were first met."""
    families: dict[Family, list[str]] = {}
    for family, labels, value in samples:
        said = ",".join(f'{name}="{_escaped(label)}"' for name, label in labels.items())
        families.setdefault(family, []).append(f"{family.name}{{{said}}} {value}")
    return "".join(
        f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n" + "".join(f"{line}\n" for line in lines)
        for family, lines in families.items()
    )


def _of_cluster(snapshot: Snapshot) -> Iterator[Sample]:
    cluster = {"cluster": snapshot.cluster.name}
    scene = Scene.of(snapshot)
    states: Counter[str] = Counter()
    for job in snapshot.jobs:
        states[JobView(job, scene).state] += len(job.array.pending) if isinstance(job.array, ArrayRest) else 1
    nodes = views(snapshot)
    yield from ((JOBS, {**cluster, "state": state}, count) for state, count in sorted(states.items()))
    bases = Counter(node.state.base.name for node in nodes)
    yield from ((NODES, {**cluster, "state": state}, count) for state, count in sorted(bases.items()))
    yield CPUS, cluster, sum(node.spec.cpus for node in nodes)
    yield CPUS_HELD, cluster, sum(node.cpus_held for node in nodes)
    if snapshot.cluster.market is not None:
        yield from _of_market(snapshot, cluster, snapshot.cluster.market)


def _of_market(snapshot: Snapshot, cluster: dict[str, str], policy: MarketPolicy) -> Iterator[Sample]:
    ledger = Ledger.at(policy, snapshot.at, snapshot.departed, snapshot.jobs)
    yield BIDS, cluster, sum(job.bid is not None for job in snapshot.jobs)
    for family, amounts in ((SPENT, ledger.ever), (ESCROW, ledger.escrow)):
        for account, micro_usd in sorted(amounts.items(), key=lambda one: one[0] or ""):
            yield family, {**cluster, "account": account or ""}, micro_usd / MICRO


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
