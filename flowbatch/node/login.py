"""The environment of a user's login shell, for `--get-user-env` and `--export=NONE`."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess

WITHIN_S = 120
"""As long as slurmd waits for it."""

UNABLE = "slurmstepd: error: Unable to get user's local environment, running only with passed environment\n"

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MARK = b"=== flowbatch: the environment follows ===\0"
"""What a profile prints stands before it."""


def login_environment(uid: int, within_s: float = WITHIN_S) -> dict[bytes, bytes] | None:
    """What a fresh login shell of the user exports, or None if it does not say in time."""
    user = pwd.getpwuid(uid)
    start = {
        "HOME": user.pw_dir,
        "SHELL": user.pw_shell,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "PATH": _SYSTEM_PATH,
    }
    show = f"printf '{_MARK[:-1].decode()}\\000'; exec /usr/bin/env -0"
    shell = user.pw_shell or "/bin/sh"
    try:
        with subprocess.Popen(
            [f"-{os.path.basename(shell)}", "-c", show], executable=shell, env=start,
            cwd=user.pw_dir if os.path.isdir(user.pw_dir) else "/", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            try:
                said, _ = process.communicate(timeout=within_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return None
    except OSError:
        return None
    words = said.partition(_MARK)[2].split(b"\0")[:-1]
    return dict(word.split(b"=", 1) for word in words if b"=" in word) or None
