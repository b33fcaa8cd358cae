"""Between a connection and the API: limits, faults, answers given twice; and no answer before what it says is on disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
from dataclasses import dataclass, field
from email.utils import formatdate
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowbatch.sandbox.state import Answered, digest
from flowbatch.sandbox.web.site import Site

CONTROL = "/sandbox"
LONGEST, LONGEST_NUMBER = 8 << 20, 10
"""Bytes of a request's body (a start-up script is 64 KiB), and digits of its length."""
READS = ("GET", "HEAD")
ONCE = ("/v2/spot/bids", "/v2/volumes", "/v2/reservation")
"""What the vendor's client sends an Idempotency-Key to."""

SHOWN = 300

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    @classmethod
    def saying(cls, status: int, detail: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
        """An error in the API's shape."""
        return cls.of_json(status, json.dumps({"detail": detail}).encode(), headers)

    @classmethod
    def of_json(cls, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
        kind = ((b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()))
        return cls(status, body, (*kind, *headers))

    @property
    def said(self) -> str:
        """The beginning of an error, for the log."""
        return self.body[:SHOWN].decode(errors="replace")

    async def give(self, send: Send, more: tuple[tuple[bytes, bytes], ...]) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, *more]})
        await send({"type": "http.response.body", "body": self.body})


class Gate:
    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site
        self._writing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Asked(scope)
        met = {} if asked.control else self._site.weather.meets(asked.method, asked.path)
        if "latency" in met:
            await asyncio.sleep(met["latency"][1].seconds or 1)
        if "drop" in met:
            await self._cut(scope, receive)
            return
        if (wait_s := self._wait_s(asked)) > 0:
            answer = Answer.saying(429, "Too many requests", _retry_after(wait_s))
        elif "status" in met:
            fault = met["status"][1]
            answer = Answer.saying(
                fault.status, "injected fault", _retry_after(fault.seconds) if fault.seconds is not None else ()
            )
        else:
            scope.setdefault("state", {})["world"] = self._site.as_of(met["stale"][0] if "stale" in met else None)
            answer = await self._answer(asked, scope, receive)
        if answer.status >= 400 and not asked.control:
            log.info("%s %s: %d %s", asked.method, asked.path, answer.status, answer.said)
        if "cut" in met:
            await self._cut(scope, receive)
        else:
            skew_s = (met["skew"][1].seconds or 0) if "skew" in met else 0
            await answer.give(send, self._marks(asked, skew_s))

    def _wait_s(self, asked: Asked) -> float:
        if asked.control:
            return 0
        self._site.asked()
        return self._site.limits.wait_s(asked.who, self._site.real_now())

    def _marks(self, asked: Asked, skew_s: float) -> tuple[tuple[bytes, bytes], ...]:
        """Headers of every answer."""
        date = formatdate(self._site.world.now() + skew_s, usegmt=True)
        return (b"date", date.encode()), (b"x-request-id", asked.header(b"x-request-id") or uuid4().hex.encode())

    async def _answer(self, asked: Asked, scope: Scope, receive: Receive) -> Answer:
        """The API's answer; of what changes something, one at a time, and only once it is on disk."""
        if asked.length > LONGEST:
            return Answer.saying(413, f"a request has at most {LONGEST} bytes, and says how many")
        if asked.method in READS:
            return await self._ask(scope, receive)
        async with self._writing:
            known = self._known(asked)
            if known is not None:
                return Answer.of_json(known.status, known.body.encode(), ((b"idempotency-replayed", b"true"),))
            answer = await self._ask(scope, receive)
            if asked.once is not None and answer.status < 300:
                at = self._site.world.now()
                self._site.world.state.answered[asked.once] = Answered(
                    at=at, status=answer.status, body=answer.body.decode()
                )
            try:
                self._site.save()
            except OSError as error:
                return Answer.saying(503, f"the sandbox cannot write its state: {error.strerror}")
            return answer

    def _known(self, asked: Asked) -> Answered | None:
        """What the same request was answered before, to somebody whose key holds."""
        world = self._site.world
        if asked.once is None or world.state.bearer(asked.secret, world.now()) is None:
            return None
        return world.state.answered.get(asked.once)

    async def _ask(self, scope: Scope, receive: Receive) -> Answer:
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)

        await self._app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in said[1:])
        return Answer(said[0]["status"], body, tuple(said[0].get("headers", ())))

    async def _cut(self, scope: Scope, receive: Receive) -> None:
        """Nobody is there any more when this returns."""
        self._site.lines.cut(tuple(scope["client"]))
        while (await receive())["type"] != "http.disconnect":
            pass


class Asked:
    """What the gate needs to know of a request."""

    def __init__(self, scope: Scope) -> None:
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.control = self.path.startswith(CONTROL)

    def header(self, name: bytes) -> bytes | None:
        return self._headers.get(name)

    @property
    def length(self) -> float:
        """Of the body as it was announced; without an end where it comes in pieces (uvicorn holds the sender to his number)."""
        if self.header(b"transfer-encoding") is not None:
            return math.inf
        said = self.header(b"content-length") or b"0"
        return int(said) if said.isdigit() and len(said) < LONGEST_NUMBER else math.inf

    @property
    def secret(self) -> str:
        return (self.header(b"authorization") or b"").decode("latin-1").removeprefix("Bearer ")

    @property
    def who(self) -> str:
        return digest(self.secret)

    @property
    def once(self) -> str | None:
        """What an answer is remembered by, if it is to be."""
        key = self.header(b"idempotency-key")
        if self.method != "POST" or key is None or self.path.rstrip("/") not in ONCE:
            return None
        return hashlib.sha256(self.path.rstrip("/").encode() + b"\n" + key).hexdigest()


def _retry_after(seconds: float) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"retry-after", str(math.ceil(seconds)).encode()),)
