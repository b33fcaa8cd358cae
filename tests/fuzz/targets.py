"""What is fed with hostile bytes: every reader of words that come from outside. Each may refuse in its own way, and in no other."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from flowbatch import text
from flowbatch.backends.conversation import fact_of
from flowbatch.backends.mithril import wire
from flowbatch.directives import crontab, flowtoml, market, sbatch, slurmconf
from flowbatch.directives.chosen import FileWanted, Surroundings
from flowbatch.directives.diagnosis import DirectiveError
from flowbatch.directives.script import Script, fault
from flowbatch.directives.settings import Help
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.errors import ConfigError, FlowError
from flowbatch.node import journal
from flowbatch.node.srun import options as srun_options
from flowbatch.node.steps import STEP_WORDS
from flowbatch.protocol import frames, launch
from flowbatch.slurm import hostlist as hosts
from flowbatch.slurm import patterns
from flowbatch.store.sqlite import SqliteStore
from tests.fuzz import commands
from tests.languages import LANGUAGES, NOW

DATA = Path(__file__).parents[1] / "data"
AROUND = Surroundings(now=NOW, cwd="/home/ada")
NAMES = patterns.Names(7, "train", "ada", "vm", 6, 3)


@dataclass(frozen=True)
class Target:
    """A reader, how it may refuse, and inputs to begin from."""

    feed: Callable[[bytes], object]
    refusals: tuple[type[BaseException], ...]
    seeds: tuple[bytes, ...]


@cache
def _values() -> dict[str, list[bytes]]:
    """What real scripts say, by option."""
    found: dict[str, list[bytes]] = {}
    for line in (DATA / "corpus" / "values.jsonl").read_text().splitlines():
        said = json.loads(line)
        found.setdefault(said["opt"], []).append(said["value"].encode(errors="surrogateescape"))
    return found


def _value(parse: Callable[[str], Any], *options: str, more: tuple[bytes, ...] = ()) -> Target:
    seeds = tuple(seed for option in options for seed in _values().get(option, [])[:40])
    return Target(lambda data: parse(text.decode(data)), (ValueSyntax,), seeds + more)


def _script(data: bytes) -> None:
    if fault(data) is not None:
        return
    line = sbatch.command_line([], AROUND, {})
    sbatch.read(line, data, "job.sh", AROUND, {})


def _words(data: bytes) -> None:
    words = text.decode(data).split("\n")
    sbatch.command_line([word for word in words if "\0" not in word], AROUND, {})


def _market(data: bytes) -> None:
    if fault(data) is None:
        market.read(Script(data), {})


def _frame(data: bytes) -> None:
    kind, _ = frames.header(data[: frames.HEADER.size].ljust(frames.HEADER.size, b"\0"))
    if kind is frames.Kind.CALL:
        frames.unpack_call(data[frames.HEADER.size :])


def _node_says(data: bytes) -> None:
    message = launch.parse(data)
    if message["op"] == "report":
        fact_of(launch.report_of(message["report"]))


def _node_hears(data: bytes) -> None:
    message = launch.parse(data)
    if message["op"] == "launch":
        launch.launch_of(message["message"])
    elif message["op"] not in STEP_WORDS and "key" in message:
        launch.key_of(message["key"])


def _store(data: bytes) -> None:
    """Another's file is migrated, and read as a whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        path.write_bytes(data)
        store = SqliteStore(path)
        try:
            store.load()
            store.steps()
            store.payload(2)
            store.story(1)
        finally:
            store.close()


def _wire(model: type[BaseModel]) -> Callable[[bytes], object]:
    return lambda data: model.model_validate_json(data)


MARKET_SHAPES = (
    wire.Bid,
    wire.Instance,
    wire.BidHistory,
    wire.PriceHistory,
    wire.PricingHistory,
    wire.InstanceType,
    wire.Auction,
)
BAD_LINE = (launch.BadLine, KeyError, TypeError, ValueError)
"""What both ends of a conversation with a node take for a line that is none."""

SAID = (DirectiveError, ValueSyntax, FileWanted, Help)
"""How sbatch's reader ends: it refuses, wants a file that the script names, or was asked for help."""

OPTIONS = {
    "time": ("time", "time-min"), "memory": ("mem", "mem-per-cpu"), "count": ("ntasks", "cpus-per-task"),
    "gpus": ("gpus", "gpus-per-node"), "filename": ("output", "error"), "hostlist": ("nodelist", "exclude"),
    "begin": ("begin", "deadline"), "mail": ("mail-type",), "nodeinfo": ("extra-node-info",),
}  # fmt: skip
"""Options that speak a language which is named otherwise."""

MORE = {
    "tres": (b"cpu=4,mem=2G,gres/gpu=1",), "cpu-freq": (b"low-high:Performance",), "gpu-freq": (b"medium,memory=high,verbose",),
    "gpu-bind": (b"map_gpu:0,1*2",), "mem-bind": (b"verbose,local",), "nodeinfo": (b"2:4:1",),
    "squeue -o": (b"%.18i %.9P %.2t|%R", b"'%i',\"%j\""), "squeue -O": (b"jobid:400,name:.10,state:###x###",),
}  # fmt: skip
"""Values to begin from where real scripts say few."""

