"""An instance's SSH server, as OpenSSH's clients, rsync and paramiko meet it."""

from __future__ import annotations

import filecmp
import os
import socket
import subprocess
import threading
from pathlib import Path

import paramiko
import pytest

PATIENCE_S = 20


@pytest.fixture(scope="module")
def house(lasting_house):
    return lasting_house


@pytest.fixture(scope="module")
def address(house):
    return house.boot()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files of all kinds."""
    tree = tmp_path / "tree"
    (tree / "deep/er").mkdir(parents=True)
    (tree / "deep/er/big").write_bytes(os.urandom(3 << 20))
    (tree / "tool").write_text("#!/bin/sh\n")
    (tree / "tool").chmod(0o755)
    (tree / "empty").touch()
    (tree / "name with ü").write_text("x")
    return tree


def same(left: Path, right: Path) -> bool:
    compared = filecmp.dircmp(left, right)
    return (
        not compared.left_only and not compared.right_only and not compared.diff_files
        and all(same(left / name, right / name) for name in compared.common_dirs)
    )  # fmt: skip


def test_exit_codes_and_streams(house, address) -> None:
    done = house.ssh(address, "cat; echo wrong >&2; exit 7", given=b"said\0\xff")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"said\0\xff", b"wrong\n")


def test_what_sshd_sets(house, address) -> None:
    environment = dict(line.split("=", 1) for line in house.says(address, "env").splitlines())
    assert environment["USER"] == environment["LOGNAME"] == "ubuntu"
    assert environment["HOME"] == environment["PWD"] == "/home/ubuntu"
    assert environment["SHELL"] == "/bin/bash"
    assert environment["SSH_CONNECTION"].endswith(f" {address.port}")
    assert "/usr/bin" in environment["PATH"].split(":")


def test_a_client_may_set_its_language_and_nothing_else(house, address) -> None:
    given = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LC_ALL": "C.UTF-8", "SECRET": "1"}
    done = house.ssh(address, "echo $LC_ALL-$SECRET", "ubuntu", "-o", "SendEnv=LC_ALL SECRET", env=given)
    assert done.stdout == b"C.UTF-8-\n"


def test_a_signal_ends_it_as_a_signal(house, address) -> None:
    client = connected(house, address)
    channel = client.get_transport().open_session()
    channel.exec_command("kill -TERM $$; sleep 5")
    assert channel.recv_exit_status() == -1  # paramiko's word for no status: it was a signal
    client.close()
    assert house.ssh(address, "kill -KILL $$").returncode == 255


def test_a_clients_signal_reaches_the_command(house, address) -> None:
    command = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    client = connected(house, address)
    channel = client.get_transport().open_session()
    channel.exec_command(command)
    assert channel.recv(100) == b"ready\n"
    message = paramiko.Message()
    message.add_byte(bytes([98]))  # SSH_MSG_CHANNEL_REQUEST
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string("TERM")
    channel.transport._send_user_message(message)
    assert channel.recv_exit_status() == 5
    client.close()


def test_a_terminal(house, address) -> None:
    done = house.ssh(address, "tty; stty size; [ -t 0 ] && [ -t 1 ] && echo $TERM; exit 4", "ubuntu", "-tt")
    assert done.returncode == 4
    assert done.stdout.split()[0].startswith(b"/dev/pts/")


def test_a_login_shell_on_a_terminal(house, address) -> None:
    client = connected(house, address)
    shell = client.invoke_shell(term="xterm", width=101, height=37)
    shell.settimeout(PATIENCE_S)
    shell.send(b"shopt -q login_shell && echo log''in; stty size; exit 3\n")
    said = b""
    while not shell.exit_status_ready() or shell.recv_ready():
        if not (got := shell.recv(1000)):
            break
        said += got
    assert b"login" in said
    assert b"37 101" in said
    assert shell.recv_exit_status() == 3
    client.close()


def test_a_client_that_goes_leaves_no_terminal_program(house, address, until) -> None:
    client = connected(house, address)
    channel = client.get_transport().open_session()
    channel.get_pty()
    channel.exec_command("echo ready; exec sleep 98762.125")
    assert b"ready" in channel.recv(100)
    client.close()
    until(lambda: house.ssh(address, "pgrep -f 'sleep [9]8762[.]125'").returncode == 1)


def test_strangers_stay_out(house, address, tmp_path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    words = house.options("p", address.port)
    words[words.index("-i") + 1] = str(tmp_path / "other")
    refused = subprocess.run(
        ["ssh", *words, "-o", "IdentitiesOnly=yes", "ubuntu@localhost", "id"], capture_output=True, timeout=PATIENCE_S
    )
    assert refused.returncode == 255
    assert b"Permission denied (publickey)" in refused.stderr
    assert house.ssh(address, "id", "nosuchuser").returncode == 255


def test_a_key_that_is_added_inside_lets_its_owner_in(house, address, tmp_path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    house.says(address, f"echo '{(tmp_path / 'other.pub').read_text().strip()}' >> ~/.ssh/authorized_keys")
    words = house.options("p", address.port)
    words[words.index("-i") + 1] = str(tmp_path / "other")
    assert subprocess.run(["ssh", *words, "ubuntu@localhost", "true"], timeout=PATIENCE_S).returncode == 0


def test_the_host_key_stays_its_own(house) -> None:
    def key(address) -> bytes:
        return subprocess.run(
            ["ssh-keyscan", "-p", str(address.port), "localhost"], capture_output=True, timeout=PATIENCE_S
        ).stdout.split()[-1]

    first, other = key(house.boot("inst_2")), key(house.boot("inst_3"))
    assert first != other
    house.halt("inst_2")
    assert key(house.boot("inst_2")) == first


@pytest.mark.parametrize("protocol", ["-s", "-O"])
def test_scp_both_ways(house, address, tree, tmp_path, protocol) -> None:
    house.says(address, "rm -rf there")
    words = ["scp", protocol, "-r", "-p", *house.options("P", address.port)]
    subprocess.run([*words, str(tree), "ubuntu@localhost:there"], check=True, timeout=PATIENCE_S)
    assert house.says(address, "stat -c '%U %a' there/tool; ls there | wc -l").split()[-2:] == ["755", "4"]
    subprocess.run([*words, "ubuntu@localhost:there", str(tmp_path / "back")], check=True, timeout=PATIENCE_S)
    assert same(tree, tmp_path / "back")
    assert (tmp_path / "back/tool").stat().st_mtime == int((tree / "tool").stat().st_mtime)


def test_rsync_both_ways(house, address, tree, tmp_path) -> None:
    house.says(address, "rm -rf there")
    words = ["rsync", "-a", "-e", " ".join(["ssh", *house.options("p", address.port)])]
    subprocess.run([*words, f"{tree}/", "ubuntu@localhost:there/"], check=True, timeout=PATIENCE_S)
    subprocess.run([*words, "ubuntu@localhost:there/", str(tmp_path / "back")], check=True, timeout=PATIENCE_S)
    assert same(tree, tmp_path / "back")


def test_sftp_as_a_library_uses_it(house, address, tree) -> None:
    client = connected(house, address)
    files = client.open_sftp()
    files.put(str(tree / "deep/er/big"), "big")
    assert files.stat("big").st_size == 3 << 20
    assert files.normalize(".") == "/home/ubuntu"
    files.mkdir("d")
    files.rename("big", "d/a")
    files.symlink("/home/ubuntu/d/a", "link")
    assert files.readlink("link") == "/home/ubuntu/d/a"
    assert files.stat("link").st_size == 3 << 20
    files.chmod("d/a", 0o640)
    assert files.lstat("d/a").st_mode & 0o777 == 0o640
    files.truncate("d/a", 10)
    with files.open("d/b", "w") as new:
        new.write("hello ")
        new.write("there")
    with files.open("d/b") as back:
        assert back.read() == b"hello there"
    assert sorted(files.listdir("d")) == ["a", "b"]
    with pytest.raises(OSError, match="File exists"):
        files.rename("d/a", "d/b")
    files.posix_rename("d/a", "d/b")
    with pytest.raises(FileNotFoundError):
        files.stat("d/a")
    with pytest.raises(PermissionError):
        files.open("/etc/shadow" if os.geteuid() == 0 else "/proc/1/root/x", "w")
    files.remove("d/b")
    files.rmdir("d")
    client.close()


def test_ports_are_forwarded(house, address) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        line, _ = listener.accept()
        line.sendall(b"hello")
        line.close()

    greeting = threading.Thread(target=greet)
    greeting.start()
    client = connected(house, address)
    channel = client.get_transport().open_channel("direct-tcpip", listener.getsockname(), ("127.0.0.1", 0))
    assert channel.recv(10) == b"hello"
    client.close()
    greeting.join()
    listener.close()


def test_much_is_said_at_once(house, address) -> None:
    done = house.ssh(address, "head -c 20000000 /dev/zero | tee /dev/stderr", given=b"")
    assert len(done.stdout) == len(done.stderr) == 20000000
    assert house.ssh(address, "wc -c", given=bytes(10 << 20)).stdout.split() == [b"10485760"]


def test_a_long_command(house, address) -> None:
    word = "x" * 100_000
    assert house.says(address, f"echo {word} | wc -c") == "100001"


def test_an_instance_that_is_switched_off_lets_its_clients_go(house) -> None:
    address = house.boot("inst_4")
    waiting = subprocess.Popen(
        ["ssh", *house.options("p", address.port), "ubuntu@localhost", "echo ready; sleep 1000"], stdout=subprocess.PIPE
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == b"ready\n"
    house.halt("inst_4")
    assert waiting.wait(PATIENCE_S) == 255
    waiting.stdout.close()


def connected(house, address) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        address.host,
        address.port,
        "ubuntu",
        key_filename=str(house.key),
        look_for_keys=False,
        allow_agent=False,
        timeout=PATIENCE_S,
    )
    return client
