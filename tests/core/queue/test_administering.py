"""Nodes, partitions, reservations and the order of jobs as administrators have them; what they said is what a store gives back."""

from __future__ import annotations

import pytest

from flowbatch.core.effects import Limit, Stop
from flowbatch.core.events import Configured, HetSubmitted, JobRef, Made, Refused, ReleaseAsked, SuspendAsked
from flowbatch.core.ruling.reservations import Party
from flowbatch.core.ruling.wishes import (
    NodeAsked,
    NodeChange,
    PartitionAsked,
    Reread,
    ReservationAsked,
    ReservationWish,
    TopAsked,
)
from flowbatch.core.states import Completing, Ending, Requeueing, Running
from flowbatch.spec.cluster import NodeSpec, PartitionSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.spec.resources import NodeCount, Resources
from flowbatch.store import rows
from flowbatch.units import DAY, HOUR, MINUTE

NAMES = ("n1", "n2", "n3")
NODES = tuple(
    NodeSpec(name=name, cpus=4, cores_per_socket=4, real_memory=100, features=("fast",) if name == "n1" else ())
    for name in NAMES
)
DEBUG = PartitionSpec(name="debug", nodes=NAMES, default=True)
ADA, ROOT = Party((("ada", 1000),)), Party((("root", 0),))


@pytest.fixture
def desk(desk):
    desk.step(Configured(desk.now, desk.cluster.model_copy(update={"nodes": NODES, "partitions": (DEBUG,)})))
    return desk


def say(desk, nodes, by=0, **change):
    return desk.step(NodeAsked(desk.now, by, "root", tuple(nodes.split()), NodeChange(**change))).reply


def part(desk, act, name, by=0, **fields):
    spec = PartitionSpec(name=name, **{"nodes": (), **fields})
    return desk.step(PartitionAsked(desk.now, by, act, spec, tuple(fields))).reply


def reserve(desk, act="create", by=0, **wish):
    return desk.step(ReservationAsked(desk.now, by, act, ReservationWish(**wish))).reply


def node(desk, name):
    return desk.queue.cluster.node(name)


def reason(desk, id):
    return desk.queue.jobs[id].state.reason


# Nodes


def test_a_drained_node_keeps_its_jobs_and_gets_no_others(desk):
    runs = desk.run(cpus=4)
    assert desk.queue.jobs[runs].state.allocation.nodes == ("n1",)
    assert say(desk, "n1 n2 n3", state="DRAIN", reason="why") is None
    waits = desk.submit()
    desk.passed()
    assert isinstance(desk.queue.jobs[runs].state, Running)
    assert reason(desk, waits).startswith("Nodes required for job are DOWN, DRAINED")
    assert (node(desk, "n1").reason, node(desk, "n1").reason_by) == ("why", "root")
    assert say(desk, "n2", state="RESUME") is None
    desk.passed()
    assert desk.queue.jobs[waits].state.allocation.nodes == ("n2",)
    assert node(desk, "n2").reason is None


@pytest.mark.parametrize("requeue", [True, False])
def test_a_node_that_is_down_loses_its_jobs(desk, requeue):
    id = desk.run(requeue=requeue)
    say(desk, "n1", state="DOWN", reason="dead")
    job = desk.queue.jobs[id]
    assert desk.orders[-1] == Stop(id, 0, "node")
    assert isinstance(job.state, Completing)
    expected = Requeueing(cause="node") if requeue else Ending("NODE_FAIL", reason="NodeDown")
    assert job.state.then == expected
    desk.end(id)
    after = desk.queue.jobs[id].state
    assert after.reason == "BeginTime" if requeue else after.ending.outcome == "NODE_FAIL"


def test_a_node_that_is_down_loses_heterogeneous_jobs_whole(desk):
    specs = (desk.spec(cpus=4), desk.spec(cpus=4))
    leader = desk.step(HetSubmitted(desk.now, desk.submission().owner, specs)).reply.job_id
    desk.passed()
    assert desk.queue.jobs[leader + 1].state.allocation.nodes == ("n2",)
    say(desk, "n2", state="DOWN", reason="dead")
    assert desk.orders[-1] == Stop(leader, 0, "node")
    assert [desk.kind(id) for id in (leader, leader + 1)] == ["completing"] * 2
    desk.end(leader)
    assert [desk.kind(id) for id in (leader, leader + 1)] == ["pending"] * 2


