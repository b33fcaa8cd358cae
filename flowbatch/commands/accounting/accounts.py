"""Users and groups of this machine, by name or by number."""

from __future__ import annotations

import grp
import pwd
import re

_NUMBER = re.compile(r"\s*[+-]?[0-9]+", re.ASCII)
"""A number as strtol reads it, with nothing behind it."""


def user_id(word: str) -> int | None:
    """The uid of a user's name or number, if the password file has it."""
    try:
        return pwd.getpwnam(word).pw_uid
    except (KeyError, ValueError):
        pass
    try:
        return pwd.getpwuid(int(word)).pw_uid if _NUMBER.fullmatch(word) else None
    except (KeyError, OverflowError):
        return None


def group_id(word: str) -> int | None:
    """The gid of a group's name or number, if the group file has it."""
    try:
        return grp.getgrnam(word).gr_gid
    except (KeyError, ValueError):
        pass
    try:
        return grp.getgrgid(int(word)).gr_gid if word.isascii() and word.isdigit() else None
    except (KeyError, OverflowError):
        return None
