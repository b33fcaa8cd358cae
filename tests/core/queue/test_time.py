"""What changes by time alone: begin, deadline, limits, and the shape of the cluster."""

from __future__ import annotations

from flowbatch.core.effects import SendMail
from flowbatch.core.queue import Stepped
from flowbatch.spec.job import UNLIMITED


def test_a_job_begins_when_it_was_told(desk):
    id = desk.submit(begin=desk.now + 60)
    assert desk.reason(id) == "BeginTime"
    assert desk.queue.jobs[id].eligible_at == desk.now + 60
    assert desk.queue.next_wake() == desk.now + 60
    assert desk.passed(59) == Stepped()
    desk.passed(60)
    assert desk.kind(id) == "running"


def test_a_begin_that_is_past_is_now(desk):
    assert desk.reason(desk.submit(begin=desk.now - 60)) == "None"


def test_a_clock_that_goes_back_starts_nothing_early(desk):
    id = desk.submit(begin=desk.now + 60)
    desk.passed(10)
    desk.passed(5)
    assert desk.reason(id) == "BeginTime"


def test_limits(desk_of):
    debug, other = desk_of().cluster.partitions
    desk = desk_of(partitions=(debug.model_copy(update={"max_time_min": 60, "default_time_min": 10}), other))
    own, default = desk.run(time_limit_min=3), desk.run()
    unlimited, none = desk.run(partitions=("other",), time_limit_min=UNLIMITED), desk.run(partitions=("other",))
    assert [desk.queue.jobs[id].state.ends_by for id in (own, default, unlimited, none)] == [
        desk.now + 180, desk.now + 600, None, None,
    ]  # fmt: skip


def test_a_deadline_that_cannot_be_kept_ends_the_job(desk):
    running = desk.run(cpus=4)
    id = desk.submit(time_limit_min=1, deadline=desk.now + 100)
    desk.passed()
    assert desk.queue.next_wake() == desk.now + 41
    desk.passed(40)
    assert desk.reason(id) == "Resources"
    desk.passed(41)
    assert desk.outcome(id) == ("DEADLINE", "DeadLine", 0, 1)
    assert desk.kind(running) == "running"


def test_a_deadline_is_not_looked_at_while_the_job_is_held(desk):
    id = desk.submit(time_limit_min=1, deadline=desk.now + 70, hold=True)
    desk.passed(200)
    assert desk.reason(id) == "JobHeldUser"
    desk.release(id)
    desk.passed()
    assert desk.outcome(id)[0] == "DEADLINE"


def test_a_deadline_is_looked_at_when_the_job_may_begin(desk):
    id = desk.submit(time_limit_min=1, deadline=desk.now + 90, begin=desk.now + 60)
    desk.passed(59)
    assert desk.reason(id) == "BeginTime"
    desk.passed(60)
    assert desk.outcome(id)[0] == "DEADLINE"


def test_a_deadline_cuts_the_limit(desk):
    flexible = desk.run(time_limit_min=5, time_min_min=1, deadline=desk.now + 100)
    unlimited = desk.run(deadline=desk.now + 7200)
    assert desk.queue.jobs[flexible].state.ends_by == desk.now + 60
    assert desk.queue.jobs[unlimited].state.ends_by == desk.now + 7200


def test_mails_about_the_limit(desk):
    kinds = "TIME_LIMIT TIME_LIMIT_90 TIME_LIMIT_80 TIME_LIMIT_50"
    id, some = desk.run(time_limit_min=10, mail=kinds), desk.run(time_limit_min=10, mail="TIME_LIMIT_80 END")
    desk.passed(299)
    assert desk.orders[2:] == []
    desk.passed(300)
    assert desk.orders[2:] == [SendMail(id, "TIME_LIMIT_50")]
    desk.passed(545)
    assert desk.orders[3:] == [
        SendMail(some, "TIME_LIMIT_80"), SendMail(id, "TIME_LIMIT_80"), SendMail(id, "TIME_LIMIT_90"),
    ] or desk.orders[3:] == [
        SendMail(id, "TIME_LIMIT_80"), SendMail(id, "TIME_LIMIT_90"), SendMail(some, "TIME_LIMIT_80"),
    ]  # fmt: skip
    desk.passed(600)
    assert desk.orders[6:] == [SendMail(id, "TIME_LIMIT")]
    assert desk.queue.next_wake() is None


