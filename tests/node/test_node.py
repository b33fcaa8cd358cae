"""The node runs scripts as slurmd and slurmstepd 22.05.8 do (what they do was recorded from them)."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import resource
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowbatch.node import files, wrappers
from flowbatch.node import node as node_module
from flowbatch.protocol.launch import Report
from flowbatch.sdk.compiling import compiled_wrapper, compiler
from tests.node.jobs import key


@pytest.fixture(params=["c", "perl", "python"])
def wrapper(request, monkeypatch, tmp_path):
    """All wrappers keep the same promises."""
    if request.param == "python":
        monkeypatch.setattr(wrappers, "PERLS", ())
    elif request.param == "perl" and wrappers.find_perl() is None:
        pytest.skip("no perl on this machine")
    elif request.param == "c" and ((cc := compiler()) is None or not compiled_wrapper(cc, tmp_path / "node")):
        pytest.skip("no C compiler on this machine")
    return request.param


def test_a_script_runs_and_its_exit_code_is_told(play, wrapper):
    async def scene(node):
        assert node.node.facts["wrapper"] == wrapper
        report = await node.over(node.job('pwd; echo "$0 $1,$2"; exit 3', arguments=("a", "b c")))
        assert [r.what for r in node.reports] == ["launched", "ended"]
        assert (report.code, report.signal, report.cause) == (3, 0, "exit")
        directory, words = node.output().splitlines()
        assert directory == str(node.work)
        assert re.fullmatch(r"/.*/job00001/slurm_script a,b c", words)

    play(scene)


def test_the_script_leads_a_group_in_its_wrappers_session(play, wrapper):
    async def scene(node):
        await node.over(node.job("ps -o pid=,ppid=,pgid=,sid= -p $$; echo $SLURM_TASK_PID"))
        pid, parent, group, session, said = node.output().split()
        assert pid == group == said
        assert parent == session

    play(scene)


@pytest.mark.parametrize(
    ("script", "code", "number"),
    [("exit 300", 44, 0), ("exit 255", 255, 0), ("exit 143", 143, 0), ("kill -9 $$", 0, 9), ("kill -TERM $$", 0, 15)],
)
def test_exit_codes_and_signals_are_kept_apart(play, wrapper, script, code, number):
    async def scene(node):
        report = await node.over(node.job(script))
        assert (report.code, report.signal) == (code, number)

    play(scene)


@pytest.mark.parametrize(
    ("first", "code", "line"),
    [
        ("#!/no/such", 2, "bad interpreter(/no/such): No such file or directory"),
        ("#! /no/such x", 2, "bad interpreter( /no/such x): No such file or directory"),
        ("#!/tmp", 13, "{script}: Permission denied"),
        ("#!", 8, "{script}: Exec format error"),
    ],
)
def test_a_script_that_cannot_be_executed(play, wrapper, first, code, line):
    async def scene(node):
        report = await node.over(node.job(f"{first}\necho hi\n"))
        assert (report.what, report.code, report.signal) == ("ended", code, 0)
        script = next(r for r in node.node._book.entries.values()).started.spool + "/slurm_script"
        assert node.output() == f"slurmstepd: error: execve(): {line.format(script=script)}\n"

    play(scene)


def test_a_script_that_is_still_open_for_writing_runs_once_it_is_not(play, wrapper, monkeypatch):
    """As where the daemon's thread writes one while another forks: the fork has it open until it is another program."""
    filled, held = files.fill, []

    def fill(spool, message):
        script = filled(spool, message)
        held.append(script.open("ab"))
        return script

    monkeypatch.setattr(files, "fill", fill)

    async def scene(node):
        job = asyncio.ensure_future(node.over(node.job("exit 3")))
        await node.said("launched")
        await asyncio.sleep(0.2)  # it is tried meanwhile, in vain
        held[0].close()
        assert (await job).code == 3

    play(scene)


def test_environment_limits_umask_and_input(play, wrapper, work):
    (work / "in.txt").write_text("input\n")

    async def scene(node):
        script = 'umask; ulimit -n; cat; echo "$RAW|$SLURM_JOB_ID|$TMPDIR|${PERL5LIB-unset}"; touch made'
        job = node.job(
            script, environment=(f"PATH={os.environ['PATH']}", "RAW=\xff \xe9"), limits={"NOFILE": 333, "CORE": -1},
            umask=0o027, stdin="in.txt",
        )  # fmt: skip
        await node.over(job)

    play(scene)
    assert (work / "slurm-1.out").read_bytes().splitlines() == [b"0027", b"333", b"input", b"\xff \xe9|1|/tmp|unset"]
    assert (work / "slurm-1.out").stat().st_mode & 0o777 == 0o640
    assert (work / "made").stat().st_mode & 0o777 == 0o640


