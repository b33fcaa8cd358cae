"""The submit directory on a rented machine, at the same path, as if both shared a file system: what goes out, what comes home.

Outward goes what `.flowignore` leaves, else what `.gitignore` leaves. Homeward comes all that differs from what was brought, but for
what `.flowignore` names: results are what git ignores. `.git` travels neither way unless `.flowignore` says `!.git/`.
Deletions do not travel. Neither side's work is ever overwritten by the other's, and no machine says what is ignored here.
"""

from __future__ import annotations

import contextlib
import filecmp
import json
import logging
import os
import pwd
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pathspec

from flowbatch.backends.mithril.reserve import spare
from flowbatch.backends.mithril.ssh import FOREIGN, LONGEST_ANSWER, Connection, Process, SshAway
from flowbatch.errors import FlowError
from flowbatch.node import mirror
from flowbatch.node.mirror import Broken, Item, item_of
from flowbatch.protocol.plain import heard
from flowbatch.text import decode, encode

OURS, GITS = ".flowignore", ".gitignore"
NEVER = (".[gG][iI][tT]",)
"""However it is written: some file systems know no case. Also the file that a work tree has in its place."""
ROOTS = frozenset(
    [
        "/",
        "/bin",
        "/boot",
        "/dev",
        "/etc",
        "/home",
        "/lib",
        "/lib64",
        "/media",
        "/mnt",
        "/opt",
        "/proc",
        "/root",
        "/run",
        "/sbin",
        "/srv",
        "/sys",
        "/tmp",
        "/usr",
        "/var",
        "/var/tmp",
    ]
)
"""Directories that are no project: they are not mirrored."""


CUT = (*FOREIGN, Broken)
"""Of a transfer: what is raised when the other side is gone, or says what makes no sense. A fault of ours is none of them: it would come again."""

log = logging.getLogger(__name__)


class NotMirrored(FlowError):
    """The submit directory cannot be taken to another machine; says why."""


class NotBrought(FlowError):
    """The machine has not all of the submit directory; says what is missing and why."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which paths travel outward, and which homeward."""

    outward: pathspec.GitIgnoreSpec
    homeward: pathspec.GitIgnoreSpec

    @classmethod
    def of(cls, root: str) -> Rules:
        """As the ignore files in the directory say now. Raises NotMirrored."""
        ours, gits = _lines(root, OURS), _lines(root, GITS)
        outward = ours if ours is not None else gits
        try:
            return cls(_spec(outward), _spec(ours))
        except ValueError as error:
            raise NotMirrored(f"{root}: {OURS if ours is not None else GITS}: {error}") from None


def _spec(lines: Sequence[str] | None) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines([*NEVER, *(lines or ())])


def _lines(root: str, name: str) -> list[str] | None:
    try:
        return Path(os.fsdecode(encode(root)), name).read_text(errors="replace").splitlines()
    except OSError:
        return None


def _named(spec: pathspec.GitIgnoreSpec, path: str, is_dir: bool) -> bool:
    return bool(spec.match_file(path + "/" if is_dir else path))


def check(root: str) -> None:
    """The directory may be mirrored. Raises NotMirrored."""
    home = _home()
    whole = os.path.normpath(root)
    if whole in ROOTS and whole != os.path.normpath(home):
        raise NotMirrored(
            f"{root} is no project directory: it is not taken to another machine",
            hint="submit from a directory of its own",
        )
    if whole == os.path.normpath(home) and _lines(root, OURS) is None:
        raise NotMirrored(
            f"{root} is your home directory: it is not taken to another machine as a whole",
            hint=f"submit from a project directory, or say in {root}/{OURS} what stays here",
        )


def _home() -> str:
    return pwd.getpwuid(os.getuid()).pw_dir


class Talk:
    """A conversation with the machine about one workspace: `node/brought.py` answers. Its methods raise what is `CUT`."""

    def __init__(self, process: Process) -> None:
        self._in, self.out = process.stdin, process.stdout
        self._left = LONGEST_ANSWER

    def ask(self, *words: Any) -> Any:
        """The answer's one line."""
        self.say(*words)
        return self.hear()

    def say(self, *words: Any) -> None:
        self._in.write(json.dumps(words).encode() + b"\n")
        self._in.flush()

    def hear(self) -> Any:
        """The next line; all lines of a conversation have one bound."""
        line = self.out.readline(self._left)
        self._left -= len(line)
        if not line.endswith(b"\n"):
            raise EOFError("the machine said too much" if not self._left else "the machine hung up")
        try:
            return heard(line)
        except ValueError as error:
            raise Broken(f"no line of this conversation: {error}") from None

    def send(self, root: str, paths: Sequence[str]) -> None:
        mirror.send(root, paths, self._in)


