"""Work that no order waits for."""

from __future__ import annotations

import asyncio

import pytest

from flowbatch.backends.supervised import supervised


async def _broken():
    raise KeyError("ours")


def test_a_fault_is_logged_with_its_traceback_and_told(caplog):
    told = []

    async def failed(fault):
        told.append(repr(fault))
        raise LookupError("and this")

    asyncio.run(asyncio.wait_for(_task(failed), 5))
    assert told == ["KeyError('ours')"]
    assert [record.getMessage() for record in caplog.records] == [
        "a fault in testing",
        "a fault in testing, told as one",
    ]
    assert all(record.exc_info for record in caplog.records)


async def _task(failed):
    await supervised(_broken(), "testing", failed)


def test_one_that_is_cancelled_before_it_began_leaves_nothing_behind():
    async def go():
        task = supervised(_broken(), "testing")
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(go())


def test_one_that_is_cancelled_is_no_fault(caplog):
    async def go():
        task = supervised(asyncio.Event().wait(), "testing")
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    assert not caplog.records
