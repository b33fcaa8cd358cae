from __future__ import annotations

import pytest

from flowbatch.core.market.plans import plans
from flowbatch.spec.policy import PartitionTerms
from flowbatch.spec.resources import FeatureTerm, Memory, NodeCount, Resources


@pytest.fixture
def plan(desk):
    """The plans of a job as (type and region in short, why not), best first; `seen` prices as `Desk.seen` takes them."""
    desk.seen()

    def make(desk=desk, partitions=(), **said):
        found = plans(desk.cluster, desk.queue.quotes, desk.spec(**said), partitions)
        return [(f"{one.instance_type[:4]}@{one.region[3:7]}", one.why_not) for one in found]

    return make


def test_cheapest_first_and_why_the_others_lost(plan):
    assert plan() == [
        ("a100@east", None),
        ("a100@west", "dearer: $5.00"),
        ("cpu.@east", "8 GPUs asked, has 0"),
        ("h100@west", "GPUs of no model are a100 here"),
    ]


def test_a_model_that_is_named_is_the_model(plan, words):
    assert plan(resources=words.gpus(8, "h100"), limit=words.per_hour(13)) == [
        ("h100@west", None),
        ("cpu.@east", "h100 asked, has no GPU"),
        ("a100@east", "h100 asked, has a100"),
        ("a100@west", "h100 asked, has a100"),
    ]


def test_the_default_model_gives_way_to_what_else_is_said(plan, words):
    constraint = Resources(gres=words.gpus(8).gres, constraint=FeatureTerm(name="h100"), constraint_text="h100")
    assert plan(resources=constraint, limit=None)[0] == ("h100@west", None)
    assert plan(type="8xh100", limit=None)[0] == ("h100@west", None)


def test_without_gpus_anything_cheap_will_do(plan):
    assert plan(resources=Resources(ntasks=4))[0] == ("cpu.@east", None)


def test_what_is_too_dear_or_all_taken_comes_behind(desk, plan, words):
    desk.seen({(words.a100, words.east): 10.5, (words.a100, words.west): (5.0, 0)})
    assert plan()[:2] == [("a100@west", "no capacity"), ("a100@east", "price $10.50 above the cap $10.00")]
    assert plan(limit=words.per_hour(4))[:2] == [
        ("a100@west", "price $5.00 above the cap $4.00"), ("a100@east", "price $10.50 above the cap $4.00"),
    ]  # fmt: skip


def test_before_prices_are_known(desk_of, plan):
    assert plan(desk=desk_of())[:2] == [
        ("a100@east", "its price is not known"),
        ("a100@west", "its price is not known"),
    ]


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        (Resources(ntasks=500), "500 CPUs asked, has 200"),
        (Resources(memory=Memory(per="node", mib=900_000)), "900000 MiB of memory asked, has 800000"),
        (Resources(tmp_mib=600_000), "600000 MiB of disk asked, has 500000"),
        (Resources(constraint=FeatureTerm(name="us-west1-b")), "the constraint asks for something else"),
        (Resources(nodes=NodeCount(minimum=2, maximum=2)), "2 nodes asked"),
        (Resources(exclude=tuple(f"us-east1-a-8xa100-{n}" for n in range(1, 17))), "its nodes are excluded"),
        (Resources(nodelist=("us-west1-b-8xa100-1",)), "us-west1-b-8xa100-1 asked"),
    ],
)
def test_why_an_instance_would_not_do(plan, resources, why):
    assert dict(plan(resources=resources))["a100@east"] == why


def test_places_that_were_asked_for(plan):
    assert dict(plan(regions=("us-west1-b",)))["a100@east"] == "us-west1-b asked"
    assert dict(plan(type="4xa100"))["a100@east"] == "4xa100 asked"


def test_the_limit_price_is_the_jobs_then_its_partitions_then_its_accounts_then_the_models(desk_of, words):
    terms = PartitionTerms(partition="q", limit_price=words.per_hour(9))
    gpu_hour = words.per_hour(1.5).model_copy(update={"per": "gpu"})
    desk = desk_of(partitions=(terms,), account_limit_prices=(("lab", words.per_hour(7)),))

    def limits(partition, **said):
        found = plans(desk.cluster, None, desk.spec(**said), (partition,))
        return {one.instance_type[:4]: one.limit_micro_usd / 1_000_000 for one in found}

    assert limits("q", limit=words.per_hour(3), account="lab")["a100"] == 3
    assert limits("market", limit=gpu_hour) == {"a100": 12, "h100": 12, "cpu.": 1.5}
    assert limits("q", limit=None, account="lab")["a100"] == 9
    assert limits("market", limit=None, account="lab")["a100"] == 7
    assert limits("market", limit=None) == {"a100": 64, "h100": 98.32, "cpu.": 8}


def test_what_it_costs_at_worst(desk, words):
    first = plans(desk.cluster, None, desk.spec(time_limit_min=60), ())[0]
    hours = (3600 + desk.policy.overhead_s) / 3600
    assert first.run_limit_s == 3600
    assert first.worst_micro_usd == round(words.usd(10) * hours + 0.4999)
    short = plans(desk.cluster, None, desk.spec(time_limit_min=60, longest=90), ())[0]
    assert short.run_limit_s == 90


def test_a_cluster_that_rents_nothing_has_no_plans(desk):
    with pytest.raises(ValueError, match="rents nothing"):
        plans(desk.cluster.model_copy(update={"market": None}), None, desk.spec(), ())
