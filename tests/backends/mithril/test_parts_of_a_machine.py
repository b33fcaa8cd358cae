"""What travels to a machine and what root runs there: archives, scripts, command lines."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import flowbatch
from flowbatch.backends.mithril import bootstrap, containers, mounts, packing, prepare
from flowbatch.backends.mithril import machine as machines
from flowbatch.backends.mithril.bootstrap import Lease
from flowbatch.backends.mithril.errand import errand, errands, source, translated
from flowbatch.backends.mithril.machine import Machine, Rental
from flowbatch.backends.mithril.mounts import Mount
from flowbatch.backends.mithril.prepare import Place
from flowbatch.backends.mithril.ssh import Destination, Identity
from flowbatch.backends.mithril.workspace import NotBrought
from flowbatch.core.jobs import Owner
from flowbatch.errors import MarketFailed
from flowbatch.spec.market import MarketTerms
from tests.node.jobs import STORE, message

LEASE = Lease(
    bid="flowbatch-0123456789ab-1-1", project="proj_0123456789abcdef", api_url="https://api.mithril.ai", key="fkey_" + "x" * 40,
    key_fid="apikey_0123456789abcdef", ends_at=2_000_000_000, run_limit_s=604_800, boot_s=1200, upload_s=900, grace_s=120,
    return_s=900,
)  # fmt: skip
PLACE = Place("ubuntu", "alice", 1001, 1002, "/home/alice", "/bin/bash", "/usr/bin:/bin", "m1")
IMAGE = "ghcr.io/lab/train:1"


def test_the_start_up_script_keeps_the_market_s_rules():
    text = bootstrap.script(LEASE)
    assert text.startswith("#!/bin/bash\n")
    assert len(text) <= 8000
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    assert text.isascii()


def test_a_script_that_would_be_too_long_is_not_sent():
    with pytest.raises(MarketFailed, match="10000 allowed"):
        bootstrap.script(replace(LEASE, api_url="https://" + "x" * 10_000))


def test_the_lease_on_a_machine_is_roots_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "HOME", str(tmp_path / "home"))
    whole, _, last = bootstrap.script(LEASE).rstrip("\n").rpartition("\n")
    assert last.startswith("exec python3")  # the guard installs itself, which is no business of this machine
    subprocess.run(["bash"], input=f"umask 0\n{whole}\n", text=True, check=True)
    assert (tmp_path / "home/lease.json").stat().st_mode & 0o777 == 0o600
    for one in (tmp_path / "home", tmp_path / "home/guard.py"):  # who may write them is root
        assert one.stat().st_mode & 0o022 == 0


COMMANDS = {
    "python3": "exit 0",
    "getent": 'case "$2" in alice|1001) echo alice:x:1001:1001::/home/alice:/bin/bash;; ubuntu) echo ubuntu:x:1000:1000::/h:/bin/sh;; *) exit 2;; esac',
    "sudo": 'while [ "$1" != true ]; do shift; done',
    "useradd": "exit 1",
    "install": 'echo "$*" >> "$LOG"',
}
"""A machine where a login may become alice."""


@pytest.mark.parametrize(
    ("name", "uid", "user"), [("alice", 1001, "alice"), ("eve", 666, "ubuntu"), ("alice", 0, "ubuntu")]
)
def test_a_job_runs_as_its_owner_where_that_can_be(tmp_path, monkeypatch, name, uid, user):
    """Not as the login, which may become root; and what is ours there is his alone."""
    for command, text in COMMANDS.items():
        (tmp_path / command).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / command).chmod(0o755)
    monkeypatch.setattr(prepare, "SYSTEM_PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(prepare, "GUARD", str(tmp_path / "python3"))
    script = prepare.prepare(Owner(uid, uid, name, name), "ubuntu")
    log = tmp_path / "log"
    said = subprocess.run(
        ["sh"], input=script.encode(), env={"LOG": str(log)}, stdout=subprocess.PIPE, check=True
    ).stdout
    place = prepare.place("ubuntu", said)
    assert place.user == user
    assert log.read_text().splitlines()[0] == f"-d -m 700 -o {user} {place.directory} {place.directory}/programs"


def test_what_is_kept_of_a_machine_here_is_the_user_s_own(tmp_path):
    before = os.umask(0)
    try:
        Machine(Rental("b", "s", Owner(1, 1, "a", "a"), MarketTerms(), Identity("", tmp_path), tmp_path / "b", 1))
    finally:
        os.umask(before)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o700


def test_the_key_is_not_shown():
    assert "fkey" not in repr(LEASE)


def test_the_node_program_is_the_same_bytes_each_time_and_runs_alone(tmp_path):
    program = packing.program()
    packing.program.cache_clear()
    assert packing.program() == program
    there = tmp_path / program.name
    with tarfile.open(fileobj=io.BytesIO(program.archive)) as archive:
        archive.extractall(there)
    package = Path(flowbatch.__file__).parent
    files = (path for room in packing.PARTS for path in (package / room).rglob("*") if path.is_file())
    needed = {path.relative_to(package) for path in files if "__pycache__" not in path.parts}
    there_are = {path.relative_to(there / "flowbatch") for path in (there / "flowbatch").rglob("*")}
    assert needed <= there_are, "also what is no Python"
    oldest = shutil.which("python3.10") or sys.executable
    works = subprocess.run([oldest, "-c", ""], capture_output=True, check=False).returncode == 0
    for python in {oldest if works else sys.executable, sys.executable}:
        done = subprocess.run(
            [python, "-I", "-S", str(there), "workspace", str(tmp_path), str(tmp_path / "base")],
            input='["stamps"]\n', capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
        assert (done.stdout, done.stderr) == ("{}\n", "")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("a.b", "a.b", 22), ("a.b:2222", "a.b", 2222), ("[::1]:22", "::1", 22), ("fe80::1", "fe80::1", 22)],
)
def test_destinations(text, host, port):
    assert Destination.of(text) == Destination(host, port)


@pytest.mark.parametrize(
    "text", ["host:ssh", "host:0", "host:99999", "", ":22", "a b", "-oProxyCommand=x", "-Jelsewhere", "x" * 300]
)
def test_what_is_no_destination(text):
    with pytest.raises(ValueError):
        Destination.of(text)


@pytest.mark.parametrize("host", ["../../etc", "..", "a/b", "", ".ssh"])
def test_a_machine_s_name_is_no_path(host):
    """It stands for %N in the names of outputs, which are written here."""
    said = f"ubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n/usr/bin\n{host}\n".encode()
    with pytest.raises(ValueError):
        prepare.place("ubuntu", said)


def test_the_machine_s_answer_names_the_place():
    said = b"some noise\nalice:x:1001:1002:Alice:/home/alice:/bin/bash\n/usr/bin:/bin\nm1\n"
    assert prepare.place("ubuntu", said) == PLACE
    assert PLACE.as_user("echo", "a b") == "sudo -n -H -u alice -- echo 'a b'"
    assert replace(PLACE, user="ubuntu").as_user("echo", "a b") == "echo 'a b'"


def test_root_s_scripts_are_shell():
    owner = Owner(1001, 1001, "o'brien; reboot", "lab")
    rooms = prepare.rooms(PLACE, "/home/o'brien/a b", ["/scratch/$(reboot)"])
    for text in (prepare.prepare(owner, "ubuntu", docker=True).encode(), rooms):
        assert subprocess.run(["sh", "-n"], input=text, check=False).returncode == 0
    assert "'o'\"'\"'brien; reboot'" in prepare.prepare(owner, "ubuntu")
    assert b"room '/scratch/$(reboot)'\n" in rooms


def test_a_launch_takes_the_machine_s_own_names(tmp_path):
    job = message(tmp_path, "true", environment=("HOME=/root", "PATH=/opt", "TMPDIR=/x", "MINE=1", "FUNC=() {\n}"))
    sent = translated(job, PLACE)
    assert (sent.uid, sent.gid, sent.script) == (1001, 1002, job.script)
    assert sent.environment == (
        "MINE=1", "FUNC=() {\n}", "HOME=/home/alice", "USER=alice", "LOGNAME=alice", "SHELL=/bin/bash", "PATH=/var/lib/flowbatch/alice/node/bin:/usr/bin:/bin",
    )  # fmt: skip


def test_what_comes_home_is_kept_until_it_is_forgotten(tmp_path):
    job = message(tmp_path, "true", stdout="out-%N-%j", stderr="/dev/null", append=True, umask=0o077)
    one = errand(job, PLACE)
    assert [(o.path, o.append, o.mode) for o in one.outputs] == [(f"{tmp_path}/out-m1-1", True, 0o600)]
    one.save(tmp_path)
    assert list(errands(tmp_path)) == [one]
    one.drop(tmp_path)
    assert list(errands(tmp_path)) == []


def test_an_input_from_elsewhere_is_taken_along(tmp_path):
    assert source(message(tmp_path, "true"), PLACE) is None
    assert source(message(tmp_path, "true", stdin="in/x"), PLACE) is None
    assert source(message(tmp_path, "true", stdin="/data/x"), PLACE) == ("/data", "x")


def run_in_container(tmp_path, image, **changes):
    """What a pretended docker was called with, and what the script inside it was."""
    spool, tools = tmp_path / "spool", tmp_path / "bin"
    spool.mkdir()
    tools.mkdir()
    (tools / "docker").write_text(
        f'#!/bin/bash\nprintf "%s\\n" "$@" >> {tmp_path}/called; echo --- >> {tmp_path}/called\n'
    )
    (tools / "docker").chmod(0o755)
    terms = {"name": "flowbatch-k", "uid": 1001, "gid": 1002, "gpus": (0, 2), "shared": ("/w", "/home/alice", "/w")}
    (spool / "slurm_script").write_bytes(containers.script(image, b"#!/bin/sh\necho \xff\n", **terms | changes))
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "MINE": "a\nb"}
    done = subprocess.run(
        ["bash", str(spool / "slurm_script"), "one arg"], env=env, cwd=tmp_path, capture_output=True, check=False
    )
    called = [call.split("\n")[:-1] for call in (tmp_path / "called").read_text().split("---\n")[:-1]]
    return done, called, (spool / "inside").read_bytes()


def test_a_job_with_an_image_runs_in_it(tmp_path):
    done, called, inside = run_in_container(tmp_path, IMAGE)
    assert (done.returncode, inside) == (0, b"#!/bin/sh\necho \xff\n")
    words = called[-1]
    script = f"{tmp_path}/spool/inside"
    assert words[:17] == [
        "run", "--rm", "--init", "--name", "flowbatch-k", "--network", "host", "--ipc", "host", "--ulimit", "memlock=-1",
        "--user", "1001:1002", "--volume", "/w:/w", "--volume", "/home/alice:/home/alice",
    ]  # fmt: skip
    assert words[-11:] == [
        "--gpus", '"device=0,2"', "--volume", f"{script}:{script}:ro", "--workdir", str(tmp_path), "--entrypoint", "", IMAGE,
        script, "one arg",
    ]  # fmt: skip
    named = [words[at + 1] for at, word in enumerate(words) if word == "--env"]
    assert "MINE" in named
    assert "PATH" not in named


def test_no_word_of_an_image_is_run(tmp_path):
    image = f"a'\"$(touch {tmp_path}/ran)\ntouch {tmp_path}/ran #"
    done, _, _ = run_in_container(tmp_path, image)
    assert done.returncode == 0
    assert f"\n{image}\n" in "\n" + (tmp_path / "called").read_text()
    text = containers.script(image, b"x", name="n", uid=1, gid=1, gpus=(), shared=())
    subprocess.run(["/bin/bash", "-c", text.decode()], env={"PATH": "/nowhere"}, capture_output=True, check=False)
    assert not (tmp_path / "ran").exists()


def test_a_machine_without_docker_says_so(tmp_path):
    text = containers.script(IMAGE, b"x", name="n", uid=1, gid=1, gpus=(), shared=())
    done = subprocess.run(
        ["/bin/bash", "-c", text.decode()], env={"PATH": "/nowhere"}, capture_output=True, check=False
    )
    assert done.returncode == 127
    assert b"no docker on this machine" in done.stderr


@pytest.mark.parametrize(
    ("image", "part"),
    [
        (
            "123.dkr.ecr.eu-west-1.amazonaws.com/a:1",
            "aws ecr get-login-password --region eu-west-1 | docker login --username AWS",
        ),
        ("eu.gcr.io/p/a", "https://eu.gcr.io"),
        ("us-docker.pkg.dev/p/r/a", "https://us-docker.pkg.dev"),
    ],
)
def test_private_registries_are_logged_in_to(image, part):
    text = containers.script(image, b"x", name="n", uid=1, gid=1, gpus=(), shared=())
    assert part in text.decode()
    assert subprocess.run(["bash", "-n"], input=text, check=False).returncode == 0
    assert base64.b64encode(b"x") in text


def test_public_images_need_no_login():
    assert containers.login(IMAGE) == containers.login("ubuntu") == ""


@pytest.mark.parametrize(
    ("volumes", "terms", "found"),
    [
        (("data",), (), Mount("volume", "data", "/mnt/data")),
        (("data:/data",), (), Mount("volume", "data", "/data")),
        ((), ("volume://models:/models",), Mount("volume", "models", "/models")),
        ((), ("s3://bucket/a/b/:/in",), Mount("s3", "bucket", "/in", "a/b")),
        ((), ("s3://my.bucket:/in",), Mount("s3", "my.bucket", "/in")),
    ],
)
def test_mount_terms(volumes, terms, found):
    assert mounts.mounts(volumes, terms) == (found,)


@pytest.mark.parametrize("term", ["s3://bucket", "s3://Bad_:/x", "gs://b:/x", "/x", "volume://:/x", "s3://b:relative"])
def test_a_mount_that_makes_no_sense_is_refused(term):
    with pytest.raises(NotBrought, match="cannot be mounted"):
        mounts.mounts((), (term,))


def test_what_root_runs_to_mount():
    asked = mounts.mounts(("data:/data",), ("s3://bucket/a b:/in",))
    text = mounts.script(asked, {"AWS_ACCESS_KEY_ID": "k'", "OTHER": "x"})
    assert text.startswith("export AWS_ACCESS_KEY_ID='k'\"'\"''\n")
    assert "OTHER" not in text
    assert "mount --bind /mnt/data /data" in text
    assert "mount-s3 --allow-other --allow-delete --prefix 'a b/' bucket /in" in text
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    assert mounts.script((), {"AWS_ACCESS_KEY_ID": "k"}) == ""


@pytest.mark.parametrize(
    "where",
    [
        "/",
        "/etc",
        "/var/lib/flowbatch",
        "/usr/lib",
        "/mnt",
        "/home/alice",
        "/data/../etc",
        "/run/x/",
        "/home/a/.ssh",
        "/./etc",
    ],
)
def test_nothing_is_mounted_over_the_machine(where):
    for volumes, terms in (((f"data:{where}",), ()), ((), (f"s3://bucket:{where}",))):
        with pytest.raises(NotBrought, match="the machine's own"):
            mounts.mounts(volumes, terms)


def test_nothing_is_mounted_through_a_link(tmp_path):
    (tmp_path / "in").symlink_to("/etc")
    text = mounts.script(mounts.mounts((), (f"s3://bucket:{tmp_path}/in",)), {})
    done = subprocess.run(["/bin/sh", "-s"], input=text, text=True, capture_output=True, check=False)
    assert done.returncode == 76
    assert done.stderr == f"{tmp_path}/in leads elsewhere on this machine: nothing is mounted there\n"


def test_a_machine_without_the_tool_refuses(tmp_path):
    text = mounts.script(mounts.mounts((), (f"s3://bucket:{tmp_path}/in",)), {})
    (tmp_path / "mountpoint").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "mountpoint").chmod(0o755)
    for tool in ("mkdir", "sh", "readlink"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    done = subprocess.run(
        ["/bin/sh", "-s"], input=text, env={"PATH": str(tmp_path)}, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (
        76,
        "this machine has neither mount-s3 nor s3fs: bucket cannot be mounted",
    )


def test_letting_go_of_a_machine_waits_for_no_copy(tmp_path, monkeypatch):
    """A disk, or a line, that never answers holds a thread, and not the controller that stops."""
    stuck, over = threading.Event(), threading.Event()

    def copies(*words):
        stuck.set()
        over.wait(60)
        return []

    async def there():
        return object(), PLACE

    async def as_root(connection, text):
        return b""

    async def main():
        rental = Rental("b", STORE, Owner(1, 1, "a", "a"), MarketTerms(), Identity("", tmp_path), tmp_path / "b", 1)
        machine = Machine(rental)
        for name, way in (("reach", there), ("as_root", as_root)):
            monkeypatch.setattr(machine._visit, name, way)
        await machine.start(lambda fact: asyncio.sleep(0), [])
        await machine.launch(message(tmp_path, "true"))
        while not stuck.is_set():
            await asyncio.sleep(0.01)
        await asyncio.wait_for(machine.close(), 10)

    monkeypatch.setattr(machines, "_exchanged", copies)
    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 20
    over.set()
