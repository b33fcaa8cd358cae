"""scancel: ends jobs, and sends them signals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from flowbatch import text
from flowbatch.commands import clusters
from flowbatch.commands.call import Call, Lines
from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scancel_options import Target, Wanted, read
from flowbatch.commands.listing.job_fields import job_id_text, style_of
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.squeue_order import load_order
from flowbatch.core.arrays import index_set, root
from flowbatch.core.events import CancelAsked, JobRef, SignalAsked, StepSignalAsked, Verdict
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import Finished
from flowbatch.slurm import codes, hostlist
from flowbatch.slurm.errnos import NUMBERS
from flowbatch.spec.array import IndexSet

_INVALID, _DONE = "ESLURM_INVALID_JOB_ID", "ESLURM_ALREADY_DONE"
_FORGIVEN = (_INVALID, _DONE)
"""What only `-v` mentions when a job is to be ended: it is over, which was wanted."""

UNBOUND = 0
"""No index of a task is read before the cluster is known that bounds it."""


async def main(call: Call, queue: QueuePort) -> int:
    """Acts on what was named; the exit code."""
    try:
        wanted = _read(call, UNBOUND)
        call.err.write(wanted.notes)
        queues = await clusters.chosen(call, queue, wanted.words.get("clusters"), "scancel")
        if not wanted.targets and not wanted.filters:
            raise Stop(1, err="scancel: error: No job identification provided\n")
        answers = Lines(call)
        ends = [
            await Cancelling(call, one, _read(call, one.cluster.max_array_size), answers).run() for one in queues
        ]  # fmt: skip
        return max(ends)
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _read(call: Call, max_array_size: int) -> Wanted:
    return read(call.argv, call.environ, call.owner.uid, max_array_size)


class Cancelling:
    """One run of scancel on one cluster."""

    def __init__(self, call: Call, queue: QueuePort, wanted: Wanted, answers: Lines) -> None:
        self._call, self._queue, self._wanted, self._answers = call, queue, wanted, answers
        self._code = 0

    async def run(self) -> int:
        steps = [target for target in self._wanted.targets if target.step is not None]
        jobs = [target for target in self._wanted.targets if target.step is None]
        if jobs or not steps:  # where steps alone are named, no job is meant
            await (self._look_and_act(jobs) if self._wanted.looks_first else self._end(jobs))
        for target in steps:
            await self._end_step(target)
        return self._code

    async def _end(self, targets: Sequence[Target]) -> None:
        """Hands ids to the queue as they were written."""
        refs = [JobRef(target.job_id, target.tasks, target.component) for target in targets]
        for target, verdict in zip(targets, await self._apply(refs), strict=True):
            self._say(f"Terminating job {target.text}")
            if target.component == 0 and verdict.code == _INVALID and self._is_plain(target.job_id):
                verdict = replace(verdict, code="ESLURM_NOT_HET_JOB")
            self._judge(target.text, verdict)

    def _is_plain(self, job_id: int) -> bool:
        return any(job.id == job_id and job.het is None for job in self._queue.snapshot((job_id,)).jobs)

    async def _look_and_act(self, targets: Sequence[Target]) -> None:
        """Picks the records that are named and fulfil all filters, asks where it was told to, and acts on each."""
        snapshot = self._queue.snapshot([target.job_id for target in targets] if targets else None)
        active = [job for job in load_order(snapshot.jobs) if not isinstance(job.state, Finished)]
        for target in targets:
            for name in _missing(target, active):
                self._error(f"Kill job error on job id {name}: {codes.message(_INVALID)}")
                self._code = 1
        scene = Scene.of(snapshot)
        matches = _filter(self._wanted)
        chosen = [
            named
            for job in sorted(active, key=lambda job: _turn(job, targets))
            for named in _named(job, targets)
            if matches(JobView(named, scene))
        ]  # fmt: skip
        if not chosen and self._wanted.filters:
            filters = "".join(f"{name}={value} " for name, value in self._wanted.filters.items())
            self._say(f"error: No active jobs match ALL job filters, including: {filters}")
        style, ids = style_of(self._call.environ, scene.at), {job.id for job in chosen}
        views = (JobView(job, scene) for job in chosen if not (job.follows and root(job) in ids))
        named = [(job_id_text(view, style) if view.job.het is None else str(view.job.id), view) for view in views]
        if "interactive" not in self._wanted.flags:
            await self._act_on(named)
            return
        for name, view in named:
            if await self._is_confirmed(view, name):
                await self._act_on([(name, view)])

    async def _act_on(self, named: Sequence[tuple[str, JobView]]) -> None:
        """Acts on records, each by the name that is shown of it; all of them in one step of the queue."""
        wanted = self._wanted
        scope = "full " if "full" in wanted.flags else "batch " if "batch" in wanted.flags else ""
        act = f"Terminating {scope}" if wanted.signal in (0, 9) else f"Signal {wanted.signal} to {scope}"
        verdicts = await self._apply([_ref(view.job) for _, view in named])
        for (name, _), verdict in zip(named, verdicts, strict=True):
            self._say(f"{act}job {name}")
            self._judge(name, verdict)

    async def _apply(self, refs: Sequence[JobRef]) -> Sequence[Verdict]:
        """One verdict for each ref, in their order."""
        if not refs:
            return ()
        wanted, at, by = self._wanted, self._queue.now(), self._call.owner.uid
        reply = await self._queue.apply(
            SignalAsked(at, by, tuple(refs), wanted.signal or 9, "full" if "full" in wanted.flags else "batch" if "batch" in wanted.flags else "steps")
            if wanted.signal or wanted.flags & {"batch", "full"}
            else CancelAsked(at, by, tuple(refs))
        )  # fmt: skip
        assert isinstance(reply, tuple)
        return reply

    def _judge(self, name: str, verdict: Verdict) -> None:
        if verdict.code is not None:
            self._complain(name, verdict.code)

    def _complain(self, name: str, code: str) -> None:
        """An error of the queue; what is over already is worth no word, unless it should have been signalled."""
        forgiven = code in _FORGIVEN and self._wanted.signal in (0, 9)
        line = f"Kill job error on job id {name}: {codes.message(code)}"
        if not forgiven:
            self._error(line)
            self._code = NUMBERS[code] & 0xFF
        elif self._wanted.verbose > 0:
            self._error(line)

    async def _end_step(self, target: Target) -> None:
        """A step of a running job gets the signal, or is killed; one that is not there is no job's."""
        job, number = target.text.partition(".")[0], target.step
        assert number is not None
        step = f"{job}.{number}"
        snapshot = self._queue.snapshot((target.job_id,))
        views = [JobView(one, Scene.of(snapshot)) for one in snapshot.jobs if _named_tasks(one, target) is not None]
        views = [view for view in views if not view.finished]
        if not views:
            self._error(f"Kill job error on job step id {step}: {codes.message(_INVALID)}")
            self._code = 1
            return
        if all(view.pending for view in views):
            return  # what waits has no steps to end, which is no error
        matches = _filter(self._wanted)
        if not any(map(matches, views)) or not await self._is_step_confirmed(views[0], step):
            return
        kills = self._wanted.signal in (0, 9)
        self._say(f"Terminating step {step}" if kills else f"Signal {self._wanted.signal} to step {step}")
        at, by = self._queue.now(), self._call.owner.uid
        refs = (JobRef(target.job_id, target.tasks),)
        reply = await self._queue.apply(StepSignalAsked(at, by, refs, number, self._wanted.signal or 9))
        assert isinstance(reply, tuple)
        if reply[0].code is not None and (kills or reply[0].code not in _FORGIVEN):
            self._error(f"Kill job error on job step id {job}: {codes.message(reply[0].code)}")
            self._code = NUMBERS[reply[0].code] & 0xFF

    async def _is_step_confirmed(self, view: JobView, step: str) -> bool:
        if "interactive" not in self._wanted.flags:
            return True
        return await self._is_yes(f"Cancel step_id={step} name={view.spec.name} partition={view.partition} [y/n]? ")

    async def _is_confirmed(self, view: JobView, name: str) -> bool:
        return await self._is_yes(f"Cancel job_id={name} name={view.spec.name} partition={view.partition} [y/n]? ")

    async def _is_yes(self, question: str) -> bool:
        """Asks until there is a yes or a no; the end of the answers is a no."""
        while True:
            self._call.out.write(question)
            await self._call.out.drain()
            answer = text.decode(await self._answers.next())
            if not answer or answer[:1] in ("n", "N"):
                return False
            if answer[:1] in ("y", "Y"):
                return True

    def _say(self, line: str) -> None:
        if self._wanted.verbose > 0:
            self._call.err.write(f"scancel: {line}\n")

    def _error(self, line: str) -> None:
        if self._wanted.verbose >= 0:
            self._call.err.write(f"scancel: error: {line}\n")


