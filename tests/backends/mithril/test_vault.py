"""An account's key in the system's keyring: a keyring of the test's own stands for it."""

from __future__ import annotations

import logging
import sys
import threading

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from flowbatch.backends.mithril import vault
from flowbatch.backends.mithril.account import Secret
from flowbatch.errors import ConfigError

KEY = Secret("fkey_right")


class Kept(KeyringBackend):
    """Keeps what it is given, for as long as the test lasts."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service, username):
        return self.held.get((service, username))

    def set_password(self, service, username, password):
        self.held[service, username] = password

    def delete_password(self, service, username):
        del self.held[service, username]


class Locked(Kept):
    def get_password(self, service, username):
        raise KeyringLocked("the collection is locked")


class Forgetful(Kept):
    def set_password(self, service, username, password): ...


@pytest.fixture
def system():
    """Puts a keyring in the system's place."""
    before = keyring.get_keyring()
    yield lambda backend: keyring.set_keyring(backend) or backend
    keyring.set_keyring(before)


def test_the_keyring_keeps_a_key_under_our_name(system, tmp_path):
    backend = system(Kept())
    assert vault.keep("mithril", KEY) == "keyring:mithril"
    assert backend.held == {("flowbatch", "mithril"): "fkey_right"}
    assert vault.read(tmp_path, "keyring:mithril") == KEY
    assert vault.read(tmp_path, "keyring:other") is None


@pytest.mark.parametrize(
    ("backend", "words"), [(Locked, "the collection is locked"), (Forgetful, "does not keep what it is given")]
)
def test_a_keyring_that_cannot_be_used_is_named(system, backend, words):
    system(backend())
    with pytest.raises(ConfigError, match=words):
        vault.keep("mithril", KEY)


def test_a_keyring_that_waits_for_somebody_is_not_waited_for(system, monkeypatch, tmp_path):
    """Nor asked again meanwhile; what it says in the end is heard."""
    answered, asked = threading.Event(), []

    class Silent(Kept):
        def get_password(self, service, username):
            asked.append(username)
            answered.wait(30)
            return "fkey_right"

    monkeypatch.setattr(vault, "WITHIN_S", 0.05)
    system(Silent())
    with pytest.raises(ConfigError, match="does not answer"):
        vault.read(tmp_path, "keyring:slow")
    monkeypatch.setattr(vault, "WITHIN_S", 30)
    with pytest.raises(ConfigError, match="does not answer"):
        vault.read(tmp_path, "keyring:slow")
    answered.set()
    vault._UNANSWERED["keyring:slow"].result(30)
    assert vault.read(tmp_path, "keyring:slow") == KEY
    assert asked == ["slow"]


def test_without_the_library_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError) as error:
        vault.read(tmp_path, "keyring:mithril")
    assert error.value.hint == "pip install 'flowbatch[keyring]'"


def test_a_file_that_others_can_read_is_named(tmp_path, caplog):
    file = tmp_path / "key"
    file.write_text("fkey_right\n")
    for mode, warned in ((0o600, 0), (0o640, 1)):
        file.chmod(mode)
        with caplog.at_level(logging.WARNING):
            assert vault.read(tmp_path, "key") == KEY
        assert len(caplog.records) == warned
    assert "fkey_right" not in caplog.text