TARGETS: dict[str, Target] = {
    **{
        name: _value(spoken.parse, *OPTIONS.get(name, (name,)), more=MORE.get(name, ()))
        for name, spoken in LANGUAGES.items()
    },
    "money": _value(market.price, more=(b"$2.50/gpu-h", b"12.29")),
    "hosts": Target(
        lambda data: hosts.fold(hosts.expand(text.decode(data))), (hosts.InvalidHostlist,), (b"n[1-3,07-12]-x,m4",)
    ),
    "pattern": Target(lambda data: patterns.expand(text.decode(data), NAMES), (), (b"slurm-%A_%4a.%j%%\\%x",)),
    "script": Target(
        _script,
        SAID,
        (
            b"#!/bin/bash\n#SBATCH -N2 --mem=4G\n#SBATCH hetjob\n#SBATCH -J 'a b'\ntrue\n",
            b"#!/bin/sh\n#PBS -l nodes=2\n#BSUB -n 3\n#FLOW --budget=$3\n",
        ),
    ),
    "flow lines": Target(_market, SAID, (b"#!/bin/sh\n#FLOW --budget=$3 --limit-price '$2/h' --image=x\n",)),
    "words": Target(_words, SAID, (b"-N2\n--mem\n4G\n--wrap=true", b"job.sh\n-J\nx\n:\n-n2")),
    "slurm.conf": Target(
        lambda data: slurmconf.parse(
            text.decode(data), None, hostname="vm", name="slurm.conf", gres_name="gres.conf", include=lambda name: ""
        ),
        (ConfigError,),
        (b"ClusterName=c\nNodeName=n[1-4] CPUs=4 Gres=gpu:a:2\nPartitionName=p Nodes=ALL Default=YES\n",),
    ),
    "gres.conf": Target(
        lambda data: slurmconf.parse(
            "ClusterName=c\nGresTypes=gpu\nNodeName=n1 Gres=gpu:2\nPartitionName=p Nodes=ALL\n",
            text.decode(data),
            hostname="vm",
            name="slurm.conf",
            gres_name="gres.conf",
            include=lambda name: "",
        ),
        (ConfigError,),
        (b"NodeName=n1 Name=gpu File=/dev/nvidia[0-1]\n",),
    ),
    "flow.toml": Target(
        lambda data: flowtoml.parse(text.decode(data)),
        (ConfigError,),
        (b'[market]\ngrace = "5m"\n[accounts.x]\nbudget = "$3"\n[modules.names]\ngcc = { set = { CC = "x" } }\n',),
    ),
    "srun": Target(
        lambda data: srun_options.read(
            [word for word in text.decode(data).split("\n") if "\0" not in word], {"SLURM_JOB_ID": "7"}
        ),
        (srun_options.CannotRun,),
        (b"-n4\n-l\n-o\nx%t\nhostname", b"--cpu-bind=none\n--multi-prog\nf"),
    ),
    "store": Target(_store, (FlowError,), tuple(file.read_bytes() for file in sorted((DATA / "stores").glob("*.db")))),
    "crontab": Target(
        lambda data: crontab.parse(text.decode(data), "Europe/Berlin"),
        (crontab.CrontabFault,),
        (
            b"#SCRON -t 5 -J x\nA=1\n*/5 1-3 * jan,feb sun echo hello\n@daily /bin/true\n",
            b"#SCRON --mem=1G\n0 0 1 1 * x %y\n",
        ),
    ),
    "journal": Target(
        lambda data: [journal._read(line) for line in data.split(b"\n")],
        (),
        (journal._line({"record": "Opened", "key": {"store": "a", "job_id": 1, "restart": 0}}), b"00000000 {}\n"),
    ),
    "frame": Target(
        _frame,
        (frames.BadFrame,),
        tuple(file.read_bytes() for file in sorted((DATA / "frames").iterdir()) if file.is_file()),
    ),
    "node says": Target(
        _node_says,
        BAD_LINE,
        (b'{"op":"report","report":{"key":{"store":"s","job_id":7,"restart":0},"what":"ended","at":1,"code":3}}',),
    ),
    "node hears": Target(
        _node_hears, BAD_LINE, (b'{"op":"stop","key":{"store":"s","job_id":7,"restart":0},"why":"cancelled"}',)
    ),
    **{
        f"market {shape.__name__}": Target(
            _wire(shape),
            (ValidationError,),
            (b'{"fid":"bid_1","name":"x","created_at":"2026-11-22T00:00:00Z","status":"Open"}',),
        )
        for shape in MARKET_SHAPES
    },
    **{name: Target(read, commands.REFUSALS, seeds) for name, (read, seeds) in commands.READERS.items()},
}
