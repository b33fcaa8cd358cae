"""Each invariant notices what it is for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowbatch.core import invariants
from flowbatch.core.invariants import Broken
from flowbatch.core.jobs import ArrayRest, ArrayTask, Waiting
from flowbatch.core.states import ExitStatus, Finished, Pending
from flowbatch.spec.dependency import DependencyTerm


def spoil(desk, id, **fields):
    """Puts a wrong record into the queue by the front door, so that the indexes follow it."""
    desk.queue.put(replace(desk.queue.jobs[id], **fields), desk.now)


def test_a_good_queue_passes(desk):
    desk.run()
    invariants.check(desk.queue)


def test_two_jobs_on_one_cpu(desk):
    first, second = desk.run(), desk.run()
    spoil(desk, second, state=desk.queue.jobs[first].state)
    with pytest.raises(Broken, match=r"job 2 holds on n1 what \[1\] hold"):
        invariants.check(desk.queue)


def test_a_cpu_that_is_not_there(desk):
    state = desk.queue.jobs[desk.run()].state
    share = replace(state.allocation.shares[0], cpu_ids=(9,))
    spoil(desk, 1, state=replace(state, allocation=replace(state.allocation, shares=(share,))))
    with pytest.raises(Broken, match="does not have"):
        invariants.check(desk.queue)


def test_a_number_that_was_not_given_out(desk):
    desk.submit()
    desk.queue.next_job_id = 1
    with pytest.raises(Broken, match="not given out yet"):
        invariants.check(desk.queue)


def test_one_task_in_two_records(desk):
    desk.submit(array="1-3", hold=True)
    desk.hold("1_2")
    spoil(desk, 2, array=ArrayTask(1, 3))
    with pytest.raises(Broken, match="task 1_3 stands in records 1 and 2"):
        invariants.check(desk.queue)


def test_a_task_that_nobody_asked_for(desk):
    desk.submit(array="1-3", hold=True)
    desk.hold("1_2")
    spoil(desk, 2, array=ArrayTask(1, 7))
    with pytest.raises(Broken, match="task 1_7 was never asked for"):
        invariants.check(desk.queue)


def test_an_array_without_its_record(desk):
    desk.submit(array="1-3", hold=True)
    desk.hold("1_2")
    desk.queue.drop(1)
    with pytest.raises(Broken, match="array 1, which has no record"):
        invariants.check(desk.queue)


def test_a_hold_that_does_not_count(desk):
    desk.submit(hold=True)
    spoil(desk, 1, priority=5)
    with pytest.raises(Broken, match="priority 5 and hold JobHeldUser"):
        invariants.check(desk.queue)


def test_a_reason_without_a_cause(desk):
    desk.submit()
    spoil(desk, 1, state=Pending("Dependency"))
    with pytest.raises(Broken, match="says Dependency"):
        invariants.check(desk.queue)
    spoil(desk, 1, state=Pending("None"), waiting=(Waiting(DependencyTerm(kind="afterok", job_id=9)),))
    with pytest.raises(Broken, match="says None"):
        invariants.check(desk.queue)


def test_a_throttle_that_nobody_lifts(desk):
    desk.submit(array="1-4%2")
    spoil(desk, 1, state=Pending("JobArrayTaskLimit"))
    with pytest.raises(Broken, match="wait for a throttle that is not used up"):
        invariants.check(desk.queue)


def test_an_index_that_was_forgotten(desk):
    desk.submit()
    desk.queue.indexes.holding.add(1)
    with pytest.raises(Broken, match="index holding is"):
        invariants.check(desk.queue)


def test_a_count_that_is_off(desk):
    desk.submit()
    desk.queue.count = 7
    with pytest.raises(Broken, match="counts 7 tasks and holds 1"):
        invariants.check(desk.queue)


def test_a_pass_that_was_forgotten(desk):
    desk.submit()
    desk.queue.pass_due = None
    with pytest.raises(Broken, match=r"jobs \[1\] may start and no pass is due"):
        invariants.check(desk.queue)


def test_untouched_tasks_hold_nothing(desk):
    desk.run()
    desk.submit(array="1-3", hold=True)
    spoil(desk, 2, state=desk.queue.jobs[1].state, held=None, priority=1)
    with pytest.raises(Broken, match="untouched tasks of array 2 hold"):
        invariants.check(desk.queue)


def test_what_is_over_stays_as_it_is(desk):
    id = desk.run()
    desk.end(id)
    before = dict(desk.queue.jobs)
    ending = before[id].state.ending
    spoil(desk, id, state=Finished(desk.now, replace(ending, exit=ExitStatus(3))))
    with pytest.raises(Broken, match="was over and is something else now"):
        invariants.check_step(before, desk.queue)


def test_nothing_leaves_before_it_is_over(desk):
    desk.submit()
    before = dict(desk.queue.jobs)
    desk.queue.drop(1)
    with pytest.raises(Broken, match="left the queue before it was over"):
        invariants.check_step(before, desk.queue)


def test_restarts_are_never_taken_back(desk):
    desk.submit()
    before = {1: replace(desk.queue.jobs[1], restarts=2)}
    with pytest.raises(Broken, match="fewer restarts"):
        invariants.check_step(before, desk.queue)


def test_the_story_is_told(desk):
    desk.submit(array="1-3", hold=True)
    desk.queue.count = 0
    with pytest.raises(Broken, match=r"(?s)records:.*id=1.*JobHeldUser.*next job id 2"):
        invariants.check(desk.queue)
    assert isinstance(desk.queue.jobs[1].array, ArrayRest)
