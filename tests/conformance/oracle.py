"""A real Slurm on this machine, as the judge of ours: one slurmctld and a few slurmd, all on loopback, under one directory.

Needs Debian's slurm-wlm (22.05) and root, for the device nodes that stand for GPUs. `python -m tests.conformance.oracle
DIR` starts one, prints the line to eval and stops it at the end of standard input.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FIRST_JOB_ID = 50_000

SHAPE = """\
MaxArraySize=100001
MaxJobCount=200000
FirstJobId={first}
KillWait=2
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
Licenses=matlab:2,ansys:10
NodeName=n[1-{nodes}] {plumbing}CPUs={cpus} Sockets=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory=16000 \
Gres=gpu:h100:{gpus} Feature=fast,big State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=n1 MaxTime=30 State=UP
PartitionName=closed Nodes=n2 State=DOWN
PartitionName=urgent Nodes=n1 PriorityTier=5 MaxTime=60 DefaultTime=10 State=UP
PartitionName=shared Nodes=n3 OverSubscribe=YES State=UP
{extra}
"""
"""The cluster's shape in slurm.conf's words; both worlds read it, real Slurm with `plumbing` and more lines around it."""

_AROUND = """\
ClusterName=oracle
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool/%n
SlurmctldPidFile={dir}/run/slurmctld.pid
SlurmdPidFile={dir}/run/slurmd-%n.pid
SlurmctldLogFile={dir}/log/slurmctld.log
SlurmdLogFile={dir}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
MpiDefault=none
SlurmdParameters=config_overrides
"""


def installed() -> bool:
    return shutil.which("slurmctld") is not None and shutil.which("slurmd") is not None and os.geteuid() == 0


def shape(*, plumbing: str = "", nodes: int = 4, cpus: int = 8, gpus: int = 8, extra: str = "") -> str:
    """The slurm.conf lines that say what the cluster is; `extra` lines come last."""
    return SHAPE.format(first=FIRST_JOB_ID, plumbing=plumbing, nodes=nodes, cpus=cpus, gpus=gpus, extra=extra)


def gres_conf(devices: Path, nodes: int = 4, gpus: int = 8) -> str:
    return f"NodeName=n[1-{nodes}] Name=gpu Type=h100 File={devices}/gpu[0-{gpus - 1}]\n"


_DATABASE = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoreFlags=job_comment,job_script,job_env
"""
TRACKED = "AccountingStorageTRES=gres/gpu\n"
"""What is counted where accounts are kept."""

_DAEMON = """\
AuthType=auth/none
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
LogFile={dir}/log/slurmdbd.log
PidFile={dir}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={sql_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
"""
_GRANTS = """
create database slurm; create user slurm@'127.0.0.1' identified by 'slurm'; create user slurm@localhost identified by 'slurm';
grant all on slurm.* to slurm@'127.0.0.1'; grant all on slurm.* to slurm@localhost;
"""


def keeps_accounts() -> bool:
    """Whether a real Slurm here can have a database."""
    return installed() and shutil.which("slurmdbd") is not None and shutil.which("mariadbd") is not None


def _accounting(directory: Path, port: int, env: dict[str, str]) -> None:
    """slurmdbd on a private MariaDB, with the account `research` and the calling user in it."""
    socket_path, data = directory / "run" / "db.sock", directory / "db"
    data.mkdir(exist_ok=True)
    _run(
        [
            "mariadb-install-db",
            "--no-defaults",
            "--user=root",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
        ],
        env,
    )
    with (directory / "log" / "mariadb.log").open("w") as log:
        subprocess.run(  # in a session of its own: it is ended by its pid file, like the other daemons
            ["setsid", "--fork", "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={socket_path}",
             f"--port={port + 3}", "--bind-address=127.0.0.1", f"--pid-file={directory}/run/mariadb.pid",
             "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True, timeout=60,
        )  # fmt: skip
    client = ["mariadb", "--no-defaults", "-S", str(socket_path), "-u", "root", "-e"]
    _until(lambda: "ready" in _run([*client, "select 'ready'"], env), "MariaDB")
    _run([*client, _GRANTS], env)
    conf = directory / "slurmdbd.conf"
    conf.write_text(_DAEMON.format(dir=directory, port=port + 2, sql_port=port + 3))
    conf.chmod(0o600)
    _run(["slurmdbd"], env)
    _until(lambda: "Cluster" in _run(["sacctmgr", "list", "cluster"], env), "slurmdbd")
    for words in (("cluster", "oracle"), ("account", "research", "Description=research", "Organization=research"),
                  ("user", "root", "Account=research")):  # fmt: skip
        _run(["sacctmgr", "-i", "add", *words], env)


def _until(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come up")
        time.sleep(0.3)


@contextmanager
def real_slurm(
    directory: Path, *, nodes: int = 4, cpus: int = 8, gpus: int = 8, extra: str = "", accounts: bool = False
) -> Iterator[dict[str, str]]:
    """A running Slurm whose nodes are idle; yields the environment to add. Stops what it started, by pid.

    `accounts`: it keeps them, in a database of its own.
    """
    for part in ("state", "spool", "log", "run", "dev"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    for index in range(gpus):
        device = directory / "dev" / f"gpu{index}"
        if not device.exists():
            os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    host = socket.gethostname().split(".")[0]
    port = _free_port()
    plumbing = f"NodeHostname={host} NodeAddr=127.0.0.1 Port=[{port + 10}-{port + 9 + nodes}] "
    around = _AROUND.format(host=host, port=port, user="root", dir=directory)
    around += _DATABASE.format(port=port + 2) + TRACKED if accounts else ""
    conf = directory / "slurm.conf"
    conf.write_text(around + shape(plumbing=plumbing, nodes=nodes, cpus=cpus, gpus=gpus, extra=extra))
    (directory / "gres.conf").write_text(gres_conf(directory / "dev", nodes, gpus))
    env = {"SLURM_CONF": str(conf)}
    try:
        if accounts:
            _accounting(directory, port, env)
        _run(["slurmctld", "-c", "-f", str(conf)], env)
        for index in range(1, nodes + 1):
            _run(["slurmd", "-f", str(conf), "-N", f"n{index}"], env)
        _until_idle(nodes, env)
        yield env
    finally:
        _stop(directory)


def _free_port() -> int:
    """The first of a block of ports that nobody listens on: slurmctld's, the database's behind it, and from the tenth on the nodes'."""
    for first in range(27817, 30000, 100):
        if all(_is_free(first + offset) for offset in (0, 2, 3, 10)):
            return first
    raise RuntimeError("no port is free for a real Slurm")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _run(argv: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(argv, env=os.environ | env, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout


def _until_idle(nodes: int, env: dict[str, str]) -> None:
    listing = ["sinfo", "-h", "-N", "-p", "debug", "-o", "%t"]
    _until(lambda: _run(listing, env).split().count("idle") >= nodes, "the nodes of the real Slurm")


def _stop(directory: Path) -> None:
    files = list((directory / "run").glob("*.pid"))
    for file in files:
        try:
            os.kill(int(file.read_text()), signal.SIGTERM)
        except (OSError, ValueError):
            continue
    deadline = time.monotonic() + 10
    while any(file.exists() for file in files) and time.monotonic() < deadline:
        time.sleep(0.1)


if __name__ == "__main__":
    with real_slurm(Path(sys.argv[1])) as variables:
        print(" ".join(f"export {name}={value};" for name, value in variables.items()), flush=True)
        sys.stdin.read()
