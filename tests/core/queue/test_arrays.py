"""Arrays, as 22.05.8 kept them."""

from __future__ import annotations

from flowbatch.core.arrays import index_set
from flowbatch.core.events import CancelAsked, JobRef, RequeueAsked, SuspendAsked
from flowbatch.core.jobs import ArrayRest, ArrayTask


def shape(desk):
    """Records as squeue names them: `1_[3-6]`, `1_2`, `1` for an array's record without tasks."""
    names = {}
    for id, words in desk.listing().items():
        array = desk.queue.jobs[id].array
        if isinstance(array, ArrayTask):
            names[f"{array.array_id}_{array.index} ({id})"] = words
        elif isinstance(array, ArrayRest) and array.pending:
            names[f"{id}_[{array.pending.text()}] ({id})"] = words
        else:
            names[f"{id} ({id})"] = words
    return names


def test_the_last_task_has_the_arrays_id(desk):
    desk.submit(array="1-3")
    desk.passed()
    assert shape(desk) == {"1_3 (1)": "running", "1_1 (2)": "running", "1_2 (3)": "running"}


def test_one_that_is_left_is_a_task_already(desk):
    desk.submit(array="1-3%2")
    desk.passed()
    assert shape(desk) == {"1_3 (1)": "pending JobArrayTaskLimit", "1_1 (2)": "running", "1_2 (3)": "running"}


def test_an_array_of_one(desk):
    desk.submit(array="7")
    assert shape(desk) == {"1_[7] (1)": "pending None"}
    desk.passed()
    assert shape(desk) == {"1_7 (1)": "running"}


def test_a_throttle_lets_the_next_one_start(desk):
    desk.submit(array="1-4%1")
    desk.passed()
    desk.end(2)
    desk.passed()
    assert shape(desk) == {
        "1_[3-4] (1)": "pending JobArrayTaskLimit", "1_1 (2)": "finished COMPLETED", "1_2 (3)": "running",
    }  # fmt: skip


def test_other_jobs_pass_an_array_that_waits_for_its_throttle(desk):
    desk.submit(array="1-4%1")
    desk.submit()
    desk.passed()
    assert desk.kind(2) == "running"


def test_tasks_that_were_split_share_the_throttle(desk):
    desk.submit(array="1-6%2", hold=True)
    desk.release("1_[1-3]")
    desk.passed()
    assert shape(desk) == {
        "1_[4-6] (1)": "pending JobHeldUser", "1_1 (2)": "running", "1_2 (3)": "running",
        "1_3 (4)": "pending JobArrayTaskLimit",
    }  # fmt: skip
    desk.end(2)
    desk.passed()
    assert desk.kind(4) == "running"


def test_a_task_of_its_own_waits_beside_the_rest(desk):
    desk.submit(array="1-5%1")
    desk.passed()
    desk.requeue("1_1")
    desk.end(2)
    assert desk.listing() == {1: "pending None", 2: "pending BeginTime"}
    desk.passed()
    assert desk.listing() == {1: "pending JobArrayTaskLimit", 2: "pending BeginTime", 3: "running"}
    desk.passed(130)
    desk.end(3)
    desk.passed()
    assert desk.kind(2) == "running"


def test_pending_tasks_that_are_cancelled_by_index_are_gone(desk):
    desk.submit(array="1-6", hold=True)
    assert [v.jobs for v in desk.cancel("1_4", "1_[1-3]")] == [(1,), (1,)]
    assert shape(desk) == {"1_[5-6] (1)": "pending JobHeldUser"}
    assert desk.codes(desk.cancel("1_4")) == ["ESLURM_INVALID_JOB_ID"]
    desk.cancel("1_5")
    assert shape(desk) == {"1_[6] (1)": "pending JobHeldUser"}
    desk.cancel("1_6")
    assert shape(desk) == {"1 (1)": "finished CANCELLED"}
    assert desk.codes(desk.cancel("1")) == ["ESLURM_ALREADY_DONE"]
    assert desk.codes(desk.requeue("1")) == ["ESLURM_DISABLED"]


def test_a_whole_array_that_is_cancelled_ends_as_one_record(desk):
    desk.submit(array="1-6", hold=True)
    desk.cancel(1)
    assert shape(desk) == {"1_[1-6] (1)": "finished CANCELLED"}
    desk.requeue(1)
    assert shape(desk) == {"1_[1-6] (1)": "pending JobHeldUser"}


def test_a_task_of_an_array_that_was_cancelled_is_requeued_alone(desk):
    desk.submit(array="1-3")
    desk.cancel(1)
    assert desk.codes(desk.requeue("1_2")) == [None]
    assert shape(desk) == {"1_[1,3] (1)": "finished CANCELLED", "1_2 (2)": "pending BeginTime"}


def test_cancelling_an_array_reaches_every_record(desk):
    desk.submit(array="1-6%2")
    desk.passed()
    assert [v.jobs for v in desk.cancel(1)] == [(1, 3, 2)]
    assert shape(desk) == {
        "1_[3-6] (1)": "finished CANCELLED", "1_1 (2)": "completing", "1_2 (3)": "completing",
    }  # fmt: skip


def test_a_record_id_names_one_task(desk):
    desk.submit(array="1-6%2")
    desk.passed()
    desk.cancel(3)
    assert shape(desk)["1_2 (3)"] == "completing"
    assert shape(desk)["1_1 (2)"] == "running"
    assert desk.codes(desk.cancel("3_2")) == ["ESLURM_INVALID_JOB_ID"]


