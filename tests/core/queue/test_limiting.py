"""`scontrol update TimeLimit=` of a job that runs: its node is told, whoever may say so."""

from __future__ import annotations

import pytest

from flowbatch.core.arrays import index_set
from flowbatch.core.effects import Limit
from flowbatch.core.events import JobRef, SuspendAsked, TermsAsked
from flowbatch.spec.cluster import PartitionSpec
from flowbatch.spec.job import UNLIMITED


def limit(desk, id, minutes, by=0):
    return desk.codes(desk.asked(TermsAsked(desk.now, by, (JobRef(id),), time_limit_min=minutes)))


def ending(desk, id, at):
    return desk.codes(desk.asked(TermsAsked(desk.now, 0, (JobRef(id),), ends_at=at)))


def test_when_it_is_to_end_is_a_limit_to_the_minute(desk):
    id, waits = desk.run(time_limit_min=10), desk.submit(hold=True)
    assert ending(desk, id, desk.now + 61) == [None]
    assert desk.queue.jobs[id].spec.time_limit_min == 2
    assert ending(desk, id, desk.now - 1) == ["ESLURM_INVALID_TIME_VALUE"]
    assert ending(desk, waits, desk.now + 61) == ["ESLURM_JOB_NOT_RUNNING"]


def test_an_array_that_waits_stays_one_record_where_it_is_refused(desk):
    id = desk.submit(array="0-9", hold=True, time_limit_min=10)
    ref = JobRef(id, index_set([0, 1, 12]))
    (verdict,) = desk.asked(TermsAsked(desk.now, 0, (ref,), ends_at=desk.now + 61))
    told = (index_set([0, 1]), "ESLURM_JOB_NOT_RUNNING"), (index_set([12]), "ESLURM_INVALID_JOB_ID")
    assert (verdict.code, verdict.tasks) == ("ESLURM_JOB_NOT_RUNNING", told)
    desk.configure(partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True, max_time_min=20),))
    (verdict,) = desk.asked(TermsAsked(desk.now, 1000, (JobRef(id, index_set([0])),), time_limit_min=30))
    assert verdict.tasks == ((index_set([0]), "ESLURM_ACCESS_DENIED"),)
    assert list(desk.queue.jobs) == [id]
    desk.asked(TermsAsked(desk.now, 1000, (JobRef(id, index_set([0])),), time_limit_min=20))
    assert len(desk.queue.jobs) == 2


def suspended(desk, id, resume=False):
    return desk.codes(desk.asked(SuspendAsked(desk.now, 0, (JobRef(id),), resume)))


@pytest.mark.parametrize("minutes", [5, 30, UNLIMITED])
def test_its_node_is_told_of_another_limit(desk, minutes):
    id = desk.run(time_limit_min=10)
    started = desk.now
    desk.at += 60
    assert limit(desk, id, minutes) == [None]
    ends = None if minutes == UNLIMITED else started + minutes * 60
    state = desk.queue.jobs[id].state
    assert (state.ends_by, state.cut, desk.orders[-1]) == (ends, False, Limit(id, 0, ends))


def test_its_node_counts_its_suspensions_by_itself(desk):
    id = desk.run(time_limit_min=10)
    started = desk.now
    for _ in range(2):
        desk.at += 20
        assert suspended(desk, id) == [None]
        desk.at += 100
        assert suspended(desk, id, resume=True) == [None]
    assert limit(desk, id, 30) == [None]
    assert desk.queue.jobs[id].state.ends_by == started + 1800 + 200
    assert desk.orders[-1] == Limit(id, 0, started + 1800)
    suspended(desk, id)
    assert limit(desk, id, 40) == [None]
    assert desk.orders[-1] == Limit(id, 0, started + 2400)


def test_only_administrators_make_it_longer(desk):
    id = desk.run(time_limit_min=10)
    orders = list(desk.orders)
    assert limit(desk, id, 11, by=1000) == limit(desk, id, UNLIMITED, by=1000) == ["ESLURM_ACCESS_DENIED"]
    assert desk.orders == orders and desk.queue.jobs[id].spec.time_limit_min == 10
    assert limit(desk, id, 9, by=1000) == [None]


def test_whoever_runs_the_cluster_is_one(desk_of):
    desk = desk_of(slurm_uid=1000)
    assert limit(desk, desk.run(time_limit_min=10), 30, by=1000) == [None]


def test_where_it_named_no_limit_its_own_partition_has(desk_of):
    short = PartitionSpec(name="debug", nodes=("n1",), default=True, default_time_min=10)
    desk = desk_of(partitions=(short, PartitionSpec(name="other", nodes=("n1",), default_time_min=60)))
    id = desk.run(partitions=("debug", "other"))
    assert desk.queue.jobs[id].state.allocation.partition == "debug"
    assert limit(desk, id, 20, by=1000) == ["ESLURM_ACCESS_DENIED"]
    assert limit(desk, id, 5, by=1000) == [None]
