"""A cluster whose programs die on order: compiled clients, controllers and node daemons that start in milliseconds.

Its user does what anybody would: a command that broke off is given again, once. What each script has run stands in a file of
its own, a line a run, so that the truth does not come from us.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from flowbatch import app
from flowbatch.core import invariants
from flowbatch.core.queue import Queue
from flowbatch.sdk import shims
from flowbatch.store.sqlite import SqliteStore
from tests.fault.instants import Instants, placed
from tests.fault.preloaded import Preloaded

CLIENTS = Path(__file__).resolve().parents[2] / "shims"
CONF = """ClusterName=fault
ScronParameters=enable
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=n1 CPUs=16
PartitionName=debug Nodes=n1 Default=YES State=UP
"""
WITHIN_S = 90
"""How long anything may take on a busy machine."""

RAN = 'echo "$TAG $SLURM_JOB_ID ${SLURM_RESTART_COUNT:-0}" >>"$RUNS"\n'
"""A script's first line: it tells that it runs."""


class Found(AssertionError):
    """Something is not as it must be."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed. A command that was killed has a negative code."""

    code: int
    out: str
    err: str

    @property
    def well(self) -> bool:
        return self.code == 0 and not self.err


@dataclass(frozen=True)
class Wanted:
    """What must have become of the jobs of one tag. `runs`: so often each of them ran, requeues and all."""

    ends: tuple[str, ...]
    runs: tuple[int, ...] = (1,)


ANY = tuple(
    f"{state} {code}"
    for state in ("COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL")
    for code in ("0:0", "0:9", "0:15", *(f"{number}:0" for number in range(1, 8)))
)
"""Every end."""

UNSURE = Wanted(ANY, tuple(range(5)))


@dataclass(frozen=True)
class Row:
    """A job, task or component as sacct has it."""

    id: str
    raw: str
    tag: str
    end: str

    @property
    def number(self) -> int:
        """What sbatch said."""
        return _number(self.id)


