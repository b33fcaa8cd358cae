"""Records survive the way to the disk and back, whatever is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from flowbatch.core.effects import (
    ChangeBid,
    Deliver,
    DeliverStep,
    Effect,
    Forget,
    Freeze,
    Launch,
    Limit,
    PlaceBid,
    Say,
    SendMail,
    Stop,
    Thaw,
    WithdrawBid,
)
from flowbatch.core.events import CancelAsked, Event, JobRef
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner, Waiting
from flowbatch.core.ports import Payload
from flowbatch.core.states import (
    Allocation,
    Completing,
    Ending,
    ExitStatus,
    Finished,
    NodeShare,
    Pause,
    Pending,
    Requeueing,
    Running,
    Suspended,
)
from flowbatch.spec.array import ArraySpec, IndexRange, IndexSet
from flowbatch.spec.dependency import Dependency, DependencyTerm
from flowbatch.spec.job import Export, JobSpec, Mail, Signal
from flowbatch.spec.model import Malformed
from flowbatch.spec.resources import (
    FeatureGroup,
    FeatureTerm,
    Gres,
    GresRequest,
    License,
    Memory,
    NodeCount,
    Resources,
)
from flowbatch.store import rows
from flowbatch.store.migrations import MIGRATIONS

SPEC = Path(__file__).parent.parent / "data" / "records" / "spec.json"

ALLOCATION = Allocation("debug", (NodeShare("n1", 4, (0, 1, 2, 3), 100, 2, (("gpu", None, (0, 3)),)),))
STATES = [
    Pending("Resources", 17),
    Running(5, ALLOCATION, None, True),
    Suspended(Running(5, ALLOCATION, 99, True), Pause(7, 2)),
    Running(5, ALLOCATION, 99, True, pause=Pause(8, 2)),
    Completing(5, ALLOCATION, 9, Ending("CANCELLED", ExitStatus(0, 15), "None", 0)),
    Completing(5, ALLOCATION, 9, Requeueing(True, "preempted")),
    Finished(9, Ending("TIMEOUT", reason="TimeLimit"), 5, ALLOCATION),
    Finished(9, Ending("CANCELLED", by_uid=1000)),
]
ARRAYS = [None, ArrayRest(IndexSet.of((IndexRange(first=1, last=99, step=7),)), 4), ArrayTask(3, 5)]
SPECS = [
    JobSpec(name="caf\ue9e9", work_dir="/tmp/a b"),
    JobSpec(
        name="all", work_dir="/", command="/x.sh", array=ArraySpec(text="1-3", ranges=(IndexRange(first=1, last=3),)),
        dependency=Dependency(text="singleton", any=False, terms=(DependencyTerm(kind="singleton"),)), begin=5,
        resources=Resources(
            nodes=NodeCount(minimum=1, maximum=None), memory=Memory(per="cpu", mib=0), licenses=(License(name="m"),),
            gres=GresRequest(per_node=(Gres(name="gpu", type="h100", count=2),)),
            constraint=FeatureGroup(kind="matching", terms=(FeatureTerm(name="a", count=2), FeatureTerm(name="b"))),
        ),
        mail=Mail(types=("END",), user="a@b"), signal=Signal(number=10),
        export=Export(kind="named", variables=(("A", None),)),
    ),
    JobSpec(
        name="bad", work_dir="/", array=Malformed(text="1-", where="x"), dependency=Malformed(text="y"),
        resources=Resources(licenses=Malformed(text="z"), constraint=Malformed(text="a&&b")),
    ),
]  # fmt: skip


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_specs(spec):
    assert rows.spec(rows.spec_row(spec)) == spec


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.kind)
@pytest.mark.parametrize("array", ARRAYS)
def test_jobs(state, array):
    job = Job(
        7, SPECS[0], 3, 2, Owner(1, 2, "alice", "users", "h", 4), state, 100, 0, ("debug", "gpu"), 101, array,
        (Waiting(DependencyTerm(kind="afterok", job_id=3, task=4), True),), 2, 99, "Backfill", ("a note",),
    )  # fmt: skip
    back = rows.job(rows.job_row(job), job.spec)
    assert back == job
    assert type(back.state) is type(state) and type(back.array) is type(array)
    assert back.spec is job.spec


def test_orders():
    orders: list[Effect] = [
        Launch(1, 0), Stop(1, 2, "timeout"), Deliver(3, 0, 12, "full"), DeliverStep(3, 0, 1, 9, 1000), Freeze(3, 0), Thaw(3, 0), Say(3, 0, "word"),
        Limit(3, 0, 99), Limit(3, 0, None), Forget(4, 1), SendMail(5, "END"),
        PlaceBid(6, 1), ChangeBid(6, 1), WithdrawBid(6, 2),
    ]  # fmt: skip
    assert {type(order) for order in orders} == set(get_args(Effect))
    row = rows.orders_row(orders)
    assert row is not None and rows.orders(row) == orders
    assert rows.orders_row([]) is None


@given(
    st.binary(), st.lists(st.binary(min_size=1).filter(lambda word: b"\0" not in word)), st.integers(0, 0o777)
)  # fmt: skip
def test_payloads(script, environment, umask):
    payload = Payload(script, tuple(environment), {"NOFILE": -1}, umask)
    assert rows.payload(rows.payload_row(payload)) == payload


def test_many_named_tasks_make_a_short_row():
    tasks = IndexSet.of((IndexRange(first=0, last=99_999),))
    assert len(rows.event_row(CancelAsked(5, 0, (JobRef(7, tasks),)))) < 300


def test_every_event_has_a_row():
    for kind in get_args(Event):
        assert rows._SHAPES[kind].serializer
    assert not [kind for kind in get_args(Event) if issubclass(kind, BaseModel)]


def spec_names() -> list[str]:
    """Every field of a specification and of its parts."""
    schema = JobSpec.model_json_schema()
    parts = {"JobSpec": schema, **schema["$defs"]}
    return sorted(f"{part}.{name}" for part, shape in parts.items() for name in shape.get("properties", ()))


def test_a_new_word_of_specifications_comes_with_a_step_of_the_store():
    """Earlier versions take no specification with a word that they do not know: the store has to refuse them first. Where this fails:
    another migration, if need be an empty one, and its number and the names into the file."""
    said = json.loads(SPEC.read_text())
    assert said == {"schema": len(MIGRATIONS), "names": spec_names()}
