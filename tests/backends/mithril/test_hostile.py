"""A market that means harm, or somebody between it and us: nothing of it is believed, obeyed or shown as it is."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from flowbatch.backends.mithril import api
from flowbatch.backends.mithril import client as module
from flowbatch.backends.mithril.account import Account, Secret
from flowbatch.backends.mithril.api import Api, Declined
from flowbatch.backends.mithril.client import Client
from flowbatch.errors import MarketAway
from flowbatch.node import guard
from tests.backends.mithril.pretended import KEY, QUICK

LEASE = {"bid": "b", "project": "p", "key": KEY}


def asking(account, answer):
    """A client of a market that always answers so."""
    return Client(Api(account, QUICK, transport=httpx.MockTransport(lambda request: answer)))


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'[{"fid":"\\ud800","name":"x"}]', b"1" * 6000, b"\xff\xfe[]", b"NaN"]
)
@pytest.mark.parametrize("status", [200, 400])
def test_what_nobody_can_read_is_no_answer(account, body, status):
    with pytest.raises((MarketAway, Declined)):
        asyncio.run(asking(account, httpx.Response(status, content=body)).projects())


@pytest.mark.parametrize(
    "detail", ["\x1b]0;x\x07\x9b31mred\u202e", [{"loc": 5, "msg": "\x1b[2J"}], [{"loc": None}, None]]
)
def test_its_words_move_no_terminal(account, detail):
    with pytest.raises(Declined) as caught:
        asyncio.run(asking(account, httpx.Response(400, json={"detail": detail})).projects())
    assert caught.value.message.isprintable()
    listed = httpx.Response(200, json=[{"fid": "p", "name": "a\x1b[2Jb"}])
    assert asyncio.run(asking(account, listed).projects())[0].name == "a\ufffd[2Jb"


def test_a_clock_of_another_age_is_none(account):
    said = [{"fid": "a", "name": "k", "expires_at": "2030-01-01T00:00:00Z", "secret": "fkey_1"}]
    client = asking(account, httpx.Response(200, json=said, headers={"Date": "Fri, 31 Dec 9999 23:59:59 GMT"}))

    async def twice():
        return [(await client.api_keys())[0], (await client.api_keys())[0]]

    (_, key) = asyncio.run(twice())
    assert client.instant(key.expires_at) == 1_893_456_000
    with pytest.raises(MarketAway):
        asyncio.run(client.create_api_key("k", 1_893_456_000))  # a list is no key: it was asked, with an end


def test_an_answer_without_end_is_given_up(account, monkeypatch):
    monkeypatch.setattr(api, "LONGEST_ANSWER", 1000)
    with pytest.raises(MarketAway, match="an answer without end"):
        asyncio.run(asking(account, httpx.Response(200, content=b" " * 2000 + b"[]")).projects())


def test_a_listing_of_endless_rows_is_given_up(account, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_LISTING", 10_000)
    asked, page = [], {"data": [{"fid": "s", "name": "x" * 6000}], "next_cursor": "on"}

    def answer(request):
        asked.append(request)
        return httpx.Response(200, json=page)

    client = Client(Api(account, QUICK, transport=httpx.MockTransport(answer)))
    with pytest.raises(MarketAway, match="has no end"):
        asyncio.run(client.lifecycle_scripts("p"))
    assert len(asked) == 2


class Market(HTTPServer):
    """Says where to go instead; what it was asked, with the key."""

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.location = [], None
        self.body = json.dumps({"data": [], "next_cursor": "on"}).encode()
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.url = f"http{'' if certificate is None else 's'}://localhost:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that does not trust us hangs up


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.headers.get("Authorization"))
        self.send_response(302 if self.server.location else 200)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    made = []

    def one(certificate=None):
        made.append(Market(certificate))
        return made[-1]

    yield one
    for market in made:
        market.shutdown()
        market.server_close()


def test_no_key_goes_where_a_market_sends_us(serve):
    market, elsewhere = serve(), serve()
    market.location = elsewhere.url + "/v2/projects"
    with pytest.raises(Declined) as caught:
        asyncio.run(Client(Api(Account(market.url, Secret(KEY), "p"), QUICK)).projects())
    assert caught.value.status == 302
    for method in ("GET", "POST", "DELETE"):
        with pytest.raises(guard.AWAY):
            guard.Market({**LEASE, "api_url": market.url}).call(method, "/v2/spot/bids")
    assert market.asked == [f"Bearer {KEY}"] * 4
    assert elsewhere.asked == []


def test_a_certificate_of_nobody_opens_nothing(serve, tmp_path):
    market = serve(_certificate(tmp_path / "nobodys.pem"))
    with pytest.raises(MarketAway, match=r"(?i)certificate"):
        asyncio.run(Client(Api(Account(market.url, Secret(KEY), "p"), QUICK)).projects())
    with pytest.raises(guard.AWAY, match=r"(?i)certificate"):
        guard.Market({**LEASE, "api_url": market.url}).call("GET", "/v2/spot/bids")
    assert market.asked == []


def test_a_guard_is_not_held_by_pages_without_end(serve):
    market = serve()
    with pytest.raises(guard.AWAY):
        guard.Market({**LEASE, "api_url": market.url}).bids()
    assert len(market.asked) == guard.MOST_PAGES
    market.body = b"[" * 200_000
    with pytest.raises(guard.AWAY):
        guard.Market({**LEASE, "api_url": market.url}).bids()


def _certificate(file):
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, SHA256())
    )  # fmt: skip
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    return file
