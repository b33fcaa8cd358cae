#!/usr/bin/python3 -IS
"""`sudo` of an instance: whoever is in it may become anyone, without a password, as on the rented machines."""

from __future__ import annotations

import getopt
import os
import pwd
import sys

SETUID = "/run/machine/setpriv"
"""Makes its caller root (see view.py). Where it is missing, everybody is root already: the kernel gave one uid."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT = ("TERM", "LANG", "LC_ALL", "DISPLAY", "COLORTERM")
LONG = (
    "user=", "group=", "login", "shell", "non-interactive", "preserve-env", "set-home", "stdin", "validate",
    "reset-timestamp", "list", "prompt=", "background", "version", "chdir=",
)  # fmt: skip


def main() -> None:
    try:
        options, words = getopt.getopt(sys.argv[1:], "+u:g:isnEHSvklp:bC:VD:", LONG)
    except getopt.GetoptError as error:
        sys.exit(f"sudo: {error}")
    given = {name.lstrip("-"): value for name, value in options}
    try:
        user = _user(given.get("user") or given.get("u") or "root")
    except KeyError as error:
        sys.exit(f"sudo: unknown user {error}")
    extra = {}
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        extra[name] = value
    login, shell = given.keys() & {"i", "login"}, given.keys() & {"s", "shell"}
    if given.keys() & {"v", "validate", "k", "reset-timestamp", "l", "list"} and not words:
        return
    if not words and not login and not shell:
        sys.exit("usage: sudo [-nEHisS] [-u user] [-g group] [VAR=value] command")
    environment = dict(os.environ) if given.keys() & {"E", "preserve-env"} else {}
    environment |= {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= _identity(user) | _who_asked() | extra
    if login or shell:
        words = [user.pw_shell, *(["-l"] if login else []), *(["-c", " ".join(map(_quoted, words))] if words else [])]
    if directory := given.get("chdir") or given.get("D") or (user.pw_dir if login else None):
        words = ["env", f"--chdir={directory}", *words]  # only who it becomes may be allowed to go there
    group = given.get("group") or given.get("g") or str(user.pw_gid)
    _become(user, group, words, environment)


def _become(user: pwd.struct_passwd, group: str, words: list[str], environment: dict[str, str]) -> None:
    change = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={group}", "--init-groups", "--", *words]
    try:
        if os.path.exists(SETUID):
            os.execve(SETUID, change, environment)
        os.execvpe(words[0], words, environment)
    except OSError as error:
        sys.exit(f"sudo: {words[0]}: {error.strerror}")


def _user(name: str) -> pwd.struct_passwd:
    return pwd.getpwuid(int(name[1:])) if name.startswith("#") else pwd.getpwnam(name)


def _identity(user: pwd.struct_passwd) -> dict[str, str]:
    return {
        "HOME": user.pw_dir, "LOGNAME": user.pw_name, "USER": user.pw_name, "SHELL": user.pw_shell, "PATH": PATH,
        "MAIL": f"/var/mail/{user.pw_name}",
    }  # fmt: skip


def _who_asked() -> dict[str, str]:
    return {
        "SUDO_USER": pwd.getpwuid(os.getuid()).pw_name, "SUDO_UID": str(os.getuid()), "SUDO_GID": str(os.getgid()),
    }  # fmt: skip


def _quoted(word: str) -> str:
    """For the shell, as sudo escapes what it hands to `-i` and `-s`."""
    return "".join(c if c.isalnum() or c in "_-$" else f"\\{c}" for c in word)


if __name__ == "__main__":
    main()
