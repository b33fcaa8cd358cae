"""A market in this process: its API behind a client that holds every request and answer against the published specification."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import uvicorn

from flowbatch.errors import MachineFailed
from flowbatch.sandbox.contract import Address, MachineOrder
from flowbatch.sandbox.driver import Driver
from flowbatch.sandbox.market.clock import VirtualClock
from flowbatch.sandbox.market.engine import Market
from flowbatch.sandbox.market.lives import Delays
from flowbatch.sandbox.market.state import Terms
from flowbatch.sandbox.settings import Settings
from flowbatch.sandbox.state import State
from flowbatch.sandbox.web.app import application
from flowbatch.sandbox.web.faults import Limits
from flowbatch.sandbox.web.site import Site
from flowbatch.sandbox.world import World

DATA = Path(__file__).parents[2] / "data"
AT = 1_800_000_000
H100, REGION = "it_5ECSoHQjLBzrp5YM", "us-central2-a"
"""An auction that is there."""


class Specification:
    """The published API: what may be asked and what is answered."""

    def __init__(self, text: str) -> None:
        self._spec = _with_null(json.loads(text))
        self._paths = {re.compile(re.sub(r"{[^}]+}", "[^/]+", path) + r"\Z"): path for path in self._spec["paths"]}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """None: not published."""
        fitting = [name for pattern, name in self._paths.items() if pattern.match(path)]
        if not fitting:
            return None
        exact = min(fitting, key=lambda name: name.count("{"))
        return self._spec["paths"][exact].get(method.lower())

    def check_request(self, operation: dict[str, Any], params: dict[str, Any], body: Any) -> None:
        known = {each["name"]: each for each in operation.get("parameters", []) if each["in"] == "query"}
        assert set(params) <= set(known), f"not published: {set(params) - set(known)}"
        assert {name for name, each in known.items() if each.get("required")} <= set(params)
        if "requestBody" in operation and body is not None:
            self._check(operation["requestBody"]["content"]["application/json"]["schema"], body)

    def check_answer(self, operation: dict[str, Any], answer: httpx.Response) -> None:
        told = operation["responses"].get(str(answer.status_code))
        if answer.status_code >= 400 and answer.status_code != 422:
            assert isinstance(answer.json()["detail"], str)
            return
        assert told is not None, f"{answer.status_code} is not published: {answer.text}"
        if "content" not in told:
            assert not answer.content or answer.status_code == 200
            return
        if answer.headers.get("content-type", "").startswith("application/json"):
            self._check(told["content"]["application/json"].get("schema", {}), answer.json())

    def check_model(self, name: str, value: Any) -> None:
        self._check({"$ref": f"#/components/schemas/{name}"}, value)

    def _check(self, schema: dict[str, Any], value: Any) -> None:
        jsonschema.validate(value, {**schema, "components": self._spec["components"]}, FORMS)


FORMS = jsonschema.Draft202012Validator


def _with_null(schema: Any) -> Any:
    """`nullable: true`, which the specification takes from an older OpenAPI, as JSON Schema says it."""
    if isinstance(schema, list):
        return [_with_null(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _with_null(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [inner, {"type": "null"}]} if schema.get("nullable") is True else inner


class FakeMachines:
    """Machines that are up at once, or do not boot; it is written down what was ordered."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.orders: dict[str, MachineOrder] = {}
        self.broken = False

    async def boot(self, order: MachineOrder) -> Address:
        if self.broken:
            raise MachineFailed("no namespaces here")
        self.done.append(("boot", order.fid))
        self.orders[order.fid] = order
        return Address("localhost", 2200 + len(self.done))

    async def halt(self, fid: str) -> None:
        self.done.append(("halt", fid))

    async def destroy(self, fid: str) -> None:
        self.done.append(("destroy", fid))

    async def notice(self, fid: str, until: str | None) -> None:
        self.done.append(("notice", fid, until or "withdrawn"))

    async def close(self) -> None:
        self.done.append(("close",))


