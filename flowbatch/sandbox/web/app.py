"""The API as one application, with its errors in the published shapes."""

from __future__ import annotations

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from flowbatch.sandbox.market.refusal import Refused
from flowbatch.sandbox.web import (
    absent,
    api_keys,
    bids,
    catalogue,
    control,
    images,
    instances,
    people,
    quotas,
    reservations,
    scripts,
    ssh_keys,
    volumes,
)  # fmt: skip
from flowbatch.sandbox.web.asking import authorised
from flowbatch.sandbox.web.gate import Gate
from flowbatch.sandbox.web.site import Site

PUBLISHED = (
    people,
    api_keys,
    ssh_keys,
    catalogue,
    images,
    quotas,
    bids,
    instances,
    reservations,
    volumes,
    scripts,
    absent,
)
GROUNDS = {"unknown": 404, "price": 400, "quantity": 400, "conflict": 409}
"""How the API says what the market refuses."""


def application(site: Site) -> Gate:
    """Everything that answers HTTP for `site`."""
    app = FastAPI(title="Mithril, at home", openapi_url=None)
    app.state.site = site
    app.add_exception_handler(RequestValidationError, _unprocessable)
    app.add_exception_handler(Refused, _refused)
    for room in PUBLISHED:
        app.include_router(room.router, dependencies=[Depends(authorised)])
    app.include_router(control.router)
    return Gate(app, site)


async def _unprocessable(request: Request, error: Exception) -> JSONResponse:
    """422 without the input, which may hold a secret."""
    assert isinstance(error, RequestValidationError)
    told = [{"loc": list(each["loc"]), "msg": each["msg"], "type": each["type"]} for each in error.errors()]
    return JSONResponse({"detail": told}, 422)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return JSONResponse({"detail": error.message}, GROUNDS[error.ground])
