"""The sandbox as a process of its own: started, killed, started again, left alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from flowbatch.errors import ConfigError, MarketAway, MarketFailed
from flowbatch.paths import Paths
from flowbatch.sandbox import address
from flowbatch.sandbox.settings import Settings
from flowbatch.sdk.sandbox import Sandbox

QUICK = Settings(tick_s=1, notice_s=5, boot_delay_s=0, history_s=0)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    here = Sandbox(Paths(tmp_path / "state", tmp_path / "config"))
    yield here
    known = address.read(here.directory) if here.directory.exists() else None
    if known is not None and known.pid is not None:
        os.kill(known.pid, signal.SIGKILL)


def until(what: Callable[[], bool], within_s: float = 15) -> None:
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def api(sandbox: Sandbox, method: str, path: str, body: Any = None) -> Any:
    known = sandbox.address()
    assert known is not None
    request = urllib.request.Request(
        known.api_url + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {known.api_key}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def bid(project: str) -> dict[str, Any]:
    return {
        "project": project, "region": "us-central1-b", "instance_type": "it_C8smallCPUsandbx", "limit_price": "$0.05",
        "instance_quantity": 1, "name": "train", "launch_specification": {"volumes": [], "ssh_keys": []},
    }  # fmt: skip


def test_it_goes_on_where_it_was_killed(sandbox: Sandbox) -> None:
    first = sandbox.start(QUICK)
    assert first.fresh
    sandbox.price("cpu.8vcpu", "us-central1-b", "$9.00")
    made = api(sandbox, "POST", "/v2/spot/bids", bid(first.address.project))
    assert first.address.pid is not None
    os.kill(first.address.pid, signal.SIGKILL)
    until(lambda: gone(first.address.pid or 0))
    assert sandbox.address() is None
    second = sandbox.start(QUICK)
    assert second.address.pid != first.address.pid
    assert (second.address.api_url, second.address.api_key) == (first.address.api_url, first.address.api_key)
    assert api(sandbox, "GET", f"/v2/spot/bids/{made['fid']}") == made


def test_there_is_one_for_a_directory_and_its_files_are_its_owners_alone(sandbox: Sandbox) -> None:
    first = sandbox.start(QUICK)
    assert not sandbox.start(QUICK).fresh
    assert not sandbox._spawn(QUICK)
    assert sandbox.directory.stat().st_mode & 0o777 == 0o700
    for name in ("sandbox.json", "state.json"):
        assert (sandbox.directory / name).stat().st_mode & 0o777 == 0o600
    assert first.address.api_key not in (sandbox.directory / "state.json").read_text()
    assert sandbox.stop() == first.address.pid
    assert sandbox.stop() is None
    with pytest.raises(MarketAway, match="no sandbox runs"):
        sandbox.status()


def test_it_is_driven_from_python(sandbox: Sandbox) -> None:
    sandbox.start(QUICK)
    before = sandbox.status()["instant"]
    assert sandbox.advance(3600)["instant"] >= before + 3600
    assert sandbox.set_rate(10)["rate"] == 10
    assert sandbox.fault(kind="status", path="/v2/me", status=429) == {"number": 1}
    assert sandbox.faults()["faults"][0]["status"] == 429
    assert sandbox.clear_faults() == {"faults": []}
    assert sandbox.ledger()["micro_usd"] == 0
    with pytest.raises(MarketFailed, match="no live bids are called nobody"):
        sandbox.preempt("nobody")


def test_nobody_needs_it_any_more(sandbox: Sandbox) -> None:
    started = sandbox.start(Settings(idle_s=1, history_s=0))
    until(lambda: gone(started.address.pid or 0))
    left = address.read(sandbox.directory)
    assert left is not None
    assert left.pid is None


def test_it_ends_with_its_directory(sandbox: Sandbox) -> None:
    started = sandbox.start(Settings(idle_s=2, history_s=0))
    shutil.rmtree(sandbox.directory)
    until(lambda: gone(started.address.pid or 0))


def test_a_price_file_that_is_none_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text("{}")
    with pytest.raises(MarketAway, match="holds no price history") as raised:
        sandbox.start(Settings(prices=tmp_path / "prices.json"))
    assert "Traceback" not in raised.value.message


@pytest.mark.parametrize(
    "wrong",
    [{"tick_s": 0}, {"rate": 0}, {"rate": float("nan")}, {"rate": float("inf")}, {"notice_s": -1}, {"port": 65536}],
)
def test_numbers_that_no_market_can_run_on(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong)).removesuffix("_s")):
        Settings(**wrong)


def test_it_is_started_while_another_one_is_about_to_end(sandbox: Sandbox) -> None:
    sandbox.directory.mkdir(parents=True)
    lock = FileLock(sandbox.directory / address.LOCK, thread_local=False)
    lock.acquire()
    leaving = threading.Timer(1.5, lock.release)
    leaving.start()
    assert sandbox.start(QUICK).fresh
    leaving.join()


def test_an_address_that_is_none_is_named(sandbox: Sandbox) -> None:
    sandbox.directory.mkdir(parents=True)
    for text in ("", "[]", '{"api_url": 1}'):
        (sandbox.directory / address.ADDRESS).write_text(text)
        with pytest.raises(ConfigError, match=address.ADDRESS):
            sandbox.address()
    (sandbox.directory / address.ADDRESS).unlink()
