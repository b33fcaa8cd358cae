"""The catalogue holds what the published API and its client need."""

from __future__ import annotations

import re

from flowbatch.sandbox.market.catalogue import CENT, INSTANCE_TYPES, OFFERS, REGIONS, TYPES


def test_ids_are_the_markets_and_unique() -> None:
    assert len(TYPES) == len(INSTANCE_TYPES)
    assert all(re.fullmatch("it_[A-Za-z0-9]{16}", row.fid) for row in INSTANCE_TYPES)


def test_every_type_is_offered_somewhere_and_nothing_unknown_is() -> None:
    assert {offer.instance_type for offer in OFFERS} == set(TYPES)
    assert {offer.region for offer in OFFERS} == set(REGIONS)
    assert len({(offer.instance_type, offer.region) for offer in OFFERS}) == len(OFFERS)


def test_machines_with_gpus_say_which() -> None:
    for row in INSTANCE_TYPES:
        assert bool(row.gpu_type) == bool(row.gpu_memory_gb) == bool(row.num_gpus), row
        assert (row.network_type is None) == (row.ib_count == 0), row


def test_prices_are_whole_cents_above_the_floor() -> None:
    for offer in OFFERS:
        assert 0 < offer.floor_micro_usd < offer.usual_micro_usd
        assert offer.floor_micro_usd % CENT == offer.usual_micro_usd % CENT == 0


def test_what_the_vendors_client_asks_for_by_itself() -> None:
    offered = {(TYPES[o.instance_type].num_gpus, TYPES[o.instance_type].gpu_type) for o in OFFERS}
    assert {(8, "H100"), (8, "H200"), (8, "A100"), (0, "")} <= offered
