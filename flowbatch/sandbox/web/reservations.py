"""Reservations: quoted, booked, extended, paused for credit, given back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from flowbatch.sandbox.ids import uuid_of
from flowbatch.sandbox.market.catalogue import REGIONS, TYPES
from flowbatch.sandbox.reservations import LONGEST_S, Reservation, Status
from flowbatch.sandbox.web import launches, money, stamps
from flowbatch.sandbox.web.asking import TheProject, TheWorld, owned_project
from flowbatch.sandbox.web.launches import LaunchSpecificationModel
from flowbatch.sandbox.web.offers import OFFERS, Offer, found_offer
from flowbatch.sandbox.web.paging import Page, SortDirection, page
from flowbatch.sandbox.world import World
from flowbatch.units import HOUR

router = APIRouter(prefix="/v2/reservation")


class PriceSpecification(BaseModel):
    offer_key: str = "standard"
    max_unit_price: int | None = Field(default=None, ge=0)


class CreateReservationRequest(BaseModel):
    project: str
    instance_type: str
    region: str
    start_time: AwareDatetime
    end_time: AwareDatetime
    instance_quantity: int
    name: str
    launch_specification: LaunchSpecificationModel = Field(repr=False)
    price_specification: PriceSpecification | None = None
    notification_email: str | None = None


class UpdateReservationRequest(BaseModel):
    paused: bool | None = None
    volumes: list[str] | None = None


class ExtendReservationRequest(BaseModel):
    end_time: AwareDatetime
    price_specification: PriceSpecification | None = None


class TerminateInstanceRequest(BaseModel):
    instances: Annotated[list[str], Field(min_length=1)]
    reduce_capacity: Literal[True]


class ReservationModel(BaseModel):
    fid: str
    name: str
    project: str
    created_by: str
    created_at: str
    deactivated_at: str | None
    instance_quantity: int
    instance_type: str
    region: str | None
    instances: list[str]
    launch_specification: LaunchSpecificationModel = Field(repr=False)
    status: Status
    start_time: str
    end_time: str
    total_price: str
    unit_price: str


@router.get("/quote")
async def quote(
    world: TheWorld, project: TheProject, instance_type: str, region: str, start_time: AwareDatetime,
    end_time: AwareDatetime, quantity: Annotated[int, Query(ge=1)],
) -> dict[str, Any]:  # fmt: skip
    _check_place(instance_type, region)
    hours = (stamps.instant(end_time) - stamps.instant(start_time)) // HOUR * quantity
    if hours <= 0:
        raise HTTPException(400, "end_time must be after start_time")
    return {"offers": [_offer(offer, instance_type, hours) for offer in OFFERS]}


@router.get("/availability")
async def availability(
    world: TheWorld, project: TheProject, instance_type: str, region: str,
    mode: Literal["slots", "latest_end_time", "check"] = "latest_end_time",
    earliest_start_time: AwareDatetime | None = None, latest_end_time: AwareDatetime | None = None,
    start_time: AwareDatetime | None = None, end_time: AwareDatetime | None = None,
    quantity: Annotated[int | None, Query(gt=0)] = None,
) -> Any:  # fmt: skip
    """Until when machines can be booked from `start_time` on, when how many, or whether so many from then to then."""
    _check_place(instance_type, region)
    now, wanted = world.now(), quantity or 1
    begins = _instant(start_time or earliest_start_time, now)
    ends = _instant(end_time or latest_end_time, begins + LONGEST_S)
    if ends <= begins:
        raise HTTPException(400, "the end must be after the start")
    free = world.state.reserved.free(instance_type, region, begins, ends)
    match mode:
        case "check":
            return {"available": free >= wanted}
        case "slots":
            slot = {"start_time": stamps.written(begins), "end_time": stamps.written(ends), "quantity": free}
            return [slot] if free > 0 else []
        case _:
            latest = _latest(world, instance_type, region, begins, wanted)
            return {"latest_end_time": stamps.written(latest), "available": latest > begins}


@router.post("", status_code=201)
async def create(asked: CreateReservationRequest, world: TheWorld) -> ReservationModel:
    project = owned_project(world, asked.project)
    _check_place(asked.instance_type, asked.region)
    if asked.instance_quantity < 1 or not asked.name.strip():
        raise HTTPException(400, "A reservation needs a name and at least one instance")
    launches.check(world, project, asked.region, asked.launch_specification)
    offer = _accepted(asked.price_specification, asked.instance_type)
    reservation = Reservation(
        name=asked.name, project=project, user=world.state.user.fid, created_at=world.now(),
        instance_type=asked.instance_type, region=asked.region, quantity=asked.instance_quantity,
        start=stamps.instant(asked.start_time), end=stamps.instant(asked.end_time),
        unit_micro_usd=offer.unit_micro_usd(asked.instance_type),
        pause_credit_micro_usd=offer.pause_micro_usd(asked.instance_type),
        return_credit_micro_usd=offer.return_micro_usd(asked.instance_type),
        volumes=asked.launch_specification.volumes, launch=asked.launch_specification.kept(),
    )  # fmt: skip
    world.carry_out(world.state.reserved.place(reservation, world.now()))
    return _shown(reservation)


@router.get("")
async def listing(
    world: TheWorld, project: TheProject, instance_type: str | None = None, region: str | None = None,
    status: Status | None = None, next_cursor: str | None = None,
    sort_by: Literal["created_at", "status"] | None = None, sort_dir: SortDirection | None = None,
    limit: Annotated[int | None, Query(ge=1, le=100)] = None,
) -> Page[ReservationModel]:  # fmt: skip
    found = [
        each
        for each in world.state.reserved.reservations.values()
        if each.project == project and instance_type in (None, each.instance_type)
        and region in (None, each.region) and status in (None, each.status)
    ]  # fmt: skip
    return page(
        found, _shown, by=sort_by or "created_at", direction=sort_dir or "desc", limit=limit, cursor=next_cursor
    )


@router.get("/{reservation_fid}")
async def one(reservation_fid: str, world: TheWorld) -> ReservationModel:
    """Not published; the vendor's client asks for it."""
    return _shown(_found(world, reservation_fid))


