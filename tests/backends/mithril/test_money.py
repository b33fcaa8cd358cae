"""Amounts as the API writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbatch.backends.mithril import money


@pytest.mark.parametrize(
    ("said", "micro"),
    [
        ("$25.60", 25_600_000), ("$1,234.50", 1_234_500_000), ("12.029", 12_029_000), ("$0", 0), (0.12, 120_000), (3, 3_000_000),
        ("$0.0000001", 1),
    ],
)  # fmt: skip
def test_dollars(said, micro):
    assert money.usd(said) == micro


@pytest.mark.parametrize(
    "said", ["", "$", "-1", "$-2.00", "nan", "inf", "twelve", None, True, [1], "1e30", "1e999999999", 10**30]
)
def test_what_is_no_amount(said):
    with pytest.raises(ValueError, match="not an amount"):
        money.usd(said)


@pytest.mark.parametrize("said", [-1, 10**30])
def test_what_is_no_amount_of_cents(said):
    with pytest.raises(ValueError, match="not an amount"):
        money.cents(said)
    with pytest.raises(ValueError, match="not an amount"):
        money.whole_cents(said)


@pytest.mark.parametrize(
    ("micro", "text"), [(12_290_000, "$12.29"), (12_299_999, "$12.29"), (5_000_000, "$5.00"), (9_999, "$0.00")]
)
def test_a_limit_is_whole_cents_and_never_above(micro, text):
    assert money.limit(micro) == text


@given(st.integers(0, 10**12))
def test_a_limit_loses_less_than_a_cent(micro):
    assert 0 <= micro - money.usd(money.limit(micro)) < money.MICRO_PER_CENT


def test_a_bill_is_rounded_once_and_up():
    second = timedelta(seconds=1)
    assert money.charge([(3600, 10 * second)]) == 100_000
    assert money.charge([(1, second)] * 3) == 9  # 8.33: three times 2.78 would be 9 as well, but rounded down 6
    assert money.charge([(100, timedelta(hours=1)), (50, timedelta(minutes=30))]) == 1_250_000
    assert money.charge([]) == 0
