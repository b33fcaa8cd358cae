"""How the values of srun's options are read: one function a language, each giving fields of `Wanted`, in 22.05's words where it refuses.

A reader gets the row, the value (None where there is none) and how it was said: `--name`, or the variable's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowbatch.node.dealing import Distribution, Kind
from flowbatch.node.srun.checks import CHECKS, Reader, invalid, number
from flowbatch.node.srun.option_table import StepOption
from flowbatch.node.srun.wanted import CannotRun, CpuBind, GpuBind, Nodes
from flowbatch.slurm import hostlist
from flowbatch.slurm.hostlist import InvalidHostlist

MIB = {"": 1, "M": 1, "K": 1 / 1024, "G": 1024, "T": 1024 * 1024}
FREQUENCIES = ("low", "medium", "highm1", "high")
GOVERNORS = ("conservative", "ondemand", "performance", "powersave", "schedutil", "userspace")
HINTS = ("compute_bound", "memory_bound", "multithread", "nomultithread")
MEM_BINDS = (
    "none",
    "no",
    "rank",
    "local",
    "map_mem",
    "mask_mem",
    "prefer",
    "sort",
    "nosort",
    "quiet",
    "q",
    "verbose",
    "v",
)
CPU_BINDS = ("none", "rank", "rank_ldom", "sockets", "cores", "threads", "ldoms", "boards")
CPU_LISTS = ("map_cpu", "mask_cpu", "map_ldom", "mask_ldom")
OPEN_MODES = {"a": "append", "t": "truncate"}

_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")


def _flag(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {row.field: value != "0"}


def _text(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {row.field: value or ""}


def _number(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {row.field: number(name, value)} if row.field else {}


def _natural(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {row.field: number(name, value, 0)}


def _gpus(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """`2`, `h100:2`, `h100:1,a100:1`; what is no number counts as none, as the job has no such GPUs."""
    counts = [word.rpartition(":")[2] for word in (value or "").split(",")]
    return {row.field: sum(int(count) if count.isdecimal() else 1 for count in counts)}


def _gres(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """`gpu`, `gpu:2`, `gpu:h100:2`, `none`; of other kinds there is nothing to share out."""
    text = value or ""
    if text.lower() == "none":
        return {"gpus_per_node": 0}
    counts = []
    for word in text.split(","):
        kind, _, rest = word.removeprefix("gres:").removeprefix("gres/").partition(":")
        if kind != "gpu":
            raise CannotRun("srun: error: Invalid generic resource (gres) specification")
        count = rest.rpartition(":")[2].partition("(")[0]
        counts.append(int(count) if count.isdecimal() else 1)
    return {"gpus_per_node": sum(counts)}


def _nodes(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """`2`, `1-3`; 0 says nothing."""
    text = value or ""
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise CannotRun(f'srun: error: "{text}" is not a valid node count', 255)
    least, most = int(first), int(last or first)
    if least > most:
        raise CannotRun(f"srun: error: Maximum node count {most} is less than minimum node count {least}", 255)
    return {"nodes": Nodes(least, most, name.startswith("-"))} if least else {}


def _hosts(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """A list of nodes, or the name of a file with one (srun(1): it holds a slash)."""
    text = value or ""
    if "/" in text and row.field == "nodelist":
        return {"nodefile": text}
    try:
        return {row.field: tuple(hostlist.expand(text))}
    except InvalidHostlist as error:
        raise CannotRun(f"srun: error: {error}") from None


def _distribution(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """`cyclic:block`, `plane=4`, `*:fcyclic`, `block,Pack`."""
    text = (value or "").lower()
    kinds, *packs = text.split(",")
    first, *rest = kinds.split(":")
    word, equals, size = first.partition("=")
    pack = packs[-1] if packs else ""
    if word == "plane" and not (size.isdecimal() and int(size)):
        raise CannotRun(f"srun: error: Invalid plane size or size not specified\n{invalid(row).line}", 255)
    known = word in ("block", "cyclic", "arbitrary", "plane", "*", "") and (not equals or word == "plane")
    if (
        not known
        or len(rest) > 2
        or pack not in ("", "pack", "nopack")
        or not {*rest} <= {"*", "block", "cyclic", "fcyclic"}
    ):
        raise invalid(row)
    if word in ("*", "") and not rest and not pack:
        return {}
    kind: Kind = word if word in ("cyclic", "arbitrary", "plane") else "block"  # type: ignore[assignment]  # one of the four
    said = ":".join((kind, *rest)) + (f",{pack}" if pack else "")
    return {row.field: Distribution(kind, said, int(size or 0), pack == "pack")}


def _memory(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    found = re.fullmatch(r"(\d+)([KMGT]?)B?", (value or "").upper())
    if not found:
        raise invalid(row)
    return {row.field: int(int(found[1]) * MIB[found[2]])}


def _minutes(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """`90`, `1:30`, `1:00:00`, `1-2`, as minutes, begun ones counted whole; no limit for 0 and for infinite."""
    text = (value or "").lower()
    if text in ("infinite", "unlimited", "-1", "0"):
        return {row.field: None}
    found = _TIME.fullmatch(text)
    if not found:
        raise invalid(row)
    days, *parts = (int(part) if part else None for part in found.groups())
    first, second, third = parts
    if days is not None or third is not None:
        seconds = (days or 0) * 86400 + (first or 0) * 3600 + (second or 0) * 60 + (third or 0)
    else:
        seconds = (first or 0) * 60 + (second or 0)
    return {row.field: -(-seconds // 60) or None}


def _seconds(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {row.field: number(name, value, 0)}


def _immediate(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if value is not None and value != "":
        number("immediate", value, 0)
    return {row.field: True}


def _kill(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {row.field: value is None or number(name, value, 0) != 0}


def _exclusive(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if value not in (None, "", "user", "mcs", "0", "1"):
        raise CannotRun("srun: error: Invalid --exclusive specification", 255)
    return {row.field: True}


def _job_id(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """`7`, `7+1` of a heterogeneous job, `7_2` of an array."""
    return {row.field: number(name, re.split(r"[+_.]", value or "")[0])}


def _open_mode(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    mode = OPEN_MODES.get((value or "")[:1].lower())
    if mode is None:
        raise invalid(row)
    return {row.field: mode}


def _cpu_bind(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """`verbose,map_cpu:0,1*2`, `none`, `cores`."""
    text, verbose = (value or "").lower(), False
    while (found := re.match(r"(q|quiet|v|verbose|y|yes|n|no|auto)(,|$)", text)) is not None and found[1] not in (
        "n",
        "no",
    ):
        verbose = found[1] in ("v", "verbose")
        text = text[found.end() :]
    text = re.sub(r"^(no|n)$", "none", text)
    if not text:
        return {row.field: CpuBind(verbose=verbose)}
    kind, colon, listed = text.partition(":")
    known = {word[: len(kind)]: word for word in CPU_BINDS if len(kind) > 3} | {
        word: word for word in (*CPU_BINDS, *CPU_LISTS)
    }
    if kind not in known or (known[kind] in CPU_LISTS) != bool(listed) or (colon and known[kind] not in CPU_LISTS):
        raise CannotRun(
            f'srun: error: unrecognized --cpu-bind argument "{value}"\nsrun: fatal: Failed to parse --cpu-bind= values.',
            1,
        )
    kind = known[kind]
    base = 16 if kind.startswith("mask") else 0
    told = kind if kind in ("sockets", "cores", "threads", "ldoms", "boards") else listed  # as srun tells it on
    return {row.field: CpuBind(kind, tuple(_repeated(row, listed, base)), told, verbose)}


def _repeated(row: StepOption, listed: str, base: int) -> list[int]:
    """`0*2,3` is 0, 0, 3."""
    found: list[int] = []
    for word in filter(None, listed.split(",")):
        one, _, times = word.partition("*")
        try:
            found += [int(one, base)] * int(times or "1")
        except ValueError:
            raise invalid(row) from None
    return found


def _gpu_bind(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    """`single:2`, `map_gpu:0,1`, `mask_gpu:0x1,0x2`, `per_task:1`, `closest`, `none`; `verbose,` before it."""
    text = (value or "").lower().removeprefix("gpu:")
    verbose = re.match(r"(v|verbose),", text)
    kind, _, listed = (text[verbose.end() :] if verbose else text).partition(":")
    bad = CannotRun(f"srun: error: Invalid --gpu-bind argument: gpu:{value}", 255)
    if kind not in ("closest", "none", "single", "map_gpu", "mask_gpu", "per_task") or (
        kind in ("closest", "none")
    ) == bool(listed):
        raise bad
    try:
        numbers = _repeated(row, listed, 16 if kind == "mask_gpu" else 0)
    except CannotRun:
        raise bad from None
    if kind in ("single", "per_task") and (len(numbers) != 1 or numbers[0] < 1):
        raise bad
    return {row.field: GpuBind(kind, text, tuple(numbers), bool(verbose))}  # type: ignore[arg-type]  # one of the six


def _mem_bind(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    words = re.split(r",(?=[a-z])", (value or "").lower())
    if not all(word.partition(":")[0] in MEM_BINDS for word in words):
        raise CannotRun(f'srun: error: unrecognized --mem-bind argument "{value}"', 255)
    return {row.field: value}


def _hint(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if not all(word in HINTS for word in (value or "").lower().split(",")):
        raise CannotRun(f'srun: error: unrecognized --hint argument "{value}", see --hint=help')
    return {row.field: value}


def _cpu_freq(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    words = re.split(r"[-:]", (value or "").lower())
    if not all(word.isdecimal() or word in FREQUENCIES or word in GOVERNORS for word in words):
        line = f'srun: error: unrecognized --cpu-freq argument "{value}"'
        raise CannotRun(f"{line}\nsrun: error: Invalid --cpu-freq argument", 255)
    return {row.field: "-".join(word.capitalize() for word in words)}


def _gpu_freq(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    words = [word.rpartition("=")[2] for word in (value or "").lower().split(",")]
    if not all(word.isdecimal() or word in (*FREQUENCIES, "verbose") for word in words):
        raise CannotRun(f"srun: error: Invalid --gpu-freq argument: gpu:{value}", 255)
    return {row.field: value}


def _het_group(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    if not re.fullmatch(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*", value or ""):
        raise CannotRun(
            f"srun: error: _parse_single_range: Invalid range: `{value}'\nsrun: error: Invalid --het-group value: {value}"
        )
    return {row.field: value}


def _interactive(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {"overlap": True, "interactive": True}


def _whole(row: StepOption, value: str | None, name: str) -> Mapping[str, Any]:
    return {row.field: False}


READERS: dict[str, Reader] = CHECKS | {
    "flag": _flag,
    "text": _text,
    "number": _number,
    "natural": _natural,
    "gpus": _gpus,
    "gres": _gres,
    "nodes": _nodes,
    "hosts": _hosts,
    "distribution": _distribution,
    "memory": _memory,
    "minutes": _minutes,
    "seconds": _seconds,
    "immediate": _immediate,
    "kill": _kill,
    "exclusive": _exclusive,
    "job_id": _job_id,
    "open_mode": _open_mode,
    "cpu_bind": _cpu_bind,
    "gpu_bind": _gpu_bind,
    "mem_bind": _mem_bind,
    "hint": _hint,
    "cpu_freq": _cpu_freq,
    "gpu_freq": _gpu_freq,
    "het_group": _het_group,
    "interactive": _interactive,
    "whole": _whole,
}
"""Every word of `StepOption.reads` but those that count or ask, which depend on what was said before."""
