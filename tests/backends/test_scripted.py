"""The scripted backend fails a test whose script does not fit."""

from __future__ import annotations

import asyncio

import pytest

from flowbatch.backends.scripted import Exits, Runs, ScriptedBackend, Vanishes
from flowbatch.clock import ManualClock
from flowbatch.core.events import Ended, Launched, NodeLost
from flowbatch.core.states import ExitStatus
from tests.node.jobs import key, message


@pytest.fixture
def facts():
    return []


@pytest.fixture
def backend(facts):
    async def tell(fact):
        facts.append(fact)

    backend = ScriptedBackend(ManualClock(50))
    asyncio.run(backend.start(tell, []))
    return backend


def test_a_launch_that_nobody_wrote_an_outcome_for_fails(backend, tmp_path):
    with pytest.raises(AssertionError, match="no outcome is written"):
        asyncio.run(backend.launch(message(tmp_path, "true")))


def test_an_outcome_left_over_fails(backend):
    backend.script[key()] = Exits()
    with pytest.raises(AssertionError, match="outcomes left over"):
        backend.check()


def test_a_call_left_over_fails(backend):
    asyncio.run(backend.deliver(key(), 10, "batch"))
    with pytest.raises(AssertionError, match="calls left over"):
        backend.check()
    assert backend.calls() == [("deliver", key(), 10, "batch")]
    backend.check()


def test_the_test_decides_when_and_how_a_job_ends(backend, facts, tmp_path):
    backend.script[key()] = Runs()
    asyncio.run(backend.launch(message(tmp_path, "true")))
    asyncio.run(backend.end(key(), signal=9, cause="oom"))
    assert facts == [Launched(50, 1, 0), Ended(50, 1, 0, ExitStatus(0, 9), "oom")]
    backend.check()


def test_a_job_may_vanish(backend, facts, tmp_path):
    backend.script[key()] = Vanishes()
    asyncio.run(backend.launch(message(tmp_path, "true")))
    assert facts == [Launched(50, 1, 0), NodeLost(50, 1, 0)]
