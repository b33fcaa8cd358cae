"""A tree that goes to another machine and comes back: whole files or none, holes, links, modes, and what is left alone."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import signal
import stat
import struct
import time
import zlib
from dataclasses import asdict, replace

import pytest

from flowbatch.node import brought, mirror
from flowbatch.node.brought import Brought
from flowbatch.node.mirror import Broken, Item


@pytest.fixture
def here(tmp_path):
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
def there(tmp_path):
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


def said(root, paths=None):
    out = io.BytesIO()
    mirror.send(str(root), [i.path for i in mirror.scan(str(root))] if paths is None else paths, out)
    return out.getvalue()


def taken(root, stream):
    return mirror.receive(str(root), io.BytesIO(stream), lambda item, data: mirror.put(str(root), item, data))


def tree(root):
    return {item.path: item.stamp for item in mirror.scan(str(root))}


def test_everything_of_a_tree_arrives_as_it_was(here, there):
    (here / "a file").write_bytes(os.urandom(700_000))
    (here / "text").write_text("again and again\n" * 50_000)
    (here / "none").touch()
    (here / "tool").write_text("#!/bin/sh\n")
    (here / "tool").chmod(0o751)
    (here / "deep/er").mkdir(parents=True)
    (here / "deep/er/x").write_text("x")
    (here / "empty").mkdir(mode=0o700)
    (here / "read-only").mkdir()
    (here / "read-only/inside").write_text("y")
    (here / "read-only").chmod(0o555)
    (here / "link").symlink_to("deep/er/x")
    (here / "dangling").symlink_to("/no/such")
    (here / os.fsdecode(b"\xff\xe9")).write_text("bytes")
    assert taken(there, said(here)) == []
    assert tree(there) == tree(here)
    assert (there / "a file").read_bytes() == (here / "a file").read_bytes()
    assert (there / "empty").stat().st_mode & 0o777 == 0o700
    assert (there / "read-only").stat().st_mode & 0o777 == 0o555
    (there / "read-only").chmod(0o755)
    (here / "read-only").chmod(0o755)


def test_what_is_no_file_is_left_out(here):
    os.mkfifo(here / "fifo")
    assert list(mirror.scan(str(here))) == []


def test_two_sparse_gigabytes_are_little_to_send_and_little_on_disk(here, there):
    with open(here / "sparse", "wb") as file:
        file.seek(1 << 30)
        file.write(b"in the middle")
        file.truncate(2 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stream = said(here)
    assert len(stream) < 100_000
    assert taken(there, stream) == []
    info = (there / "sparse").stat()
    assert info.st_size == 2 << 30
    assert info.st_blocks * 512 < 1 << 20
    with open(there / "sparse", "rb") as file:
        file.seek(1 << 30)
        assert file.read(13) == b"in the middle"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_many_small_files_go_quickly(here, there):
    for number in range(2000):
        (here / f"f{number}").write_text(str(number))
    begin = time.monotonic()
    assert taken(there, said(here)) == []
    assert len(os.listdir(there)) == 2000
    assert time.monotonic() - begin < 10


def test_a_stream_that_is_cut_leaves_whole_files_only(here, there):
    for name in "abc":
        (here / name).write_bytes(os.urandom(300_000))
    stream = said(here)
    for end in range(0, len(stream), 99_991):
        with pytest.raises(Broken):
            taken(there, stream[:end])
        for path in there.iterdir():
            assert path.read_bytes() == (here / path.name).read_bytes()


def test_a_stream_that_was_damaged_is_refused(here, there):
    (here / "a").write_bytes(os.urandom(1000))
    stream = bytearray(said(here))
    stream[500] ^= 1
    with pytest.raises(Broken):
        taken(there, bytes(stream))
    assert os.listdir(there) == []


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", "a//b", "a/./b", "a\0b"])
def test_no_path_leads_out_of_the_tree(there, path):
    out = io.BytesIO()
    mirror._put(out, b"O", mirror._json(Item(path, "link", target="x")))
    mirror._put(out, b"X")
    with pytest.raises(Broken, match="no path inside a tree"):
        taken(there, out.getvalue())
    assert os.listdir(there.parent) == ["there"]


def test_nothing_is_written_through_a_link(here, there, tmp_path):
    (here / "out").mkdir()
    (here / "out/file").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (there / "out").symlink_to(tmp_path / "elsewhere")
    assert taken(there, said(here, ["out/file"])) == [("out/file", "Not a directory")]
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_directory_that_was_not_taken_is_not_touched_through_a_link(there, tmp_path):
    """A machine may say anything: a link out of the tree, then a directory below it with another mode."""
    private = tmp_path / "elsewhere/.ssh"
    private.mkdir(parents=True, mode=0o700)
    out = io.BytesIO()
    for item in (Item("x", "link", target=str(private.parent)), Item("x/.ssh", "dir", mode=0o077)):
        mirror._put(out, b"O", mirror._json(item))
    mirror._put(out, b"X")
    assert taken(there, out.getvalue()) == [("x/.ssh", "Not a directory")]
    assert private.stat().st_mode & 0o777 == 0o700


def test_nobody_else_s_rights_arrive(here, there):
    (here / "tool").write_text("#!/bin/sh\n")
    out = io.BytesIO()
    whole = mirror.look(str(here), "tool")
    mirror._put(out, b"F", mirror._json(replace(whole, mode=0o6755)))
    mirror._put(out, b"D", struct.pack(">Q", 0), b"#!/bin/sh\n")
    mirror._put(out, b"E", struct.pack(">I", zlib.crc32(b"#!/bin/sh\n")))
    mirror._put(out, b"X")
    assert taken(there, out.getvalue()) == []
    assert stat.S_IMODE((there / "tool").stat().st_mode) == 0o755


FILE = (b"F", json.dumps(asdict(Item("a", "file", mode=0o644, size=1))).encode())


@pytest.mark.parametrize(
    "records",
    [
        [(b"O", b"[]")],
        [(b"O", b"{")],
        [(b"O", b'{"path": 1, "kind": "dir"}')],
        [(b"O", b'{"path": "a", "kind": "device"}')],
        [(b"O", b'{"path": "a", "kind": "dir", "mode": "rwx"}')],
        [(b"F", json.dumps(asdict(Item("a", "file", size=1 << 70))).encode())],
        [(b"F", json.dumps(asdict(Item("a", "file", mtime_ns=1 << 90))).encode())],
        [(b"S", b'["a"]')],
        [FILE, (b"D", b"short")],
        [FILE, (b"Z", bytes(8) + b"no deflated bytes")],
        [
            (b"F", json.dumps(asdict(Item("a", "file", mode=0o644, size=mirror.CHUNK + 1))).encode()),
            (b"Z", bytes(8) + zlib.compress(bytes(mirror.CHUNK + 1))),
            (b"E", struct.pack(">I", zlib.crc32(bytes(mirror.CHUNK + 1)))),
        ],
        [FILE, (b"E", b"")],
    ],
)
def test_what_makes_no_sense_is_broken_and_leaves_nothing(there, records):
    out = io.BytesIO()
    for kind, body in (*records, (b"X", b"")):
        mirror._put(out, kind, body)
    with pytest.raises(Broken):
        taken(there, out.getvalue())
    assert os.listdir(there) == []


def test_a_place_beyond_every_file_fails_that_file_alone(there):
    out = io.BytesIO()
    for kind, *body in (
        FILE,
        (b"D", struct.pack(">Q", (1 << 64) - 1), b"x"),
        (b"E", struct.pack(">I", zlib.crc32(b"x"))),
        (b"X",),
    ):
        mirror._put(out, kind, *body)
    assert [path for path, _ in taken(there, out.getvalue())] == ["a"]


def test_a_full_disk_fails_single_files_and_the_rest_arrives(here, there):
    (here / "big").write_bytes(os.urandom(100_000))
    (here / "small").write_text("x")
    stream = said(here)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limit[1]))
    try:
        failed = taken(there, stream)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert failed == [("big", "File too large")]
    assert os.listdir(there) == ["small"]


def test_what_was_brought_is_known_and_what_differs_since(here, there, tmp_path):
    for name in ("same", "changed", "removed"):
        (here / name).write_text(name)
    (here / "folder").mkdir()
    machine = Brought(str(there), tmp_path / "base")
    assert list(machine.changes()) == []
    assert machine.stamps() == {}
    assert machine.take(io.BytesIO(said(here))) == []
    machine = Brought(str(there), tmp_path / "base")
    assert {path: list(stamp) for path, stamp in tree(here).items()} == machine.stamps()
    assert list(machine.changes()) == []
    (there / "changed").write_text("changed".upper())
    os.utime(there / "changed", ns=((here / "changed").stat().st_mtime_ns,) * 2)
    (there / "removed").unlink()
    (there / "new").write_text("new")
    changes = {item.path: (item, stamp) for item, stamp in machine.changes()}
    assert changes.keys() == {"changed", "new"}
    assert changes["changed"][1] == machine.base["changed"][0]
    assert changes["new"][1] is None
    assert "removed" not in machine.stamps()
    machine.settle(changes)
    assert list(Brought(str(there), tmp_path / "base").changes()) == []


def test_requests_over_a_process_s_own_streams(here, there, tmp_path):
    def ask(*words, then=b""):
        out = io.BytesIO()
        asked = b"".join(json.dumps(word).encode() + b"\n" for word in words) + then
        brought.serve(str(there), tmp_path / "base", io.BytesIO(asked), out)
        return out.getvalue()

    (here / "a").write_text("a")
    assert ask(["stamps"]) == b"{}\n"
    assert ask(["take"], then=said(here)) == b"[]\n"
    (there / "b").write_text("b")
    line, end = ask(["changes"]).splitlines()
    item, stamp = json.loads(line)
    assert (item["path"], stamp, end) == ("b", None, b"null")
    assert taken(here, ask(["give", ["b", "gone"]])) == []
    assert (here / "b").read_text() == "b"
    assert ask(["changes"], ["settle", ["b", "c"]]).splitlines()[1:] == [b"null", b"null"]
    assert ask(["changes"]) == b"null\n"
    for nonsense in ["nonsense"], ["give"], {}, [["take"]]:
        with pytest.raises(Broken):
            ask(nonsense)


def test_a_memory_that_finds_no_room_is_named_and_what_arrived_has_arrived(here, there, tmp_path, monkeypatch):
    machine = Brought(str(there), tmp_path / "base")

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    (here / "a").write_text("a")
    monkeypatch.setattr(brought, "write_private", full)
    assert machine.take(io.BytesIO(said(here))) == [("", "No space left on device")]
    assert (there / "a").read_text() == "a"
    assert machine.settle([]) == "No space left on device"
