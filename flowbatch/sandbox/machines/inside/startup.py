"""What a machine does by itself: the files that its order names, the start-up script, the notice of its end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flowbatch.sandbox.machines.inside.children import Account, Children
from flowbatch.sandbox.machines.inside.sessions import system_environment

SCRIPT = Path("/var/lib/foundry/startup_script.sh")
LOG = Path("/var/log/foundry/startup_script.log")
NOTICE = Path("/opt/mithril/MITHRIL_SIGNAL.yml")


def write_system_files(files: Mapping[str, str]) -> None:
    """Each path holds its text, also where a link or a directory's absence stood in the way."""
    for path, text in files.items():
        _write(Path(path), text)


def write_notice(text: str | None) -> None:
    """The notice is there, whole; with None it is gone."""
    if text is None:
        NOTICE.unlink(missing_ok=True)
    else:
        _write(NOTICE, text)


def run_startup_script(children: Children) -> None:
    """It runs as root, in the background, both of its outputs in the log; what it leaves running stays."""
    if not SCRIPT.exists():
        return
    LOG.parent.mkdir(parents=True, exist_ok=True)
    root = Account.named("root")
    with LOG.open("ab", buffering=0) as log:

        def ended(code: int) -> None:
            if code:
                with LOG.open("a") as late:
                    late.write(f"{SCRIPT} ended with {code}\n")

        try:
            children.start(
                [str(SCRIPT)],
                root,
                system_environment() | root.environment,
                ended,
                stdout=log.fileno(),
                stderr=log.fileno(),
            )
        except OSError as error:
            log.write(f"{SCRIPT}: {error.strerror}\n".encode())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    os.replace(fresh, path)
