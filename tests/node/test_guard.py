"""The dead man's switch, with a clock and a market of the test's own."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flowbatch.node import guard

LEASE = {
    "bid": "flowbatch-0123456789ab-7-1", "project": "proj_1", "api_url": "", "key": "fkey_secret", "key_fid": "apikey_1",
    "ends_at": 100_000, "run_limit_s": 1000, "boot_s": 100, "upload_s": 50, "grace_s": 10, "return_s": 20,
}  # fmt: skip
BOOT, WALL = 500.0, 90_000.0
"""The instant of the boot, by the steady clock and by the wall's."""


class Boot:
    """A machine since its boot; `wait` lets both clocks pass."""

    def __init__(self, wall=WALL, lease=LEASE, past=None):
        self.lease, self.wall, self.now = lease, wall, BOOT
        self.watch = guard.Watch(lease, wall, BOOT, past=past)

    def wait(self, seconds, came="", standing=""):
        self.wall += seconds
        self.now += seconds
        self.watch.look(came, standing, self.now)
        return self.watch.due(self.lease, self.wall, self.now)


def test_nobody_came():
    boot = Boot()
    assert boot.wait(99) is None
    assert boot.wait(1) == "no controller came with work"


def test_boots_that_nobody_paid_for_live_on_what_is_left_of_those_before():
    first = Boot()
    first.wait(10, came="a")
    assert first.wait(1100, came="a", standing="busy") is None
    again = Boot(past=first.watch.past(first.now))
    assert again.wait(60) is None
    third = Boot(past=again.watch.past(again.now))
    assert third.wait(9) is None
    assert third.wait(1) == "all the time that was paid for is over"


def test_a_boot_to_which_a_controller_came_is_paid_for():
    first = Boot()
    first.wait(10, came="a")
    assert first.wait(1020, came="a", standing="busy") is None
    again = Boot(past=first.watch.past(first.now))
    again.wait(10, came="b")
    assert again.wait(1020, came="b", standing="busy") is None


def test_work_must_be_brought_in_time():
    boot = Boot()
    assert boot.wait(99, came="a") is None
    assert boot.wait(49, came="a") is None
    assert boot.wait(1, came="a") == "the work was not brought in time"


def test_a_controller_that_comes_again_has_its_time_anew():
    boot = Boot()
    assert boot.wait(10, came="a") is None
    assert boot.wait(40, came="b") is None
    assert boot.wait(49, came="b") is None
    assert boot.wait(1, came="b") is not None


def test_a_run_has_its_limit_and_its_allowances():
    boot = Boot()
    boot.wait(10, came="a", standing="free")
    boot.wait(10, came="a", standing="busy")
    assert boot.wait(1029, came="b", standing="busy") is None
    assert boot.wait(1, came="b", standing="busy") == "the run limit is over"


def test_results_are_fetched_in_time():
    boot = Boot()
    boot.wait(10, came="a", standing="busy")
    boot.wait(100, came="a", standing="over")
    assert boot.wait(19, came="a", standing="over") is None
    assert boot.wait(1, came="a", standing="over") == "nobody fetched the results"


def test_a_machine_that_is_free_again_waits_for_work_as_after_a_boot():
    boot = Boot()
    boot.wait(10, came="a", standing="busy")
    boot.wait(10, came="a", standing="over")
    assert boot.wait(1, came="a", standing="free") is None
    assert boot.wait(99, came="a", standing="free") is None
    assert boot.wait(1, came="a", standing="free") == "no controller came with work"
    assert boot.wait(1, came="b", standing="free") is None


def test_a_job_that_says_busy_again_and_again_gains_no_time():
    boot = Boot()
    verdicts = []
    for _ in range(200):
        verdicts += [boot.wait(5, came="a", standing="free"), boot.wait(5, came="a", standing="busy")]
    assert verdicts.count(None) * 5 <= 100 + 50 + 1000 + 10 + 20
    assert verdicts[-1] == "all the time that was paid for is over"


def test_the_lease_ends_by_the_wall_clock():
    boot = Boot()
    boot.wait(1, came="a", standing="busy")
    boot.wall = 100_000
    assert boot.wait(0, came="a", standing="busy") == "the lease has ended"