def test_the_caller_s_perl_settings_do_not_reach_the_wrapper(play):
    async def scene(node):
        job = node.job("echo $PERL5OPT", environment=(f"PATH={os.environ['PATH']}", "PERL5OPT=-Mnosuch"))
        assert (await node.over(job)).code == 0
        assert node.output() == "-Mnosuch\n"

    play(scene)


@pytest.mark.parametrize(
    "changes", [{"stdout": "/no/such/x"}, {"stderr": "/no/such/x"}, {"stdin": "/no/such/x"}, {"stdout": "."}]
)
def test_a_stream_that_cannot_be_opened_ends_the_job_unrun(play, work, changes):
    async def scene(node):
        report = await node.over(node.job("touch ran", **changes))
        assert [r.what for r in node.reports] == ["failed"]
        assert (report.code, report.signal) == (0, 53)
        assert not (work / "ran").exists()

    play(scene)


def test_a_missing_work_directory_is_said_twice_and_replaced(play, work):
    async def scene(node):
        await node.over(node.job("pwd", work_dir="/no/such", stdout=str(work / "slurm-1.out")))
        line = "slurmstepd: error: couldn't chdir to `/no/such': No such file or directory: going to /tmp instead"
        assert node.output().splitlines() == [line, line, "/tmp"]

    play(scene)


@pytest.mark.parametrize(("append", "left"), [(True, "old\nnew\n"), (False, "new\n")])
def test_output_is_cut_unless_appended(play, work, append, left):
    (work / "slurm-1.out").write_text("old\n")

    async def scene(node):
        await node.over(node.job("echo new", append=append))
        assert node.output() == left

    play(scene)


def test_both_streams_append_to_one_file(play):
    async def scene(node):
        await node.over(node.job("for i in 1 2; do echo o$i; echo e$i >&2; done; grep flags /proc/self/fdinfo/1"))
        *lines, flags = node.output().splitlines()
        assert lines == ["o1", "e1", "o2", "e2"]
        assert int(flags.split()[1], 8) & os.O_APPEND

    play(scene)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a sub-reaper")
def test_what_a_script_leaves_behind_is_killed(play, wrapper, work):
    async def scene(node):
        script = (
            "for how in '' setsid; do $how sleep 1000 & echo $! >> pids; done; (setsid sleep 1000 & echo $! >> pids)"
        )
        report = await node.over(node.job(script + "; exit 5"))
        assert report.code == 5
        pids = [int(word) for word in (work / "pids").read_text().split()]
        assert len(pids) == 3
        assert [pid for pid in pids if node.node._processes.born(pid) is not None] == []

    play(scene)


TRAPS = """
log() { echo "$1 $2" >> signals; }
cat > child.sh <<'X'
for s in CONT TERM USR1; do trap "echo $1 $s >> signals" $s; done
echo $1 ready >> signals
while [ ! -e enough ]; do sleep 0.05; done
X
for s in CONT TERM USR1; do trap "log shell $s" $s; done
bash child.sh child & setsid bash child.sh apart &
echo shell ready >> signals
while [ ! -e enough ]; do sleep 0.05; done
"""


def seen(work):
    path = work / "signals"
    return set(path.read_text().splitlines()) if path.exists() else set()


READY = {"shell ready", "child ready", "apart ready"}


@pytest.mark.parametrize(("scope", "receivers"), [("batch", {"shell"}), ("full", {"shell", "child"}), ("steps", set())])
def test_a_signal_reaches_those_whom_scancel_means(play, work, scope, receivers):
    async def scene(node):
        node.node.launch(node.job(TRAPS))
        await node.until(lambda: seen(work) >= READY)
        node.node.deliver(key(), signal.SIGUSR1, scope)
        expected = {f"{who} USR1" for who in receivers}
        await node.until(lambda: seen(work) >= expected)
        (work / "enough").touch()
        await node.said("ended")
        assert seen(work) - READY == expected
        assert "CANCELLED" not in node.output()

    play(scene)


def test_a_stop_continues_terminates_and_kills(play, work):
    async def scene(node):
        node.node.launch(node.job(TRAPS, kill_wait_s=1))
        await node.until(lambda: seen(work) >= READY)
        begun = time.monotonic()
        node.node.stop(key(), "cancelled")
        node.node.stop(key(), "requeue")
        report = await node.said("ended")
        assert time.monotonic() - begun < 5
        assert (report.signal, report.cause) == (9, "killed")
        assert seen(work) - READY == {
            f"{who} {what}" for who in ("shell", "child", "apart") for what in ("CONT", "TERM")
        }
        closing = [line for line in node.output().splitlines() if "***" in line]
        assert len(closing) == 1
        assert re.fullmatch(
            r"slurmstepd: error: \*\*\* JOB 1 ON n1 CANCELLED AT \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d \*\*\*", closing[0]
        )

    play(scene)


