"""Subjects as slurmctld 22.05 writes them (recorded with a MailProg that wrote its arguments down), and their way out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from dataclasses import replace

import pytest

from flowbatch.controller import mail as module
from flowbatch.controller.mail import Mailer, subject
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner
from flowbatch.core.states import Allocation, Ending, ExitStatus, Finished, NodeShare, Pending, Running
from flowbatch.spec.array import IndexSet
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec, Mail

ON_N1 = Allocation("debug", (NodeShare("n1", 1),))
CLUSTER = ClusterSpec(name="toy", nodes=(), partitions=())
JOB = Job(
    7, JobSpec(name="x", work_dir="/", mail=Mail(types=("BEGIN", "END", "FAIL"))), 7, 7, Owner(0, 0, "root", "root"),
    Pending(), 100, 1, ("debug",), 100,
)  # fmt: skip
TASKS_TOO = replace(JOB, spec=JobSpec(name="art", work_dir="/", mail=Mail(types=("END", "ARRAY_TASKS"))))


def over(outcome, code=0, signal=0, started=100, ended=101, job=JOB, **changes):
    return replace(job, state=Finished(ended, Ending(outcome, ExitStatus(code, signal)), started, ON_N1), **changes)


def task(index, job):
    return replace(job, id=20 + index, array=ArrayTask(3, index))


RUNS = replace(JOB, state=Running(103, ON_N1, None))


@pytest.mark.parametrize(
    ("job", "kind", "expected"),
    [
        (RUNS, "BEGIN", "Slurm Job_id=7 Name=x Began, Queued time 00:00:03"),
        (over("COMPLETED"), "END", "Slurm Job_id=7 Name=x Ended, Run time 00:00:01, COMPLETED, ExitCode 0"),
        (over("FAILED", 3), "FAIL", "Slurm Job_id=7 Name=x Failed, Run time 00:00:01, FAILED, ExitCode 3"),
        (over("FAILED", 0, 9), "FAIL", "Slurm Job_id=7 Name=x Failed, Run time 00:00:01, FAILED"),
        (
            over("CANCELLED", started=None),
            "END",
            "Slurm Job_id=7 Name=x Ended, Run time 00:00:00, CANCELLED, ExitCode 0",
        ),
        (
            over("TIMEOUT", ended=184),
            "FAIL",
            "Slurm Job_id=7 Name=x Failed, Run time 00:01:24, TIMEOUT, ExitCode 0",
        ),
        (RUNS, "REQUEUE", "Slurm Job_id=7 Name=x Requeued, Run time 00:00:02"),
        (RUNS, "TIME_LIMIT_80", "Slurm Job_id=7 Name=x Reached 80% of time limit, Run time 00:00:02"),
        (
            task(2, over("COMPLETED", ended=100, job=TASKS_TOO)),
            "END",
            "Slurm Array Task Job_id=3_2 (22) Name=art Ended, Run time 00:00:00, COMPLETED, ExitCode 0",
        ),
    ],
)
def test_subjects(job, kind, expected):
    assert subject(job, kind, 105) == expected


@pytest.mark.parametrize(
    ("endings", "kind", "expected"),
    [
        ([("FAILED", 1, 0), ("FAILED", 2, 0)], "FAIL", "Failed, FAILED, ExitCode [1-2]"),
        ([("COMPLETED", 0, 0), ("COMPLETED", 0, 0)], "END", "Ended, COMPLETED, ExitCode [0-0]"),
        ([("COMPLETED", 0, 0), ("FAILED", 1, 0)], "FAIL", "Failed, Mixed, ExitCode [0-1]"),
        ([("FAILED", 0, 9), ("FAILED", 0, 9)], "END", "Ended, Mixed, MaxSignal [9]"),
    ],
)
def test_an_array_is_summed_up(endings, kind, expected):
    tasks = [task(n, over(*ending)) for n, ending in enumerate(endings)]
    assert subject(tasks[-1], kind, 105, tasks) == f"Slurm Array Summary Job_id=3_* (3) Name=x {expected}"


def test_an_array_begins():
    rest = replace(JOB, id=3, array=ArrayRest(IndexSet(6), None))
    assert subject(rest, "BEGIN", 105) == "Slurm Array Summary Job_id=3_* (3) Name=x Began"


def test_mailprog_is_called_as_slurmctld_does(tmp_path):
    program = tmp_path / "mail"
    program.write_text(f'#!/bin/sh\n{{ for a; do echo "$a"; done; env | grep ^SLURM_JOB_MAIL; }} > {tmp_path}/sent\n')
    program.chmod(0o755)
    cluster = CLUSTER.model_copy(update={"mail_prog": str(program), "mail_domain": "site.org"})
    asyncio.run(Mailer(cluster).send(over("COMPLETED"), "END", "words and words"))
    assert (tmp_path / "sent").read_text() == "-s\nwords and words\nroot@site.org\nSLURM_JOB_MAIL_TYPE=Ended\n"


@pytest.mark.parametrize("program", ["/nonexistent/mail", "/bin/false"])
def test_a_mail_that_cannot_be_sent_is_logged(program, caplog):
    cluster = CLUSTER.model_copy(update={"mail_prog": program})
    asyncio.run(Mailer(cluster).send(over("COMPLETED"), "END", "words"))
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.fields["job"] == 7


@pytest.mark.parametrize(
    ("words", "to"), [("words", "ada"), ("wo\nBcc: eve@elsewhere.org\r\n\r\nrds", "ada\nBcc: eve@elsewhere.org")]
)
def test_smtp(words, to):
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)
    heard: list[bytes] = []

    def serve():
        line, _ = listening.accept()
        with line, line.makefile("rwb") as file:
            file.write(b"220 toy\r\n"), file.flush()
            in_mail = False
            for raw in file:
                heard.append(raw)
                if in_mail:
                    if raw == b".\r\n":
                        in_mail = False
                        file.write(b"250 ok\r\n")
                elif raw.upper().startswith(b"DATA"):
                    in_mail = True
                    file.write(b"354 go\r\n")
                elif raw.upper().startswith(b"QUIT"):
                    file.write(b"221 bye\r\n"), file.flush()
                    return
                else:
                    file.write(b"250 ok\r\n")
                file.flush()

    thread = threading.Thread(target=serve)
    thread.start()
    job = over("COMPLETED", job=replace(JOB, spec=JobSpec(name="x", work_dir="/", mail=Mail(user=to))))
    asyncio.run(Mailer(CLUSTER, ("127.0.0.1", listening.getsockname()[1])).send(job, "END", words))
    thread.join(10)
    listening.close()
    assert b"Subject: " + b" ".join(words.encode().splitlines()) + b"\r\n" in heard
    assert any(line.startswith(b"To: ada") for line in heard)
    assert not any(line.startswith(b"Bcc") for line in heard)


def test_a_mail_server_without_end_holds_nobody_up(caplog, monkeypatch):
    """Neither the next mail nor a controller that stops; many mails have no more threads than few."""
    monkeypatch.setattr(module, "MAIL_WITHIN_S", 0.3)
    monkeypatch.setattr(module, "SLOT_WITHIN_S", 0.3)
    over_ = threading.Event()
    greeted = 0

    def greet(listening):
        nonlocal greeted
        listening.settimeout(0.02)
        with contextlib.ExitStack() as open_lines:
            lines = []
            while not over_.is_set():
                with contextlib.suppress(OSError):
                    lines.append(open_lines.enter_context(listening.accept()[0]))
                    greeted += 1
                for line in lines:
                    line.sendall(b"220-still here\r\n")

    async def send(mailer):
        await asyncio.gather(*(mailer.send(over("COMPLETED"), "END", "words") for _ in range(3 * module.SLOTS)))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        greeting = threading.Thread(target=greet, args=(listening,))
        greeting.start()
        late = threading.Timer(20, over_.set)
        late.start()
        began = time.monotonic()
        asyncio.run(send(Mailer(CLUSTER, ("127.0.0.1", listening.getsockname()[1]))))
        took_s = time.monotonic() - began
        over_.set()
        late.cancel()
        greeting.join()
    assert took_s < 5
    assert greeted == module.SLOTS
    assert [
        record.fields["job"] for record in caplog.records if record.levelno == logging.WARNING
    ] == 3 * module.SLOTS * [7]


def test_a_mail_without_a_thread_is_logged(caplog, monkeypatch):
    def full(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    asyncio.run(Mailer(CLUSTER, ("127.0.0.1", 9)).send(over("COMPLETED"), "END", "words"))
    assert [record.fields["job"] for record in caplog.records if record.levelno == logging.WARNING] == [7]
