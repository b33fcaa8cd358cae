"""Who wins a round, and what the winners pay."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbatch.sandbox.market.catalogue import CENT
from flowbatch.sandbox.market.rounds import Contender, Outcome, clear, winning_limit

FLOOR = 100


def contenders(*bids: int | tuple[int, int]) -> list[Contender]:
    """Limits in cents, or (limit, quantity); the first came first, and each is ours under its place: '0', '1'."""
    pairs = [bid if isinstance(bid, tuple) else (bid, 1) for bid in bids]
    return [Contender(limit * CENT, quantity, 7, n, str(n)) for n, (limit, quantity) in enumerate(pairs)]


def cleared(capacity: int, *bids: int | tuple[int, int], reserve: int = FLOOR) -> tuple[int, str]:
    outcome = clear(contenders(*bids), capacity, reserve * CENT)
    return outcome.price_micro_usd // CENT, "".join(sorted(outcome.winners))


def test_the_published_example() -> None:
    assert cleared(3, 2300, 2100, 1600, 1300, 1200, 800) == (1300, "012")
    assert cleared(3, 2300, 2100, 1600, 1300, 1200, 800, 1301) == (1301, "012")


@pytest.mark.parametrize(
    ("capacity", "bids", "expected"),
    [
        (3, (), (FLOOR, "")),
        (3, (500, 400), (FLOOR, "01")),  # nobody loses
        (0, (500,), (FLOOR, "")),
        (1, (99,), (FLOOR, "")),  # below the floor
        (1, (99, 98), (FLOOR, "")),  # below it nobody sets a price
        (1, (FLOOR,), (FLOOR, "0")),  # the limit equals the price
        (1, (500, 500), (500, "0")),  # the earlier one
        (2, (500, 500, 500), (500, "01")),
        (3, ((500, 2), (400, 2)), (400, "0")),  # lost, with a machine left
        (3, ((500, 2), (400, 2), 300), (FLOOR, "02")),  # lost for its size alone
        (3, ((500, 2), (400, 2), 300, 200), (200, "02")),
        (3, ((500, 2), (400, 2), (400, 1), 300), (400, "02")),  # equal to a winner's limit, not above it
        (2, ((101, 2), (101, 1), (102, 1), (102, 2)), (101, "12")),  # two stood above the last winner, one beside it
        (3, ((900, 4), 200, 150), (FLOOR, "12")),  # more than there are stand aside
        (2, ((900, 3),), (FLOOR, "")),
        (4, ((500, 4), 600), (500, "1")),  # all or nothing
    ],
)
def test_rounds(capacity: int, bids: tuple[int, ...], expected: tuple[int, str]) -> None:
    assert cleared(capacity, *bids) == expected


def test_the_reserve_is_the_least_price() -> None:
    assert cleared(2, 500, 400, 300, reserve=350) == (350, "01")
    assert cleared(2, 500, 400, 300, reserve=450) == (450, "0")


def test_rivals_win_machines_but_are_not_named() -> None:
    rival = Contender(900 * CENT, 1, 1, 1)
    assert clear([*contenders(500, 400), rival], 2, FLOOR * CENT) == Outcome(
        400 * CENT, frozenset({"0"}), 500 * CENT, 0
    )


def served(contender: Contender) -> tuple[int, int, int]:
    return (-contender.limit_micro_usd, contender.created_at, contender.serial)


crowds = st.lists(
    st.builds(
        Contender, st.integers(90, 120).map(lambda c: c * CENT), st.integers(1, 4), st.integers(1, 3), st.integers(), st.just("")
    ),
    max_size=9,
).map(lambda crowd: [c._replace(serial=n, who=str(n)) for n, c in enumerate(crowd)])  # fmt: skip


@given(crowds, st.integers(0, 8))
def test_every_round(crowd: list[Contender], capacity: int) -> None:
    reserve = FLOOR * CENT
    price, winners, lowest, left = clear(crowd, capacity, reserve)
    won = [c for c in crowd if c.who in winners]
    lost = [c for c in crowd if c.who not in winners]
    assert left == capacity - sum(c.quantity for c in won) >= 0
    assert price >= reserve
    assert all(c.limit_micro_usd >= price for c in won)
    assert lowest == min((c.limit_micro_usd for c in won), default=None)
    assert price == max(
        (c.limit_micro_usd for c in lost if c.quantity <= capacity and reserve <= c.limit_micro_usd <= (lowest or 0)),
        default=reserve,
    )
    for loser in lost:
        beaten = loser.limit_micro_usd <= price
        too_large = loser.quantity > capacity or any(served(c) > served(loser) for c in won)
        assert beaten or too_large
        if left >= loser.quantity:
            assert loser.limit_micro_usd < reserve


@given(crowds, st.integers(0, 8), st.integers(1, 4))
def test_the_winning_limit_wins_and_a_cent_less_does_not(crowd: list[Contender], capacity: int, quantity: int) -> None:
    reserve = FLOOR * CENT
    limit = winning_limit(crowd, capacity, reserve, quantity)
    newcomer = Contender(0, quantity, 9, 99, "new")

    def wins(at: int) -> bool:
        return "new" in clear([*crowd, newcomer._replace(limit_micro_usd=at)], capacity, reserve).winners

    if limit is None:
        assert quantity > capacity
        assert not wins(10_000 * CENT)
    else:
        assert wins(limit)
        assert not wins(limit - CENT)


@given(crowds, st.integers(0, 8), st.randoms())
def test_the_order_of_arrival_in_memory_is_nothing(crowd: list[Contender], capacity: int, random: Random) -> None:
    shuffled = random.sample(crowd, len(crowd))
    assert clear(shuffled, capacity, FLOOR * CENT) == clear(crowd, capacity, FLOOR * CENT)
