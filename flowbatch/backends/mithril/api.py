"""Asking the market over HTTP: the one importer of httpx. "It said no" (`Declined`) is not "I could not ask" (MarketAway).

Asked again by itself: what was turned away for its frequency (429), whatever it was; and, where asking twice is the
same as asking once (GET, DELETE), what got no answer or a server's error. A POST or PATCH that may have arrived is left
to its caller as `Unanswered`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any

import httpx

import flowbatch
from flowbatch.backends.mithril.account import Account, without_keys
from flowbatch.backends.mithril.pace import ABROAD, Pace, Tempo, TookTooLong, within
from flowbatch.clock import Clock, SystemClock
from flowbatch.errors import MarketAway, MarketFailed
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.protocol.plain import heard
from flowbatch.text import shown
from flowbatch.units import DAY, Instant

TRIES = 4
CONNECT_S, READ_S, WHOLE_S = 10, 30, 120
LONGEST_RETRY_AFTER_S = 30
"""A market that wants more patience than this is away for the time being."""
LONGEST_ANSWER = 32 << 20
LONGEST_WORDS = 300
SKEW_S = 10
"""Clocks that differ by less are taken to agree: the Date header is whole seconds, and answers take time."""
MOST_SKEW_S = 36_500 * DAY
"""A clock that differs by more is none."""

_REPEATABLE = frozenset({"GET", "DELETE"})

log = logging.getLogger(__name__)


class Declined(MarketFailed):
    """The market's no: its status code and its own words."""

    def __init__(self, what: str, status: int, words: str, request_id: str | None) -> None:
        super().__init__(f"the market refused {what}: {words}" + (f" (request {request_id})" if request_id else ""))
        self.status = status
        self.words = words
        self.request_id = request_id


class Unanswered(MarketAway):
    """It was sent, and no answer tells whether it was done."""


class _Again(Exception):
    """One try came to nothing; `after_s` is what the market asked for."""

    def __init__(self, why: str, *, sent: bool, after_s: float | None = None) -> None:
        super().__init__(why)
        self.sent = sent
        self.after_s = after_s


class Api:
    """One account's connection. Answers are JSON values; money, models and paths are `client.py`'s."""

    def __init__(
        self,
        account: Account,
        tempo: Tempo = ABROAD,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        failpoint: Failpoint = nowhere,
    ) -> None:
        self._failpoint = failpoint
        self._tempo = tempo
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()
        self._pace = Pace(tempo.per_s, tempo.burst)
        self._ahead_s = self._measured_s = 0
        self._key = account.api_key
        self._http = httpx.AsyncClient(
            base_url=account.api_url,
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            headers={"User-Agent": f"flowbatch/{flowbatch.__version__}"},
            trust_env=not account.loopback,
            transport=transport,
        )

    async def close(self) -> None:
        await self._http.aclose()

    def now(self) -> Instant:
        return self._clock.now()

    @property
    def ahead_s(self) -> int:
        """How many seconds the market's clock is ahead of ours: 0 where they agree."""
        return self._ahead_s

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """The answer's JSON value, None where it has no body. Raises Declined, Unanswered, MarketAway."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        what = f"{method} {path}"
        for attempt in count(1):
            try:
                async with self._pace.turn():
                    return await within(WHOLE_S, self._once(method, path, query, body, headers))
            except _Again as again:
                failed = again
            except TookTooLong:
                failed = _Again(f"no whole answer in {WHOLE_S} s", sent=True)
            again_is_safe = method in _REPEATABLE or not failed.sent
            if not again_is_safe:
                raise Unanswered(f"the market's answer to {what} is lost: {failed}")
            if attempt == TRIES or (failed.after_s or 0) > LONGEST_RETRY_AFTER_S:
                raise MarketAway(f"the market does not answer {what}: {failed}")
            wait_s = self._tempo.retry.wait_s(attempt - 1, self._rng)
            await asyncio.sleep(max(wait_s, failed.after_s or 0))
        raise AssertionError  # the loop has no end

    async def _once(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, headers: Mapping[str, str]
    ) -> Any:
        request = self._http.build_request(
            method, path, params=query, json=body,
            headers={
                **headers,
                "Authorization": f"Bearer {self._key.get_secret_value()}",
                "X-Client-Request-Id": str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            },
        )  # fmt: skip
        self._failpoint(f"asking {method} {path}")
        try:
            response = await self._http.send(request, stream=True)
            try:
                content = await _content(response)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _Again(_words_of(error), sent=False) from None
        except httpx.HTTPError as error:
            raise _Again(_words_of(error), sent=True) from None
        self._failpoint(f"answered {method} {path}")
        self._compare_clocks(response)
        return self._judged(f"{method} {path}", response, content)

    def _judged(self, what: str, response: httpx.Response, content: bytes) -> Any:
        """The value of a good answer; raises what any other means."""
        status = response.status_code
        if status == 429:
            raise _Again("too many requests", sent=False, after_s=self._retry_after(response))
        if status == 408 or (status >= 500 and status != 501):
            raise _Again(f"{status} {_words(content)}", sent=True, after_s=self._retry_after(response))
        if not 200 <= status < 300:
            request_id = response.headers.get("x-request-id") or response.headers.get("x-correlation-id")
            raise Declined(what, status, _words(content) or f"{status} {response.reason_phrase}", request_id)
        try:
            return heard(content) if content else None
        except ValueError:
            raise _Again("an answer that is not JSON", sent=True) from None

    def _compare_clocks(self, response: httpx.Response) -> None:
        """A difference is believed when two answers in a row agree on it."""
        said = _date(response.headers.get("date"))
        if said is None:
            return
        measured_s = int(said.timestamp()) - self._clock.now()
        if abs(measured_s) > MOST_SKEW_S:
            return
        if abs(measured_s - self._measured_s) < SKEW_S:
            self._ahead_s = measured_s if abs(measured_s) >= SKEW_S else 0
        self._measured_s = measured_s

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Seconds; both forms of RFC 9110."""
        said: str | None = response.headers.get("retry-after")
        if said is None or said.isdecimal():
            return None if said is None else float(said)
        at = _date(said)
        return None if at is None else max(0.0, at.timestamp() - (self._clock.now() + self._ahead_s))


async def _content(response: httpx.Response) -> bytes:
    """The body, as long as it is reasonable."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > LONGEST_ANSWER:
            raise httpx.DecodingError("an answer without end")
    return bytes(content)


def _words_of(error: httpx.HTTPError) -> str:
    return without_keys(str(error)) or type(error).__name__


def _words(content: bytes) -> str:
    """What an error's body says, in one line: its `detail`, which is text or FastAPI's list. Values that we sent are not
    repeated: some are secret. No terminal is moved by it."""
    try:
        said = heard(content)
    except ValueError:
        said = content.decode("utf-8", "replace")
    detail = said.get("detail", said) if isinstance(said, dict) else said
    if isinstance(detail, list):
        detail = "; ".join(_complaint(one) for one in detail)
    return shown(without_keys(" ".join(str(detail).split())))[:LONGEST_WORDS]


def _complaint(one: object) -> str:
    if not isinstance(one, dict):
        return str(one)
    place = one.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    return f"{where}: {one.get('msg', '')}"


def _date(said: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(said) if said else None
    except ValueError:
        return None
    return at.replace(tzinfo=timezone.utc) if at is not None and at.tzinfo is None else at
