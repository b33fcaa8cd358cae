"""Which bids are made, and when; who starts on what was won."""

from __future__ import annotations

from flowbatch.core.effects import ChangeBid, Forget, Launch, PlaceBid, WithdrawBid
from flowbatch.core.events import JobRef, Launched, Refused, Submitted, UpdateAsked, WouldStart
from flowbatch.core.jobs import Owner
from flowbatch.core.market.buying import PATIENCE_S
from flowbatch.spec.resources import NodeCount, Resources


def test_a_job_waits_for_its_bid(desk, words):
    id = desk.asked()
    assert desk.taken() == [PlaceBid(id, 1)]
    bid = desk.bid(id)
    assert (bid.node, bid.instance_type, bid.region) == ("us-east1-a-8xa100-1", words.a100, words.east)
    assert (bid.limit_micro_usd, bid.run_limit_s) == (words.usd(10), 3600)
    assert bid.lease_ends_at == desk.now + desk.policy.queue_allowance_s + desk.policy.overhead_s + 3600
    assert desk.says(id) == "pending Resources, asked"
    desk.placed(id)
    assert (desk.says(id), desk.bid(id).fid) == ("pending Resources, open", "bid_1")
    desk.passed(100)
    assert desk.taken() == [] and len(desk.job(id).bids) == 1


def test_without_prices_nothing_is_bid_for(desk):
    id = desk.submit()
    desk.passed()
    assert (desk.says(id), desk.orders) == ("pending Resources", [])
    desk.seen()
    desk.passed()
    assert desk.taken() == [PlaceBid(id, 1)]


def test_what_was_won_is_used(desk):
    id = desk.opened()
    desk.taken()
    desk.won(id)
    assert desk.queue.pass_due == desk.now
    desk.passed()
    state = desk.job(id).state
    assert desk.taken() == [Launch(id, 0)]
    assert (state.allocation.nodes, state.launched, state.ends_by) == (("us-east1-a-8xa100-1",), False, desk.now + 3600)
    assert state.allocation.shares[0].gres == (("gpu", "a100", tuple(range(8))),)


def test_booting_does_not_count(desk):
    id = desk.placed_on()
    desk.at = 700
    desk.step(Launched(desk.now, id, 0))
    assert (desk.job(id).state.started_at, desk.job(id).state.ends_by) == (desk.now, desk.now + 3600)


def test_when_it_is_over_its_machine_goes(desk):
    id = desk.run()
    desk.taken()
    desk.ended(id)
    assert desk.says(id) == "finished COMPLETED None, withdrawn"
    assert desk.taken() == [Forget(id, 0), WithdrawBid(id, 1)]
    desk.gone(id)
    desk.passed(100_000)
    assert desk.says(id) == "finished COMPLETED None, gone", "its bill is not final"
    desk.charged(id, 3, final=True)
    desk.passed(200_000)
    assert desk.queue.jobs == {}
    assert sum(desk.queue.departed.values()) == 3_000_000


def test_an_outbid_job_bids_all_the_same(desk, words):
    desk.seen({(words.a100, words.east): 20, (words.a100, words.west): 30})
    id = desk.asked()
    assert (desk.bid(id).region, desk.bid(id).limit_micro_usd) == (words.east, words.usd(10))


def test_a_bid_that_loses_moves_to_where_it_would_win(desk, words):
    id = desk.opened()
    desk.taken()
    desk.at = PATIENCE_S
    desk.seen({(words.a100, words.east): 11})
    desk.passed()
    assert desk.taken() == [WithdrawBid(id, 1)]
    desk.passed(PATIENCE_S + 60)
    assert desk.taken() == [], "one live bid at any time"
    desk.gone(id)
    desk.passed()
    assert desk.taken() == [PlaceBid(id, 2)]
    assert (desk.bid(id).region, [bid.phase for bid in desk.job(id).bids]) == (words.west, ["gone", "asked"])


def test_it_does_not_move_for_little_or_at_once(desk, words):
    desk.opened()
    desk.taken()
    desk.at = PATIENCE_S - 1
    desk.seen({(words.a100, words.east): 11})
    desk.passed()
    desk.at = PATIENCE_S
    desk.seen({(words.a100, words.east): 11, (words.a100, words.west): 9.6})
    desk.passed()
    desk.seen({(words.a100, words.east): 11, (words.a100, words.west): (5, 0)})
    desk.passed()
    assert desk.taken() == []
    desk.seen({(words.a100, words.east): 9})
    desk.passed()
    assert desk.taken() == []


