"""`flow sandbox` as a user calls it, with a real sandbox behind it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from flowbatch.cli.sandbox import seconds
from flowbatch.paths import Paths
from flowbatch.sandbox import address

Flow = Callable[..., tuple[int, str, str]]


@pytest.fixture
def started(flow: Flow, paths: Paths) -> Iterator[dict[str, str]]:
    """What `flow sandbox start --json` told."""
    code, out, err = flow("sandbox", "start", "--tick", "1", "--notice", "20s", "--boot-delay", "0", "--json")
    assert (code, err) == (0, "")
    yield json.loads(out)
    known = address.read(paths.sandbox)
    if known is not None and known.pid is not None:
        os.kill(known.pid, signal.SIGKILL)


def test_a_day_with_the_sandbox(flow: Flow, started: dict[str, str]) -> None:
    assert set(started) == {"api_url", "api_key", "project", "pid"}
    code, out, _ = flow("sandbox", "env")
    assert out.splitlines() == [
        f"export MITHRIL_API_URL={started['api_url']}",
        f"export MITHRIL_API_KEY={started['api_key']}",
        f"export MITHRIL_PROJECT={started['project']}",
    ]
    told = json.loads(flow("sandbox", "status", "--json")[1])
    assert (told["running"], told["settings"]["notice_s"], told["bids"]) == (True, 20, {})
    assert "bids     none\n" in flow("sandbox", "status")[1]
    before = json.loads(flow("sandbox", "time", "--json")[1])["instant"]
    assert json.loads(flow("sandbox", "time", "2h", "--json")[1])["instant"] >= before + 7200
    assert flow("sandbox", "time", "--rate", "60")[1].endswith(", 60 times as fast as ours\n")
    rival = "h200.8x in us-east1-a: a rival bids $3.50 for every machine\n"
    assert flow("sandbox", "price", "h200.8x", "us-east1-a", "$3.50") == (0, rival, "")
    assert flow("sandbox", "preempt", "nobody") == (1, "", "flow: no live bids are called nobody\n")
    assert flow("sandbox", "fault", "cut", "--path", "/v2/spot/*", "--count", "0")[1] == "cut * /v2/spot/* always\n"
    assert flow("sandbox", "fault", "--clear")[1] == "no faults\n"
    code, _, err = flow("sandbox", "start", "--tick", "3")
    assert (code, err.splitlines()[-1]) == (
        2, "Error: the sandbox runs already: `flow sandbox stop` first, to start it with other settings",
    )  # fmt: skip
    assert started["api_url"] in flow("sandbox", "start")[1]
    assert flow("sandbox", "stop") == (0, f"sandbox: pid {started['pid']} stopped\n", "")


def test_the_rivals_of_a_sandbox_that_was_made_are_not_chosen_anew(
    flow: Flow, started: dict[str, str], paths: Paths
) -> None:
    assert flow("sandbox", "stop")[0] == 0
    code, out, err = flow("sandbox", "start", "--seed", "9")
    assert (code, out) == (2, "")
    assert "--seed: the rivals were chosen when the sandbox was made" in err and str(paths.sandbox) in err
    assert json.loads(flow("sandbox", "status", "--json")[1]) == {"running": False}


def test_where_none_runs(flow: Flow) -> None:
    assert flow("sandbox", "status") == (3, "sandbox  not running\n", "")
    assert json.loads(flow("sandbox", "status", "--json")[1]) == {"running": False}
    assert flow("sandbox", "env") == (1, "", "flow: no sandbox runs\nhint: flow sandbox start\n")
    assert flow("sandbox", "time")[2] == "flow: no sandbox runs\nhint: flow sandbox start\n"
    assert flow("sandbox", "stop") == (0, "sandbox: none was running\n", "")


def test_without_what_it_is_made_of_it_says_what_to_install(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fastapi" else object())
    assert flow("sandbox", "start") == (
        1, "", "flow: the sandbox needs fastapi, which is not installed\nhint: pip install 'flowbatch[sandbox]'\n",
    )  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("30d", 2592000)])
def test_lengths_of_time(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "h", "-1", "1.5h", "2 h", "²", "9" * 5000])
def test_what_is_no_length_of_time(flow: Flow, text: str) -> None:
    code, _, err = flow("sandbox", "time", "--", text)
    assert code == 2
    assert "is not a length of time such as 90, 15m, 2h or 30d" in err


def test_cli_and_sdk_load_no_web_framework() -> None:
    code = (
        "import sys; import flowbatch.cli.entry; "
        "sys.exit(any(name in sys.modules for name in ('fastapi', 'uvicorn', 'asyncssh')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
