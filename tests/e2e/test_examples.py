"""The examples as a reader runs them: submitted with `flow` or with the shims, on a whole cluster of our own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
FLOW = Path(sys.executable).parent / "flow"
WITHIN_S = 60


class Reader:
    """Someone in a directory with the examples, whose PATH begins with our shims."""

    def __init__(self, cluster) -> None:  # type: ignore[no-untyped-def]  # the fixture's class lives in a conftest
        self.work = cluster.work
        self.env = {**cluster.env, "PATH": f"{cluster.root}/bin:{FLOW.parent}:{os.environ['PATH']}"}
        for example in EXAMPLES.iterdir():
            shutil.copy(example, self.work)
        self.says("flow", "shims", "install", "--to", f"{cluster.root}/bin")

    def says(self, *words: str, code: int = 0) -> str:
        """What the command prints; it must end with `code`."""
        done = subprocess.run(
            words,
            cwd=self.work,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def text(self, name: str) -> str:
        path = self.work / name
        return path.read_text() if path.exists() else ""

    def status(self, job: str) -> dict[str, object]:
        (one,) = json.loads(self.says("flow", "status", "--json", job))
        return one


def until(condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


@pytest.fixture
def reader(cluster) -> Reader:  # type: ignore[no-untyped-def]  # see Reader
    return Reader(cluster)


def test_the_main_command(reader: Reader) -> None:
    assert reader.says("flow", "submit", "train.slurm", "--wait", "--", "--epochs", "100") == "Submitted batch job 1\n"
    said = reader.says("flow", "logs")
    assert said == reader.text("train-1.out") and said.startswith("job 1 on ")
    assert float(re.search(r"^done: accuracy ([\d.]+)", said, re.MULTILINE)[1]) > 0.95  # type: ignore[index]  # else it fails


def test_a_sweep_and_its_collector(reader: Reader) -> None:
    said = reader.says("sh", "sweep.sh").splitlines()
    assert said[0] == "sweep: job 1" and said[1].split() == ["rate", "width", "accuracy", "loss"]
    assert len(said) == 2 + 9 + 1 and said[-1].startswith("best of 9: ")


def test_a_pipeline(reader: Reader) -> None:
    said = reader.says("sh", "pipeline.sh").splitlines()
    assert said[1].split() == ["season", "hours", "mean", "error"] and len(said) == 7
    assert reader.status("3")["state"] == "CANCELLED", "nothing failed, so nothing had to be cleaned up"


def test_a_search_that_is_interrupted_and_goes_on(reader: Reader) -> None:
    job = reader.says("sbatch", "--parsable", "trap.slurm", "3000000").strip()
    until(lambda: reader.status(job)["state"] == "RUNNING")

    def asked_how_far() -> bool:
        reader.says("scancel", "--batch", "--signal=USR1", job)
        return " of 3000000: " in reader.text(f"trap-{job}.out")

    until(asked_how_far)
    reader.says("flow", "cancel", job)
    until(lambda: reader.status(job)["state"] == "CANCELLED")
    assert "saved in trap.save" in reader.text(f"trap-{job}.out")
    saved = int(reader.text("trap.save").split()[0])
    again = reader.says("sbatch", "--wait", "--parsable", "trap.slurm", str(saved + 10)).strip()
    assert reader.text(f"trap-{again}.out").splitlines()[0] == f"goes on at {saved}"
    assert not (reader.work / "trap.save").exists()


def test_a_training_that_goes_back_to_the_queue(reader: Reader) -> None:
    job = reader.says("sbatch", "--parsable", "train.slurm", "--epochs", "100000").strip()
    until(lambda: "epoch" in reader.text(f"train-{job}.out"))
    reader.says("scancel", "--batch", "--signal=USR1", job)
    until(lambda: reader.status(job)["state"] == "PENDING")
    assert reader.status(job)["restarts"] == 1 and "SIGUSR1: stopping after epoch" in reader.text(f"train-{job}.out")
    reader.says("flow", "cancel", job)


def test_a_stopped_training_goes_on_to_the_same_end(tmp_path: Path) -> None:
    words = [sys.executable, str(EXAMPLES / "train.py"), "--epochs", "60", "--points", "100"]
    whole = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=WITHIN_S)
    saving = [*words, "--checkpoint", "saved.json"]
    first = subprocess.Popen(saving, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    until((tmp_path / "saved.json").exists)
    first.send_signal(signal.SIGUSR1)
    said = first.communicate(timeout=WITHIN_S)[0]
    assert first.returncode == 75 and "SIGUSR1: stopping after epoch" in said
    second = subprocess.run(saving, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=WITHIN_S)
    assert second.stdout.startswith("resumed after epoch ")
    last = [line for line in whole.stdout.splitlines() if line.startswith("epoch   60")]
    assert last and last[0] in second.stdout
