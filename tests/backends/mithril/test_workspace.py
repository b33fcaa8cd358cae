"""The submit directory there and back, and outputs that grow: the machine is a process of this one."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shlex
import subprocess
import sys
import threading
from dataclasses import asdict, replace

import pytest

from flowbatch.backends.mithril import workspace
from flowbatch.backends.mithril.outputs import Followed, Output
from flowbatch.backends.mithril.ssh import Done, SshAway
from flowbatch.backends.mithril.workspace import NotBrought, NotMirrored, Workspace
from flowbatch.node import mirror
from tests.disks import small
from tests.node.jobs import until

ALL = []


class Process:
    def __init__(self, command):
        ALL.append(self)
        self.popen = subprocess.Popen(
            shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.stdin, self.stdout = self.popen.stdin, self.popen.stdout

    def end(self):
        self.popen.kill()
        self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def no_more(self):
        self.stdin.close()

    def kill(self):
        self.popen.kill()

    def complaint(self):
        return self.popen.stderr.read().decode().strip()

    def done(self):
        out, err = self.stdout.read(), self.complaint()
        code = self.popen.wait(20)
        self.stdout.close()
        self.popen.stderr.close()
        return Done(code, out, err)


@pytest.fixture(autouse=True)
def _ended():
    yield
    for process in ALL:
        process.end()
    ALL.clear()


class Here:
    """A connection to this very machine. `cut` ends what was started last, as a network does."""

    def __init__(self):
        self.started = []

    def start(self, command):
        self.started.append(Process(command))
        return self.started[-1]

    def cut(self):
        self.started[-1].popen.kill()


PROGRAM = f"{sys.executable} -I -m flowbatch.node.remote"


class Sides:
    """`home` is the submit directory; for its other side it stands elsewhere."""

    def __init__(self, directory):
        self.home, self.away, self.base = directory / "home", directory / "away", directory / "base"
        self.home.mkdir()
        self.away.mkdir()
        self.connection = Here()

    @property
    def workspace(self):
        return Workspace(
            str(self.home),
            f"{PROGRAM} workspace {self.away} {self.base}",
            frozenset({f"{self.home}/slurm-7.out"}),
            7,
        )

    def bring(self):
        with self.workspace.talk(self.connection) as talk:
            return self.workspace.bring(talk)

    def fetch(self, workspace=None):
        with (workspace or self.workspace).talk(self.connection) as talk:
            return (workspace or self.workspace).fetch(talk)


@pytest.fixture
def sides(tmp_path):
    return Sides(tmp_path)


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_only_what_differs_is_brought(sides):
    (sides.home / "a").write_text("a")
    (sides.home / "d").mkdir()
    assert sides.bring() == 2
    assert sides.bring() == 0
    (sides.home / "a").write_text("aa")
    assert sides.bring() == 1
    assert (sides.away / "a").read_text() == "aa"


@pytest.mark.parametrize(
    ("ours", "gits", "sent"),
    [
        (None, None, ["data", "data/x", "log", "src.py"]),
        (None, "data/\n*.log\n", [".gitignore", "log", "src.py"]),
        ("/log\n", "data/\n", [".flowignore", ".gitignore", "data", "data/x", "src.py"]),
        ("!.git/\n", None, [".flowignore", ".git", ".git/HEAD", "data", "data/x", "log", "src.py"]),
    ],
)
def test_what_is_ignored_stays(sides, ours, gits, sent):
    for name in ("data/x", ".git/HEAD", "log", "src.py", "slurm-7.out"):
        (sides.home / name).parent.mkdir(exist_ok=True)
        (sides.home / name).write_text(name)
    for name, text in ((".flowignore", ours), (".gitignore", gits)):
        if text is not None:
            (sides.home / name).write_text(text)
    sides.bring()
    assert names(sides.away) == sent


def test_results_come_home_also_those_that_git_ignores(sides):
    (sides.home / ".gitignore").write_text("results/\n")
    sides.bring()
    (sides.away / "results").mkdir()
    (sides.away / "results/model").write_text("weights")
    (sides.away / "slurm-7.out").write_text("comes in another way")
    (sides.away / ".git").mkdir()
    (sides.away / ".git/HEAD").write_text("x")
    assert sides.fetch() == ([], [])
    assert names(sides.home) == [".gitignore", "results", "results/model"]
    assert sides.fetch() == ([], [])
    assert sides.bring() == 0


@pytest.mark.parametrize("name", [".git", ".GIT"])
def test_no_machine_speaks_to_git_here(sides, name):
    sides.bring()
    (sides.away / name).write_text("gitdir: evil\n")
    (sides.away / "evil").mkdir()
    (sides.away / "evil/.Git").mkdir()
    (sides.away / "evil/.Git/config").write_text("[core]\n\tfsmonitor = sh evil\n")
    assert sides.fetch() == ([], [])
    assert names(sides.home) == ["evil"]


@pytest.mark.parametrize(("name", "before"), [(".flowignore", None), (".gitignore", "secrets\n"), (".GitIgnore", None)])
def test_no_machine_says_what_travels(sides, name, before):
    if before is not None:
        (sides.home / name).write_text(before)
    (sides.home / "secrets").write_text("mine")
    sides.bring()
    (sides.away / name).write_text("!.git/\n")
    assert sides.fetch() == (
        [f"{name} says what travels, and no job changes that: the job's is {name}.flowbatch-7"],
        [],
    )
    assert ((sides.home / name).read_text() if before else None) == before
    assert (sides.home / name).exists() == (before is not None)
    assert sides.fetch() == ([], [])


def test_what_flowignore_names_does_not_come_home(sides):
    (sides.home / ".flowignore").write_text("cache/\n")
    sides.bring()
    (sides.away / "cache").mkdir()
    (sides.away / "cache/x").write_text("x")
    sides.fetch()
    assert names(sides.home) == [".flowignore"]


def test_a_file_that_changed_on_both_sides_is_kept_twice(sides):
    for name in ("mine", "theirs", "both", "alike", "gone"):
        (sides.home / name).write_text("before")
    sides.bring()
    (sides.home / "mine").write_text("m")
    (sides.away / "theirs").write_text("t")
    for root, text in ((sides.home, "here"), (sides.away, "there")):
        (root / "both").write_text(text)
        (root / "alike").write_text("alike")
        (root / "new").write_text(text)
    (sides.home / "gone").unlink()
    (sides.away / "gone").write_text("anew")
    notes, failed = sides.fetch()
    assert failed == []
    read = {name: (sides.home / name).read_text() for name in names(sides.home)}
    assert read == {
        "mine": "m", "theirs": "t", "both": "here", "both.flowbatch-7": "there", "alike": "alike", "new": "here",
        "new.flowbatch-7": "there", "gone": "anew",
    }  # fmt: skip
    assert notes == [
        "both changed here while the job ran: the job's is both.flowbatch-7",
        "new changed here while the job ran: the job's is new.flowbatch-7",
    ]


def test_deletions_do_not_travel(sides):
    (sides.home / "a").write_text("a")
    (sides.home / "b").write_text("b")
    sides.bring()
    (sides.away / "a").unlink()
    (sides.home / "b").unlink()
    sides.fetch()
    assert names(sides.home) == ["a"]
    sides.bring()
    assert names(sides.away) == ["a", "b"]


def test_a_link_and_a_mode_that_the_job_changed_come_home(sides):
    (sides.home / "tool").write_text("x")
    (sides.home / "last").symlink_to("one")
    sides.bring()
    (sides.away / "tool").chmod(0o755)
    (sides.away / "last").unlink()
    (sides.away / "last").symlink_to("two")
    sides.fetch()
    assert (sides.home / "tool").stat().st_mode & 0o777 == 0o755
    assert os.readlink(sides.home / "last") == "two"


@pytest.mark.parametrize("target", ["/etc/passwd", "../elsewhere", "out/../../..", "sub/../../x", "../../.ssh/id"])
def test_a_link_that_leads_out_is_named_and_not_made(sides, target):
    sides.bring()
    (sides.away / "out").symlink_to(target)
    notes, failed = sides.fetch()
    assert not failed and not os.path.lexists(sides.home / "out")
    assert notes == [f"out is a link out of the work directory, to {target}: it was not made here"]


def test_a_place_that_is_taken_there_is_named(sides):
    (sides.home / "a").mkdir()
    (sides.home / "a/b").write_text("x")
    (sides.away / "a").write_text("a file is in the way")
    (sides.away / "a").chmod(0o644)
    sides.bring()
    (sides.home / "a/b").unlink()
    (sides.home / "a").rmdir()
    (sides.home / "a").write_text("now a file")
    with pytest.raises(NotBrought, match=r"^a \(Is a directory\) could not be brought to the machine$"):
        sides.bring()


def test_a_way_there_that_is_cut_is_no_refusal(sides, monkeypatch):
    """The machine saw the stream end too early, and says so: it can be brought again."""
    (sides.home / "a").write_bytes(os.urandom(100_000))
    send = mirror.send

    def cut(root, paths, out):
        whole = io.BytesIO()
        send(root, paths, whole)
        out.write(whole.getvalue()[:60_000])
        out.close()

    with monkeypatch.context() as patched:
        patched.setattr(mirror, "send", cut)
        with pytest.raises(SshAway, match="ended early"):
            sides.bring()
    assert names(sides.away) == []
    sides.bring()
    assert (sides.away / "a").read_bytes() == (sides.home / "a").read_bytes()


def test_a_way_back_that_is_cut_is_walked_again(sides, monkeypatch):
    sides.bring()
    for number in range(4):
        (sides.away / f"result{number}").write_bytes(os.urandom(400_000))
    arrive = Workspace._arrive

    def arrive_and_cut(self, item, data, stamp, notes):
        arrive(self, item, data, stamp, notes)
        sides.connection.cut()

    monkeypatch.setattr(Workspace, "_arrive", arrive_and_cut)
    with pytest.raises(SshAway):
        sides.fetch()
    assert 1 <= len(names(sides.home)) < 4
    monkeypatch.setattr(Workspace, "_arrive", arrive)
    assert sides.fetch() == ([], [])
    for number in range(4):
        assert (sides.home / f"result{number}").read_bytes() == (sides.away / f"result{number}").read_bytes()


MOUNTS = pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted by root alone")


@MOUNTS
def test_what_comes_home_leaves_the_disk_its_reserve(sides):
    """Whatever a machine sends: what fits comes, what does not is named and leaves nothing behind."""
    with small(sides.home, 4 << 20):
        sides.bring()
        (sides.away / "a").write_bytes(os.urandom(1 << 20))
        (sides.away / "b").write_bytes(os.urandom((3 << 20) - 65536))
        (sides.away / "c").write_text("c")
        notes, failed = sides.fetch()
        assert (notes, [path for path, _ in failed]) == ([], ["b"])
        assert failed[0][1] == "No space left on device but its last 0.2 MiB, which stay free"
        assert names(sides.home) == ["a", "c"]
        (sides.home / "a").unlink()
        assert sides.fetch() == ([], [])


@MOUNTS
def test_an_output_leaves_the_disk_its_reserve(tmp_path):
    (tmp_path / "disk").mkdir()
    with small(tmp_path / "disk", 1 << 20):
        growing = Growing(tmp_path / "disk")
        growing.memory = tmp_path / "memory"
        growing.there = tmp_path / "there"
        growing.new()
        growing.there.write_bytes(b"x" * (1 << 20))
        growing.follow()
        growing.thread.join(20)
        assert "No space left on device" in str(growing.error)
        free = os.statvfs(tmp_path / "disk")
        assert free.f_bavail * free.f_frsize >= (1 << 20) // 20


@pytest.mark.parametrize("root", ["/", "/usr", "/tmp/", "/home", "/usr/../etc"])
def test_a_system_directory_is_no_workspace(root):
    with pytest.raises(NotMirrored):
        workspace.check(root)


def test_a_home_directory_is_one_if_it_says_what_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(workspace, "_home", lambda: str(tmp_path))
    with pytest.raises(NotMirrored, match="home directory"):
        workspace.check(f"{tmp_path}/")
    (tmp_path / ".flowignore").write_text("/big\n")
    workspace.check(str(tmp_path))
    workspace.check(f"{tmp_path}/project")


class Growing:
    """An output on both sides, and the one who follows it."""

    def __init__(self, directory, append=False):
        self.there, self.here = directory / "there", directory / "here"
        self.memory = directory / "memory"
        self.append = append
        self.connection = Here()
        self.new()

    def new(self):
        """The next life of whoever follows."""
        self.followed = Followed([Output(str(self.here), self.append, 0o600)], self.memory)
        self.followed.begin()

    def follow(self):
        """Follows in a thread, whose error is kept."""
        self.error = None

        def run():
            try:
                self.followed.follow(Away(self.connection, self.here, self.there), f"{PROGRAM} tail")
            except SshAway as error:
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def end(self):
        self.followed.finish()
        self.thread.join(20)


class Away:
    """Over there the path means another file."""

    def __init__(self, connection, here, there):
        self.connection, self.here, self.there = connection, bytes(here), bytes(there)

    def start(self, command):
        process = self.connection.start(command)
        write = process.stdin.write

        class In:
            def write(_, data):
                return write(data.replace(self.here, self.there))

            flush = process.stdin.flush

        inner, process.stdin = process.stdin, In()
        process.no_more = inner.close
        return process


def test_an_ignore_file_that_makes_no_sense_is_named(sides):
    (sides.home / ".flowignore").write_text("a\n!\n")
    with pytest.raises(NotMirrored, match=r"\.flowignore"):
        sides.bring()
    with pytest.raises(SshAway, match=r"\.flowignore"):
        sides.fetch()


@pytest.mark.parametrize(
    "said",
    [
        b'{"file": 0, "at": 0, "bytes": 1000000000000}\n', b'{"file": 0, "at": 0, "bytes": -1}\n',
        b'{"file": -1, "at": 0, "bytes": 1}\nx', b'{"file": 7, "at": 0, "bytes": 1}\nx', b'{"file": 0, "at": 0}\n', b"[]\n",
        b"x" * 100_000,
    ],
)  # fmt: skip
def test_an_output_that_makes_no_sense_is_a_cut(tmp_path, said):
    path = str(tmp_path / "out")
    followed = Followed([Output(path, append=False, mode=0o600)], tmp_path / "memory")
    followed.begin()
    (tmp_path / "said").write_bytes(said)
    with pytest.raises(SshAway):
        followed.follow(Here(), f"cat {tmp_path}/said")
    assert os.path.getsize(path) == 0


@pytest.mark.parametrize(
    "said", ["1", "[[1, 2]]", '[{"path": "../x", "kind": "dir"}, null]', "[{}, null]", "{", "[[], null]"]
)
def test_a_list_of_changes_that_makes_no_sense_is_a_cut(sides, tmp_path, said):
    (tmp_path / "said").write_text(said + "\n")
    with pytest.raises(SshAway):
        sides.fetch(replace(sides.workspace, command=f"cat {tmp_path}/said"))


def test_what_was_not_asked_for_does_not_come(sides, tmp_path):
    for name in ("asked", "other"):
        (sides.away / name).write_text(name)
    changed = json.dumps([asdict(mirror.look(str(sides.away), "asked")), None]).encode()
    with open(tmp_path / "said", "wb") as said:
        said.write(changed + b"\nnull\n")
        mirror.send(str(sides.away), ["other"], said)
        said.write(b"null\nnull\n")
    with pytest.raises(SshAway, match="other was not asked for"):
        sides.fetch(replace(sides.workspace, command=f"sh -c 'cat {tmp_path}/said; cat > /dev/null'"))
    assert names(sides.home) == []


def test_a_list_of_changes_without_end_is_cut(sides, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace, "LONGEST_ANSWER", 10_000)
    (tmp_path / "said").write_text('[{"path": "x", "kind": "dir"}, null]\n' * 1000)
    with pytest.raises(SshAway, match="said too much"):
        sides.fetch(replace(sides.workspace, command=f"sh -c 'cat {tmp_path}/said; cat > /dev/null'"))


def test_output_grows_and_nothing_is_said_twice_after_a_cut(tmp_path):
    growing = Growing(tmp_path)
    growing.there.write_text("one\n")
    growing.follow()
    until(lambda: growing.here.read_text() == "one\n")
    growing.connection.cut()
    growing.thread.join(20)
    assert growing.error is not None
    with open(growing.there, "a") as file:
        file.write("two\n")
    growing.new()
    growing.follow()
    until(lambda: growing.here.read_text() == "one\ntwo\n")
    growing.end()
    assert growing.error is None
    assert growing.here.stat().st_mode & 0o777 == 0o600


def test_an_output_that_is_followed_no_more_is_left_to_the_next_run(tmp_path):
    growing = Growing(tmp_path)
    growing.there.write_text("one\n")
    growing.follow()
    until(lambda: growing.here.read_text() == "one\n")
    growing.followed.close()
    growing.here.write_text("next\n")
    with open(growing.there, "a") as file:
        file.write("two\n")
    growing.thread.join(20)
    assert growing.error is not None and not growing.thread.is_alive()
    growing.follow()  # as if it had been about to begin
    growing.thread.join(20)
    assert growing.error is not None and growing.here.read_text() == "next\n"


@pytest.mark.parametrize(("append", "left"), [(True, "old\nnew\n"), (False, "new\n")])
def test_an_output_is_cut_unless_appended(tmp_path, append, left):
    (tmp_path / "here").write_text("old\n")
    growing = Growing(tmp_path, append)
    growing.there.write_text("new\n")
    growing.follow()
    growing.end()
    assert growing.here.read_text() == left


def test_what_was_written_when_this_process_died_is_not_written_again(tmp_path):
    growing = Growing(tmp_path)
    growing.there.write_text("one\ntwo\n")
    growing.here.write_text("one\ntw")
    growing.memory.write_text('[{"start": 0, "taken": 4, "writing": [4, 4]}]')
    growing.new()
    growing.follow()
    growing.end()
    assert growing.here.read_text() == "one\ntwo\n"


def test_an_output_that_the_job_cut_itself_is_cut_here(tmp_path):
    growing = Growing(tmp_path)
    growing.there.write_text("a long line\n")
    growing.follow()
    until(lambda: growing.here.read_text() == "a long line\n")
    growing.there.write_text("new\n")
    until(lambda: growing.here.read_text() == "new\n")
    growing.end()


def test_a_full_disk_here_repeats_no_byte(tmp_path, monkeypatch):
    growing = Growing(tmp_path)
    growing.there.write_text("one two three\n")
    write = os.write

    def half_then_full(fd, data):
        if bytes(data).startswith(b"one"):
            return write(fd, data[:4])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half_then_full)
    growing.follow()
    growing.thread.join(20)
    assert growing.error is not None
    monkeypatch.setattr(os, "write", write)
    growing.follow()
    growing.end()
    assert growing.here.read_text() == "one two three\n"