def test_jobs_that_bid_get_nodes_of_their_own(desk):
    ids = [desk.asked() for _ in range(3)]
    assert [desk.bid(id).node.rpartition("-")[2] for id in ids] == ["1", "2", "3"]


def test_when_all_nodes_of_a_kind_are_bid_for_the_next_kind_is_taken(desk_of, words):
    desk = desk_of(shapes=tuple(s for s in words.shapes if s.gpu == "a100"))
    ids = [desk.asked() for _ in range(32)]
    assert {desk.bid(id).region for id in ids[:16]} == {words.east}
    assert {desk.bid(id).region for id in ids[16:]} == {words.west}
    last = desk.submit()
    desk.passed()
    assert desk.says(last) == "pending Resources"
    desk.cancel(ids[0])
    desk.gone(ids[0])
    desk.passed()
    assert desk.bid(last).node == "us-east1-a-8xa100-1"


def test_each_task_of_an_array_has_a_bid_of_its_own(desk):
    array = desk.submit(array=3)
    desk.seen()
    desk.passed()
    assert {id: desk.says(id) for id in desk.queue.jobs} == dict.fromkeys((1, 2, 3), "pending Resources, asked")
    assert desk.taken() == [PlaceBid(2, 1), PlaceBid(3, 1), PlaceBid(array, 1)]


def test_a_throttle_counts_bids(desk):
    array = desk.submit(array=4, throttle=2)
    desk.seen()
    desk.passed()
    assert [order.job_id for order in desk.taken()] == [2, 3]
    assert desk.says(array) == "pending JobArrayTaskLimit"
    desk.placed(2)
    desk.won(2)
    desk.passed()
    assert len([order for order in desk.taken() if isinstance(order, PlaceBid)]) == 0
    desk.ended(2)
    desk.passed()
    assert [order.job_id for order in desk.taken() if isinstance(order, PlaceBid)] == [4]


def test_a_throttle_that_is_lowered_takes_bids_off_the_market(desk):
    """What has its machine keeps it; of those that wait for one the last in line give up first."""
    array = desk.submit(array=4)
    desk.seen()
    desk.passed()
    ids = [order.job_id for order in desk.taken()]
    for id in ids:
        desk.placed(id)
    first, second, third, last = sorted(ids, key=lambda id: (-desk.job(id).priority, id))
    desk.won(last)
    desk.passed()
    desk.taken()
    spec = desk.job(array).spec
    (verdict,) = desk.step(UpdateAsked(desk.now, 1000, (JobRef(array),), spec, (), throttle=2)).reply
    assert verdict.code is None
    assert [order for order in desk.taken() if isinstance(order, WithdrawBid)] == [
        WithdrawBid(third, 1),
        WithdrawBid(second, 1),
    ]
    assert desk.says(first) == "pending Resources, open" and desk.job(last).state.kind == "running"
    for id in (second, third):
        desk.gone(id)
    desk.passed()
    assert [order for order in desk.taken() if isinstance(order, PlaceBid)] == []


def test_a_task_that_has_spent_its_own_budget_keeps_no_sibling_waiting(desk, words):
    array = desk.submit(array=3, throttle=1, budget=words.usd(20))
    desk.seen()
    desk.passed()
    first = desk.taken()[0].job_id
    desk.placed(first)
    desk.won(first)
    desk.passed()
    desk.step(Launched(desk.now, first, 0))
    desk.at = 1800
    desk.ended(first, cause="preempted")
    desk.gone(first)
    desk.charged(first, 15, final=True)
    desk.passed()
    assert desk.says(first) == "pending AssocMaxBillingMinutesPerJob, gone"
    assert [order.job_id for order in desk.taken() if isinstance(order, PlaceBid)] == [3]
    assert desk.says(array) == "pending JobArrayTaskLimit"
    desk.gone(3)
    desk.taken()
    assert desk.update(first, limit=4) is None
    desk.passed()
    assert [order.job_id for order in desk.taken() if isinstance(order, PlaceBid)] == [first]


def test_a_held_job_has_its_bid_paused(desk):
    id = desk.opened()
    desk.taken()
    desk.hold(id)
    assert desk.taken() == [ChangeBid(id, 1)] and desk.bid(id).paused
    desk.release(id)
    assert desk.taken() == [ChangeBid(id, 1)] and not desk.bid(id).paused


def test_a_held_job_keeps_no_machine(desk):
    id = desk.opened()
    desk.hold(id)
    desk.taken()
    desk.won(id)
    assert desk.taken() == [WithdrawBid(id, 1)]
    again = desk.run()
    desk.requeue(again, hold=True)
    desk.taken()
    desk.ended(again, cause="killed")
    assert desk.taken() == [Forget(again, 0), WithdrawBid(again, 1)]


