"""A market that a test holds in its hands: Mithril's API over httpx's own pretended transport, with faults on order."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import httpx

from flowbatch.backends.contract import BidKey, Tender
from flowbatch.backends.mithril.account import Account
from flowbatch.backends.mithril.api import Api
from flowbatch.backends.mithril.backend import MithrilBackend
from flowbatch.backends.mithril.pace import Backoff, Tempo
from flowbatch.core.bids import Bid
from flowbatch.core.events import BidCharged, BidFact
from flowbatch.core.jobs import Owner
from flowbatch.ids import StoreId
from flowbatch.protocol.launch import Key
from flowbatch.spec.market import MarketTerms
from flowbatch.spec.policy import MarketPolicy

KEY = "fkey_0123456789abcdefSECRET"
PROJECT = "proj_0000000000000001"
H100, A100 = "it_5ECSoHQjLBzrp5YM", "it_Sg1nDx1I8NFep60J"
WEST, EAST = "us-central1-a", "us-east1-a"

QUICK = Tempo(
    per_s=100_000, burst=1000, poll_s=0.02, keen_s=0.01, idle_s=0.05, settle_s=0.06, charge_s=0.05, catalogue_s=3600,
    retry=Backoff(0.001, 0.002), away=Backoff(0.005, 0.02),
)  # fmt: skip


def instance_type(fid: str, name: str, gpu: str, gpus: int = 8, **more: Any) -> dict[str, Any]:
    return {
        "fid": fid, "name": name, "num_cpus": 26 * gpus, "cpu_type": "Intel", "ram_gb": 190 * gpus, "num_gpus": gpus,
        "gpu_type": gpu, "gpu_memory_gb": 80, "gpu_socket": "SXM5", "local_storage_gb": 1000, "network_type": "InfiniBand",
        "ib_count": 8, "bridge_count": 4, "hourly_price": 0.12,
    } | more  # fmt: skip


@dataclass
class Fault:
    """What becomes of the next request whose "METHOD path" begins with `on`. `what`: a status code, "lost" (done, but not
    answered) or "away" (never arrives)."""

    on: str
    what: int | str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass
class FakeMarket:
    asked: list[tuple[str, Any]] = field(default_factory=list)
    """Every request: "METHOD /path?query" and the body."""
    faults: deque[Fault] = field(default_factory=deque)
    headers: list[httpx.Headers] = field(default_factory=list)
    bids: dict[str, dict[str, Any]] = field(default_factory=dict)
    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    """End times by instance."""
    bills: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Pricing events by bid."""
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    ssh_keys: list[dict[str, Any]] = field(default_factory=list)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    hidden: int = 0
    """So many more looks for a name do not show the newest bid, and no listing does until then."""
    page: int = 100
    idempotent: bool = True
    skew_s: int = 0
    down: bool = False
    types: list[dict[str, Any]] = field(
        default_factory=lambda: [
            instance_type(H100, "h100-80gb.sxm.8x", "H100"),
            instance_type(A100, "a100-80gb.sxm.8x", "A100"),
        ]
    )
    auctions: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"fid": f"auc_{n}", "instance_type": fid, "region": region, "capacity": 4, "last_instance_price": price,
             "lowest_allocated_price": None, "adjustable_memory": False}
            for n, (fid, region, price) in enumerate([(H100, WEST, "$12.00"), (A100, WEST, "$4.00"), (A100, EAST, "$3.50")])
        ]
    )  # fmt: skip
    _numbers: Any = field(default_factory=itertools.count)

    # what a test does to it

    def fail(self, on: str, *whats: int | str, **more: Any) -> None:
        self.faults.extend(Fault(on, what, **more) for what in whats)

    def bid_named(self, name: str) -> dict[str, Any]:
        (found,) = [bid for bid in self.bids.values() if bid["name"] == name]
        return found

    def live(self) -> list[dict[str, Any]]:
        return [bid for bid in self.bids.values() if bid["status"] != "Terminated"]

    def add_bid(self, name: str, status: str = "Open") -> dict[str, Any]:
        fid = f"bid_{next(self._numbers):016}"
        self.bids[fid] = {
            "fid": fid, "name": name, "project": PROJECT, "created_by": "user_1", "created_at": _stamp(), "status": status,
            "limit_price": "$10.00", "instance_quantity": 1, "instance_type": A100, "region": WEST, "instances": [],
            "launch_specification": {"volumes": [], "ssh_keys": []},
        }  # fmt: skip
        return self.bids[fid]

    def win(self, bid: dict[str, Any], destination: str | None = "localhost:2222") -> dict[str, Any]:
        """The bid is allocated; its instance runs."""
        fid = bid["instances"][0] if bid["instances"] else f"inst_{next(self._numbers):016}"
        bid.update(status="Allocated", instances=[fid])
        self.instances[fid] = {
            "fid": fid, "name": bid["name"], "project": PROJECT, "created_at": _stamp(), "created_by": "user_1",
            "instance_type": bid["instance_type"], "region": bid["region"], "bid": bid["fid"], "reservation": None,
            "ssh_destination": destination, "private_ip": None, "status": "STATUS_RUNNING",
        }  # fmt: skip
        return self.instances[fid]

    def notice(self, bid: dict[str, Any], end_time: str) -> None:
        bid["status"] = "Preempting"
        for fid in bid["instances"]:
            self.instances[fid]["status"] = "STATUS_PREEMPTING"
            self.ends[fid] = end_time

    def lose(self, bid: dict[str, Any]) -> None:
        bid["status"] = "Open"
        for fid in bid["instances"]:
            self.instances[fid]["status"] = "STATUS_PREEMPTED"
            self.ends.pop(fid, None)

    def count(self, request: str) -> int:
        return sum(1 for asked, _ in self.asked if asked.startswith(request))

    # how it answers

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        body = json.loads(request.content) if request.content else None
        what = f"{request.method} {request.url.raw_path.decode()}"
        self.asked.append((what, body))
        self.headers.append(request.headers)
        fault = next((one for one in self.faults if what.startswith(one.on)), None)
        if self.down or (fault is not None and fault.what == "away"):
            if fault is not None:
                self.faults.remove(fault)
            raise httpx.ConnectError("All connection attempts failed", request=request)
        if fault is not None:
            self.faults.remove(fault)
            if isinstance(fault.what, int):
                said = {"detail": f"fault {fault.what}"} if fault.body is None else fault.body
                return httpx.Response(fault.what, json=said, headers=fault.headers)
        status, said = self._do(request.method, request.url.path, dict(request.url.params), body, request.headers)
        if fault is not None:
            raise httpx.ReadError("connection reset", request=request)
        headers = {"Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + self.skew_s))}
        return (
            httpx.Response(status, json=said, headers=headers)
            if said is not None
            else httpx.Response(status, headers=headers)
        )

    def _do(self, method: str, path: str, query: dict[str, str], body: Any, headers: httpx.Headers) -> tuple[int, Any]:
        match [method, *path.strip("/").split("/")[1:]]:
            case ["GET", "projects"]:
                return 200, [{"fid": PROJECT, "name": "main", "created_at": _stamp()}]
            case ["GET", "instance-types"]:
                return 200, self.types
            case ["GET", "spot", "availability"]:
                return 200, self.auctions
            case ["GET", "pricing", "current"]:
                return 200, {"spot_price_cents": 400, "minimum_price_cents": 100}
            case ["GET", "ssh-keys"]:
                return 200, self.ssh_keys
            case ["POST", "ssh-keys"]:
                self.ssh_keys.append({**body, "fid": f"sshkey_{next(self._numbers):016}", "created_at": _stamp()})
                return 201, self.ssh_keys[-1]
            case ["GET", "api-keys"]:
                return 200, [{k: v for k, v in key.items() if k != "secret"} for key in self.keys.values()]
            case ["POST", "api-keys"]:
                fid = f"apikey_{next(self._numbers):016}"
                self.keys[fid] = {
                    **body, "fid": fid, "created_at": _stamp(), "snippet": "fkey_x", "secret": f"fkey_of_{fid}",
                }  # fmt: skip
                return 201, self.keys[fid]
            case ["DELETE", "api-keys", fid]:
                return (204, None) if self.keys.pop(fid, None) else (404, {"detail": "API key not found"})
            case ["GET", "volumes"]:
                return 200, self.volumes
            case ["GET", "spot", "bids"]:
                return self._list_bids(query)
            case ["POST", "spot", "bids"]:
                return 201, self._place(body, headers.get("Idempotency-Key"))
            case ["GET", "spot", "bids", fid]:
                return (200, self.bids[fid]) if fid in self.bids else (404, {"detail": "Bid not found"})
            case ["PATCH", "spot", "bids", fid]:
                return 200, self._change(self.bids[fid], body)
            case ["DELETE", "spot", "bids", fid]:
                return self._delete(fid)
            case ["GET", "instances"]:
                wanted = query.get("bid_fid_in", "").split(",")
                return 200, {
                    "data": [one for one in self.instances.values() if one["bid"] in wanted],
                    "next_cursor": None,
                }
            case ["GET", "instances", "pricing", "history"]:
                bid = query["bid_fid"]
                rows = (
                    [{"instance_fid": "inst_1", "bid_fid": bid, "events": self.bills[bid]}] if bid in self.bills else []
                )
                return 200, {"instances": rows, "next_cursor": None}
            case ["GET", "instances", fid, "status"]:
                one = self.instances[fid]
                return 200, {"fid": fid, "name": one["name"], "status": one["status"], "end_time": self.ends.get(fid)}
        raise AssertionError(f"{method} {path} is not pretended")

    def _list_bids(self, query: dict[str, str]) -> tuple[int, Any]:
        rows = list(reversed(self.bids.values()))
        if self.hidden:
            self.hidden, rows = self.hidden - ("name" in query), rows[1:]
        rows = [bid for bid in rows if all(bid[name] == query[name] for name in ("name", "status") if name in query)]
        first = int(query.get("next_cursor", 0))
        after = first + self.page
        return 200, {"data": rows[first:after], "next_cursor": str(after) if after < len(rows) else None}

    def _place(self, body: dict[str, Any], key: str | None) -> dict[str, Any]:
        for bid in self.bids.values():
            if self.idempotent and key is not None and bid.get("key") == key:
                return bid
        bid = self.add_bid(body["name"])
        bid.update(body, key=key)
        return bid

    def _change(self, bid: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        if "limit_price" in body:
            bid["limit_price"] = body["limit_price"]
        if "paused" in body:
            bid["status"] = "Paused" if body["paused"] else "Open"
        return bid

    def _delete(self, fid: str) -> tuple[int, Any]:
        if fid not in self.bids:
            return 404, {"detail": "Bid not found"}
        self.bids[fid]["status"] = "Terminated"
        for one in self.instances.values():
            if one["bid"] == fid:
                one["status"] = "STATUS_TERMINATED"
        for event in self.bills.get(fid, []):
            event["end_time"] = event["end_time"] or event["start_time"]
        return 204, None


def _stamp(at: float | None = None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at if at is not None else time.time()))


# A backend over it


class FakeMachine:
    """Writes down what it is told; `facts` of its own come from the test."""

    def __init__(self, rental: Any, heard: list[tuple[Any, ...]]) -> None:
        self.rental = rental
        self._heard = heard
        self._destination = ""
        self.warn: Callable[[int | None], None] = lambda until: None

    def _note(self, *words: Any) -> None:
        self._heard.append(words)

    async def start(self, tell: Any, running: Any, warn: Any) -> None:
        self.warn = warn
        self._note("start", self.rental.bid, tuple(running))

    def at(self, destination: str) -> None:
        if destination != self._destination:
            self._destination = destination
            self._note("at", destination)

    async def launch(self, message: Any) -> None:
        self._note("launch", message.key)

    async def stop(self, key: Any, why: str) -> None:
        self._note("stop", key, why)

    async def deliver(self, key: Any, signal: int, scope: str) -> None:
        self._note("deliver", key, signal, scope)

    async def forget(self, key: Any) -> None:
        self._note("forget", key)

    async def leave(self, until: int) -> None:
        self._note("leave", until)

    async def stay(self) -> None:
        self._note("stay")

    async def rotate(self, key: str, key_fid: str | None) -> None:
        self._note("rotate", key_fid)

    async def lost(self, at: int) -> None:
        self._note("lost")

    async def close(self) -> None:
        self._note("close")


class Cluster:
    """A backend over some market, and all that it told."""

    def __init__(self, account: Account, directory: Path, transport: httpx.AsyncBaseTransport) -> None:
        self.directory = directory
        self.told: list[Any] = []
        self.heard: list[tuple[Any, ...]] = []
        self.machines: list[FakeMachine] = []
        self.backend = MithrilBackend(
            "mithril", account, MarketPolicy(), directory, STORE, tempo=QUICK,
            api=Api(account, QUICK, transport=transport),
            machines=self._machine,  # type: ignore[arg-type]  # the same methods
        )  # fmt: skip

    def _machine(self, rental: Any) -> FakeMachine:
        self.machines.append(FakeMachine(rental, self.heard))
        return self.machines[-1]

    async def tell(self, fact: Any) -> None:
        await asyncio.sleep(0)
        self.told.append(fact)

    async def start(self, *tenders: Tender, running: Sequence[Key] = ()) -> Cluster:
        await self.backend.know(tenders)
        await self.backend.start(self.tell, running)
        return self

    def facts(self, *kinds: type) -> list[Any]:
        kinds = kinds or tuple(get_args(BidFact))
        return [fact for fact in self.told if isinstance(fact, kinds)]

    def words(self) -> list[str]:
        """The kinds of the facts about bids, in order, bills left out."""
        return [type(fact).__name__ for fact in self.facts() if not isinstance(fact, BidCharged)]

    def machine_words(self) -> list[str]:
        """What machines were told, in order, new keys left out."""
        return [words[0] for words in self.heard if words[0] != "rotate"]


STORE = StoreId("0123456789ab")


def tender(job_id: int = 7, number: int = 1, terms: MarketTerms | None = None, **bid: Any) -> Tender:
    """A bid for an A100 machine in the west at $8."""
    values = {
        "node": f"{WEST}-8xa100-1", "instance_type": "a100-80gb.sxm.8x", "region": WEST, "limit_micro_usd": 8_000_000,
        "escrow_micro_usd": 8_000_000, "asked_at": 1_000, "lease_ends_at": int(time.time()) + 86400, "run_limit_s": 3600,
    } | bid  # fmt: skip
    return Tender(
        BidKey(STORE, job_id, number),
        Bid(number, **values),
        Owner(1000, 1000, "u", "g"),
        terms or MarketTerms(),
        "/home/u",
    )


async def until(condition: Callable[[], object], within_s: float = 10) -> None:
    """Returns once the condition holds; fails after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.002)