def _filter(wanted: Wanted) -> Callable[[JobView], bool]:
    """Whether a record fulfils all filters."""
    words, state, user = wanted.words, wanted.state, wanted.user
    nodes = _nodes(words["nodelist"]) if "nodelist" in words else None
    texts: dict[str, Callable[[JobView], str | None]] = {
        "account": lambda view: view.spec.account,
        "name": lambda view: view.spec.name,
        "qos": lambda view: view.qos,
        "reservation": lambda view: view.spec.reservation,
        "wckey": lambda view: view.spec.wckey,
    }
    compared = [(value, words[key]) for key, value in texts.items() if key in words]

    def matches(view: JobView) -> bool:
        held = view.allocation
        return (
            (state is None or view.base_state == state or view.state == state)
            and (user is None or view.job.owner.uid == user)
            and all(value(view) == said for value, said in compared)
            and ("partition" not in words or words["partition"] in view.partition.split(","))
            and (nodes is None or (held is not None and not nodes.isdisjoint(held.nodes)))
        )

    return matches


def _nodes(said: str) -> frozenset[str]:
    try:
        return frozenset(hostlist.expand(said))
    except hostlist.InvalidHostlist:
        return frozenset()


def _named(job: Job, targets: Sequence[Target]) -> Iterable[Job]:
    """The record, or what is named of it; all of it where nothing is named."""
    if not targets:
        return [job]
    named = [found for target in targets if (found := _named_tasks(job, target)) is not None]
    rests = [found.array.pending for found in named if isinstance(found.array, ArrayRest)]
    if not rests or not isinstance(job.array, ArrayRest):
        return named[:1]
    together = IndexSet()
    for rest in rests:
        together = together.union(rest)
    return [replace(job, array=replace(job.array, pending=together))]