@pytest.mark.parametrize(
    ("said", "state", "flags"),
    [
        (("DRAIN",), "UNKNOWN", ("DRAIN",)),
        (("FAIL",), "UNKNOWN", ("FAIL",)),
        (("FAIL", "DRAIN"), "UNKNOWN", ("DRAIN",)),
        (("DOWN", "DRAIN"), "DOWN", ("DRAIN",)),
        (("DOWN", "DRAIN", "UNDRAIN"), "DOWN", ()),
        (("DRAIN", "UNDRAIN"), "UNKNOWN", ()),
        (("DOWN", "RESUME"), "UNKNOWN", ()),
        (("FUTURE",), "FUTURE", ()),
        (("FUTURE", "RESUME"), "UNKNOWN", ()),
        (("FAIL", "IDLE"), "UNKNOWN", ()),
        (("NORESP",), "UNKNOWN", ()),
    ],
)
def test_states_follow_one_another(desk, said, state, flags):
    for word in said:
        assert say(desk, "n1", state=word, reason="r") is None, word
    assert (node(desk, "n1").state, node(desk, "n1").flags) == (state, flags)


def test_what_cannot_be_said_of_a_node(desk):
    invalid = Refused("ESLURM_INVALID_NODE_STATE")
    assert say(desk, "n1", state="RESUME") == invalid
    assert say(desk, "n1", state="POWER_UP") == invalid
    desk.run()
    assert say(desk, "n1", state="IDLE") == invalid
    assert say(desk, "n1", state="FUTURE") == invalid
    assert say(desk, "n1", gres="gpu:1") == Refused("ESLURM_INVALID_GRES")
    assert say(desk, "n1", features=("a",)) == Refused("ESLURM_ACTIVE_FEATURE_NOT_SUBSET")
    assert say(desk, "n2", active=("a",)) == Refused("ESLURM_ACTIVE_FEATURE_NOT_SUBSET")
    assert say(desk, "n1", by=1000, state="DRAIN") == Refused("ESLURM_USER_ID_MISSING")
    assert desk.queue.cluster == desk.queue.configured


def test_a_list_holds_for_those_of_which_it_can_be_said(desk):
    assert say(desk, "n1 nosuch n2", state="DRAIN", reason="x") == Refused("ESLURM_INVALID_NODE_NAME")
    assert [bool(node(desk, name).flags) for name in NAMES] == [True, True, False]


def test_who_runs_the_controller_administers_it(desk):
    desk.step(Configured(desk.now, desk.queue.configured.model_copy(update={"slurm_uid": 1000})))
    assert say(desk, "n1", by=1000, state="DRAIN", reason="x") is None
    assert say(desk, "n1", by=1001, state="RESUME") == Refused("ESLURM_USER_ID_MISSING")


def test_a_market_is_not_administered(desk):
    desk.step(Configured(desk.now, desk.queue.configured.model_copy(update={"market": MarketPolicy()})))
    assert say(desk, "n1", state="DRAIN", reason="x") == Refused("ESLURM_NOT_SUPPORTED")
    assert part(desk, "update", "debug", state="DOWN") == Refused("ESLURM_NOT_SUPPORTED")
    assert reserve(desk, name="r", users=ROOT, nodes=("n1",)) == Refused("ESLURM_NOT_SUPPORTED")


def test_features_and_weights_decide_where_jobs_go(desk):
    say(desk, "n1", weight=9)
    assert desk.queue.jobs[desk.run()].state.allocation.nodes == ("n2",)
    say(desk, "n3", features=("slow", "big"), active=("slow",))
    assert (node(desk, "n3").features, node(desk, "n3").active_features) == (("slow", "big"), ("slow",))
    assert say(desk, "n2", features=("slow",)) is None
    assert node(desk, "n2").active_features == ("slow",)


# Partitions


@pytest.mark.parametrize(("state", "why"), [("DOWN", "PartitionDown"), ("INACTIVE", "PartitionInactive")])
def test_a_partition_that_is_not_up_starts_nothing(desk, state, why):
    id = desk.submit()
    assert part(desk, "update", "debug", state=state) is None
    desk.passed()
    assert reason(desk, id) == why
    part(desk, "update", "debug", state="UP")
    desk.passed()
    assert isinstance(desk.queue.jobs[id].state, Running)


