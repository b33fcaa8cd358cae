"""The users of an instance: the host's system accounts, root, and `ubuntu` as on the rented machines."""

from __future__ import annotations

import grp
import pwd

PEOPLE = range(1000, 60000)
"""Users of the host, who do not exist in an instance (`UID_MIN` to `UID_MAX` of login.defs)."""

HOMES = {"root": "/root", "ubuntu": "/home/ubuntu"}


def accounts(one_uid: bool) -> dict[str, str]:
    """Files of /etc that say who exists. With one uid, `root` and `ubuntu` are two names of it."""
    uids = {"root": 0, "ubuntu": 0 if one_uid else 1000}
    others = [user for user in pwd.getpwall() if user.pw_uid not in PEOPLE and user.pw_name not in HOMES]
    groups = [group for group in grp.getgrall() if group.gr_gid not in PEOPLE and group.gr_name not in HOMES]
    return {
        "etc/passwd": _lines(
            *(f"{name}:x:{uid}:{uid}:{name}:{HOMES[name]}:/bin/bash" for name, uid in uids.items()),
            *(f"{u.pw_name}:x:{u.pw_uid}:{u.pw_gid}:{u.pw_gecos}:{u.pw_dir}:{u.pw_shell}" for u in others),
        ),
        "etc/group": _lines(
            *(f"{name}:x:{uid}:" for name, uid in uids.items()),
            *(f"{group.gr_name}:x:{group.gr_gid}:" for group in groups),
        ),
        "etc/shadow": _lines(*(f"{name}:*:19000:0:99999:7:::" for name in (*uids, *(u.pw_name for u in others)))),
    }


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
