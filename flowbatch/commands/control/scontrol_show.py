"""`scontrol show`: what there is to see, entity by entity."""

from __future__ import annotations

import errno
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from flowbatch import text
from flowbatch.commands import beside
from flowbatch.commands.call import CallerFile
from flowbatch.commands.command_options import Stop, help_text
from flowbatch.commands.control import show_cluster, show_job, show_reservation
from flowbatch.commands.control.scontrol_options import OPERANDS, OPTIONS, Asked
from flowbatch.commands.control.scontrol_steps import show_steps
from flowbatch.commands.listing import node_view
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.squeue_order import load_order
from flowbatch.core.arrays import root
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import ExitStatus
from flowbatch.core.steps import Step, worst
from flowbatch.slurm import codes, hostlist
from flowbatch.slurm.integers import leading

_INVALID = "ESLURM_INVALID_JOB_ID"

Entity = Callable[[Asked, Sequence[str]], Awaitable[int]]

FILE_LIMIT = 1 << 20
"""No file of nodes is read further."""

_JOB = re.compile(r"\+?(?P<job>[0-9]+)(?:_(?P<task>[0-9]*))?(?P<component>\+[0-9]+)?")
"""0 is every job; no task's number is task 0; components are of heterogeneous jobs."""


async def show(asked: Asked) -> int:
    """Shows the entity that the words name; the exit code."""
    entity, equals, id = asked.words[1].partition("=")
    if not entity:
        raise Stop(1, err=f"too few arguments for keyword:{asked.words[0]}\n")
    words = (id,) if equals else asked.words[2:]
    for name, (least, entity_of) in _ENTITIES.items():
        if name.startswith(entity.lower()) and len(entity) >= least:
            return await _quietly(asked, entity_of, words)
    raise Stop(1, err=f"invalid entity:{asked.words[1]} for keyword:{asked.words[0]} \n")


def _not_found(asked: Asked, what: str) -> int:
    """Says so, but with `-Q`; the exit code."""
    if "quiet" not in asked.flags:
        asked.out(f"{what} not found\n")
    return 1


async def _quietly(asked: Asked, entity_of: Entity, words: Sequence[str]) -> int:
    """What cannot be loaded is no word worth with `-Q`."""
    try:
        return await entity_of(asked, words)
    except Stop as stop:
        if "quiet" in asked.flags and stop.err.startswith("slurm_load"):
            raise Stop(stop.code, out=stop.out) from None
        raise


async def _show_job(asked: Asked, words: Sequence[str]) -> int:
    words = [word for word in words if word]  # no name is every job, also one that is empty
    written = _JOB.fullmatch(words[0]) if words else None
    job_id = leading(written["job"]) if written is not None else 0
    snapshot = asked.queue.snapshot((job_id,) if job_id else None)
    chosen = _chosen(snapshot, words[0]) if words else load_order(snapshot.jobs)
    if not chosen:
        asked.out("No jobs in the system\n" if not words else f"Job {words[0]} not found\n")
        return 1 if words else 0
    ended = await _ended(asked, chosen) if "details" in asked.flags else {}
    asked.out(await beside.done(len(chosen) > beside.MANY, _records, asked, chosen, Scene.of(snapshot), ended))
    return 0


async def _ended(asked: Asked, jobs: Sequence[Job]) -> Mapping[tuple[int, int], ExitStatus]:
    """The worst exit status of the steps that have ended, by job and restart."""
    ran: defaultdict[tuple[int, int], list[Step]] = defaultdict(list)
    for key, step in await asked.queue.step_history([job.id for job in jobs]):
        ran[key.job_id, key.restart].append(step)
    return {placement: worst(steps) for placement, steps in ran.items()}


def _records(asked: Asked, jobs: Sequence[Job], scene: Scene, ended: Mapping[tuple[int, int], ExitStatus]) -> str:
    one_line, details, style = "oneliner" in asked.flags, "details" in asked.flags, asked.style
    sheet = show_job.Sheet(style.times, bits=style.bits, details=details, one_line=one_line)
    return "".join(sheet.record(JobView(job, scene), ended.get((job.id, job.restarts), ExitStatus())) for job in jobs)


