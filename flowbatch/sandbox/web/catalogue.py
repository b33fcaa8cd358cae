"""What is on offer: instance types, regions, the auctions and their prices now and before."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime, BaseModel

from flowbatch.sandbox.ids import uuid_of
from flowbatch.sandbox.market.catalogue import INSTANCE_TYPES, REGIONS, TYPES, InstanceType
from flowbatch.sandbox.market.engine import Quote
from flowbatch.sandbox.web import images, money, stamps
from flowbatch.sandbox.web.asking import TheWorld
from flowbatch.sandbox.web.offers import OFFERS
from flowbatch.sandbox.world import World

router = APIRouter()


class InstanceTypeModel(BaseModel):
    fid: str
    name: str
    num_cpus: int
    cpu_type: str
    ram_gb: int
    num_gpus: int
    gpu_type: str
    gpu_memory_gb: int
    gpu_socket: str
    local_storage_gb: int
    network_type: str | None
    ib_count: int
    bridge_count: int
    hourly_price: float


class RegionDTO(BaseModel):
    id: str
    name: str
    block_storage_enabled: bool = True
    fileshare_storage_enabled: bool = True
    k8s_enabled: bool = False
    max_volume_size_tb: int = 32
    max_volume_name_length: int = 64


class AuctionModel(BaseModel):
    fid: str
    instance_type: str
    region: str
    capacity: int
    last_instance_price: str
    lowest_allocated_price: str | None
    adjustable_memory: bool = False
    default_image_version: str | None


class CurrentPricesResponse(BaseModel):
    spot_price_cents: int | None
    reserved_price_cents: int | None
    minimum_price_cents: int | None
    lowest_allocated_bid_cents: int | None
    dynamic_win_price_cents: int | None
    available_capacity: int | None
    total_capacity: int | None


class HistoricalPriceSeriesModel(BaseModel):
    instance_type: str
    region: str
    timestamps: list[str]
    spot_prices: list[str]
    reserved_prices: list[str]
    region_disabled: bool = False


class HistoricalPricesResponseModel(BaseModel):
    series: list[HistoricalPriceSeriesModel]
    complete: bool = True
    show_disabled_regions: bool = False


@router.get("/v2/instance-types")
@router.get("/v2/reservation/instance-types")
async def instance_types() -> list[InstanceTypeModel]:
    return [_type(row) for row in INSTANCE_TYPES]


@router.get("/v2/cpu/instance-types")
async def cpu_instance_types() -> list[InstanceTypeModel]:
    return [_type(row) for row in INSTANCE_TYPES if not row.num_gpus]


@router.get("/v2/cpu/regions")
@router.get("/marketplace/v1/regions")
async def regions() -> list[RegionDTO]:
    """The second path is not published."""
    return [RegionDTO(id=uuid_of(name), name=name) for name in REGIONS]


@router.get("/v2/spot/availability")
async def availability(world: TheWorld) -> list[AuctionModel]:
    return [
        AuctionModel(
            fid=quote.fid, instance_type=quote.instance_type, region=quote.region,
            capacity=world.winnable(quote), last_instance_price=money.written(quote.price_micro_usd),
            lowest_allocated_price=None if quote.lowest_micro_usd is None else money.written(quote.lowest_micro_usd),
            default_image_version=images.DEFAULT,
        )
        for quote in world.market.quotes()
    ]  # fmt: skip


@router.get("/v2/pricing/current")
async def current_prices(
    world: TheWorld,
    instance_type: str,
    region: str | None = None,
    instance_quantity: Annotated[int, Query(ge=1, le=256)] = 1,
) -> CurrentPricesResponse:
    """Of one region, or where it is cheapest. Where a type is not offered, its usual price and no machine."""
    row = TYPES.get(instance_type)
    if row is None:
        raise HTTPException(404, f"Instance type {instance_type} not found")
    if region not in (None, *REGIONS):
        raise HTTPException(404, f"Region {region} not found")
    quotes = [q for q in world.market.quotes() if q.instance_type == instance_type and region in (None, q.region)]
    if not quotes:
        return CurrentPricesResponse(
            **_prices(row.usual_micro_usd, row, None, None), available_capacity=0, total_capacity=0
        )
    best = min(quotes, key=lambda quote: quote.price_micro_usd)
    winning = world.market.quote(instance_type, best.region, instance_quantity).winning_micro_usd
    return CurrentPricesResponse(
        **_prices(best.price_micro_usd, row, best, winning),
        available_capacity=sum(map(world.winnable, quotes)),
        total_capacity=sum(quote.capacity for quote in quotes),
    )


@router.get("/v2/pricing/history")
async def price_history(
    world: TheWorld, instance_types: str | None = None, region: str | None = None,
    num_samples: Annotated[int, Query(ge=-1, le=1000)] = 100, start_time: AwareDatetime | None = None,
    end_time: AwareDatetime | None = None,
) -> HistoricalPricesResponseModel:  # fmt: skip
    wanted = None if instance_types is None else {each.strip() for each in instance_types.split(",")}
    return HistoricalPricesResponseModel(
        series=[
            _series(world, quote, num_samples, start_time, end_time)
            for quote in world.market.quotes()
            if (wanted is None or quote.instance_type in wanted) and region in (None, quote.region)
        ]
    )


def _series(
    world: World, quote: Quote, samples: int, start: datetime | None, end: datetime | None
) -> HistoricalPriceSeriesModel:
    prices = world.market.history(
        quote.instance_type, quote.region, None if start is None else stamps.instant(start),
        None if end is None else stamps.instant(end), None if samples == -1 else samples,
    )  # fmt: skip
    reserved = money.written(OFFERS[0].unit_micro_usd(quote.instance_type))
    return HistoricalPriceSeriesModel(
        instance_type=quote.instance_type, region=quote.region, timestamps=[stamps.written(at) for at, _ in prices],
        spot_prices=[money.written(price) for _, price in prices], reserved_prices=[reserved] * len(prices),
    )  # fmt: skip


def _prices(spot: int, row: InstanceType, quote: Quote | None, winning: int | None) -> dict[str, int | None]:
    amounts = {
        "spot_price_cents": spot,
        "reserved_price_cents": OFFERS[0].unit_micro_usd(row.fid),
        "minimum_price_cents": quote.floor_micro_usd if quote else row.floor_micro_usd,
        "lowest_allocated_bid_cents": quote.lowest_micro_usd if quote else None,
        "dynamic_win_price_cents": winning,
    }
    return {name: None if amount is None else money.nearest_cents(amount) for name, amount in amounts.items()}


def _type(row: InstanceType) -> InstanceTypeModel:
    told: dict[str, Any] = {
        name: getattr(row, name) for name in InstanceTypeModel.model_fields if name != "hourly_price"
    }
    return InstanceTypeModel(**told, hourly_price=row.usual_cents / 100)
