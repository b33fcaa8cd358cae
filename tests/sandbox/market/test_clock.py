"""Market time stands or runs, and never goes back."""

from __future__ import annotations

import pytest

from flowbatch.sandbox.market.clock import RealClock, VirtualClock


def test_a_virtual_clock_stands_until_it_is_moved() -> None:
    clock = VirtualClock(100)
    assert (clock.now(), clock.wait_s(101), clock.wait_s(100)) == (100, None, 0.0)
    clock.move(30 * 86400)
    assert clock.now() == 100 + 30 * 86400


def test_a_real_clock_runs_at_its_rate_from_where_it_was_put() -> None:
    ticks = [50.0]
    clock = RealClock(100, lambda: ticks[0], rate=60)
    assert clock.now() == 100
    ticks[0] = 51.5
    assert clock.now() == 190
    assert clock.wait_s(250) == 1.0
    assert clock.wait_s(100) == 0.0
    clock.move(60)
    assert clock.now() == 250


def test_no_clock_goes_back() -> None:
    for clock in (VirtualClock(5), RealClock(5, lambda: 0.0)):
        with pytest.raises(ValueError, match="does not go back"):
            clock.move(-1)
    with pytest.raises(ValueError, match="above 0"):
        RealClock(5, lambda: 0.0, rate=0)
