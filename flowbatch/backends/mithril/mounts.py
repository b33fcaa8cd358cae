"""Volumes and S3 buckets where the job wants them: the shell text that root runs on the machine. Pure."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from flowbatch.backends.mithril.workspace import NotBrought

REFUSED = 76
"""The exit code of a machine that cannot mount what was asked for."""

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL")

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?|vol_\w+")
_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]+)(?:/(.*))?")
FORMS = "a mount is s3://BUCKET/PREFIX:/WHERE or volume://NAME:/WHERE, a volume NAME or NAME:/WHERE"

SYSTEM = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/snap", "/sys", "/usr", "/var",
)  # fmt: skip
"""The machine's own directories, the guard's among them: nothing is mounted there or below."""
SHARED = ("/", "/home", "/media", "/mnt", "/opt", "/srv", "/tmp")
"""Directories of which only what is below is free."""

PLACE = """[ "$(readlink -m {where})" = {where} ] || {{ echo {where}' leads elsewhere on this machine: nothing is mounted there' >&2; exit {refused}; }}
"""
VOLUME = """[ -d /mnt/{name} ] || {{ echo 'volume {name} is not at /mnt/{name} on this machine (a block volume is not mounted by it)' >&2; exit {refused}; }}
mkdir -p {where}
mountpoint -q {where} || mount --bind /mnt/{name} {where}
"""
BUCKET = """mkdir -p {where}
if ! mountpoint -q {where}; then
  if command -v mount-s3 >/dev/null; then mount-s3 --allow-other --allow-delete{prefix} {bucket} {where}
  elif command -v s3fs >/dev/null; then s3fs {bucket}:/{path} {where} -o allow_other,use_path_request_style
  else echo 'this machine has neither mount-s3 nor s3fs: {bucket} cannot be mounted' >&2; exit {refused}
  fi || {{ echo 'bucket {bucket} cannot be mounted' >&2; exit {refused}; }}
fi
"""


@dataclass(frozen=True, slots=True)
class Mount:
    """`source` appears at `where`: a volume by its name, or a bucket with a prefix."""

    kind: Literal["volume", "s3"]
    source: str
    where: str
    prefix: str = ""


def mounts(volumes: Iterable[str], terms: Iterable[str]) -> tuple[Mount, ...]:
    """What the job's terms ask for. Raises NotBrought for a term that makes no sense."""
    return (*_all(volumes, _volume), *_all(terms, _mount))


def script(asked: Sequence[Mount], environment: Mapping[str, str]) -> str:
    """What root runs; the exit code is REFUSED, with words, where the machine cannot. Credentials are the job's own."""
    if not asked:
        return ""
    exports = "".join(
        f"export {name}={shlex.quote(environment[name])}\n" for name in CREDENTIALS if name in environment
    )
    return exports + "".join(map(_commands, asked))


def _all(terms: Iterable[str], read: Callable[[str], Mount | None]) -> Iterator[Mount]:
    for term in terms:
        found = read(term)
        if found is None:
            raise NotBrought(f"{term} cannot be mounted", hint=FORMS)
        if not _free(found.where):
            raise NotBrought(
                f"{term} cannot be mounted: {found.where} is the machine's own",
                hint="mount below /mnt, /data, /scratch, /srv, /opt or in a directory of your home",
            )
        yield replace(found, where=os.path.normpath(found.where))


def _free(where: str) -> bool:
    """Whether a mount there takes nothing from the machine, from us or from its login, whose keys are in a home."""
    parts = where.split("/")
    place = os.path.normpath(where)
    inside = any(place == system or place.startswith(f"{system}/") for system in SYSTEM)
    return not (inside or ".." in parts or place in SHARED or os.path.dirname(place) == "/home" or "/." in place)


def _volume(term: str) -> Mount | None:
    name, _, where = term.partition(":")
    if not _NAME.fullmatch(name) or (where and not where.startswith("/")):
        return None
    return Mount("volume", name, where or f"/mnt/{name}")


def _mount(term: str) -> Mount | None:
    source, _, where = term.rpartition(":")
    if not where.startswith("/") or where.startswith("//"):
        return None
    if source.startswith("volume://"):
        return _volume(f"{source.removeprefix('volume://')}:{where}")
    bucket = _S3.fullmatch(source)
    return None if bucket is None else Mount("s3", bucket[1], where, (bucket[2] or "").strip("/"))


def _commands(one: Mount) -> str:
    where = shlex.quote(one.where)
    there = PLACE.format(where=where, refused=REFUSED)
    if one.kind == "volume":
        bound = there + VOLUME.format(name=one.source, where=where, refused=REFUSED)
        return "" if one.where == f"/mnt/{one.source}" else bound
    prefix = f" --prefix {shlex.quote(one.prefix + '/')}" if one.prefix else ""
    return there + BUCKET.format(
        bucket=one.source, where=where, prefix=prefix, path=shlex.quote(one.prefix), refused=REFUSED
    )
