"""sinfo's listings, as a real 22.05 gave them for a cluster of the same shape (with PrivateData=cloud)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbatch.commands.control import scontrol
from flowbatch.commands.listing import sinfo
from flowbatch.core.bids import Bid, Phase
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.ports import Snapshot
from flowbatch.core.quotes import Quote, Quotes
from flowbatch.core.states import (
    Allocation,
    Completing,
    Ending,
    Finished,
    NodeShare,
    Pending,
    Requeueing,
    Running,
    State,
)
from flowbatch.spec.cluster import Cloud, ClusterSpec, GresDevice, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec

NOW = 1_795_327_339
NOBODY = Owner(65534, 65534, "nobody", "nogroup", "vm")


def fixed(name: str, **more: Any) -> NodeSpec:
    files = tuple(f"/dev/gpu{i}" for i in range(8))
    gres = (GresDevice(name="gpu", type="h100", count=8, files=files),)
    return NodeSpec(name=name, cpus=8, cores_per_socket=8, real_memory=16000, gres=gres, **more)


def cloud(name: str, kind: str, cpus: int, memory: int, weight: int) -> NodeSpec:
    return NodeSpec(
        name=name, cpus=cpus, sockets=cpus, real_memory=memory, weight=weight, features=("cloud", "us-a"),
        gres=(GresDevice(name="gpu", type=kind, count=8),),
        cloud=Cloud(instance_type=f"{kind}.8x", fid="it_1", region="us-a", gpu=kind, gpus=8),
    )  # fmt: skip


FIXED = [fixed(f"n{i}") for i in range(1, 5)]
CLOUD = [*(cloud(f"c{i}", "a100", 16, 65536, 50) for i in (1, 2, 3)), cloud("d1", "h100", 32, 128000, 90)]
ALL = (*FIXED, *CLOUD, fixed("x1", state="DOWN"), fixed("x2", state="DRAIN"), fixed("x3", state="FUTURE"))
CLUSTER = ClusterSpec(
    name="toy", nodes=ALL, gres_types=("gpu",),
    partitions=(
        PartitionSpec(name="debug", nodes=("n1", "n2", "n3", "n4"), default=True),
        PartitionSpec(name="short", nodes=("n1",), max_time_min=30),
        PartitionSpec(name="closed", nodes=("n2",), state="DOWN", min_nodes=1, max_nodes=2),
        PartitionSpec(name="urgent", nodes=("n1",), priority_tier=5, max_time_min=60, default_time_min=10),
        PartitionSpec(name="secret", nodes=("n4",), hidden=True),
        PartitionSpec(name="market", nodes=("c1", "c2", "c3", "d1"), max_time_min=7 * 24 * 60),
        PartitionSpec(name="odd", nodes=("x1", "x2", "x3"), over_subscribe="FORCE", root_only=True),
        PartitionSpec(name="empty", nodes=(), state="INACTIVE"),
    ),
)  # fmt: skip


def job(id: int, partition: str, state: State, *bids: Bid) -> Job:
    spec = JobSpec(name="j", work_dir="/")
    return Job(id, spec, id, id, Owner(0, 0, "root", "root"), state, NOW, 1, partitions=(partition,), bids=bids)


def on(partition: str, share: NodeShare, *, launched: bool = True) -> Running:
    return Running(NOW, Allocation(partition, (share,)), None, launched)


H100, A100 = ("gpu", "h100", tuple(range(8))), ("gpu", "a100", (0, 1))
BUSY = (
    job(1, "short", on("short", NodeShare("n1", 2))),
    job(2, "debug", on("debug", NodeShare("n2", 8, gres=(H100,)))),
    job(3, "market", on("market", NodeShare("c1", 4, gres=(A100,)), launched=False)),
    job(4, "market", on("market", NodeShare("d1", 32, gres=(H100,)), launched=False)),
)
Listing = Callable[..., Any]


@pytest.fixture
def listing(caller: Any, fixed_queue: Any) -> Listing:
    """sinfo of this cluster with these jobs; its stdout, which must be all that it said."""

    def run(*argv: str, jobs: tuple[Job, ...] = (), owner: Owner | None = None, **environ: str) -> str:
        queue = fixed_queue(Snapshot(NOW, CLUSTER, jobs, {}))
        heard = replace(caller, owner=owner or caller.owner).run(sinfo.main, queue, *argv, **environ)
        assert (heard.code, heard.err) == (0, "")
        return str(heard.out)

    return run


def block(text: str) -> str:
    return dedent(text).lstrip("\n")


def test_partitions_with_the_states_of_their_nodes(listing: Listing) -> None:
    assert listing(jobs=BUSY) == block("""
        PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST
        debug*       up   infinite      1    mix n1
        debug*       up   infinite      1  alloc n2
        debug*       up   infinite      2   idle n[3-4]
        short        up      30:00      1    mix n1
        closed     down   infinite      1  alloc n2
        urgent       up    1:00:00      1    mix n1
        secret       up   infinite      1   idle n4
        market       up 7-00:00:00      1   mix# c1
        market       up 7-00:00:00      1 alloc# d1
        market       up 7-00:00:00      2  idle~ c[2-3]
        odd          up   infinite      1  drain x2
        odd          up   infinite      1   down x1
        empty     inact   infinite      0    n/a 
        """)  # noqa: W291  sinfo leaves a blank where no node is


def test_long_listing_names_the_time(listing: Listing) -> None:
    assert listing("-l", "-p", "closed,odd") == block("""
        Sun Nov 22 06:02:19 2026
        PARTITION AVAIL  TIMELIMIT   JOB_SIZE ROOT OVERSUBS     GROUPS  NODES       STATE NODELIST
        closed     down   infinite        1-2   no       NO        all      1        idle n2
        odd          up   infinite 1-infinite  yes  FORCE:4        all      1     drained x2
        odd          up   infinite 1-infinite  yes  FORCE:4        all      1        down x1
        """)


def test_summary(listing: Listing) -> None:
    assert listing("-s", "-p", "debug,market,odd", jobs=BUSY) == block("""
        PARTITION AVAIL  TIMELIMIT   NODES(A/I/O/T) NODELIST
        debug*       up   infinite          2/2/0/4 n[1-4]
        market       up 7-00:00:00          2/2/0/4 c[1-3],d1
        odd          up   infinite          0/0/2/2 x[1-2]
        """)


def test_one_line_for_each_node_and_partition(listing: Listing) -> None:
    assert listing("-N", "-n", "n1,c1", jobs=BUSY) == block("""
        NODELIST   NODES PARTITION STATE 
        c1             1    market mix#  
        n1             1    debug* mix   
        n1             1     short mix   
        n1             1    urgent mix   
        """)  # noqa: W291  the last column is padded


def test_nodes_at_length(listing: Listing) -> None:
    assert listing("-Nl", "-p", "market", "-n", "c1,d1", jobs=BUSY) == block("""
        Sun Nov 22 06:02:19 2026
        NODELIST   NODES PARTITION       STATE CPUS    S:C:T MEMORY TMP_DISK WEIGHT AVAIL_FE REASON              
        c1             1    market      mixed# 16     16:1:1  65536        0     50 cloud,us none                
        d1             1    market  allocated# 32     32:1:1 128000        0     90 cloud,us none                
        """)  # noqa: W291  the last column is padded


def test_why_nodes_are_not_available(listing: Listing) -> None:
    assert listing("-lR") == block("""
        Sun Nov 22 06:02:19 2026
        REASON               USER         TIMESTAMP           STATE  NODELIST
        none                 root(0)      Unknown             drain  x2
        none                 root(0)      Unknown             down   x1
        """)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("-o", "%c %m %N", "-p", "market"), "16+ 65536+ c[1-3],d1\n"),
        (("-e", "-o", "%c %m %N", "-p", "market"), "16 65536 c[1-3]\n32 128000 d1\n"),
        (("-o", "%D %G"), "7 gpu:h100:8\n3 gpu:a100:8\n"),
        (("-o", "%C|%A|%F", "-p", "odd"), "0/0/16/16|0/0|0/0/2/2\n"),
        (("-o", "%.5P|%3P|%R", "-p", "debug"), "debu*|de*|debug\n"),
        (("-o", "%s %L %B %z", "-p", "urgent"), "1-infinite 10:00 UNLIMITED 1:8:1\n"),
        (("-O", "statecomplete:30,nodelist:9,extra:", "-n", "c1", "-p", "market"),
         "idle+cloud+powered_down       c1       instance_type=a100.8x,region=us-a\n"),
        (("-O", "gres,gresused:", "-p", "short"), "gpu:h100:8          gpu:h100:0(IDX:N/A)\n"),
        (("-t", "idle&cloud", "-o", "%N"), "c[1-3],d1\n"),
        (("-t", "down,dr", "-o", "%N"), "x[1-2]\n"),
        (("-t", "no_respond", "-o", "%N"), ""),
        (("-S", "-P", "-o", "%R", "-p", "short,debug,odd"), "short\nodd\ndebug\n"),
        (("-S", "h", "-o", "%R", "-p", "odd,short"), "short\nodd\n"),
    ],
)  # fmt: skip
def test_columns_filters_and_order(listing: Listing, argv: tuple[str, ...], said: str) -> None:
    assert listing("-h", *argv) == said


def test_nodes_that_jobs_hold_are_allocated_even_in_part(listing: Listing) -> None:
    assert listing("-h", "-t", "alloc", "-o", "%N", jobs=BUSY) == "c1,d1,n[1-2]\n"


def test_gres_in_use(listing: Listing) -> None:
    held = listing("-h", "-e", "-O", "nodelist:4,gresused:", "-t", "alloc", jobs=BUSY)
    assert sorted(held.splitlines()) == [
        "c1  gpu:a100:2", "d1  gpu:h100:8", "n1  gpu:h100:0(IDX:N/A)", "n2  gpu:h100:8(IDX:0-7)",
    ]  # fmt: skip


def test_hidden_partitions_are_for_root_and_those_who_ask(listing: Listing) -> None:
    assert "secret" not in listing(owner=NOBODY)
    assert "secret" in listing("-a", owner=NOBODY)
    assert "secret" in listing("-p", "secret", owner=NOBODY)
    assert "secret" in listing(owner=NOBODY, SINFO_ALL="1")


def test_the_environment_says_what_no_option_does(listing: Listing) -> None:
    assert listing("-h", SINFO_FORMAT="%R", SINFO_PARTITION="short,odd", SINFO_SORT="P") == "odd\nshort\n"
    assert listing("-h", "-o", "%P", "-p", "debug", SINFO_FORMAT="%R", SINFO_PARTITION="short") == "debug*\n"


def test_columns_grow_with_the_names_in_them(caller: Any, fixed_queue: Any) -> None:
    cluster = ClusterSpec(
        name="toy",
        nodes=(NodeSpec(name="us-central1-b-h100-1", cpus=1),),
        partitions=(PartitionSpec(name="averylongpartitionname", nodes=("us-central1-b-h100-1",), default=True),),
    )
    queue = fixed_queue(Snapshot(NOW, cluster, (), {}))
    assert caller.run(sinfo.main, queue).out == block("""
        PARTITION               AVAIL  TIMELIMIT  NODES  STATE NODELIST
        averylongpartitionname*    up   infinite      1   idle us-central1-b-h100-1
        """)
    assert caller.run(sinfo.main, queue, "-N").out == block("""
        NODELIST              NODES               PARTITION STATE 
        us-central1-b-h100-1      1 averylongpartitionname* idle  
        """)  # noqa: W291  the last column is padded


@pytest.mark.parametrize(
    ("argv", "code", "out", "err"),
    [
        (("-t", "nosuch"), 1, "", 'sinfo: error: Bad state string: "nosuch"\nsinfo: error: valid states: unknown,down,'),
        (("-i", "x"), 1, "", "sinfo: error: Error: invalid entry for --iterate=x\n"),
        (("-Z",), 1, "", "sinfo: invalid option -- 'Z'\nTry \"sinfo --help\" for more information\n"),
        (("-l", "-o", "%P"), 1, "", "sinfo: fatal: Options -o(--format) and -l(--long) are mutually exclusive. Please"),
        (("-a", "-p", "debug"), 1, "", "sinfo: error: Conflicting options, -a and -p, specified. Please choose one"),
        (("-h", "-p", "short", "-o", "x%Py%q"), 0, "xshorty%q\n", "Invalid node format specification: q\n"),
        (("-h", "-p", "short", "-O", "nosuch,partition:"), 0, "short\n",
         "sinfo: error: Invalid job format specification: nosuch\n"),
        (("-T",), 0, "No reservations in the system\n", ""),
        (("-V",), 0, "slurm 22.05.8\n", ""),
        (("-M", "nosuch"), 1, "", "sinfo: error: No cluster 'nosuch' known by database.\nsinfo: error: 'nosuch' can't be"),
    ],
)  # fmt: skip
def test_what_is_refused(caller: Any, fixed_queue: Any, argv: tuple[str, ...], code: int, out: str, err: str) -> None:
    heard = caller.run(sinfo.main, fixed_queue(Snapshot(NOW, CLUSTER, (), {})), *argv)
    assert (heard.code, heard.out) == (code, out)
    assert heard.err.startswith(err) and bool(heard.err) == bool(err)


def bid(phase: Phase) -> Bid:
    return Bid(1, "c1", "a100.8x", "us-a", 2_000_000, 0, NOW, NOW + 9, 60, phase=phase)


HELD = Allocation("market", (NodeShare("c1", 16),))


@pytest.mark.parametrize(
    ("state", "phase", "shown"),
    [
        (Pending("Resources"), "asked", "idle~"),
        (Pending("Resources"), "open", "idle~"),
        (Pending("Resources"), "won", "idle#"),
        (Running(NOW, HELD, None, False), "won", "alloc#"),
        (Running(NOW, HELD, None, True), "won", "alloc"),
        (Running(NOW, HELD, None, True), "leaving", "alloc!"),
        (Completing(NOW, HELD, NOW, Requeueing()), "won", "comp"),
        (Finished(NOW, Ending("COMPLETED"), NOW, HELD), "withdrawn", "idle%"),
        (Finished(NOW, Ending("CANCELLED")), "withdrawn", "idle~"),
        (Finished(NOW, Ending("COMPLETED"), NOW, HELD), "gone", "idle~"),
    ],
)
def test_a_node_of_the_market_is_what_its_bid_is(listing: Listing, state: State, phase: Phase, shown: str) -> None:
    assert listing("-h", "-N", "-n", "c1", "-o", "%t", jobs=(job(1, "market", state, bid(phase)),)) == f"{shown}\n"


def test_price_and_place_of_a_node_of_the_market(caller: Any, fixed_queue: Any) -> None:
    quotes = Quotes(NOW, {("a100.8x", "us-a"): Quote("a100.8x", "us-a", 9_600_000)})
    queue = fixed_queue(Snapshot(NOW, CLUSTER, (), {}, quotes=quotes))
    shown = caller.run(scontrol.main, queue, "show", "node", "c1").out
    assert "NodeName=c1 CoresPerSocket=1 \n" in shown
    assert "State=IDLE+CLOUD+POWERED_DOWN ThreadsPerCore=1 TmpDisk=0 Weight=50" in shown
    assert "   Comment=price=$9.60/h\n   Extra=instance_type=a100.8x,region=us-a\n" in shown
    assert caller.run(sinfo.main, queue, "-h", "-O", "comment:", "-n", "c1", "-p", "market").out == "price=$9.60/h\n"


def test_json_has_every_node(listing: Listing) -> None:
    nodes = {node["name"]: node for node in json.loads(listing("--json", jobs=BUSY))["nodes"]}
    assert set(nodes) == {node.name for node in ALL}
    assert (nodes["c1"]["state"], nodes["c1"]["state_flags"]) == ("mixed", ["CLOUD", "NOT_RESPONDING", "POWERING_UP"])
    assert (nodes["n2"]["alloc_cpus"], nodes["n2"]["idle_cpus"], nodes["n2"]["tres_used"]) == (8, 0, "cpu=8")
    assert nodes["n1"]["partitions"] == ["debug", "short", "urgent"]
    assert listing("--yaml").startswith("%YAML 1.1\n--- !!map\n")


WORDS = st.one_of(
    st.sampled_from([
        "-o", "%P %t", "%.9N|%all", "-O", "all", "partition:5,gres", "-n", "n[1-2]", "c1,", "-t", "idle&cloud", "drain,", "-S",
        "#P,-t", "-N", "Nt", "-l", "-s", "-R", "-e", "-p", "debug", "", "-d", "-r", "-h", "--json", "--yaml", "-M", "x",
    ]),
    st.text(max_size=8),
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(argv=st.lists(WORDS.filter(lambda word: "i" not in word), max_size=6))
def test_nothing_that_can_be_said_is_an_exception(argv: list[str], caller: Any, fixed_queue: Any) -> None:
    """But for `--iterate`, which does not end."""
    assert caller.run(sinfo.main, fixed_queue(Snapshot(NOW, CLUSTER, BUSY, {})), *argv).code in (0, 1)


def test_jobs_that_wait_are_not_looked_at(caller, fixed_queue):
    class Placed(fixed_queue):
        def snapshot(self, job_ids=None):
            raise AssertionError("everything was asked for")

        def placed(self):
            return super().snapshot()

    queue = Placed(Snapshot(NOW, CLUSTER, (), {}))
    assert caller.run(sinfo.main, queue, "-h").code == 0
    assert caller.run(scontrol.main, queue, "show", "node").code == 0
