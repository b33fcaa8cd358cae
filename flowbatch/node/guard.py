"""The dead man's switch of a rented machine: deletes the bid that pays for it when nobody needs it any more.

One file, standard library alone: it travels in the bid's start-up script and runs as root from the first boot on. Its law:
the bid is gone when it was released, when its lease ends, when nobody came with work, when bringing the work, running it or
fetching its results took longer than allowed, and when the machine boots after its lease. Boots to which nobody came, between
preemptions, live on what is left of the time of those before: another placement is not in escrow. Lengths are counted by a
clock that no one sets; the lease ends by that clock or by the wall's, whichever is first. Switching a machine off does not
stop its bill, so that is the last resort of a guard whose key was revoked.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

Lease = dict[str, Any]

HOME, RUN = "/var/lib/flowbatch", "/run/flowbatch"
LOG = "/var/log/flowbatch-guard.log"
SCRIPT = "/var/lib/foundry/startup_script.sh"
UNIT = "/etc/systemd/system/flowbatch-guard.service"
LEASE, PAST, STATE, CAME, RELEASE, STANDING = (
    "lease.json", "past.json", "guard.json", "came", "release", "node/standing"
)  # fmt: skip
SERVICE = """[Unit]
Description=flowbatch: deletes this machine's bid when it is not needed any more
[Service]
ExecStart=/usr/bin/env python3 -I {home}/guard.py run
Restart=always
RestartSec=5
[Install]
WantedBy=multi-user.target
"""
LOOK_S = 5
TIMEOUT_S = 30
PAUSES_S = (5, 10, 20, 40, 80, 120)
EMPTY = 3
"""So often in a row the market must say that there is no such bid, if it was not us who deleted it."""
REFUSED = 6
"""So often in a row the key must be refused before the machine is switched off."""
DENIED = (401, 403)
LONGEST_ANSWER = 1 << 24
MOST_PAGES = 100
AWAY = (OSError, ValueError, KeyError, TypeError, RecursionError, http.client.HTTPException)
"""What a market that is not there, or not itself, may raise: nothing of it ends the guard."""


def say(text: str) -> None:
    line = time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()) + text + "\n"
    sys.stderr.write(line)
    try:
        with open(LOG, "a") as log:
            log.write(line)
    except OSError:
        return


def read(path: str) -> str:
    """A file's text, empty if it is not there."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def word(path: str) -> str:
    """The word in a file of the job's user, who may have put anything in its place: a pipe, a link, bytes that are no text."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY)
    except OSError:
        return ""
    try:
        return os.read(fd, 16).decode("ascii", "replace").strip() if stat.S_ISREG(os.fstat(fd).st_mode) else ""
    except OSError:
        return ""
    finally:
        os.close(fd)


def write(path: str, text: str) -> None:
    """The file has this text, readable by its owner alone, whole or not at all."""
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def steady() -> float:
    """Seconds that pass also while the machine is suspended, and that nobody can set."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Watch:
    """What is known of this boot: the phase, since when, and when the lease ends. It survives the guard, not the machine.
    `past`: what an earlier boot has left behind."""

    def __init__(
        self,
        lease: Lease,
        wall: float,
        now: float,
        known: dict[str, Any] | None = None,
        past: dict[str, Any] | None = None,
    ) -> None:
        self.known = known or {
            "phase": "unattended", "since": now, "booted": now, "came": "", "ends": now + max(0, lease["ends_at"] - wall),
            **(past or {"used": 0, "paid": 0}),
        }  # fmt: skip

    def past(self, now: float) -> dict[str, Any]:
        """The seconds of all boots, and in how many of them a controller came: each time for a placement in escrow."""
        known = self.known
        return {"used": known["used"] + now - known["booted"], "paid": known["paid"] + bool(known["came"])}

    def look(self, came: str, standing: str, now: float) -> None:
        """Takes note of who came and of what the node does."""
        known = self.known
        if standing in ("busy", "over"):
            phase = standing
        elif came and came != known["came"]:
            phase = "upload"
        else:
            phase = "upload" if known["phase"] == "upload" else "unattended"
        if phase != known["phase"] or (phase == "upload" and came != known["came"]):
            known.update(phase=phase, since=now)
        known["came"] = came

    def due(self, lease: Lease, wall: float, now: float) -> str | None:
        """Why the bid is to go now, or None."""
        run_s = lease["run_limit_s"] + lease["grace_s"] + lease["return_s"]
        allowed = {"unattended": lease["boot_s"], "upload": lease["upload_s"], "busy": run_s, "over": lease["return_s"]}
        words = {
            "unattended": "no controller came with work",
            "upload": "the work was not brought in time",
            "busy": "the run limit is over",
            "over": "nobody fetched the results",
        }
        phase = self.known["phase"]
        if wall >= lease["ends_at"] or now >= self.known["ends"]:
            return "the lease has ended"
        if now - self.known["since"] >= allowed[phase]:
            return words[phase]
        longest, past = lease["boot_s"] + lease["upload_s"] + run_s, self.past(now)
        if now - self.known["booted"] >= longest or past["used"] >= longest * max(1, past["paid"]):
            return "all the time that was paid for is over"
        return None


