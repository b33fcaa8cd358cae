"""A rented machine from its first boot to its last file, on a real instance of the sandbox."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flowbatch.backends.mithril.bootstrap import Lease, script
from flowbatch.backends.mithril.machine import Machine, Rental
from flowbatch.backends.mithril.ssh import HostChanged, identity
from flowbatch.core.events import Ended, Launched, LaunchFailed, NodeLost
from flowbatch.core.jobs import Owner
from flowbatch.core.states import ExitStatus
from flowbatch.errors import MachineFailed
from flowbatch.sandbox.contract import MachineOrder
from flowbatch.sandbox.machines import needs
from flowbatch.sandbox.machines.machines import LocalMachines
from flowbatch.spec.market import MarketTerms
from tests.node.jobs import STORE, key, message

BID = f"flowbatch-{STORE}-1-1"
ALICE = Owner(uid=4321, gid=4321, name="alice", group="alice")


@pytest.fixture(autouse=True, scope="module")
def namespaces():
    try:
        needs.check()
    except MachineFailed as error:
        pytest.skip(error.message)


class Api(ThreadingHTTPServer):
    """Just enough of the market for a guard: one bid, which it may delete."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.bids = [{"fid": "bid_1", "name": BID, "status": "Allocated"}]
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    def answer(self, code, body=None):
        self.server.asked.append((self.command, self.path.partition("?")[0], self.headers["Authorization"]))
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.answer(200, {"data": self.server.bids, "next_cursor": None})

    def do_DELETE(self):
        self.server.bids = []
        self.answer(204)

    def log_message(self, *words):
        return


@pytest.fixture
def api():
    server = Api()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class World:
    """A machine of the sandbox, and ours at its other end; `facts` are what was told."""

    def __init__(self, directory, api, lease):
        self.directory, self.api = directory, api
        self.work = directory / "work"
        self.machines = LocalMachines(directory / "disks")
        self.identity = identity(directory / "keys")
        self.lease = lease
        self.facts, self.known = deque(), []
        self.news = asyncio.Event()

    async def boot(self):
        order = MachineOrder("inst_1", "m1", "h100", script(self.lease), (self.identity.public,))
        self.address = str(await self.machines.boot(order))

    def ours(self, **changes):
        rental = {
            "bid": BID, "store": STORE, "owner": ALICE, "terms": MarketTerms(), "identity": self.identity,
            "directory": self.directory / "ours", "return_allowance_s": 60,
        }  # fmt: skip
        return Machine(Rental(**rental | changes))

    async def tell(self, fact):
        self.facts.append(fact)
        self.news.set()

    async def told(self, kind):
        """The next fact that was not told before: each may come again, over a new connection."""
        while True:
            while not self.facts:
                self.news.clear()
                await asyncio.wait_for(self.news.wait(), 40)
            fact = self.facts.popleft()
            if fact not in self.known:
                self.known.append(fact)
                assert isinstance(fact, kind), fact
                return fact

    async def until(self, condition):
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("waited in vain")

    def job(self, text, **changes):
        return message(self.work, text, **{"kill_wait_s": 2} | changes)

    def output(self, job_id=1):
        path = self.work / f"slurm-{job_id}.out"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def play(tmp_path, api):
    (tmp_path / "work").mkdir()

    def played(scene, **lease):
        terms = {
            "bid": BID, "project": "proj_1", "api_url": api.url, "key": "fkey_guard", "key_fid": "apikey_1",
            "ends_at": int(time.time()) + 3600, "run_limit_s": 600, "boot_s": 600, "upload_s": 600, "grace_s": 60, "return_s": 60,
        }  # fmt: skip

        async def whole():
            world = World(tmp_path, api, Lease(**terms | lease))
            await world.boot()
            machine = world.ours()
            try:
                await machine.start(world.tell, [])
                machine.at(world.address)
                await asyncio.wait_for(scene(world, machine), 90)
            finally:
                await machine.close()
                await world.machines.close()
                await asyncio.sleep(0.2)  # the instance's SSH server sees that its clients are gone

        asyncio.run(whole())

    return played


def test_a_job_runs_there_as_if_it_were_here(play, tmp_path):
    work = tmp_path / "work"
    (work / "data.txt").write_text("input")
    (work / "tool.sh").write_text("#!/bin/sh\necho tool\n")
    (work / "tool.sh").chmod(0o755)
    (work / "link").symlink_to("data.txt")
    (work / "empty").mkdir()
    (work / "big").mkdir()
    (work / "big/left").write_text("not sent")
    (work / ".gitignore").write_text("big/\nresults/\n")

    async def scene(world, machine):
        text = """id -un; hostname; pwd; echo $HOME $USER $MINE; ./tool.sh; cat link; echo; ls -A
        sudo -n true 2>/dev/null && echo root
        mkdir results; echo 1 > results/one; echo changed > data.txt; exit 3"""
        await machine.launch(world.job(text, environment=("MINE=mine", "HOME=/nowhere", "PATH=/nowhere")))
        launched = await world.told(Launched)
        ended = await world.told(Ended)
        assert (launched.job_id, ended.exit, ended.cause) == (1, ExitStatus(3), "exit")
        lines = world.output().splitlines()
        assert lines[:6] == ["alice", "m1", str(work), "/home/alice alice mine", "tool", "input"]
        assert set(lines[6:]) >= {".gitignore", "data.txt", "empty", "link", "slurm-1.out", "tool.sh"}
        assert "big" not in lines
        assert (work / "results/one").read_text() == "1\n"
        assert (work / "data.txt").read_text() == "changed\n"
        assert "fkey" not in (tmp_path / "disks/inst_1/root/var/lib/foundry/startup_script.sh").read_text()
        await machine.forget(key())

    play(scene)


