"""A command on the machine: what it says is taken, all of it, and not without end."""

from __future__ import annotations

import threading

import pytest

from flowbatch.backends.mithril import ssh
from flowbatch.backends.mithril.ssh import Process, SshAway


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
