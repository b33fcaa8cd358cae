"""Several clusters in one controller: each opened when it is needed, each with its own queue, none touched by another's faults;
and what a market is told of bids."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from flowbatch.backends.contract import BidKey, Tell, Tender
from flowbatch.clock import ManualClock
from flowbatch.controller import cluster as cluster_module
from flowbatch.controller import clusters as module
from flowbatch.controller.cluster import Cluster, ClusterParts
from flowbatch.controller.clusters import Clusters
from flowbatch.core.bids import Bid
from flowbatch.core.events import Accepted, CancelAsked, Configured, JobRef, Submitted
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.market.cloud import Shape, cloud
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Stepped
from flowbatch.core.states import Allocation, Ending, ExitStatus, Finished, NodeShare, Pending, Running
from flowbatch.errors import ConfigError, FlowError, MarketAway, StoreFailed
from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.store.contract import Entry
from flowbatch.store.memory import MemoryStore

NOW = 1_000_000_000
ALICE = Owner(1000, 1000, "alice", "users")
PAYLOAD = Payload(b"#!/bin/sh\n", (b"A=1",), {}, 0o22)
SHAPE = Shape("h100-80gb.sxm.8x", "it_1", "us-central1-b", "h100", 8, 80, 200, 1_900_000, 10_000_000, "InfiniBand", 3)
POLICY = MarketPolicy(default_gpu="h100", save_reserve_s=77)
MARKET = cloud("market", POLICY, [SHAPE])
NEVER_SEEN = cloud("market", POLICY, ())


def plain(name: str) -> ClusterSpec:
    return ClusterSpec(
        name=name, nodes=(NodeSpec(name="n1", cpus=4, cores_per_socket=4),),
        partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),),
    )  # fmt: skip


@dataclass
class Machine:
    """Starts what it is told to and says nothing of its end. `fails`: so often it does not answer at first."""

    fails: int = 0
    bug: bool = False
    done: list[Any] = field(default_factory=list)
    tell: Tell | None = None

    async def start(self, tell: Tell, running: Sequence[Key]) -> None:
        if self.fails:
            self.fails -= 1
            raise MarketAway("no answer")
        self.tell = tell
        self.done.append(("start", *running))

    async def launch(self, message: LaunchMessage) -> None:
        if self.bug:
            raise ZeroDivisionError("a bug")
        self.done.append(message)

    async def stop(self, key: Key, why: str) -> None:
        self.done.append(("stop", key, why))

    async def deliver(self, key: Key, signal: int, scope: str) -> None: ...

    async def deliver_step(self, key: Key, number: int, signal: int, by: int) -> None: ...

    async def pause(self, key: Key, paused: bool) -> None: ...

    async def limit(self, key: Key, ends_by: int | None) -> None: ...

    async def say(self, key: Key, text: str) -> None: ...

    async def forget(self, key: Key) -> None: ...

    async def close(self) -> None:
        self.done.append("close")


@dataclass
class Market(Machine):
    """Notes what it is told of bids. `shape` is what it tells at its start, `cluster` what it knew before."""

    shape: ClusterSpec | None = MARKET
    cluster: ClusterSpec = NEVER_SEEN

    async def know(self, tenders: Sequence[Tender]) -> None:
        self.done.append(("know", *((str(tender.key), tender.bid.phase) for tender in tenders)))

    async def start(self, tell: Tell, running: Sequence[Key]) -> None:
        if self.shape is not None:
            await tell(Configured(NOW, self.shape))
        await super().start(tell, running)

    async def place(self, tender: Tender) -> None:
        self.done.append(("place", tender))

    async def change(self, tender: Tender) -> None:
        self.done.append(("change", str(tender.key), tender.bid.limit_micro_usd))

    async def withdraw(self, key: BidKey) -> None:
        self.done.append(("withdraw", str(key)))

    async def door(self, key: BidKey) -> None: ...

    async def strangers(self) -> Sequence[str]:
        return ()


@dataclass
class Offered:
    """Clusters as the test wrote them: name -> (shape, store, backend or why there is none)."""

    clusters: dict[str, tuple[ClusterSpec, MemoryStore, Machine | FlowError]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    default: str = "one"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.clusters)

    @property
    def stored(self) -> tuple[str, ...]:
        return tuple(name for name, (_, store, _) in self.clusters.items() if store.history())

    def parts(self, name: str) -> ClusterParts:
        shape, store, machine = self.clusters[name]

        def backend(id: str) -> Machine:
            if isinstance(machine, FlowError):
                raise machine
            self.made.append(name)
            return machine

        return ClusterParts(shape, lambda: store, backend)  # type: ignore[arg-type]  # a fake

    def add(self, shape: ClusterSpec, machine: Machine | FlowError | None = None, jobs: Sequence[Job] = ()) -> Any:
        store = MemoryStore()
        if jobs:
            stepped = Stepped(changed={job.id: job for job in jobs}, reply=Accepted(jobs[0].id))
            store.commit([Entry(1, Submitted(NOW, ALICE, jobs[0].spec), stepped, PAYLOAD)], len(jobs) + 1, 1)
        machine = machine or Machine()
        self.clusters[shape.name] = (shape, store, machine)
        return machine


@pytest.fixture
def offered() -> Offered:
    return Offered()


@pytest.fixture
def run(offered: Offered, until: Any) -> Callable[..., None]:
    """Runs a test's coroutine with the clusters open; they are closed behind it."""

    def run(main: Callable[[Clusters], Any]) -> None:
        async def whole() -> None:
            clock = ManualClock(NOW)
            clusters = Clusters(offered, lambda parts: Cluster(parts, clock), clock.now)
            await clusters.start()
            try:
                await main(clusters)
            finally:
                await clusters.close()

        asyncio.run(whole())

    return run


