#!/usr/bin/python3 -IS
"""The SFTP server of an instance, version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's renames and links: for scp, sftp and libraries.

It runs in the instance as the user who logged in: paths, links and permissions are what that user finds there.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
import time
from collections.abc import Callable
from typing import BinaryIO

VERSION = 3
LONGEST = 1 << 18
"""OpenSSH's own bound for one packet."""

INIT, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT = 1, 3, 4, 5, 6, 7, 8, 9, 10
OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT = 11, 12, 13, 14, 15, 16, 17
RENAME, READLINK, SYMLINK, EXTENDED = 18, 19, 20, 200
IS_VERSION, IS_STATUS, IS_HANDLE, IS_DATA, IS_NAME, IS_ATTRS, IS_EXTENDED = 2, 101, 102, 103, 104, 105, 201
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
STATUSES = {errno.ENOENT: NO_SUCH_FILE, errno.EACCES: PERMISSION_DENIED, errno.EPERM: PERMISSION_DENIED}
HAS_SIZE, HAS_OWNER, HAS_MODE, HAS_TIMES, HAS_MORE = 1, 2, 4, 8, 0x80000000
TO_READ, TO_WRITE, TO_APPEND, TO_CREATE, TO_TRUNCATE, TO_BE_NEW = 1, 2, 4, 8, 16, 32
OPEN_FLAGS = {TO_APPEND: os.O_APPEND, TO_CREATE: os.O_CREAT, TO_TRUNCATE: os.O_TRUNC, TO_BE_NEW: os.O_EXCL}
EXTENSIONS = (
    (b"posix-rename@openssh.com", b"1"),
    (b"statvfs@openssh.com", b"2"),
    (b"hardlink@openssh.com", b"1"),
    (b"fsync@openssh.com", b"1"),
    (b"lsetstat@openssh.com", b"1"),
)
NAMES_AT_ONCE = 100

Attributes = dict[str, tuple[int, ...]]


