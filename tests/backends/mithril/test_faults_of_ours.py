"""Faults of our own on the way to a machine: said in words, and never a machine that waits for nobody."""

from __future__ import annotations

import asyncio

import pytest

from flowbatch.backends.mithril.machine import Machine, Rental
from flowbatch.backends.mithril.prepare import Place
from flowbatch.backends.mithril.ssh import Done, identity
from flowbatch.core.events import LaunchFailed
from flowbatch.core.jobs import Owner
from flowbatch.spec.market import MarketTerms
from tests.node.jobs import STORE, message

PLACE = Place("ubuntu", "alice", 1001, 1002, "/home/alice", "/bin/bash", "/usr/bin:/bin", "m1")


class Way:
    """A way to a machine where every command succeeds, or `fault` comes of root's."""

    def __init__(self, fault=None):
        self.fault, self.scripts = fault, []

    async def run(self, command, stdin=b""):
        return Done(0, b"", "")

    async def reach(self):
        return self, PLACE

    patiently = reach

    async def as_root(self, connection, text):
        self.scripts.append(text)
        if self.fault is not None:
            raise self.fault
        raise asyncio.CancelledError

    def cut(self):
        return


@pytest.fixture
def machine(tmp_path):
    rental = Rental(
        bid="b", store=STORE, owner=Owner(1, 1, "alice", "alice"), terms=MarketTerms(mounts=("volume://data:/mnt/übung",)),
        identity=identity(tmp_path / "keys"), directory=tmp_path / "ours", return_allowance_s=1,
    )  # fmt: skip
    return lambda: Machine(rental)


def launch(machine, way, job):
    facts = []

    async def go():
        ours = machine()
        ours._visit = way

        async def tell(fact):
            facts.append(fact)

        await ours.start(tell, [])
        await ours.launch(job)
        await asyncio.wait(set(ours._bringing.values()), timeout=10)
        await ours.close()

    asyncio.run(go())
    return facts


def test_a_fault_refuses_the_placement_in_words(machine, tmp_path, caplog):
    facts = launch(machine, Way(KeyError("what")), message(tmp_path, "true"))
    assert [(type(fact), fact.job_id) for fact in facts] == [(LaunchFailed, 1)]
    assert "could not be brought to its machine: KeyError('what')" in (tmp_path / "slurm-1.out").read_text()
    assert any(record.exc_info for record in caplog.records)


def test_a_fault_whose_words_have_no_place_is_told_all_the_same(machine, tmp_path, monkeypatch):
    def nowhere(*words):
        raise ValueError("no place")

    monkeypatch.setattr("flowbatch.backends.mithril.machine.errand", nowhere)
    assert [type(fact) for fact in launch(machine, Way(), message(tmp_path, "true"))] == [LaunchFailed]


def test_a_place_in_any_script_can_be_named(machine, tmp_path):
    way = Way()
    launch(machine, way, message(tmp_path, "true"))
    assert "/mnt/übung".encode() in way.scripts[0]
