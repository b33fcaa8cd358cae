"""Dependencies, as 22.05.8 judged them."""

from __future__ import annotations

import pytest

from flowbatch.core.effects import SendMail


def shown(desk, id):
    """What squeue's %E is made of."""
    return [
        (w.term.kind, w.term.job_id, w.term.task, "failed" if w.failed else "unfulfilled")
        for w in desk.queue.jobs[id].waiting
    ]


@pytest.fixture
def over(desk):
    """Jobs 1 (completed), 2 (failed) and 3 (cancelled while pending), of an instant ago."""
    good, bad, never = desk.run(), desk.run(), desk.submit(hold=True)
    desk.end(good)
    desk.end(bad, code=1)
    desk.cancel(never)
    return desk


@pytest.mark.parametrize(
    ("depend", "reason"),
    [
        ("after:1", "None"),
        ("afterok:1", "None"),
        ("afterok:2", "DependencyNeverSatisfied"),
        ("afternotok:1", "DependencyNeverSatisfied"),
        ("afternotok:2", "None"),
        ("afterany:2", "None"),
        ("afterok:3", "DependencyNeverSatisfied"),
        ("afternotok:3", "None"),
        ("afterany:3", "None"),
        ("after:3", "None"),
        ("aftercorr:1", "None"),
        ("aftercorr:2", "DependencyNeverSatisfied"),
        ("afterburstbuffer:2", "None"),
        ("afterok:99", "None"),
        ("afternotok:99", "None"),
        ("after:99+1", "None"),
        ("after:1+1", "Dependency"),
        ("afterok:1_3", "None"),
        ("afterok:1,afterok:2", "DependencyNeverSatisfied"),
        ("afterok:2?afterok:1", "None"),
        ("afterok:2?afternotok:1", "DependencyNeverSatisfied"),
    ],
)
def test_on_jobs_that_are_over(over, depend, reason):
    assert over.reason(over.submit(depend=depend)) == reason


def test_what_is_fulfilled_is_not_shown(over):
    assert shown(over, over.submit(depend="afterok:1,afterok:2")) == [("afterok", 2, None, "failed")]


def test_of_alternatives_all_are_shown(over):
    id = over.submit(depend="afterok:2?afternotok:1")
    assert shown(over, id) == [("afterok", 2, None, "failed"), ("afternotok", 1, None, "failed")]


def test_one_alternative_that_failed_is_not_the_end(desk):
    bad, running = desk.run(), desk.run()
    id = desk.submit(depend=f"afterok:{bad}?afterok:{running}")
    desk.end(bad, code=1)
    assert desk.reason(id) == "Dependency"
    assert [what for *_, what in shown(desk, id)] == ["failed", "unfulfilled"]
    desk.end(running)
    assert desk.reason(id) == "None"


def test_a_chain(desk):
    first = desk.run()
    ok, bad, either = (
        desk.submit(depend=f"{d}:{first}") for d in ("afterok", "afternotok", f"afterok:{first}?afterany")
    )
    behind, late = desk.submit(depend=f"afterany:{ok}"), desk.submit(depend=f"after:{first}+1")
    held, timed = (
        desk.submit(depend=f"afterany:{first}", hold=True),
        desk.submit(depend=f"afterany:{first}", begin=desk.now + 999),
    )
    assert [desk.reason(id) for id in (ok, bad, either, behind, late, held, timed)] == [
        "Dependency", "Dependency", "Dependency", "Dependency", "Dependency", "JobHeldUser", "Dependency",
    ]  # fmt: skip
    assert desk.queue.jobs[ok].eligible_at is None
    desk.at = 9
    desk.end(first, code=2)
    assert [desk.reason(id) for id in (ok, bad, either, behind, late, held, timed)] == [
        "DependencyNeverSatisfied", "None", "None", "Dependency", "Dependency", "JobHeldUser", "BeginTime",
    ]  # fmt: skip
    assert desk.queue.jobs[bad].eligible_at == desk.now
    assert desk.queue.jobs[timed].eligible_at == desk.now - 9 + 999
    desk.passed(59)
    assert desk.reason(late) == "Dependency"
    desk.passed(60)
    assert desk.kind(late) == "running"


def test_nobody_judges_what_a_held_job_waits_for(desk):
    """As on 22.05: it stays as it was until the job is released, also a job that was never there."""
    first = desk.run()
    unknown, known = (desk.submit(depend=f"afterany:{id}", hold=True) for id in (9999, first))
    never = desk.submit(depend=f"afterok:{first}", kill_on_invalid_dep=True, hold=True)
    desk.end(first, code=1)
    desk.passed()
    assert [shown(desk, id)[0][3] for id in (unknown, known, never)] == ["unfulfilled"] * 3
    for id in (unknown, known, never):
        desk.release(id)
    desk.passed()
    assert [desk.kind(id) for id in (unknown, known, never)] == ["running", "running", "finished"]
    assert shown(desk, never) == [("afterok", first, None, "failed")]


