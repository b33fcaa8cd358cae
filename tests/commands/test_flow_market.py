"""What `flow` tells of a cluster that rents its machines: why jobs wait, what they cost, prices, plans, the way in."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from flowbatch.commands.flow import flow_cost, flow_door, flow_explain, flow_jobs, flow_metrics, flow_plan, flow_pricing
from flowbatch.commands.flow.flow_bids import Market, ago
from flowbatch.commands.flow.flow_results import Costs, DryRun, Prices, read_jobs
from flowbatch.core.bids import Bid
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.market.cloud import Shape, cloud
from flowbatch.core.ports import Door, Snapshot
from flowbatch.core.quotes import Quote, Quotes
from flowbatch.core.states import Allocation, Completing, Ending, Finished, NodeShare, Pending, Running
from flowbatch.spec.job import JobSpec
from flowbatch.spec.market import LimitPrice, MarketTerms
from flowbatch.spec.policy import Budget, MarketPolicy, PartitionTerms
from flowbatch.units import rounded

DAY_ = 86_400
NOW = 20_000 * DAY_ + 3_600
USD = 1_000_000
A100, H100, EAST, WEST = "a100-80gb.sxm.8x", "h100-80gb.sxm.8x", "us-east1-a", "us-west1-b"
OWNER = Owner(0, 0, "root", "root", "vm")
HELD = Allocation("market", (NodeShare("us-east1-a-8xa100-1", 200),))


def shape(name: str, region: str, gpu: str) -> Shape:
    return Shape(name, f"it_{name[:4]}", region, gpu, 8, 80, 200, 800_000, 500_000, capacity=4)


SHAPES = (shape(A100, EAST, "a100"), shape(A100, WEST, "a100"), shape(H100, WEST, "h100"))
POLICY = MarketPolicy(
    default_time_s=3600,
    budgets=(Budget(micro_usd=50 * USD, account="lab"), Budget(micro_usd=500 * USD, per="day")),
    partitions=(PartitionTerms(partition="old", gpu="h100", limit_price=LimitPrice(micro_usd_per_hour=9 * USD)),),
)
CLUSTER = cloud("sandbox", POLICY, SHAPES)
QUOTES = Quotes(
    NOW - 30,
    {
        (A100, EAST): Quote(A100, EAST, 1_820_000, 500_000, 4),
        (A100, WEST): Quote(A100, WEST, 5_000_000, 0, 0),
        (H100, WEST): Quote(H100, WEST, 12_000_000, 0, 2),
    },
)


def bid(number: int = 1, **more: Any) -> Bid:
    fields: dict[str, Any] = {
        "number": number, "node": "us-east1-a-8xa100-1", "instance_type": A100, "region": EAST,
        "limit_micro_usd": 1_500_000, "escrow_micro_usd": 2_000_000, "asked_at": NOW - 200,
        "lease_ends_at": NOW + DAY_, "run_limit_s": 3600, "phase": "open", "since": NOW - 120, "fid": f"bid_{number}",
    }  # fmt: skip
    return Bid(**{**fields, **more})


def job(id: int, state: Any, *bids: Bid, account: str | None = None, **terms: Any) -> Job:
    spec = JobSpec(name="train", work_dir="/w", time_limit_min=60, account=account, market=MarketTerms(**terms))
    return Job(id, spec, id, id, OWNER, state, NOW - 300, 1, partitions=("market",), bids=bids)


def seen(*jobs: Job, **more: Any) -> Snapshot:
    return Snapshot(NOW, CLUSTER, jobs, {}, quotes=QUOTES, **more)


RESOURCES = Pending("Resources")


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (job(1, RESOURCES, bid()), "outbid: cap $1.50, price $1.82 in us-east1-a"),
        (job(1, RESOURCES, bid(limit_micro_usd=2 * USD)), "bid open since 2 min in us-east1-a at up to $2.00/h"),
        (
            job(1, RESOURCES, bid(limit_micro_usd=6 * USD, region=WEST)),
            "bid open since 2 min in us-west1-b at up to $6.00/h, no capacity",
        ),
        (job(1, RESOURCES, bid(phase="asked")), "bidding in us-east1-a at up to $1.50/h"),
        (job(1, Pending("JobHeldUser"), bid(paused=True)), "bid paused in us-east1-a"),
        (job(1, RESOURCES, bid(phase="won")), "won in us-east1-a"),
        (job(1, RESOURCES, bid(phase="withdrawn")), "its bid in us-east1-a is being withdrawn"),
        (
            job(1, Pending(), bid(phase="leaving", leaves_at=NOW + 40)),
            "preempted in us-east1-a: its machine leaves in 40 s; bidding on",
        ),
        (
            job(1, RESOURCES, bid(phase="gone", why="limit price below minimum price")),
            "the market refused bid 1: limit price below minimum price",
        ),
        (job(1, RESOURCES), "about to bid"),
        (job(1, Pending("Dependency")), None),
        (
            job(1, Running(NOW - 20, HELD, None), bid(phase="won")),
            "booting in us-east1-a at $1.82/h since 20 s",
        ),
        (
            job(1, Running(NOW - 20, HELD, None, True), bid(phase="won", spent_micro_usd=12_345)),
            "us-east1-a at $1.82/h, $0.01 so far",
        ),
        (
            job(1, Running(NOW - 20, HELD, None, True), bid(phase="leaving", leaves_at=NOW + 300)),
            "preempted in us-east1-a: it is told to save, its machine leaves in 5 min",
        ),
        (
            job(1, Completing(NOW - 20, HELD, NOW, Ending("COMPLETED")), bid(phase="won")),
            "ending in us-east1-a; its results are brought back",
        ),
        (
            job(1, Finished(NOW, Ending("COMPLETED")), bid(phase="gone", spent_micro_usd=4_234, settled=True)),
            "cost $0.0042",
        ),
        (job(1, Finished(NOW, Ending("COMPLETED")), bid(phase="gone", spent_micro_usd=2 * USD)), "cost $2.00 so far"),
        (
            job(1, Pending("AssocMaxBillingMinutesPerJob"), budget_micro_usd=1_000_000),
            "over its own budget: $1.00 left, worst case $56.53 for a minute of it",
        ),
    ],
)  # fmt: skip
def test_a_reason_that_a_person_understands(one: Job, says: str | None) -> None:
    found = Market.of(seen(one))
    assert found is not None and found.says(one) == says


def test_over_budget_names_the_account_and_what_is_left() -> None:
    waits = job(2, Pending("AssocGrpBillingMinutes"), account="lab")
    shot = seen(waits, departed={("lab", 20_000): 46_800_000})
    found = Market.of(shot)
    assert found is not None
    assert found.says(waits) == "over budget: account lab has $3.20 of $50.00 left, worst case $119.47"


@pytest.mark.parametrize(
    ("micro_usd", "text"),
    [
        (0, "$0.00"), (4_234, "$0.0042"), (223, "$0.00022"), (9_960, "$0.01"), (12_345_678, "$12.35"), (7, "$0.000007"),
        (10_000, "$0.01"), (-4_234, "-$0.0042"), (994_999, "$0.99"), (1_005_000, "$1.01"),
    ],
)  # fmt: skip
def test_money_to_the_cent_or_to_two_figures(micro_usd: int, text: str) -> None:
    assert rounded(micro_usd) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (60, "1 min"), (7199, "119 min"), (7200, "2 h"), (3 * DAY_, "3 d")]
)
def test_lengths_of_time(seconds: int, text: str) -> None:
    assert ago(seconds) == text


def test_status_tells_bids_and_money(caller: Any, fixed_queue: Any) -> None:
    lost = bid(1, phase="gone", spent_micro_usd=1_500_000, settled=True, escrow_micro_usd=0, wins=2)
    queue = fixed_queue(seen(job(7, RESOURCES, lost, bid(2), budget_micro_usd=9 * USD)))
    said = caller.run(flow_jobs.job, queue, "7")
    assert "cost       $1.50 so far, $3.50 at most, of a budget of $9.00" in said.out
    assert "state      PENDING (Resources)\nmarket     outbid: cap $1.50, price $1.82 in us-east1-a\n" in said.out
    assert [line.split()[:3] for line in said.out.splitlines() if " bid_" in line] == [["1", "bid_1", "gone"], ["2", "bid_2", "open"]]  # fmt: skip
    (one,) = read_jobs(caller.run(flow_jobs.job, queue, "--json", "7").out.encode())
    assert one.market is not None and (one.market.spent_micro_usd, one.market.worst_micro_usd) == (1_500_000, 3_500_000)
    assert [each.price_micro_usd for each in one.market.bids] == [None, 1_820_000] and one.cluster == "sandbox"


def test_a_job_is_found_on_the_cluster_that_has_it(caller: Any, fixed_queue: Any) -> None:
    market = fixed_queue(seen(job(7, RESOURCES, bid())))
    home = fixed_queue(
        Snapshot(NOW, CLUSTER.model_copy(update={"name": "local", "market": None}), (job(8, RESOURCES),), {})
    )
    both = replace(caller, others=(market,))
    assert "cluster    sandbox" in both.run(flow_jobs.job, home, "7").out
    assert both.run(flow_jobs.job, home, "--clusters=local", "7").err.startswith("flow: there is no job 7")
    assert both.run(flow_jobs.job, home, "--clusters=elsewhere", "7").err == (
        "flow: there is no cluster elsewhere\nhint: there are: local, sandbox\n"
    )
    listed = both.run(flow_jobs.jobs, home).out.splitlines()
    assert [line.split()[:2] for line in listed] == [["CLUSTER", "JOB"], ["local", "8"], ["sandbox", "7"]]


PAID = (
    job(1, Finished(NOW, Ending("COMPLETED")), bid(phase="gone", settled=True, escrow_micro_usd=0, wins=2,
        spent_micro_usd=3_000_000, by_day=((19_999, 1_000_000), (20_000, 2_000_000))), account="lab"),
    job(2, RESOURCES, bid(by_day=((20_000, 500),), spent_micro_usd=500)),
    job(3, RESOURCES),
)  # fmt: skip


def test_cost_by_job(caller: Any, fixed_queue: Any) -> None:
    said = caller.run(flow_cost.cost, fixed_queue(seen(*PAID)))
    assert [line.split() for line in said.out.splitlines()] == [
        ["JOB", "NAME", "ACCOUNT", "STATE", "BIDS", "RUNS", "COST"],
        ["1", "train", "lab", "COMPLETED", "1", "2", "$3.00"],
        ["2", "train", "PENDING", "1", "0", "$0.0005", "so", "far,", "$2.00", "at", "most"],
        ["TOTAL", "$3.00", "so", "far"],
    ]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["--by=day"], [("2024-10-03", 1_000_000), ("2024-10-04", 2_000_500)]),
        (["--by=account"], [("(none)", 500), ("lab", 3_000_000)]),
        (["--by=account", "--since=today"], [("(none)", 500), ("lab", 2_000_000)]),
        (["--since=2024-10-04"], [("1", 2_000_000), ("2", 500)]),
        (["--by=day", "--since=1d"], [("2024-10-03", 1_000_000), ("2024-10-04", 2_000_500)]),
    ],
)
def test_sums_of_cost(caller: Any, fixed_queue: Any, words: list[str], rows: list[tuple[str, int]]) -> None:
    costs = Costs.read(json.loads(caller.run(flow_cost.cost, fixed_queue(seen(*PAID)), "--json", *words).out))
    assert [(row.what, row.micro_usd) for row in costs.rows] == rows
    assert costs.micro_usd == sum(micro_usd for _, micro_usd in rows) and not costs.settled


def test_a_sum_that_is_none(caller: Any, fixed_queue: Any) -> None:
    said = caller.run(flow_cost.cost, fixed_queue(seen()), "--since=yesterday")
    assert (said.code, said.err.splitlines()[0]) == (1, "flow: --since=yesterday: no day")
    assert caller.run(flow_cost.cost, fixed_queue(seen())).out == "nothing was rented\n"


def test_prices(caller: Any, fixed_queue: Any) -> None:
    said = caller.run(flow_pricing.pricing, fixed_queue(seen()))
    assert [line.split() for line in said.out.splitlines()][1:4] == [
        [A100, "8", "a100", EAST, "$1.82", "$0.2275", "$0.50", "4", "$64.00"],
        [A100, "8", "a100", WEST, "$5.00", "$0.625", "0", "$64.00"],
        [H100, "8", "h100", WEST, "$12.00", "$1.50", "2", "$98.32"],
    ]
    assert said.out.endswith("\nthe last change was 30 s ago\n")
    prices = Prices.read(json.loads(caller.run(flow_pricing.pricing, fixed_queue(seen()), "--json", "8xh100").out))
    assert [(row.instance_type, row.price_micro_usd) for row in prices.rows] == [(H100, 12_000_000)]
    none = caller.run(flow_pricing.pricing, fixed_queue(seen()), "--region=mars", "h100")
    assert (none.code, none.err.splitlines()[0]) == (1, "flow: the market does not offer h100 in mars")


def test_without_a_market_there_are_no_prices(caller: Any, fixed_queue: Any) -> None:
    home = fixed_queue(Snapshot(NOW, CLUSTER.model_copy(update={"market": None}), (), {}))
    said = caller.run(flow_pricing.pricing, home)
    assert said.code == 1 and "flow sandbox start" in said.err


@pytest.fixture
def plan(caller: Any, live_queue: Any) -> Any:
    """flow-plan of a script of these lines with these words, on the market as it was seen."""

    def run(*words: str, lines: str = "", jobs: tuple[Job, ...] = (), command: Any = flow_plan.plan) -> Any:
        queue = live_queue(CLUSTER, NOW)
        queue._snapshot = seen(*jobs)
        queue.queue.quotes = QUOTES
        script = f"#!/bin/sh\n{lines}\nhostname\n".encode()
        files = {"job.sh": script, "/w/job.sh": script}
        return replace(caller, files=files, cwd="/w").run(command, queue, *words)

    return run


def planned(said: Any) -> DryRun:
    assert (said.code, said.err) == (0, "")
    return DryRun.read(json.loads(said.out))


def test_a_plan_takes_the_cheapest_and_says_why_not_the_others(plan: Any) -> None:
    done = planned(plan("--json", "--", "job.sh", "-t", "60"))
    assert done.start == "now" and done.chosen is not None
    assert (done.chosen.instance_type, done.chosen.region, done.chosen.price_micro_usd) == (A100, EAST, 1_820_000)
    assert (
        done.chosen.limit_micro_usd == 64_000_000 and done.chosen.limit_from == "the default for a100: $8.00 a GPU-hour"
    )
    assert done.chosen.run_limit_s == 3600 and done.chosen.worst_micro_usd == -(
        -64_000_000 * done.chosen.longest_s // 3600
    )
    assert {(row.instance_type, row.region): row.why_not for row in done.plans} == {
        (H100, WEST): "dearer: $12.00", (A100, WEST): "no capacity",
    }  # fmt: skip
    assert [(one.whose, one.left_micro_usd) for one in done.budgets] == [("everybody today", 500 * USD)]


@pytest.mark.parametrize(
    ("words", "lines", "start", "limit", "source"),
    [
        (["--limit-price", "$1.50/h"], "", "price", 1_500_000, "said by --limit-price"),
        ([], "#FLOW --limit-price=$2", "now", 2_000_000, "said by job.sh:2:21"),
        (["-p", "old"], "", "price", 9_000_000, "of partition old"),
        (["-i", "8xh100"], "", "now", 98_320_000, "the default for h100: $12.29 a GPU-hour"),
        (["--region", WEST, "--gres=gpu:a100:8"], "", "capacity", 64_000_000, "the default for a100: $8.00 a GPU-hour"),
    ],
)
def test_where_a_limit_comes_from(plan: Any, words: list[str], lines: str, start: str, limit: int, source: str) -> None:
    done = planned(plan("--json", "--", "job.sh", *words, lines=lines))
    assert done.chosen is not None
    assert (done.start, done.chosen.limit_micro_usd, done.chosen.limit_from) == (start, limit, source)


def test_a_budget_shortens_the_run_and_an_account_s_makes_it_wait(plan: Any) -> None:
    own = planned(plan("--json", "--", "job.sh", "--budget", "$60"))
    assert own.chosen is not None and own.chosen.run_limit_s < 3600 and own.chosen.worst_micro_usd <= 60 * USD
    said = plan("--", "job.sh", "-A", "lab", "--limit-price", "30")
    assert "it waits, over budget: account lab has $50.00 of $50.00 left, worst case $56.00" in said.out
    assert "budget account lab  " in said.out and "machine" not in said.out


def test_a_plan_for_a_reader(plan: Any) -> None:
    said = plan("--", "job.sh", "--gpus=8", "-a", "1-3")
    assert said.out.splitlines()[0].split(None, 1) == ["job", "job.sh on cluster sandbox (3 tasks, each)"]
    assert "\nmachine" in said.out and "GPUs of no model are a100 here" in said.out


def test_a_plan_that_is_refused(plan: Any) -> None:
    said = plan("--", "job.sh", "-N", "2")
    assert said.code == 1 and said.out == "" and "not built yet" in said.err


def test_terms_of_the_market_are_honoured_on_it(plan: Any) -> None:
    said = plan("--json", "--", "job.sh", "--budget=5", "--image=x", command=flow_explain.explain)
    found = {one["option"]: one["verdict"] for one in json.loads(said.out)["directives"]}
    assert found == {"--budget": "honoured", "--image": "honoured"}


WAY = Door("host", 2222, "ubuntu", "flowbatch-a-7-1", "/k", "/h", "ann")


@pytest.mark.parametrize(
    ("state", "way", "said"),
    [
        (Running(NOW, HELD, None, True), WAY, None),
        (Running(NOW, HELD, None), None, "flow: the machine of job 7 cannot be reached yet"),
        (RESOURCES, None, "flow: job 7 has no machine: it is PENDING (Resources)"),
        (Finished(NOW, Ending("COMPLETED")), None, "flow: job 7 has no machine: it is COMPLETED"),
    ],
)
def test_the_way_to_a_machine(caller: Any, fixed_queue: Any, state: Any, way: Door | None, said: str | None) -> None:
    queue = fixed_queue(seen(job(7, state, bid(phase="won"))))

    async def door(job_id: int) -> Door | None:
        return way

    queue.door = door
    done = caller.run(flow_door.door, queue, "7")
    if said is None:
        assert json.loads(done.out)["host"] == "host" and json.loads(done.out)["work_dir"] == "/w"
    else:
        assert (done.code, done.err.splitlines()[0]) == (1, said)


def test_the_controller_in_numbers(caller: Any, fixed_queue: Any) -> None:
    """As Prometheus reads it: each family once, its samples under it."""
    running = Running(NOW - 60, HELD, NOW + 60, launched=True)
    said = caller.run(
        flow_metrics.metrics,
        fixed_queue(
            seen(
                job(1, RESOURCES, bid(), account="lab"),
                job(2, running, bid(2, by_day=((20_000, 1_250_000),), spent_micro_usd=1_250_000)),
            )
        ),
    ).out
    assert 'flowbatch_jobs{cluster="sandbox",state="PENDING"} 1\n' in said
    assert 'flowbatch_jobs{cluster="sandbox",state="RUNNING"} 1\n' in said
    assert 'flowbatch_market_bids{cluster="sandbox"} 2\n' in said
    assert 'flowbatch_market_spent_dollars{cluster="sandbox",account=""} 1.25\n' in said
    assert 'flowbatch_market_escrow_dollars{cluster="sandbox",account="lab"} 2.0\n' in said
    names = re.findall(r"^# TYPE (\S+) gauge$", said, re.MULTILINE)
    assert len(names) == len(set(names))
    sample = re.compile(r'[a-z_]+\{(?:[a-z]+="[^"\n]*"(?:,(?=[a-z]))?)*\} [0-9.]+')
    assert all(sample.fullmatch(line) for line in said.splitlines() if not line.startswith("#")), said


def test_a_label_may_say_anything() -> None:
    family = flow_metrics.Family("x", "y")
    said = flow_metrics.text([(family, {"a": 'q"u\\o\nte'}, 1)])
    assert said == '# HELP x y\n# TYPE x gauge\nx{a="q\\"u\\\\o\\nte"} 1\n'
