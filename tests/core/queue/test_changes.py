"""`scontrol update` of what a job asked for: a waiting job is judged as if submitted so, a running one keeps what it has."""

from __future__ import annotations

import pytest

from flowbatch.core.events import JobRef, UpdateAsked
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.dependency import Dependency, DependencyTerm
from flowbatch.spec.job import JobSpec, Mail
from flowbatch.spec.model import Malformed
from flowbatch.spec.resources import FeatureTerm, Resources


def update(desk, id, *fields, by=0, throttle=None, tasks=None, **words):
    spec = JobSpec(**{"name": "", "work_dir": "/"} | words)
    return desk.codes(desk.asked(UpdateAsked(desk.now, by, (JobRef(id, tasks),), spec, fields, throttle)))


def after(id):
    return Dependency(text="x", any=False, terms=(DependencyTerm(kind="afterok", job_id=id),))


def test_words_of_a_waiting_and_of_a_running_job(desk):
    for id in (desk.run(), desk.submit(hold=True)):
        assert update(
            desk, id, "name", "comment", "mail.types", name="new", comment="c", mail=Mail(types=("END",))
        ) == [None]
        spec = desk.queue.jobs[id].spec
        assert (spec.name, spec.comment, spec.mail.types, spec.work_dir) == ("new", "c", ("END",), "/w")


def test_only_the_named_part_of_the_resources_changes(desk):
    id = desk.submit(hold=True, cpus=3)
    assert update(desk, id, "resources.contiguous", resources=Resources(contiguous=True)) == [None]
    wish = desk.queue.jobs[id].spec.resources
    assert (wish.contiguous, wish.ntasks) == (True, 3)


def test_a_smaller_wish_starts_the_job(desk):
    desk.run(cpus=3)
    id = desk.submit(cpus=2)
    desk.passed()
    assert desk.kind(id) == "pending"
    assert update(desk, id, "resources.ntasks", resources=Resources(ntasks=1)) == [None]
    desk.passed()
    assert desk.kind(id) == "running"


@pytest.mark.parametrize(
    ("field", "words", "code"),
    [
        ("partitions", {"partitions": ("nosuch",)}, "ESLURM_INVALID_PARTITION_NAME"),
        ("dependency", {"dependency": Malformed(text="x")}, "ESLURM_DEPENDENCY"),
        ("deadline", {"deadline": 5}, "ESLURM_INVALID_TIME_VALUE"),
        ("resources.constraint", {"resources": Resources(constraint=FeatureTerm(name="x"))}, "ESLURM_INVALID_FEATURE"),
    ],
)
def test_what_could_not_be_submitted_changes_nothing(desk, field, words, code):
    desk.run(cpus=4)
    id = desk.submit()
    before = desk.queue.jobs[id].spec
    assert update(desk, id, "name", field, name="new", **words) == [code]
    assert desk.queue.jobs[id].spec == before


def test_partition_and_begin(desk):
    desk.run(cpus=4)
    id = desk.submit()
    assert update(desk, id, "partitions", "begin", partitions=("other",), begin=desk.now + 50) == [None]
    assert desk.queue.jobs[id].partitions == ("other",)
    assert (desk.reason(id), desk.queue.jobs[id].eligible_at) == ("BeginTime", desk.now + 50)
    update(desk, id, "begin")
    assert desk.reason(id) == "None"


def test_a_rest_after_a_requeue_is_over_when_another_begin_is_said(desk):
    id = desk.run()
    desk.requeue(id)
    desk.end(id, signal=15, cause="killed")
    assert desk.reason(id) == "BeginTime"
    assert update(desk, id, "begin") == [None]
    assert desk.reason(id) == "None"
    desk.passed()
    assert desk.kind(id) == "running"


def test_dependencies(desk):
    first, second = desk.submit(hold=True), desk.submit()
    assert update(desk, second, "dependency", dependency=after(first)) == [None]
    assert desk.reason(second) == "Dependency"
    assert update(desk, first, "dependency", dependency=after(second)) == ["ESLURM_CIRCULAR_DEPENDENCY"]
    assert update(desk, first, "dependency", dependency=after(first)) == ["ESLURM_CIRCULAR_DEPENDENCY"]
    assert update(desk, second, "dependency") == [None]
    assert desk.reason(second) == "None"


def test_nice_and_priority(desk, owners):
    desk.run(cpus=4)
    id = desk.submit()
    number = desk.queue.jobs[id].priority
    assert update(desk, id, "nice", nice=10) == [None]
    assert desk.queue.jobs[id].priority == number - 10
    assert update(desk, id, "nice", by=1000, nice=-1) == ["ESLURM_INVALID_NICE"]
    assert update(desk, id, "priority", by=1000, priority=99) == ["ESLURM_ACCESS_DENIED"]
    assert update(desk, id, "priority", priority=0) == [None]
    assert desk.reason(id) == "JobHeldAdmin"


def test_who_may_and_when(desk):
    id = desk.run()
    assert update(desk, id, "comment", by=7, comment="x") == ["ESLURM_USER_ID_MISSING"]
    assert update(desk, id, "resources.ntasks", resources=Resources(ntasks=1)) == ["ESLURM_JOB_NOT_PENDING"]
    desk.end(id)
    assert update(desk, id, "comment", comment="x") == ["ESLURM_JOB_FINISHED"]
    assert update(desk, 99, "comment", comment="x") == ["ESLURM_INVALID_JOB_ID"]


def test_one_task_of_an_array_gets_a_record(desk):
    id = desk.submit(array="1-4", hold=True)
    assert update(desk, id, "name", name="q", tasks=IndexSet.of((IndexRange(first=2, last=2),))) == [None]
    assert sorted((job.spec.name, job.id) for job in desk.queue.jobs.values()) == [("job", id), ("q", id + 1)]


def test_the_throttle_of_an_array(desk):
    id = desk.submit(array="1-4%1")
    desk.passed()
    assert len(list(desk.queue.running())) == 1
    assert update(desk, id, throttle=3) == [None]
    desk.passed()
    assert len(list(desk.queue.running())) == 3
    assert update(desk, id, throttle=2) == [None]
    first, second = (job.id for job in list(desk.queue.running())[:2])
    desk.end(first)
    desk.passed()
    assert len(list(desk.queue.running())) == 2  # those that ran go on, and no other starts yet
    desk.end(second)
    desk.passed()
    assert len(list(desk.queue.running())) == 2
