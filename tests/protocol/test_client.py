"""The thin clients, Python's and C's, each in a process of its own, against a controller that is played by the test."""

from __future__ import annotations

import os
import pty
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowbatch.protocol.frames import HEADER, CallFrame, Kind, frame, header, unpack_call
from flowbatch.sdk.compiling import compiler

SHIMS = Path(__file__).resolve().parents[2] / "shims"
GOLDEN = Path(__file__).parent.parent / "data" / "frames"
NOT_FOUND = 2


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    here = os.getcwd()
    listening = socket.socket(socket.AF_UNIX)
    os.chdir(tmp_path)
    listening.bind("controller.sock")
    os.chdir(here)
    listening.listen()
    listening.settimeout(10)
    yield listening
    listening.close()


@pytest.fixture(scope="session")
def c_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cc = compiler()
    if cc is None:
        pytest.skip("no C compiler here: the C client was not played")
    client = tmp_path_factory.mktemp("client") / "client"
    strict = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")
    subprocess.run([cc, *strict, "-o", client, SHIMS / "client.c"], check=True, timeout=60)
    return client


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(params=["python", "c"])
def start(request: pytest.FixtureRequest) -> Start:
    """Starts a client of either kind: start(state directory, *arguments, command=, python=, **of subprocess.Popen)."""
    if request.param == "c":
        client: list[str | Path] = [request.getfixturevalue("c_client")]
    else:
        client = [sys.executable, "-I", "-S", SHIMS / "client.py"]

    def run(
        state: Path, *args: str | bytes, command: str = "sbatch", python: str = "/bin/false", **how: object
    ) -> subprocess.Popen[bytes]:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*client, command, state, python, *args], **{**streams, **how})  # type: ignore[call-overload]  # options of a test

    return run


class Played:
    """The controller's side of one conversation."""

    def __init__(self, listening: socket.socket) -> None:
        self.line, _ = listening.accept()
        self.line.settimeout(10)
        kind, body = self.receive()
        assert kind is Kind.CALL
        self.call: CallFrame = unpack_call(body)

    def receive(self) -> tuple[Kind, bytes]:
        kind, length = header(self.line.recv(HEADER.size, socket.MSG_WAITALL))
        return kind, self.line.recv(length, socket.MSG_WAITALL) if length else b""

    def say(self, kind: Kind, body: bytes = b"") -> None:
        self.line.sendall(frame(kind, body))

    def end(self, code: int) -> None:
        self.say(Kind.EXIT, code.to_bytes(4, "big", signed=True))
        self.line.close()


def test_the_call_says_all_there_is_to_know(start, listening, tmp_path):
    environ = {"B": "2", "A": "", "PATH": "/bin"}
    child = start(
        tmp_path, "-n", "2", b"job \xff.sh", "", cwd="/usr/bin", umask=0o27, env=environ, start_new_session=True
    )
    played = Played(listening)
    call = played.call
    assert (call.command, call.argv) == (b"sbatch", (b"-n", b"2", b"job \xff.sh", b""))
    assert set(call.environ) == {b"B=2", b"A=", b"PATH=/bin"}
    assert (call.cwd, call.umask, call.sid) == (os.path.realpath("/usr/bin").encode(), 0o27, child.pid)
    assert (call.tty, call.columns, call.lines) == ((False, False, False), 0, 0)
    limits = dict(word.split(b"=") for word in call.limits.split())
    assert limits[b"NOFILE"] == b"%d" % resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    played.end(0)
    assert child.wait() == 0
    child.communicate()


def test_a_listing_asks_the_next_controller_where_one_dies_before_its_first_word(start, listening, tmp_path):
    child = start(tmp_path, command="squeue")
    Played(listening).line.close()
    played = Played(listening)
    played.say(Kind.OUT, b"jobs\n")
    played.end(0)
    assert child.communicate() == (b"jobs\n", b"") and child.returncode == 0


def test_half_a_listing_is_not_printed_twice(start, listening, tmp_path):
    child = start(tmp_path, command="squeue")
    played = Played(listening)
    played.say(Kind.OUT, b"half\n")
    played.line.close()
    assert child.communicate()[0] == b"half\n" and child.returncode == 1