def test_the_lease_ends_by_the_steady_clock_when_the_wall_s_is_set_back():
    boot = Boot(lease=LEASE | {"run_limit_s": 1_000_000})
    boot.wait(1, came="a", standing="busy")
    boot.wall -= 80_000
    assert boot.wait(9_998, came="a", standing="busy") is None
    assert boot.wait(1, came="a", standing="busy") == "the lease has ended"


def test_a_wall_clock_that_is_set_forward_within_the_lease_shortens_nothing_else():
    boot = Boot()
    boot.wall += 9_000
    assert boot.wait(99) is None


def test_a_boot_after_the_lease_is_over_at_once():
    assert Boot(wall=100_001).wait(0) == "the lease has ended"


def test_a_guard_that_was_restarted_counts_on():
    boot = Boot()
    boot.wait(60)
    boot.watch = guard.Watch(LEASE, boot.wall, boot.now, json.loads(json.dumps(boot.watch.known)))
    assert boot.wait(39) is None
    assert boot.wait(1) is not None


class Market(ThreadingHTTPServer):
    """Answers as written: each word of `faults` is a status, `cut` or `short` (half an answer), for the next request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.bids, self.faults, self.deleted, self.keys = [], [], [], []

    def bid(self, fid, name=LEASE["bid"], status="Allocated"):
        self.bids.append({"fid": fid, "name": name, "status": status})


class Answers(BaseHTTPRequestHandler):
    def answer(self, code, body=None):
        market = self.server
        market.keys.append(self.headers["Authorization"])
        fault = market.faults.pop(0) if market.faults else None
        if fault == "short":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            return
        if fault == "cut":
            self.connection.close()
            return
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(fault or code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        asked = dict(urllib.parse.parse_qsl(self.path.partition("?")[2]))
        assert (asked["project"], asked["name"]) == ("proj_1", LEASE["bid"])
        at = int(asked.get("next_cursor", 0))
        following = str(at + 1) if at + 1 < len(self.server.bids) else None
        self.answer(200, {"data": self.server.bids[at : at + 1], "next_cursor": following})

    def do_DELETE(self):
        fid = self.path.rpartition("/")[2]
        there = [bid for bid in self.server.bids if bid["fid"] == fid]
        if self.server.faults[:1] in ([], [None]):
            self.server.deleted.append(fid)
            for bid in there:
                bid["status"] = "Terminated"
        self.answer(204 if there or fid.startswith("apikey") else 404)

    def log_message(self, *words):
        return


@pytest.fixture
def market():
    server = Market()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def release(market, monkeypatch, tmp_path):
    """Lets the guard delete its bid; the pauses it made, and whether it switched the machine off."""
    monkeypatch.setattr(guard, "LOG", str(tmp_path / "log"))
    lease = LEASE | {"api_url": f"http://127.0.0.1:{market.server_address[1]}/"}

    def released(change=lambda pauses: None):
        pauses, off = [], []

        def sleep(seconds):
            pauses.append(seconds)
            change(lease)
            assert len(pauses) < 100

        guard.release(lambda: lease, sleep, lambda: off.append(True))
        return pauses, off

    return released


def test_only_the_bid_of_exactly_this_name_is_deleted(market, release):
    market.bid("bid_other", name=LEASE["bid"] + "0")
    market.bid("bid_old", status="Terminated")
    market.bid("bid_1")
    release()
    assert market.deleted == ["bid_1", "apikey_1"]
    assert set(market.keys) == {"Bearer fkey_secret"}


def test_it_is_tried_until_it_is_gone(market, release):
    market.bid("bid_1")
    market.faults = [500, "cut", 429, "short", 503, None, "cut", 502]
    pauses, off = release()
    assert market.deleted == ["bid_1", "apikey_1"]
    assert len(pauses) >= 4
    assert pauses == sorted(pauses)
    assert not off


def test_a_bid_that_somebody_else_deleted_is_gone_when_the_market_says_so_three_times(market, release):
    pauses, _ = release()
    assert len(pauses) == guard.EMPTY - 1


def test_a_key_that_is_refused_for_long_switches_the_machine_off_and_goes_on_trying(market, release):
    market.bid("bid_1")
    market.faults = [401, 403] * 4
    _, off = release()
    assert off == [True]
    assert market.deleted == ["bid_1", "apikey_1"]


def test_a_new_key_is_used_from_the_next_try_on(market, release):
    market.bid("bid_1")
    market.faults = [401]
    release(lambda lease: lease.update(key="fkey_new"))
    assert market.keys[0] == "Bearer fkey_secret"
    assert set(market.keys[1:]) == {"Bearer fkey_new"}


def test_what_the_job_s_user_puts_in_place_of_a_word_is_no_word_and_holds_nothing_up(tmp_path):
    place = tmp_path / "standing"
    assert guard.word(str(place)) == ""
    place.write_bytes(b"busy\n")
    assert guard.word(str(place)) == "busy"
    place.write_bytes(b"\xff\xfe" * 1000)
    assert len(guard.word(str(place))) == 16
    place.unlink()
    os.mkfifo(place)
    assert guard.word(str(place)) == ""
    place.unlink()
    place.symlink_to("/dev/zero")
    assert guard.word(str(place)) == ""
    place.unlink()
    place.mkdir()
    assert guard.word(str(place)) == ""


def test_a_full_run_directory_ends_no_guard(tmp_path, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(guard, "RUN", str(tmp_path))
    monkeypatch.setattr(guard, "HOME", str(tmp_path))
    monkeypatch.setattr(guard, "LOG", str(tmp_path / "log"))
    (tmp_path / guard.LEASE).write_text(json.dumps(LEASE))  # long over
    monkeypatch.setattr(guard, "write", full)
    released = []
    monkeypatch.setattr(guard, "release", lambda current: released.append(current()["bid"]))
    guard.run()
    assert released == [LEASE["bid"]]


def test_its_key_is_nowhere_else_once_it_is_installed(tmp_path, monkeypatch):
    """Also where the machine keeps its start-up script, and where that was run from."""
    for name, path in (("HOME", tmp_path), ("SCRIPT", tmp_path / "kept"), ("UNIT", tmp_path / "unit")):
        monkeypatch.setattr(guard, name, str(path))
    (tmp_path / "lease.json").write_text('{"key": "fkey_secret"}')
    for name in ("kept", "run"):
        (tmp_path / name).write_text("key=fkey_secret")
    monkeypatch.setattr(guard.sys, "argv", ["guard.py", "install", str(tmp_path / "run")])
    monkeypatch.setattr(guard.subprocess, "check_call", lambda words: 0)
    guard.install()
    monkeypatch.setattr(guard.sys, "stdin", io.StringIO('{"key": "fkey_other"}'))
    before = os.umask(0)
    guard.rotate()
    os.umask(before)
    assert [(tmp_path / name).read_text() for name in ("kept", "run")] == ["key=***********"] * 2
    assert guard.leased()["key"] == "fkey_other"
    assert (tmp_path / "lease.json").stat().st_mode & 0o777 == 0o600


def test_the_secret_is_wiped_from_scripts(tmp_path):
    script = tmp_path / "script"
    script.write_bytes(b"key=fkey_secret;again=fkey_secret\n")
    guard.wipe(b"fkey_secret", str(script), str(tmp_path / "none"))
    assert script.read_bytes() == b"key=***********;again=***********\n"


def test_it_needs_nothing_but_the_standard_library(tmp_path):
    copy = tmp_path / "guard.py"
    copy.write_text(Path(guard.__file__).read_text())
    code = (
        f"import runpy, sys; runpy.run_path({str(copy)!r}); print(*sorted(n for n in sys.modules if 'flowbatch' in n))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_what_it_tells_can_be_reached_whatever_the_umask(tmp_path):
    """The start-up script's own is narrow: the job's user has a word to say below, and no more."""
    copy = tmp_path / "guard.py"
    copy.write_text(Path(guard.__file__).read_text().replace("/run/flowbatch", str(tmp_path / "run")))
    for umask in ("077", "000"):
        subprocess.run(["sh", "-c", f'umask {umask}; exec "$@"', "sh", sys.executable, "-I", copy, "came"], check=True)
        assert (tmp_path / "run").stat().st_mode & 0o777 == 0o755
        assert [one.stat().st_mode & 0o077 for one in (tmp_path / "run").iterdir()] == [0]
        shutil.rmtree(tmp_path / "run")
