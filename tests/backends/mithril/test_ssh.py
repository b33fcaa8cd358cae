"""Whose machine it is, before anything is sent to it; then a command there: what it says is taken, all of it, and not without end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from flowbatch.backends.mithril import ssh
from flowbatch.backends.mithril.ssh import Connection, Destination, HostChanged, Process, SshAway, identity
from flowbatch.backends.mithril.visit import Visit
from flowbatch.core.jobs import Owner


class Channel:
    """One window for both streams: nothing comes on standard output while errors wait."""

    def __init__(self, out, err):
        self.out, self.err = out, err
        self.taken = threading.Event()

    def recv(self, length):
        assert self.taken.wait(5), "stuck: nobody takes what it says to standard error"
        data, self.out = self.out[:length], self.out[length:]
        return data

    def recv_stderr_ready(self):
        return bool(self.err)

    def recv_stderr(self, length):
        data, self.err = self.err[:length], self.err[length:]
        if not self.err:
            self.taken.set()
        return data

    def recv_exit_status(self):
        return 0

    def close(self):
        return


def test_errors_without_end_do_not_hold_up_the_answer():
    done = Process(Channel(b"answer", b"x" * 2_000_000 + b"last")).done()
    assert (done.code, done.out) == (0, b"answer")
    assert len(done.err) == ssh.LAST_WORDS
    assert done.err.endswith("last")


def test_an_answer_without_end_is_none(monkeypatch):
    monkeypatch.setattr(ssh, "LONGEST_ANSWER", 1000)
    with pytest.raises(SshAway, match="more than 1000 bytes"):
        Process(Channel(b"x" * 1001, b"")).done()


class Machine(paramiko.ServerInterface):
    """Whoever answers: it lets everybody in, and remembers what it was offered."""

    def __init__(self, key):
        self.key, self.offered = key, []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.to = Destination("127.0.0.1", self._listening.getsockname()[1])
        self._lines = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(line)
            self._lines.append(transport)
            transport.add_server_key(self.key)
            transport.start_server(server=self, event=threading.Event())

    def get_allowed_auths(self, username):
        self.offered.append("asked")
        return "publickey"

    def check_auth_publickey(self, username, key):
        self.offered.append(key.get_base64())
        return paramiko.AUTH_SUCCESSFUL

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for line in self._lines:
            line.close()


@pytest.fixture
def machine(tmp_path):
    made = []

    def one(rsa=False):
        if rsa:
            made.append(Machine(paramiko.RSAKey.generate(2048)))
            return made[-1]
        key = tmp_path / f"host{len(made)}"
        key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        made.append(Machine(paramiko.Ed25519Key(filename=str(key))))
        return made[-1]

    yield one
    for each in made:
        each.close()


@pytest.fixture
def reached(tmp_path):
    """Whether the machine lets us in."""
    ours, pin = identity(tmp_path / "keys"), tmp_path / "hostkey"

    def opened(to):
        asyncio.run(Connection.open(to, "ubuntu", ours, pin)).close()
        return True

    return opened, pin


def test_a_machine_is_known_before_it_is_offered_a_key(machine, reached):
    (open_, pin), first, other = reached, machine(), machine()
    assert open_(first.to) and open_(first.to)
    assert first.offered
    assert pin.read_text() == f"{first.key.get_name()} {first.key.get_base64()}\n"
    with pytest.raises(HostChanged, match="another host key"):
        open_(other.to)
    assert other.offered == []


def test_a_machine_whose_signatures_are_not_called_as_its_key_is_known_again(machine, reached):
    (open_, pin), first = reached, machine(rsa=True)
    assert open_(first.to) and open_(first.to)
    assert pin.read_text().startswith("ssh-rsa ")


@pytest.mark.parametrize("kept", [0, 5, 12, -1, "\0" * 80, "ssh-odd AAAA\n"])
def test_a_key_that_was_cut_short_is_no_leave_to_trust_whoever_comes(machine, reached, kept):
    (open_, pin), first = reached, machine()
    open_(first.to)
    first.offered.clear()
    whole = pin.read_text()
    pin.write_text(kept if isinstance(kept, str) else whole[:kept])
    with pytest.raises(HostChanged, match="does not hold") as caught:
        open_(first.to)
    assert str(pin) in (caught.value.hint or "")
    assert first.offered == []
    pin.unlink()
    assert open_(first.to)
    assert pin.read_text() == whole


def test_a_machine_that_is_not_known_any_more_is_told_once(machine, reached, tmp_path, caplog):
    _, pin = reached
    pin.touch()
    visit = Visit(identity(tmp_path / "keys"), Owner(1, 1, "a", "a"), "ubuntu", pin)
    to = machine().to
    visit.at(f"{to.host}:{to.port}")

    async def twice():
        for _ in range(2):
            with pytest.raises(HostChanged):
                await visit.reach()

    with caplog.at_level(logging.WARNING):
        asyncio.run(twice())
    (told,) = [record for record in caplog.records if record.name.startswith("flowbatch")]
    assert f"delete {pin}" in told.getMessage()


def test_somebody_s_own_key_is_made_once_and_private(tmp_path):
    before = os.umask(0)
    try:
        one, two = identity(tmp_path / "keys"), identity(tmp_path / "keys")
    finally:
        os.umask(before)
    assert one == two
    assert one.public.startswith("ssh-ed25519 ")
    assert one.private.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert os.listdir(tmp_path / "keys") == ["id_ed25519"]
