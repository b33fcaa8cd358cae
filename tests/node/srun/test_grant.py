"""What an srun makes of a node daemon of another version."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest

from flowbatch.node.srun import grant as grant_module
from flowbatch.node.srun.grant import Grant, Refused
from flowbatch.node.srun.refusals import refusal
from flowbatch.protocol.launch import line

WITHIN_S = 10


@contextmanager
def daemon(directory, *answers: bytes, times: int = 1):
    """A node's socket that answers the first question of each of its callers so, and hangs up."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(directory / "node.sock"))
        listening.listen()
        listening.settimeout(WITHIN_S)

        def serve() -> None:
            for _ in range(times):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(10000)
                    connection.sendall(b"".join(answers))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        grant = Grant(directory, "node.sock")
        try:
            yield grant
        finally:
            thread.join(WITHIN_S)
            grant._file.close()
            grant._socket.close()


@pytest.mark.parametrize(
    "said", [{}, {"shares": [], "variables": {}}, {"shares": [{"host": "n1"}], "kill_wait_s": 30, "variables": {}}]
)
def test_an_answer_that_lacks_what_this_version_wants_is_a_refusal_in_words(tmp_path, said):
    with daemon(tmp_path, line("node", wrapper="sh"), line("job", **said)) as grant, pytest.raises(Refused) as refused:
        grant.job(1)
    words = "The node daemon here is of another version of flowbatch; run `flow controller stop`, and try again"
    assert refusal(refused.value.why, job=1) == f"srun: error: Unable to create step for job 1: {words}"


def test_an_answer_that_has_more_is_read_as_far_as_it_is_known(tmp_path):
    share = {"node": "n1", "cpus": 2, "colour": "green"}
    with daemon(tmp_path, line("job", shares=[share], variables={"A": "1"}, kill_wait_s=30, mood="good")) as grant:
        assert [(one.node, one.cpus) for one in grant.job(1).shares] == [("n1", 2)]


def test_a_daemon_that_hangs_up_on_every_question_does_not_understand_it(tmp_path, monkeypatch):
    monkeypatch.setattr(grant_module, "AGAIN_S", 0)
    with daemon(tmp_path, times=grant_module.DEAF + 1) as grant, pytest.raises(Refused) as refused:
        grant.job(1)
    assert refused.value.why == "version"
