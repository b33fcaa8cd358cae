"""slurm.conf and gres.conf to a cluster."""

from __future__ import annotations

import pytest

from flowbatch.directives import slurmconf
from flowbatch.errors import ConfigError
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec

ORACLE = """\
ClusterName=oracle
SlurmctldHost=host(127.0.0.1)
SlurmctldPort=26817
SlurmUser=root
AuthType=auth/none
StateSaveLocation=/dir/state
SlurmdSpoolDir=/dir/spool/%n
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0
MaxArraySize=100001
MaxJobCount=200000
ReturnToService=2
MpiDefault=none
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=n[1-4] NodeHostname=host NodeAddr=127.0.0.1 Port=[26827-26830] CPUs=8 Sockets=1 CoresPerSocket=8 \
ThreadsPerCore=1 RealMemory=16000 Gres=gpu:h100:8 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
ORACLE_GRES = "NodeName=n[1-4] Name=gpu Type=h100 File=/dir/dev/gpu[0-7]\n"

SMALL = "SelectType=select/cons_tres\nNodeName=n1 CPUs=4\nPartitionName=p Nodes=ALL Default=YES\n"


def cluster(text: str, gres: str | None = None) -> ClusterSpec:
    return slurmconf.parse(text, gres, hostname="here")


def node(words: str) -> NodeSpec:
    return cluster(f"NodeName=n1 {words}\nPartitionName=p Nodes=ALL\n").nodes[0]


def partition(words: str) -> PartitionSpec:
    return cluster(f"SelectType=select/cons_tres\nNodeName=n1\nPartitionName=p Nodes=n1 {words}\n").partitions[0]


def test_the_judges_own_file() -> None:
    read = cluster(ORACLE, ORACLE_GRES)
    files = tuple(f"/dir/dev/gpu{index}" for index in range(8))
    names = ("n1", "n2", "n3", "n4")
    assert read == ClusterSpec(
        name="oracle",
        nodes=tuple(
            NodeSpec(
                name=name,
                cpus=8,
                cores_per_socket=8,
                real_memory=16000,
                gres=(GresDevice(name="gpu", type="h100", count=8, files=files),),
            )
            for name in names
        ),
        partitions=(PartitionSpec(name="debug", nodes=names, default=True),),
        max_array_size=100001,
        max_job_count=200000,
        gres_types=("gpu",),
        other=(
            ("SlurmctldHost", "host(127.0.0.1)"),
            ("SlurmctldPort", "26817"),
            ("SlurmUser", "root"),
            ("AuthType", "auth/none"),
            ("StateSaveLocation", "/dir/state"),
            ("SlurmdSpoolDir", "/dir/spool/%n"),
            ("ProctrackType", "proctrack/linuxproc"),
            ("ReturnToService", "2"),
            ("MpiDefault", "none"),
            ("SlurmdParameters", "config_overrides"),
        ),
    )


def test_files_are_written_as_slurm_lets_one_write_them() -> None:
    read = cluster(
        "# first\r\n\r\n  clustername = Lab  # name\r\n"
        'MailProg="/opt/my mail" MailDomain=a\\#b\n'
        "NodeName=DEFAULT RealMemory=5\n"
        "NodeName=n[1-2] CPUs=2 \\\n  # no comment ends it \n"
        "nodename=m Feature=a,b\n"
        "PartitionName=DEFAULT MaxTime=1-0\n"
        "PartitionName=a Nodes=m,n1 default=yes\n"
        "PartitionName=b Nodes=ALL MaxTime=UNLIMITED MinJobAge=3"
    )
    assert (read.name, read.mail_prog, read.mail_domain) == ("lab", "/opt/my mail", "a#b")
    assert [(one.name, one.cpus, one.real_memory, one.features) for one in read.nodes] == [
        ("n1", 2, 5, ()),
        ("n2", 2, 5, ()),
        ("m", 1, 5, ("a", "b")),
    ]
    assert [(one.name, one.nodes, one.max_time_min, one.default) for one in read.partitions] == [
        ("a", ("n1", "m"), 1440, True),
        ("b", ("n1", "n2", "m"), None, False),
    ]
    assert read.other == (("MinJobAge", "3"),)


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        ("", (1, 1, 1, 1)),
        ("CPUs=8", (8, 8, 1, 1)),
        ("CPUs=8 ThreadsPerCore=2", (8, 4, 1, 2)),
        ("Sockets=2 CoresPerSocket=4 ThreadsPerCore=2", (16, 2, 4, 2)),
        ("CPUs=8 Sockets=2 CoresPerSocket=4 ThreadsPerCore=2", (8, 2, 4, 2)),
        ("CPUs=5 Sockets=2 CoresPerSocket=4", (8, 2, 4, 1)),
        ("Boards=2 SocketsPerBoard=2 CoresPerSocket=3", (12, 4, 3, 1)),
        ("Procs=2", (2, 2, 1, 1)),
    ],
)
def test_cpus_and_sockets_follow_from_one_another(words: str, shape: tuple[int, int, int, int]) -> None:
    read = node(words)
    assert (read.cpus, read.sockets, read.cores_per_socket, read.threads_per_core) == shape


def test_words_of_nodes() -> None:
    read = node("TmpDisk=7 Weight=3 State=drain Gres=gpu:h100:2(S:0-1),nvme:1 Reason=old")
    assert (read.tmp_disk, read.weight, read.state) == (7, 3, "DRAIN")
    assert read.gres == (GresDevice(name="gpu", type="h100", count=2), GresDevice(name="nvme", count=1))


def test_words_of_partitions() -> None:
    read = partition(
        "DefaultTime=30 MaxNodes=UNLIMITED MinNodes=2 OverSubscribe=FORCE:4 Priority=5 PriorityTier=6 State=Drain "
        "Hidden=1 RootOnly=YES AllowAccounts=a,b AllowQos=ALL DefMemPerCPU=10 MaxMemPerNode=0 MaxCPUsPerNode=3"
    )
    assert read == PartitionSpec(
        name="p", nodes=("n1",), default_time_min=30, min_nodes=2, over_subscribe="FORCE", priority_job_factor=5,
        priority_tier=6, state="DRAIN", hidden=True, root_only=True, allow_accounts=("a", "b"), def_mem_per_cpu=10,
        max_cpus_per_node=3,
    )  # fmt: skip


def test_words_of_the_cluster() -> None:
    read = cluster(
        SMALL + "EnforcePartLimits=YES\nJobRequeue=0\nLicenses=foo:4,bar\nSchedulerType=sched/builtin\n"
        "SchedulerParameters=bf_continue,default_queue_depth=7,sched_interval=9,max_script_size=1000\nDependencyParameters=kill_invalid_depend\n"
        "OverTimeLimit=2\nMinJobAge=9\nMinJobAge=8\n"
    )
    assert (read.name, read.enforce_part_limits, read.job_requeue, read.backfill) == ("here", "ALL", False, False)
    assert (read.default_queue_depth, read.kill_on_invalid_dep, read.over_time_limit_min) == (7, True, 2)
    assert (read.sched_interval_s, read.max_script_size) == (9, 1000)
    assert (read.licenses, read.min_job_age_s) == ((("foo", 4), ("bar", 1)), 8)
    assert read.other == (("SchedulerParameters", "bf_continue"),)


@pytest.mark.parametrize(
    ("words", "whole", "cores", "memory"),
    [
        ("", True, True, False),
        ("SelectType=select/linear", True, True, False),
        ("SelectType=select/cons_tres", False, True, True),
        ("SelectType=select/cons_res SelectTypeParameters=CR_CPU", False, False, False),
        ("SelectType=select/cons_tres SelectTypeParameters=CR_Core_Memory,CR_Pack_Nodes", False, True, True),
        ("SelectType=select/cons_tres SelectTypeParameters=CR_CPU_Memory", False, False, True),
    ],
)
def test_what_is_given_out(words: str, whole: bool, cores: bool, memory: bool) -> None:
    read = cluster(f"{words}\nNodeName=n1\nPartitionName=p Nodes=n1\n")
    assert read.partitions[0].over_subscribe == ("EXCLUSIVE" if whole else "NO")
    assert (read.select_cores, read.select_memory) == (cores, memory)


def test_devices_of_gres_conf() -> None:
    text = "NodeName=n[1-2] CPUs=1 Gres=gpu:a:2,gpu:b:1\nPartitionName=p Nodes=ALL\n"
    read = cluster(text, "AutoDetect=off\nName=gpu Type=a File=/dev/a0 Cores=0\nName=gpu Type=a File=/dev/a1\n")
    assert [device.files for device in read.nodes[1].gres] == [("/dev/a0", "/dev/a1"), ()]
    any_type = cluster(text.replace(",gpu:b:1", ""), "NodeName=n1 Name=gpu File=/dev/x[0-3]\n")
    assert [one.gres[0].files for one in any_type.nodes] == [("/dev/x0", "/dev/x1"), ()]


def test_included_files_stand_in_place() -> None:
    files = {"a.conf": "NodeName=n1\nInclude b.conf\n", "b.conf": "NodeName=n2\n"}
    text = "include a.conf\nPartitionName=p Nodes=ALL\n"
    read = slurmconf.parse(text, hostname="here", include=lambda path: files[path])
    assert [one.name for one in read.nodes] == ["n1", "n2"]
    with pytest.raises(ConfigError, match=r"a\.conf:2: Include=b\.conf: cannot"):
        slurmconf.parse(text, hostname="here", include=lambda path: files["a.conf"] if path == "a.conf" else _missing())


def _missing() -> str:
    raise OSError(2, "cannot be found")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a word\n", "slurm.conf:1: unexpected 'a'"),
        (SMALL + "\nMaxTime\n", "slurm.conf:5: unexpected 'M'"),
        ("NodeName=n1 CPUs=x\n", "slurm.conf:1: CPUs=x: not a number"),
        ("NodeName=n1 CPUs=0\nPartitionName=p\n", "slurm.conf:1: NodeName=n1: a node has at least one of each"),
        ("NodeName=n[2-1]\n", "slurm.conf:1: NodeName=n[2-1]: Invalid range: `2-1'"),
        ("NodeName=n1\nNodeName=n[1-2]\n", "slurm.conf:2: NodeName=n[1-2]: n1 is named twice"),
        ("NodeName=n1 Gres=gpu:a:x\n", "slurm.conf:1: Gres=gpu:a:x: unexpected 'x'"),
        (SMALL + "PartitionName=q Nodes=n9\n", "slurm.conf:4: PartitionName=q: Nodes=n9: there is no node n9"),
        (SMALL + "PartitionName=q MaxTime=x\n", "slurm.conf:4: MaxTime=x: unexpected 'x'"),
        (SMALL + "PartitionName=q State=x\n", "slurm.conf:4: State=x: none of UP, DOWN, DRAIN, INACTIVE"),
        (SMALL + "JobRequeue=perhaps\n", "slurm.conf:4: JobRequeue=perhaps: neither YES nor NO"),
        (
            SMALL + "SchedulerParameters=max_script_size=0\n",
            "slurm.conf:4: SchedulerParameters=max_script_size=0: not from 1 to 33554432",
        ),
        (SMALL + "Include x.conf\n", "slurm.conf:4: Include=x.conf: cannot be included here"),
        ("PartitionName=p Nodes=ALL\n", "slurm.conf: no NodeName line"),
        ("NodeName=n1\n", "slurm.conf: no PartitionName line"),
        ("", "slurm.conf: no NodeName line"),
    ],
)
def test_what_cannot_be_understood_names_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cluster(text)
    assert caught.value.message == message
    assert caught.value.hint
