"""What is to come home of one placement: kept on this computer from before it is launched until its end is told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from flowbatch.backends.mithril import containers
from flowbatch.backends.mithril.outputs import Output
from flowbatch.backends.mithril.prepare import Place
from flowbatch.node.files import stream_paths
from flowbatch.protocol.launch import Key, LaunchMessage

PREFIX = "errand-"
THEIRS = ("HOME", "USER", "LOGNAME", "SHELL", "PATH", "TMPDIR")
"""Variables that are the machine's own: what the caller exported under these names stays here."""


@dataclass(frozen=True, slots=True)
class Errand:
    """`root` is the work directory, `outputs` the files that grow, the one for closing lines and notes last."""

    key: Key
    root: str
    outputs: tuple[Output, ...]

    @property
    def memory(self) -> str:
        """The name of the file that says how much of the outputs is here."""
        return f"outputs-{self.key}.json"

    def save(self, directory: Path) -> None:
        path = directory / f"{PREFIX}{self.key}"
        new = directory / f"new-{PREFIX}{self.key}"
        with open(new, "w") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    def drop(self, directory: Path) -> None:
        """Nothing of it is kept."""
        for name in (f"{PREFIX}{self.key}", self.memory):
            (directory / name).unlink(missing_ok=True)


def errands(directory: Path) -> Iterator[Errand]:
    """All that were saved there."""
    for path in sorted(directory.glob(f"{PREFIX}*")):
        plain = json.loads(path.read_text())
        yield Errand(Key(**plain["key"]), plain["root"], tuple(Output(**one) for one in plain["outputs"]))


def source(message: LaunchMessage, place: Place) -> tuple[str, str] | None:
    """The directory and the name of the file that the script reads, where the work directory does not hold it."""
    path = stream_paths(message, place.host)[0]
    inside = os.path.commonpath((path, message.work_dir)) == os.path.normpath(message.work_dir)
    return None if inside or path.startswith("/dev/") else (os.path.dirname(path), os.path.basename(path))


def errand(message: LaunchMessage, place: Place) -> Errand:
    """What will come home of this launch."""
    _, output, error = stream_paths(message, place.host)
    paths = dict.fromkeys(path for path in (output, error) if not path.startswith("/dev/"))
    mode = 0o666 & ~message.umask
    return Errand(message.key, message.work_dir, tuple(Output(path, message.append, mode) for path in paths))


def translated(
    message: LaunchMessage, place: Place, image: str | None = None, shared: Iterable[str] = ()
) -> LaunchMessage:
    """The launch as the machine's node takes it: its user, and the variables that name that user's own things.

    With an image the script runs in a container of it, which has the work directory, the home and `shared` at their paths.
    """
    theirs = {
        "HOME": place.home, "USER": place.user, "LOGNAME": place.user, "SHELL": place.shell, "PATH": f"{place.commands}:{place.path}",
    }  # fmt: skip
    kept = (word for word in message.environment if word.partition("=")[0] not in THEIRS)
    environment = (*kept, *(f"{name}={value}" for name, value in theirs.items()))
    script = message.script if image is None else _in_container(message, place, image, shared)
    return replace(message, uid=place.uid, gid=place.gid, environment=environment, script=script)


def _in_container(message: LaunchMessage, place: Place, image: str, shared: Iterable[str]) -> str:
    text = containers.script(
        image, message.script.encode("latin-1"), name=f"flowbatch-{message.key}", uid=place.uid, gid=place.gid,
        gpus=message.gpu_ids, shared=(message.work_dir, place.home, *shared),
    )  # fmt: skip
    return text.decode("latin-1")
