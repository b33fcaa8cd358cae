"""What administrators say of reservations, and what time does to them. As on 22.05: reservations that do not let others in never
share a node, jobs that run there already forbid one unless they are to be ignored, and one that jobs asked for is not deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from flowbatch.core.events import Made, Refused
from flowbatch.core.facts import Expired, Held, Limited
from flowbatch.core.placing.timeline import releases
from flowbatch.core.ruling.administering import refused, rule
from flowbatch.core.ruling.reservations import NEVER, NOBODY, Party, Reservation, deleted, names, users_of
from flowbatch.core.ruling.rulings import Rulings
from flowbatch.core.ruling.wishes import ReservationAsked, ReservationWish
from flowbatch.core.states import Finished, Pending, Running, Suspended
from flowbatch.core.terms import revised
from flowbatch.core.turn import Turn
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec

LATEST_PAST_S = 300
"""A beginning may be so long ago; it is now then."""

SHARING = frozenset({"MAINT", "OVERLAP"})
"""Flags of a reservation that may lie over others."""


def reservation(turn: Turn, event: ReservationAsked) -> Made | Refused:
    """Makes, changes or deletes one."""
    rulings, wish = turn.queue.rulings, event.wish
    if (no := refused(turn.queue.cluster, event.by)) is not None:
        return no
    known = rulings.reservation(wish.name)
    if event.act == "create":
        found = _created(turn, rulings, wish)
    elif known is None:
        return Refused("ESLURM_RESERVATION_INVALID")
    elif event.act == "delete":
        return _delete(turn, known)
    else:
        found = _changed(turn, known, wish)
    if isinstance(found, Refused):
        return found
    numbered = rulings.numbered + (event.act == "create")
    rule(turn, replace(rulings.with_reservation(found), numbered=numbered))
    return Made(found.name)


def _delete(turn: Turn, known: Reservation) -> Made | Refused:
    if any(not isinstance(job.state, Finished) for job in users_of(known, turn.queue.jobs.values())):
        return Refused("ESLURM_RESERVATION_BUSY")
    rule(turn, turn.queue.rulings.without_reservation(known.name))
    return Made(known.name)


def _created(turn: Turn, rulings: Rulings, wish: ReservationWish) -> Reservation | Refused:
    if rulings.reservation(wish.name) is not None:
        return Refused("ESLURM_RESERVATION_NAME_DUP")
    times = _times(turn.at, wish)
    if isinstance(times, Refused):
        return times
    users, accounts = wish.users or NOBODY, wish.accounts or NOBODY
    first = next((name for name, _ in (*users.names, *accounts.names)), "resv")
    made = Reservation(
        name=wish.name or f"{first}_{rulings.numbered + 1}", start=times[0], end=times[1], users=users, accounts=accounts,
        partition=wish.partition, features=wish.features, licenses=wish.licenses or (), flags=wish.flags,
    )  # fmt: skip
    return _on_nodes(turn, made, wish)


def _changed(turn: Turn, known: Reservation, wish: ReservationWish) -> Reservation | Refused:
    """The reservation as it is to be. `flags` come to those that it has."""
    if wish.skip:
        later = known.again(known.end)
        return Refused("ESLURM_RESERVATION_NO_SKIP") if later is None else later
    length = known.end - known.start
    start = known.start if wish.start is None else wish.start
    end = start + length if wish.end is None else wish.end
    end = end if wish.duration_s is None else start + wish.duration_s
    if (wish.start is not None and start < turn.at - LATEST_PAST_S) or end <= max(start, turn.at):
        return Refused("ESLURM_INVALID_TIME_VALUE")
    changed = replace(
        known, start=start, end=end, flags=(known.flags | wish.flags) - wish.less_flags,
        users=_party(wish.users or known.users, wish.more_users, wish.less_users),
        accounts=wish.accounts or known.accounts, partition=wish.partition or known.partition,
        licenses=known.licenses if wish.licenses is None else wish.licenses, features=wish.features or known.features,
    )  # fmt: skip
    if not changed.users.names and not changed.accounts.names:
        return Refused("ESLURM_RESERVATION_EMPTY")
    if wish.nodes is None and wish.node_count is None and wish.core_count is None:
        wish = replace(wish, nodes=changed.nodes) if changed.cpus is None else wish
    return changed if changed.cpus is not None and wish.nodes is None else _on_nodes(turn, changed, wish)


def _party(party: Party, more: Party, less: Party) -> Party:
    gone = {name for name, _ in less.names}
    return replace(party, names=tuple(one for one in dict.fromkeys((*party.names, *more.names)) if one[0] not in gone))


def _times(at: int, wish: ReservationWish) -> tuple[int, int] | Refused:
    """From when to when. What began minutes ago begins now."""
    start = at if wish.start is None else wish.start
    if start < at - LATEST_PAST_S:
        return Refused("ESLURM_INVALID_TIME_VALUE")
    start = max(start, at)
    length = wish.duration_s if wish.duration_s is not None else (wish.end or start + NEVER) - start
    return (start, start + length) if length > 0 else Refused("ESLURM_INVALID_TIME_VALUE")


@dataclass(frozen=True, slots=True)
class _Ground:
    """What is to be had from `start` to `end`: nodes that no other reservation and no job has, by partition."""

    cluster: ClusterSpec
    reserved: frozenset[str]
    busy: frozenset[str]

    def free(self, part: PartitionSpec) -> list[str]:
        taken = self.reserved | self.busy
        known = {node.name for node in self.cluster.nodes if node.in_service and node.name not in taken}
        return [node.name for node in self.cluster.nodes if node.name in known and node.name in part.nodes]


def _ground(turn: Turn, made: Reservation) -> _Ground:
    queue, others = turn.queue, turn.queue.rulings.reservations
    reserved = {
        node
        for one in others
        if one.name != made.name and one.overlaps(made.start, made.end) and not one.flags & SHARING
        for node in one.nodes
    }
    own = {id(job) for job in users_of(made, queue.jobs.values())}
    jobs = [job for job in queue.running() if id(job) not in own]
    held = releases(queue.cluster, jobs, turn.at) if "IGNORE_JOBS" not in made.flags else ()
    busy = {node for end, allocation in held if end > made.start for node in allocation.nodes}
    shares = frozenset[str]() if made.flags & SHARING else frozenset(reserved)
    return _Ground(queue.cluster, shares, frozenset(busy))


def _on_nodes(turn: Turn, made: Reservation, wish: ReservationWish) -> Reservation | Refused:
    """The reservation with its nodes or CPUs."""
    cluster = turn.queue.cluster
    total = dict(cluster.licenses)
    if any(count > total.get(name, 0) for name, count in made.licenses):
        return Refused("ESLURM_INVALID_LICENSES")
    part = cluster.partition(made.partition) if made.partition else cluster.default_partition
    if made.partition and part is None:
        return Refused("ESLURM_INVALID_PARTITION_NAME")
    ground = _ground(turn, made)
    if wish.nodes is not None or wish.all_nodes:
        chosen = tuple(node.name for node in cluster.nodes) if wish.all_nodes else wish.nodes or ()
        return _named(cluster, made, chosen, ground, all_nodes=wish.all_nodes)
    if wish.node_count is None and wish.core_count is None:
        return made if "ANY_NODES" in made.flags or made.nodes else Refused("ESLURM_INVALID_NODE_NAME")
    if part is None:
        return Refused("ESLURM_DEFAULT_PARTITION_NOT_SET")
    made = replace(made, partition=part.name, flags=made.flags - {"SPEC_NODES", "ALL_NODES"})
    free = _with_features(cluster, ground.free(part), made.features)
    if wish.core_count is not None:
        return _cores(cluster, made, free, wish.core_count)
    wanted = wish.node_count or 0
    if wanted > len(part.nodes):
        wanted = len(free)
    if not wanted or len(free) < wanted:
        return Refused("ESLURM_NODES_BUSY")
    return replace(made, nodes=tuple(free[:wanted]), cpus=None)


def _with_features(cluster: ClusterSpec, nodes: Iterable[str], features: str | None) -> list[str]:
    """Those that have all of `a&b`."""
    wanted = {word for word in (features or "").replace(",", "&").split("&") if word}
    return [name for name in nodes if (node := cluster.node(name)) and wanted.issubset(node.active_features)]


def _named(
    cluster: ClusterSpec, made: Reservation, nodes: Sequence[str], ground: _Ground, *, all_nodes: bool
) -> Reservation | Refused:
    if any(cluster.node(name) is None for name in nodes):
        return Refused("ESLURM_INVALID_NODE_NAME")
    if not ground.reserved.isdisjoint(nodes):
        return Refused("ESLURM_RESERVATION_OVERLAP")
    if not ground.busy.isdisjoint(nodes):
        return Refused("ESLURM_NODES_BUSY")
    flags = made.flags | ({"SPEC_NODES", "ALL_NODES"} if all_nodes else {"SPEC_NODES"})
    chosen = set(nodes)
    in_order = tuple(node.name for node in cluster.nodes if node.name in chosen)
    return replace(made, nodes=in_order, cpus=None, flags=flags)


def _cores(cluster: ClusterSpec, made: Reservation, free: Sequence[str], count: int) -> Reservation | Refused:
    """So many cores, the first of the first nodes."""
    nodes: list[str] = []
    cpus: list[tuple[int, ...]] = []
    for name in free:
        node = cluster.node(name)
        if node is None or count <= 0:
            continue
        threads = max(1, node.threads_per_core)
        here = min(count, node.cpus // threads)
        count -= here
        nodes.append(name)
        cpus.append(tuple(range(here * threads)))
    if count > 0:
        return Refused("ESLURM_NODES_BUSY")
    return replace(made, nodes=tuple(nodes), cpus=tuple(cpus))


# Time


def pass_reservations(turn: Turn) -> None:
    """Those that are over go, or come again; those that begin are known to the pass."""
    queue = turn.queue
    over = [one for one in queue.rulings.reservations if one.end <= turn.at]
    rulings = queue.rulings
    for one in over:
        later = one.again(turn.at)
        rulings = rulings.without_reservation(one.name) if later is None else rulings.with_reservation(later)
    if over:
        rule(turn, rulings)
    for one in over:
        _release(turn, one)
    queue.boundary = queue.rulings.next_boundary(turn.at)
    queue.pass_by(turn.at)


def _release(turn: Turn, over: Reservation) -> None:
    """What runs in a reservation that is over is stopped, unless it may outlast it (FLEX); what is suspended as soon as it is
    resumed. What waits for one that does not come again asks for it no more, and is held unless its flags say otherwise."""
    for id in sorted(job.id for job in users_of(over, turn.queue.jobs.values())):
        job = turn.queue.jobs[id]  # as it is by now: another component may have taken it along
        left = any(turn.queue.rulings.reservation(name) is not None for name in names(job.spec))
        ends = "FLEX" not in over.flags and (not left or len(names(job.spec)) == 1)
        if isinstance(job.state, Running) and ends:
            turn.advance(job, Expired(turn.at, "TimeLimit"))
        elif isinstance(job.state, Suspended) and ends:
            turn.advance(job, Limited(turn.at, job.state.pause.at))
        elif isinstance(job.state, Pending) and not left:
            turn.keep(revised(job, job.spec.model_copy(update={"reservation": None})))
            if job.held is None and "NO_HOLD_JOBS_AFTER_END" not in over.flags:
                turn.advance(turn.queue.jobs[id], Held(turn.at, deleted(over.name)))