def _chosen(snapshot: Snapshot, word: str) -> list[Job]:
    """The records that an id names: an array's last record first. Raises Stop for an id that nothing has."""
    written = _JOB.fullmatch(word)
    if written is None:
        raise Stop(1, err=f"scontrol_print_job error: {codes.message(_INVALID)}\n")
    job_id, task = leading(written["job"]), written["task"]
    if job_id == 0:
        return load_order(snapshot.jobs)
    named = [job for job in snapshot.jobs if job_id in (job.id, root(job))]
    if not named:
        raise Stop(1, err=f"slurm_load_jobs error: {codes.message(_INVALID)}\n")
    if written["component"]:
        offset = leading(written["component"].removeprefix("+"))
        return [
            job for job in snapshot.jobs if job.het is not None and (job.het.leader, job.het.offset) == (job_id, offset)
        ]
    if task is not None:
        tasks = (_task(job, job_id, leading(task)) for job in named)
        return [job for job in tasks if job is not None]
    if named[0].het is not None:
        return sorted(named, key=lambda job: job.id)
    own = [job for job in named if job.id == job_id]
    rest = [job for job in named if job.id != job_id]
    return own + sorted(rest, key=lambda job: -job.id)


def _task(job: Job, array_id: int, index: int) -> Job | None:
    """The array's task as this record has it: its own record, or the array's record as it is for this task."""
    if job.array_id != array_id:
        return None
    if isinstance(job.array, ArrayTask):
        return job if job.array.index == index else None
    if isinstance(job.array, ArrayRest) and index in job.array.pending:
        return replace(job, array=ArrayTask(job.id, index, job.array.throttle))
    return None


async def _show_node(asked: Asked, words: Sequence[str]) -> int:
    snapshot = asked.queue.placed()
    names = [node.name for node in snapshot.cluster.nodes]
    if words:
        try:
            names = hostlist.expand(words[0])
        except hostlist.InvalidHostlist:
            names = [words[0]]
    known = {view.name: view for view in node_view.views(snapshot)}
    code = 0
    for name in names:
        node = known.get(name)
        if node is None:
            code = _not_found(asked, f"Node {name}")
        elif words or node.spec.state != "FUTURE" or "future" in asked.flags:
            lines = show_cluster.node(snapshot.cluster, node, asked.call.owner.host, asked.style.times)
            asked.out(show_cluster.block(lines, one_line="oneliner" in asked.flags))
    return code


async def _show_partition(asked: Asked, words: Sequence[str]) -> int:
    cluster = asked.queue.cluster
    chosen = [part for part in cluster.partitions if part.name == words[0]] if words else [
        part for part in cluster.partitions if "all" in asked.flags or asked.call.owner.uid == 0 or not part.hidden
    ]  # fmt: skip
    if not chosen:
        if words:
            return _not_found(asked, f"Partition {words[0]}")
        asked.out("No partitions in the system\n")
        return 0
    for part in chosen:
        asked.out(show_cluster.block(show_cluster.partition(cluster, part), one_line="oneliner" in asked.flags))
    return 0


async def _show_config(asked: Asked, words: Sequence[str]) -> int:
    asked.out(show_cluster.config(asked.queue.cluster, asked.queue.now(), asked.style.times, asked.call.owner.host))
    return 0


async def _show_licenses(asked: Asked, words: Sequence[str]) -> int:
    snapshot = asked.queue.snapshot()
    scene = Scene.of(snapshot)
    views = [JobView(job, scene) for job in snapshot.jobs]
    only = words[0] if words else None
    listed = show_cluster.licenses(snapshot, views, only=only, one_line="oneliner" in asked.flags)
    asked.out(listed or ("" if only is not None else "No licenses configured in Slurm.\n"))
    return 0


async def _show_reservation(asked: Asked, words: Sequence[str]) -> int:
    snapshot = asked.queue.snapshot()
    chosen = [one for one in snapshot.rulings.reservations if not words or one.name == words[0]]
    if not chosen:
        if words:
            return _not_found(asked, f"Reservation {words[0]}")
        asked.out("No reservations in the system\n")
        return 0
    for one in chosen:
        lines = show_reservation.record(snapshot.cluster, one, snapshot.at, asked.style.times)
        asked.out(show_cluster.block(lines, one_line="oneliner" in asked.flags))
    return 0


async def _show_daemons(asked: Asked, words: Sequence[str]) -> int:
    if words:
        raise Stop(1, err=f"too many arguments for keyword:{asked.words[0]}\n")
    asked.out("slurmctld slurmd\n")
    return 0


