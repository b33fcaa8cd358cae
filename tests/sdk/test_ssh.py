"""The words of the user's own ssh, and who is told that there is none."""

from __future__ import annotations

from typing import Any

import pytest

from flowbatch.sdk import ssh

WAY: dict[str, Any] = {
    "host": "h", "port": 2222, "login": "ubuntu", "alias": "flowbatch-a-7-1", "identity": "/k", "known_hosts": "/a b/known_hosts",
    "user": "ann", "work_dir": "/w d",
}  # fmt: skip


def test_a_command_runs_as_the_job_s_user_where_it_works() -> None:
    words = ssh.words(WAY, ["echo", "a  b", "$HOME"], terminal=False)
    assert words[:9] == ["ssh", "-F", "none", "-i", "/k", "-p", "2222", "-l", "ubuntu"]
    assert words[-3:-1] == ["--", "h"] and "-t" not in words
    assert words[-1] == (
        """sudo -n -H -u ann -- /bin/sh -c 'cd '"'"'/w d'"'"' 2>/dev/null; echo '"'"'a  b'"'"' '"'"'$HOME'"'"''"""
    )
    assert {'UserKnownHostsFile="/a b/known_hosts"', "StrictHostKeyChecking=yes", "HostKeyAlias=flowbatch-a-7-1"} <= {
        *words
    }


def test_a_shell_has_the_terminal() -> None:
    words = ssh.words(WAY | {"user": None}, [], terminal=True)
    assert words[-4:-2] == ["-t", "--"] and words[-1].startswith("/bin/sh -c ") and "-l" in words[-1]


def test_without_ssh_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ssh.NoSsh, match="no ssh on this machine"):
        ssh.go("7")
