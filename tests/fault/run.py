"""kill -9 at so many points: `python -m tests.fault.run --points 1000`; `--point SCENE:KIND:NUMBER:VICTIM` for one again.

A point is a scene, an instant of it and a victim. Instants are the failpoints of the controller (each turn stepped, committed and
replied, each order before and after it is carried out), those of the node daemon (before and after each line of its journal, each
sync, each gate), each statement of the store, and any at all by chance. After each point everything must be over and true
(`Cluster.judge`), and the next command must work the first time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import random
import shutil
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from tabulate import tabulate

from flowbatch.sdk.compiling import compiler
from tests.fault.cluster import Cluster, Found, rooted
from tests.fault.instants import Kind, Victim
from tests.fault.scenes import SCENES

RENEWED_AFTER = 25
"""So many points a state directory: what is left of one meets the next ones."""

RUTHLESS: tuple[Victim, ...] = ("wrapper", "machine")
"""Whose death ends jobs."""

VICTIMS: tuple[tuple[Kind, Victim, int], ...] = (
    ("controller", "controller", 1), ("node", "node", 1), ("statement", "controller", 2), ("controller", "node", 3),
    ("node", "controller", 3), ("controller", "both", 3), ("node", "both", 3), ("controller", "client", 3), ("node", "client", 4),
    ("controller", "wrapper", 6), ("node", "wrapper", 4), ("controller", "machine", 6), ("node", "machine", 4),
)  # fmt: skip
"""Who dies at which kind of instant: at each of them, or at every n-th."""

BY_CHANCE = 5
"""One point in so many is at no instant of a program."""

SCENE_MS = 1500
"""A scene lasts about so long."""

LOOK_S = 2


@dataclass(frozen=True)
class Point:
    """`number`: which instant of its kind; by chance, milliseconds after the scene began."""

    scene: str
    kind: Kind
    number: int
    victim: Victim

    def __str__(self) -> str:
        return f"{self.scene}:{self.kind}:{self.number}:{self.victim}"

    @classmethod
    def read(cls, words: str) -> Point:
        scene, kind, number, victim = words.split(":")
        assert scene in SCENES and kind in get_args(Kind) and victim in get_args(Victim), words
        return cls(scene, kind, int(number), victim)


@dataclass(frozen=True)
class Result:
    """`hit`: the instant's name, None where the scene was over before it came. `found`: what is wrong, None for nothing."""

    point: Point
    hit: str | None
    found: str | None
    seconds: float


def survives(cluster: Cluster, point: Point) -> Result:
    """Plays a point."""
    began_at = time.monotonic()
    cluster.begin()
    hit = None
    timer = threading.Timer(point.number / 1000, cluster.instants.fire, ["chance"])
    try:
        cluster.instants.arm(point.kind, point.number, point.victim)
        if point.kind == "chance":
            timer.start()
        try:
            SCENES[point.scene](cluster)
        except Found:
            if point.victim not in RUTHLESS or cluster.instants.hit is None:
                raise  # else a job may have died before it did what the scene waits for
            cluster.ask("scancel", "--me")
        if point.kind == "chance":
            timer.join()
        hit = cluster.instants.hit
        cluster.judge(strict=hit is None or point.victim not in RUTHLESS)
        cluster.instants.disarm()
        cluster.begin()
        cluster.submit("next", "exit 0", ends=("COMPLETED 0:0",))
        cluster.judge()
    except Exception:  # noqa: BLE001  whatever it is, it is what was looked for
        return Result(point, hit or cluster.instants.hit, traceback.format_exc(), time.monotonic() - began_at)
    finally:
        timer.cancel()
    return Result(point, hit, None, time.monotonic() - began_at)


def counted(cluster: Cluster) -> dict[str, dict[Kind, int]]:
    """How many instants of each kind each scene has while nobody dies."""
    found = {}
    for name, scene in SCENES.items():
        cluster.begin()
        cluster.instants.disarm()
        scene(cluster)
        cluster.judge()
        found[name] = cluster.instants.counts
    return found


