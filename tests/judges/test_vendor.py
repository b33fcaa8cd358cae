"""A user's day with the vendor's client against our sandbox: the client does not know that this is not the market.

Where the client itself is known to fail, the test says so in words and holds it to exactly that failure.
"""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

pytestmark = [pytest.mark.patient, pytest.mark.xdist_group("vendor"), pytest.mark.timeout(300)]

REGION = "us-central1-a"
WORK = """echo "hello from $(hostname), $GREETING"; echo kept > /volumes/data/note; id -un; exit 3"""


@pytest.fixture(scope="module")
def limited(client: Any) -> str:
    """A task that may run for three minutes: the client stops such a one two minutes earlier, and a minute after its boot at the soonest."""
    return client.described("limited", command="sleep 900", max_run_time_hours=0.05)


@pytest.fixture(scope="module")
def volume(client: Any) -> Any:
    return client.tells(
        "volume", "create", "--size", "10", "--name", "data", "--interface", "file", "--region", REGION, "--yes"
    )


@pytest.fixture(scope="module")
def task(client: Any, site: Any, volume: Any) -> str:
    """A task that runs on one machine, with a volume."""
    options = ("--mount", "/volumes/data=data", "--region", REGION, "--env", "GREETING=good day")
    try:
        return client.runs("one", WORK, *options)
    except AssertionError:
        site.skip_without_machines()
        raise


def test_the_market_is_shown(client: Any, limited: str) -> None:
    offers = client.tells("availability")["availability"]
    assert {"a100-80gb.sxm.1x", "h100-80gb.sxm.8x", "h200.8x"} <= {each["instance_type"] for each in offers}
    assert all(each["price_per_hour"] > 0 and each["available_instances"] >= 0 for each in offers)
    assert "Spot Market Stats" in client.says("pricing")


def test_a_key_is_added_listed_and_deleted(client: Any) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(client.directory / "mine")]
    subprocess.run(words, check=True)
    added = client.tells("ssh-key", "upload", "mine.pub", "--name", "mine")
    assert added["status"] == "uploaded"
    assert "mine" in {key["name"] for key in client.tells("ssh-key", "list")}
    assert client.tells("ssh-key", "delete", "mine", "--yes") == {"key_id": added["id"], "deleted": True}


def test_a_volume_is_made_and_listed(client: Any, volume: Any) -> None:
    (listed,) = client.tells("volume", "list")
    assert (listed["id"], listed["size_gb"], listed["interface"]) == (volume["id"], 10, "file")


def test_a_command_runs_on_a_rented_machine(client: Any, site: Any, task: str, volume: Any, until: Any) -> None:
    """The client loses the command's exit code: its script ends where it writes that into a directory that nobody made."""

    def said() -> Any:
        said = client.flow("logs", task)
        assert said.code in (0, 6), said  # 6: nothing is written yet
        return said.code == 0 and said.out

    hello, user = until(said).splitlines()[-2:]
    assert (hello.startswith("hello from one-"), hello.endswith(", good day"), user) == (True, True, "root")
    assert (site.sandbox.directory / "volumes" / volume["id"] / "note").read_text() == "kept\n"
    startup = client.says("logs", task, "--source", "startup", "--tail", "3")
    assert "/var/lib/flow/workload-exit: No such file or directory" in startup


def test_a_command_is_sent_there_by_ssh(client: Any, task: str) -> None:
    said = client.flow("ssh", task, "--", "id -un; sudo id -un; cat /volumes/data/note; echo wrong >&2; exit 7")
    assert (said.code, said.out.split()[-3:]) == (7, ["ubuntu", "root", "kept"])
    assert "wrong" in said.err


def test_a_preemption_is_shown(client: Any, site: Any, task: str) -> None:
    assert client.status(task) == "running"
    site.sandbox.preempt(task)
    assert client.status(task) == "preempting"


def test_a_task_is_cancelled(client: Any, site: Any, task: str) -> None:
    client.says("cancel", task, "--yes")
    assert site.bid_status(task) == "Terminated"
    assert client.status(task) == "cancelled"
    said = client.flow("logs", task, "--json")
    assert (said.code, said.envelope["data"]) == (1, None)  # what a machine wrote goes with it


def test_nodes_of_a_task_find_each_other(client: Any, until: Any) -> None:
    """Rank 0 listens at the address that the client's script exports to all; rank 1 says a word there."""
    meet = 'if [ $NODE_RANK = 0 ]; then python3 -c "$LISTEN"; else python3 -c "$SPEAK"; fi; sleep 900'
    listen = "import os,socket; s=socket.create_server((os.environ['MASTER_ADDR'],29517)); print('heard',s.accept()[0].recv(99).decode())"
    speak = """import os,socket,time
for _ in range(300):
    try:
        socket.create_connection((os.environ['MASTER_ADDR'],29517)).send(b'rank '+os.environ['NODE_RANK'].encode()); break
    except OSError: time.sleep(0.2)"""
    pair = client.runs("pair", meet, "--num-instances", "2", "--env", f"LISTEN={listen}", "--env", f"SPEAK={speak}")
    heard = until(lambda: client.flow("logs", pair, "--node", "0").out)
    assert heard.split() == ["[node-0]", "heard", "rank", "1"]
    names = client.says("ssh", pair, "--", "hostname")
    assert {line[-2:] for line in names.splitlines() if line.startswith("pair-")} == {"-1", "-2"}
    client.says("cancel", pair, "--yes")


def test_a_task_ends_its_bid_itself(client: Any, site: Any, until: Any) -> None:
    """With a key made for it, from its machine. The client then cannot tell success from a cancellation."""
    ends = client.described("ends", command="exit 0", terminate_on_exit=True)
    until(lambda: site.bid_status(ends) == "Terminated")
    said = client.flow("status", ends, "--wait-until", "terminal", "--timeout", "60", "--json")
    assert said.code == 1
    assert '"cancelled"' in said.out


def test_capacity_is_reserved(client: Any) -> None:
    where = ("-i", "8xh100", "-r", "us-central1-b", "--duration", "3")
    assert client.tells("reserve", "availability", *where)[0]["quantity"] > 0
    made = client.tells("reserve", "create", *where, "--start", "+1h", "--name", "fleet", "--yes")
    (listed,) = client.tells("reserve", "list")
    assert (listed["id"], listed["status"]) == (made["reservation_id"], "pending")
    assert listed["price_total_usd"] > 0


def test_a_time_limit_ends_the_bid(client: Any, site: Any, limited: str, until: Any) -> None:
    until(lambda: site.bid_status(limited) == "Terminated")
    # None is active then, and the last ones are shown.
    until(lambda: {each["status"] for each in client.tells("status")} == {"cancelled"})


def test_a_volume_is_deleted(client: Any, volume: Any, until: Any) -> None:
    """Once the machine that had it is gone: until then the market keeps it."""
    said = []

    def deleted() -> bool:
        said.append(client.flow("volume", "delete", "data", "--yes", "--json"))
        return bool(said[-1].code == 0)

    until(deleted, lambda: said[-1])
    assert said[-1].envelope["data"]["id"] == volume["id"]
    assert client.tells("volume", "list") == []


def test_the_client_asked_nothing_that_we_do_not_know(client: Any, site: Any) -> None:
    """It asks for a bid by whatever it was given first: a name is no bid's id, and has to be 404."""
    said = client.flow("status", "nothing", "--json")
    assert (said.code, said.envelope["error"]["code"]) == (4, "NOT_FOUND")
    assert set(site.refused()) == {"GET /v2/spot/bids/nothing: 404"}
    assert site.sandbox.ledger()["faults"] == []