async def submit(clusters: Clusters, name: str) -> int:
    queue = await clusters.queue(name)
    reply = await queue.apply(Submitted(NOW, ALICE, JobSpec(name="x", work_dir="/")), PAYLOAD)
    assert isinstance(reply, Accepted), reply
    return reply.job_id


def launched(machine: Machine) -> list[Key]:
    return [one.key for one in machine.done if isinstance(one, LaunchMessage)]


def test_a_cluster_is_opened_when_it_is_first_named(offered: Offered, run: Any, until: Any) -> None:
    one, two = offered.add(plain("one")), offered.add(plain("two"))

    async def main(clusters: Clusters) -> None:
        assert (clusters.default, clusters.names, offered.made) == ("one", ("one", "two"), ["one"])
        await asyncio.gather(*(clusters.queue("two") for _ in range(5)))
        assert offered.made == ["one", "two"]
        assert not clusters.busy
        with pytest.raises(KeyError):
            await clusters.queue("three")

    run(main)
    assert [machine.done[-1] for machine in (one, two)] == ["close", "close"]


def test_each_has_numbers_and_jobs_of_its_own(offered: Offered, run: Any, until: Any) -> None:
    one, two = offered.add(plain("one")), offered.add(plain("two"))

    async def main(clusters: Clusters) -> None:
        assert [await submit(clusters, name) for name in ("one", "two", "two")] == [1, 1, 2]
        await until(lambda: (len(launched(one)), len(launched(two))) == (1, 2))
        assert {key.store for key in launched(one)}.isdisjoint({key.store for key in launched(two)})
        await (await clusters.queue("two")).apply(CancelAsked(NOW, 1000, (JobRef(1),)))
        await until(lambda: _stops(two) == [1])
        assert _stops(one) == []
        assert isinstance((await clusters.queue("one")).snapshot().jobs[0].state, Running)

    run(main)


def _stops(machine: Machine) -> list[int]:
    return [one[1].job_id for one in machine.done if isinstance(one, tuple) and one[0] == "stop"]


def test_a_command_inside_a_job_speaks_to_its_jobs_cluster(offered: Offered, run: Any) -> None:
    offered.add(plain("one"))
    offered.add(plain("two"))

    async def main(clusters: Clusters) -> None:
        for environ, name in (
            ({}, "one"),
            ({"SLURM_CLUSTER_NAME": "two"}, "two"),
            ({"SLURM_CLUSTER_NAME": "x"}, "one"),
        ):
            assert (await clusters.current(environ)).cluster.name == name

    run(main)


def test_unfinished_work_opens_its_cluster_at_the_start(offered: Offered, run: Any, until: Any) -> None:
    offered.add(plain("one"))
    two = offered.add(plain("two"), jobs=[job(1, Pending())])
    offered.add(plain("three"), jobs=[job(1, Finished(NOW, Ending("COMPLETED", ExitStatus())))])

    async def main(clusters: Clusters) -> None:
        assert clusters.busy
        await until(lambda: launched(two))
        assert offered.made == ["one", "two"]

    run(main)


