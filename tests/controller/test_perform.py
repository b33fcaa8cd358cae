"""Each order reaches the backend once it can; recovery asks for what must hold now."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace

import pytest

from flowbatch.backends.contract import BidKey
from flowbatch.controller import perform as module
from flowbatch.controller.launching import Site
from flowbatch.controller.loop import Order
from flowbatch.controller.perform import Performer
from flowbatch.controller.recovery import forsaken, owed, placed
from flowbatch.core.bids import Bid
from flowbatch.core.effects import ChangeBid, Deliver, Forget, Launch, Limit, PlaceBid, SendMail, Stop, WithdrawBid
from flowbatch.core.events import LaunchFailed
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.ports import Payload
from flowbatch.core.ruling.rulings import Crontab
from flowbatch.core.states import (
    Allocation,
    Completing,
    Ending,
    ExitStatus,
    Finished,
    NodeShare,
    Pause,
    Pending,
    Requeueing,
    Running,
    Suspended,
)  # fmt: skip
from flowbatch.protocol.launch import Key
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.cron import CronSpec
from flowbatch.spec.job import JobSpec, Mail
from flowbatch.store.contract import Loaded

ON_N1 = Allocation("debug", (NodeShare("n1", 2, (0, 1), 100),))
PENDING = Job(7, JobSpec(name="x", work_dir="/w"), 7, 7, Owner(1000, 100, "alice", "users"), Pending(), 100, 1)
RUNNING = replace(PENDING, state=Running(105, ON_N1, 165), restarts=2)


@dataclass
class Backend:
    fails: int = 0
    done: list[tuple] = field(default_factory=list)

    def __getattr__(self, verb):
        async def act(*words):
            if self.fails:
                self.fails -= 1
                raise ConnectionError("the node is away")
            self.done.append((verb, *words))

        return act


@dataclass
class Queue:
    scripts: dict[int, Payload] = field(default_factory=dict)
    cluster: ClusterSpec | None = None

    def now(self):
        return 200

    async def payload(self, job_id):
        return self.scripts.get(job_id)

    async def history(self, job_ids, limit):
        return []


@dataclass
class Loop:
    orders: asyncio.Queue = field(default_factory=asyncio.Queue)
    told: list = field(default_factory=list)
    marks: list[int] = field(default_factory=list)

    def performed(self, order):
        self.marks.append(order.seq)

    async def tell(self, fact):
        self.told.append(fact)


@dataclass
class Mails:
    sent: list = field(default_factory=list)

    async def send(self, job, kind, words):
        self.sent.append((job.id, kind, words))


@pytest.fixture
def performer(toy):
    payload = Payload(b"#!/bin/sh\necho \xff\n", (b"A=\xe9",), {"NOFILE": 1024}, 0o27)
    return Performer(Loop(), Queue({7: payload}, toy.cluster), Backend(), Site("store", toy.cluster), Mails())


def carry_out(performer, *orders):
    async def main():
        for seq, (effect, job) in enumerate(orders, 1):
            performer.loop.orders.put_nowait(Order(seq, effect, job))
        running = asyncio.ensure_future(performer.run())
        marks = len(performer.loop.marks) + len(orders)
        while len(performer.loop.marks) < marks or performer.mails:
            assert not running.done() or running.result()
            await asyncio.sleep(0.001)
        running.cancel()

    asyncio.run(main())


def test_every_order_in_its_order(performer):
    orders = [Stop(7, 2, "timeout"), Deliver(7, 2, 10, "batch"), Forget(7, 2)]
    carry_out(performer, *((order, RUNNING) for order in orders))
    key = Key("store", 7, 2)
    assert performer.backend.done == [("stop", key, "timeout"), ("deliver", key, 10, "batch"), ("forget", key)]
    assert performer.loop.marks == [1, 2, 3]


def test_a_launch_is_all_that_a_node_needs(performer):
    carry_out(performer, (Launch(7, 2), RUNNING))
    ((verb, message),) = performer.backend.done
    assert verb == "launch"
    assert message.key == Key("store", 7, 2)
    assert (message.script, message.environment) == ("#!/bin/sh\necho \xff\n", ("A=\xe9",))
    assert (message.node, message.hosts, message.ends_by, message.memory_mib) == ("n1", ("n1",), 165, 100)
    assert (message.limits, message.umask, message.kill_wait_s) == ({"NOFILE": 1024}, 0o27, 30)
    assert message.facts["nodelist"] == "n1" and message.facts["cpus_per_node"] == (2,)


def test_a_mail_holds_up_nothing(performer):
    job = replace(
        PENDING, state=Finished(110, Ending("COMPLETED", ExitStatus()), 105),
        spec=JobSpec(name="x", work_dir="/", mail=Mail(types=("END",))),
    )  # fmt: skip
    carry_out(performer, (SendMail(7, "END"), job), (Forget(7, 0), job))
    words = "Slurm Job_id=7 Name=x Ended, Run time 00:00:05, COMPLETED, ExitCode 0"
    assert performer.mailer.sent == [(7, "END", words)]


def test_an_order_is_never_given_up(performer, monkeypatch, caplog):
    monkeypatch.setattr(module, "RETRY_S", (0, 0.001))
    performer.backend.fails = 3
    with caplog.at_level(logging.CRITICAL):
        carry_out(performer, (Forget(7, 0), None))
    assert performer.backend.done == [("forget", Key("store", 7, 0))]


def test_a_job_without_a_script_fails_to_launch(performer):
    carry_out(performer, (Launch(8, 2), replace(RUNNING, id=8)))
    assert performer.backend.done == []
    assert performer.loop.told == [LaunchFailed(200, 8, 2, "JobLaunchFailure")]


def test_an_unknown_order_is_a_fault(performer):
    with pytest.raises(TypeError, match="make coffee"):
        asyncio.run(performer.perform("make coffee", None))


def job(number, state):
    return replace(PENDING, id=number, state=state)


STATES = {
    1: Pending(),
    2: Running(105, ON_N1, None, launched=True),
    3: Running(105, ON_N1, None),
    4: Completing(105, ON_N1, 110, Ending("CANCELLED")),
    5: Completing(105, ON_N1, 110, Ending("TIMEOUT")),
    6: Completing(105, ON_N1, 110, Requeueing()),
    7: Finished(110, Ending("COMPLETED")),
}
JOBS = {number: job(number, state) for number, state in STATES.items()}


def test_a_machine_is_asked_about_what_it_may_hold():
    assert placed("s", JOBS.values()) == [Key("s", n, 0) for n in (2, 4, 5, 6)]


def test_after_a_restart_each_record_gets_what_it_needs():
    loaded = Loaded(
        "s", 8, tuple(JOBS.values()), 9, 5,
        ((6, Launch(2, 0)), (6, Stop(7, 0)), (7, Deliver(2, 0, 10)), (8, SendMail(7, "END")), (9, Forget(7, 0))),
    )  # fmt: skip
    assert [(order.seq, order.effect) for order in owed(loaded, JOBS)] == [
        (0, Launch(3, 0)),
        (0, Stop(4, 0, "cancelled")),
        (0, Stop(5, 0, "timeout")),
        (0, Stop(6, 0, "requeue")),
        (7, Deliver(2, 0, 10)),
        (8, SendMail(7, "END")),
        (9, Forget(7, 0)),
    ]


def test_jobs_of_a_crontab_that_never_came_to_be_are_forsaken():
    spec = JobSpec(name="x", work_dir="/w", cron=CronSpec(zone="UTC"))
    listed, stray = (replace(job(number, Pending("JobHeldUser")), spec=spec) for number in (1, 2))
    running = replace(stray, id=3, state=Running(100, ON_N1, None, launched=True))
    other = job(4, Pending())
    assert forsaken([listed, stray, running, other], [Crontab("@daily true\n", ((1, 1, 1),))]) == [stray]


def test_after_a_restart_a_node_is_told_of_a_changed_limit():
    run = Running(100, ON_N1, 900, launched=True, limited=True, pause=Pause(300, 150))
    states = (run, Suspended(run, Pause(400, 250)), replace(run, limited=False))
    jobs = {number: job(number, state) for number, state in enumerate(states, 1)}
    told = [order.effect for order in owed(Loaded("s", 8, tuple(jobs.values()), 9, 5, ()), jobs)]
    assert [order for order in told if isinstance(order, Limit)] == [Limit(1, 0, 850), Limit(2, 0, 850)]


def test_a_bid_that_is_not_wanted_any_more_is_not_asked_for(performer):
    for phase in ("withdrawn", "gone"):
        job = replace(PENDING, bids=(Bid(1, "n", "t", "r", 1, 1, 100, 200, 60, phase=phase),))
        carry_out(performer, (PlaceBid(7, 1), job), (ChangeBid(7, 1), job))
    carry_out(performer, (PlaceBid(7, 1), None), (WithdrawBid(7, 1), None))
    assert performer.backend.done == [("withdraw", BidKey("store", 7, 1))]


def test_a_bid_on_a_machine_that_is_not_rented_is_a_fault(performer):
    performer.backend = object()
    with pytest.raises(TypeError, match="WithdrawBid"):
        asyncio.run(performer.perform(WithdrawBid(7, 1), None))