def test_jobs_survive_a_partition_that_is_gone(desk):
    running = desk.run(partitions=("other",), cpus=3)
    pending, both = desk.submit(partitions=("other",)), desk.submit(partitions=("other", "debug"), cpus=2)
    held = desk.submit(partitions=("other",), hold=True)
    desk.configure(partitions=desk.cluster.partitions[:1])
    desk.passed()
    assert desk.listing() == {
        running: "running", pending: "pending PartitionDown", both: "pending Resources", held: "pending JobHeldUser",
    }  # fmt: skip
    desk.configure()
    desk.passed()
    assert desk.kind(pending) == "running"


def test_a_job_outlives_its_node(desk):
    running = desk.run()
    desk.configure(nodes=())
    desk.passed()
    assert desk.end(running).changed[running].state.ending.outcome == "COMPLETED"
    desk.configure()
    desk.submit(cpus=4)
    desk.passed()
    assert desk.kind(2) == "running"


def test_the_same_shape_again_is_no_news(desk):
    desk.run(cpus=4)
    desk.submit()
    desk.passed()
    assert desk.configure() == Stepped()
    assert desk.queue.next_wake() is None


def test_a_pass_that_did_not_see_all_is_followed_by_another(desk_of):
    node = desk_of().cluster.nodes[0].model_copy(update={"cpus": 64, "cores_per_socket": 64})
    desk = desk_of(nodes=(node,), default_queue_depth=1, backfill=False)
    for _ in range(30):
        desk.submit()
    desk.passed()
    assert set(desk.listing().values()) == {"running"}


def test_a_limit_of_the_partition_is_named_after_a_while(desk_of):
    """slurmctld says PartitionConfig until it looks at the whole queue again, which nothing else has to cause."""
    debug, other = desk_of().cluster.partitions
    desk = desk_of(partitions=(debug.model_copy(update={"max_time_min": 60}), other), sched_interval_s=30)
    id = desk.submit(time_limit_min=120)
    desk.passed()
    assert desk.reason(id) == "PartitionConfig"
    assert desk.queue.next_wake() == desk.now + 30
    desk.passed(29)
    assert desk.reason(id) == "PartitionConfig"
    desk.passed(30)
    assert desk.reason(id) == "PartitionTimeLimit"
    assert desk.queue.jobs[id].last_evaluated_at == desk.now
    assert desk.queue.next_wake() is None


def test_a_reason_without_a_name_of_its_own_is_looked_at_once_more_only(desk_of):
    desk = desk_of(sched_interval_s=30)
    id = desk.submit(cpus=5)
    desk.passed()
    desk.passed(31)
    assert desk.reason(id) == "PartitionConfig"
    assert desk.queue.next_wake() is None


def test_what_begins_later_is_eligible_then_whatever_else_it_waits_for(desk):
    first, later = desk.run(), desk.now + 60
    held, behind = desk.submit(begin=later, hold=True), desk.submit(begin=later, depend=f"afterany:{first}")
    array, plain = desk.submit(array="0-3", hold=True), desk.submit(hold=True)
    jobs = desk.queue.jobs
    assert [jobs[id].eligible_at for id in (held, behind, array, plain)] == [later, later, None, None]
    assert {jobs[id].last_evaluated_at for id in (held, behind, array, plain)} == {desk.now}


def test_a_clock_that_goes_back_holds_up_nothing(desk):
    """What waits for a place alone gets one, and a run that ends before it began has lasted no time."""
    id = desk.submit()
    desk.passed(-3600)
    assert desk.kind(id) == "running"
    began = desk.now
    desk.at -= 60
    desk.end(id)
    over = desk.queue.jobs[id].state
    assert (over.started_at, over.ended_at) == (began, began)