@router.patch("/{reservation_fid}")
async def update(reservation_fid: str, asked: UpdateReservationRequest, world: TheWorld) -> ReservationModel:
    reservation, reserved = _found(world, reservation_fid), world.state.reserved
    if asked.volumes is not None and asked.volumes != reservation.volumes:
        launches.check_volumes(world, reservation.project, reservation.region, asked.volumes, order=reservation_fid)
        if reservation.status == "Active" and not asked.paused:
            raise HTTPException(409, "Volumes can only be changed while the reservation is paused or pending")
    if asked.paused is not None:
        if reservation.status not in ("Active", "Paused"):
            raise HTTPException(409, f"The reservation is {reservation.status}")
        move = reserved.pause if asked.paused else reserved.resume
        world.carry_out(move(reservation, reservation.instances, world.now(), world.state.user.fid))
    if asked.volumes is not None:
        reservation.volumes = asked.volumes
    return _shown(reservation)


@router.get("/{reservation_fid}/extension-availability")
async def extension_availability(reservation_fid: str, world: TheWorld) -> dict[str, Any]:
    reservation = _found(world, reservation_fid)
    latest = _latest(
        world, reservation.instance_type, reservation.region, reservation.end, reservation.quantity,
        reservation.start + LONGEST_S,
    )  # fmt: skip
    return {
        "latest_extension_time": stamps.written(latest),
        "available": reservation.live and latest > reservation.end,
    }


@router.post("/{reservation_fid}/extend")
async def extend(reservation_fid: str, asked: ExtendReservationRequest, world: TheWorld) -> ReservationModel:
    reservation = _found(world, reservation_fid)
    highest = asked.price_specification.max_unit_price if asked.price_specification else None
    if highest is not None and highest * money.CENT < reservation.unit_micro_usd:
        raise HTTPException(400, "The price is above max_unit_price")
    world.state.reserved.extend(reservation, stamps.instant(asked.end_time), world.now(), world.state.user.fid)
    return _shown(reservation)


@router.post("/{reservation_fid}/terminate-instances")
async def terminate_instances(reservation_fid: str, asked: TerminateInstanceRequest, world: TheWorld) -> Any:
    """Paused instances are given back, for good. Of several, those that are not paused stay (207)."""
    reservation, reserved = _found(world, reservation_fid), world.state.reserved
    strange = [fid for fid in asked.instances if fid not in reservation.instances]
    if strange:
        raise HTTPException(404, f"Instance {strange[0]} not found in the reservation")
    paused = [fid for fid in asked.instances if reserved.instances[fid].status == "STATUS_PAUSED"]
    if not paused:
        raise HTTPException(400, "Only paused instances can be terminated")
    world.carry_out(reserved.give_back(reservation, paused, world.now()))
    return {} if len(paused) == len(asked.instances) else JSONResponse({"terminated_instances": paused}, 207)


@router.get("/{reservation_fid}/history")
async def history(reservation_fid: str, world: TheWorld) -> dict[str, Any]:
    reservation = _found(world, reservation_fid)
    terms = {
        "unit_price_cents": money.nearest_cents(reservation.unit_micro_usd),
        "pause_credit_cents": money.nearest_cents(reservation.pause_credit_micro_usd),
        "return_credit_cents": money.nearest_cents(reservation.return_credit_micro_usd),
    }
    return {
        "reservation_fid": reservation_fid,
        "events": [
            {"timestamp": stamps.written(event.at), "event_type": event.kind, "user_id": event.user}
            | (terms if event.kind.startswith("Terms") else {})
            for event in reservation.history
        ],
    }


