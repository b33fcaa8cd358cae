"""An instance's disk: a directory of the sandbox's own, kept from one boot to the next."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from flowbatch.sandbox.machines.accounts import accounts

DIRECTORIES = (
    ("etc/systemd/system", 0o755),
    ("home/ubuntu", 0o750),
    ("media", 0o755),
    ("mnt/local", 0o755),
    ("opt", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o755),
    ("tmp", 0o755),
    ("dev", 0o755),
    ("var/cache", 0o755),
    ("var/lib/foundry", 0o755),
    ("var/log/foundry", 0o755),
    ("var/mail", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
)
"""What a fresh root directory holds, beside /etc."""

LINKS = (("var/run", "/run"), ("var/lock", "/run/lock"))
PROGRAMS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Links into /usr on a system with one tree of programs, directories of their own on others."""

LAYERED = ("usr", "var/lib/dpkg")
"""Directories of the host that the instance sees with a layer of its own above, so that it may install what it likes."""

OWN_PLACES = ("usr/local/bin", "usr/local/sbin", "usr/local/lib", "usr/bin", "usr/lib")
"""Directories of a layer that stand there from the start: an instance with a single uid can write in those alone."""

HOSTS_OWN = ("etc/systemd/system", "etc/systemd/user", "etc/cron.d", "etc/ssh")
"""What of the host's /etc is the host's business."""

UBUNTU = 1000

IMPATIENT = "connect-timeout = 10\n"
"""Start-up scripts fetch things with curl before they do their work; where no network is, a silent one holds them up for minutes."""


class Disk:
    """`path` is readable by its owner alone: everything below may belong to anybody."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path / "root"
        self._seeded = path / "seeded"
        self._started = path / "started"
        self._port = path / "port"

    @property
    def layers(self) -> list[str]:
        return [n for n in (*LAYERED, *PROGRAMS) if (p := Path("/", n)).is_dir() and not p.is_symlink()]

    @property
    def port(self) -> int | None:
        """Where its SSH server answered last: it is to answer there again, clients know it by that."""
        try:
            return int(self._port.read_text())
        except (OSError, ValueError):
            return None

    @port.setter
    def port(self, port: int) -> None:
        self._port.write_text(f"{port}\n")

    @property
    def started_before(self) -> bool:
        """Its start-up script has been started once, so it never is again."""
        return self._started.exists()

    def has_started(self) -> None:
        self._started.touch()

    def prepare(self, *, one_uid: bool, script: str | None, keys: Sequence[str], tools: Callable[[Path], None]) -> None:
        """Ready to boot: seeded if it was not, its passing directories empty, its tools those of this version."""
        if not self._seeded.exists():
            self.remove()
            self.path.mkdir(mode=0o700, parents=True)
            self._seed(one_uid, script, keys)
            self._seeded.touch()
        self.empty()
        for name, mode in (("tmp", 0o1777), ("local", 0o1777)):
            (self.path / name).mkdir(exist_ok=True)
            (self.path / name).chmod(mode)
        tools(self.path / "upper/usr")

    def empty(self) -> None:
        """/mnt/local and /tmp hold nothing."""
        for name in ("tmp", "local"):
            _remove(self.path / name)

    def remove(self) -> None:
        """Nothing of it is left."""
        _remove(self.path)

    def _seed(self, one_uid: bool, script: str | None, keys: Sequence[str]) -> None:
        """Everything of a fresh disk; its modes are its own, whatever the caller's umask is."""
        for name, mode in DIRECTORIES:
            _make_open(self.root, name)
            (self.root / name).chmod(mode)
        for name, target in LINKS:
            (self.root / name).symlink_to(target)
        for name in PROGRAMS:
            if Path("/", name).is_symlink():
                (self.root / name).symlink_to(os.readlink(f"/{name}"))
        for name in self.layers:
            _make_open(self.path / "upper", name)
            _make_open(self.path / "work", name)
        for name in OWN_PLACES:
            _make_open(self.path / "upper", name)
        self.root.chmod(0o755)
        _copy_settings(self.root)
        for name, text in accounts(one_uid).items():
            (self.root / name).write_text(text)
            (self.root / name).chmod(0o600 if name == "etc/shadow" else 0o644)
        self._allow(self.root / "root", keys, None)
        self._allow(self.root / "home/ubuntu", keys, None if one_uid else UBUNTU)
        (self.root / "root/.curlrc").write_text(IMPATIENT)
        if script is not None:
            file = self.root / "var/lib/foundry/startup_script.sh"
            file.touch(0o700)
            file.write_text(script)

    def _allow(self, home: Path, keys: Sequence[str], uid: int | None) -> None:
        file = home / ".ssh/authorized_keys"
        file.parent.mkdir(mode=0o700)
        file.touch(0o600)
        file.write_text("".join(f"{key.strip()}\n" for key in keys))
        if uid is not None:
            for path in (home, file.parent, file):
                os.chown(path, uid, uid)


def _make_open(above: Path, name: str) -> None:
    """The directory is there, and everybody may pass through it from `above` on."""
    path = above
    for part in Path(name).parts:
        path = path / part
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)


def _copy_settings(root: Path) -> None:
    """The host's /etc, but for its secrets (what others may not read) and for what is its own business."""

    def left_out(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if not _to_copy(Path(directory, name))]

    shutil.copytree("/etc", root / "etc", symlinks=True, ignore=left_out, dirs_exist_ok=True)


def _to_copy(path: Path) -> bool:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return True
    readable = mode & stat.S_IROTH and (stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and mode & stat.S_IXOTH))
    return bool(readable) and str(path.relative_to("/")) not in HOSTS_OWN


def _remove(path: Path) -> None:
    """Gone with all below, also what its owner had made unreadable."""
    if not path.exists():
        return
    for directory, names, _ in os.walk(path):
        for name in names:
            below = os.path.join(directory, name)
            mode = os.lstat(below).st_mode
            if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
                os.chmod(below, 0o700)
    shutil.rmtree(path)
