"""`flow setup`: the key is tried before anything is written, stands in a file of its own, and is never shown."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import keyring
import pytest

KEY = "fkey_right"
PROJECTS = [{"fid": "proj_1", "name": "research", "created_at": "2026-01-01T00:00:00Z"}]


class Market(BaseHTTPRequestHandler):
    """Answers GET /v2/projects for one key."""

    projects = PROJECTS

    def do_GET(self) -> None:
        known = self.path == "/v2/projects" and self.headers["Authorization"] == f"Bearer {KEY}"
        body = json.dumps(self.projects if known else {"detail": "Invalid API key"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Market)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MITHRIL_API_KEY", "MITHRIL_API_URL", "MITHRIL_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def files(paths: Any) -> dict[str, str]:
    return {file.name: file.read_text() for file in paths.config.iterdir()} if paths.config.exists() else {}


def test_what_is_given_is_written(flow: Any, paths: Any, url: str) -> None:
    code, out, err = flow(
        "setup", "--api-key", KEY, "--api-url", url, "--region", "r1", "--default", "mithril", "--budget-per-day", "$20"
    )
    assert (code, err) == (0, "")
    assert KEY not in out
    assert files(paths) == {
        "mithril.key": KEY + "\n",
        "flow.toml": 'default = "mithril"\n\n[clusters.mithril]\napi_key_file = "mithril.key"\n'
        f'api_url = "{url}"\nproject = "research"\nregions = ["r1"]\n\n[budgets]\nper_day = "$20"\n',
    }
    modes = {stat.S_IMODE(file.stat().st_mode) for file in paths.config.iterdir()}
    assert modes == {0o600} and stat.S_IMODE(paths.config.stat().st_mode) == 0o700


def test_a_second_run_keeps_what_it_is_not_told(flow: Any, paths: Any, url: str) -> None:
    flow("setup", "--api-key", KEY, "--api-url", url)
    toml = paths.config / "flow.toml"
    toml.write_text(toml.read_text() + '# ours\n[partitions.old]\ngpu = "h100"\n')
    before = toml.read_text()
    code, out, _ = flow("setup", "--json", "--budget", "$7")
    assert code == 0
    said = json.loads(out)
    assert (said["checked"], said["key_file"], said["values"]["budgets.total"]) == (True, None, "$7")
    assert toml.read_text() == before + '\n[budgets]\ntotal = "$7"\n'


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--api-key", "fkey_wrong"), "Invalid API key"),
        (("--api-key", KEY, "--project", "other"), "this key opens no project other\nhint: it opens research"),
        (("--api-key", KEY, "--budget", "much"), "budgets.total: unexpected 'm'"),
        ((), "there is no API key\nhint: "),
        (("--api-key", KEY, "--api-url", "http://example.org"), "a key is not sent unencrypted to another machine"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    flow: Any, paths: Any, url: str, words: tuple[str, ...], says: str
) -> None:
    code, out, err = flow("setup", "--no-input", "--api-url", url, *words)
    assert (code, out) == (1, "")
    assert says in err and "fkey" not in err
    assert files(paths) == {}


def test_the_key_comes_from_the_environment(flow: Any, paths: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MITHRIL_API_KEY", KEY)
    monkeypatch.setenv("MITHRIL_API_URL", url)
    before = os.umask(0)
    try:
        assert flow("setup", "--no-input")[0] == 0
    finally:
        os.umask(before)
    assert (paths.config / "mithril.key").read_text() == KEY + "\n"
    modes = {one.name: oct(one.stat().st_mode & 0o777) for one in (paths.config, *paths.config.iterdir())}
    assert modes == {paths.config.name: "0o700", "flow.toml": "0o600", "mithril.key": "0o600"}


def test_several_projects_are_named(flow: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Market, "projects", [*PROJECTS, {**PROJECTS[0], "fid": "proj_2", "name": "teaching"}])
    code, _, err = flow("setup", "--no-input", "--api-key", KEY, "--api-url", url)
    assert (code, err) == (1, "flow: which project?\nhint: --project NAME: research, teaching\n")
    assert flow("setup", "--no-input", "--api-key", KEY, "--api-url", url, "--project", "proj_2")[0] == 0


def test_a_market_that_is_away_need_not_be_asked(flow: Any, paths: Any) -> None:
    words = ("setup", "--no-input", "--api-key", KEY, "--api-url", "http://127.0.0.1:9", "--project", "research")
    assert flow(*words, "--no-check")[0] == 0
    assert Path(paths.config / "flow.toml").exists()


def test_on_a_terminal_it_asks(flow: Any, paths: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([KEY, "research", "-"])
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, **more: Any) -> str:
        asked.append((text.split()[0], bool(more.get("hide_input"))))
        return next(answers)

    monkeypatch.setattr(Market, "projects", [*PROJECTS, {**PROJECTS[0], "fid": "proj_2", "name": "teaching"}])
    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    code, out, err = flow("setup", "--api-url", url)
    assert (code, err) == (0, "")
    assert asked == [("API", True), ("Project", False), ("The", False)]
    assert KEY not in out and "budgets" not in files(paths)["flow.toml"]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """What the keyring has."""
    held: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "set_password", lambda service, name, key: held.update({(service, name): key}))
    monkeypatch.setattr(keyring, "get_password", lambda service, name: held.get((service, name)))
    return held


def test_the_keyring_has_the_key_and_no_file(flow: Any, paths: Any, url: str, held: dict[tuple[str, str], str]) -> None:
    flow("setup", "--api-key", KEY, "--api-url", url)
    assert "mithril.key" in files(paths)
    code, out, err = flow("setup", "--keyring")  # the key that a file had until now
    assert (code, err) == (0, "") and KEY not in out
    assert held == {("flowbatch", "mithril"): KEY}
    assert list(files(paths)) == ["flow.toml"]
    assert 'api_key_file = "keyring:mithril"' in files(paths)["flow.toml"] and KEY not in files(paths)["flow.toml"]
    assert flow("setup", "--budget", "$7")[0] == 0  # the market is asked with it


def test_a_key_file_of_ones_own_is_named_once_the_keyring_has_the_key(
    flow: Any, paths: Any, url: str, held: dict[tuple[str, str], str]
) -> None:
    paths.config.mkdir(exist_ok=True)
    (paths.config / "own.key").write_text(KEY)
    (paths.config / "own.key").chmod(0o600)
    (paths.config / "flow.toml").write_text(
        f'[clusters.mithril]\napi_url = "{url}"\nproject = "research"\napi_key_file = "own.key"\n'
    )
    code, _, err = flow("setup", "--keyring")
    assert (code, err) == (
        0, f"{paths.config}/own.key still holds the key that was read from it until now: remove it if nothing else needs it\n",
    )  # fmt: skip
    assert held == {("flowbatch", "mithril"): KEY} and "own.key" in files(paths)
    assert flow("setup", "--keyring")[2] == ""


def test_a_flow_toml_that_cannot_name_the_keyring_gives_it_no_key(
    flow: Any, paths: Any, url: str, held: dict[tuple[str, str], str]
) -> None:
    paths.config.mkdir(exist_ok=True)
    said = f'[clusters.mithril]\napi_url = "{url}"\nproject = "research"\napi_key = "{KEY}"\n'
    (paths.config / "flow.toml").write_text(said)
    code, _, err = flow("setup", "--keyring")
    assert code != 0 and "leave one of them out" in err
    assert held == {} and files(paths) == {"flow.toml": said}
