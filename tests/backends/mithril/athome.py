"""The backend over the sandbox's own market, by real connections; every request is held against the published specification."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from flowbatch.backends.contract import Tender
from flowbatch.backends.mithril.account import Account
from tests.backends.mithril.pretended import Cluster, tender
from tests.sandbox.web.conftest import DATA, Asker, Specification

REGION, TYPE = "us-central2-a", "h100-80gb.sxm.8x"


class Held(httpx.AsyncHTTPTransport):
    """Real connections for requests that the specification knows."""

    def __init__(self, specification: Specification) -> None:
        super().__init__()
        self.specification = specification
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        operation = self.specification.operation(request.method, request.url.path)
        assert operation is not None, f"not published: {request.method} {request.url.path}"
        body = json.loads(request.content) if request.content else None
        self.specification.check_request(operation, dict(request.url.params), body)
        return await super().handle_async_request(request)


class AtHome:
    """The sandbox's market at a port of this machine, and backends that ask it."""

    def __init__(self, directory: Path) -> None:
        self._asker = Asker(Specification((DATA / "mithril" / "openapi.json").read_text()), directory / "volumes")
        self._directory = directory / "cluster"
        self._clusters: list[Cluster] = []
        self._asker.loop.run_until_complete(self._asker.serve())
        self._http = self._asker._http
        self.project = self._asker.project
        self.account = Account(str(self._http.base_url), SecretStr(self._asker.key), self.project)

    def cluster(self) -> Cluster:
        """A backend that asks it: the next one of the same store."""
        self._clusters.append(Cluster(self.account, self._directory, Held(self._asker.specification)))
        return self._clusters[-1]

    def run(self, story: Coroutine[Any, Any, None]) -> None:
        async def whole() -> None:
            try:
                await story
            finally:
                for cluster in self._clusters:
                    await cluster.backend.close()

        self._asker.loop.run_until_complete(asyncio.wait_for(whole(), 60))

    def close(self) -> None:
        self._asker.close()

    def offer(self, job_id: int = 7, **changes: Any) -> Tender:
        values = {"region": REGION, "instance_type": TYPE, "limit_micro_usd": 24_000_000} | changes
        return tender(job_id, **values)

    async def control(self, path: str, /, **body: Any) -> None:
        answer = await self._http.post(f"/sandbox/{path}", json=body, headers={"Authorization": "Bearer secret"})
        assert answer.status_code < 300, answer.text

    async def passes(self, seconds: int) -> None:
        """So much of the market's time, and its machines have done what they must."""
        await self.control("time", advance_s=seconds)
        await self._asker.driver.settle()

    async def ledger(self) -> list[dict[str, Any]]:
        """What every bid cost, by the market's own books."""
        answer = await self._http.get("/sandbox/ledger", headers={"Authorization": "Bearer secret"})
        rows: list[dict[str, Any]] = answer.json()["bids"]
        return rows

    # what befalls a bid, whatever the market

    async def live(self) -> list[str]:
        return [row["name"] for row in await self.ledger() if row["status"] != "Terminated"]

    async def paid(self) -> int:
        return sum(row["micro_usd"] for row in await self.ledger())

    async def win(self, name: str) -> None:
        await self.passes(130)

    async def leave(self, name: str) -> None:
        await self.control("preempt", bid=name)

    async def stranger(self, name: str) -> None:
        """Somebody places a bid of that name."""
        await self._http.post("/v2/spot/bids", json=self._asker.tender(name=name), headers=self._headers)

    async def end(self, name: str) -> None:
        """Somebody ends the bid in the console."""
        (fid,) = [row["bid"] for row in await self.ledger() if row["name"] == name]
        await self._http.delete(f"/v2/spot/bids/{fid}", headers=self._headers)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._asker.key}"}
