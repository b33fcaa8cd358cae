"""scrontab, over the real queue: what is said as 22.05's client says it, and what becomes of the jobs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from flowbatch.commands.control import scancel, scontrol
from flowbatch.commands.submitting import scrontab
from flowbatch.commands.submitting.scrontab import USAGE
from flowbatch.core.events import CrontabAsked, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.states import Finished
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec

CLUSTER = ClusterSpec(
    name="toy", nodes=(NodeSpec(name="n1", cpus=4, real_memory=4096),),
    partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),), other=(("ScronParameters", "enable"),),
)  # fmt: skip
AT = 1_795_340_550
"""2026-11-22T09:42:30 UTC."""
ERRORS = "There are errors in your crontab.\n"


@pytest.fixture
def queue(live_queue):
    return live_queue(CLUSTER, AT)


@pytest.fixture
def tell(caller, queue):
    """Replaces the table."""

    def told(text: str, *argv: str):
        caller.files = {"tab": text.encode(), "-": text.encode()}
        return caller.run(scrontab.main, queue, *(argv or ("tab",)), HOME="/root")

    return told


def alive(queue):
    return [job for job in queue.snapshot().jobs if not isinstance(job.state, Finished)]


def test_a_table_is_taken_listed_and_removed(caller, queue, tell):
    assert caller.run(scrontab.main, queue, "-l").out == "no crontab for root\n"
    said = tell("#SCRON -t 5\n#SCRON -J name\n@hourly echo hi\n\n@daily /bin/true a\n")
    assert (said.code, said.out, said.err) == (0, "", "")
    assert [(job.spec.name, job.spec.command, job.spec.time_limit_min) for job in alive(queue)] == [
        ("name", "echo hi", 5), ("/bin/true", "/bin/true a", -1),
    ]  # fmt: skip
    assert [job.state.reason for job in alive(queue)] == ["BeginTime"] * 2
    assert caller.run(scrontab.main, queue, "-l").out.startswith("#SCRON -t 5\n")
    assert caller.run(scrontab.main, queue, "-r").code == 0
    assert alive(queue) == []
    assert caller.run(scrontab.main, queue, "-l").code == 1


def test_the_script_and_the_environment_of_a_job(queue, tell):
    tell("Q=7\n#SCRON -t 5\n@hourly echo hi\n")
    (job,) = alive(queue)
    payload = queue.payloads[job.id]
    assert payload.script == (
        b"#!/bin/sh\n# This job was submitted through scrontab\n#SCRON -t 5\n# crontab time request was: '@hourly'\necho hi\n"
    )
    assert {b"Q=7", b"HOME=/root", b"LOGNAME=root", b"SHELL=/bin/sh"} <= {*payload.environment}
    assert (job.spec.work_dir, job.spec.requeue, job.spec.begin) == ("/root", True, AT + 1050)


@pytest.mark.parametrize(("text", "err"), [
    ("foo\n", "something is broken"),
    ("@fika true\n", "invalid @ line\nscrontab: error: something is broken"),
    ("0 0 30 2 * true\n", "something is broken"),
    ("#SCRON --nosuch\n@daily true\n", "Invalid option found in #SCRON line: --nosuch"),
    ("#SCRON -N abc\n@daily true\n", '"abc" is not a valid node count\nscrontab: error: Invalid option found in #SCRON line: abc'),
    ("#SCRON --array=1-3\n@daily true\n", "Invalid option found in #SCRON line: --array=1-3"),
    ("#SCRON -p\n@daily true\n", "Invalid option found in #SCRON line: -p"),
    ("#SCRON -p debug foo\n@daily true\n", "Invalid option found in #SCRON line: foo"),
    ("#SCRON --wait\n@daily true\n", "Invalid option found in #SCRON line: --wait"),
])  # fmt: skip
def test_a_table_with_errors_changes_nothing(queue, tell, text, err):
    tell("@daily true\n")
    before = alive(queue)
    said = tell(text)
    assert (said.code, said.out, said.err) == (1, ERRORS, f"scrontab: error: {err}\n")
    assert alive(queue) == before


def test_a_job_that_is_refused_leaves_the_old_table(caller, queue, tell):
    tell("@daily true\n")
    before = alive(queue)
    said = tell("@hourly true\n#SCRON -p nosuch\n* * * * * true\n")
    assert (said.code, said.err) == (1, "")
    assert said.out == (
        "There was an issue with the job submission on lines 2-3\n"
        "The error code return was: Invalid partition name specified\n"
        "The error message was: invalid partition specified: nosuch\n"
    )
    assert alive(queue) == before
    assert caller.run(scrontab.main, queue, "-l").out == "@daily true\n"


def test_a_table_that_comes_half_way_leaves_nothing_behind(caller, live_queue):
    queue = live_queue(CLUSTER.model_copy(update={"max_job_count": 2}), AT)

    def told(text):
        caller.files = {"tab": text.encode()}
        return caller.run(scrontab.main, queue, "tab", HOME="/root")

    assert told("@daily true\n").code == 0
    before = alive(queue)
    assert told("@hourly true\n@weekly true\n").code == 1  # each by itself would have had room
    assert alive(queue) == before
    assert caller.run(scrontab.main, queue, "-l").out == "@daily true\n"


def test_a_table_that_another_one_overtakes_leaves_the_other(caller, live_queue, monkeypatch):
    queue = live_queue(CLUSTER.model_copy(update={"max_job_count": 1}), AT)
    apply, other = queue.apply, "# of another scrontab\n"

    async def overtaken(event, payload=None):
        if isinstance(event, Submitted) and not event.test_only:
            await apply(CrontabAsked(AT, 0, caller.owner, other))
        return await apply(event, payload)

    monkeypatch.setattr(queue, "apply", overtaken)
    caller.files = {"tab": b"@hourly true\n@weekly true\n"}
    assert caller.run(scrontab.main, queue, "tab", HOME="/root").code == 1  # there is no room for the second job
    assert caller.run(scrontab.main, queue, "-l").out == other


def test_of_two_tables_at_once_the_last_one_runs(caller, queue, monkeypatch):
    apply = queue.apply

    async def slowly(event, payload=None):
        await asyncio.sleep(0)
        return await apply(event, payload)

    async def both(call, queue):
        tables = (replace(call, argv=(name,)) for name in ("one", "two"))
        return max(await asyncio.gather(*(scrontab.main(one, queue) for one in tables)))

    monkeypatch.setattr(queue, "apply", slowly)
    caller.files = {"one": b"@hourly true\n@weekly true\n", "two": b"@daily true\n@monthly true\n"}
    assert caller.run(both, queue, HOME="/root").code == 0
    (table,) = queue.snapshot().rulings.crontabs.values()
    assert sorted(job.id for job in alive(queue)) == sorted(id for _, _, id in table.lines)


def test_a_new_tables_jobs_are_held_until_it_is_there(queue, tell):
    tell("@daily true\n@hourly true\n")
    facts = [event for event in queue.events if not getattr(event, "test_only", False)]
    assert [type(event) for event in facts] == [Submitted, Submitted, CrontabAsked]
    assert all(event.spec.hold for event in facts[:2])


def test_a_cancelled_job_is_out_of_use_in_the_table(caller, queue, tell):
    tell("#SCRON -t 5\n@hourly echo hi\n@daily true\n")
    (first, _) = alive(queue)
    caller.run(scancel.main, queue, str(first.id))
    assert (
        caller.run(scrontab.main, queue, "-l").out
        == "#DISABLED: #SCRON -t 5\n#DISABLED: @hourly echo hi\n@daily true\n"
    )


def test_scontrol_shows_what_it_is_and_changes_nothing(caller, queue, tell):
    tell("@hourly echo hi\n")
    (job,) = alive(queue)
    assert 'CronJob=Yes CrontabSpec="0 0-23 * * *"' in caller.run(scontrol.main, queue, "show", "job", str(job.id)).out
    said = caller.run(scontrol.main, queue, "update", f"jobid={job.id}", "name=x")
    assert "Cannot modify scrontab jobs through scontrol" in said.err


def test_the_standard_input_is_a_table_too(caller, queue, tell):
    assert tell("@daily true\n", "-").code == 0
    assert len(alive(queue)) == 1


@pytest.mark.parametrize(("argv", "err"), [
    (("--help",), USAGE), (("-z",), USAGE), (("a", "b"), USAGE), (("-l", "a"), USAGE),
    (("nosuch",), "scrontab: fatal: failed to open nosuch\n"),
    (("-u", "nosuch-user", "-l"), "scrontab: fatal: Could not find user nosuch-user\n"),
    (("-e",), "scrontab: fatal: Standard input is not a TTY\n"),
])  # fmt: skip
def test_what_it_cannot_do(caller, queue, argv, err):
    said = caller.run(scrontab.main, queue, *argv)
    assert (said.code, said.out, said.err) == (1, "", err)


def test_another_user_has_a_table_of_his_own(caller, queue, tell):
    tell("@daily true\n")
    caller.owner = Owner(2, 2, "bin", "bin")
    assert caller.run(scrontab.main, queue, "-l").out == "no crontab for bin\n"
    assert (
        caller.run(scrontab.main, queue, "-u", "root", "-r").err == "scrontab: fatal: Only root can use the -u option\n"
    )


def test_a_slurm_conf_must_enable_it(caller, live_queue):
    closed = live_queue(CLUSTER.model_copy(update={"other": ()}), AT)
    said = caller.run(scrontab.main, closed, "-l")
    assert (said.code, said.err) == (1, "scrontab: fatal: scrontab is disabled on this cluster\n")
    open_ = live_queue(CLUSTER.model_copy(update={"other": (), "obliging": True}), AT)
    assert caller.run(scrontab.main, open_, "-l").out == "no crontab for root\n"


def test_editing_is_done_where_the_caller_is(caller, queue):
    words: list[str] = []
    seen = scrontab.Asked(caller.owner, "edit", None)

    class Terminal:
        tty = (True, True, True)

        def become(self, program):
            words.extend(program)

    scrontab._edit(Terminal(), seen)
    assert words[:2] == ["/bin/sh", "-c"]
    assert words[-1] == "scrontab"
    assert replace(seen, act="list").act == "list"