def test_it_packs_the_golden_frame(start, listening, tmp_path):
    """The frame of the same call, but for what a test cannot choose: directory, session and limits."""
    played_words = (GOLDEN / "call-v1.bin").read_bytes()[HEADER.size :].split(b"\0")
    child = start(tmp_path, "-n", "2", b"job \xff.sh", "", cwd="/", umask=0o27, env={"PATH": "/bin", "EMPTY": ""})
    line, _ = listening.accept()
    _, length = header(line.recv(HEADER.size, socket.MSG_WAITALL))
    words = line.recv(length, socket.MSG_WAITALL).split(b"\0")
    line.close()
    child.communicate()
    assert len(words) == len(played_words) - 1  # no variable without "=" can be made here
    same = [0, 1, 2, 4, *range(10, 15)]
    assert [words[n] for n in same] == [played_words[n] for n in same]


def test_output_goes_where_it_belongs(start, listening, tmp_path):
    child = start(tmp_path, command="squeue")
    played = Played(listening)
    assert played.call.limits == b""
    played.say(Kind.OUT, b"out\xff\n")
    played.say(Kind.ERR, b"err\n")
    played.end(255)
    assert child.communicate() == (b"out\xff\n", b"err\n")
    assert child.returncode == 255


def test_it_becomes_another_program(start, listening, tmp_path):
    """srun, say, whose streams and signals are the caller's own."""
    child = start(tmp_path, command="srun", env={"A": "1"})
    played = Played(listening)
    words = [b"/bin/sh", b"-c", b'echo "$1 $A $LC_CTYPE"; exit 7', b"srun", b"two words"]
    played.say(Kind.EXEC, b"".join(word + b"\0" for word in words))
    assert child.communicate() == (b"two words 1 \n", b"")
    assert child.returncode == 7
    played.line.close()


def test_whoever_waits_for_a_job_tells_the_signals_that_it_gets(start, listening, tmp_path):
    child = start(tmp_path, command="salloc")
    played = Played(listening)
    played.say(Kind.READ, b"/nosuch")  # answered once it listens for signals
    assert played.receive()[0] is Kind.FAIL
    child.send_signal(signal.SIGTERM)
    assert played.receive() == (Kind.SIGNAL, (15).to_bytes(4, "big"))
    played.end(1)
    assert child.communicate() == (b"", b"")
    assert child.returncode == 1


@pytest.mark.parametrize(("command", "held"), [("sattach", "True"), ("sbcast", "True"), ("scrontab", "False")])
def test_a_program_of_ours_begins_with_its_signals_held_back(start, listening, tmp_path, command, held):
    """It could not end by one in good order yet; an editor does not know of it."""
    child = start(tmp_path, command=command)
    played = Played(listening)
    blocked = b"import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    played.say(Kind.EXEC, b"".join(word + b"\0" for word in (sys.executable.encode(), b"-c", blocked)))
    assert child.communicate()[0] == f"{held}\n".encode()
    played.line.close()


def test_signals_that_came_too_late_are_the_program_s(start, listening, tmp_path):
    """It is held back until the program can heed it."""
    child = start(tmp_path, command="salloc")
    played = Played(listening)
    played.say(Kind.READ, b"/nosuch")
    assert played.receive()[0] is Kind.FAIL
    for number in (signal.SIGTERM, signal.SIGUSR1):
        child.send_signal(number)
        assert played.receive()[0] is Kind.SIGNAL
    late = "import signal; print(signal.sigpending() == {signal.SIGTERM, signal.SIGUSR1})"
    words = [sys.executable.encode(), b"-c", late.encode()]
    played.say(Kind.EXEC, b"".join(word + b"\0" for word in words))
    assert child.communicate()[0] == b"True\n"
    played.line.close()


def test_a_program_that_is_not_there(start, listening, tmp_path):
    child = start(tmp_path, command="srun")
    played = Played(listening)
    played.say(Kind.EXEC, b"/nosuch\0")
    assert child.communicate() == (b"", b"flowbatch: cannot run /nosuch: No such file or directory\n")
    assert child.returncode == 127
    played.line.close()


def test_files_are_read_where_the_caller_is(start, listening, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "job.sh").write_bytes(b"#!/bin/sh\n" + b"x" * 100_000)
    child = start(tmp_path, cwd=work, stdin=subprocess.PIPE)
    played = Played(listening)
    played.say(Kind.READ, b"job.sh")
    read = b""
    while True:
        played.say(Kind.MORE)
        kind, chunk = played.receive()
        assert kind is Kind.DATA
        if not chunk:
            break
        read += chunk
    assert read == (work / "job.sh").read_bytes()
    played.say(Kind.READ, b"missing")
    played.say(Kind.MORE)
    assert played.receive() == (Kind.FAIL, NOT_FOUND.to_bytes(4, "big"))
    played.say(Kind.READ, b".")
    played.say(Kind.MORE)
    assert played.receive()[0] is Kind.FAIL
    assert child.stdin is not None
    child.stdin.write(b"from stdin")
    child.stdin.close()
    child.stdin = None
    played.say(Kind.READ, b"-")
    played.say(Kind.MORE)
    assert played.receive() == (Kind.DATA, b"from stdin")
    played.say(Kind.MORE)
    assert played.receive() == (Kind.DATA, b"")
    played.end(0)
    child.communicate()
    assert child.returncode == 0


