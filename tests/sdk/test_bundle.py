"""The archive for somebody else to look at: what is in it, and what never is."""

from __future__ import annotations

import stat
import tarfile
from pathlib import Path

import keyring
import pytest

from flowbatch.errors import ControllerUnreachable
from flowbatch.paths import Paths
from flowbatch.sdk.bundle import bundle, clean
from flowbatch.sdk.controller import Controller

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ('api_key = "fkey_abc.def-1"', "api_key = [removed]"),
        ("the key fkey_abc1_X was refused", "the key [key] was refused"),
        ('{"authorization": "Bearer abc.def=="}', '{"authorization": "Bearer [token]"}'),
        ("https://me:pw@example.org/x", "https://[password]@example.org/x"),
        ("password: hunter2, user: me", "password: [removed], user: me"),
        (f"a\n{KEY}\nb", "a\n[private key]\nb"),
        (KEY[:-40], "[private key]"),
        ("the value s3cr3t-of-mine here", "the value [removed] here"),
        ("job 7 runs on n1", "job 7 runs on n1"),
    ],
)
def test_what_looks_like_a_secret_is_not_told(said: str, left: str) -> None:
    assert clean(said.encode(), {"MY_TOKEN": "s3cr3t-of-mine", "SHELL": "job 7 runs"}).decode() == left


def test_the_home_is_not_named() -> None:
    assert clean(f"{Path.home()}/x".encode(), {}) == b"~/x"


def test_a_broken_installation_still_makes_one(tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers, and that is what it says; the files are there all the same."""
    monkeypatch.setattr("flowbatch.controller.lifecycle.start", _cannot)
    (paths.config).mkdir()
    (paths.config / "flow.toml").write_text('[clusters.mithril]\napi_key = "fkey_secret"\n')
    (paths.config / "mithril.key").write_text("fkey_file\n")
    paths.log.write_text('{"said": "POST with fkey_secret"}\n')
    spool = paths.node / "spool" / "7"
    spool.mkdir(parents=True)
    (spool / "out.log").write_text("what a job wrote\n")
    to = tmp_path / "bundle.tar.gz"
    names = bundle(Controller(paths), {"PATH": "/usr/bin"}, to)
    assert {"about.json", "queue.txt", "config/flow.toml", "logs/controller.log", "state.txt"} <= set(names)
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    whole = b""
    with tarfile.open(to) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            whole += file.read()
    assert b"fkey_" not in whole and b"what a job wrote" not in whole
    assert b"not to be had: nobody is here" in whole


def test_a_key_is_known_wherever_it_is_kept(tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that looks like none."""
    monkeypatch.setattr("flowbatch.controller.lifecycle.start", _cannot)
    monkeypatch.setattr(keyring, "get_password", lambda service, name: f"{service}/{name}+odd==")
    paths.config.mkdir()
    (paths.config / "flow.toml").write_text(
        '[clusters.mithril]\napi_key_file = "keyring:mithril"\n[clusters.other]\nkind = "mithril"\napi_key_file = "other.key"\n'
    )
    (paths.config / "other.key").write_text("quite+another\n")
    paths.log.write_text("sent flowbatch/mithril+odd== and quite+another\n")
    bundle(Controller(paths), {}, tmp_path / "x.tar.gz")
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        file = archive.extractfile("flowbatch-debug/logs/controller.log")
        assert file is not None and file.read() == b"sent [removed] and [removed]\n"


def test_what_lies_there_is_not_overwritten(tmp_path: Path, paths: Paths) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(FileExistsError):
        bundle(Controller(paths), {}, tmp_path / "x")
    assert (tmp_path / "x").read_text() == "mine"


def _cannot(*_: object) -> int:
    raise ControllerUnreachable("nobody is here")