@pytest.mark.parametrize(
    ("why", "words", "cause"),
    [
        ("timeout", " DUE TO TIME LIMIT ***", "timeout"),
        ("requeue", " DUE TO JOB REQUEUE ***", "killed"),
        ("preempted", " DUE TO PREEMPTION ***", "preempted"),
    ],
)
def test_the_closing_line_says_why(play, why, words, cause):
    async def scene(node):
        node.node.launch(node.job("sleep 1000"))
        await node.said("launched")
        node.node.stop(key(), why)
        report = await node.said("ended")
        assert (report.signal, report.cause) == (15, cause)
        assert words in node.output()

    play(scene)


@pytest.mark.parametrize(("number", "lines"), [(signal.SIGTERM, 1), (signal.SIGINT, 0)])
def test_a_terminating_signal_alone_leaves_the_closing_line_too(play, number, lines):
    async def scene(node):
        node.node.launch(node.job("trap 'exit 5' INT; touch ready; while :; do sleep 0.05; done"))
        await node.until((node.work / "ready").exists)
        node.node.deliver(key(), number, "batch")
        report = await node.said("ended")
        assert report.cause == "exit"
        assert node.output().count("CANCELLED") == lines

    play(scene)


def test_the_time_limit_falls_without_anybody_watching(play):
    async def scene(node):
        report = await node.over(node.job("sleep 1000", ends_by=int(time.time()) + 1))
        assert (report.signal, report.cause) == (15, "timeout")
        assert "DUE TO TIME LIMIT ***" in node.output()

    play(scene)


def test_a_site_may_allow_time_beyond_the_limit(play):
    async def scene(node):
        past = int(time.time()) - 3600
        report = await node.over(node.job("sleep 0.3; echo alive; sleep 1000", ends_by=past, over_time_s=3602))
        assert report.cause == "timeout"
        assert node.output().startswith("alive")

    play(scene)


def test_a_clock_that_jumps_ends_no_job(play, work):
    shift = [0.0]

    async def scene(node):
        node.node.launch(node.job("while [ ! -e enough ]; do sleep 0.05; done", ends_by=int(time.time()) + 600))
        await node.said("launched")
        shift[0] = 86400.0
        await asyncio.sleep(0.2)
        (work / "enough").touch()
        assert (await node.said("ended")).cause == "exit"

    play(scene, now=lambda: time.time() + shift[0])


def test_the_warning_signal_comes_before_the_limit_and_once(play, work):
    script = "trap 'echo warned >> signals' USR1; while [ ! -e enough ]; do sleep 0.05; done"

    async def first_life(node):
        node.node.launch(node.job(
            script, ends_by=int(time.time()) + 600, signal=signal.SIGUSR1, signal_lead_s=599, signal_batch_only=True
        ))  # fmt: skip
        await node.until(lambda: "warned" in seen(work))

    async def second_life(node):
        await asyncio.sleep(0.3)
        (work / "enough").touch()
        await node.said("ended")
        assert (work / "signals").read_text() == "warned\n"

    play(first_life)
    play(second_life)


def test_a_launch_that_comes_twice_runs_once(play, work):
    async def scene(node):
        job = node.job("echo ran >> runs; exit 4")
        node.node.launch(job)
        node.node.launch(job)
        await node.said("ended")
        before = len(node.reports)
        node.node.launch(job)
        assert [r.what for r in node.reports[before:]] == ["launched", "ended"]
        node.node.forget(key())
        node.node.launch(job)
        assert node.reports[-1].what == "unknown"
        assert (work / "runs").read_text() == "ran\n"

    play(scene)


def test_a_stop_before_the_launch_means_that_it_never_runs(play, work):
    async def scene(node):
        node.node.stop(key(), "cancelled")
        assert (await node.said("ended")).cause == "killed"
        node.node.launch(node.job("touch ran"))
        assert node.reports[-1].what == "ended"
        assert not (work / "ran").exists()

    play(scene)


def test_a_stop_during_the_launch_keeps_the_gate_shut(play, work):
    async def scene(node):
        node.node.launch(node.job("touch ran"))
        node.node.stop(key(), "cancelled")
        report = await node.said("ended")
        assert (report.signal, report.cause) == (15, "killed")
        assert "launched" not in [r.what for r in node.reports]
        assert not (work / "ran").exists()

    play(scene)


