"""What may be spent is escrowed before it can be; what is over waits, or is stopped."""

from __future__ import annotations

from flowbatch.core.effects import PlaceBid, Stop, WithdrawBid
from flowbatch.spec.policy import PartitionTerms

HOUR_AT_10 = 18.666667
"""The worst case of an hour's run at $10 an hour, with all allowances."""
DAY = 86_400


def test_a_job_that_does_not_fit_waits_with_slurms_reason(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(40)),))
    first, second = desk.asked(), desk.asked()
    third = desk.submit()
    desk.passed()
    assert desk.says(third) == "pending AssocGrpBillingMinutes"
    desk.cancel(first)
    desk.gone(first)
    desk.passed()
    assert desk.says(third) == "pending Resources, asked"
    assert desk.bid(second).escrow_micro_usd == words.usd(HOUR_AT_10)


def test_an_accounts_budget_binds_its_jobs_alone(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(20), account="lab"),))
    desk.asked(account="lab")
    other = desk.asked(account="other")
    waits = desk.submit(account="lab")
    desk.passed()
    assert (desk.says(waits), desk.says(other)) == ("pending AssocGrpBillingMinutes", "pending Resources, asked")


def test_what_was_spent_counts_also_when_its_job_has_left(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(30)),))
    id = desk.run()
    desk.ended(id)
    desk.gone(id)
    desk.charged(id, 12, final=True)
    desk.passed(10_000)
    assert desk.queue.jobs == {}
    desk.restart()
    desk.seen()
    waits = desk.submit()
    desk.passed()
    assert desk.says(waits) == "pending AssocGrpBillingMinutes"


def test_a_days_budget_is_new_each_day(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(30), per="day"),))
    id = desk.run()
    desk.ended(id)
    desk.gone(id)
    desk.charged(id, 12, final=True)
    waits = desk.submit()
    desk.passed(1000)
    assert desk.says(waits) == "pending AssocGrpBillingMinutes"
    desk.at = DAY
    desk.seen()
    desk.passed()
    assert desk.says(waits) == "pending Resources, asked"


def test_escrow_counts_on_the_next_day_too(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(30), per="day"),))
    desk.at = DAY - 100
    desk.run()
    desk.at = DAY + 100
    waits = desk.submit()
    desk.passed()
    assert desk.says(waits) == "pending AssocGrpBillingMinutes"


def test_a_jobs_own_budget_shortens_its_run(desk, words):
    id = desk.asked(budget=words.usd(15))
    bid = desk.bid(id)
    assert bid.escrow_micro_usd <= words.usd(15)
    assert bid.run_limit_s == 15 * 360 - desk.policy.overhead_s
    assert bid.longest_s == 15 * 360
    desk.placed(id)
    desk.won(id)
    desk.passed()
    assert desk.job(id).state.ends_by == desk.now + bid.run_limit_s


def test_too_small_a_budget_waits(desk, words):
    id = desk.submit(budget=words.usd(8.7))
    desk.seen()
    desk.passed()
    assert desk.says(id) == "pending AssocMaxBillingMinutesPerJob"


def test_another_placement_has_what_the_first_left(desk, words):
    id = desk.run(budget=words.usd(30))
    desk.at = 1800
    desk.charged(id, 5)
    desk.ended(id, cause="preempted")
    desk.gone(id)
    desk.charged(id, 5, final=True)
    desk.passed()
    second = desk.bid(id)
    assert (second.number, second.run_limit_s) == (2, 3600)
    assert second.escrow_micro_usd <= words.usd(25)


def test_a_lost_bid_that_cannot_pay_again_is_withdrawn(desk, words):
    id = desk.run(budget=words.usd(20))
    desk.at = 1800
    desk.taken()
    desk.lost(id)
    assert WithdrawBid(id, 1) in desk.taken()
    assert desk.bid(id).escrow_micro_usd - words.usd(5) in (0, 1)
    desk.gone(id)
    desk.charged(id, 4, final=True)
    desk.passed()
    assert desk.bid(id).number == 2
    assert desk.bid(id).run_limit_s == 16 * 360 - desk.policy.overhead_s


def test_a_lost_bid_that_can_stays_on_the_market(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(40)),))
    id = desk.run()
    desk.at = 1800
    desk.taken()
    desk.lost(id)
    assert not [order for order in desk.taken() if isinstance(order, WithdrawBid)]
    assert desk.bid(id).escrow_micro_usd - words.usd(HOUR_AT_10) - words.usd(5) in (0, 1)
    second = desk.submit()
    desk.passed()
    assert desk.says(second) == "pending AssocGrpBillingMinutes"


def test_another_run_on_the_same_machine_is_escrowed_besides(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(HOUR_AT_10 + 2)),))
    id = desk.run()
    desk.at = 600
    desk.requeue(id)
    desk.ended(id, cause="killed")
    desk.passed()
    assert desk.says(id) == "running, won"
    assert desk.bid(id).escrow_micro_usd - words.usd(HOUR_AT_10) - words.usd(10 / 6) in (0, 1)
    desk.at = 1200
    desk.requeue(id)
    desk.ended(id, cause="killed")
    desk.passed()
    assert desk.says(id) == "pending Resources, withdrawn", "a third would be over the budget"


def test_a_run_whose_money_is_used_up_is_stopped(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(40), account="lab"),))
    id = desk.run(account="lab")
    desk.charged(id, 5)
    assert desk.says(id) == "running, won"
    desk.charged(id, 37.5)  # dearer than any law of the market allows
    assert desk.says(id) == "completing, won"
    assert desk.taken()[-1] == Stop(id, 0, "timeout")
    desk.ended(id, 15, cause="timeout")
    assert desk.says(id) == "finished TIMEOUT AssocGrpBillingMinutes, withdrawn"


def test_only_so_many_placements(desk_of):
    desk = desk_of(placements=2)
    id = desk.run()
    desk.lost(id)
    desk.taken()
    desk.won(id)
    desk.passed()
    desk.lost(id)
    assert WithdrawBid(id, 1) in desk.taken()
    desk.gone(id)
    desk.passed()
    assert desk.says(id) == "pending JobHoldMaxRequeue, gone"
    desk.configure(placements=3)
    desk.release(id)
    desk.passed()
    assert desk.taken() == [PlaceBid(id, 2)]


def test_a_new_lease_is_no_placement(desk_of):
    desk = desk_of(placements=1, queue_allowance_s=3600)
    id = desk.opened()
    desk.taken()
    desk.passed(3600)
    assert desk.taken() == [WithdrawBid(id, 1)]
    desk.gone(id)
    desk.passed()
    assert desk.taken() == [PlaceBid(id, 2)]


def test_a_partitions_account_binds_its_budget(desk_of, words):
    terms = tuple(PartitionTerms(partition=one.name, account="lab") for one in desk_of().cluster.partitions)
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(1), account="lab"),), partitions=terms)
    desk.seen()
    id = desk.submit()
    desk.passed()
    assert desk.says(id) == "pending AssocGrpBillingMinutes"
