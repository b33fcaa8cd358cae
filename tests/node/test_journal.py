"""The node's journal: what was written is read again, whatever happened to its end."""

from __future__ import annotations

import asyncio
import os

import pytest

from flowbatch.node import journal as journals
from flowbatch.node.book import Book, Forgotten, Marked, Opened, Over, Started, Stopping, Unrun
from flowbatch.node.journal import Journal
from flowbatch.protocol.launch import Report
from tests.node.jobs import key


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


def opened(path, needed=list):
    journal = Journal(path, needed)
    return journal, journal.open()


def write(path, *records):
    journal, _ = opened(path)
    for record in records:
        journal.append(record)
    journal.close()


def test_records_come_back_in_their_order(path):
    write(path, {"record": "a", "n": 1}, {"record": "b", "text": "\xff é"})
    write(path, {"record": "c"})
    journal, records = opened(path)
    journal.close()
    assert records == [{"record": "a", "n": 1}, {"record": "b", "text": "\xff é"}, {"record": "c"}]


def test_a_line_torn_anywhere_is_cut_off_and_the_next_one_whole(path):
    write(path, {"record": "a"}, {"record": "b"})
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for cut in range(second, len(whole)):
        path.write_bytes(whole[:cut])
        write(path, {"record": "c"})
        journal, records = opened(path)
        journal.close()
        assert records == (
            [{"record": "a"}, {"record": "c"}] if cut < len(whole) - 1 else [{"record": n} for n in "abc"]
        )
    assert not path.with_suffix(".damaged").exists()


def test_damage_in_the_middle_costs_one_record_and_is_kept_aside(path):
    write(path, {"record": "a"}, {"record": "b"}, {"record": "c"})
    lines = path.read_bytes().splitlines(True)
    damaged = lines[0] + lines[1].replace(b"b", b"x") + lines[2]
    path.write_bytes(damaged)
    journal, records = opened(path)
    journal.close()
    assert records == [{"record": "a"}, {"record": "c"}]
    assert path.with_suffix(".damaged").read_bytes() == damaged


def test_a_write_that_fails_leaves_nothing(path, monkeypatch):
    journal, _ = opened(path)
    journal.append({"record": "a"})
    real = journals.os.write

    def torn(fd, data):
        real(fd, data[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journals.os, "write", torn)
    with pytest.raises(OSError, match="No space left"):
        journal.append({"record": "b"})
    monkeypatch.setattr(journals.os, "write", real)
    journal.append({"record": "c"})
    journal.close()
    again, records = opened(path)
    again.close()
    assert records == [{"record": "a"}, {"record": "c"}]


def test_those_who_sync_together_share_it(path, monkeypatch):
    synced = []
    monkeypatch.setattr(journals.os, "fsync", synced.append)

    async def scene():
        journal, _ = opened(path)

        async def one(number):
            journal.append({"record": "a", "n": number})
            await journal.sync()

        await asyncio.gather(*(one(number) for number in range(50)))
        journal.close()

    asyncio.run(scene())
    assert 1 <= len(synced) <= 2


def test_a_journal_that_grew_is_written_anew(path, monkeypatch):
    monkeypatch.setattr(journals, "SMALL", 10)

    async def scene():
        journal = Journal(path, lambda: [{"record": "needed"}])
        journal._room = 10
        journal.open()
        for number in range(20):
            journal.append({"record": "a", "n": number})
            await journal.sync()
        journal.append({"record": "last"})
        journal.close()

    asyncio.run(scene())
    journal, records = opened(path)
    journal.close()
    assert len(records) < 20
    assert records[0] == {"record": "needed"}
    assert records[-1] == {"record": "last"}


STARTED = Started(key(), "n1", "/spool", "/work/slurm-1.out", 5, 10, "a", 11, "b", 30, ends_by=100, signal=10)
OVER = Over(key(), Report(key(), "ended", 9, code=3))


@pytest.mark.parametrize(
    "facts",
    [
        [STARTED],
        [STARTED, Opened(key()), Marked(key(), "warning"), Stopping(key(), "timeout", 7.5), Marked(key(), "closing")],
        [STARTED, Opened(key()), OVER],
        [OVER],
        [STARTED, Unrun(key())],
        [STARTED, OVER, Forgotten(key())],
    ],
)
def test_a_book_is_read_as_it_was_written_and_as_it_is_written_anew(path, tmp_path, facts):
    book = Book(path)
    for fact in facts:
        book.write(fact)
    book.close()
    again = Book(path)
    assert (again.entries, again.forgotten) == (book.entries, book.forgotten)
    again.close()
    write(tmp_path / "anew", *again.records())
    anew = Book(tmp_path / "anew")
    anew.close()
    assert (anew.entries, anew.forgotten) == (book.entries, book.forgotten)


def test_a_record_of_a_later_version_is_left_alone(path):
    write(path, {"record": "InventedLater", "key": {"store": "s", "job_id": 1, "restart": 0}})
    book = Book(path)
    book.close()
    assert book.entries == {}


def test_tombstones_are_not_kept_for_ever(path, monkeypatch):
    monkeypatch.setattr("flowbatch.node.book.TOMBSTONES", 3)
    book = Book(path)
    for number in range(5):
        book.write(Forgotten(key(number)))
    book.close()
    assert list(book.forgotten) == [key(2), key(3), key(4)]


def test_it_is_the_user_s_own_also_when_it_was_written_anew(path):
    before = os.umask(0)
    try:
        write(path, {"record": "a"})
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_bytes(path.read_bytes() + b"torn")
        written = path.stat().st_ino
        write(path, {"record": "b"})
    finally:
        os.umask(before)
    assert path.stat().st_ino != written
    assert path.stat().st_mode & 0o777 == 0o600