@dataclass(frozen=True, slots=True)
class Workspace:
    """`root` on both sides. `command` is what runs `node/brought.py` there. `apart` are paths (from `/`) that travel in another way:
    the job's output files. Its methods block: they are for threads; all raise SshAway, and CUT inside `talk`."""

    root: str
    command: str
    apart: frozenset[str]
    job: int

    @contextlib.contextmanager
    def talk(self, connection: Connection) -> Iterator[Talk]:
        """One start of the node program, for all that is asked meanwhile. What is CUT leaves it as SshAway, in the machine's words
        where it had any."""
        process = connection.start(self.command)
        try:
            yield Talk(process)
            process.no_more()
            done = process.done()
        except CUT as error:
            why = _last_words(process) or error or type(error).__name__
            raise SshAway(f"the transfer was cut: {why}") from None
        finally:
            process.kill()
        if done.code:
            raise SshAway(f"the machine cannot speak of {self.root}: {done.err or done.code}")

    def bring(self, talk: Talk) -> int:
        """The machine has all that is here; how many items went. Raises NotBrought."""
        rules = Rules.of(self.root)
        known = talk.ask("stamps")
        if not isinstance(known, dict):
            raise Broken("no stamps")
        wanted = [
            item.path
            for item in mirror.scan(self.root, lambda path, is_dir: _named(rules.outward, path, is_dir))
            if list(item.stamp) != known.get(item.path) and not self._is_apart(item.path)
        ]
        self.bring_these(talk, wanted)
        return len(wanted)

    def bring_these(self, talk: Talk, wanted: Sequence[str]) -> None:
        """The machine has these items as they are here. Raises NotBrought."""
        if not wanted:
            return
        talk.say("take")
        talk.send(self.root, wanted)
        failed = talk.hear()
        if failed:
            raise NotBrought(f"{_names(_pairs(failed))} could not be brought to the machine")

    def fetch(self, talk: Talk) -> tuple[list[str], mirror.Failed]:
        """What the job wrote is here; notes on what lies beside a file that changed here meanwhile, and what failed."""
        try:
            rules, notes = Rules.of(self.root), list[str]()
        except NotMirrored as error:  # it went out, so it is to come home: once the file makes sense again
            raise SshAway(error.message) from None
        items = {
            item.path: (item, stamp)
            for item, stamp in _changes(talk)
            if not self._is_apart(item.path) and not _below(rules.homeward, item.path, item.kind == "dir")
        }
        wanted = [path for path, (item, _) in items.items() if not self._has(item)]
        failed: mirror.Failed = []
        if wanted:
            talk.say("give", wanted)
            failed = mirror.receive(
                self.root, talk.out, lambda item, data: self._arrive(item, data, _asked(items, item), notes), spare
            )
            talk.hear()
            os.sync()
        lost = {path for path, _ in failed}
        settled = [path for path in items if path not in lost]
        if settled and (why := talk.ask("settle", settled)):
            log.warning("%s is here, and the machine does not remember it: %s", self.root, why)
        return notes, failed

    def _is_apart(self, path: str) -> bool:
        return os.path.join(self.root, path) in self.apart

    def _has(self, item: Item) -> bool:
        here = mirror.look(self.root, item.path)
        return here is not None and (here.stamp == item.stamp or here.kind == item.kind == "dir")

    def _arrive(self, item: Item, data: bytes | None, stamp: Sequence[Any] | None, notes: list[str]) -> None:
        """In its place if that is free or as it was when it left; beside it otherwise. No link leads out of the directory."""
        if item.kind == "link" and leads_out(self.root, item):
            notes.append(f"{item.path} is a link out of the work directory, to {item.target}: it was not made here")
            return
        here = mirror.look(self.root, item.path)
        taken = here is not None or os.path.lexists(os.path.join(encode(self.root), encode(item.path)))
        rules = item.path.lower() in (OURS, GITS)
        if not rules and (not taken or (here is not None and stamp is not None and list(here.stamp) == list(stamp))):
            mirror.put(self.root, item, data)
        elif here is not None and data is not None and here.kind == "file" and self._same(item, data):
            return
        else:
            beside = f"{item.path}.flowbatch-{self.job}"
            mirror.put(self.root, replace(item, path=beside), data)
            why = "says what travels, and no job changes that" if rules else "changed here while the job ran"
            notes.append(f"{item.path} {why}: the job's is {beside}")

    def _same(self, item: Item, data: bytes) -> bool:
        return filecmp.cmp(decode(data), os.path.join(self.root, item.path), shallow=False)


def _below(spec: pathspec.GitIgnoreSpec, path: str, is_dir: bool) -> bool:
    """Whether the path, or a directory above it, is named."""
    parts = path.split("/")
    return any(_named(spec, "/".join(parts[:count]), True) for count in range(1, len(parts))) or _named(
        spec, path, is_dir
    )


def _names(failed: Collection[Sequence[str]]) -> str:
    shown = [f"{path or 'the workspace'} ({why})" for path, why in list(failed)[:3]]
    return ", ".join(shown) + (f" and {len(failed) - 3} more" if len(failed) > 3 else "")


def _changes(talk: Talk) -> Iterator[tuple[Item, Any]]:
    talk.say("changes")
    while (said := talk.hear()) is not None:
        ((plain, stamp),) = _pairs([said])
        yield item_of(plain), stamp


def _pairs(said: Any) -> list[list[Any]]:
    """A list of pairs, as the machine has said it. Raises Broken."""
    if not isinstance(said, list) or not all(isinstance(one, list) and len(one) == 2 for one in said):
        raise Broken("no list of pairs")
    return said


def _asked(items: Mapping[str, tuple[Item, Any]], item: Item) -> Any:
    """The stamp of an item that comes. Raises Broken for one that was not asked for."""
    if item.path not in items:
        raise Broken(f"{item.path} was not asked for")
    return items[item.path][1]


def _last_words(process: Process) -> str:
    """What it had to say when it ended, or has to say soon."""
    with contextlib.suppress(*FOREIGN):
        process.no_more()
        return process.complaint()
    return ""


def leads_out(root: str, link: Item) -> bool:
    """Whether the link's target may lie outside `root`: `..` behind a name may follow another link, and counts as that."""
    words = [word for word in link.target.split("/") if word not in ("", ".")]
    named = [word for index, word in enumerate(words) if word != ".." or set(words[:index]) - {".."}]
    if ".." in named:
        return True
    whole = os.path.normpath(os.path.join(root, os.path.dirname(link.path), link.target))
    return whole != root and not whole.startswith(f"{root.rstrip('/')}/")