def test_a_cluster_that_cannot_be_served_is_no_hindrance(offered: Offered, run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    offered.add(plain("one"), ConfigError("there is no account", hint="flow setup"))
    offered.add(plain("two"))

    async def main(clusters: Clusters) -> None:
        current = await clusters.current({})
        assert current.now() == NOW
        with pytest.raises(ConfigError, match="no account"):
            current.snapshot()
        assert await submit(clusters, "two") == 1
        shape, store, _ = offered.clusters["one"]
        offered.clusters["one"] = (shape, store, Machine())
        assert (await clusters.current({})).snapshot().jobs == ()

    run(main)


def test_a_store_that_cannot_be_read_ends_the_default_cluster_alone(offered: Offered, run: Any) -> None:
    class Unreadable(MemoryStore):
        def load(self) -> Any:
            raise StoreFailed("cannot read the store")

    offered.add(plain("one"))
    offered.clusters["two"] = (plain("two"), Unreadable(), Machine())

    async def main(clusters: Clusters) -> None:
        with pytest.raises(StoreFailed):
            await clusters.queue("two")
        assert await submit(clusters, "one") == 1

    run(main)
    offered.default = "two"
    with pytest.raises(StoreFailed):
        run(main)


def test_a_fault_of_one_cluster_does_not_touch_another(
    offered: Offered, run: Any, until: Any, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    one, two = offered.add(plain("one")), offered.add(plain("two"), Machine(bug=True))

    async def main(clusters: Clusters) -> None:
        with caplog.at_level(logging.CRITICAL):
            await submit(clusters, "two")
            await until(lambda: "close" in two.done, "the faulty cluster is closed")
            two.bug = False
            await submit(clusters, "one")
            await until(lambda: launched(one) and launched(two), "both jobs are launched")
        assert offered.made.count("one") == 1

    run(main)


def test_a_cluster_is_opened_anew_when_the_faulty_one_is_closed_and_not_before(
    offered: Offered, run: Any, until: Any, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 1000)
    may_close = asyncio.Event()

    class Slow(Machine):
        async def close(self) -> None:
            self.done.append("closing")
            await may_close.wait()
            await super().close()

    offered.add(plain("one"))
    two = offered.add(plain("two"), Slow(bug=True))

    async def main(clusters: Clusters) -> None:
        with caplog.at_level(logging.CRITICAL):
            assert await submit(clusters, "two") == 1
            await until(lambda: "closing" in two.done, "the faulty cluster is being closed")
            two.bug = False
            second = asyncio.ensure_future(submit(clusters, "two"))
            done, _ = await asyncio.wait({second}, timeout=0.3)
            assert not done
            assert offered.made.count("two") == 1
            may_close.set()
            assert await second == 2
            assert offered.made.count("two") == 2

    run(main)


# What a market is told


def bid(phase: Any, number: int = 1, **more: Any) -> Bid:
    return Bid(
        number=number, node=MARKET.nodes[0].name, instance_type=SHAPE.instance_type, region=SHAPE.region, phase=phase,
        limit_micro_usd=9_000_000, escrow_micro_usd=10_000_000, asked_at=NOW, lease_ends_at=NOW + 90_000, run_limit_s=3600,
        **more,
    )  # fmt: skip


def job(id: int, state: Any, *bids: Bid) -> Job:
    return Job(id, JobSpec(name="x", work_dir="/w"), id, 1, ALICE, state, NOW, 1, ("debug",), bids=bids)


ON_IT = Allocation("market", (NodeShare(MARKET.nodes[0].name, 1, (0,)),))
OVER = Finished(NOW, Ending("COMPLETED", ExitStatus()))
RECORDS = (
    job(1, Pending("Resources"), bid("asked")),
    job(2, Pending("Resources"), bid("gone", settled=True), bid("open", 2)),
    job(3, Running(NOW, ON_IT, NOW + 3600), bid("won")),
    job(4, OVER, bid("withdrawn")),
    job(5, OVER, bid("gone")),
    job(6, OVER, bid("gone", settled=True)),
)


def test_after_a_restart_a_market_knows_every_bid_and_hears_every_wish_again(
    offered: Offered, run: Any, until: Any
) -> None:
    offered.add(plain("one"))
    market = offered.add(NEVER_SEEN, Market(), RECORDS)

    async def main(clusters: Clusters) -> None:
        store = offered.clusters["market"][1].load().store

        def name(job_id: int, number: int = 1) -> str:
            return f"flowbatch-{store}-{job_id}-{number}"

        await until(lambda: launched(market))
        assert market.done[0] == (
            "know", (name(1), "asked"), (name(2, 2), "open"), (name(3), "won"), (name(4), "withdrawn"), (name(5), "gone"),
        )  # fmt: skip
        assert market.done[1] == ("start",)
        (placed,) = [one[1] for one in market.done if isinstance(one, tuple) and one[0] == "place"]
        assert placed == Tender(BidKey(store, 1, 1), RECORDS[0].bids[0], ALICE, RECORDS[0].spec.market, "/w")
        assert ("change", name(2, 2), 9_000_000) in market.done
        assert ("withdraw", name(4)) in market.done
        (message,) = [one for one in market.done if isinstance(one, LaunchMessage)]
        assert (message.machine, message.ends_by, message.run_limit_s) == (name(3), None, 3600)
        assert message.leave_reserve_s == 77

    run(main)


def test_bills_and_bids_keep_a_controller_awake(offered: Offered, run: Any, until: Any) -> None:
    offered.add(plain("one"))
    offered.add(NEVER_SEEN, Market(), [RECORDS[4]])

    async def main(clusters: Clusters) -> None:
        await until(lambda: "market" in offered.made)
        assert clusters.busy

    run(main)


def test_a_market_that_is_away_takes_jobs_and_is_asked_until_it_answers(
    offered: Offered, run: Any, until: Any, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(cluster_module, "AWAY_S", 0.01)
    market = offered.add(NEVER_SEEN, Market(fails=3, cluster=MARKET))
    offered.default = "market"

    async def main(clusters: Clusters) -> None:
        with caplog.at_level(logging.CRITICAL):
            assert await submit(clusters, "market") == 1
            await until(lambda: ("start",) in market.done)
        assert (await clusters.queue("market")).cluster == MARKET

    run(main)


def test_machines_that_were_never_seen_are_not_made_up(offered: Offered, run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cluster_module, "SEEN_WITHIN_S", 0.01)
    offered.add(plain("one"))
    offered.add(NEVER_SEEN, Market(shape=None))

    async def main(clusters: Clusters) -> None:
        with pytest.raises(MarketAway, match="does not answer"):
            await clusters.queue("market")

    run(main)


def test_a_market_that_is_away_is_what_it_was_last_seen_as(
    offered: Offered, run: Any, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(cluster_module, "SEEN_WITHIN_S", 0.01)
    offered.add(NEVER_SEEN, Market(fails=1000, shape=None, cluster=MARKET))
    offered.default = "market"

    async def main(clusters: Clusters) -> None:
        with caplog.at_level(logging.CRITICAL):
            assert await submit(clusters, "market") == 1
        assert (await clusters.queue("market")).cluster == MARKET

    run(main)


def test_the_shape_that_a_market_tells_holds_for_launches_and_survives_a_reload(
    offered: Offered, run: Any, until: Any, caplog: Any
) -> None:
    market = offered.add(NEVER_SEEN, Market())
    offered.default = "market"
    store = offered.clusters["market"][1]

    async def main(clusters: Clusters) -> None:
        queue = await clusters.queue("market")
        wider = cloud("market", POLICY, [SHAPE, replace(SHAPE, region="eu-1", fid="it_2")])
        assert market.tell is not None
        await market.tell(Configured(NOW, wider))
        assert queue.cluster == queue.snapshot().cluster == wider
        commit, store.commit = store.commit, _full  # type: ignore[method-assign]  # a disk that is full once
        with caplog.at_level(logging.CRITICAL), pytest.raises(StoreFailed):
            await queue.apply(Submitted(NOW, ALICE, JobSpec(name="x", work_dir="/")), PAYLOAD)
        store.commit = commit  # type: ignore[method-assign]
        assert queue.snapshot().cluster == wider

    run(main)


def _full(*words: Any) -> None:
    raise StoreFailed("disk full")