def test_a_delay_that_ends_while_the_job_is_held_wakes_nobody(desk):
    first = desk.run()
    late = desk.submit(depend=f"after:{first}+1")
    desk.hold(late)
    assert desk.queue.next_wake() is None
    desk.passed(60)
    desk.release(late)
    desk.passed()
    assert desk.kind(late) == "running"


def test_after_waits_for_the_start(desk):
    first = desk.submit(hold=True)
    then, later = desk.submit(depend=f"after:{first}"), desk.submit(depend=f"after:{first}+2")
    desk.release(first)
    desk.passed()
    assert (desk.kind(then), desk.reason(later)) == ("running", "Dependency")
    assert desk.queue.next_wake() == desk.now + 120


def test_a_requeued_job_is_waited_for_again(desk):
    first = desk.run()
    after, anyway = desk.submit(depend=f"after:{first}+1"), desk.submit(depend=f"afternotok:{first}")
    desk.requeue(first)
    desk.end(first, signal=15, cause="killed")
    desk.passed(60)
    assert desk.listing() == {first: "pending BeginTime", after: "pending Dependency", anyway: "pending Dependency"}
    desk.cancel(first)
    desk.passed(121)
    assert desk.listing() == {first: "finished CANCELLED", after: "running", anyway: "running"}


def test_in_vain_and_asked_not_to_wait(desk):
    bad = desk.run()
    waits = desk.submit(depend=f"afterok:{bad}", kill_on_invalid_dep=True)
    behind = desk.submit(depend=f"afterany:{waits}")
    desk.end(bad, code=1)
    assert desk.outcome(waits) == ("CANCELLED", "DependencyNeverSatisfied", 0, 0)
    assert shown(desk, waits) == [("afterok", bad, None, "failed")]
    assert desk.reason(behind) == "None"
    at_once = desk.submit(depend=f"afterok:{bad}", kill_on_invalid_dep=True)
    assert desk.outcome(at_once) == ("CANCELLED", "DependencyNeverSatisfied", 0, 0)


def test_a_cluster_may_kill_what_waits_in_vain(desk_of):
    desk = desk_of(kill_on_invalid_dep=True)
    bad = desk.run()
    desk.end(bad, code=1)
    assert desk.kind(desk.submit(depend=f"afterok:{bad}")) == "finished"
    assert desk.kind(desk.submit(depend=f"afterok:{bad}", kill_on_invalid_dep=False)) == "pending"


def test_an_invalid_dependency_is_mailed_once(desk):
    bad = desk.run()
    id = desk.submit(depend=f"afterok:{bad}", mail="INVALID_DEPEND")
    desk.end(bad, code=1)
    at_once = desk.submit(depend=f"afterok:{bad}", mail="INVALID_DEPEND")
    desk.hold(id)
    desk.release(id)
    mails = [order for order in desk.orders if isinstance(order, SendMail)]
    assert mails == [SendMail(id, "INVALID_DEPEND"), SendMail(at_once, "INVALID_DEPEND")]


def run_array(desk, last=3):
    id = desk.submit(array=f"1-{last}%1")
    desk.passed()
    return id


def test_on_a_whole_array(desk):
    array = run_array(desk)
    kinds = ("afterok", "afternotok", "afterany", "after")
    waits = {kind: desk.submit(depend=f"{kind}:{array}", begin=desk.now + 999) for kind in kinds}
    assert all(desk.queue.jobs[id].waiting[0].array for id in waits.values())
    left = []
    for task, code in ((2, 0), (7, 1), (1, 0)):
        desk.end(task, code=code)
        desk.passed()
        left.append({kind: shown(desk, id)[0][3] if shown(desk, id) else "met" for kind, id in waits.items()})
    waiting = dict.fromkeys(kinds, "unfulfilled")
    assert left == [
        waiting, waiting | {"after": "met"},
        {"afterok": "failed", "afternotok": "met", "afterany": "met", "after": "met"},
    ]  # fmt: skip


def test_on_tasks_of_an_array(desk):
    array = run_array(desk)
    first, second, third, none = (desk.submit(depend=f"afterok:{array}_{index}") for index in (1, 2, 3, 9))
    assert [desk.reason(id) for id in (first, second, third, none)] == ["Dependency"] * 3 + ["None"]
    desk.end(2)
    assert [desk.reason(id) for id in (first, second)] == ["None", "Dependency"]
    desk.passed()
    task = desk.queue.indexes.arrays[array].tasks[2]
    desk.end(task, code=1)
    assert [desk.reason(id) for id in (second, third)] == ["DependencyNeverSatisfied", "Dependency"]