def test_partitions_are_made_and_deleted(desk):
    assert part(desk, "create", "made", nodes=("n2",), default=True) is None
    assert desk.queue.cluster.default_partition.name == "made"
    assert desk.queue.jobs[desk.run()].state.allocation.partition == "made"
    assert part(desk, "create", "made") == Refused("ESLURM_INVALID_PARTITION_NAME")
    assert part(desk, "delete", "made") == Refused("ESLURM_PARTITION_IN_USE")
    desk.end(1)
    assert part(desk, "delete", "made") is None
    assert part(desk, "delete", "made") == Refused("ESLURM_INVALID_PARTITION_NAME")
    assert part(desk, "update", "debug", nodes=("nosuch",)) == Refused("ESLURM_INVALID_NODE_NAME")
    assert part(desk, "delete", "debug", by=7) == Refused("ESLURM_USER_ID_MISSING")
    assert part(desk, "delete", "debug") is None
    assert desk.queue.cluster.partitions == ()
    assert part(desk, "create", "debug", nodes=("n1",)) is None
    assert desk.queue.cluster.partition("debug").nodes == ("n1",)


def test_reading_the_configuration_again_keeps_states_and_jobs(desk):
    id = desk.run()
    say(desk, "n1", state="DRAIN", reason="x", weight=5, comment="c")
    part(desk, "update", "debug", state="DOWN")
    part(desk, "create", "made", nodes=("n2",))
    reserve(desk, name="r", users=ROOT, nodes=("n3",), duration_s=HOUR)
    smaller = desk.queue.configured.model_copy(update={"nodes": NODES[:2]})
    assert desk.step(Reread(desk.now, 1000, smaller)).reply == Refused("ESLURM_USER_ID_MISSING")
    assert desk.step(Reread(desk.now, 0, smaller)).reply is None
    assert (node(desk, "n1").flags, node(desk, "n1").weight, node(desk, "n1").comment) == (("DRAIN",), 1, "c")
    assert [(one.name, one.state, one.nodes) for one in desk.queue.cluster.partitions] == [
        ("debug", "UP", ("n1", "n2"))
    ]
    assert desk.queue.rulings.reservation("r") is not None
    assert isinstance(desk.queue.jobs[id].state, Running)


def test_all_that_was_said_is_kept(desk):
    say(desk, "n1", state="DRAIN", reason="x", weight=5, features=("a",), active=())
    part(desk, "update", "debug", max_time_min=5)
    reserve(desk, name="r", users=ROOT, core_count=3, duration_s=HOUR, flags=frozenset({"DAILY"}))
    said = desk.queue.rulings
    assert rows.rulings(rows.rulings_row(said)) == said


# Reservations


def test_nobody_else_runs_in_a_reservation(desk):
    assert reserve(desk, name="", users=ADA, nodes=("n1", "n2"), duration_s=HOUR) == Made("ada_1")
    mine = desk.run(reservation="ada_1", cpus=8)
    assert desk.queue.jobs[mine].state.allocation.nodes == ("n1", "n2")
    other, wants, waits = desk.run(cpus=4), wanting(desk, nodelist=("n1",)), desk.submit()
    assert desk.queue.jobs[other].state.allocation.nodes == ("n3",)
    desk.passed()
    assert reason(desk, waits) == "Resources"
    assert reason(desk, wants) == "ReqNodeNotAvail, May be reserved for other job"


def wanting(desk, **wish):
    """The number of a job with these resources."""
    event = desk.submission()
    spec = event.spec.model_copy(update={"resources": Resources(**wish)})
    return desk.step(type(event)(event.at, event.owner, spec)).reply.job_id


def test_a_job_that_would_run_into_a_reservation_waits(desk):
    reserve(desk, name="r", users=ROOT, nodes=NAMES, start=desk.now + HOUR, duration_s=HOUR)
    long, short = desk.submit(time_limit_min=90), desk.submit(time_limit_min=60)
    desk.passed()
    assert reason(desk, long).startswith("Nodes required for job are DOWN, DRAINED or reserved")
    assert isinstance(desk.queue.jobs[short].state, Running)
    assert desk.queue.planned[long][0] == desk.now + 2 * HOUR
    desk.passed(2 * HOUR)
    assert isinstance(desk.queue.jobs[long].state, Running)
    assert desk.queue.rulings.reservations == ()


def test_a_reservation_that_has_not_begun_keeps_its_jobs_waiting(desk):
    reserve(desk, name="r", users=ADA, nodes=("n2",), start=desk.now + HOUR, duration_s=HOUR)
    id = desk.submit(reservation="r")
    desk.passed()
    assert reason(desk, id) == "Reservation"
    assert desk.queue.next_wake() == desk.now + HOUR
    desk.passed(HOUR)
    assert desk.queue.jobs[id].state.allocation.nodes == ("n2",)