def _missing(target: Target, active: Sequence[Job]) -> Iterable[str]:
    """The target, or each task of its brackets, that no record has."""
    found = [job for one in active if (job := _named_tasks(one, target)) is not None]
    if target.tasks is None or "[" not in target.text:
        return () if found else (target.text,)
    there = {job.array.index for job in found if isinstance(job.array, ArrayTask)}
    waiting = [job.array.pending for job in found if isinstance(job.array, ArrayRest)]
    absent = (index for index in target.tasks if index not in there and not any(index in rest for rest in waiting))
    return (f"{target.job_id}_{index}" for index in absent)


def _turn(job: Job, targets: Sequence[Target]) -> tuple[int, int]:
    """When it is this record's turn: as the targets name them, an array's running tasks first; without targets by number."""
    if not targets:
        return 0, job.id
    place = next((n for n, target in enumerate(targets) if _named_tasks(job, target) is not None), len(targets))
    return place, -job.id


def _named_tasks(job: Job, target: Target) -> Job | None:
    """The record as far as the target names it."""
    if target.component is not None:
        named = job.het is not None and (job.het.leader, job.het.offset) == (target.job_id, target.component)
        return job if named else None
    if target.job_id not in (job.id, job.array_id):
        return None
    if target.tasks is None:
        return job
    if isinstance(job.array, ArrayTask):
        return job if job.array_id == target.job_id and job.array.index in target.tasks else None
    if isinstance(job.array, ArrayRest):
        chosen = job.array.pending.both(target.tasks)
        return replace(job, array=replace(job.array, pending=chosen)) if chosen else None
    return None


def _ref(job: Job) -> JobRef:
    """A record's own name in the queue: a task by its index, since the last one shares its array's number."""
    if isinstance(job.array, ArrayTask):
        return JobRef(job.array.array_id, index_set([job.array.index]))
    if isinstance(job.array, ArrayRest):
        return JobRef(job.id, job.array.pending)
    return JobRef(job.id)
