"""The records that numbers name, found without looking at the others."""

from __future__ import annotations

from typing import Any


def named(desk: Any, *ids: int) -> list[int]:
    return [job.id for job in desk.queue.named(ids)]


def test_a_number_names_its_job_and_no_other(desk: Any) -> None:
    one, two = desk.submit(), desk.submit()
    assert named(desk, one) == [one] and named(desk, two, one, two) == [one, two] and named(desk, 999) == []


def test_an_array_and_each_of_its_tasks_name_all_of_its_records(desk: Any) -> None:
    array, other = desk.submit(array="1-5"), desk.submit()
    desk.passed()
    records = [job.id for job in desk.queue.jobs.values() if job.id != other]
    assert len(records) > 2
    for id in (array, *records):
        assert named(desk, id) == sorted(records)


def test_an_array_is_named_by_its_number_while_any_task_is_left(desk: Any) -> None:
    array = desk.submit(array="1-2")
    desk.passed()
    for job in list(desk.queue.jobs.values()):
        desk.end(job.id)
    assert len(named(desk, array)) == 2
