"""The sandbox from Python: started when it is wanted, asked over its control API. Standard library only, so that it loads fast."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowbatch.errors import FlowError, MarketAway, MarketFailed
from flowbatch.paths import Paths, find
from flowbatch.sandbox import address
from flowbatch.sandbox.address import Address
from flowbatch.sandbox.settings import Settings

NEEDED = ("asyncssh", "fastapi", "uvicorn")
START_WITHIN_S = 60
STOP_WITHIN_S = 60
ANSWER_WITHIN_S = 120
KEPT = ("PATH", "HOME", "LANG", "TZ")


class SandboxMissing(FlowError):
    """What the sandbox is made of is not installed."""


@dataclass(frozen=True)
class Started:
    address: Address
    fresh: bool
    """Whether it was started now."""


class Sandbox:
    """The sandbox of one state directory."""

    def __init__(self, paths: Paths | None = None) -> None:
        self.directory: Path = (paths or find(os.environ)).sandbox

    def start(self, settings: Settings | None = None) -> Started:
        """A sandbox answers; `settings` hold for one that is started now. Raises SandboxMissing, MarketAway."""
        running = self.address()
        if running is not None:
            return Started(running, False)
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise SandboxMissing(
                f"the sandbox needs {', '.join(missing)}, which is not installed",
                hint="pip install 'flowbatch[sandbox]'",
            )
        until = time.monotonic() + START_WITHIN_S
        while True:
            fresh = self._spawn(settings or Settings())
            if (started := self.address()) is not None:
                return Started(started, fresh)
            if time.monotonic() > until:
                raise MarketAway("the sandbox does not answer", hint=f"see {self.directory / address.LOG}")
            time.sleep(0.05)  # the one that holds the lock gets ready, or has just been stopped

    @property
    def made(self) -> bool:
        """Whether there was one before: its rivals are settled."""
        return address.read(self.directory) is not None

    def address(self) -> Address | None:
        """Where it answers now; None if it does not run."""
        known = address.read(self.directory)
        if known is None or known.pid is None or not self._held():
            return None
        try:
            self._ask(known, "GET", "/sandbox/status")
        except MarketAway:
            return None
        return known

    def stop(self) -> int | None:
        """No sandbox runs, and none of its instances; the process that was, if one was. Bids and volumes are kept. Raises MarketAway."""
        known = self.address()
        if known is None or known.pid is None:
            return None
        self._ask(known, "POST", "/sandbox/stop")
        until = time.monotonic() + STOP_WITHIN_S
        while (left := address.read(self.directory)) is not None and left.pid == known.pid:
            if time.monotonic() > until:
                raise MarketAway(f"the sandbox (pid {known.pid}) does not stop")
            time.sleep(0.05)
        return known.pid

    def status(self) -> dict[str, Any]:
        """Its clock, settings, bids and faults. Raises MarketAway."""
        return self.ask("GET", "/sandbox/status")

    def advance(self, seconds: int) -> dict[str, Any]:
        """So much of the market's time passes at once."""
        return self.ask("POST", "/sandbox/time", {"advance_s": seconds})

    def set_rate(self, rate: float) -> dict[str, Any]:
        return self.ask("POST", "/sandbox/time", {"rate": rate})

    def preempt(self, bid: str) -> dict[str, Any]:
        """A bid (its id or its name) gets its notice now."""
        return self.ask("POST", "/sandbox/preempt", {"bid": bid})

    def price(self, instance_type: str, region: str, price: str | None) -> dict[str, Any]:
        """The rivals ask `price` ("$3.50") an instance-hour, until told otherwise; with None as they like."""
        return self.ask("POST", "/sandbox/price", {"instance_type": instance_type, "region": region, "price": price})

    def fault(self, **fault: Any) -> dict[str, Any]:
        """Sets a fault (its fields: flowbatch/sandbox/web/faults.py); its number."""
        return self.ask("POST", "/sandbox/faults", fault)

    def faults(self) -> dict[str, Any]:
        return self.ask("GET", "/sandbox/faults")

    def clear_faults(self) -> dict[str, Any]:
        return self.ask("DELETE", "/sandbox/faults")

    def ledger(self) -> dict[str, Any]:
        """What every bid has cost, in micro-dollars."""
        return self.ask("GET", "/sandbox/ledger")

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One question to the control API. Raises MarketAway, and MarketFailed where it refuses."""
        known = address.read(self.directory)
        if known is None or known.pid is None or not self._held():
            raise MarketAway("no sandbox runs", hint="flow sandbox start")
        return self._ask(known, method, path, body)

    def _held(self) -> bool:
        """Whether its process lives: the lock is its own. One that was killed has left an address where another may listen, who
        is told no secret."""
        try:
            lock = os.open(self.directory / address.LOCK, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def _ask(self, known: Address, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            known.api_url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {known.secret}", "Content-Type": "application/json"},
        )  # fmt: skip
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=ANSWER_WITHIN_S) as answer:
                told: dict[str, Any] = json.loads(answer.read() or b"{}")
                return told
        except urllib.error.HTTPError as error:
            raise MarketFailed(_detail(error)) from None
        except (OSError, ValueError):
            raise MarketAway(f"the sandbox does not answer at {known.api_url}", hint="flow sandbox start") from None

    def _spawn(self, settings: Settings) -> bool:
        """A sandbox is ready, detached from this process; False if another one was faster. Raises MarketAway with its words if none is."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        program = (sys.executable, "-I", "-m", "flowbatch.sandbox", str(self.directory), *words(settings))
        kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("FLOW_")}
        with subprocess.Popen(
            program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.directory,
            env=kept, start_new_session=True,
        ) as child:  # fmt: skip
            said = _all_of(child)
            if said.endswith(address.READY):
                child.returncode = 0  # it lives on without us
                return True
        if child.returncode == address.ALREADY:
            return False
        raise MarketAway(
            said.decode(errors="replace").strip() or f"the sandbox ended with exit code {child.returncode}"
        )


def words(settings: Settings) -> Sequence[str]:
    """The settings as options of `python -m flowbatch.sandbox`."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in asdict(settings).items() if value is not None]


def _all_of(child: subprocess.Popen[bytes]) -> bytes:
    """What it says before it lets go of its stream; one that does not in time is killed."""
    assert child.stdout is not None
    late = threading.Timer(START_WITHIN_S, child.kill)
    late.start()
    try:
        return child.stdout.read()
    finally:
        late.cancel()


def _detail(error: urllib.error.HTTPError) -> str:
    """What the control API says about its refusal."""
    try:
        detail = json.loads(error.read())["detail"]
    except (ValueError, KeyError, TypeError):
        return f"the sandbox answered {error.code}"
    if isinstance(detail, list):
        return "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in detail)
    return str(detail)