def test_output_grows_here_while_the_job_runs_and_a_cut_line_loses_nothing(play):
    async def scene(world, machine):
        await machine.launch(
            world.job("for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.4; done; echo done > result")
        )
        await world.told(Launched)
        await world.until(lambda: "line 2\n" in world.output())
        machine._visit._there[0].close()
        await world.until(lambda: "line 6\n" in world.output())
        assert not (world.work / "result").exists()
        await world.told(Ended)
        assert world.output() == "".join(f"line {i}\n" for i in range(1, 9))
        assert (world.work / "result").read_text() == "done\n"

    play(scene)


def test_the_next_controller_reads_on_where_the_last_one_stopped(play):
    async def scene(world, first):
        await first.launch(world.job("echo one; while [ ! -e go ]; do sleep 0.1; done; echo two"))
        await world.told(Launched)
        await world.until(lambda: "one\n" in world.output())
        await first.close()
        second = world.ours()
        await second.start(world.tell, [key()])
        second.at(world.address)
        await second.launch(world.job("echo again"))
        await second.stop(key(), "cancelled")
        assert (await world.told(Ended)).cause == "killed"
        assert world.output().startswith("one\nslurmstepd: error: *** JOB 1 ON n1 CANCELLED AT ")
        await second.close()

    play(scene)


def test_a_machine_that_leaves_saves_its_job_and_the_next_placement_finds_it(play):
    async def scene(world, machine):
        text = """trap 'echo saved > state; echo signalled' USR1
        cat state 2>/dev/null && exit 0
        echo up; while :; do sleep 0.1; done"""
        terms = {"signal": signal.SIGUSR1, "signal_batch_only": True, "leave_reserve_s": 1}
        await machine.launch(world.job(text, **terms))
        await world.told(Launched)
        await world.until(lambda: "up\n" in world.output())
        await machine.leave(int(time.time()) + 1000)
        await world.until(lambda: "signalled\n" in world.output())
        await machine.stay()
        await machine.leave(int(time.time()) + 4)
        assert (await world.told(Ended)).cause == "preempted"
        assert "DUE TO PREEMPTION" in world.output()
        assert (world.work / "state").read_text() == "saved\n"
        await machine.forget(key())
        await world.machines.halt("inst_1")
        await machine.lost(int(time.time()))
        await machine.close()
        await world.boot()
        again = world.ours()
        await again.start(world.tell, [])
        again.at(world.address)
        await again.launch(world.job(text, restart=1, **terms))
        await world.told(Launched)
        assert (await world.told(Ended)).exit == ExitStatus(0)
        assert world.output() == "saved\n"
        await again.close()

    play(scene)


def test_orders_that_come_before_the_machine_and_after_it(play):
    async def scene(world, machine):
        machine.at(None)
        await machine.launch(world.job("touch ran", job_id=1))
        await machine.stop(key(1), "cancelled")
        assert (await world.told(Ended)).cause == "killed"
        machine.at(world.address)
        await machine.launch(world.job("true", job_id=2, work_dir="/usr", stdout=str(world.work / "slurm-2.out")))
        await world.told(LaunchFailed)
        assert "flowbatch: /usr is no project directory" in world.output(2)
        assert not (world.work / "ran").exists()
        await machine.launch(world.job("sleep 1000", job_id=3))
        await world.told(Launched)
        pin = world.directory / "ours/hostkey"
        kept = pin.read_text()
        pin.write_text("ssh-ed25519 AAAAnothers\n")
        machine._visit.cut()
        with pytest.raises(HostChanged, match="another host key"):
            await machine._visit.reach()
        pin.write_text(kept)
        await machine.lost(5)
        assert await world.told(NodeLost) == NodeLost(5, 3, 0)

    play(scene)


def test_the_output_of_a_run_that_was_lost_is_left_to_the_next_one(play):
    """Lost to whoever asked, as where a machine was made anew between two looks: the next run writes the same file."""

    async def scene(world, machine):
        await machine.launch(world.job("echo one; sleep 2; echo two", job_id=3))
        await world.told(Launched)
        await world.until(lambda: world.output(3) == "one\n")
        await machine._hear(NodeLost(5, 3, 0))
        await world.told(NodeLost)
        (world.work / "slurm-3.out").write_text("next\n")
        await world.told(Ended)
        assert world.output(3) == "next\n"

    play(scene)


def test_the_guard_takes_a_new_key_and_deletes_the_bid_when_the_job_is_over_and_nobody_comes(play, api):
    async def scene(world, machine):
        await machine.launch(world.job("true"))
        await world.told(Launched)  # so the guard is there
        await machine.rotate("fkey_new", "apikey_2")
        await world.told(Ended)
        await machine.close()
        await world.until(lambda: not api.bids)
        await world.until(lambda: ("DELETE", "/v2/api-keys/apikey_2", "Bearer fkey_new") in api.asked)
        assert {key for _, _, key in api.asked} == {"Bearer fkey_new"}

    play(scene, return_s=1)


def test_the_guard_deletes_a_bid_whose_lease_is_over_before_anybody_came(play, api):
    async def scene(world, machine):
        await world.until(lambda: not api.bids)

    play(scene, ends_at=1)
