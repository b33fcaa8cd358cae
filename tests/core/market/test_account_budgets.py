"""A limit of an account on billing minutes is a budget: cents, for all its jobs and those of the accounts below it."""

from __future__ import annotations

from dataclasses import replace

from flowbatch.core.accounting.accounts import Account, Association, Limits
from flowbatch.core.effects import WithdrawBid
from flowbatch.core.market.budgets import Ledger
from flowbatch.core.ruling.wishes import AccountsAsked


def says(desk, *records):
    return desk.step(AccountsAsked(desk.now, 0, "root", put=records))


def limited(account: str, cents: int, parent: str = "root") -> Association:
    return Association(account, parent=parent, limits=Limits(tres={"GrpTRESMins": {"billing": cents}}))


def test_it_holds_up_the_jobs_of_the_account_alone(desk_of, words):
    desk = desk_of()
    says(desk, Account("lab", "", ""), limited("lab", 2000))
    desk.asked(account="lab")
    other = desk.asked(account="other")
    waits = desk.submit(account="lab")
    desk.passed()
    assert (desk.says(waits), desk.says(other)) == ("pending AssocGrpBillingMinutes", "pending Resources, asked")


def test_accounts_below_count_too(desk_of, words):
    desk = desk_of()
    says(desk, limited("lab", 2000), Association("team", parent="lab"))
    desk.asked(account="team")
    waits = desk.submit(account="lab")
    desk.passed()
    assert desk.says(waits) == "pending AssocGrpBillingMinutes"


def test_the_roots_is_everybodys(desk_of, words):
    desk = desk_of()
    root = desk.queue.rulings.accounts.association("root")
    says(desk, replace(root, limits=limited("root", 2000).limits))
    desk.asked(account="a")
    waits = desk.submit(account="b")
    desk.passed()
    assert desk.says(waits) == "pending AssocGrpBillingMinutes"


def test_it_stands_beside_the_budgets_of_the_configuration_and_the_smaller_one_binds(desk_of, words):
    desk = desk_of(budgets=(words.budget(micro_usd=words.usd(40), account="lab"),))
    says(desk, limited("lab", 2000))
    desk.asked(account="lab")
    waits = desk.submit(account="lab")
    desk.passed()
    assert desk.says(waits) == "pending AssocGrpBillingMinutes"
    says(desk, limited("lab", 100_000))
    desk.passed()
    assert desk.says(waits) == "pending Resources, asked"
    third = desk.submit(account="lab")
    desk.passed()
    assert desk.says(third) == "pending AssocGrpBillingMinutes"


def test_one_that_is_lowered_takes_back_bids_that_have_not_won(desk_of, words):
    desk = desk_of()
    says(desk, limited("lab", 100_000))
    first, second = desk.asked(account="lab"), desk.asked(account="lab")
    other = desk.asked(account="other")
    says(desk, limited("lab", 2000))
    assert [order for order in desk.orders if isinstance(order, WithdrawBid)] == [WithdrawBid(second, 1)]
    assert [desk.queue.jobs[id].bid.phase for id in (first, second, other)] == ["asked", "withdrawn", "asked"]


def test_what_is_escrowed_stays_within_it(desk_of, words):
    desk = desk_of()
    says(desk, limited("lab", 4000))
    for _ in range(4):
        desk.submit(account="lab")
    desk.passed()
    policy = desk.queue.cluster.market
    ledger = Ledger.at(policy, desk.now, desk.queue.departed, desk.queue.jobs.values())
    (budget,) = policy.budgets
    assert ledger.used(budget) <= words.usd(40)
