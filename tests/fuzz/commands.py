"""Readers of the commands' own words, as targets: hostile words on a command line, one each line of the input."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from flowbatch import text
from flowbatch.commands import plain_options
from flowbatch.commands.accounting import sacct_fields, sacct_options, sacctmgr_request, sreport_request
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.commands.control import scancel_options, scontrol_settings
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.listing import sinfo_options, squeue_options
from flowbatch.directives import slurmconf
from tests.languages import NOW

Words = tuple[str, ...]
UID, LARGEST = 1000, 1_000_001
RESOURCES = ("gres/gpu", "license/matlab")
CLUSTER = slurmconf.parse(
    "ClusterName=c\nGresTypes=gpu\nLicenses=matlab:3\nNodeName=n[1-4] CPUs=8 Gres=gpu:2\nPartitionName=p Nodes=ALL\n",
    None, hostname="n1", name="slurm.conf", gres_name="gres.conf", include=lambda name: "",
)  # fmt: skip
NOWHERE = SimpleNamespace(write=lambda text: None)
CALL = cast(Call, SimpleNamespace(environ={}, out=NOWHERE, err=NOWHERE))


def words(data: bytes) -> Words:
    return tuple(word for word in text.decode(data).split("\n") if "\0" not in word)


def _settings(data: bytes) -> None:
    """`scontrol update jobid=7 KEY=VALUE`."""
    queue = SimpleNamespace(cluster=CLUSTER, now=lambda: int(NOW))
    asked = cast(Asked, SimpleNamespace(call=CALL, queue=queue))
    for word in words(data):
        key, _, value = word.partition("=")
        scontrol_settings.changes(asked, key.lower(), value)


def _accounts(data: bytes) -> None:
    """`sacctmgr add|modify|delete ENTITY ...`."""
    act, *given = words(data) or ("",)
    entity = {"u": "user", "q": "qos", "c": "cluster"}.get(act[1:2], "account")
    if act.startswith("a"):
        sacctmgr_request.added(entity, given, RESOURCES, ("normal",))
    else:
        sacctmgr_request.conditioned(entity, given, RESOURCES, ("normal",), sets=act.startswith("m"))


def _columns(data: bytes) -> None:
    wanted = sacct_options.read(words(data), {}, UID, int(NOW))
    sacct_fields.columns(wanted.columns)


def _report(data: bytes) -> None:
    said = plain_options.read("sreport", "REPORT", sreport_request.OPTIONS, words(data))
    sreport_request.report_of(CALL, said, CLUSTER, int(NOW))


READERS: dict[str, tuple[Callable[[bytes], Any], tuple[bytes, ...]]] = {
    "sacct words": (
        _columns,
        (b"-X\n-S\nnow-2days\n-E\n2026-11-22T10:00:00\n-o\njobid%-20,state", b"-j7_3,8.0,9+1\n-s\nCD,F\n-i2-4\n-k1:00"),
    ),
    "squeue words": (lambda data: squeue_options.read(words(data), {}, UID), (b"-j7_[1-3]\n-tPD,R\n-S-i,t\n-o%.18i", b"--start\n-wn[1-3]")),
    "sinfo words": (lambda data: sinfo_options.read(words(data), {}, UID), (b"-N\n-l\n-pdebug\n-tidle&drain\n-o%10P %t",)),
    "scancel words": (lambda data: scancel_options.read(words(data), {}, UID, LARGEST), (b"-s\nUSR1\n-b\n7_[1-3,5]\n8.0\n9+1", b"-tPD\n-u\n1000")),
    "sreport words": (_report, (b"cluster\nutilization\nstart=2026-11-01\n-t\nHours",)),
    "sacctmgr words": (_accounts, (b"aa\nphysics\nparent=root\nGrpTRES=cpu=4,mem=2G\nMaxWall=1-0", b"mu\nada\nwhere\naccount=x\nset\nfairshare=3\nMaxJobs=-1", b"dq\nlong")),
    "scontrol update": (_settings, (b"TimeLimit=+1-0\nNice=-5\nDependency=afterok:3\nFeatures=a&b", b"StartTime=now+1hour\nGres=gpu:2\nMinMemoryNode=2G\nNodeList=n[1-2]")),
}  # fmt: skip
"""A reader each, and words to begin from. All refuse by Stop."""

REFUSALS = (Stop,)