def test_task_by_task(desk):
    array = run_array(desk)
    other, single = desk.submit(array="1-4", depend=f"aftercorr:{array}"), desk.submit(depend=f"aftercorr:{array}")
    desk.passed()
    tasks = desk.queue.indexes.arrays[other].tasks
    assert tasks == {1: 5, 2: 6, 3: 7, 4: other}  # Slurm gives them records before any can start
    desk.end(2)
    desk.passed()
    assert desk.kind(tasks[1]) == "running"
    desk.end(desk.queue.indexes.arrays[array].tasks[2], code=1)
    desk.passed()
    desk.end(array)
    desk.passed()
    assert [desk.listing()[tasks[index]] for index in (2, 3, 4)] == [
        "pending DependencyNeverSatisfied", "running", "pending DependencyNeverSatisfied",
    ]  # fmt: skip
    assert desk.reason(single) == "DependencyNeverSatisfied"


def test_an_array_that_waits_for_one_job_stays_one_record(desk):
    first = desk.run()
    array = desk.submit(array="1-3", depend=f"aftercorr:{first}")
    desk.passed()
    assert list(desk.queue.jobs) == [first, array]
    desk.end(first)
    desk.passed()
    assert len(desk.queue.jobs) == 4


def test_a_task_without_counterpart_waits_for_the_whole_array(desk):
    array = desk.submit(array="1-2")
    other = desk.submit(array="1-3", depend=f"aftercorr:{array}")
    desk.passed()
    for task in list(desk.queue.indexes.arrays[array].tasks.values()):
        desk.end(task)
    desk.passed()
    assert {desk.kind(task) for task in desk.queue.indexes.arrays[other].tasks.values()} == {"running"}


def test_a_task_that_was_cancelled_before_its_start(desk):
    """It has no record: by its index it is unknown and so fulfilled; the whole array has failed."""
    array = desk.submit(array="1-3", hold=True)
    task, whole = desk.submit(depend=f"afterok:{array}_2"), desk.submit(depend=f"afterok:{array}")
    desk.cancel(f"{array}_2")
    assert (desk.reason(task), desk.reason(whole)) == ("None", "Dependency")
    desk.release(array)
    desk.passed()
    for id in list(desk.queue.indexes.arrays[array].tasks.values()):
        desk.end(id)
    assert desk.reason(whole) == "DependencyNeverSatisfied"


def test_a_task_that_left_the_queue_is_remembered_by_its_array(desk_of):
    desk = desk_of(min_job_age_s=10)
    array = desk.submit(array="1-2%1")
    whole = desk.submit(depend=f"afterok:{array}", begin=desk.now + 999)
    desk.passed()
    desk.end(3, code=1)
    desk.passed(20)
    assert 3 not in desk.queue.jobs
    desk.end(array)
    assert shown(desk, whole) == [("afterok", array, None, "failed")]


def test_singleton_waits_for_older_and_for_running_namesakes(desk):
    first, then, later = desk.run(name="s"), desk.submit(name="s", depend="singleton"), desk.submit(name="s")
    third, held = desk.submit(name="s", depend="singleton"), desk.submit(name="s", hold=True)
    last, other = desk.submit(name="s", depend="singleton"), desk.submit(name="x", depend="singleton")
    desk.passed()
    assert desk.listing() == {
        first: "running", then: "pending Dependency", later: "running", third: "pending Dependency",
        held: "pending JobHeldUser", last: "pending Dependency", other: "running",
    }  # fmt: skip
    desk.end(first)
    desk.passed()
    assert desk.reason(then) == "Dependency"
    desk.end(later)
    desk.passed()
    assert (desk.kind(then), desk.reason(third)) == ("running", "Dependency")
    desk.end(then)
    desk.passed()
    desk.end(third)
    assert desk.reason(last) == "Dependency"
    desk.cancel(held)
    desk.passed()
    assert desk.kind(last) == "running"


def test_singleton_looks_at_one_owners_jobs(desk, owners):
    desk.run(name="s")
    assert desk.reason(desk.submit(owners["bob"], name="s", depend="singleton")) == "None"


def test_tasks_of_one_array_do_not_wait_for_each_other(desk):
    array, then = desk.submit(name="s", array="1-2", depend="singleton"), desk.submit(name="s", depend="singleton")
    desk.passed()
    assert {desk.kind(id) for id in desk.queue.indexes.arrays[array].tasks.values()} == {"running"}
    assert desk.reason(then) == "Dependency"