def test_reports_are_repeated_until_forgotten(play):
    async def scene(node):
        await node.over(node.job("exit 7"))
        for _ in range(2):
            assert [(r.what, r.code) for r in node.node.reports([key(), key(99)])] == [
                ("launched", 0), ("ended", 7), ("absent", 0)
            ]  # fmt: skip
        assert node.node.busy
        node.node.forget(key())
        assert list(node.node.reports([])) == []
        assert not node.node.busy

    play(scene)


def test_a_running_placement_is_not_forgotten(play):
    async def scene(node):
        node.node.launch(node.job("sleep 1000"))
        await node.said("launched")
        node.node.forget(key())
        assert [r.what for r in node.node.reports([])] == ["launched"]
        node.node.stop(key(), "cancelled")
        await node.said("ended")

    play(scene)


def test_forgetting_removes_the_spool(play, tmp_path):
    async def scene(node):
        await node.over(node.job("true"))
        spool = tmp_path / "node/spool" / key().store / "job00001"
        for path in (spool.parents[1], spool.parent, spool, spool / "slurm_script"):
            assert path.stat().st_mode & 0o777 == 0o700, path
        node.node.forget(key())
        await node.until(lambda: not spool.exists())

    play(scene)


def test_a_job_goes_on_without_its_node_and_is_adopted(play, work):
    async def first_life(node):
        node.node.launch(node.job("while [ ! -e enough ]; do sleep 0.05; done; exit 9"))
        await node.said("launched")

    async def second_life(node):
        assert [r.what for r in node.node.reports([key()])] == ["launched"]
        (work / "enough").touch()
        assert (await node.said("ended")).code == 9

    async def third_life(node):
        assert [(r.what, r.code) for r in node.node.reports([key()])] == [("launched", 0), ("ended", 9)]

    play(first_life)
    play(second_life)
    play(third_life)


def test_a_stop_is_carried_through_by_the_next_life(play, work):
    async def first_life(node):
        node.node.launch(node.job(TRAPS, kill_wait_s=1))
        await node.until(lambda: seen(work) >= READY)
        node.node.stop(key(), "timeout")

    async def second_life(node):
        report = await node.said("ended")
        assert (report.signal, report.cause) == (9, "timeout")
        assert node.output().count("CANCELLED") == 1

    play(first_life)
    play(second_life)


def test_a_machine_that_restarted_knows_nothing_of_the_end(play, tmp_path):
    async def first_life(node):
        await node.over(node.job("true"))

    async def after_the_restart(node):
        assert [r.what for r in node.node.reports([key()])] == ["launched", "unknown"]

    play(first_life)
    journal = tmp_path / "node/journal"
    journal.write_bytes(b"".join(line for line in journal.read_bytes().splitlines(True) if b'"Over"' not in line))
    (tmp_path / "node/spool" / key().store / "job00001/status").unlink()
    play(after_the_restart)


def test_a_script_whose_wrapper_was_killed_is_ended_and_unknown(play, work):
    async def scene(node):
        node.node.launch(node.job("echo $$ $PPID > pids; sleep 1000"))
        await node.until(lambda: (work / "pids").exists() and (work / "pids").read_text().endswith("\n"))
        script, wrapper = map(int, (work / "pids").read_text().split())
        os.kill(wrapper, signal.SIGKILL)
        assert (await node.said("unknown")).why
        await node.until(lambda: node.node._processes.born(script) is None)

    play(scene)


def test_a_job_of_another_user_is_not_run(play, work):
    async def scene(node):
        report = await node.over(node.job("touch ran", uid=os.getuid() + 1))
        assert (report.what, report.code) == ("failed", 1)

    play(scene)


def test_many_launches_share_their_syncs(play):
    syncs = []

    async def scene(node):
        await asyncio.gather(*(node.over(node.job("true", job_id=n)) for n in range(1, 21)))
        assert len(syncs) < 40

    play(scene, failpoint=lambda name: syncs.append(name) if name == "synced" else None)


def test_a_full_disk_starts_nothing(play, work, monkeypatch):
    async def scene(node):
        def full(record):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(node.node._book._journal, "append", full)
        report = await node.over(node.job("touch ran"))
        assert report.what == "failed"
        assert not (work / "ran").exists()

    play(scene)


def test_reports_are_values():
    assert Report(key(), "ended", 5) == Report(key(), "ended", 5)


def test_a_script_that_removes_its_spool_ends_without_a_known_end(play, wrapper):
    async def scene(node):
        node.node.launch(node.job('rm -rf "$(dirname "$0")"; exit 4'))
        assert (await node.said("ended", "unknown")).what == "unknown"

    play(scene)


