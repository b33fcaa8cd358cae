"""Feeds targets with many inputs: `python -m tests.fuzz.run [--inputs N] [TARGET ...]`.

By coverage where atheris is installed (each target in a process of its own), else by chance near the seeds. An input that
ends a reader in any other way than its own refusal, or takes longer than a reader may, is kept in tests/data/fuzz/ and fails the run.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from tests.fuzz.mutate import LONGEST, inputs
from tests.fuzz.targets import DATA, TARGETS, Target

FINDINGS = DATA / "fuzz"
WITHIN_S = 5
"""So many seconds of the processor's one small input may take: what others do on this machine is not its fault."""
STUCK_S = 60
"""After so long it waits for something, or is in one call that never ends."""


class TooLong(Exception):
    """The reader is still at it."""


def feed(target: Target, data: bytes) -> None:
    """The reader takes it or refuses it, in time. Raises whatever it should not have raised, TooLong."""
    before = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, WITHIN_S)
    try:
        target.feed(data)
    except target.refusals:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def kept(name: str, data: bytes) -> Path:
    """The file of a finding."""
    file = FINDINGS / name.replace(" ", "-") / hashlib.sha256(data).hexdigest()[:16]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def by_chance(name: str, count: int, seed: int) -> int:
    """How many inputs were findings."""
    target, found = TARGETS[name], 0
    for data in inputs(target.seeds, count, seed):
        try:
            feed(target, data)
        except Exception as error:  # noqa: BLE001  every one is a finding
            found += 1
            print(f"{name}: {error!r}: {kept(name, data)}", flush=True)
    return found


def by_coverage(name: str, count: int) -> int:
    """The same by libFuzzer, which learns from the paths that an input takes; it ends at the first finding."""
    words = [sys.executable, "-m", "tests.fuzz.covered", name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(TARGETS[name].seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        options = [
            f"-runs={count}",
            f"-max_len={LONGEST}",
            f"-timeout={STUCK_S}",
            f"-artifact_prefix={corpus}/found-",
            "-verbosity=0",
        ]
        done = subprocess.run([*words, *options, corpus], check=False, stderr=subprocess.PIPE)
        for file in Path(corpus).glob("found-*"):
            print(
                f"{name}: {kept(name, file.read_bytes())}\n{done.stderr.decode(errors='replace')[-2000:]}", flush=True
            )
    return int(done.returncode != 0)


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    words.add_argument("--inputs", type=int, default=10_000_000, help="over all targets together")
    words.add_argument("--seed", type=int, default=int(time.time()))
    words.add_argument("--by-chance", action="store_true", help="also where atheris is installed")
    said = words.parse_args()
    each, found = said.inputs // len(said.targets), 0
    covered = not said.by_chance and importlib.util.find_spec("atheris") is not None
    for name in said.targets:
        began = time.monotonic()
        new = by_coverage(name, each) if covered else by_chance(name, each, said.seed)
        found += new
        print(f"{name}: {each} inputs, {new} findings, {time.monotonic() - began:.0f} s", flush=True)
    print(
        f"{each * len(said.targets)} inputs {'by coverage' if covered else f'by chance, seed {said.seed}'}, {found} findings"
    )
    return 1 if found else 0


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLong(f"more than {WITHIN_S} s")


if __name__ == "__main__":
    sys.exit(main())
