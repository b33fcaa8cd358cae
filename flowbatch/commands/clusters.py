"""The clusters that a command is about: those of `-M` or SLURM_CLUSTERS, else the current one. What is said of names is
recorded from 22.05 with two clusters in one database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.core.ports import ClustersPort, QueuePort, Snapshot
from flowbatch.errors import FlowError

OPTION, VARIABLE = "--cluster", "SLURM_CLUSTERS"
"""The places of names, as Slurm words them."""


async def chosen(
    call: Call, queue: QueuePort, names: str | None, command: str, where: str = OPTION
) -> tuple[QueuePort, ...]:
    """The queues that `names` means: `a,b`, `all`, or with None the current cluster alone, `queue`.

    They come in the clusters' own order, the default first. What is unknown or cannot be served now is said to the caller, and
    left out. Raises Stop if nothing is left. `where` is the place of the names, as `command` words it.
    """
    if names is None:
        return (queue,)
    found, unknown = named(call.clusters, names)
    complaints = [f"No cluster '{name}' known by database." for name in unknown]
    queues: list[QueuePort] = []
    for name in found:
        try:
            queues.append(await call.clusters.queue(name))
        except FlowError as error:
            complaints += [f"cluster {name}: {error.message}", *([error.hint] if error.hint else [])]
    if not found:
        complaints.append(unreachable(names, where))
    lines = "".join(f"{command}: error: {line}\n" for line in complaints)
    if not queues:
        raise Stop(1, err=lines)
    call.err.write(lines)
    return tuple(queues)


def named(clusters: ClustersPort, names: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The clusters that `names` means, and the words that mean none. Case does not matter; `all` by itself is all of them."""
    words = names.lower().split(",")
    if words == ["all"]:
        return clusters.names, ()
    wanted = set(words)
    known = tuple(name for name in clusters.names if name.lower() in wanted)
    lowered = {name.lower() for name in known}
    return known, tuple(dict.fromkeys(word for word in words if word not in lowered))


def unreachable(names: str, where: str) -> str:
    """What a command says of `-M` when none of the clusters is there; `where` is `--cluster` or SLURM_CLUSTERS."""
    return (
        f"'{names}' can't be reached now, or it is an invalid entry for {where}.  "
        "Use 'sacctmgr list clusters' to see available clusters."
    )


def headings(listed: Iterable[QueuePort | Snapshot]) -> Iterator[str]:
    """What stands before each listing of several: the cluster's name, below a blank line for all but the first."""
    for number, one in enumerate(listed):
        yield ("\n" if number else "") + f"CLUSTER: {one.cluster.name}\n"
