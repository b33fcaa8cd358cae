"""The commands of an instance that the sandbox brings: they stand where the system's own would."""

from __future__ import annotations

import os
from pathlib import Path

INSIDE = Path(__file__).parent / "inside"
TOOLS = {
    "bin/sudo": "sudo.py",
    "bin/systemctl": "client.py",
    "bin/systemd-run": "client.py",
    "bin/journalctl": "client.py",
    "sbin/mount.nfs": "nfs.py",
    "sbin/mount.nfs4": "nfs.py",
    "lib/machine/sftp.py": "sftp.py",
}
"""Where below /usr, and from which file."""


def put_tools(usr: Path) -> None:
    """They are there, of this version."""
    for name, source in TOOLS.items():
        path = usr / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes((INSIDE / source).read_bytes())
        fresh.chmod(0o755)
        os.replace(fresh, path)