def points(instants: Mapping[str, Mapping[Kind, int]], wanted: int, rng: random.Random) -> list[Point]:
    """So many of all that there are, in any order, and those by chance; by chance alone what is more than all."""
    everyone = [
        Point(scene, kind, number, victim)
        for scene, counts in instants.items()
        for kind, victim, step in VICTIMS
        for number in range(1 + rng.randrange(step), counts[kind] + 1, step)
    ]
    rng.shuffle(everyone)
    chosen = everyone[: wanted - wanted // BY_CHANCE]
    while len(chosen) < wanted:
        chosen.append(
            Point(rng.choice(tuple(SCENES)), "chance", rng.randrange(1, SCENE_MS), rng.choice(get_args(Victim)))
        )
    rng.shuffle(chosen)
    return chosen


def play(some: Sequence[Point], kept: Path | None) -> Iterator[Result]:
    """One after another, in state directories of their own; one that something was found in goes to `kept`."""
    with rooted(compiler() if len(some) > RENEWED_AFTER else None) as cluster:
        for number, point in enumerate(some, 1):
            result = survives(cluster, point)
            yield result
            if result.found and kept is not None:
                shutil.copytree(
                    cluster.root, kept / str(point), ignore=shutil.ignore_patterns("*.sock", "bin"), dirs_exist_ok=True
                )
            if result.found or number % RENEWED_AFTER == 0:
                cluster.renew()


def _worker(some: Sequence[Point], kept: Path | None, told: Any) -> None:
    for result in play(some, kept):
        told.put(result)


def many(chosen: Sequence[Point], workers: int, kept: Path | None) -> Iterator[Result]:
    """All of them, by several processes at once."""
    context = multiprocessing.get_context("fork")
    told = context.Queue()
    shares = [chosen[number::workers] for number in range(workers)]
    processes = [context.Process(target=_worker, args=(share, kept, told)) for share in shares if share]
    for process in processes:
        process.start()
    missing = len(chosen)
    while missing:
        try:
            yield told.get(timeout=LOOK_S)
        except queue.Empty:
            if not any(process.is_alive() for process in processes):
                raise SystemExit(f"{missing} points were not played") from None
        else:
            missing -= 1
    for process in processes:
        process.join()


def table(results: Iterable[Result]) -> str:
    """How many points were reached, by instant and victim."""
    reached = Counter((f"{one.point.kind}: {one.hit}", one.point.victim) for one in results if one.hit is not None)
    names = sorted({name for name, _ in reached})
    rows = [[name, *(reached[name, victim] or "" for victim in get_args(Victim))] for name in names]
    rows.append(["all", *(sum(reached[name, victim] for name in names) for victim in get_args(Victim))])
    return tabulate(rows, headers=("instant", *get_args(Victim)), tablefmt="github")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.fault.run", description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--point", type=Point.read, action="append", help="play this one: SCENE:KIND:NUMBER:VICTIM")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a directory for the state of points where something was found")
    words = parser.parse_args(argv)
    rng = random.Random(words.seed)
    began_at = time.monotonic()
    chosen = words.point
    if chosen is None:
        with rooted() as cluster:
            instants = counted(cluster)
        print(f"instants: {instants}", flush=True)
        chosen = points(instants, words.points, rng)
    results, found = [], 0
    for result in many(chosen, words.workers, words.keep):
        results.append(result)
        if result.found is not None:
            found += 1
            print(f"{result.point} ({result.hit}): {result.found}", flush=True)
        if len(results) % 50 == 0:
            print(f"{len(results)} points, {found} findings, {time.monotonic() - began_at:.0f} s", flush=True)
    print(table(results))
    reached = sum(result.hit is not None for result in results)
    print(f"{len(results)} points, {reached} reached, {found} findings, {time.monotonic() - began_at:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
