from __future__ import annotations

from flowbatch.core.market.cloud import MACHINES, MOST_MACHINES, cloud, names_type
from flowbatch.slurm import hostlist
from flowbatch.spec.policy import MarketPolicy, PartitionTerms


def test_a_node_for_each_instance_that_could_be_had(desk):
    names = [node.name for node in desk.cluster.nodes]
    assert len(set(names)) == len(names)
    assert hostlist.fold_sorted(names) == ",".join(
        f"{stem}-[1-{MACHINES}]"
        for stem in ("us-east1-a-16cpu", "us-east1-a-8xa100", "us-west1-b-8xa100", "us-west1-b-8xh100")
    )
    node = desk.cluster.node("us-east1-a-8xa100-1")
    assert node is not None and node.cloud is not None
    assert (node.cpus, node.real_memory, node.weight) == (200, 800_000, 1)
    assert [(one.name, one.type, one.count) for one in node.gres] == [("gpu", "a100", 8)]
    assert {"us-east1-a", "a100", "8xa100", "a100-80gb.sxm.8x", "80gb", "sxm", "ib", "infiniband"} <= set(node.features)
    assert (node.cloud.instance_type, node.cloud.region) == ("a100-80gb.sxm.8x", "us-east1-a")


def test_more_capacity_more_nodes(desk_of, words):
    desk = desk_of(shapes=(words.shape(words.a100, words.east, "a100", 8, capacity=40),))
    assert len(desk.cluster.nodes) == 40


def test_no_capacity_fills_our_memory(desk_of, words):
    desk = desk_of(shapes=(words.shape(words.a100, words.east, "a100", 8, capacity=10**6),))
    assert len(desk.cluster.nodes) == MOST_MACHINES


def test_the_order_of_the_catalogue_does_not_matter(words):
    assert cloud("m", MarketPolicy(), words.shapes) == cloud("m", MarketPolicy(), words.shapes[::-1])


def test_two_types_of_one_size_have_names_of_their_own(words):
    shapes = [words.shape(name, "r", "h100", 8) for name in ("h100-80gb.sxm.8x_104cpu", "h100-80gb.sxm.8x")]
    names = {n.cloud.instance_type: n.name for n in cloud("m", MarketPolicy(), shapes).nodes if n.name.endswith("-1")}
    assert names == {"h100-80gb.sxm.8x": "r-8xh100-1", "h100-80gb.sxm.8x_104cpu": "r-h100-80gb-sxm-8x-104cpu-1"}


def test_one_type_under_two_ids_is_one(words):
    twice = (words.shape(words.a100, "r", "a100", 8), words.shape(words.a100, "r", "a100", 8, capacity=20))
    assert len(cloud("m", MarketPolicy(), twice).nodes) == 20


def test_partitions_are_what_the_policy_says(desk_of, words):
    desk = desk_of(
        partitions=(
            PartitionTerms(partition="h100q", gpu="H100"),
            PartitionTerms(partition="west", regions=(words.west,)),
            PartitionTerms(partition="big", instance_type="8xa100"),
            PartitionTerms(partition="none", gpu="b200"),
        ),
        default_time_s=7200,
        max_time_s=86_400,
    )
    found = {p.name: {name.rpartition("-")[0] for name in p.nodes} for p in desk.cluster.partitions}
    assert found == {
        "market": {"us-east1-a-8xa100", "us-west1-b-8xa100", "us-west1-b-8xh100", "us-east1-a-16cpu"},
        "h100q": {"us-west1-b-8xh100"},
        "west": {"us-west1-b-8xa100", "us-west1-b-8xh100"},
        "big": {"us-east1-a-8xa100", "us-west1-b-8xa100"},
        "none": set(),
    }
    assert desk.cluster.default_partition.name == "market"
    assert {(p.default_time_min, p.max_time_min, p.over_subscribe) for p in desk.cluster.partitions} == {
        (120, 1440, "EXCLUSIVE")
    }
    assert desk.cluster.requeue_delay_s == 0 and desk.cluster.job_requeue and desk.cluster.obliging


def test_the_default_partition_may_have_terms_too(desk_of):
    desk = desk_of(partitions=(PartitionTerms(partition="market", gpu="h100"),))
    (partition,) = desk.cluster.partitions
    assert partition.default and all("h100" in name for name in partition.nodes)


def test_a_type_may_be_written_in_many_ways(desk):
    place = desk.cluster.node("us-east1-a-8xa100-1").cloud
    for text in ("a100-80gb.sxm.8x", "8xa100", "A100:8", "a100x8", "a100", "it_a100"):
        assert names_type(text, place), text
    for text in ("4xa100", "8xh100", "a100:4", "h100", "it_h100"):
        assert not names_type(text, place), text


def test_limits_are_whole_minutes(words):
    policy = MarketPolicy(default_time_s=90, max_time_s=150)
    (partition,) = cloud("m", policy, words.shapes).partitions
    assert (partition.default_time_min, partition.max_time_min) == (2, 2)
