"""A workspace on the machine that it was brought to: what was brought, and what differs from that now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from flowbatch.node import mirror
from flowbatch.node.files import write_private
from flowbatch.node.mirror import Broken, Item, item_of
from flowbatch.protocol.plain import plain

Stamp = list[Any]


class Brought:
    """`base` says, for each path, what both sides last had in common: its stamp, and the item as it was here.

    It is kept in a file beside the journal, so that it holds as long as the machine's disk.
    """

    def __init__(self, root: str, base: Path) -> None:
        self.root = root
        self._file = base
        self._seen: dict[str, Item] = {}
        """What `changes` said last."""
        self.base: dict[str, tuple[Stamp, Item]] = {}
        if base.exists():
            self.base = {path: (stamp, item_of(item)) for path, (stamp, item) in json.loads(base.read_bytes()).items()}

    def stamps(self) -> dict[str, Stamp]:
        """What the other side need not bring again: what was brought and is still there (directories like /tmp are emptied when
        the machine boots). From here on, what is done here counts as a change."""
        if not self._file.exists():
            self._save()
        return {path: stamp for path, (stamp, _) in self.base.items() if mirror.look(self.root, path) is not None}

    def take(self, source: BinaryIO) -> mirror.Failed:
        """What comes is in place, whatever was there; what failed (the path is empty where it is this very memory).

        Raises Broken: what came before is in place and known.
        """
        arrived: dict[str, Item] = {}
        failed: mirror.Failed = []

        def arrive(item: Item, data: bytes | None) -> None:
            mirror.put(self.root, item, data)
            arrived[item.path] = item

        try:
            failed += mirror.receive(self.root, source, arrive)
        finally:
            try:
                self._keep(arrived.values())
            except OSError as error:
                failed.append(("", os.strerror(error.errno or 0)))
        return failed

    def changes(self) -> Iterator[tuple[Item, Stamp | None]]:
        """What is not as it was brought, and the stamp that both sides had in common; nothing where nothing was ever brought."""
        if not self._file.exists():
            return
        self._seen = {}
        for item in mirror.scan(self.root):
            stamp, here = self.base.get(item.path, (None, None))
            if here is None or _differs(item, here):
                self._seen[item.path] = item
                yield item, stamp

    def settle(self, paths: Iterable[str]) -> str | None:
        """The other side has these items as `changes` said them; why that is not remembered, if it is not: then they differ still."""
        known = ((path, self._seen[path]) for path in paths if path in self._seen)
        self.base.update((path, (list(item.stamp), item)) for path, item in known)
        try:
            self._save()
        except OSError as error:
            return os.strerror(error.errno or 0)
        return None

    def _keep(self, arrived: Iterable[Item]) -> None:
        for item in arrived:
            here = mirror.look(self.root, item.path)
            if here is not None:
                self.base[item.path] = list(item.stamp), here
        self._save()

    def _save(self) -> None:
        known = {path: (stamp, plain(item)) for path, (stamp, item) in self.base.items()}
        new = self._file.with_suffix(".new")
        write_private(new, json.dumps(known, separators=(",", ":")).encode())
        new.replace(self._file)


def _differs(item: Item, here: Item) -> bool:
    if item.stamp != here.stamp:
        return True
    return item.kind != "dir" and item.ctime_ns != here.ctime_ns


def serve(root: str, base: Path, asked: BinaryIO, out: BinaryIO) -> None:
    """What the other side asks for, over this process's own streams, until it hangs up. Raises Broken where it makes no sense.

    A request is a line of JSON, a list: a word and what belongs to it; `take` is followed by a stream (`node/mirror.py`). An
    answer is a line of JSON; before that of `changes` come lines of its own, before that of `give` a stream.
    """
    brought = Brought(root, base)
    while line := asked.readline():
        out.write(json.dumps(_answer(brought, line, asked, out)).encode() + b"\n")
        out.flush()


def _answer(brought: Brought, line: bytes, asked: BinaryIO, out: BinaryIO) -> Any:
    match json.loads(line):
        case ["stamps"]:
            return brought.stamps()
        case ["take"]:
            return brought.take(asked)
        case ["changes"]:
            out.writelines(json.dumps([plain(item), stamp]).encode() + b"\n" for item, stamp in brought.changes())
            return None
        case ["give", list(paths)]:
            mirror.send(brought.root, paths, out)
            return None
        case ["settle", list(paths)]:
            return brought.settle(paths)
    raise Broken("a request that makes no sense")
