"""`--test-only` on the market: when a machine would have booted, and nobody knows when where no bid would win."""

from __future__ import annotations

from typing import Any

import pytest

from flowbatch.core.events import Launched, Refused, Submitted, WouldStart
from flowbatch.core.jobs import Owner
from flowbatch.core.placing.timeline import FOREVER_S
from flowbatch.spec.market import LimitPrice
from flowbatch.spec.resources import NodeCount, Resources


def ask(desk: Any, **words: Any) -> Any:
    event = Submitted(desk.now, Owner(1000, 1000, "ada", "ada"), desk.spec(**words), test_only=True)
    stepped = desk.step(event)
    assert not stepped.changed and not stepped.orders
    return stepped.reply


def test_it_starts_when_its_machine_has_booted(desk: Any) -> None:
    desk.seen()
    at = desk.now + desk.policy.boot_estimate_s
    assert ask(desk) == WouldStart(1, at, 200, ("us-east1-a-8xa100-1",), "market")
    assert desk.submit() == 1


@pytest.mark.parametrize("limit", [4.0, 3.99])
def test_the_price_decides(desk: Any, words: Any, limit: float) -> None:
    desk.seen()
    reply = ask(desk, limit=LimitPrice(micro_usd_per_hour=words.usd(limit)))
    assert reply.at - desk.now == (desk.policy.boot_estimate_s if limit == 4.0 else FOREVER_S)


def test_without_capacity_or_prices_nobody_knows(desk: Any) -> None:
    assert ask(desk).at == desk.now + FOREVER_S
    desk.seen(capacity=0)
    assert ask(desk).at == desk.now + FOREVER_S


def test_what_no_instance_has_is_refused(desk: Any) -> None:
    desk.seen()
    assert isinstance(ask(desk, resources=Resources(nodes=NodeCount(minimum=2, maximum=2))), Refused)


def started_after(desk: Any, seconds: int) -> int:
    """A job that runs so long after its bid was asked for."""
    id = desk.placed_on()
    desk.at += seconds
    desk.step(Launched(desk.now, id, 0))
    return id


def test_what_starts_took_lately_counts_more_than_the_estimate(desk: Any) -> None:
    first = started_after(desk, 40)
    assert ask(desk).at == desk.now + 40
    desk.ended(first)
    assert ask(desk).at == desk.now + 40
    started_after(desk, 9000)  # outbid for a while
    assert ask(desk).at == desk.now + 40
    started_after(desk, 60)
    assert ask(desk).at == desk.now + 60


def test_what_did_not_begin_tells_nothing(desk: Any) -> None:
    desk.placed_on()
    desk.at += 40
    desk.seen()
    assert ask(desk).at == desk.now + desk.policy.boot_estimate_s