class Asker:
    """Asks the market as a client would; everything is held against the specification."""

    def __init__(self, specification: Specification, volumes: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.specification = specification
        self.machines = FakeMachines()
        self.saved = 0
        state, self.key = State.new(AT)
        market = Market(Terms("1", 120, Delays(300, 3), crowd=None), AT)
        self.driver = Driver(self.machines, "http://127.0.0.1:1", volumes, self._save, lambda: self.world)
        self.world = World(state, market, VirtualClock(AT), self.driver.carry_out)
        self.site = Site(self.world, "secret", self._save, lambda: None, Limits(0), Settings())
        self.project = next(iter(state.projects))
        self._app = application(self.site)
        self._server: uvicorn.Server | None = None
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://sandbox")

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, published: bool = True, **params: Any
    ) -> httpx.Response:
        """The answer. `published`: whether the request is one that the specification knows."""
        operation = self.specification.operation(method, path)
        if operation is not None and published:
            self.specification.check_request(operation, params, body)
        secret = key or ("secret" if path.startswith("/sandbox") else self.key)
        headers = {"Authorization": f"Bearer {secret}"}
        answer = self.loop.run_until_complete(
            self._http.request(method, path, json=body, params=params, headers=headers)
        )
        if operation is not None:
            self.specification.check_answer(operation, answer)
        return answer

    async def serve(self) -> None:
        """From now on it is asked over a real connection."""
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app, port=0, http=self.site.lines.protocol(), lifespan="off", log_config=None, date_header=False,
                server_header=False,
            )
        )  # fmt: skip
        self._serving = self.loop.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    def fault(self, **fault: Any) -> int:
        number: int = self.post("/sandbox/faults", fault)["number"]
        return number

    def once(self, key: str, path: str, body: Any) -> httpx.Response:
        """A POST with an Idempotency-Key."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": key}
        return self.loop.run_until_complete(self._http.post(path, json=body, headers=headers))

    def get(self, path: str, **params: Any) -> Any:
        answer = self.ask("GET", path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        answer = self.ask("POST", path, body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, str]:
        answer = self.ask(method, path, body, published=False, **params)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["detail"]

    def bid(self, **other: Any) -> Any:
        return self.post("/v2/spot/bids", self.tender(**other))

    def tender(self, *, script: str | None = None, **other: Any) -> dict[str, Any]:
        """A bid as it is asked for."""
        launch = {"volumes": other.pop("volumes", []), "ssh_keys": other.pop("ssh_keys", [])}
        if script is not None:
            launch["startup_script"] = script
        return {
            "project": self.project, "region": REGION, "instance_type": H100, "limit_price": "$24.00",
            "instance_quantity": 1, "name": "train", "launch_specification": launch, **other,
        }  # fmt: skip

    def advance(self, seconds: int) -> None:
        """So much time passes, and everything ordered is carried out."""
        self.post("/sandbox/time", {"advance_s": seconds}, 200)
        self.loop.run_until_complete(self.driver.settle())

    def running(self) -> Any:
        """A bid whose machine is up."""
        bid = self.bid()
        self.advance(130)
        return self.get(f"/v2/spot/bids/{bid['fid']}")

    def close(self) -> None:
        self.loop.run_until_complete(self._http.aclose())
        if self._server is not None:
            self._server.should_exit = True
            self.loop.run_until_complete(self._serving)
        self.loop.run_until_complete(self.driver.close())
        self.loop.close()

    def _save(self) -> None:
        self.saved += 1


@pytest.fixture(scope="session")
def specification() -> Specification:
    return Specification((DATA / "mithril" / "openapi.json").read_text())


@pytest.fixture
def market(specification: Specification, tmp_path: Path) -> Iterator[Asker]:
    asker = Asker(specification, tmp_path)
    yield asker
    asker.close()


@pytest.fixture
def served(market: Asker) -> Asker:
    """The same market over a real connection."""
    market.loop.run_until_complete(market.serve())
    return market