class Packet:
    """What came, read from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        return self._unpack(">I")

    def long(self) -> int:
        return self._unpack(">Q")

    def text(self) -> bytes:
        length = self.number()
        if length > len(self._data) - self._at:
            raise struct.error("a string longer than its packet")
        self._at += length
        return self._data[self._at - length : self._at]

    def path(self) -> bytes:
        return self.text() or b"."

    def attributes(self) -> Attributes:
        flags = self.number()
        said: Attributes = {}
        if flags & HAS_SIZE:
            said["size"] = (self.long(),)
        if flags & HAS_OWNER:
            said["owner"] = (self.number(), self.number())
        if flags & HAS_MODE:
            said["mode"] = (self.number(),)
        if flags & HAS_TIMES:
            said["times"] = (self.number(), self.number())
        for _ in range(self.number() if flags & HAS_MORE else 0):
            self.text(), self.text()
        return said

    def _unpack(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)


def text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def attributes(found: os.stat_result) -> bytes:
    flags = HAS_SIZE | HAS_OWNER | HAS_MODE | HAS_TIMES
    times = (int(found.st_atime) & 0xFFFFFFFF, int(found.st_mtime) & 0xFFFFFFFF)
    return struct.pack(">IQIIIII", flags, found.st_size, found.st_uid, found.st_gid, found.st_mode, *times)


def long_name(name: bytes, found: os.stat_result) -> bytes:
    """A line as `ls -l` has it: people read it, programs are told not to."""
    when = time.strftime("%b %d %H:%M", time.localtime(found.st_mtime))
    line = f"{stat.filemode(found.st_mode)} {found.st_nlink:4} {found.st_uid:<8} {found.st_gid:<8} {found.st_size:8} {when} "
    return line.encode() + name


def change(target: bytes | int, said: Attributes, follow: bool = True) -> None:
    """A path or an open file has these attributes."""
    links = {} if isinstance(target, int) else {"follow_symlinks": follow}
    if "size" in said:
        os.truncate(target, *said["size"])
    if "mode" in said and follow:
        os.chmod(target, stat.S_IMODE(said["mode"][0]))
    if "times" in said:
        os.utime(target, said["times"][:2], **links)  # type: ignore[arg-type]  # two numbers
    if "owner" in said:
        os.chown(target, *said["owner"][:2], **links)


class Server:
    """One client's files. A handle is a number, written out."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._numbers = 0
        self._files: dict[bytes, int] = {}
        self._listings: dict[bytes, tuple[bytes, list[bytes]]] = {}
        self._answers: dict[int, Callable[[Packet], tuple[int, bytes]]] = {
            OPEN: self._open, CLOSE: self._close, READ: self._read, WRITE: self._write, LSTAT: self._lstat, FSTAT: self._fstat,
            SETSTAT: self._setstat, FSETSTAT: self._fsetstat, OPENDIR: self._opendir, READDIR: self._readdir,
            REMOVE: self._remove, MKDIR: self._mkdir, RMDIR: self._rmdir, REALPATH: self._realpath, STAT: self._stat,
            RENAME: self._rename, READLINK: self._readlink, SYMLINK: self._symlink, EXTENDED: self._extended,
        }  # fmt: skip

    def serve(self) -> None:
        """Until the client has nothing more to ask."""
        while data := self._packet():
            kind, packet = data[0], Packet(data[1:])
            if kind == INIT:
                self._say(IS_VERSION, struct.pack(">I", VERSION) + b"".join(text(n) + text(v) for n, v in EXTENSIONS))
                continue
            number = packet.number()
            answer, body = self._answer(kind, packet)
            self._say(answer, struct.pack(">I", number) + body)

    def _answer(self, kind: int, packet: Packet) -> tuple[int, bytes]:
        if kind not in self._answers:
            return status(UNSUPPORTED, "not known here")
        try:
            return self._answers[kind](packet)
        except OSError as error:
            return status(STATUSES.get(error.errno or 0, FAILURE), error.strerror or "failure")
        except KeyError:
            return status(FAILURE, "no such handle")
        except (struct.error, ValueError) as error:
            return status(BAD_MESSAGE, str(error))

    def _packet(self) -> bytes:
        """The next one; nothing at the end."""
        head = self._source.read(4)
        if len(head) < 4:
            return b""
        (length,) = struct.unpack(">I", head)
        if not 0 < length <= LONGEST:
            sys.exit(f"sftp: a packet of {length} bytes")
        data = self._source.read(length)
        return data if len(data) == length else b""

    def _say(self, kind: int, body: bytes) -> None:
        self._sink.write(struct.pack(">IB", len(body) + 1, kind) + body)
        self._sink.flush()

    def _new_handle(self) -> bytes:
        self._numbers += 1
        return str(self._numbers).encode()

    def _open(self, packet: Packet) -> tuple[int, bytes]:
        path, wanted, said = packet.path(), packet.number(), packet.attributes()
        both = wanted & (TO_READ | TO_WRITE)
        how = os.O_RDWR if both == TO_READ | TO_WRITE else os.O_WRONLY if both == TO_WRITE else os.O_RDONLY
        for flag, meaning in OPEN_FLAGS.items():
            how |= meaning if wanted & flag else 0
        handle = self._new_handle()
        self._files[handle] = os.open(path, how | os.O_CLOEXEC, stat.S_IMODE(said.get("mode", (0o666,))[0]))
        return IS_HANDLE, text(handle)

    def _close(self, packet: Packet) -> tuple[int, bytes]:
        handle = packet.text()
        if self._listings.pop(handle, None) is None:
            os.close(self._files.pop(handle))
        return status(OK)

    def _read(self, packet: Packet) -> tuple[int, bytes]:
        file, offset, length = self._files[packet.text()], packet.long(), packet.number()
        data = os.pread(file, min(length, LONGEST - 1024), offset)
        return (IS_DATA, text(data)) if data else status(EOF, "end of file")

    def _write(self, packet: Packet) -> tuple[int, bytes]:
        file, offset, data = self._files[packet.text()], packet.long(), packet.text()
        while data:
            done = os.pwrite(file, data, offset)
            data, offset = data[done:], offset + done
        return status(OK)

    def _lstat(self, packet: Packet) -> tuple[int, bytes]:
        return IS_ATTRS, attributes(os.lstat(packet.path()))

    def _stat(self, packet: Packet) -> tuple[int, bytes]:
        return IS_ATTRS, attributes(os.stat(packet.path()))

    def _fstat(self, packet: Packet) -> tuple[int, bytes]:
        return IS_ATTRS, attributes(os.fstat(self._files[packet.text()]))

    def _setstat(self, packet: Packet) -> tuple[int, bytes]:
        change(packet.path(), packet.attributes())
        return status(OK)

    def _fsetstat(self, packet: Packet) -> tuple[int, bytes]:
        change(self._files[packet.text()], packet.attributes())
        return status(OK)

    def _opendir(self, packet: Packet) -> tuple[int, bytes]:
        path, handle = packet.path(), self._new_handle()
        self._listings[handle] = (path, [b".", b"..", *sorted(os.listdir(path))])
        return IS_HANDLE, text(handle)

    def _readdir(self, packet: Packet) -> tuple[int, bytes]:
        directory, names = self._listings[packet.text()]
        found: list[bytes] = []
        while names and len(found) < NAMES_AT_ONCE:
            name = names.pop(0)
            try:
                entry = os.lstat(os.path.join(directory, name))
            except FileNotFoundError:
                continue  # gone since it was listed
            found.append(text(name) + text(long_name(name, entry)) + attributes(entry))
        if not found:
            return status(EOF, "end of directory")
        return IS_NAME, struct.pack(">I", len(found)) + b"".join(found)

    def _remove(self, packet: Packet) -> tuple[int, bytes]:
        os.unlink(packet.path())
        return status(OK)

    def _mkdir(self, packet: Packet) -> tuple[int, bytes]:
        path, said = packet.path(), packet.attributes()
        os.mkdir(path, stat.S_IMODE(said.get("mode", (0o777,))[0]))
        return status(OK)

    def _rmdir(self, packet: Packet) -> tuple[int, bytes]:
        os.rmdir(packet.path())
        return status(OK)

    def _realpath(self, packet: Packet) -> tuple[int, bytes]:
        return one_name(os.path.realpath(packet.path()))

    def _readlink(self, packet: Packet) -> tuple[int, bytes]:
        return one_name(os.readlink(packet.path()))

    def _rename(self, packet: Packet) -> tuple[int, bytes]:
        """Never over what is there: version 3 has it so."""
        source, target = packet.path(), packet.path()
        if os.path.lexists(target):
            return status(FAILURE, "File exists")
        os.rename(source, target)
        return status(OK)

    def _symlink(self, packet: Packet) -> tuple[int, bytes]:
        """OpenSSH's order, which everybody follows: what it points to, then the link."""
        target, link = packet.path(), packet.path()
        os.symlink(target, link)
        return status(OK)

    def _extended(self, packet: Packet) -> tuple[int, bytes]:
        match packet.text():
            case b"posix-rename@openssh.com":
                os.replace(packet.path(), packet.path())
            case b"hardlink@openssh.com":
                os.link(packet.path(), packet.path())
            case b"fsync@openssh.com":
                os.fsync(self._files[packet.text()])
            case b"lsetstat@openssh.com":
                change(packet.path(), packet.attributes(), follow=False)
            case b"statvfs@openssh.com":
                return IS_EXTENDED, file_system(packet.path())
            case _:
                return status(UNSUPPORTED, "not known here")
        return status(OK)


def status(code: int, why: str = "") -> tuple[int, bytes]:
    return IS_STATUS, struct.pack(">I", code) + text(why.encode()) + text(b"en")


def one_name(name: bytes) -> tuple[int, bytes]:
    return IS_NAME, struct.pack(">I", 1) + text(name) + text(name) + struct.pack(">I", 0)


def file_system(path: bytes) -> bytes:
    """As OpenSSH lays it out (PROTOCOL, 4.4)."""
    f = os.statvfs(path)
    return struct.pack(
        ">11Q", f.f_bsize, f.f_frsize, f.f_blocks, f.f_bfree, f.f_bavail, f.f_files, f.f_ffree, f.f_favail, f.f_fsid, f.f_flag & 3,
        f.f_namemax,
    )  # fmt: skip


if __name__ == "__main__":
    os.umask(0o022)
    Server(sys.stdin.buffer, sys.stdout.buffer).serve()
