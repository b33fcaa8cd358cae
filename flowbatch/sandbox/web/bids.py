"""Bids: placed, listed, changed, ended."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from flowbatch.sandbox.market.records import Bid, BidEvent, BidEventKind, BidStatus, Order
from flowbatch.sandbox.market.refusal import Refused
from flowbatch.sandbox.web import launches, money, quotas, stamps
from flowbatch.sandbox.web.asking import TheWorld, owned_project
from flowbatch.sandbox.web.launches import LaunchSpecificationModel
from flowbatch.sandbox.web.paging import Page, SortDirection, page
from flowbatch.sandbox.world import World

router = APIRouter(prefix="/v2/spot/bids")


class CreateBidRequest(BaseModel):
    project: str
    region: str
    instance_type: str
    limit_price: str
    instance_quantity: int
    name: str
    launch_specification: LaunchSpecificationModel = Field(repr=False)
    notification_email: str | None = None


class UpdateBidRequest(BaseModel):
    limit_price: str | None = None
    paused: bool | None = None
    volumes: list[str] | None = None
    memory_gb: int | None = None


class BidModel(BaseModel):
    fid: str
    name: str
    project: str
    created_by: str
    created_at: str
    deactivated_at: str | None
    limit_price: str
    instance_quantity: int
    instance_type: str
    region: str | None
    instances: list[str]
    launch_specification: LaunchSpecificationModel = Field(repr=False)
    status: BidStatus


class BidStatusResponse(BaseModel):
    bid_fid: str
    status: BidStatus | Literal["Relocating"]


class PersistentDiskChange(BaseModel):
    attached: str | None = None
    removed: str | None = None


class BidHistoryEventModel(BaseModel):
    timestamp: str
    event_type: BidEventKind
    limit_price: str | None
    user_id: str | None
    memory_gb: int | None
    persistent_disk_change: PersistentDiskChange | None


class BidHistoryResponse(BaseModel):
    bid_fid: str
    events: list[BidHistoryEventModel]


@router.post("", status_code=201)
async def create(asked: CreateBidRequest, world: TheWorld) -> BidModel:
    project = owned_project(world, asked.project)
    if not asked.name.strip():
        raise HTTPException(400, "A bid needs a name")
    launches.check(world, project, asked.region, asked.launch_specification)
    quotas.check(world, asked.instance_type, asked.instance_quantity)
    order = Order(
        name=asked.name, project=project, user=world.state.user.fid, instance_type=asked.instance_type,
        region=asked.region, limit_micro_usd=_price(asked.limit_price), quantity=asked.instance_quantity,
        volumes=tuple(asked.launch_specification.volumes), memory_gb=asked.launch_specification.memory_gb,
        launch=asked.launch_specification.kept(),
    )  # fmt: skip
    bid, happened = world.market.place(order, world.now())
    world.carry_out(happened)
    return _shown(bid)


@router.get("")
async def listing(
    world: TheWorld, project: str | None = None, instance_type: str | None = None, region: str | None = None,
    status: BidStatus | None = None, name: str | None = None, next_cursor: str | None = None,
    sort_by: Literal["created_at", "status"] | None = None, sort_dir: SortDirection | None = None,
    limit: Annotated[int | None, Query(ge=1, le=100)] = None,
) -> Page[BidModel]:  # fmt: skip
    wanted = {"project": project, "instance_type": instance_type, "region": region, "status": status, "name": name}
    asked = {field: value for field, value in wanted.items() if value is not None}
    bids = [bid for bid in world.market.bids.values() if all(getattr(bid, f) == v for f, v in asked.items())]
    return page(bids, _shown, by=sort_by or "created_at", direction=sort_dir or "desc", limit=limit, cursor=next_cursor)


@router.get("/{bid_fid}")
async def one(bid_fid: str, world: TheWorld) -> BidModel:
    return _shown(_found(world, bid_fid))


@router.patch("/{bid_fid}")
async def update(bid_fid: str, asked: UpdateBidRequest, world: TheWorld) -> BidModel:
    bid = _found(world, bid_fid)
    if asked.volumes is not None:
        launches.check_volumes(world, bid.project, bid.region, asked.volumes, order=bid_fid)
    happened = world.market.change(
        bid_fid, world.now(), user=world.state.user.fid, paused=asked.paused, volumes=asked.volumes,
        limit_micro_usd=None if asked.limit_price is None else _price(asked.limit_price), memory_gb=asked.memory_gb,
    )  # fmt: skip
    world.carry_out(happened)
    return _shown(bid)


@router.delete("/{bid_fid}", status_code=204)
async def cancel(bid_fid: str, world: TheWorld) -> None:
    _found(world, bid_fid)
    world.carry_out(world.market.remove(bid_fid, world.now(), world.state.user.fid))


@router.get("/{bid_fid}/status")
async def status(bid_fid: str, world: TheWorld) -> BidStatusResponse:
    return BidStatusResponse(bid_fid=bid_fid, status=_found(world, bid_fid).status)


@router.get("/{bid_fid}/history")
async def history(bid_fid: str, world: TheWorld) -> BidHistoryResponse:
    return BidHistoryResponse(bid_fid=bid_fid, events=[_event(event) for event in _found(world, bid_fid).history])


def _found(world: World, bid_fid: str) -> Bid:
    bid = world.market.bids.get(bid_fid)
    if bid is None:
        raise HTTPException(404, f"Bid {bid_fid} not found")
    return bid


def _price(text: str) -> int:
    try:
        return money.parsed(text)
    except ValueError as error:
        raise Refused("price", f"invalid limit price: {error}") from None


def _shown(bid: Bid) -> BidModel:
    return BidModel(
        fid=bid.fid, name=bid.name, project=bid.project, created_by=bid.user, region=bid.region, status=bid.status,
        created_at=stamps.written(bid.created_at), deactivated_at=stamps.written_if(bid.deactivated_at),
        limit_price=money.written(bid.limit_micro_usd), instance_quantity=bid.quantity,
        instance_type=bid.instance_type, instances=list(bid.instances),
        launch_specification=LaunchSpecificationModel(
            **bid.launch, volumes=list(bid.volumes), memory_gb=bid.memory_gb
        ),
    )  # fmt: skip


def _event(event: BidEvent) -> BidHistoryEventModel:
    change = PersistentDiskChange(attached=event.attached, removed=event.removed)
    return BidHistoryEventModel(
        timestamp=stamps.written(event.at), event_type=event.kind, user_id=event.user, memory_gb=event.memory_gb,
        limit_price=None if event.limit_micro_usd is None else money.written(event.limit_micro_usd),
        persistent_disk_change=change if event.attached or event.removed else None,
    )  # fmt: skip
