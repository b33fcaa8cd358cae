"""A workspace on the machine that it was brought to: what was brought, and what differs from that now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from flowbatch.node import mirror
from flowbatch.node.files import write_private
from flowbatch.node.mirror import Item, item_of

Stamp = list[Any]


class Brought:
    """`base` says, for each path, what both sides last had in common: its stamp, and the item as it was here.

    It is kept in a file beside the journal, so that it holds as long as the machine's disk.
    """

    def __init__(self, root: str, base: Path) -> None:
        self.root = root
        self._file = base
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
        """What comes is in place, whatever was there. Raises Broken: what came before is in place and known."""
        arrived: dict[str, Item] = {}

        def arrive(item: Item, data: bytes | None) -> None:
            mirror.put(self.root, item, data)
            arrived[item.path] = item

        try:
            return mirror.receive(self.root, source, arrive)
        finally:
            self._keep(arrived.values())

    def changes(self) -> Iterator[tuple[Item, Stamp | None]]:
        """What is not as it was brought, and the stamp that both sides had in common; nothing where nothing was ever brought."""
        if not self._file.exists():
            return
        for item in mirror.scan(self.root):
            stamp, here = self.base.get(item.path, (None, None))
            if here is None or _differs(item, here):
                yield item, stamp

    def settle(self, items: Iterable[Item]) -> None:
        """The other side has these items as they are given."""
        self.base.update((item.path, (list(item.stamp), item)) for item in items)
        self._save()

    def _keep(self, arrived: Iterable[Item]) -> None:
        for item in arrived:
            here = mirror.look(self.root, item.path)
            if here is not None:
                self.base[item.path] = list(item.stamp), here
        self._save()

    def _save(self) -> None:
        plain = {path: (stamp, asdict(item)) for path, (stamp, item) in self.base.items()}
        new = self._file.with_suffix(".new")
        write_private(new, json.dumps(plain, separators=(",", ":")).encode())
        new.replace(self._file)


def _differs(item: Item, here: Item) -> bool:
    if item.stamp != here.stamp:
        return True
    return item.kind != "dir" and item.ctime_ns != here.ctime_ns


def serve(word: str, root: str, base: Path, asked: BinaryIO, out: BinaryIO) -> int:
    """One request of the other side, over this process's own streams; its exit code."""
    brought = Brought(root, base)
    if word == "stamps":
        out.write(json.dumps(brought.stamps()).encode())
    elif word == "take":
        out.write(json.dumps(brought.take(asked)).encode())
    elif word == "changes":
        out.writelines(json.dumps([asdict(item), stamp]).encode() + b"\n" for item, stamp in brought.changes())
    elif word == "give":
        mirror.send(root, json.load(asked), out)
    elif word == "settle":
        brought.settle(item_of(plain) for plain in json.load(asked))
    else:
        return 2
    out.flush()
    return 0