class Cluster:
    """One state directory under `root`, for point after point."""

    def __init__(self, root: Path, cc: str | None = None) -> None:
        """`cc` compiles the clients, which pays after some dozens of points; None: they are Python's."""
        self.root, self.state, self.bin = root, root / "state", root / "bin"
        for folder in (root, root / "config", self.bin, self.state, root / "work"):
            folder.mkdir(mode=0o700)
        (root / "config" / "slurm.conf").write_text(CONF)
        self.instants = Instants(self.state)
        self._preloaded = Preloaded(root, self.instants)
        python = str(self._preloaded.python)
        start = ("/usr/bin/env", f"FLOW_CONFIG_DIR={root}/config", python, "-I", "-m", "flowbatch.controller", "start")
        shims.install(self.bin, shims.Baked(python, str(CLIENTS), str(self.state), start), cc=cc)
        self._clients: list[int] = []
        self._points = 0
        self.begin()

    def renew(self) -> None:
        """All of it is as new."""
        self._end()
        for folder in (self.state, self.root / "work"):
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)

    def begin(self) -> None:
        """A point begins: those before are over, and not looked at any more."""
        self._points += 1
        self.work = self.root / "work" / str(self._points)
        self.work.mkdir()
        self.runs = self.work / "runs"
        self.wanted: dict[str, Wanted] = {}
        self.acknowledged: dict[int, str] = {}
        self.lasted: set[str] = set()
        self.unsure: Counter[str] = Counter()

    def tag(self, name: str) -> str:
        """A name that no other point uses."""
        return f"{name}{self._points}"

    def close(self) -> None:
        """Nothing of it is left, but its files."""
        self._end()
        self._preloaded.close()

    def _end(self) -> None:
        for daemon in ("controller.pid", "node/node.pid"):
            self.instants.kill(self.instants.daemon(daemon))
        self.instants.kill([*placed(self.state), *self._inside(self.root)])

    # what the user does

    def call(self, name: str, *words: str, stdin: str = "", tag: str = "") -> Done:
        """One command, once."""
        env = {
            "PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.root), "LANG": "C.UTF-8", "FLOW_IDLE_EXIT": "600",
            "TAG": tag, "RUNS": str(self.runs),
        }  # fmt: skip
        with subprocess.Popen(
            [str(self.bin / name), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.work,
            env=env, text=True, start_new_session=True,
        ) as client:  # fmt: skip
            self._clients.append(client.pid)
            self.instants.clients(self._clients)
            try:
                out, err = client.communicate(stdin, timeout=WITHIN_S)
            except subprocess.TimeoutExpired:
                client.kill()
                raise Found(f"{name} {' '.join(words)} does not end in {WITHIN_S} s") from None
            finally:
                self._clients.remove(client.pid)
                self.instants.clients(self._clients)
        return Done(client.returncode, out, err)

    def ask(self, name: str, *words: str, stdin: str = "", done_already: str | None = None, tag: str = "") -> Done:
        """A command that must be well, the first time or, where somebody died meanwhile, the second; then it may find
        that it is `done_already`."""
        before = self.instants.over
        done = self.call(name, *words, stdin=stdin, tag=tag)
        if not done.well and self._died(before):
            self.until(lambda: self.instants.over, "they are dead")
            done = self.call(name, *words, stdin=stdin, tag=tag)
            if done_already is not None and done_already in done.err:
                return done
        if not done.well:
            raise Found(f"{name} {' '.join(words)}: {done}")
        return done

    def _died(self, before: bool) -> bool:
        """Whether somebody died while something was asked; `before`: whether they were dead when it was asked."""
        return not before and self.instants.hit is not None

    def submit(self, name: str, script: str, *words: str, ends: tuple[str, ...], runs: tuple[int, ...] = (1,)) -> int:
        """Submits a script until its number is known."""
        tag = self.tag(name)
        self.wanted[tag] = Wanted(ends, runs)
        before = self.instants.over
        words = ("--parsable", "-J", tag, *words)
        try:
            done = self.ask("sbatch", *words, stdin=f"#!/bin/sh\n{RAN}{script}\n", tag=tag)
        finally:
            self.unsure[tag] += 2 * self._died(before)
        number = int(done.out)
        if number in self.acknowledged:
            raise Found(f"number {number} was given twice")
        self.acknowledged[number] = tag
        return number

    def lasting(self, name: str, *words: str, ends: tuple[str, ...]) -> Done | None:
        """A command that lasts as long as its job: salloc, srun. None where somebody died meanwhile: it may have lost its job."""
        tag = self.tag(name)
        before = self.instants.over
        self.lasted.add(tag)
        self.unsure[tag] += 1
        done = self.call(words[0], "-J", tag, *words[1:], tag=tag)
        calm = not self._died(before)
        self.wanted[tag] = Wanted(ends) if calm else UNSURE
        return done if calm else None

    # what is seen

    def began(self, name: str, times: int = 1) -> None:
        """The script has run so often."""
        tag = self.tag(name)

        def ran() -> bool:
            return sum(line[0] == tag for line in self.lines()) >= times

        self.until(lambda: ran() or not self._queued(tag), f"{tag} runs")
        _check(ran(), f"{tag} is gone and did not run {times} times: {self.lines()}, {self.rows()}")

    def _queued(self, tag: str) -> bool:
        """Whether a job is in the queue; nobody asks while nobody died."""
        return self.instants.hit is None or bool(self.ask("squeue", "-h", "--name", tag).out)

    def lines(self) -> list[tuple[str, ...]]:
        """Tag, job and restart of each run, in their order."""
        return [tuple(line.split()) for line in self.runs.read_text().splitlines()] if self.runs.exists() else []

    def calm(self) -> None:
        """Nothing is queued, nothing runs; what was submitted and never acknowledged is cancelled."""
        if sum(self.unsure.values()) > len(self.lasted):
            queued = (line.split("|") for line in self.ask("squeue", "-h", "-o", "%i|%j").out.splitlines())
            for number in {_number(id) for id, tag in queued if tag not in self.lasted} - self.acknowledged.keys():
                self.ask("scancel", "-Q", str(number))
        self.until(lambda: not self.ask("squeue", "-h", "-a").out, "the queue is empty")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline, pause = time.monotonic() + WITHIN_S, 0.01
        while not condition():
            if time.monotonic() > deadline:
                raise Found(f"waited in vain until {what}")
            time.sleep(pause)
            pause = min(0.2, pause * 1.3)

    def rows(self) -> list[Row]:
        """All jobs of this point, acknowledged or not."""
        form = ("-n", "-P", "-X", "-o", "jobid,jobidraw,jobname,state,exitcode")
        told = self.ask("sacct", *form, "--name", ",".join(self.wanted)).out
        if self.acknowledged:  # what never was eligible is told by its number alone
            told += self.ask("sacct", *form, "-j", ",".join(map(str, self.acknowledged))).out
        found = (line.split("|") for line in dict.fromkeys(told.splitlines()))
        return [Row(id, raw, tag, f"{state.split()[0]} {code}") for id, raw, tag, state, code in found]

    def judge(self, *, strict: bool = True) -> None:
        """All is over, and all is true; where not `strict`, jobs may have ended otherwise than they would by themselves. Raises
        Found."""
        self.calm()
        self.until(
            lambda: not any(row.end.startswith(("PENDING", "RUNNING")) for row in self.rows()), "sacct knows all ends"
        )
        rows, begun = self.rows(), Counter(self.lines())
        _check(
            set(self.acknowledged.items()) <= {(row.number, row.tag) for row in rows},
            f"lost: {self.acknowledged}, not {rows}",
        )
        _check(max(begun.values(), default=0) < 2, f"ran twice: {begun}")
        _check({line[1] for line in begun} <= {row.raw for row in rows}, f"ran unknown: {begun}, not {rows}")
        for tag, count in Counter(tag for _, tag in {(row.number, row.tag) for row in rows}).items():
            acknowledged = sum(tag == one for one in self.acknowledged.values())
            _check(count <= acknowledged + self.unsure[tag], f"{count} jobs of {tag}: {rows}")
        for row in rows:
            sure = strict and (row.number in self.acknowledged or row.tag in self.lasted)
            wanted = self.wanted[row.tag] if sure else UNSURE
            runs = sum(line[:2] == (row.tag, row.raw) for line in begun)
            _check(row.end in wanted.ends, f"{row}, not {wanted.ends}")
            _check(runs in wanted.runs or ("+" in row.id and runs == 0), f"{row} ran {runs} times, not {wanted.runs}")
        self._left(lambda: not list(placed(self.state)), "no wrapper is left")
        self._left(lambda: not any(self.state.glob("node/spool/*/*")), "no spool directory is left")
        self._left(lambda: not self._inside(self.work), "no process is left")
        store = SqliteStore(self.state / "store.db")
        try:
            loaded = store.load()
        finally:
            store.close()
        shape = app.cluster(self.root / "config")
        invariants.check(Queue(shape, loaded.next_job_id, loaded.jobs, loaded.departed, loaded.steps, loaded.rulings))

    def _left(self, condition: Callable[[], bool], what: str) -> None:
        """As `until`. Someone asks for the queue meanwhile: death may come as late as this, and whoever is started next tidies up."""

        def asked() -> bool:
            self.ask("squeue", "-h")
            return condition()

        self.until(lambda: condition() or asked(), what)

    @staticmethod
    def _inside(folder: Path) -> list[int]:
        """Processes whose directory is this one or under it."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if Path(os.readlink(entry / "cwd")).is_relative_to(folder):
                    found.append(int(entry.name))
        return found


@contextmanager
def rooted(cc: str | None = None) -> Iterator[Cluster]:
    """A cluster in a directory of its own, with a name that is short enough for sockets; neither is left."""
    root = Path(tempfile.mkdtemp(prefix="ff-", dir="/tmp"))
    try:
        cluster = Cluster(root / "c", cc)
        try:
            yield cluster
        finally:
            cluster.close()
    finally:
        shutil.rmtree(root)


def _number(id: str) -> int:
    """Of a job, a task or a component: what sbatch said."""
    return int(id.split("_")[0].split("+")[0])


def _check(true: bool, what: str) -> None:
    if not true:
        raise Found(what)
