"""The sandbox's own switches, under /sandbox: time, prices, preemptions, faults, the ledger, the end. Not part of the market's API."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from flowbatch.sandbox.market.catalogue import INSTANCE_TYPES
from flowbatch.sandbox.settings import FASTEST
from flowbatch.sandbox.web import money, stamps
from flowbatch.sandbox.web.faults import Fault
from flowbatch.sandbox.web.site import Site

YEAR_S = 366 * 86400


async def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(_site)]


async def _allowed(
    site: TheSite, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
) -> None:
    """By the sandbox's own secret; an API key is not enough."""
    if credentials is None or not hmac.compare_digest(credentials.credentials.encode(), site.secret.encode()):
        raise HTTPException(401, "the control API wants the sandbox's own secret", {"WWW-Authenticate": "Bearer"})


router = APIRouter(prefix="/sandbox", dependencies=[Depends(_allowed)])


class Time(BaseModel):
    advance_s: int | None = Field(default=None, ge=0, le=YEAR_S)
    rate: float | None = Field(default=None, gt=0, le=FASTEST)


class Preempted(BaseModel):
    bid: str


class Auction(BaseModel):
    instance_type: str
    region: str


class Price(Auction):
    price: str | None


class Capacity(Auction):
    capacity: int = Field(ge=0)


@router.get("/status")
async def status(site: TheSite) -> dict[str, Any]:
    world = site.world
    statuses = [bid.status for bid in world.market.bids.values()]
    return {
        **_time(site),
        "settings": {**asdict(site.settings), "prices": site.settings.prices and str(site.settings.prices)},
        "bids": {each: statuses.count(each) for each in dict.fromkeys(statuses)},
        "instances": len(world.running()),
        "failed": {
            each.name: each.why for each in world.instances().values() if each.status == "STATUS_ERROR" and each.why
        },
        "faults": len(site.weather.faults),
        "spent_micro_usd": sum(world.market.ledger.by_bid(world.now()).values()),
    }


@router.get("/time")
async def time(site: TheSite) -> dict[str, Any]:
    return _time(site)


@router.post("/time")
async def set_time(asked: Time, site: TheSite) -> dict[str, Any]:
    """All rounds, notices and charges of the time that passes are held before this is answered."""
    world = site.world
    if asked.rate is not None:
        world.set_rate(asked.rate)
    if asked.advance_s:
        world.clock.move(asked.advance_s)
    world.carry_out(world.advance())
    return _time(site)


@router.post("/preempt")
async def preempt(asked: Preempted, site: TheSite) -> dict[str, Any]:
    """The bid (its id or its name) gets its notice now."""
    world = site.world
    named = [bid for bid in world.live_bids() if asked.bid in (bid.fid, bid.name)]
    if len(named) != 1:
        raise HTTPException(404, f"{len(named) or 'no'} live bids are called {asked.bid}")
    world.carry_out(world.market.preempt(named[0].fid, world.now()))
    return {"bid": named[0].fid, "status": named[0].status, "leaves_at": stamps.written_if(named[0].leaves_at)}


@router.post("/price")
async def price(asked: Price, site: TheSite) -> dict[str, Any]:
    """From the next round on a rival takes every machine for which nobody bids at least this much; null: he goes."""
    world, instance_type = site.world, _type_fid(site, asked)
    try:
        amount = None if asked.price is None else money.parsed(asked.price)
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    world.carry_out(world.market.set_rival(instance_type, asked.region, amount, world.now()))
    return {"instance_type": instance_type, "region": asked.region, "price": asked.price}


@router.post("/capacity")
async def capacity(asked: Capacity, site: TheSite) -> dict[str, Any]:
    world, instance_type = site.world, _type_fid(site, asked)
    world.carry_out(world.market.set_capacity(instance_type, asked.region, asked.capacity, world.now()))
    return {"instance_type": instance_type, "region": asked.region, "capacity": asked.capacity}


@router.get("/faults")
async def faults(site: TheSite) -> dict[str, Any]:
    return {"faults": [{"number": number, **fault.model_dump()} for number, fault in site.weather.faults.items()]}


@router.post("/faults", status_code=201)
async def set_fault(asked: Fault, site: TheSite) -> dict[str, Any]:
    return {"number": site.set(asked)}


@router.delete("/faults")
async def clear_faults(site: TheSite) -> dict[str, Any]:
    site.clear()
    return {"faults": []}


@router.get("/ledger")
async def ledger(site: TheSite) -> dict[str, Any]:
    """What every bid has cost so far, in micro-dollars, and what was wrong with the books (nothing)."""
    world = site.world
    sums = world.market.ledger.by_bid(world.now())
    rows = [
        {
            "bid": bid.fid, "name": bid.name, "status": bid.status, "limit_micro_usd": bid.limit_micro_usd,
            "instances": {fid: _segments(site, fid) for fid in _instances(site, bid.fid)},
            "micro_usd": sums.get(bid.fid, 0),
        }
        for bid in world.market.bids.values()
    ]  # fmt: skip
    return {"bids": rows, "micro_usd": sum(sums.values()), "faults": list(world.market.ledger.faults())}


@router.post("/stop", status_code=202)
async def stop(site: TheSite) -> dict[str, Any]:
    site.stop()
    return {}


def _time(site: Site) -> dict[str, Any]:
    now = site.world.now()
    return {"now": stamps.written(now), "instant": now, "rate": site.world.rate}


def _type_fid(site: Site, asked: Auction) -> str:
    """The id of a type that may be given by its name, if it is offered there. Refuses with 404."""
    offered = {quote.instance_type for quote in site.world.market.quotes() if quote.region == asked.region}
    named = [row.fid for row in INSTANCE_TYPES if asked.instance_type in (row.fid, row.name) and row.fid in offered]
    if not named:
        raise HTTPException(404, f"instance type {asked.instance_type} is not offered in {asked.region}")
    return named[0]


def _instances(site: Site, bid: str) -> list[str]:
    return [instance.fid for instance in site.world.market.instances.values() if instance.bid == bid]


def _segments(site: Site, instance: str) -> list[dict[str, int | None]]:
    return [
        {"start": segment.start, "end": segment.end, "micro_usd_per_hour": segment.price_micro_usd}
        for segment in site.world.market.ledger.segments(instance)
    ]
