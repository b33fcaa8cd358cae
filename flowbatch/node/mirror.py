"""A tree of files on two machines: what is there, what differs, and the stream that carries it. The same code at both ends.

The stream is records, each a letter, a length and as many bytes: `F` a file begins (its item as JSON), `D` and `Z` its data (offset,
then bytes, plain or deflated), `E` it is whole (CRC-32 of its data); `O` any other item; `S` an item that could not be read, and
why; `X` all was said. Holes are not sent. A file is written beside its place, and takes it when it is whole.
Paths are relative, text by `flowbatch.text`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Literal, get_args

from flowbatch.protocol.plain import heard, written
from flowbatch.text import decode, encode

CHUNK = 1 << 18
PAYS = 0.9
"""A file whose first chunk shrinks to less than this is sent deflated."""

MODES = 0o777
"""What of a mode travels: who runs a file with another's rights is decided where it lies."""

PARTIAL = ".flowbatch-part"
"""The end of a file's name while it is being written."""

_HEAD, _OFFSET, _CRC = struct.Struct(">cI"), struct.Struct(">Q"), struct.Struct(">I")
_LONGEST = CHUNK + 65536
_FARTHEST = 1 << 63
"""Beyond what a size or an instant in nanoseconds can be."""

Kind = Literal["file", "dir", "link"]


class Broken(Exception):
    """The stream ended early or makes no sense; what came before it is whole."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a tree. `size` and `mtime_ns` of files, `target` of links; `ctime_ns` tells any change on one machine."""

    path: str
    kind: Kind
    mode: int = 0
    size: int = 0
    mtime_ns: int = 0
    target: str = ""
    ctime_ns: int = 0

    @property
    def stamp(self) -> tuple[Any, ...]:
        """Equal for two items, on any machines, that hold the same."""
        if self.kind == "file":
            return self.kind, self.size, self.mtime_ns, self.mode
        return (self.kind, self.target) if self.kind == "link" else (self.kind,)


def item_of(said: dict[str, Any]) -> Item:
    """The item in JSON's values. Raises Broken for what is none, and for a path that leads out of its tree."""
    try:
        found = Item(**said)
        parts = found.path.split("/")
        sound = found.kind in get_args(Kind) and 0 <= found.size < _FARTHEST and abs(found.mtime_ns) < _FARTHEST
        found = replace(found, mode=found.mode & MODES)
        text = found.path + found.target
    except (TypeError, ValueError, AttributeError) as error:
        raise Broken(f"no item of a tree: {error}") from None
    if not sound or any(part in ("", ".", "..") for part in parts) or "\0" in text:
        raise Broken(f"{found.path!r} is no path inside a tree")
    return found


def look(root: str, path: str) -> Item | None:
    """The item as it is now; None if it is not there, or neither file, directory nor link."""
    whole = os.path.join(encode(root), encode(path))
    try:
        info = os.lstat(whole)
        return _item(path, info, whole)
    except OSError:
        return None


def scan(root: str, skip: Callable[[str, bool], bool] = lambda path, is_dir: False) -> Iterator[Item]:
    """All items below `root`, each directory before what is in it; nothing below what `skip(path, is a directory)` names."""
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            found = sorted(os.scandir(os.path.join(encode(root), encode(folder))), key=lambda entry: entry.name)
        except OSError:
            continue  # an unreadable directory is there, and empty
        for entry in found:
            path = decode(entry.name) if not folder else f"{folder}/{decode(entry.name)}"
            is_dir = entry.is_dir(follow_symlinks=False)
            if path.endswith(PARTIAL) or skip(path, is_dir):
                continue
            item = look(root, path)
            if item is not None:
                yield item
            if is_dir:
                folders.append(path)


def _item(path: str, info: os.stat_result, whole: bytes) -> Item | None:
    mode = info.st_mode & MODES
    if stat.S_ISREG(info.st_mode):
        return Item(path, "file", mode, info.st_size, info.st_mtime_ns, "", info.st_ctime_ns)
    if stat.S_ISDIR(info.st_mode):
        return Item(path, "dir", mode, ctime_ns=info.st_ctime_ns)
    if stat.S_ISLNK(info.st_mode):
        return Item(path, "link", target=decode(os.readlink(whole)), ctime_ns=info.st_ctime_ns)
    return None


