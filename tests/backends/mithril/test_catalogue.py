"""The catalogue as shapes: kept on disk, steady while the market goes up and down."""

from __future__ import annotations

import json

import pytest

from flowbatch.backends.mithril import wire
from flowbatch.backends.mithril.catalogue import KEPT_S, Catalogue, model
from flowbatch.core.market.cloud import MACHINES
from flowbatch.spec.policy import MarketPolicy
from tests.backends.mithril.pretended import A100, EAST, H100, WEST, instance_type

NOW = 1_000_000_000


def kind(*words, **more) -> wire.InstanceType:
    return wire.InstanceType.model_validate(instance_type(*words, **more))


def auction(fid=A100, region=WEST, price="$4.00", capacity=4) -> wire.Auction:
    return wire.Auction(
        fid=f"auc_{fid}_{region}", instance_type=fid, region=region, capacity=capacity, last_instance_price=price
    )


TYPES = [kind(A100, "a100-80gb.sxm.8x", "A100"), kind(H100, "h100-80gb.sxm.8x", "H100")]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cluster" / "catalogue.json"


@pytest.fixture
def catalogue(file):
    return Catalogue("mithril", MarketPolicy(), file)


def test_a_type_as_a_shape(catalogue):
    assert catalogue.learn(TYPES, [auction()], NOW)
    (shape,) = catalogue.shapes
    assert (shape.instance_type, shape.fid, shape.region, shape.gpu, shape.gpus) == (
        "a100-80gb.sxm.8x",
        A100,
        WEST,
        "a100",
        8,
    )
    assert (shape.cpus, shape.ram_mib, shape.disk_mib) == (208, 1520 * 1024, 1000 * 1024)
    assert shape.interconnect == "InfiniBand"
    assert catalogue.cluster.node(f"{WEST}-8xa100-1").cloud.fid == A100


@pytest.mark.parametrize(
    ("gpu_type", "name", "word"),
    [
        ("H100", "h100-80gb.sxm.8x", "h100"), ("NVIDIA H100 80GB HBM3", "x", "h100"), ("B200", "neb-b200.sxm.8x", "b200"),
        ("", "a100-80gb.sxm.1x", "a100"), ("", "h200.8x", "h200"), ("A100-80GB", "x", "a100"), ("RTX-6000-Ada", "x", "rtx-6000-ada"),
    ],
)  # fmt: skip
def test_models(gpu_type, name, word):
    assert model(kind("it_1", name, gpu_type)) == word


def test_capacity_that_falls_takes_no_node_away(catalogue):
    catalogue.learn(TYPES, [auction(capacity=40)], NOW)
    assert len(catalogue.cluster.nodes) == 40
    assert not catalogue.learn(TYPES, [auction(capacity=3)], NOW + 1)
    assert len(catalogue.cluster.nodes) == 40
    assert catalogue.learn(TYPES, [auction(capacity=41)], NOW + 2)


def test_the_cluster_is_made_when_it_changes_and_not_when_it_is_asked_for(catalogue):
    catalogue.learn(TYPES, [auction()], NOW)
    before = catalogue.cluster
    assert catalogue.cluster is before
    catalogue.policy = MarketPolicy(default_time_s=60)
    assert catalogue.cluster.partitions != before.partitions
    catalogue.learn(TYPES, [auction(capacity=40)], NOW)
    assert len(catalogue.cluster.nodes) == 40


def test_a_small_market_has_room_for_a_queue(catalogue):
    catalogue.learn(TYPES, [auction(capacity=0)], NOW)
    assert len(catalogue.cluster.nodes) == MACHINES


def test_what_is_not_offered_any_more_stays_for_its_jobs(catalogue):
    catalogue.learn(TYPES, [auction(), auction(H100)], NOW)
    assert not catalogue.learn(TYPES, [auction()], NOW + KEPT_S - 1)
    assert catalogue.learn(TYPES, [auction()], NOW + KEPT_S)
    assert [shape.fid for shape in catalogue.shapes] == [A100]


def test_it_is_kept_on_disk(catalogue, file):
    catalogue.learn(TYPES, [auction(), auction(region=EAST)], NOW)
    again = Catalogue("mithril", MarketPolicy(), file)
    assert again.cluster == catalogue.cluster
    assert again.fid("a100-80gb.sxm.8x", EAST) == A100
    assert [each.name for each in file.parent.iterdir()] == ["catalogue.json"]


@pytest.mark.parametrize("text", ["", "{", "[1]", json.dumps({"x": [{"fid": 1}, "now"]})])
def test_a_file_that_cannot_be_read_is_no_catalogue(catalogue, file, text):
    file.parent.mkdir()
    file.write_text(text)
    assert Catalogue("mithril", MarketPolicy(), file).shapes == []


def test_a_disk_that_is_full_costs_the_copy_alone(catalogue, file):
    file.mkdir(parents=True)
    assert catalogue.learn(TYPES, [auction()], NOW)
    assert len(catalogue.shapes) == 1


def test_of_several_ids_the_one_with_most_to_give(catalogue):
    other = "it_XqgKWbhZ5gznAYsG"
    types = [*TYPES, kind(other, "a100-80gb.sxm.8x", "A100")]
    catalogue.learn(types, [auction(capacity=1), auction(other, capacity=2)], NOW)
    assert catalogue.fid("a100-80gb.sxm.8x", WEST) == other
    catalogue.see([auction(capacity=2, price="$3.00"), auction(other, capacity=2)])
    assert catalogue.fid("a100-80gb.sxm.8x", WEST) == A100
    assert catalogue.fid("a100-80gb.sxm.8x", EAST) is None