async def _show_hostnames(asked: Asked, words: Sequence[str]) -> int:
    said = words[0] if words else asked.call.environ.get("SLURM_NODELIST")
    if said is None:
        raise Stop(0, err="scontrol: error: host list is empty\n")
    asked.out("".join(name + "\n" for name in _hosts(said, code=0)))
    return 0


async def _show_hostlist(asked: Asked, words: Sequence[str]) -> int:
    return await _fold(asked, words, hostlist.fold)


async def _show_hostlistsorted(asked: Asked, words: Sequence[str]) -> int:
    return await _fold(asked, words, hostlist.fold_sorted)


async def _fold(asked: Asked, words: Sequence[str], fold: Callable[[Sequence[str]], str]) -> int:
    if not words:
        raise Stop(1, out=help_text("scontrol", OPERANDS, OPTIONS), err="invalid encode argument\n")
    said = words[0]
    if said.startswith("/"):
        said = await _listed(asked, said)
    asked.out(fold(_hosts(said)) + "\n")
    return 0


async def _listed(asked: Asked, path: str) -> str:
    """The names in a file of the caller's, on one line or several. Raises Stop."""
    try:
        raw = await asked.call.read(path, FILE_LIMIT)
    except CallerFile as error:
        complaint = "Error reading" if error.errno == errno.EISDIR else "Can not open"
        raise Stop(1, err=f"{complaint} {path}\n") from None
    return text.decode(raw).replace("\n", ",").strip(",")


def _hosts(said: str, code: int = 1) -> list[str]:
    """The names. Raises Stop with `code` for what is no list of them."""
    try:
        return hostlist.expand(said)
    except hostlist.InvalidHostlist as error:
        raise Stop(code, err=f"{error.fault('scontrol')}Invalid hostlist: {said}\n") from None


async def _show_aliases(asked: Asked, words: Sequence[str]) -> int:
    """The nodes of this host, which are all of them."""
    asked.out("" if words else " ".join(node.name for node in asked.queue.cluster.nodes) + "\n")
    return 0


async def _show_topology(asked: Asked, words: Sequence[str]) -> int:
    asked.err(
        f"scontrol: error: Topology information contains no switch or node named {words[0]}\n"
        if words and words[0]
        else "scontrol: error: No topology information available\n"
    )
    return 0


async def _show_assoc_mgr(asked: Asked, words: Sequence[str]) -> int:
    """What slurmctld keeps of the database at hand: nothing, since there is none."""
    if words and "=" not in words[0]:
        raise Stop(0, err=f"No value given for option {words[0]}\n")
    kinds = ("users", "associations", "QOS")
    asked.out("Current Association Manager state\n")
    asked.out("".join(f"\nNo {kind} currently cached in Slurm.\n\n" for kind in kinds))
    return 0


async def _show_frontend(asked: Asked, words: Sequence[str]) -> int:
    if words:
        return _not_found(asked, f"Node {words[0]}") if words[0] else 0
    asked.out("No nodes in the system\n")
    return 0


async def _show_slurmd(asked: Asked, words: Sequence[str]) -> int:
    """Nobody listens where slurmd would."""
    raise Stop(
        1, err="scontrol: error: slurm_slurmd_info: Connection refused\nslurm_load_slurmd_status: Connection refused\n"
    )


async def _show_nothing(asked: Asked, words: Sequence[str]) -> int:
    """What a cluster without it shows."""
    return 0


_ENTITIES: Mapping[str, tuple[int, Entity]] = {
    "aliases": (1, _show_aliases),
    "assoc_mgr": (2, _show_assoc_mgr),
    "bbstat": (2, _show_nothing),
    "burstbuffer": (2, _show_nothing),
    "config": (1, _show_config),
    "daemons": (1, _show_daemons),
    "dwstat": (2, _show_nothing),
    "federation": (1, _show_nothing),
    "frontend": (2, _show_frontend),
    "hostlist": (5, _show_hostlist),
    "hostlistsorted": (9, _show_hostlistsorted),
    "hostnames": (5, _show_hostnames),
    "jobs": (1, _show_job),
    "jobid": (4, _show_job),
    "licenses": (2, _show_licenses),
    "nodes": (1, _show_node),
    "partitions": (2, _show_partition),
    "reservations": (1, _show_reservation),
    "slurmd": (2, _show_slurmd),
    "steps": (2, show_steps),
    "topology": (1, _show_topology),
}
"""What `show` shows: the name and how much of it is enough."""
