"""The instance's own root: built in fresh namespaces, then the host's is let go of."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DEVICE_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)
RUN = "/run/machine"
"""Where the first process has its socket; in memory, gone with the instance."""

SHARES = f"{RUN}/shares"
"""Volume's id -> where it is; read by `mount.nfs4` (nfs.py)."""

SETUID = f"{RUN}/setpriv"
"""A copy that makes its caller root: what the view's `sudo` uses. It exists in the view's memory alone, never on the host."""


@dataclass(frozen=True)
class View:
    """What the root is made of. The working directory is the disk: root/, local/, tmp/, upper/ and work/.

    `layers`: directories of the host under a layer of the instance's own. `volumes`: name, directory of the host.
    `one_uid`: an ordinary user started it, and the kernel gave it a single uid, which is root in here.
    """

    hostname: str
    layers: tuple[str, ...]
    volumes: tuple[tuple[str, str], ...]
    one_uid: bool


class ViewFailed(Exception):
    """The kernel did not allow a mount; says which."""


def enter(view: View) -> None:
    """This process and all that it starts see the instance's root, and nothing else of the host's files."""
    _mount("--bind", "root", "root")
    for name in view.layers:
        _layer(name, view.one_uid)
    _mount("-t", "proc", "proc", "root/proc")
    _devices()
    _system(view.one_uid)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "root/run")
    _bind("tmp", "root/tmp")
    _bind("local", "root/mnt/local")
    for name, directory in view.volumes:
        _bind(directory, f"root/mnt/{name}")
    _shares(view.volumes)
    os.chdir("root")
    _run("pivot_root", ".", ".")
    _run("umount", "--lazy", ".")
    os.chdir("/")
    _run("hostname", view.hostname)
    _runtime(view.one_uid)


def _layer(name: str, one_uid: bool) -> None:
    target = f"root/{name}"
    os.makedirs(target, exist_ok=True)
    options = f"lowerdir=/{name},upperdir=upper/{name},workdir=work/{name}" + (",userxattr" if one_uid else "")
    _mount("-t", "overlay", "-o", options, "overlay", target)


def _devices() -> None:
    """As on any machine, but for what touches the host's own devices."""
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "root/dev")
    for name in DEVICES:
        Path("root/dev", name).touch()
        _mount("--bind", f"/dev/{name}", f"root/dev/{name}")
    for name, target in DEVICE_LINKS:
        os.symlink(target, f"root/dev/{name}")
    os.mkdir("root/dev/pts")
    _mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", "root/dev/pts")
    os.mkdir("root/dev/shm")
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "root/dev/shm")


def _system(one_uid: bool) -> None:
    """/sys to be read. A user's namespace may only take it over as it is, and cannot write there anyway."""
    if one_uid:
        _mount("--rbind", "/sys", "root/sys")
    else:
        _mount("-t", "sysfs", "-o", "ro", "sysfs", "root/sys")


def _runtime(one_uid: bool) -> None:
    for name in ("/run/lock", "/run/systemd/system"):  # the last one is how programs see that systemd runs
        os.makedirs(name)
    os.chmod("/run/lock", 0o1777)
    Path(RUN, "boot_id").write_text(f"{uuid.uuid4()}\n")  # each boot of an instance is one, whatever the host does
    _mount("--bind", f"{RUN}/boot_id", "/proc/sys/kernel/random/boot_id")
    if not one_uid and (setpriv := shutil.which("setpriv")):
        shutil.copyfile(setpriv, SETUID)
        os.chmod(SETUID, 0o4755)


def _shares(volumes: tuple[tuple[str, str], ...]) -> None:
    """Volumes by their ids, as who mounts them by NFS names them."""
    os.makedirs(f"root{SHARES}")
    for name, directory in volumes:
        os.symlink(f"/mnt/{name}", f"root{SHARES}/{os.path.basename(directory)}")


def _bind(source: str, target: str) -> None:
    os.makedirs(target, exist_ok=True)
    _mount("--bind", source, target)


def _mount(*words: str) -> None:
    _run("mount", *words)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise ViewFailed(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
