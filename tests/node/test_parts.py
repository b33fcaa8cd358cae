"""The smaller parts of the node: processes, memory groups, login environments."""

from __future__ import annotations

import asyncio
import os
import pwd
import resource
import subprocess
import sys

import pytest

from flowbatch.node import commands, login
from flowbatch.node.cgroups import Cgroups, oom_kills, remove
from flowbatch.node.files import fill, spool_of
from flowbatch.node.processes import Posix, here
from tests.node.jobs import key, message

SYSTEMS = [here, Posix]


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_process_is_known_by_pid_and_birth(system, sleeper):
    processes = system()
    born = processes.born(sleeper.pid)
    assert born is not None
    assert processes.born(sleeper.pid) == born
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.born(sleeper.pid) is None


@pytest.mark.parametrize("system", SYSTEMS)
def test_gone_waits_for_that_process_and_no_other(system, sleeper):
    processes = system()

    async def scene():
        await asyncio.wait_for(processes.gone(sleeper.pid, "another one's birth"), 10)
        waiting = asyncio.ensure_future(processes.gone(sleeper.pid, processes.born(sleeper.pid)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        sleeper.kill()
        await asyncio.wait_for(waiting, 10)

    asyncio.run(scene())


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_family_is_all_descendants(system):
    nested = "import subprocess, sys; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", nested], stdout=subprocess.PIPE) as child:
        grandchild = int(child.stdout.readline())
        try:
            assert {child.pid, grandchild} <= set(system().family(os.getpid()))
            assert system().family(child.pid) == [grandchild]
        finally:
            os.kill(grandchild, 9)
    assert child.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_soft_limits_stay_below_hard_ones(sleeper):
    here().limit(sleeper.pid, {"NOFILE": 100, "CORE": -1, "NOSUCH": 3})
    hard = resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE)[1]
    assert resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE) == (100, hard)
    here().limit(sleeper.pid, {"NOFILE": -1})
    assert resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE) == (hard, hard)


@pytest.fixture
def tree(tmp_path):
    """A cgroup tree as a user session has it: memory control is handed out below `user`."""
    own = tmp_path / "mount/user/session"
    own.mkdir(parents=True)
    (tmp_path / "mount/cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "mount/user/cgroup.subtree_control").write_text("cpu memory\n")
    (tmp_path / "mount/user/cgroup.procs").touch()
    (tmp_path / "self").write_text("1:name=systemd:/x\n0::/user/session\n")
    return tmp_path


def test_memory_is_limited_below_the_nearest_group_that_hands_it_out(tree):
    groups = Cgroups.find(tree / "mount", tree / "self")
    assert groups.root == tree / "mount/user/flowbatch-node"
    assert (groups.root / "cgroup.subtree_control").read_text() == "+memory"
    group = groups.confine("s.1.0", 4711, 100)
    assert (groups.root / "s.1.0/memory.max").read_text() == str(100 * 1024 * 1024)
    assert (groups.root / "s.1.0/cgroup.procs").read_text() == "4711"
    assert oom_kills(group) == 0
    (groups.root / "s.1.0/memory.events").write_text("low 0\noom 2\noom_kill 3\n")
    assert oom_kills(group) == 3


@pytest.mark.parametrize("missing", ["mount/cgroup.controllers", "mount/user/cgroup.subtree_control", "self"])
def test_without_delegation_memory_is_not_limited(tree, missing):
    (tree / missing).unlink()
    assert Cgroups.find(tree / "mount", tree / "self") is None


def test_removing_a_group_that_is_gone_is_no_error(tmp_path):
    remove(str(tmp_path / "nosuch"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    me = pwd.getpwuid(os.getuid())
    monkeypatch.setattr(
        login.pwd, "getpwuid",
        lambda uid: pwd.struct_passwd((me.pw_name, "x", uid, me.pw_gid, "", str(tmp_path), "/bin/bash")),
    )  # fmt: skip
    return tmp_path


def test_a_login_environment_is_what_the_profile_exports(home):
    (home / ".bash_profile").write_text("echo welcome; printf 'x=1\\0'; export FROM_PROFILE=$'two\\nlines'\n")
    environment = login.login_environment(os.getuid())
    assert environment[b"FROM_PROFILE"] == b"two\nlines"
    assert environment[b"HOME"] == os.fsencode(home)
    assert b"x" not in environment


@pytest.mark.parametrize("profile", ["sleep 1000", "exit 3", "exec false"])
def test_a_profile_that_does_not_answer_gives_none(home, profile):
    (home / ".bash_profile").write_text(profile + "\n")
    assert login.login_environment(os.getuid(), within_s=0.5) is None


def test_scripts_and_commands_are_the_user_s_own_also_those_that_come_later(tmp_path):
    """The daemon's own umask is 0."""
    before = os.umask(0)
    try:
        for number in (1, 2):
            fill(spool_of(tmp_path / "spool", key(number)), message(tmp_path, "true", job_id=number))
        (tmp_path / "node").mkdir(mode=0o700)
        commands.install(tmp_path / "node")
    finally:
        os.umask(before)
    kept = [one for folder in ("spool", "node") for one in (tmp_path / folder).rglob("*")]
    assert {one.name for one in kept} >= {"job00001", "job00002", "slurm_script", "sbatch"}
    assert [str(one) for one in kept if one.lstat().st_mode & 0o077 and not one.is_symlink()] == []
