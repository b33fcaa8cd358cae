"""What a machine needs before it can run anything of ours: a user without root, directories, the guard told that we came.

Pure: the shell text that root runs there, and what it answers.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from flowbatch.backends.mithril.bootstrap import HOME
from flowbatch.core.jobs import Owner
from flowbatch.node.commands import FOLDER
from flowbatch.text import decode, encode

GUARD = f"{HOME}/guard.py"
STANDING = "/run/flowbatch/node/standing"
"""As in `node/guard.py`."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NO_GUARD = 75

_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.$-]*")

PREPARE = """set -euf
export LC_ALL=C PATH={path}
[ -s {guard} ] || {{ echo 'the guard is not there yet' >&2; exit {no_guard}; }}
python3 -I {guard} came
user={login} name={name}
if [ {uid} -ne 0 ]; then
  if ! getent passwd "$name" >/dev/null; then
    if getent passwd {uid} >/dev/null; then number=; else number='-u {uid}'; fi
    useradd --create-home --shell /bin/bash $number "$name" >/dev/null 2>&1 || :
  fi
  if getent passwd "$name" >/dev/null && sudo -n -u "$name" true 2>/dev/null; then user=$name; fi
fi
{docker}install -d -m 700 -o "$user" "{home}/$user" "{home}/$user/programs"
install -d -m 755 /run/flowbatch
install -d -m 755 -o "$user" /run/flowbatch/node
entry=$(getent passwd "$user")
path=$( [ -r /etc/environment ] && . /etc/environment; printf %s "$PATH" )
printf '%s\\n' "$entry" "$path" "$(uname -n)"
"""

DOCKER = """getent group docker >/dev/null && usermod -aG docker "$user" || :
"""
"""Who may speak to docker may become root there: a job with an image could take the guard's key."""

ROOM = """set -euf
user={user}
room() {{
  path= IFS=/
  for part in $1; do
    [ -n "$part" ] || continue
    path=$path/$part
    if [ ! -d "$path" ]; then mkdir "$path"; chown "$user:" "$path"; fi
    sudo -n -u "$user" test -x "$path" || chmod o+x "$path"
  done
  unset IFS
}}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the job runs on the machine, and as whom: `user` has no root there, unless it is the machine's own `login`."""

    login: str
    user: str
    uid: int
    gid: int
    home: str
    shell: str
    path: str
    host: str

    @property
    def directory(self) -> str:
        """Everything of ours, readable by the user alone."""
        return f"{HOME}/{self.user}"

    @property
    def journal(self) -> str:
        """The node daemon's directory."""
        return f"{self.directory}/node"

    @property
    def commands(self) -> str:
        """Slurm's commands, for the PATH of its jobs."""
        return f"{self.journal}/{FOLDER}"

    def program(self, name: str) -> str:
        return f"{self.directory}/programs/{name}"

    def as_user(self, *words: str) -> str:
        """The command line, for the login's shell, that runs these words as the user."""
        whole = words if self.user == self.login else ("sudo", "-n", "-H", "-u", self.user, "--", *words)
        return shlex.join(whole)


def prepare(owner: Owner, login: str, docker: bool = False) -> str:
    """Root's part, each time a controller comes: idempotent. Its exit code is `NO_GUARD` while the start-up script still runs."""
    return PREPARE.format(
        path=SYSTEM_PATH, guard=GUARD, no_guard=NO_GUARD, login=shlex.quote(login), name=shlex.quote(owner.name),
        uid=owner.uid, home=HOME, docker=DOCKER if docker else "",
    )  # fmt: skip


def place(login: str, said: bytes) -> Place:
    """What `prepare` answered. Raises ValueError, also for names that would be more than names in a path of ours."""
    entry, path, host = said.decode(errors="replace").strip().split("\n")[-3:]
    user, _, uid, gid, _, home, shell = entry.split(":")
    for name in (user, host):
        if not _NAME.fullmatch(name) or name.startswith("."):
            raise ValueError(f"{name!r} is no name")
    return Place(login, user, int(uid), int(gid), home, shell or "/bin/sh", path, host)


def rooms(at: Place, owned: str, passed: Iterable[str], outputs: Iterable[str] = ()) -> bytes:
    """Root's part for one job: the directories are there, can be reached by the user, and `owned` belongs to it. What an earlier
    placement wrote into `outputs` is not there: it has come home."""
    text = ROOM.format(user=shlex.quote(at.user))
    for path in (owned, *passed):
        text += f"room {_quoted(path)}\n"
    text += f'sudo -n -u "$user" test -w {_quoted(owned)} || chown "$user:" {_quoted(owned)}\n'
    for path in outputs:
        text += f'sudo -n -u "$user" rm -f -- {_quoted(path)} || :\n'
    return encode(text)


def as_root(login: str, *words: str) -> str:
    return shlex.join(words if login == "root" else ("sudo", "-n", "--", *words))


def _quoted(path: str) -> str:
    return shlex.quote(decode(encode(path)))