def test_unknown_indices_beside_known_ones_are_passed_over(desk):
    desk.submit(array="1-6", hold=True)
    assert desk.codes(desk.cancel("1_[1,77]", "1_77")) == [None, "ESLURM_INVALID_JOB_ID"]


def test_an_index_may_be_beyond_any_array(desk):
    desk.submit(array="1-6", hold=True)
    for index in (0, 10**7):
        refs = (JobRef(1, index_set([index])),)
        assert desk.codes(desk.asked(CancelAsked(desk.now, 1000, refs))) == ["ESLURM_INVALID_JOB_ID"]


def test_a_task_that_is_held_gets_a_record(desk):
    desk.submit(array="1-5%2")
    desk.passed()
    desk.hold("1_4")
    assert shape(desk) == {
        "1_[3,5] (1)": "pending JobArrayTaskLimit", "1_1 (2)": "running", "1_2 (3)": "running",
        "1_4 (4)": "pending JobHeldUser",
    }  # fmt: skip


def test_every_task_may_be_named(desk):
    desk.submit(array="0-1")
    desk.hold("1_[0-1]")
    assert shape(desk) == {"1_1 (1)": "pending JobHeldUser", "1_0 (2)": "pending JobHeldUser"}


def test_only_as_many_as_there_is_room_for_stop_waiting_for_it(desk):
    desk.submit(array="1-5%1", hold=True)
    desk.release("1_[1-4]")
    desk.passed()
    desk.end(2)
    assert desk.listing() == {
        1: "pending JobHeldUser", 2: "finished COMPLETED", 3: "pending None", 4: "pending JobArrayTaskLimit",
        5: "pending JobArrayTaskLimit",
    }  # fmt: skip


def test_what_is_known_of_the_past_stays_with_the_array(desk):
    desk.submit(array="1-4%1")
    desk.cancel("1_1")
    desk.passed()
    assert [desk.queue.jobs[id].past.cancelled for id in (1, 2)] == [True, False]


def test_holding_an_array_that_is_partly_over(desk):
    desk.submit(array="1-3%1")
    desk.passed()
    desk.end(2)
    desk.passed()
    (verdict,) = desk.hold(1)
    assert (verdict.code, verdict.jobs) == ("ESLURM_JOB_FINISHED", (3, 1))
    assert [desk.queue.jobs[id].priority for id in (1, 3)] == [0, 0]


def test_requeueing_an_array_that_is_partly_pending(desk):
    desk.submit(array="1-3%1")
    desk.passed()
    (verdict,) = desk.requeue(1)
    assert (verdict.code, verdict.jobs) == ("ESLURM_JOB_PENDING", (2,))


def test_tasks_leave_one_by_one_and_the_arrays_record_last(desk_of):
    desk = desk_of(min_job_age_s=10)
    desk.submit(array="1-2")
    desk.passed()
    desk.end(1)
    desk.passed(20)
    assert shape(desk) == {"1_2 (1)": "finished COMPLETED", "1_1 (2)": "running"}
    desk.end(2, code=1)
    desk.passed(29)
    assert 1 in desk.queue.jobs
    assert desk.passed(30).dropped == {1, 2}
    assert desk.queue.next_wake() is None


def test_an_array_counts_all_its_tasks(desk):
    desk.submit(array="1-6")
    desk.submit()
    assert desk.queue.job_count() == 7
    assert [id in desk.queue.jobs for id in (1, 2, 3)] == [True, True, False]


def test_how_each_task_came_out_is_told(desk):
    id = desk.submit(array="1-4%2")
    desk.passed()
    (verdict,) = desk.asked(SuspendAsked(desk.now, 0, (JobRef(id, index_set(range(1, 10))),)))
    assert verdict.code == "ESLURM_JOB_PENDING"
    assert [(tasks.text(), code) for tasks, code in verdict.tasks] == [
        ("3-4", "ESLURM_JOB_PENDING"),
        ("1-2", None),
        ("5-9", "ESLURM_INVALID_JOB_ID"),
    ]
    (verdict,) = desk.asked(SuspendAsked(desk.now, 0, (JobRef(id, index_set([1, 2])),), resume=True))
    assert (verdict.code, verdict.tasks) == (None, ())


def test_only_what_is_not_over_runs_anew(desk):
    id, over = desk.submit(array="0-9%3"), desk.submit()
    desk.passed()
    done, paused, on = (desk.queue.indexes.arrays[id].tasks[index] for index in (0, 1, 2))
    desk.end(done)
    desk.end(over)
    desk.asked(SuspendAsked(desk.now, 0, (JobRef(paused),)))
    before = len(desk.queue.jobs)
    refs = JobRef(id, index_set([0, 3, 4, 12])), JobRef(id), JobRef(over), JobRef(99)
    some, whole, *others = desk.asked(RequeueAsked(desk.now, 1000, refs, incomplete=True))
    assert some.tasks[-1] == (index_set([12]), "ESLURM_INVALID_JOB_ID") and whole.code is None
    assert desk.codes(others) == [None, "ESLURM_INVALID_JOB_ID"]
    assert (desk.kind(done), desk.kind(over), len(desk.queue.jobs)) == ("finished", "finished", before)
    for one in (paused, on):
        desk.end(one, signal=9)
        assert (desk.kind(one), desk.queue.jobs[one].restarts) == ("pending", 1)
    assert desk.queue.jobs[done].restarts == 0
