"""Everything that comes out of a step, to the last field."""

from __future__ import annotations

from dataclasses import replace

from flowbatch.core.effects import Forget, Launch, Stop
from flowbatch.core.events import (
    Accepted,
    CancelAsked,
    Ended,
    JobRef,
    Launched,
    Passed,
    Refused,
    Submitted,
    Verdict,
    WouldStart,
)
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.core.queue import Stepped
from flowbatch.core.states import (
    Allocation,
    Completing,
    Ending,
    ExitStatus,
    Finished,
    NodeShare,
    Pending,
    Running,
)
from flowbatch.core.tally import Tally
from flowbatch.spec.array import IndexRange, IndexSet

MIDNIGHT = 950_400
"""Before the desk's first instant."""


def indices(first, last):
    return IndexSet.of((IndexRange(first=first, last=last),))


def share(*cpus):
    return Allocation("debug", (NodeShare("n1", len(cpus), cpus, tasks=len(cpus)),))


def test_a_submitted_job_waits_for_the_pass(desk, owners):
    event = desk.submission(time_limit_min=5)
    job = Job(
        id=1, spec=event.spec, spec_id=1, payload_id=1, owner=owners["ada"], state=Pending(), submitted_at=desk.now,
        priority=4294901759, partitions=("debug",), eligible_at=desk.now,
        last_evaluated_at=desk.now,
    )  # fmt: skip
    assert desk.step(event) == Stepped({1: job}, set(), [], Accepted(1), tally=Tally(MIDNIGHT, submitted=1))
    assert desk.queue.next_job_id == 2
    assert desk.queue.next_wake() == desk.now


def test_a_life(desk):
    desk.submit(time_limit_min=5)
    job = desk.queue.jobs[1]
    started, at = desk.now + 2, share(0)

    running = replace(
        job, state=Running(started, at, started + 300), scheduled_by="Main", last_evaluated_at=started
    )  # fmt: skip
    assert desk.passed(2) == Stepped({1: running}, set(), [Launch(1, 0)], tally=Tally(MIDNIGHT, 1, 1))
    assert desk.queue.next_wake() is None

    launched = replace(running, state=Running(started, at, started + 300, launched=True))
    assert desk.step(Launched(desk.now, 1, 0)) == Stepped({1: launched})

    desk.at = 7
    over = replace(launched, state=Finished(desk.now, Ending("COMPLETED"), started, at))
    assert desk.end(1) == Stepped({1: over}, set(), [Forget(1, 0)], tally=Tally(MIDNIGHT, 1, 1, 1))
    assert desk.queue.next_wake() == desk.now  # room came free: a pass looks at it
    assert desk.passed() == Stepped()
    assert desk.queue.next_wake() == desk.now + 300

    assert desk.passed(306) == Stepped()
    assert desk.passed(307) == Stepped({}, {1})
    assert desk.queue.next_wake() is None


def test_a_fact_that_comes_twice_counts_once(desk):
    desk.run()
    desk.step(Launched(desk.now, 1, 0))
    assert desk.step(Launched(desk.now, 1, 0)) == Stepped()
    desk.end(1, code=3)
    record = desk.queue.jobs[1]
    assert desk.step(Launched(desk.now, 1, 0)) == Stepped()
    for job_id, restart in ((1, 0), (1, 1), (99, 0)):
        late = Ended(desk.now, job_id, restart, ExitStatus(0))
        assert desk.step(late) == Stepped(orders=[Forget(job_id, restart)]), "or the node would say it for ever"
    assert desk.queue.jobs[1] == record


def test_a_running_job_is_stopped_and_keeps_its_place_until_it_is_gone(desk):
    desk.run(cpus=4)
    desk.submit(cpus=1)
    running = desk.queue.jobs[1]
    desk.at, asked = 5, desk.now + 5
    ending = Ending("CANCELLED", by_uid=1000)
    completing = replace(running, state=Completing(running.state.started_at, share(0, 1, 2, 3), desk.now, ending))
    refs = (JobRef(1),)
    assert desk.step(CancelAsked(desk.now, 1000, refs)) == Stepped(
        {1: completing}, set(), [Stop(1, 0, "cancelled")], (Verdict(refs[0], None, (1,)),)
    )
    desk.passed()
    assert desk.listing() == {1: "completing", 2: "pending Resources"}
    desk.at = 8
    over = Finished(asked, replace(ending, exit=ExitStatus(0, 15)), running.state.started_at, share(0, 1, 2, 3))
    gone = Stepped({1: replace(running, state=over)}, set(), [Forget(1, 0)], tally=Tally(MIDNIGHT, 2, 1, cancelled=1))
    assert desk.end(1, signal=15, cause="killed") == gone
    desk.passed()
    assert desk.listing() == {1: "finished CANCELLED", 2: "running"}


def test_an_array_gives_its_tasks_records_as_they_start(desk):
    desk.submit(array="1-6%2")
    rest = desk.queue.jobs[1]
    assert rest.array == ArrayRest(indices(1, 6), 2)
    stepped = desk.passed()

    def task(id, index, cpu):
        running = Running(desk.now, share(cpu), None)
        return replace(
            rest, id=id, array=ArrayTask(1, index, 2), state=running, scheduled_by="Main", last_evaluated_at=desk.now
        )

    left = replace(rest, array=ArrayRest(indices(3, 6), 2), state=Pending("JobArrayTaskLimit"))
    begun = {1: left, 2: task(2, 1, 0), 3: task(3, 2, 1)}
    assert stepped == Stepped(begun, set(), [Launch(2, 0), Launch(3, 0)], tally=Tally(MIDNIGHT, 6, 2))
    assert desk.queue.next_job_id == 4


def test_what_is_refused_changes_nothing(desk):
    event = Submitted(desk.now, desk.submission().owner, desk.spec(partitions=("nosuch",)))
    stepped = desk.step(event)
    assert isinstance(stepped.reply, Refused)
    assert stepped == Stepped(reply=stepped.reply)
    assert desk.queue.next_job_id == 1


def test_a_test_changes_nothing(desk):
    event = replace(desk.submission(cpus=2), test_only=True)
    assert desk.step(event) == Stepped(reply=WouldStart(1, desk.now, 2, ("n1",), "debug"))
    assert desk.queue.next_job_id == 1


def test_notes_of_the_command_go_with_the_job(desk):
    event = replace(desk.submission(), notes=("comment was recorded",))
    assert desk.step(event).reply == Accepted(1, ("comment was recorded",))
    assert desk.queue.jobs[1].notes == ("comment was recorded",)


def test_a_pass_without_news_does_nothing(desk):
    assert desk.step(Passed(desk.now)) == Stepped()
    desk.run()
    assert desk.queue.next_wake() is None
    assert desk.passed(9) == Stepped()


def test_what_must_wait_is_not_asked_for_at_once(desk):
    first = desk.run()
    for words in ({"hold": True}, {"begin": desk.now + 60}, {"depend": f"afterany:{first}"}):
        reply = desk.step(replace(desk.submission(**words), immediate=True)).reply
        assert reply == Refused("ESLURM_DEPENDENCY") and set(desk.queue.jobs) == {first}