class Steadfast(urllib.request.HTTPRedirectHandler):
    """A market that sends us elsewhere has not answered: the key goes nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(Steadfast)


class Market:
    """The few words that a guard says to the API."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease

    def call(self, method: str, path: str) -> Any:
        """The answer's JSON. Raises what is AWAY, an HTTPError among them."""
        headers = {"Authorization": "Bearer " + self.lease["key"], "User-Agent": "flowbatch-guard"}
        request = urllib.request.Request(self.lease["api_url"].rstrip("/") + path, method=method, headers=headers)
        with OPENER.open(request, timeout=TIMEOUT_S) as answer:
            text = answer.read(LONGEST_ANSWER)
        return json.loads(text) if text.strip() else None

    def bids(self) -> list[str]:
        """The ids of all bids with exactly this name that are not over yet."""
        query = {"project": self.lease["project"], "name": self.lease["bid"], "limit": 100}
        found: list[str] = []
        for _ in range(MOST_PAGES):
            page = self.call("GET", "/v2/spot/bids?" + urllib.parse.urlencode(query))
            found += [b["fid"] for b in page["data"] if b["name"] == self.lease["bid"] and b["status"] != "Terminated"]
            if not page.get("next_cursor"):
                return found
            query["next_cursor"] = page["next_cursor"]
        raise ValueError("a listing without end")

    def delete(self, path: str) -> None:
        """It is deleted, or was already."""
        try:
            self.call("DELETE", path)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise


def release(
    current: Callable[[], Lease], sleep: Callable[[float], None] = time.sleep, off: Callable[[], None] | None = None
) -> None:
    """Returns once the bid is gone, however long that takes; `current` gives the lease, whose key may be replaced meanwhile."""
    tries = empty = refused = 0
    deleted = False
    while True:
        lease = current()
        try:
            bids = Market(lease).bids()
            refused = 0
            empty = 0 if bids else empty + 1
            if not bids and (deleted or empty >= EMPTY):
                break
            for fid in bids:
                Market(lease).delete("/v2/spot/bids/" + fid)
                deleted = True
                say("deleted bid " + fid)
        except AWAY as error:
            say(f"cannot delete the bid yet: {error}")
            refused = refused + 1 if getattr(error, "code", 0) in DENIED else 0
            if refused == REFUSED:
                say(f"the key is refused: switching off, though that does not stop the bill: delete bid {lease['bid']}")
                (off or switch_off)()
        sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        tries += 1
    say(f"bid {lease['bid']} is gone")
    drop_key(lease)


def drop_key(lease: Lease) -> None:
    if lease.get("key_fid"):
        try:
            Market(lease).delete("/v2/api-keys/" + lease["key_fid"])
        except AWAY as error:
            say(f"the key stays until it expires: {error}")


def leased() -> Lease:
    """The lease as it is now."""
    lease: Lease = json.loads(read(HOME + "/" + LEASE))
    return lease


def switch_off() -> None:
    subprocess.call(["systemctl", "poweroff"] if shutil.which("systemctl") else ["poweroff"])


def boot() -> str:
    return read("/proc/sys/kernel/random/boot_id").strip()


def run() -> None:
    """Watches until the bid is gone."""
    os.makedirs(RUN, mode=0o755, exist_ok=True)
    lock = os.open(RUN + "/guard.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)

    saved = json.loads(read(RUN + "/" + STATE) or "{}")
    known = saved.get("known") if saved.get("boot") == boot() else None
    watch = Watch(leased(), time.time(), steady(), known, json.loads(read(HOME + "/" + PAST) or "null"))
    say("guarding bid " + leased()["bid"])
    while True:
        why = "it was released" if os.path.exists(RUN + "/" + RELEASE) else None
        watch.look(read(RUN + "/" + CAME), word(RUN + "/" + STANDING), steady())
        why = why or watch.due(leased(), time.time(), steady())
        remember(watch)
        keep(watch.past(steady() + LOOK_S))
        if why:
            say("deleting the bid: " + why)
            release(leased)
            return
        time.sleep(LOOK_S)


def remember(watch: Watch) -> None:
    """What is known outlives this process, if there is room for it: the job's user can fill /run, and ends no guard by it."""
    try:
        write(RUN + "/" + STATE, json.dumps({"boot": boot(), "known": watch.known}))
    except OSError as error:
        say(f"what is known is kept in memory alone: {error}")


def keep(past: dict[str, Any]) -> None:
    """The next boot knows it, unless the disk is full."""
    try:
        write(HOME + "/" + PAST, json.dumps(past))
    except OSError as error:
        say(f"cannot write {PAST}: {error}")


def came() -> None:
    """A controller is here with work."""
    os.makedirs(RUN, mode=0o755, exist_ok=True)
    write(RUN + "/" + CAME, str(steady()))


def rotate() -> None:
    """The lease takes over what standard input says, a new key for one."""
    write(HOME + "/" + LEASE, json.dumps(leased() | json.load(sys.stdin)))


def let_go() -> None:
    """The machine is not needed any more."""
    os.makedirs(RUN, mode=0o755, exist_ok=True)
    write(RUN + "/" + RELEASE, "")


def wipe(secret: bytes, *paths: str) -> None:
    """No script on this disk has the secret any more."""
    for path in paths:
        try:
            with open(path, "r+b") as file:
                text = file.read()
                if secret in text:
                    file.seek(0)
                    file.write(text.replace(secret, b"*" * len(secret)))
                    file.flush()
                    os.fsync(file.fileno())
        except OSError:
            continue


def install() -> None:
    """The guard runs, now and after each boot; its key is nowhere else on this disk."""
    wipe(leased()["key"].encode(), SCRIPT, *sys.argv[2:])
    try:
        write(UNIT, SERVICE.format(home=HOME))
        subprocess.check_call(["systemctl", "daemon-reload"])
        subprocess.check_call(["systemctl", "enable", "--now", os.path.basename(UNIT)])
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"no systemd here ({error}): guarding until the next boot only")
        null = subprocess.DEVNULL
        command = [sys.executable, "-I", HOME + "/guard.py", "run"]
        subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)


WORDS = {"install": install, "run": run, "came": came, "rotate": rotate, "release": let_go}

if __name__ == "__main__":
    os.umask(0o022)
    WORDS[sys.argv[1]]()
