"""Records as JSON and back. What a record shares with others (its spec, its payload) is kept apart, under its own id.

Values equal to a default are left out of a spec: a default that changes needs a migration.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic_core import from_json

from flowbatch.core.effects import Effect
from flowbatch.core.events import Event
from flowbatch.core.jobs import Job
from flowbatch.core.ports import Payload
from flowbatch.core.ruling.rulings import Rulings
from flowbatch.core.steps import Step
from flowbatch.core.tally import Tally
from flowbatch.spec.job import JobSpec


class _Shapes(dict[type, TypeAdapter[Any]]):
    """How facts and orders are written, each made when it is first met: that takes milliseconds, and a start needs few."""

    def __missing__(self, kind: type) -> TypeAdapter[Any]:
        made = self[kind] = TypeAdapter(kind)
        return made


_JOB = TypeAdapter(Job)
_STEP = TypeAdapter(Step)
_SPEC = TypeAdapter(JobSpec)
_RULINGS = TypeAdapter(Rulings)
_SHAPES = _Shapes()
_ORDERS: dict[str, type[Effect]] = {kind.__name__: kind for kind in get_args(Effect)}
_BULK = {"spec", "specs", "cluster", "quotes"}
"""Fields of events that stand elsewhere (in the table of specs, in slurm.conf) or are of their moment alone."""


def job_row(job: Job) -> str:
    """All of a record but its spec."""
    return _JOB.dump_json(job, exclude={"spec"}).decode()


def job(row: str, spec: JobSpec) -> Job:
    return _JOB.validate_python({**from_json(row), "spec": spec})


def step_row(step: Step) -> str:
    return _STEP.dump_json(step, exclude_defaults=True).decode()


def step(row: str) -> Step:
    return _STEP.validate_json(row)


def spec_row(spec: JobSpec) -> str:
    return _SPEC.dump_json(spec, exclude_defaults=True).decode()


def spec(row: str) -> JobSpec:
    return _SPEC.validate_json(row)


def event_row(event: Event) -> str:
    """A fact as the journal keeps it: its kind and its small fields."""
    fields = _SHAPES[type(event)].dump_python(event, mode="json", exclude=_BULK)
    return json.dumps({"fact": type(event).__name__, **fields}, separators=(",", ":"))


def rulings_row(rulings: Rulings) -> str:
    """All that administrators have said."""
    return _RULINGS.dump_json(rulings, exclude_defaults=True).decode()


def rulings(row: str) -> Rulings:
    return _RULINGS.validate_json(row)


def tally_row(tally: Tally) -> str:
    return json.dumps(asdict(tally))


def tally(row: str) -> Tally:
    return Tally(**json.loads(row))


def orders_row(orders: list[Effect]) -> str | None:
    """A step's orders; None for none."""
    if not orders:
        return None
    named = [[type(order).__name__, _SHAPES[type(order)].dump_python(order, mode="json")] for order in orders]
    return json.dumps(named, separators=(",", ":"))


def orders(row: str) -> list[Effect]:
    return [_SHAPES[_ORDERS[name]].validate_python(fields) for name, fields in json.loads(row)]


def payload_row(payload: Payload) -> bytes:
    """Script, environment, limits and umask, deflated."""
    head = json.dumps({"limits": dict(payload.limits), "umask": payload.umask, "script": len(payload.script)})
    return zlib.compress(b"\0".join([head.encode(), payload.script, *payload.environment]), 1)


def payload(row: bytes) -> Payload:
    raw = zlib.decompress(row)
    start = raw.index(b"\0") + 1
    head = json.loads(raw[: start - 1])
    end = start + head["script"]
    words = raw[end + 1 :].split(b"\0") if len(raw) > end else []
    return Payload(raw[start:end], tuple(words), head["limits"], head["umask"])