@router.get("/{reservation_fid}/usage")
async def usage(reservation_fid: str, world: TheWorld) -> dict[str, Any]:
    reservation, reserved, now = _found(world, reservation_fid), world.state.reserved, world.now()
    cents = {name: money.nearest_cents(amount) for name, amount in reserved.credits(reservation, now).items()}
    committed = money.nearest_cents(reservation.total_micro_usd)
    so_far_s = max(0, min(now, reservation.end) - reservation.start) * reservation.quantity
    idle_s = min(so_far_s, sum(each.paused_s(now) for each in reserved.of(reservation)))
    events = {"Active": "Started", "Paused": "Paused", "Terms Changed": "Extended"}
    return {
        "reservation": {
            "fid": reservation.fid, "order_name": reservation.name, "start_date": stamps.written(reservation.start),
            "end_date": stamps.written(reservation.end), "status": reservation.status, "committed_cost_cents": committed,
        },
        "summary": {
            "committed_cost_cents": committed, "flex_use_credits_cents": cents["pause"],
            "early_termination_credits_cents": cents["return"],
            "net_cost_cents": committed - cents["pause"] - cents["return"],
            "reserved_instance_hours": _duration((reservation.end - reservation.start) * reservation.quantity),
            "active_instance_hours": _duration(so_far_s - idle_s), "idle_instance_hours": _duration(idle_s),
            "as_of": stamps.written(now),
        },
        "grants": [
            {
                "fid": reservation.fid.replace("res_", "grant_"), "starts_at": stamps.written(reservation.start),
                "ends_at": stamps.written(reservation.end), "quantity": reservation.quantity,
                "unit_price": money.nearest_cents(reservation.unit_micro_usd),
                "price_credit": money.nearest_cents(reservation.pause_credit_micro_usd),
                "return_credit": money.nearest_cents(reservation.return_credit_micro_usd),
            }
        ],
        "pricing_events": [
            {
                "id": uuid_of(f"{each.fid} {stage.at} {stage.status}"), "occurred_at": stamps.written(stage.at),
                "instance_fid": each.fid, "instance_name": each.name, "instance_status": stage.status,
            }
            for each in reserved.of(reservation)
            for stage in each.history
        ],
        "reservation_events": [
            {
                "occurred_at": stamps.written(event.at), "event_type": events[event.kind],
                "reservation_name": reservation.name,
            }
            for event in reservation.history
            if event.kind in events
        ],
    }  # fmt: skip


def _found(world: World, reservation_fid: str) -> Reservation:
    reservation = world.state.reserved.reservations.get(reservation_fid)
    if reservation is None:
        raise HTTPException(404, f"Reservation {reservation_fid} not found")
    return reservation


def _instant(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else stamps.instant(moment)


def _check_place(instance_type: str, region: str) -> None:
    if instance_type not in TYPES:
        raise HTTPException(404, f"Instance type {instance_type} not found")
    if region not in REGIONS:
        raise HTTPException(404, f"Region {region} not found")


def _accepted(asked: PriceSpecification | None, instance_type: str) -> Offer:
    """The offer that was chosen. Refuses with 400 an unknown one, and one that costs more than allowed."""
    wanted = asked or PriceSpecification()
    offer = found_offer(wanted.offer_key)
    if offer is None:
        raise HTTPException(400, f"Unknown offer {wanted.offer_key}")
    if wanted.max_unit_price is not None and wanted.max_unit_price * money.CENT < offer.unit_micro_usd(instance_type):
        raise HTTPException(400, "The price is above max_unit_price")
    return offer


def _latest(world: World, instance_type: str, region: str, start: int, quantity: int, bound: int | None = None) -> int:
    """The latest whole hour until which so many machines can be booked from `start` on; `start` itself if they cannot."""
    ends = range(start + HOUR, (bound or start + LONGEST_S) + 1, HOUR)
    fitting = [end for end in ends if world.state.reserved.free(instance_type, region, start, end) >= quantity]
    return max(fitting, default=start)


def _offer(offer: Offer, instance_type: str, hours: int) -> dict[str, str]:
    unit, pause, back = (
        offer.unit_micro_usd(instance_type), offer.pause_micro_usd(instance_type), offer.return_micro_usd(instance_type),
    )  # fmt: skip
    return {
        "key": offer.key,
        "display_name": offer.display_name,
        "unit_price": money.written(unit),
        "return_buyback_price": money.written(back),
        "pause_buyback_price": money.written(pause),
        "total_price": money.written(unit * hours),
        "total_etbp_value": money.written(back * hours),
        "total_fubp_value": money.written(pause * hours),
        "option_premium": money.written((unit - OFFERS[0].unit_micro_usd(instance_type)) * hours),
    }


def _duration(seconds: int) -> str:
    """As ISO 8601 has it."""
    hours, rest = divmod(seconds, HOUR)
    return f"PT{hours}H{rest // 60}M{rest % 60}S"


def _shown(reservation: Reservation) -> ReservationModel:
    return ReservationModel(
        fid=reservation.fid, name=reservation.name, project=reservation.project, created_by=reservation.user,
        created_at=stamps.written(reservation.created_at), deactivated_at=stamps.written_if(reservation.deactivated_at),
        instance_quantity=reservation.quantity, instance_type=reservation.instance_type, region=reservation.region,
        instances=list(reservation.instances), status=reservation.status, start_time=stamps.written(reservation.start),
        end_time=stamps.written(reservation.end), total_price=money.written(reservation.total_micro_usd),
        unit_price=money.written(reservation.unit_micro_usd),
        launch_specification=LaunchSpecificationModel(**reservation.launch, volumes=reservation.volumes),
    )  # fmt: skip
