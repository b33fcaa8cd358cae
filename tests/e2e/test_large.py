"""What is far too large is refused in Slurm's words: others are answered meanwhile, and the controller's memory stays what it was."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.patient

TOO_LONG = "sbatch: error: Batch job submission failed: Pathname of a file, directory or other parameter too long\n"
MEMORY_MIB = 250
"""What the controller may need at its peak; it begins with some 60."""


class Others:
    """Another client, who asks again and again for as long as this is entered; `answers` counts what it was told meanwhile."""

    def __init__(self, cluster) -> None:
        self._cluster = cluster
        self._over = threading.Event()
        self._asking = threading.Thread(target=self._ask)
        self.answers = 0

    def _ask(self) -> None:
        while not self._over.is_set():
            done = self._cluster.run("squeue", "-h")
            self.answers += done.code == 0 and not self._over.is_set()

    def __enter__(self) -> Others:
        self._asking.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._asking.join()


def peak_mib(cluster) -> int:
    status = Path(f"/proc/{cluster.pid()}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


SCRIPTS: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "100 MB of comments": (lambda: b"# x\n" * 26_000_000 + b"true\n", 1, TOO_LONG),
    "an array of 100 MB": (lambda: b"#SBATCH -a " + b"1," * 52_000_000 + b"1\ntrue\n", 1, TOO_LONG),
    "an array of a million commas": (lambda: b"#SBATCH -a " + b"1," * 1_000_000 + b"1\ntrue\n", 1, TOO_LONG),
    "20 000 directives": (lambda: b"#SBATCH --comment=words\n" * 20_000 + b"true\n", 0, ""),
    "10 000 dependencies": (lambda: b"#SBATCH -d afterok:9" + b":9" * 10_000 + b"\ntrue\n", 0, ""),
}
"""Lines, made where they are wanted; exit code and words of the answer."""


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_large_script_holds_up_nobody(cluster, kind):
    lines, code, said = SCRIPTS[kind]
    (cluster.work / "large.sh").write_bytes(b"#!/bin/sh\n" + lines())
    assert cluster.run("squeue").code == 0
    with Others(cluster) as others:
        cluster.until(lambda: others.answers, "the other client asks")
        before = others.answers
        done = cluster.run("sbatch", "-H", "--parsable", "large.sh", timeout=110)
        meanwhile = others.answers - before
    assert (done.code, done.err) == (code, said)
    assert meanwhile > 0
    assert peak_mib(cluster) < MEMORY_MIB


def test_a_large_script_from_standard_input_is_read_no_further_than_it_may_be_long(cluster):
    done = cluster.run("sbatch", stdin=b"#!/bin/sh\n".ljust(100_000_000, b"#"))
    assert (done.code, done.err) == (1, TOO_LONG)
    assert peak_mib(cluster) < MEMORY_MIB
