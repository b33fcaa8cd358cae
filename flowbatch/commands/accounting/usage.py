"""What a running step uses, in sstat's fields: of each amount the least, the mean and the most of its tasks, and whose that is.

As 22.05 with jobacct_gather/linux; energy and the CPUs' frequency are not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flowbatch.protocol.seen import TaskSeen
from flowbatch.slurm import amounts
from flowbatch.slurm.times import clock

_THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class _Amount:
    """One of them: its name among trackable resources, how it is taken from a task, and how it is shown."""

    tres: str
    of: Callable[[TaskSeen], int]
    shown: Callable[[int], str]


def fields(tasks: Sequence[TaskSeen], *, convert: bool, numbered: bool) -> dict[str, str]:
    """The values of one step of which there are tasks. `numbered`: it is one of srun's."""

    def size(value: int) -> str:
        return amounts.plain(value) if convert else str(value)

    cpu = _Amount("cpu", lambda task: task.cpu_ms, lambda ms: clock(ms // _THOUSAND))
    rss, vm = _Amount("mem", lambda task: task.rss, size), _Amount("vmem", lambda task: task.vm, size)
    pages = _Amount("pages", lambda task: task.pages, size)
    read = _Amount("fs/disk", lambda task: task.read, size)
    written = _Amount("fs/disk", lambda task: task.written, size)
    unasked = "Unknown" if numbered else "0"
    found = {
        "NTasks": str(len(tasks)), "AveCPUFreq": "0", "ReqCPUFreqMin": unasked, "ReqCPUFreqMax": unasked, "ReqCPUFreqGov": unasked,
        "ConsumedEnergy": "0", "AveCPU": cpu.shown(_mean(cpu, tasks)),
        **_extreme("MinCPU", cpu, _least(cpu, tasks)),
    }  # fmt: skip
    for name, one in (("RSS", rss), ("VMSize", vm), ("Pages", pages), ("DiskRead", read), ("DiskWrite", written)):
        found |= {f"Ave{name}": one.shown(_mean(one, tasks)), **_extreme(f"Max{name}", one, _most(one, tasks))}
    return found | _tres("In", (cpu, read, rss, pages, vm), tasks) | _tres("Out", (written,), tasks)


def _mean(amount: _Amount, tasks: Sequence[TaskSeen]) -> int:
    return sum(map(amount.of, tasks)) // len(tasks)


def _extreme(name: str, amount: _Amount, task: TaskSeen) -> Mapping[str, str]:
    return {name: amount.shown(amount.of(task)), f"{name}Node": task.node, f"{name}Task": str(task.rank)}


def _tres(way: str, measured: Sequence[_Amount], tasks: Sequence[TaskSeen]) -> dict[str, str]:
    """`TRESUsageInAve` and its like: every amount in one text. 22.05 writes the number of a task's CPU time as a time."""
    name = f"TRESUsage{way}"
    found = {
        f"{name}Ave": _listed({one.tres: one.shown(_mean(one, tasks)) for one in measured}, "0"),
        f"{name}Tot": _listed({one.tres: one.shown(sum(map(one.of, tasks))) for one in measured}, "0"),
    }
    for word, chosen in (("Min", _least), ("Max", _most)):
        whose = {one: chosen(one, tasks) for one in measured}
        numbers = {one.tres: str(task.rank) for one, task in whose.items()}
        found[f"{name}{word}"] = _listed({one.tres: one.shown(one.of(task)) for one, task in whose.items()}, "0")
        found[f"{name}{word}Node"] = _listed({one.tres: task.node for one, task in whose.items()}, tasks[0].node)
        found[f"{name}{word}Task"] = _listed({**numbers, **({"cpu": clock(0)} if "cpu" in numbers else {})})
    return found


def _least(amount: _Amount, tasks: Sequence[TaskSeen]) -> TaskSeen:
    return min(tasks, key=amount.of)


def _most(amount: _Amount, tasks: Sequence[TaskSeen]) -> TaskSeen:
    return max(tasks, key=amount.of)


def _listed(values: Mapping[str, str], energy: str | None = None) -> str:
    """`cpu=00:00:01,energy=0,fs/disk=99`."""
    whole = dict(values) if energy is None else {**values, "energy": energy}
    return ",".join(f"{name}={whole[name]}" for name in sorted(whole))