def test_a_requeued_job_runs_again_on_its_machine(desk):
    id = desk.run()
    desk.requeue(id)
    desk.ended(id, cause="killed")
    desk.taken()
    desk.passed()
    assert desk.taken() == [Launch(id, 1)]


def test_a_cancelled_job_takes_its_bid_with_it(desk):
    id = desk.asked()
    desk.taken()
    desk.cancel(id)
    assert desk.says(id) == "finished CANCELLED Resources, withdrawn"
    assert desk.taken() == [WithdrawBid(id, 1)]
    desk.placed(id)
    desk.won(id)
    assert desk.says(id) == "finished CANCELLED Resources, withdrawn"


def test_a_node_that_left_the_catalogue_is_given_up(desk, words):
    id = desk.opened()
    desk.taken()
    desk.configure(shapes=words.shapes[1:])
    desk.won(id)
    desk.passed()
    assert desk.taken() == [WithdrawBid(id, 1)]


def test_a_cap_that_was_lowered_lowers_bids(desk, words):
    id = desk.opened(limit=None)
    desk.taken()
    desk.configure(gpu_hour_caps=(("a100", words.usd(1)),))
    assert desk.taken() == [ChangeBid(id, 1)]
    assert desk.bid(id).limit_micro_usd == words.usd(8)


def test_where_it_would_start(desk):
    desk.seen()
    event = Submitted(desk.now, Owner(1000, 1000, "ada", "ada"), desk.spec(), test_only=True)
    assert desk.step(event).reply == WouldStart(
        1, desk.now + desk.policy.boot_estimate_s, 200, ("us-east1-a-8xa100-1",), "market"
    )
    assert desk.queue.jobs == {}


def test_several_nodes_are_refused_with_the_reason(desk, words):
    for wish in (
        Resources(nodes=NodeCount(minimum=2, maximum=2)), Resources(ntasks=4, ntasks_per_node=2),
        Resources(gres=words.gpus(8).gres.model_copy(update={"per_job": words.gpus(16).gres.per_node})),
    ):  # fmt: skip
        refused = desk.submission(resources=wish)
        assert isinstance(refused, Refused) and refused.code == "ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE"
        assert "several nodes on the market are not built yet" in refused.hint


def test_what_no_instance_has_is_refused_with_the_reason(desk, words):
    refused = desk.submission(resources=words.gpus(32))
    assert refused.code == "ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE"
    assert "a100-80gb.sxm.8x: 32 GPUs asked, has 8" in refused.hint
    assert desk.submission(time_limit_min=-1).code == "ESLURM_INVALID_TIME_LIMIT"


def test_a_range_of_nodes_is_served_by_one(desk):
    id = desk.placed_on(resources=Resources(nodes=NodeCount(minimum=1, maximum=4)))
    assert len(desk.job(id).state.allocation.nodes) == 1


def test_names_of_another_site_are_taken_as_good_will(desk_of, words):
    desk = desk_of(partitions=(words.terms(partition="a100q", account="lab", gpu="a100"),))
    id = desk.submit(partitions=("gpu_long",), account="x")
    assert desk.job(id).partitions == ("market",)
    assert desk.job(id).notes == ("unknown partition gpu_long: runs in market",)
    assert desk.job(desk.submit(partitions=("a100q",))).spec.account == "lab"
    assert desk.job(desk.submit(partitions=("a100q",), account="y")).spec.account == "y"


def test_the_longest_run_is_its_time_limit(desk):
    assert desk.job(desk.submit(longest=90)).spec.time_limit_min == 2
    assert desk.job(desk.submit(longest=7200, time_limit_min=30)).spec.time_limit_min == 30
    assert desk.bid(desk.asked(longest=90)).run_limit_s == 90


def test_what_nothing_on_the_market_would_do_for_is_held_once_it_is_looked_at(desk, words):
    """A held job is not judged at submission, as on 22.05."""
    id = desk.submit(resources=words.gpus(9), hold=True)
    desk.seen()
    desk.release(id)
    desk.passed()
    assert (desk.says(id), desk.job(id).priority) == ("pending BadConstraints", 0)


def test_a_job_requeued_late_gets_another_machine_than_one_whose_guard_would_cut_it(desk):
    id = desk.run()
    desk.at += desk.policy.boot_allowance_s + 1
    desk.requeue(id)
    desk.ended(id, cause="killed")
    desk.taken()
    desk.passed()
    assert desk.taken() == [WithdrawBid(id, 1)]
