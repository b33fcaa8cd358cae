"""`scontrol update`: another price, another time limit."""

from __future__ import annotations

import pytest

from flowbatch.core.effects import ChangeBid, PlaceBid, Stop, WithdrawBid


def test_another_price_moves_the_bid(desk, words):
    id = desk.opened()
    desk.taken()
    assert desk.update(id, limit=12) is None
    assert desk.taken() == [ChangeBid(id, 1)]
    assert (desk.bid(id).limit_micro_usd, desk.bid(id).escrow_micro_usd) == (words.usd(12), words.usd(22.4))
    assert desk.update(id, limit=3) is None
    assert (desk.bid(id).limit_micro_usd, desk.bid(id).escrow_micro_usd) == (words.usd(3), words.usd(22.4)), (
        "it may have won at the old price"
    )


def test_a_price_that_no_budget_bears_is_refused(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(20)),))
    id = desk.opened()
    assert desk.update(id, limit=12) == "ESLURM_ACCOUNTING_POLICY"
    assert desk.bid(id).limit_micro_usd == words.usd(10)


def test_a_job_that_waits_bids_at_the_new_price(desk, words):
    id = desk.submit()
    assert desk.update(id, limit=5) is None
    desk.seen()
    desk.passed()
    assert desk.bid(id).limit_micro_usd == words.usd(5)


def test_tasks_of_an_array_go_their_own_ways(desk, words):
    desk.submit(array=2)
    desk.seen()
    desk.passed()
    desk.update(2, limit=5)
    assert [desk.job(id).spec.market.limit_price.micro_usd_per_hour for id in (1, 2)] == [words.usd(10), words.usd(5)]
    assert desk.job(1).spec_id != desk.job(2).spec_id
    desk.update(2, limit=6)
    assert len({desk.job(1).spec_id, desk.job(2).spec_id}) == 2


def test_a_run_may_be_cut_short(desk):
    id = desk.run()
    assert desk.update(id, minutes=30) is None
    assert desk.job(id).state.ends_by == desk.now + 1800
    desk.taken()
    desk.passed(1800)
    assert desk.taken() == [Stop(id, 0, "timeout")]
    desk.ended(id, 15, cause="timeout")
    assert desk.says(id) == "finished TIMEOUT TimeLimit, withdrawn"


def test_a_run_is_not_made_longer(desk):
    id = desk.run()
    assert desk.update(id, minutes=90) == "ESLURM_ACCESS_DENIED"
    assert desk.update(id, minutes=90, by=0) == "ESLURM_NOT_SUPPORTED"


def test_a_job_that_waits_bids_anew_for_more_time(desk):
    id = desk.opened()
    desk.taken()
    assert desk.update(id, minutes=90) is None
    assert desk.taken() == [WithdrawBid(id, 1)]
    desk.gone(id)
    desk.passed()
    assert desk.taken() == [PlaceBid(id, 2)] and desk.bid(id).run_limit_s == 5400
    assert desk.update(id, minutes=20) is None
    assert desk.bid(id).run_limit_s == 1200 and desk.taken() == []
    assert desk.update(id, minutes=100_000) == "ESLURM_ACCESS_DENIED"


@pytest.mark.parametrize("change", [{"limit": 5}, {"minutes": 5}])
def test_who_may_not(desk, change):
    id = desk.run()
    assert desk.update(id, by=1001, **change) == "ESLURM_ACCESS_DENIED"
    assert desk.update(99, **change) == "ESLURM_INVALID_JOB_ID"
    desk.ended(id)
    assert desk.update(id, **change) == "ESLURM_JOB_FINISHED"