def test_a_terminal_has_a_size(start, listening, tmp_path):
    ours, theirs = pty.openpty()
    child = start(tmp_path, command="squeue", stdout=theirs)
    played = Played(listening)
    assert played.call.tty == (False, True, False)
    played.end(0)
    child.communicate()
    os.close(ours), os.close(theirs)


def test_a_reader_that_is_gone_ends_it_by_sigpipe(start, listening, tmp_path):
    child = start(tmp_path, command="squeue")
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    played = Played(listening)
    played.say(Kind.OUT, b"x" * 100_000)
    assert child.wait(10) == -signal.SIGPIPE
    child.stderr.close()
    played.line.close()


def test_ctrl_c_ends_it_by_sigint(start, listening, tmp_path):
    child = start(tmp_path)
    played = Played(listening)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=10)
    assert child.returncode == -signal.SIGINT
    assert played.line.recv(1) == b""
    played.line.close()


@pytest.mark.parametrize(
    ("command", "times", "words"),
    [
        ("sbatch", 1, b"sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received\n"),
        ("scancel", 1, b"slurm_load_jobs error: Zero Bytes were transmitted or received\n"),
        ("squeue", 2, b"slurm_load_jobs error: Zero Bytes were transmitted or received\n"),
    ],
)
def test_a_controller_that_dies_meanwhile(start, listening, tmp_path, command, times, words):
    """What may have happened is not asked again; a listing is, once."""
    child = start(tmp_path, command=command)
    for _ in range(times):
        Played(listening).line.close()
    assert child.communicate(timeout=10) == (b"", words)
    assert child.returncode == 1


@pytest.mark.parametrize(("job", "times"), [("7", 2), (None, 1)])
def test_srun_in_a_job_asks_the_next_controller(start, listening, tmp_path, monkeypatch, job, times):
    """Nothing came of its question; outside a job it has asked for one."""
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    if job is not None:
        monkeypatch.setenv("SLURM_JOB_ID", job)
    child = start(tmp_path, command="srun")
    for _ in range(times):
        Played(listening).line.close()
    assert child.communicate(timeout=10) == (b"", b"srun: error: Zero Bytes were transmitted or received\n")
    assert child.returncode == 1


CONNECT_FAILURE = b"Unable to contact slurm controller (connect failure)\n"


@pytest.mark.parametrize(
    ("command", "args", "words", "code"),
    [
        ("sbatch", (), b"sbatch: error: Batch job submission failed: " + CONNECT_FAILURE, 1),
        ("squeue", (), b"slurm_load_jobs error: " + CONNECT_FAILURE, 1),
        ("scancel", ("-u", "root"), b"slurm_load_jobs error: " + CONNECT_FAILURE, 1),
        ("scancel", ("7",), b"scancel: error: Kill job error on job id 7: " + CONNECT_FAILURE, 8),
    ],
)
def test_no_controller_and_none_to_be_started(start, tmp_path, command, args, words, code):
    child = start(tmp_path, *args, command=command)
    assert child.communicate(timeout=10) == (b"", words)
    assert child.returncode == code


def test_the_reason_comes_first(start, tmp_path):
    starter = tmp_path / "python"
    starter.write_text("#!/bin/sh\necho because\nexit 1\n")
    starter.chmod(0o755)
    child = start(tmp_path, command="squeue", python=str(starter))
    _, err = child.communicate(timeout=10)
    assert err.startswith(b"because\nslurm_load_jobs error: ")


def test_another_version_is_named(start, listening, tmp_path):
    child = start(tmp_path, command="squeue")
    played = Played(listening)
    played.say(Kind.OTHER, b"this controller speaks version 2, its client 1")
    _, err = child.communicate(timeout=10)
    played.line.close()
    assert (child.returncode, err.splitlines()[0].startswith(b"flowbatch: this controller speaks version 2")) == (
        1,
        True,
    )


def test_a_long_state_directory_is_no_hindrance(start, tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    listening = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(deep)
    listening.bind("controller.sock")
    os.chdir(here)
    listening.listen()
    child = start(deep, cwd="/usr")
    played = Played(listening)
    assert played.call.cwd == b"/usr"
    played.end(3)
    child.communicate()
    assert child.returncode == 3
    listening.close()
