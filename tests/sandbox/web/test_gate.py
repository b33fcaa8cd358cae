"""What may go wrong on the way: limits, faults on order, answers given twice."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from flowbatch.sandbox.web.app import application
from flowbatch.sandbox.web.faults import Limits


def test_the_same_idempotency_key_gets_the_first_answer(market: Any) -> None:
    first = market.once("flow-bid-1", "/v2/spot/bids", market.tender())
    again = market.once("flow-bid-1", "/v2/spot/bids", market.tender(name="other"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(market.get("/v2/spot/bids")["data"]) == 1
    assert market.once("flow-bid-2", "/v2/spot/bids", market.tender()).json()["fid"] != first.json()["fid"]


def test_a_refusal_is_no_result_to_be_given_twice(market: Any) -> None:
    assert market.once("key", "/v2/spot/bids", market.tender(limit_price="$0.01")).status_code == 400
    assert market.once("key", "/v2/spot/bids", market.tender()).status_code == 201


def test_a_stranger_gets_no_answer_of_another(market: Any) -> None:
    market.once("key", "/v2/spot/bids", market.tender())
    market.key = "fkey_wrong"
    assert market.once("key", "/v2/spot/bids", market.tender()).status_code == 401


def test_what_changes_something_is_saved_before_its_answer(market: Any) -> None:
    market.get("/v2/me")
    assert market.saved == 0
    market.bid()
    assert market.saved == 1


def test_an_answer_that_cannot_be_saved_is_not_given(market: Any) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    market.site.save = full
    told = market.refused("POST", "/v2/spot/bids", market.tender())
    assert told == (503, "the sandbox cannot write its state: No space left on device")


def test_too_many_requests_are_refused_until_some_time_has_passed(market: Any) -> None:
    market.site.limits = Limits(2)
    market.site.real_now = lambda: 1000.0
    assert [market.ask("GET", "/v2/me").status_code for _ in range(3)] == [200, 200, 429]
    assert market.ask("GET", "/v2/me").headers["retry-after"] == "30"
    assert market.get("/sandbox/status")["bids"] == {}
    market.site.real_now = lambda: 1030.0
    assert market.ask("GET", "/v2/me").status_code == 200


def test_an_error_on_order_meets_what_it_fits_and_as_often_as_said(market: Any) -> None:
    market.fault(kind="status", status=429, seconds=7, method="post", path="/v2/spot/*", count=2, spare=1)
    market.get("/v2/spot/bids")
    answers = [market.ask("POST", "/v2/spot/bids", market.tender()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 429, 429, 201]
    assert answers[1].headers["retry-after"] == "7"
    assert len(market.get("/v2/spot/bids")["data"]) == 2
    assert market.get("/sandbox/faults") == {"faults": []}


def test_a_fault_without_a_count_lasts_until_it_is_taken_away(market: Any) -> None:
    market.fault(kind="status", count=None)
    assert [market.ask("GET", "/v2/me").status_code for _ in range(3)] == [503] * 3
    market.ask("DELETE", "/sandbox/faults")
    market.get("/v2/me")


def test_a_stale_read_tells_what_was(market: Any) -> None:
    market.fault(kind="stale", path="/v2/spot/bids")
    market.bid()
    assert market.get("/v2/spot/bids")["data"] == []
    assert len(market.get("/v2/spot/bids")["data"]) == 1


def test_a_skewed_clock_shows_in_the_date(market: Any) -> None:
    market.fault(kind="skew", seconds=-3600)
    skewed, right = (parsedate_to_datetime(market.ask("GET", "/v2/me").headers["date"]).timestamp() for _ in range(2))
    assert (skewed, right) == (market.world.now() - 3600, market.world.now())


def test_latency_comes_before_the_work(market: Any) -> None:
    market.fault(kind="latency", seconds=0.01)
    market.bid()


def test_a_connection_cut_after_the_work_loses_the_answer_alone(served: Any) -> None:
    served.fault(kind="cut", method="POST", path="/v2/spot/bids")
    with pytest.raises(httpx.TransportError):
        served.bid()
    assert [bid["name"] for bid in served.get("/v2/spot/bids")["data"]] == ["train"]


def test_a_dropped_connection_has_done_nothing(served: Any) -> None:
    served.fault(kind="drop", method="POST", path="/v2/spot/bids")
    with pytest.raises(httpx.TransportError):
        served.bid()
    assert served.get("/v2/spot/bids")["data"] == []


def test_an_answer_that_was_cut_is_given_to_the_same_key(served: Any) -> None:
    served.fault(kind="cut", method="POST", path="/v2/spot/bids")
    with pytest.raises(httpx.TransportError):
        served.once("key", "/v2/spot/bids", served.tender())
    again = served.once("key", "/v2/spot/bids", served.tender())
    assert again.headers["idempotency-replayed"] == "true"
    assert [bid["fid"] for bid in served.get("/v2/spot/bids")["data"]] == [again.json()["fid"]]


def test_the_switches_want_the_sandboxs_own_secret(market: Any) -> None:
    assert market.ask("GET", "/sandbox/status", key=market.key).status_code == 401
    assert market.ask("POST", "/sandbox/stop", key="wrong").status_code == 401


def test_what_the_switches_refuse(market: Any) -> None:
    assert market.refused("POST", "/sandbox/preempt", {"bid": "nobody"}) == (404, "no live bids are called nobody")
    bid = market.bid()
    assert market.refused("POST", "/sandbox/preempt", {"bid": bid["fid"]})[0] == 409
    mars = {"instance_type": "h100-80gb.sxm.8x", "region": "mars", "price": "$3.00"}
    assert market.refused("POST", "/sandbox/price", mars)[0] == 404
    assert market.refused("POST", "/sandbox/time", {"advance_s": -1})[0] == 422


def test_a_capacity_of_nothing_preempts_everybody(market: Any) -> None:
    bid = market.running()
    market.post(
        "/sandbox/capacity", {"instance_type": bid["instance_type"], "region": bid["region"], "capacity": 0}, 200
    )
    market.advance(120)
    assert market.get(f"/v2/spot/bids/{bid['fid']}")["status"] == "Preempting"


def test_time_can_run_faster(market: Any) -> None:
    assert market.post("/sandbox/time", {"rate": 60}, 200)["rate"] == 60


def test_askers_that_are_quiet_are_forgotten() -> None:
    limits = Limits(1)
    for number in range(5000):
        limits.wait_s(f"stranger {number}", float(number))
    assert len(limits._left) <= 1001
    assert limits.wait_s("stranger 4999", 4999.0) > 0


@pytest.mark.parametrize(
    "announced", [{"Transfer-Encoding": "chunked"}, {"Content-Length": str(1 << 40)}, {"Content-Length": "x"}]
)
def test_a_body_without_a_bound_is_refused_unread(market: Any, announced: dict[str, str]) -> None:
    headers = [(b"authorization", b"Bearer x"), *((n.lower().encode(), v.encode()) for n, v in announced.items())]
    scope = {"type": "http", "method": "POST", "path": "/v2/spot/bids", "headers": headers, "client": ("127.0.0.1", 1)}
    told: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("it is read")

    async def send(message: Any) -> None:
        told.append(message)

    market.loop.run_until_complete(application(market.site)(scope, receive, send))
    assert told[0]["status"] == 413