def test_when_a_reservation_ends_its_jobs_end_or_are_held(desk):
    reserve(desk, name="r", users=ADA, nodes=("n2",), duration_s=HOUR)
    runs, waits = desk.run(reservation="r", cpus=4), desk.submit(reservation="r")
    assert reserve(desk, "delete", name="r") == Refused("ESLURM_RESERVATION_BUSY")
    desk.passed(HOUR)
    assert desk.orders[-1] == Stop(runs, 0, "timeout")
    assert desk.queue.jobs[runs].state.then == Ending("TIMEOUT", reason="TimeLimit")
    assert desk.queue.jobs[waits].held == "Reservation r was deleted"
    assert desk.step(desk.submission(reservation="r")).reply == Refused("ESLURM_RESERVATION_INVALID")


def test_a_job_asks_no_more_for_a_reservation_that_is_over(desk):
    reserve(desk, name="r", users=ADA, nodes=("n2",), duration_s=HOUR)
    desk.run(reservation="r", cpus=4)
    waits = desk.submit(reservation="r")
    desk.passed(HOUR)
    desk.step(ReleaseAsked(desk.now, 1000, (JobRef(waits),)))
    desk.passed()
    assert isinstance(desk.queue.jobs[waits].state, Running)


def test_flags_let_jobs_outlast_a_reservation_and_run_outside_of_it(desk):
    reserve(desk, name="r", users=ADA, nodes=("n2",), duration_s=HOUR, flags=frozenset({"FLEX"}))
    reserve(desk, name="s", users=ADA, nodes=("n3",), duration_s=HOUR, flags=frozenset({"NO_HOLD_JOBS_AFTER_END"}))
    outlasts, ends = desk.run(reservation="r"), desk.run(reservation="s", cpus=4)
    waits = desk.submit(reservation="s")
    desk.passed(HOUR)
    assert [desk.kind(id) for id in (outlasts, ends, waits)] == ["running", "completing", "running"]


def test_what_is_suspended_when_its_reservation_ends_is_stopped_when_it_is_resumed(desk):
    reserve(desk, name="r", users=ADA, nodes=("n2",), duration_s=HOUR)
    id = desk.run(reservation="r")
    asleep = desk.now
    desk.step(SuspendAsked(asleep, 1000, (JobRef(id),), False))
    desk.passed(HOUR + 10)
    assert desk.kind(id) == "suspended" and desk.orders[-1] == Limit(id, 0, asleep)
    desk.step(SuspendAsked(desk.now, 1000, (JobRef(id),), True))
    assert desk.queue.jobs[id].state.ends_by == desk.now


def test_a_daily_one_comes_again(desk):
    reserve(desk, name="r", users=ADA, nodes=("n2",), duration_s=HOUR, flags=frozenset({"DAILY"}))
    waits = desk.submit(reservation="r", cpus=4)
    desk.passed(HOUR)
    found = desk.queue.rulings.reservation("r")
    assert (found.start, found.end) == (desk.now - HOUR + DAY, desk.now + DAY)
    assert desk.queue.jobs[waits].held is None


def test_cores_of_a_node_are_reserved(desk):
    reserve(desk, name="r", users=ADA, core_count=3, duration_s=HOUR)
    found = desk.queue.rulings.reservation("r")
    assert (found.nodes, found.cpus, found.partition) == (("n1",), ((0, 1, 2),), "debug")
    mine = desk.run(reservation="r", cpus=3)
    assert desk.queue.jobs[mine].state.allocation.shares[0].cpu_ids == (0, 1, 2)
    left = wanting(desk, ntasks=1, nodelist=("n1",))
    desk.passed()
    assert desk.queue.jobs[left].state.allocation.shares[0].cpu_ids == (3,)
    more = wanting(desk, ntasks=2, nodelist=("n1",))
    desk.passed()
    assert not isinstance(desk.queue.jobs[more].state, Running)


