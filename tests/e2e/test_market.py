"""The whole story on the market: rented, preempted, gone on, brought back, paid; on the sandbox, with the commands of the guide."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowbatch.commands.flow.flow_results import JobStatus, MarketStatus
from flowbatch.errors import MachineFailed
from flowbatch.paths import Paths
from flowbatch.sandbox.contract import MachineOrder
from flowbatch.sandbox.machines.machines import LocalMachines
from flowbatch.sdk.controller import Controller
from flowbatch.sdk.jobs import JobHandle
from flowbatch.sdk.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
EXAMPLES = ROOT / "docs" / "examples"
FLOW = Path(sys.executable).parent / "flow"
WITHIN_S = 60
NOTICE_S = 12
EPOCHS = "4000"
"""More than ten short lives of a machine get done."""
pytestmark = pytest.mark.patient

MANY = "[market]\nplacements = 20\n"


class Renter:
    """Someone in a directory with the examples, who rehearses on a sandbox of short rounds and notices."""

    def __init__(self, cluster: Any) -> None:
        self.work: Path = cluster.work
        self.env = {**cluster.env, "PATH": f"{FLOW.parent}:{os.environ['PATH']}", "TZ": "UTC"}
        self.paths = Paths(cluster.state, cluster.root / "config")
        (cluster.root / "config" / "flow.toml").write_text(MANY)
        for example in EXAMPLES.iterdir():
            shutil.copy(example, self.work)
        self.says("flow", "sandbox", "start", "--tick", "3", "--notice", str(NOTICE_S), "--boot-delay", "0")
        self.market = Sandbox(self.paths)
        self.controller = Controller(self.paths)

    def done(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=self.work, env=self.env, capture_output=True, text=True, timeout=WITHIN_S * 2, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def says(self, *words: str, code: int = 0) -> str:
        """What the command prints; it must end with `code`."""
        done = self.done(*words)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}{self.log()}"
        return done.stdout

    def asks(self, *words: str) -> Any:
        return json.loads(self.says("flow", *words, "--json"))

    def status(self, job: str) -> JobStatus:
        return JobHandle(job, self.controller, "sandbox").status()

    def rented(self, job: str) -> MarketStatus:
        market = self.status(job).market
        assert market is not None
        return market

    def until(self, condition: Callable[[], object], what: str, within_s: float = WITHIN_S) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"{what}: never\n{self.says('flow', 'status')}{self.log()}"
            time.sleep(0.2)

    def text(self, name: str) -> str:
        path = self.work / name
        return path.read_text() if path.exists() else ""

    def log(self) -> str:
        log = self.paths.state / "controller.log"
        return log.read_text()[-4000:] if log.exists() else ""

    def submits(self, *words: str) -> str:
        return self.says("flow", "submit", "-M", "sandbox", "--parsable", *words).partition(";")[0]

    def preempts(self, job: str, restarts: int) -> None:
        """The job gets its notice, saves, and is back in the queue under its id."""
        self.says("flow", "sandbox", "preempt", self.rented(job).bids[-1].fid or "")
        self.until(lambda: self.status(job).restarts == restarts, f"restart {restarts}")

    def settled(self, job: str) -> MarketStatus:
        """Its bids once their bill is final."""
        self.until(lambda: self.rented(job).settled, "the bill is final")
        return self.rented(job)

    def nothing_is_left(self) -> None:
        """No bid is live, no machine runs."""
        told = self.market.status()
        assert set(told["bids"]) == {"Terminated"} and told["instances"] == 0

    def close(self) -> None:
        self.done("flow", "controller", "stop")
        self.done("flow", "sandbox", "stop")


@pytest.fixture
def renter(cluster: Any, tmp_path: Path) -> Iterator[Renter]:
    needs_namespaces(tmp_path / "probe")
    one = Renter(cluster)
    yield one
    one.close()


def needs_namespaces(directory: Path) -> None:
    """Skips the test where this machine runs no instances."""

    async def boot() -> None:
        machines = LocalMachines(directory)
        try:
            await machines.boot(MachineOrder("inst_probe", "probe", "cpu.8vcpu", None, ()))
            await machines.destroy("inst_probe")
        finally:
            await machines.close()

    try:
        asyncio.run(boot())
    except MachineFailed as error:
        pytest.skip(f"{error.message}; {error.hint}")


def accuracy(text: str) -> float:
    found = re.search(r"^done: accuracy ([\d.]+)", text, re.MULTILINE)
    assert found is not None, text
    return float(found[1])


@pytest.mark.timeout(300)
def test_a_training_survives_its_machine_and_costs_what_the_market_says(renter: Renter) -> None:
    plan = renter.asks("submit", "train.slurm", "-M", "sandbox", "--dry-run", "--limit-price", "$2.00/h")
    assert plan["start"] == "now" and plan["chosen"]["limit_micro_usd"] == 2_000_000
    job = renter.submits("train.slurm", "--limit-price", "$2.00/h", "--budget", "$5", "--", "--epochs", "700")
    renter.until(lambda: "epoch" in renter.text(f"train-{job}.out"), "the output grows here")

    there = renter.done("flow", "ssh", job, "--", "sh", "-c", 'pwd; echo "$0  $1"; exit 7', "a", "b  c")
    assert (there.returncode, there.stdout, there.stderr) == (7, f"{renter.work}\na  b  c\n", "")
    assert (renter.rented(job).says or "").endswith("so far")

    renter.preempts(job, 1)
    renter.until(lambda: renter.status(job).state == "COMPLETED", "it is over", 90)
    out = renter.text(f"train-{job}.out")
    assert [line.rpartition(" ")[2] for line in out.splitlines() if line.startswith(f"job {job} on ")] == ["1", "2"]
    assert "stopping after epoch" in out and "resumed after epoch" in out and accuracy(out) > 0.95
    assert renter.says("flow", "logs", job) == out

    end = renter.settled(job)
    (row,) = [row for row in renter.market.ledger()["bids"] if row["bid"] == end.bids[0].fid]
    costs = renter.asks("cost")
    stretches = sum(map(len, row["instances"].values()))
    assert costs["settled"] and costs["micro_usd"] == end.spent_micro_usd > 0
    assert 0 <= costs["micro_usd"] - row["micro_usd"] <= stretches, (
        "the sandbox rounds each stretch down, we the sum up"
    )
    assert [one["what"] for one in costs["rows"]] == [job]
    assert renter.asks("cost", "--by", "day")["micro_usd"] == costs["micro_usd"]
    assert re.search(rf"^{job} +train +COMPLETED +1 +[12] +\$0\.\d+$", renter.says("flow", "cost"), re.MULTILINE)
    renter.nothing_is_left()
    assert renter.done("flow", "ssh", job).stderr.startswith(f"flow: job {job} has no machine: it is COMPLETED\n")


def test_who_is_outbid_reads_why_and_a_cancelled_job_leaves_nothing(renter: Renter) -> None:
    place = renter.asks("pricing", "1xa100", "-M", "sandbox")["rows"][0]
    renter.says("flow", "sandbox", "price", place["instance_type"], place["region"], "$9.00")
    region, type_ = place["region"], place["instance_type"]
    renter.until(
        lambda: renter.asks("pricing", "-M", "sandbox", "--region", region, type_)["rows"][0]["price_micro_usd"] >= 9_000_000,
        "the price rises",
    )  # fmt: skip
    job = renter.submits("sleep 60", "-i", "1xa100", "--region", region, "--limit-price", "$1.50")
    outbid = f"outbid: cap $1.50, price $9.00 in {region}"
    renter.until(lambda: renter.rented(job).says == outbid, "it is outbid")
    assert f"({outbid})" in renter.says("flow", "status")
    assert renter.says("flow", "cancel", "-M", "sandbox", job) == f"job {job} on cluster sandbox is told to end\n"
    assert renter.settled(job).spent_micro_usd == 0
    renter.nothing_is_left()


@pytest.mark.timeout(300)
def test_the_commands_of_the_readme(renter: Renter) -> None:
    found = re.search(r"<!-- the market's commands -->\n```sh\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    commands = found[1].splitlines()
    assert commands[0] == "flow sandbox start" and commands[-1] == "flow sandbox stop"
    (renter.work / "docs").mkdir()
    shutil.copytree(EXAMPLES, renter.work / "docs" / "examples")
    said = {line: renter.says("/bin/sh", "-c", line) for line in commands[1:]}
    assert accuracy(renter.text("train-1.out")) > 0.95
    shown = "\n".join(said.values())
    assert "worst case" in shown and "Submitted batch job 1 on cluster sandbox\n" in shown
    assert re.search(r"^TOTAL +\$0\.\d+", shown, re.MULTILINE)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_ten_preemptions_and_the_same_result(renter: Renter) -> None:
    words = [sys.executable, "train.py", "--epochs", EPOCHS]
    whole = subprocess.Popen(words, cwd=EXAMPLES, stdout=subprocess.PIPE, text=True)
    job = renter.submits("train.slurm", "--", "--epochs", EPOCHS)
    for restart in range(1, 11):
        renter.until(
            lambda restart=restart: renter.text(f"train-{job}.out").count("start number") >= restart,
            "it runs again",
            90,
        )
        renter.preempts(job, restart)
    renter.until(lambda: renter.status(job).state == "COMPLETED", "it is over", 200)
    last = [line for line in whole.communicate()[0].splitlines() if line.startswith(f"epoch {EPOCHS}")]
    assert last and last[0] in renter.text(f"train-{job}.out").splitlines()
    assert renter.status(job).restarts == 10 and renter.settled(job).settled
    renter.nothing_is_left()
