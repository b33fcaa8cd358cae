"""A pretended market, and a client and a backend that ask it; the sandbox's market, and backends that ask that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from flowbatch.backends.mithril.account import Account
from flowbatch.backends.mithril.api import Api
from flowbatch.backends.mithril.client import Client
from tests.backends.mithril.athome import AtHome
from tests.backends.mithril.pretended import KEY, QUICK, Cluster, FakeMarket


@pytest.fixture
def market() -> FakeMarket:
    return FakeMarket()


@pytest.fixture
def account() -> Account:
    return Account("http://127.0.0.1:1", SecretStr(KEY), "main")


@pytest.fixture
def api(market: FakeMarket, account: Account) -> Api:
    return Api(account, QUICK, transport=httpx.MockTransport(market.handle))


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api)


@pytest.fixture
def cluster(market: FakeMarket, account: Account, tmp_path: Path) -> Cluster:
    return Cluster(account, tmp_path / "cluster", httpx.MockTransport(market.handle))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[AtHome]:
    home = AtHome(tmp_path)
    yield home
    home.close()