def test_who_may_not_use_it(desk):
    reserve(desk, name="r", users=ROOT, nodes=("n1",), duration_s=HOUR)
    reserve(desk, name="d", users=Party((("ada", 1000),), denied=True), nodes=("n2",), duration_s=HOUR)
    reserve(desk, name="a", accounts=Party((("phys", 0),)), nodes=("n3",), duration_s=HOUR)
    denied = Refused("ESLURM_RESERVATION_ACCESS")
    for name in ("r", "d", "a"):
        assert desk.step(desk.submission(reservation=name)).reply == denied
    assert desk.submit(reservation="a", account="phys")
    fits = desk.submission(reservation="a", account="phys")
    for wish, lines in (
        (Resources(nodes=NodeCount(minimum=2, maximum=2)), ()),
        (Resources(nodelist=("n1",)), ("Problem using reservation",)),
    ):
        spec = fits.spec.model_copy(update={"resources": wish})
        verdict = desk.step(type(fits)(fits.at, fits.owner, spec)).reply
        assert (verdict.code, verdict.lines) == ("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE", lines)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"nodes": ("nosuch",)}, "ESLURM_INVALID_NODE_NAME"),
        ({"nodes": ("n1",)}, "ESLURM_RESERVATION_OVERLAP"),
        ({"nodes": ("n2",)}, "ESLURM_NODES_BUSY"),
        ({"core_count": 99}, "ESLURM_NODES_BUSY"),
        ({"node_count": 1, "partition": "nosuch"}, "ESLURM_INVALID_PARTITION_NAME"),
        ({"licenses": (("nosuch", 1),)}, "ESLURM_INVALID_LICENSES"),
        ({"nodes": ("n3",), "start": 5}, "ESLURM_INVALID_TIME_VALUE"),
        ({"nodes": ("n3",), "name": "r"}, "ESLURM_RESERVATION_NAME_DUP"),
        ({"nodes": ("n3",), "by": 1000}, "ESLURM_USER_ID_MISSING"),
    ],
)
def test_what_cannot_be_reserved(desk, wish, code):
    reserve(desk, name="r", users=ROOT, nodes=("n1",), duration_s=HOUR)
    desk.run(time_limit_min=60)
    assert reserve(desk, **{"name": "x", "users": ROOT, "duration_s": HOUR, **wish}) == Refused(code)


def test_flags_let_a_reservation_lie_over_others_and_over_jobs(desk):
    reserve(desk, name="r", users=ROOT, nodes=("n1",), duration_s=HOUR)
    desk.run(time_limit_min=60)
    assert reserve(desk, name="o", users=ROOT, nodes=("n1",), duration_s=HOUR, flags=frozenset({"OVERLAP"})) == Made(
        "o"
    )
    ignoring = frozenset({"IGNORE_JOBS"})
    assert reserve(desk, name="i", users=ROOT, nodes=("n2",), duration_s=HOUR, flags=ignoring) == Made("i")


def test_a_reservation_is_changed(desk):
    reserve(desk, name="r", users=ROOT, nodes=("n1",), start=desk.now + HOUR, duration_s=HOUR)
    assert reserve(desk, "update", name="r", start=desk.now + 2 * HOUR) == Made("r")
    found = desk.queue.rulings.reservation("r")
    assert (found.start, found.end) == (desk.now + 2 * HOUR, desk.now + 3 * HOUR)
    reserve(desk, "update", name="r", duration_s=MINUTE, more_users=ADA, nodes=("n2", "n3"))
    found = desk.queue.rulings.reservation("r")
    assert (found.end - found.start, found.nodes) == (MINUTE, ("n2", "n3"))
    assert [name for name, _ in found.users.names] == ["root", "ada"]
    assert reserve(desk, "update", name="r", less_users=Party((("root", 0), ("ada", 1000)))) == Refused(
        "ESLURM_RESERVATION_EMPTY"
    )
    assert reserve(desk, "update", name="r", end=desk.now) == Refused("ESLURM_INVALID_TIME_VALUE")
    assert reserve(desk, "update", name="nosuch", end=9) == Refused("ESLURM_RESERVATION_INVALID")
    assert reserve(desk, "delete", name="r") == Made("r")
    assert reserve(desk, "delete", name="r") == Refused("ESLURM_RESERVATION_INVALID")


# top


def test_top_reorders_one_owners_jobs(desk):
    desk.run(cpus=12)
    first, second, third = (desk.submit(cpus=4) for _ in range(3))
    numbers = [desk.queue.jobs[id].priority for id in (first, second, third)]
    (verdict,) = desk.step(TopAsked(desk.now, 0, (third,))).reply
    assert verdict.code is None
    assert [desk.queue.jobs[id].priority for id in (third, first, second)] == numbers
    assert [desk.queue.jobs[id].spec.nice for id in (third, first, second)] == [-2, 1, 1]


@pytest.mark.parametrize(
    ("by", "id", "code"),
    [(1000, 2, "ESLURM_ACCESS_DENIED"), (0, 99, "ESLURM_INVALID_JOB_ID"), (0, 1, "ESLURM_JOB_NOT_PENDING"), (0, 3, "ESLURM_JOB_HELD")],
)  # fmt: skip
def test_what_top_refuses(desk, by, id, code):
    desk.run(cpus=12)
    desk.submit()
    desk.submit(hold=True)
    assert desk.step(TopAsked(desk.now, by, (id,))).reply[0].code == code
