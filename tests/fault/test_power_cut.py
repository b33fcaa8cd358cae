"""The power fails while the store writes: what was acknowledged is there, and of what was not there is all or nothing.

The store asks SQLite for a log that is synced at each commit (WAL, synchronous=FULL). A model of the disk: what was there at a
sync stays; of what was written since, any page may have come, or not, or in part, or as zeros. Played here on copies of the files
as they were at each commit and around a checkpoint.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowbatch.core.queue import Queue
from flowbatch.store.sqlite import SqliteStore
from tests.fault.test_store_of_a_queue import CLUSTER, STORY, check, commits

WAL_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096
FRAME = FRAME_HEADER + PAGE


@dataclass(frozen=True)
class Files:
    """The store on disk."""

    db: bytes
    wal: bytes

    @classmethod
    def of(cls, path: Path) -> Files:
        wal = path.with_name(path.name + "-wal")
        return cls(path.read_bytes(), wal.read_bytes() if wal.exists() else b"")

    def put(self, path: Path) -> Path:
        path.parent.mkdir()
        path.write_bytes(self.db)
        path.with_name(path.name + "-wal").write_bytes(self.wal)
        return path


Tear = Callable[[bytes, random.Random], bytes]
TEARS: dict[str, Tear] = {
    "nothing of it": lambda tail, rng: b"",
    "a piece of it": lambda tail, rng: tail[: rng.randrange(len(tail))],
    "whole frames of it": lambda tail, rng: tail[: rng.randrange(len(tail) // FRAME) * FRAME],
    "the last frame is torn": lambda tail, rng: tail[: -rng.randrange(1, FRAME)],
    "zeros": lambda tail, rng: bytes(len(tail)),
    "a frame of zeros": lambda tail, rng: _changed(tail, rng, lambda frame: bytes(len(frame))),
    "a frame of noise": lambda tail, rng: _changed(tail, rng, lambda frame: rng.randbytes(len(frame))),
    "half a frame": lambda tail, rng: _changed(
        tail, rng, lambda frame: frame[: FRAME // 2] + bytes(FRAME - FRAME // 2)
    ),
    "frames change places": lambda tail, rng: _shuffled(tail, rng),
    "only the last frame": lambda tail, rng: bytes(len(tail) - FRAME) + tail[-FRAME:],
}


def _frames(tail: bytes) -> list[bytes]:
    return [tail[start : start + FRAME] for start in range(0, len(tail), FRAME)]


def _changed(tail: bytes, rng: random.Random, how: Callable[[bytes], bytes]) -> bytes:
    frames = _frames(tail)
    which = rng.randrange(len(frames))
    frames[which] = how(frames[which])
    return b"".join(frames)


def _shuffled(tail: bytes, rng: random.Random) -> bytes:
    frames = _frames(tail)
    rng.shuffle(frames)
    return b"".join(frames)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> list[Files]:
    """The files after each commit of a story; the log was never written back meanwhile."""
    path = tmp_path_factory.mktemp("history") / "store.db"
    store = SqliteStore(path)
    found = [Files.of(path)]
    found += [Files.of(path) for _ in commits(store, Queue(CLUSTER, 1), 0)]
    assert len({files.db for files in found}) == 1 and all(len(files.wal) % FRAME == WAL_HEADER for files in found)
    store.close()
    return found


def test_the_store_asks_for_what_is_modelled(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    modes = [store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "page_size")]
    assert modes == ["wal", 2, PAGE]
    store.close()


@pytest.mark.parametrize("some", [3, pytest.param(len(STORY), marks=pytest.mark.long)])
@pytest.mark.parametrize("tear", TEARS)
def test_a_commit_that_did_not_reach_the_disk(tmp_path: Path, history: list[Files], tear: str, some: int) -> None:
    """At each commit, the one before it is acknowledged; of this one the disk has what `tear` leaves."""
    rng = random.Random(tear)
    for number in rng.sample(range(1, len(STORY) + 1), some):
        before, after = history[number - 1], history[number]
        assert after.wal.startswith(before.wal)
        tail = TEARS[tear](after.wal[len(before.wal) :], rng)
        check(Files(after.db, before.wal + tail).put(tmp_path / str(number) / "store.db"), number - 1)


def test_a_checkpoint_that_reached_the_disk_in_part(tmp_path: Path, history: list[Files]) -> None:
    """Pages of the log are written into the file in any order, and it is synced before the log is begun again."""
    rng = random.Random(1)
    before = history[-1]
    path = before.put(tmp_path / "whole" / "store.db")
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()[0] == 0
    written = path.read_bytes()
    db.close()
    assert written != before.db
    for number in range(5):
        pages = [
            (written if rng.random() < 0.5 else before.db.ljust(len(written), b"\0"))[start : start + PAGE]
            for start in range(0, len(written), PAGE)
        ]
        torn = b"".join(pages)[: rng.choice((len(written), len(before.db), rng.randrange(PAGE, len(written))))]
        check(Files(torn, before.wal).put(tmp_path / str(number) / "store.db"), len(STORY))


def test_the_index_of_the_log_is_not_needed(tmp_path: Path, history: list[Files]) -> None:
    """store.db-shm is never synced: after a power cut it is gone, or old."""
    path = history[-1].put(tmp_path / "new" / "store.db")
    for left in (b"", bytes(32768), random.Random(1).randbytes(32768)):
        path.with_name("store.db-shm").write_bytes(left)
        copy = shutil.copytree(path.parent, tmp_path / f"with {len(left)} {left[:1]!r}") / "store.db"
        check(copy, len(STORY))
