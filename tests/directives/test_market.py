"""#FLOW lines, FLOW_* variables and options of our own."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbatch.directives import market
from flowbatch.directives.diagnosis import DirectiveError
from flowbatch.directives.script import Script
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.spec.market import LimitPrice, MarketTerms


@pytest.mark.parametrize(
    ("text", "micro", "per"),
    [
        ("2", 2_000_000, "instance"),
        ("$1.50", 1_500_000, "instance"),
        ("1.50", 1_500_000, "instance"),
        ("$12.29/gpu-h", 12_290_000, "gpu"),
        ("0.000001/instance-hour", 1, "instance"),
        ("3/h", 3_000_000, "instance"),
        ("3/GPU-HR", 3_000_000, "gpu"),
    ],
)
def test_prices(text: str, micro: int, per: str) -> None:
    assert market.price(text) == LimitPrice(micro_usd_per_hour=micro, per=per)  # type: ignore[arg-type]  # of the table


@pytest.mark.parametrize("text", ["", "$", "1.", "-1", "1,5", "1.0000001", "5 dollars", "1/day", "1/gpu", "ten"])
def test_what_is_no_price(text: str) -> None:
    with pytest.raises(ValueSyntax):
        market.price(text)


def test_a_budget_is_no_price() -> None:
    assert market.amount("$20") == 20_000_000
    with pytest.raises(ValueSyntax, match="a budget is an amount"):
        market.amount("20/h")


SCRIPT = Script(
    b"#!/bin/sh\n#FLOW --budget=5 -i h100 --region=a\n#FLOW --region b,c --mount='/d ata:s3://x'\n", "job.sh"
)


def test_places_have_their_strength() -> None:
    script_only = market.read(SCRIPT, {}).terms
    assert script_only == MarketTerms(
        budget_micro_usd=5_000_000, instance_type="h100", regions=("a", "b", "c"), mounts=("/d ata:s3://x",)
    )
    environ = {"FLOW_BUDGET": "6", "FLOW_REGION": "z", "FLOW_MAX_RUN_TIME": "1:00:00", "FLOW_IMAGE": ""}
    found = market.read(SCRIPT, environ, ["--budget=$7", "--max-price-per-hour", "2/gpu-h"])
    assert found.terms == script_only.model_copy(
        update={
            "budget_micro_usd": 7_000_000, "regions": ("z",), "max_run_time_s": 3600,
            "limit_price": LimitPrice(micro_usd_per_hour=2_000_000, per="gpu"),
        }
    )  # fmt: skip
    assert [(use.option.name, str(use.origin)) for use in found.uses][-4:] == [
        ("max-run-time", "FLOW_MAX_RUN_TIME"), ("region", "FLOW_REGION"), ("budget", "--budget=$7"),
        ("max-price-per-hour", "--max-price-per-hour"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "screen"),
    [
        (
            "#FLOW --budget=$5x",
            ["job.sh:2:18: --budget=$5x: unexpected 'x'", "    #FLOW --budget=$5x", "                     ^"],
        ),
        ("#FLOW --bugdet=5", ["job.sh:2:7: unrecognized option '--bugdet=5'"]),
        ("#FLOW five", ["job.sh:2:7: stray word five"]),
        ("#FLOW --image 'x", ["job.sh:2:15: Unmatched `'`"]),
    ],
)
def test_faults_have_a_place(line: str, screen: list[str]) -> None:
    with pytest.raises(DirectiveError) as caught:
        market.read(Script(f"#!/bin/sh\n{line}\n".encode(), "job.sh"), {})
    rows = caught.value.diagnosis.screen().split("\n")
    assert rows[0] == f"flow submit: {screen[0]}"
    assert caught.value.exit_code == 255


@given(st.text())
def test_any_text_is_money_or_refused(text: str) -> None:
    with contextlib.suppress(ValueSyntax):
        assert market.price(text).micro_usd_per_hour >= 0
