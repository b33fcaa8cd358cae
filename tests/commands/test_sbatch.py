"""sbatch as its callers meet it: what is printed where, exit codes, and what the queue is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flowbatch.commands.submitting import sbatch
from flowbatch.core.admitting.admission import admit
from flowbatch.core.events import Accepted, Event, Refused, Reply, Submitted, WouldStart
from flowbatch.core.jobs import Job
from flowbatch.core.ports import Payload, Snapshot
from flowbatch.core.records import Queue
from flowbatch.core.states import Ending, ExitStatus, Finished
from flowbatch.errors import StoreFailed
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.model import TOO_LONG, Malformed

CLUSTER = ClusterSpec(
    name="local",
    nodes=(NodeSpec(name="n1", cpus=4, real_memory=4000), NodeSpec(name="n2", cpus=4, real_memory=4000)),
    partitions=(PartitionSpec(name="debug", nodes=("n1", "n2"), default=True),),
    gres_types=("gpu",),
)
ACCEPTED = Accepted(7)
SCRIPT = b"#!/bin/bash\n#SBATCH -J named -N1\necho hello\n"


@pytest.fixture
def here(caller: Any) -> Any:
    """A caller in /submit with a script there and one on its standard input."""
    caller.cwd = "/submit"
    caller.environ = {"TZ": "UTC", "PATH": "/bin:/tools", "HOME": "/home/me", "SLURM_X": "1"}
    caller.files = {"/submit/job.sh": SCRIPT, "-": b"#!/bin/sh\ntrue\n"}
    return caller


@pytest.fixture
def answering(fixed_queue: Any) -> Any:
    """A queue that gives this reply, and keeps payloads and finished jobs."""

    def make(reply: Reply = ACCEPTED, finished: tuple[Job, ...] = ()) -> Any:
        queue = fixed_queue(Snapshot(1_000_000_000, CLUSTER, (), {}), lambda event: reply)

        async def wait(job_id: int) -> tuple[Job, ...]:
            return finished

        queue.finished = wait
        return queue

    return make


class Kept:
    """The queue of `answering`, with what came beside the event."""

    def __init__(self, queue: Any) -> None:
        self.queue, self.payload = queue, None
        self.apply_inner = queue.apply
        queue.apply = self.apply

    async def apply(self, event: Event, payload: Payload | None = None) -> Reply:
        self.payload = payload
        reply: Reply = await self.apply_inner(event, payload)
        return reply


def spec(queue: Any) -> Any:
    (event,) = queue.events
    assert isinstance(event, Submitted)
    return event.spec


def test_prints_the_id_and_nothing_else(here: Any, answering: Any) -> None:
    queue = answering(Accepted(7, ("unknown partition gpu: ran in debug",)))
    said = here.run(sbatch.main, queue, "job.sh", "arg 1")
    assert (said.code, said.out, said.err) == (0, "Submitted batch job 7\n", "")
    assert (spec(queue).name, spec(queue).command, spec(queue).arguments) == ("named", "/submit/job.sh", ("arg 1",))


def test_the_words_that_asked_for_it_are_kept(here: Any, answering: Any) -> None:
    queue = answering()
    here.run(sbatch.main, queue, "-J", "a b", "job.sh", "x  y")
    assert queue.events[0].spec.submit_line == "sbatch -J a b job.sh x  y"


def test_of_a_long_line_the_beginning_is_kept(here: Any, answering: Any) -> None:
    queue = answering()
    here.run(sbatch.main, queue, "--wrap", "true # " + "é" * 70_000)
    kept = spec(queue)
    assert kept.submit_line == "sbatch --wrap true # " + "é" * (65535 - 21)
    assert "éé" not in repr(kept)


@pytest.mark.parametrize(
    ("argv", "out"),
    [
        (["--parsable"], "7\n"),
        (["--parsable", "-M", "local"], "7;local\n"),
        (["-M", "local"], "Submitted batch job 7 on cluster local\n"),
        (["-Q"], ""),
        (["-Q", "--parsable"], ""),
    ],
)
def test_forms_of_the_id(here: Any, answering: Any, argv: list[str], out: str) -> None:
    said = here.run(sbatch.main, answering(), *argv, "job.sh")
    assert (said.code, said.out, said.err) == (0, out, "")


def test_notes_are_for_terminals(here: Any, answering: Any) -> None:
    """The caller of the tests has no terminal; with one, notes and diagnoses are said on stderr."""
    queue = answering(Accepted(7, ("unknown partition gpu: ran in debug",)))

    async def on_terminal(call: Any, port: Any) -> int:
        return await sbatch.main(replace(call, tty=(True, True, True)), port)

    said = here.run(on_terminal, queue, "job.sh")
    assert (said.out, said.err) == (
        "Submitted batch job 7\n",
        "sbatch: flowbatch: unknown partition gpu: ran in debug\n",
    )
    here.files["/submit/bad.sh"] = b"#!/bin/sh\n#SBATCH -t 1d\n"
    said = here.run(on_terminal, queue, "bad.sh")
    assert said.err.startswith(
        "sbatch: error: Invalid --time specification\nsbatch: flowbatch: bad.sh:2:13: -t 1d: unexpected 'd'\n"
        "    #SBATCH -t 1d\n                ^\nhint: "
    )


@pytest.mark.parametrize(
    ("argv", "environ", "err", "code"),
    [
        (["nosuch.sh"], {}, "sbatch: error: Unable to open file nosuch.sh\n", 1),
        (["nosuch.sh"], {"SLURM_EXIT_ERROR": "42"}, "sbatch: error: Unable to open file nosuch.sh\n", 42),
        (["-t", "x", "nosuch.sh"], {"SLURM_EXIT_ERROR": "42"}, "sbatch: error: Invalid --time specification\n", 255),
        (["--wrap=true", "x"], {}, "sbatch: error: Script arguments not permitted with --wrap option\n", 1),
        (["--export-file=x", "job.sh"], {}, "sbatch: error: Could not open user environment file x\n", 1),
        (["-M", "other", "job.sh"], {},
         "sbatch: error: No cluster 'other' known by database.\nsbatch: error: 'other' can't be reached now, or it is an invalid entry for --cluster.  "
         "Use 'sacctmgr list clusters' to see available clusters.\n", 1),
        (["--uid=0", "job.sh"], {}, "sbatch: error: flowbatch: --uid: a job runs as its submitter\n", 1),
        (["--container=/c", "job.sh"], {},
         "sbatch: error: flowbatch: --container: there is no OCI runtime here, and outside its container the job would be "
         "another job\n", 1),
    ],
)  # fmt: skip
def test_refused_without_asking(
    here: Any, answering: Any, argv: list[str], environ: dict[str, str], err: str, code: int
) -> None:
    queue = answering()
    said = here.run(sbatch.main, queue, *argv, **environ)
    assert (said.code, said.out, said.err, queue.events) == (code, "", err, [])


MEMORY = Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE", ("Memory specification can not be satisfied",))


@pytest.mark.parametrize(
    ("reply", "argv", "err", "code"),
    [
        (MEMORY, [], "sbatch: error: Memory specification can not be satisfied\nsbatch: error: Batch job submission failed: "
         "Requested node configuration is not available\n", 42),
        (Refused("ESLURM_INVALID_FEATURE"), ["--test-only"], "allocation failure: Invalid feature specification\n", 1),
        (Refused("ESLURM_INVALID_GRES"), [], "sbatch: error: Invalid generic resource (gres) specification\n", 42),
        (Refused("ESLURM_INVALID_GRES"), ["--test-only"], "sbatch: error: Invalid generic resource (gres) specification\n", 42),
    ],
)  # fmt: skip
def test_refused_by_the_controller(
    here: Any, answering: Any, reply: Refused, argv: list[str], err: str, code: int
) -> None:
    said = here.run(sbatch.main, answering(reply), *argv, "job.sh", SLURM_EXIT_ERROR="42")
    assert (said.code, said.out, said.err) == (code, "", err)


def test_a_disk_that_is_full(here: Any, answering: Any) -> None:
    queue = answering()

    async def apply(event: Event, payload: Payload | None = None) -> Reply:
        raise StoreFailed("disk full")

    queue.apply = apply
    said = here.run(sbatch.main, queue, "job.sh")
    assert said.code == 1
    assert said.err == "sbatch: error: Batch job submission failed: I/O error writing script/environment to file\n"


def test_the_site_says_how_large_a_script_may_be(here: Any, fixed_queue: Any) -> None:
    """As recorded from 22.05 with max_script_size=1000."""
    cluster = CLUSTER.model_copy(update={"max_script_size": 1000})
    queue = fixed_queue(Snapshot(1_000_000_000, cluster, (), {}), lambda event: ACCEPTED)
    here.files["/submit/job.sh"] = b"#!/bin/sh\n".ljust(1000, b"#")
    assert here.run(sbatch.main, queue, "job.sh").code == 0
    here.files["/submit/job.sh"] += b"#"
    for words in (("job.sh",), ("--wrap", "#" * 1200)):
        assert here.run(sbatch.main, queue, *words).err == (
            "sbatch: error: Batch job submission failed: Pathname of a file, directory or other parameter too long\n"
        )


def test_a_script_too_large_for_the_controller(here: Any, answering: Any) -> None:
    here.files["/submit/big.sh"] = b"#!/bin/sh\n".ljust((4 << 20) + 1, b"#")
    queue = answering()
    said = here.run(sbatch.main, queue, "big.sh")
    assert said.err == (
        "sbatch: error: Batch job submission failed: Pathname of a file, directory or other parameter too long\n"
    )
    assert here.most_read == 4 << 20  # however long it is
    here.files["/submit/big.sh"] = here.files["/submit/big.sh"][:-1]
    assert here.run(sbatch.main, queue, "big.sh").code == 0


@pytest.mark.parametrize(
    "word", [f"--array={'1,' * 2048}1", f"--dependency={'afterok:1,' * 13_200}afterok:1", f"--licenses={'a,' * 600}a"]
)
def test_values_too_long_for_the_controller_are_not_read(here: Any, answering: Any, word: str) -> None:
    queue = answering()
    here.run(sbatch.main, queue, word, "job.sh")
    spec = queue.events[0].spec
    value = next(one for one in (spec.array, spec.dependency, spec.resources.licenses) if one)
    assert isinstance(value, Malformed) and value.where == TOO_LONG
    assert admit(CLUSTER, queue.events[0], Queue(CLUSTER, 1)) == Refused("ESLURM_PATHNAME_TOO_LONG")


def test_long_scripts_are_read_beside_the_loop(here: Any, answering: Any, monkeypatch: Any) -> None:
    aside = []

    async def to_thread(read: Any) -> Any:
        aside.append(read)
        return read()

    monkeypatch.setattr("asyncio.to_thread", to_thread)
    here.files["/submit/long.sh"] = b"#!/bin/sh\n" + b"#SBATCH --comment=c\n" * 1000
    assert here.run(sbatch.main, answering(), "job.sh").code == 0 and not aside
    assert here.run(sbatch.main, answering(), "long.sh").code == 0 and len(aside) == 2


def test_test_only_says_when_and_where(here: Any, answering: Any) -> None:
    queue = answering(WouldStart(9, 1_000_000_060, 8, ("n1", "n2"), "debug"))
    said = here.run(sbatch.main, queue, "--test-only", "job.sh", TZ="UTC")
    line = "sbatch: Job 9 to start at 2001-09-09T01:47:40 using 8 processors on nodes n[1-2] in partition debug\n"
    assert (said.code, said.out, said.err) == (0, "", line)
    assert queue.events[0].test_only
    assert here.run(sbatch.main, queue, "-Q", "--test-only", "job.sh").err == ""


def test_verbose_lists_what_was_understood(here: Any, answering: Any) -> None:
    said = here.run(sbatch.main, answering(), "-v", "-t5", "job.sh")
    rule = f"sbatch: {'-' * 20} {'-' * 20}"
    assert said.err.splitlines() == [
        "sbatch: defined options", rule, "sbatch: job-name            : named", "sbatch: nodes               : 1",
        "sbatch: time                : 00:05:00", "sbatch: verbose             : 1", rule, "sbatch: end of defined options",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("endings", "code"),
    [
        ([ExitStatus(7)], 7),
        ([ExitStatus(0, 9)], 1),
        ([ExitStatus(0), ExitStatus(3), ExitStatus(1)], 3),
        ([ExitStatus(0), ExitStatus(0, 9)], 1),
        ([ExitStatus(0)], 0),
    ],
)
def test_wait_ends_with_the_jobs_code(here: Any, answering: Any, endings: list[ExitStatus], code: int) -> None:
    queue = answering()
    assert here.run(sbatch.main, queue, "job.sh").code == 0
    jobs = tuple(
        Job(
            id=7, spec=spec(queue), spec_id=1, payload_id=1, owner=here.owner, submitted_at=0, priority=1,
            state=Finished(5, Ending("FAILED", status)),
        )
        for status in endings
    )  # fmt: skip
    assert here.run(sbatch.main, answering(finished=jobs), "--wait", "job.sh").code == code


@pytest.mark.parametrize(
    ("argv", "files", "command", "name"),
    [
        (["job.sh"], {}, "/submit/job.sh", "job.sh"),
        (["./job.sh"], {"./job.sh": b"#!/bin/sh\n"}, "./job.sh", "job.sh"),
        (["/x/job.sh"], {"/x/job.sh": b"#!/bin/sh\n"}, "/x/job.sh", "job.sh"),
        (["tool.sh"], {"/tools/tool.sh": b"#!/bin/sh\n"}, "/tools/tool.sh", "tool.sh"),
        (["-D", "sub", "job.sh"], {"/submit/sub/job.sh": b"#!/bin/sh\n"}, "/submit/sub/job.sh", "job.sh"),
        (["-D", "/else", "mine.sh"], {"mine.sh": b"#!/bin/sh\n"}, "mine.sh", "mine.sh"),
        ([], {}, None, "sbatch"),
        (["--wrap=true"], {}, None, "wrap"),
    ],
)
def test_where_a_script_is_found(
    here: Any, answering: Any, argv: list[str], files: dict[str, bytes], command: str | None, name: str
) -> None:
    here.files = {"/submit/job.sh": b"#!/bin/sh\n", "-": b"#!/bin/sh\n", **files}
    queue = answering()
    assert here.run(sbatch.main, queue, *argv).code == 0
    assert (spec(queue).command, spec(queue).name) == (command, name)


def test_a_wrapped_command_is_a_script_without_directives(here: Any, answering: Any) -> None:
    kept = Kept(answering())
    here.run(sbatch.main, kept.queue, "--wrap=echo 'a b'\n#SBATCH -N9")
    assert kept.payload.script == (  # type: ignore[attr-defined]  # it was kept
        b"#!/bin/sh\n# This script was created by sbatch --wrap.\n\necho 'a b'\n#SBATCH -N9\n"
    )
    assert spec(kept.queue).resources.nodes is None


@pytest.mark.parametrize(
    ("argv", "environment"),
    [
        ([], [b"TZ=UTC", b"PATH=/bin:/tools", b"HOME=/home/me", b"SLURM_X=1"]),
        (["--export=NONE"], [b"SLURM_X=1"]),
        (["--export=NIL"], [b"SLURM_X=1"]),
        (["--export="], [b"SLURM_X=1"]),
        (["--export=HOME,A=b,NOT"], [b"SLURM_X=1", b"HOME=/home/me", b"A=b"]),
        (["--export=ALL,HOME=/h"], [b"TZ=UTC", b"PATH=/bin:/tools", b"HOME=/h", b"SLURM_X=1"]),
        (["--export-file=vars"], [b"A=1", b"B=two words"]),
        (["--export-file=3"], [b"C=\xff"]),
        (["--export-file=vars", "--export=NONE"], [b"SLURM_X=1"]),
    ],
)
def test_the_environment_that_goes_along(here: Any, answering: Any, argv: list[str], environment: list[bytes]) -> None:
    here.files |= {"vars": b"A=1\0B=two words\0", "/dev/fd/3": b"C=\xff"}
    kept = Kept(answering())
    assert here.run(sbatch.main, kept.queue, *argv, "job.sh").code == 0
    assert list(kept.payload.environment) == environment  # type: ignore[attr-defined]  # it was kept


@pytest.mark.parametrize(
    ("environ", "mask"), [({}, 0o22), ({"SLURM_UMASK": "0077"}, 0o77), ({"SLURM_UMASK": "x"}, 0o22)]
)
def test_the_mask_of_its_files(here: Any, answering: Any, environ: dict[str, str], mask: int) -> None:
    kept = Kept(answering())
    here.run(sbatch.main, kept.queue, "job.sh", **environ)
    assert kept.payload.umask == mask  # type: ignore[attr-defined]  # it was kept


def test_nodes_from_the_callers_file(here: Any, answering: Any) -> None:
    here.files |= {"./hosts": b"n1 # first\nn2\n"}
    queue = answering()
    assert here.run(sbatch.main, queue, "-N2", "-F", "./hosts", "job.sh").code == 0
    assert spec(queue).resources.nodelist == ("n1", "n2")


def test_market_terms_go_along_and_their_faults_are_named(here: Any, answering: Any) -> None:
    here.files["/submit/money.sh"] = b"#!/bin/sh\n#FLOW --budget=$5\n"
    queue = answering()
    assert here.run(sbatch.main, queue, "money.sh", FLOW_REGION="eu").code == 0
    assert (spec(queue).market.budget_micro_usd, spec(queue).market.regions) == (5_000_000, ("eu",))
    here.files["/submit/money.sh"] = b"#!/bin/sh\n#FLOW --budget=much\n"
    said = here.run(sbatch.main, queue, "money.sh")
    assert (said.code, said.err) == (
        255, "sbatch: error: flowbatch: money.sh:2:16: --budget=much: unexpected 'm'\n",
    )  # fmt: skip


def test_texts_that_are_asked_for(here: Any, answering: Any) -> None:
    queue = answering()
    assert here.run(sbatch.main, queue, "--version").out == "slurm 22.05.8\n"
    help_ = here.run(sbatch.main, queue, "--help", "-t", "nonsense")
    assert help_.code == 0
    for heading in (
        "Usage: sbatch",
        "Parallel run options:",
        "Constraint options:",
        "Consumable resources",
        "Help options:",
    ):
        assert heading in help_.out
    assert "  -a, --array=VALUE" in help_.out
    assert here.run(sbatch.main, queue, "--usage").out.startswith("Usage: sbatch [--array=VALUE]")
    gres = here.run(sbatch.main, queue, "--gres=help", "job.sh")
    assert (gres.code, gres.out) == (0, "Valid gres options are:\ngpu[[:type]:count]\n")
    assert here.run(sbatch.main, queue, "--hint=help").code == 1
    assert queue.events == []


def test_a_queue_that_is_full_is_asked_again(here: Any, answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(sbatch.asyncio, "sleep", sleep)
    said = here.run(sbatch.main, answering(Refused("EAGAIN")), "job.sh")
    assert said.code == 1
    assert said.err.splitlines() == [
        "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
        "sbatch: error: Batch job submission failed: Resource temporarily unavailable",
    ]
    assert pauses == list(range(1, 16))


def test_the_real_queue_takes_it(here: Any, live_queue: Any) -> None:
    queue = live_queue(CLUSTER)
    said = here.run(sbatch.main, queue, "-a", "1-3%2", "job.sh")
    assert (said.code, said.out) == (0, "Submitted batch job 1\n")
    said = here.run(sbatch.main, queue, "-p", "nosuch", "job.sh")
    assert said.err == (
        "sbatch: error: invalid partition specified: nosuch\n"
        "sbatch: error: Batch job submission failed: Invalid partition name specified\n"
    )
