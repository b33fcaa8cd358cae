"""Priority, hold and release, as 22.05.8 numbered them."""

from __future__ import annotations

import pytest

FIRST = 4294901759


def priorities(desk):
    return [job.priority for job in desk.queue.jobs.values()]


def test_each_job_gets_one_less(desk, owners):
    for words in ({}, {"hold": True}, {}, {"nice": 1000}, {}, {"nice": -100}, {}):
        desk.submit(owners["root"], **words)
    assert priorities(desk) == [FIRST, 0, FIRST - 1, FIRST - 1002, FIRST - 3, FIRST - 4 + 100, FIRST - 5]


def test_only_root_says_a_priority(desk, owners):
    root = owners["root"]
    for owner, said in ((root, 500), (owners["ada"], 300), (root, 4294901800), (root, 0), (root, 2**32)):
        desk.submit(owner, priority=said)
    assert priorities(desk) == [500, FIRST, 4294901800, FIRST - 1, 4294967293]


def test_a_release_is_a_new_place_in_the_row(desk):
    first, second = desk.submit(), desk.submit()
    desk.hold(first)
    assert (desk.reason(first), desk.queue.jobs[first].priority) == ("JobHeldUser", 0)
    assert desk.queue.jobs[first].eligible_at is None
    desk.at = 5
    assert desk.codes(desk.release(first)) == [None]
    assert priorities(desk) == [FIRST - 2, FIRST - 1]
    assert desk.queue.jobs[first].eligible_at == desk.now
    desk.release(second)  # it was not held: Slurm gives it a new number all the same
    assert priorities(desk) == [FIRST - 2, FIRST - 3]


def test_nobody_starts_a_held_job(desk):
    id = desk.submit(hold=True)
    assert desk.queue.next_wake() is None
    desk.passed(10_000)
    assert desk.reason(id) == "JobHeldUser"
    desk.release(id)
    desk.passed()
    assert desk.kind(id) == "running"


@pytest.mark.parametrize("leave", ["cancel", "hold"])
def test_who_waits_behind_one_that_goes_starts_at_once(desk, leave):
    desk.run(cpus=2, time_limit_min=60)
    first, second = desk.submit(cpus=4), desk.submit()
    desk.passed()
    assert (desk.reason(first), desk.reason(second)) == ("Resources", "Priority")
    assert desk.queue.pass_due is None
    getattr(desk, leave)(first)
    assert desk.queue.next_wake() == desk.now
    desk.passed()
    assert desk.kind(second) == "running"


def test_one_that_delays_nobody_wakes_nobody_when_it_goes(desk_of):
    desk = desk_of(backfill=False)
    desk.run(cpus=2)
    first, second = desk.submit(cpus=4), desk.submit()
    desk.passed()
    desk.cancel(second)
    assert desk.reason(first) == "Resources"
    assert desk.queue.pass_due is None


def test_roots_hold_is_released_by_root_alone(desk):
    id = desk.submit()
    desk.hold(id, by=0)
    assert desk.reason(id) == "JobHeldAdmin"
    desk.hold(id)
    assert desk.reason(id) == "JobHeldAdmin"
    assert desk.codes(desk.release(id)) == ["ESLURM_ACCESS_DENIED"]
    assert desk.reason(id) == "JobHeldAdmin"
    desk.release(id, by=0)
    assert desk.reason(id) == "None"


def test_root_makes_its_hold_one_that_the_owner_may_release(desk):
    id = desk.submit()
    desk.hold(id, by=0)
    desk.hold(id, by=0, releasable=True)
    assert desk.reason(id) == "JobHeldUser"
    assert desk.codes(desk.release(id)) == [None]


def test_holding_a_running_job_counts_when_it_is_requeued(desk):
    id = desk.run()
    assert desk.codes(desk.hold(id)) == [None]
    assert (desk.kind(id), desk.queue.jobs[id].priority) == ("running", 0)
    desk.requeue(id)
    desk.end(id)
    desk.passed(500)
    assert desk.reason(id) == "JobHeldUser"


def test_releasing_it_in_time(desk):
    id = desk.run()
    desk.hold(id)
    desk.release(id)
    desk.requeue(id, hold=True)
    desk.release(id)
    desk.end(id)
    assert desk.reason(id) == "BeginTime"


def test_what_is_over_cannot_be_held(desk):
    id = desk.run()
    desk.cancel(id)
    assert desk.codes(desk.hold(id)) == desk.codes(desk.release(id)) == ["ESLURM_JOB_FINISHED"]
    desk.end(id)
    assert desk.codes(desk.hold(id)) == desk.codes(desk.release(id)) == ["ESLURM_JOB_FINISHED"]
    assert desk.codes(desk.hold(9)) == desk.codes(desk.release(9)) == ["ESLURM_INVALID_JOB_ID"]


def test_the_first_in_the_row_starts_first(desk, owners):
    running = desk.run(cpus=4)
    low, high, urgent = (
        desk.submit(cpus=4, nice=5),
        desk.submit(cpus=4),
        desk.submit(owners["root"], cpus=4, priority=2**32 - 9),
    )
    for expected in (urgent, high, low):
        desk.end(running)
        desk.passed()
        assert desk.kind(expected) == "running"
        running = expected


def test_a_tier_goes_before_a_priority(desk_of):
    debug, other = desk_of().cluster.partitions
    desk = desk_of(partitions=(debug, other.model_copy(update={"priority_tier": 2})))
    running = desk.run(cpus=4)
    older, tiered = desk.submit(cpus=4), desk.submit(cpus=4, partitions=("other",))
    desk.end(running)
    desk.passed()
    assert (desk.kind(tiered), desk.kind(older)) == ("running", "pending")


def test_a_job_that_no_node_can_run_is_held(desk):
    id = desk.submit(cpus=4)
    desk.configure(nodes=(desk.cluster.nodes[0].model_copy(update={"cpus": 2, "cores_per_socket": 2}),))
    desk.passed(90)
    assert desk.reason(id) != "None"
    assert desk.kind(id) == "pending"