def send(root: str, paths: Iterable[str], out: BinaryIO) -> None:
    """Says these items as they are now; those that are gone are left out."""
    for path in paths:
        item = look(root, path)
        if item is None:
            continue
        if item.kind == "file":
            _send_file(root, item, out)
        else:
            _put(out, b"O", _json(item))
    _put(out, b"X", b"")
    out.flush()


def _send_file(root: str, item: Item, out: BinaryIO) -> None:
    try:
        fd = os.open(os.path.join(encode(root), encode(item.path)), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        _put(out, b"S", json.dumps([item.path, os.strerror(error.errno or 0)]).encode())
        return
    with open(fd, "rb", buffering=0):
        now = _item(item.path, os.fstat(fd), b"")
        if now is None or now.kind != "file":
            return
        _put(out, b"F", _json(now))
        crc, deflate = 0, None
        for offset, data in _data(fd, now.size):
            crc = zlib.crc32(data, crc)
            packed = zlib.compress(data, 1) if deflate in (None, True) else data
            if deflate is None:
                deflate = len(packed) < PAYS * len(data)
            if deflate and len(packed) < len(data):
                _put(out, b"Z", _OFFSET.pack(offset), packed)
            else:
                _put(out, b"D", _OFFSET.pack(offset), data)
        _put(out, b"E", _CRC.pack(crc))


def _data(fd: int, size: int) -> Iterator[tuple[int, bytes]]:
    """The file's data without its holes, as (offset, bytes); a file that shrinks meanwhile is read as far as it goes."""
    at = 0
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
            end = min(size, os.lseek(fd, at, os.SEEK_HOLE))
        except OSError:
            return  # nothing but a hole is left
        while at < end:
            data = os.pread(fd, min(CHUNK, end - at), at)
            if not data:
                return
            yield at, data
            at += len(data)


Arrive = Callable[[Item, "bytes | None"], None]
"""Puts an item in its place; for a file, the bytes are the path of its data. Raises OSError, then the item has failed."""

Spare = Callable[[int, int], None]
"""Asked before so many bytes are written to an open file; OSError where they may not be: then the item has failed."""

Failed = list[tuple[str, str]]


def receive(root: str, source: BinaryIO, arrive: Arrive, spare: Spare = lambda file, more: None) -> Failed:
    """Takes what `send` says; which items failed, and why. Raises Broken: then what arrived before has arrived."""
    failed: Failed = []
    directories: list[Item] = []
    while True:
        kind, body = _get(source)
        if kind == b"X":
            for item in reversed(directories):
                _seal(root, item)
            return failed
        if kind == b"S":
            failed.append(_unread(body))
        elif kind == b"F":
            _receive_file(root, item_of(_said(body)), source, arrive, spare, failed)
        elif kind == b"O":
            item, before = item_of(_said(body)), len(failed)
            _try(item, lambda item=item: arrive(item, None), failed)  # type: ignore[misc]  # bound now, on purpose
            if len(failed) == before and item.kind == "dir" and item.mode & stat.S_IRWXU != stat.S_IRWXU:
                directories.append(item)
        else:
            raise Broken(f"unknown record {kind!r}")


def _seal(root: str, item: Item) -> None:
    """A directory that its owner may not write is so again, now that all is in it."""
    with contextlib.suppress(OSError):
        make_room(root, item.path)  # nothing above it has become a link meanwhile
        if (now := look(root, item.path)) is not None and now.kind == "dir":
            os.chmod(os.path.join(encode(root), encode(item.path)), item.mode)


def _receive_file(root: str, item: Item, source: BinaryIO, arrive: Arrive, spare: Spare, failed: Failed) -> None:
    temporary = os.path.join(encode(root), encode(item.path)) + encode(PARTIAL)
    file = _try(item, lambda: _create(root, item, temporary), failed)
    try:
        whole = _fill(source, item, file, spare, failed)
        if whole and file is not None:
            os.fchmod(file, item.mode)
            os.utime(file, ns=(item.mtime_ns, item.mtime_ns))
            _try(item, lambda: arrive(item, temporary), failed)
    finally:
        if file is not None:
            os.close(file)
            _unlink(temporary)


def _create(root: str, item: Item, temporary: bytes) -> int:
    make_room(root, item.path)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        return os.open(temporary, flags, 0o600)
    except FileExistsError:
        os.unlink(temporary)
        return os.open(temporary, flags, 0o600)


def _fill(source: BinaryIO, item: Item, file: int | None, spare: Spare, failed: Failed) -> bool:
    """Reads one file's data to its end, into `file` as long as that works; whether all of it is there."""
    crc, sound = 0, file is not None
    while True:
        kind, body = _get(source)
        if kind == b"E":
            if body != _CRC.pack(crc):
                raise Broken(f"{item.path}: damaged on its way")
            if sound and file is not None:
                sound = _try(item, lambda: _cut(file, item.size), failed) is not None
            return sound
        if kind not in (b"D", b"Z"):
            raise Broken(f"unknown record {kind!r} inside a file")
        if len(body) < _OFFSET.size:
            raise Broken("a piece of a file without its place")
        (offset,), data = _OFFSET.unpack_from(body), body[_OFFSET.size :]
        data = _inflated(data) if kind == b"Z" else data
        crc = zlib.crc32(data, crc)
        if sound and file is not None:
            sound = _try(item, lambda d=data, o=offset: _write(file, d, o, spare), failed) is not None  # type: ignore[misc]  # bound now


def _inflated(data: bytes) -> bytes:
    """A piece as it was before it was deflated. Raises Broken, also for one that would be longer than any we send."""
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(data, CHUNK)
    except zlib.error as error:
        raise Broken(f"a damaged piece: {error}") from None
    if not inflate.eof:
        raise Broken("a piece that is longer than it may be")
    return plain


def _said(body: bytes) -> Any:
    try:
        return heard(body)
    except ValueError:
        raise Broken("a record that makes no sense") from None


def _unread(body: bytes) -> tuple[str, str]:
    match _said(body):
        case [str(path), str(why)]:
            return path, why
    raise Broken("a record that makes no sense")


def _write(file: int, data: bytes, offset: int, spare: Spare) -> bool:
    spare(file, len(data))
    done = 0
    while done < len(data):
        done += os.pwrite(file, data[done:], offset + done)
    return True


def _cut(file: int, size: int) -> bool:
    os.ftruncate(file, size)
    return True


def _try(item: Item, action: Callable[[], Any], failed: Failed) -> Any:
    try:
        return action()
    except (OSError, OverflowError) as error:
        failed.append((item.path, getattr(error, "strerror", None) or os.strerror(errno.EFBIG)))
        return None


def make_room(root: str, path: str) -> None:
    """The directories above `path` are there, and are real directories. Raises OSError."""
    whole = encode(root)
    for part in path.split("/")[:-1]:
        whole = os.path.join(whole, encode(part))
        try:
            info = os.lstat(whole)
        except FileNotFoundError:
            os.mkdir(whole, 0o755)
            continue
        if not stat.S_ISDIR(info.st_mode):
            raise NotADirectoryError(20, "Not a directory", decode(whole))


def put(root: str, item: Item, data: bytes | None) -> None:
    """The item is in its place, whatever was there before. Raises OSError; a directory with something in it is not replaced."""
    make_room(root, item.path)
    place = os.path.join(encode(root), encode(item.path))
    if data is not None:
        os.replace(data, place)
    elif item.kind == "link":
        temporary = place + encode(PARTIAL)
        _unlink(temporary)
        os.symlink(encode(item.target), temporary)
        os.replace(temporary, place)
    else:
        if not os.path.isdir(place) or os.path.islink(place):
            _unlink(place)
            os.mkdir(place)
        os.chmod(place, item.mode | stat.S_IRWXU)


def _unlink(path: bytes) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _json(item: Item) -> bytes:
    return written(item).encode()


def _put(out: BinaryIO, kind: bytes, *body: bytes) -> None:
    out.write(_HEAD.pack(kind, sum(map(len, body))))
    for part in body:
        out.write(part)


def _get(source: BinaryIO) -> tuple[bytes, bytes]:
    kind, length = _HEAD.unpack(_exactly(source, _HEAD.size))
    if length > _LONGEST:
        raise Broken(f"a record of {length} bytes")
    return kind, _exactly(source, length)


def _exactly(source: BinaryIO, length: int) -> bytes:
    data = source.read(length)
    if len(data) < length:
        raise Broken("the stream ended early")
    return data