def test_jobs_that_are_cancelled_together_all_end(play):
    async def scene(node):
        for number in range(1, 11):
            node.node.launch(node.job("exec sleep 1000", job_id=number))
        for number in range(1, 11):
            await node.said("launched", of=key(number))
        for number in range(1, 11):
            node.node.stop(key(number), "cancelled")
        for number in range(1, 11):
            assert (await node.said("ended", of=key(number))).signal == 15

    play(scene)


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_jobs_that_wait_for_a_fifos_other_end_hold_up_nobody(play, work, monkeypatch, stream):
    monkeypatch.setattr(node_module, "LAUNCHERS", 2)
    for number in (1, 2, 3):
        os.mkfifo(work / f"fifo{number}")

    async def scene(node):
        for number in (1, 2, 3):
            node.node.launch(node.job("echo out; echo err >&2", job_id=number, **{stream: f"fifo{number}"}))
        try:
            assert (await node.over(node.job("exit 4", job_id=4))).code == 4
            assert [report.key for report in node.reports if report.what == "launched"] == [key(4)]
        finally:
            ends = [os.open(work / f"fifo{number}", os.O_RDWR | os.O_NONBLOCK) for number in (1, 2, 3)]
        for number in (1, 2, 3):
            assert (await node.said("ended", of=key(number))).code == 0
        said = [os.read(end, 100) for end in ends] if stream != "stdin" else []
        assert said == [b"out\nerr\n" if stream == "stdout" else b"err\n"] * len(said)
        for end in ends:
            os.close(end)

    play(scene)


def test_a_signal_right_after_the_gate_is_not_lost(play, wrapper):
    """The script may not have been executed yet: its process must die of the signal all the same."""

    async def scene(node):
        for number in range(1, 21):
            node.node.launch(node.job("exec sleep 1000", job_id=number))
            await node.said("launched", of=key(number))
            node.node.stop(key(number), "cancelled")
            assert (await node.said("ended", of=key(number))).signal == 15

    play(scene)


def test_what_is_ours_outlives_the_job_that_started_it(play, wrapper, work):
    """A daemon, apart by the word that it began with, and what it has started; not what only says so later."""

    async def scene(node):
        ours = "FLOWBATCH_APART=1 setsid sh -c 'sleep 1000 & echo $! >> pids; echo $$ >> pids; wait' & "
        report = await node.over(
            node.job(ours + "setsid sleep 1000 & echo $! > left; until [ $(wc -l < pids) = 2 ]; do :; done")
        )
        assert report.code == 0
        born = node.node._processes.born
        pids = [int(word) for word in (work / "pids").read_text().split()]
        assert all(born(pid) for pid in pids) and not born(int((work / "left").read_text()))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    play(scene)


@contextmanager
def no_descriptor_left():
    """This process opens nothing meanwhile."""
    usual, free = resource.getrlimit(resource.RLIMIT_NOFILE), os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def test_a_run_is_followed_also_where_no_descriptor_is_left(play, work):
    """Not as it begins, nor as it is told to end: both are done once there is one."""

    async def scene(node):
        opens, starved = os.pidfd_open, []

        def none_left(pid):
            if len(starved) < 3:
                starved.append(pid)
                raise OSError(errno.EMFILE, "Too many open files")
            return opens(pid)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "pidfd_open", none_left)
            node.node.launch(node.job("echo up > up; sleep 1000", kill_wait_s=30))
            await node.until(lambda: len(starved) == 3 and (work / "up").exists())
        node.node.stop(key(), "cancelled")
        with no_descriptor_left():
            await asyncio.sleep(1.5)
        report = await node.said("ended")
        assert (report.cause, report.signal) == ("killed", 15)

    play(scene)


def test_a_signal_and_an_end_where_no_descriptor_is_left(play, work):
    """The one reaches the script, the other is told as it was, once there is one."""

    async def scene(node):
        waits = "trap 'got=7' USR1; echo up > up; until [ -d go ] && [ $got ]; do sleep 0.1; done; exit $got"
        node.node.launch(node.job(waits))
        await node.until((work / "up").exists)
        with no_descriptor_left():
            node.node.deliver(key(), signal.SIGUSR1, "batch")
            await asyncio.sleep(0.5)
        await asyncio.sleep(1.5)
        with no_descriptor_left():
            (work / "go").mkdir()
            await asyncio.sleep(1.5)
        report = await node.said("ended")
        assert (report.cause, report.code) == ("exit", 7)

    play(scene)
