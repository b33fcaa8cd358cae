"""What an instance is: a root of its own, a disk that stays, a start-up script that runs once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from flowbatch.errors import MachineFailed
from flowbatch.sandbox.machines import host, needs


def processes_with(word: str) -> list[int]:
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (directory / "cmdline").read_bytes():
                found.append(int(directory.name))
        except OSError:
            continue
    return found


def test_the_hosts_directories_are_not_to_be_seen(house, tmp_path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job/train.py").write_text("precious")
    address = house.boot()
    assert house.says(address, "ls -A /home /tmp /root", "root").split() == [
        "/home:",
        "ubuntu",
        "/root:",
        ".curlrc",
        ".ssh",
        "/tmp:",
    ]
    assert house.ssh(address, f"ls {tmp_path}").returncode == 2
    house.says(
        address, f"mkdir -p {tmp_path}/job && echo other > {tmp_path}/job/train.py && cat {tmp_path}/job/train.py"
    )
    assert (tmp_path / "job/train.py").read_text() == "precious"


def test_what_it_changes_in_the_system_is_its_own(house) -> None:
    first, second = house.boot("inst_1"), house.boot("inst_2")
    house.says(first, "echo mine > /usr/local/bin/mine; echo mine > /etc/mine; rm /usr/bin/env", "root")
    assert house.ssh(first, "ls /usr/bin/env").returncode == 2
    assert house.says(second, "ls /usr/bin/env") == "/usr/bin/env"
    assert house.ssh(second, "ls /usr/local/bin/mine || ls /etc/mine").returncode == 2
    assert os.path.exists("/usr/bin/env")
    assert not os.path.exists("/etc/mine")
    assert not os.path.exists("/usr/local/bin/mine")


def test_it_sees_its_own_processes_alone(house) -> None:
    address = house.boot(hostname="node-7")
    assert house.says(address, "hostname; cat /etc/hostname; cat /proc/1/comm").splitlines() == [
        "node-7",
        "node-7",
        "python3",
    ]
    assert house.ssh(address, f"kill -0 {os.getpid()}", "root").returncode == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's instance has a single uid")
def test_ubuntu_is_1000_and_may_become_root(house) -> None:
    address = house.boot()
    assert house.says(address, "id -u; pwd; stat -c %U ~ ~/.ssh/authorized_keys").split() == [
        "1000",
        "/home/ubuntu",
        "ubuntu",
        "ubuntu",
    ]
    assert house.says(address, "sudo -n id -u; sudo -i pwd; sudo -u nobody id -un; sudo X=1 sh -c 'echo $X$SUDO_USER'").split() == [
        "0", "/root", "nobody", "1ubuntu",
    ]  # fmt: skip
    assert house.ssh(address, "sudo sh -c 'exit 9'").returncode == 9
    assert house.ssh(address, "cat /etc/shadow").returncode == 1


def test_the_start_up_script_runs_once_as_root_with_its_log(house, until) -> None:
    script = "id -u; pwd; echo $HOME; echo ran >> /root/runs; echo wrong >&2; exit 3"
    address = house.boot(script=script)
    log = "cat /var/log/foundry/startup_script.log"
    until(lambda: "ended" in house.says(address, log, "root"))
    assert house.says(address, log, "root").splitlines() == [
        "0", "/", "/root", "wrong", "/var/lib/foundry/startup_script.sh ended with 3",
    ]  # fmt: skip
    assert house.says(address, "stat -c %a /var/lib/foundry/startup_script.sh", "root") == "700"
    house.halt()
    again = house.boot(script=script)
    assert house.says(again, "cat /root/runs", "root") == "ran"


def test_its_disk_stays_but_what_is_passing_does_not(house) -> None:
    address = house.boot()
    house.says(
        address,
        "for d in /home/ubuntu /work /opt /var/lib /usr/local/lib /mnt/local /tmp /run; do mkdir -p $d; echo x > $d/x; done",
        "root",
    )
    house.halt()
    again = house.boot()
    assert house.says(again, "ls /*/x /home/ubuntu/x /usr/local/lib/x /var/lib/x /mnt/local/x 2>/dev/null || true").split() == [
        "/home/ubuntu/x", "/opt/x", "/usr/local/lib/x", "/var/lib/x", "/work/x",
    ]  # fmt: skip
    assert again == address


def test_each_boot_has_an_id(house) -> None:
    first = house.says(house.boot(), "cat /proc/sys/kernel/random/boot_id")
    house.halt()
    assert house.says(house.boot(), "cat /proc/sys/kernel/random/boot_id") != first


def test_every_order_may_come_twice(house) -> None:
    address = house.boot()
    assert house.boot() == address
    house.halt()
    house.halt()
    house.wait(house.machines.destroy("inst_1"))
    house.wait(house.machines.destroy("inst_1"))
    assert not (house.disks / "inst_1").exists()
    house.wait(house.machines.notice("inst_1", None))


def test_after_halt_nothing_of_it_lives(house, until) -> None:
    address = house.boot(script="setsid sleep 98761 & sleep 98761 &")
    house.says(address, "nohup setsid sleep 98761 >/dev/null 2>&1 & true")
    until(lambda: len(processes_with("98761")) >= 3)
    house.halt()
    assert processes_with("98761") == []
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(house.disks) not in mounts


def test_the_notice_comes_and_goes(house) -> None:
    address = house.boot()
    file = "/opt/mithril/MITHRIL_SIGNAL.yml"
    house.wait(house.machines.notice("inst_1", "2026-01-02T03:04:05Z"))
    assert house.says(address, f"cat {file}").splitlines() == [
        "instance_status: STATUS_PREEMPTING", "bid_status: Preempting", "end_time: 2026-01-02T03:04:05Z",
    ]  # fmt: skip
    house.wait(house.machines.notice("inst_1", None))
    assert house.ssh(address, f"cat {file}").returncode == 1


def test_volumes_are_the_same_for_all_who_have_them(house, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/set").write_text("numbers\n")
    volumes = (("datasets", str(tmp_path / "data")),)
    first, second = house.boot("inst_1", volumes=volumes), house.boot("inst_2", volumes=volumes)
    house.says(first, "echo more > /mnt/datasets/more", "root")
    assert house.says(second, "cat /mnt/datasets/set /mnt/datasets/more").split() == ["numbers", "more"]
    house.wait(house.machines.destroy("inst_1"))
    assert (tmp_path / "data/set").read_text() == "numbers\n"


def test_two_instances_know_each_other_by_name(house) -> None:
    peers = ("node-0", "node-1")
    first = house.boot("inst_1", peers=peers, hostname="node-0")
    second = house.boot("inst_2", peers=peers, hostname="node-1")
    own = host.own_address()
    for address in (first, second):
        assert house.says(address, "tail -n 2 /etc/hosts").splitlines() == [f"{own} node-1", f"{own} node-0"]
        assert house.says(address, "getent ahostsv4 node-1 | head -1 | cut -d' ' -f1") == own
    with socket.create_server((own, 0)) as head:
        house.says(
            second, f"python3 -c 'import socket; socket.create_connection((\"node-0\", {head.getsockname()[1]}))'"
        )


def test_a_file_volume_is_mounted_by_its_id(house, tmp_path) -> None:
    (tmp_path / "vol_a1").mkdir()
    (tmp_path / "vol_a1/set").write_text("numbers\n")
    address = house.boot(volumes=(("data", str(tmp_path / "vol_a1")),))
    mount = "mount -t nfs4 -o nfsvers=4.1,hard fileshare-{}.mithril.internal:/ /srv"
    assert house.says(address, f"{mount.format('vol_a1')} && mountpoint -q /srv && cat /srv/set", "root") == "numbers"
    refused = house.ssh(address, mount.format("vol_b2"), "root")
    assert refused.returncode == 32
    assert b"fileshare-vol_b2.mithril.internal:/ is no file volume of this instance" in refused.stderr


def test_what_is_missing_is_named(monkeypatch) -> None:
    monkeypatch.setattr(needs, "PYTHON", "/usr/bin/python-that-is-not-there")
    with pytest.raises(MachineFailed, match="there is no /usr/bin/python-that-is-not-there") as refused:
        needs.check()
    assert "apt-get install python3" in str(refused.value.hint)
    monkeypatch.setattr(needs, "PROGRAMS", {"no-such-program": "its-package"})
    with pytest.raises(MachineFailed, match="need no-such-program"):
        needs.check()


def test_a_mount_that_is_not_allowed_is_said(house, tmp_path) -> None:
    house.boot("inst_2")  # skips where nothing is allowed
    gone = str(tmp_path / "not-there")
    with pytest.raises(MachineFailed, match=f"mount --bind {gone}"):
        house.wait(house.machines.boot(house.order(volumes=(("data", gone),))))
    assert house.wait(house.machines.boot(house.order())).port
