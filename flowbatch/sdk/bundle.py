"""What helps to understand a fault, in one archive: logs, configuration, the queue in numbers. No secret, and nothing of what jobs hold.

Left out altogether: scripts, outputs, environments, names and command lines of jobs, and every file that is a key. Redacted in what is
put in: tokens, keys, passwords, and the home directory's name.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import stat
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from flowbatch import __version__
from flowbatch.commands.flow.flow_results import as_json
from flowbatch.errors import FlowError
from flowbatch.sdk import kept
from flowbatch.sdk.controller import Controller
from flowbatch.sdk.doctor import findings

TAIL = 1 << 20
"""So many bytes of a log's end."""
MOST_FILES = 5000
ASKED_WITHIN_S = 30

QUESTIONS = {
    "queue.txt": ("squeue", ["-a", "-t", "all", "-r", "-o", "%i %t %r %P %D %C %m %b %M %S %e"]),
    "nodes.txt": ("sinfo", ["-N", "-l"]),
    "config.txt": ("scontrol", ["show", "config"]),
    "sdiag.txt": ("sdiag", []),
    "metrics.txt": ("flow-metrics", []),
    "markets.json": ("flow-markets", []),
}
"""What the controller is asked, and under which name its answer is kept."""

SECRETS = (
    (re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), b"[private key]"),
    (re.compile(rb"\bfkey_[A-Za-z0-9_.-]+"), b"[key]"),
    (re.compile(rb"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), rb"\1 [token]"),
    (re.compile(rb"://[^/\s:@\"']+:[^/\s@\"']+@"), b"://[password]@"),
    (
        re.compile(rb"""(?i)((?:api[_-]?key|token|secret|password|passwd|credential)s?["']?\s*[:=]\s*)("[^"\n]*"|'[^'\n]*'|[^\s,;}]+)"""),
        rb"\1[removed]",
    ),
)  # fmt: skip
"""What looks like a secret, and what stands in its place."""


def bundle(controller: Controller, environ: Mapping[str, str], to: Path) -> list[str]:
    """The archive is at `to`, readable by its owner alone; the names in it. What could not be had says why, in its place.
    Raises OSError, FileExistsError if something is there already."""
    names = []
    known = {**environ, **{f"KEY_{n}": key for n, key in enumerate(kept.secrets(controller.paths.config))}}
    with open(to, "xb", opener=_private) as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in _parts(controller, environ):
            info = tarfile.TarInfo(f"flowbatch-debug/{name}")
            redacted = clean(content, known)
            info.size, info.mtime, info.mode = len(redacted), int(time.time()), 0o600
            archive.addfile(info, io.BytesIO(redacted))
            names.append(name)
    return names


def clean(content: bytes, environ: Mapping[str, str]) -> bytes:
    """The content without what looks like a secret, or is one by the environment's own word."""
    for pattern, instead in SECRETS:
        content = pattern.sub(instead, content)
    for name, value in environ.items():
        if value and re.search(r"(?i)key|token|secret|password", name) and len(value) > 7:
            content = content.replace(value.encode(errors="surrogateescape"), b"[removed]")
    home = str(Path.home()).encode()
    return content.replace(home, b"~") if len(home) > 1 else content


def _parts(controller: Controller, environ: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    yield "about.json", json.dumps(_about(), indent=1).encode()
    yield "doctor.json", _answer(lambda: as_json(list(findings(controller, environ))).encode())
    for name, (command, words) in QUESTIONS.items():
        yield name, _asked(controller, command, words)
    yield "state.txt", b"".join(_listed(controller.paths.state))
    for file in ("flow.toml", "slurm.conf", "gres.conf"):
        path = controller.paths.config / file
        if path.exists():
            yield f"config/{file}", _read(path)
    for path in sorted(controller.paths.state.rglob("*.log*")):
        inside = path.relative_to(controller.paths.state)
        if path.is_file() and not path.is_symlink() and not {"spool", "machines", "volumes"} & set(inside.parts):
            yield f"logs/{inside}", _read(path, TAIL)


def _about() -> dict[str, object]:
    needed = {re.split(r"[^A-Za-z0-9._-]", word)[0] for word in metadata.requires("flowbatch") or ()}
    return {
        "flowbatch": __version__, "python": sys.version, "platform": platform.platform(), "at": int(time.time()),
        "libraries": {name: version for name in sorted(needed) if (version := _version(name)) is not None},
    }  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _asked(controller: Controller, command: str, words: list[str]) -> bytes:
    def ask() -> bytes:
        answer = controller.ask(command, words, again=True, timeout=ASKED_WITHIN_S)
        return answer.out + answer.err

    return _answer(ask)


def _answer(ask: Callable[[], bytes]) -> bytes:
    try:
        return ask()
    except (FlowError, OSError, TimeoutError) as error:
        return f"not to be had: {error}\n".encode()


def _listed(state: Path) -> Iterable[bytes]:
    """Mode, size, time and path of what is in the state directory."""
    for count, path in enumerate(sorted(state.rglob("*"))):
        if count == MOST_FILES:
            yield b"and more\n"
            return
        try:
            found = path.lstat()
        except OSError:
            continue
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(found.st_mtime))
        yield f"{stat.filemode(found.st_mode)} {found.st_size:>12} {when} {path.relative_to(state)}\n".encode(
            errors="surrogateescape"
        )


def _read(path: Path, most: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            if most is not None:
                file.seek(max(0, path.stat().st_size - most))
            return file.read()
    except OSError as error:
        return f"not to be had: {error}\n".encode()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
