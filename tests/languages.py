"""The value languages as tests speak them: each with its reader, its writer and its grammar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from flowbatch.directives.values import (
    array,
    begin,
    binding,
    constraint,
    count,
    dependency,
    distribution,
    export,
    filename,
    frequency,
    gres,
    hostlist,
    licenses,
    mail,
    memory,
    nodeinfo,
    nodes,
    signal,
    squeue_format,
    time,
    tres,
)
from flowbatch.units import Instant

UTC = ZoneInfo("UTC")
NOW = Instant(1795310128)


@dataclass(frozen=True)
class Spoken:
    """A language: its grammar and start, its reader and writer, and which values come back from what is written."""

    grammar: str
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    start: str = "start"
    comes_back: Callable[[Any], bool] = field(default=lambda value: True)

    def listed(self, text: str) -> str:
        """The value as it is written. Raises ValueSyntax."""
        return self.show(self.parse(text))


LANGUAGES = {
    "time": Spoken("time", time.parse, time.show, comes_back=lambda minutes: minutes < 2**31 // 60),
    "memory": Spoken("memory", memory.parse, memory.show, comes_back=lambda mib: 0 < mib < 2**30),
    "nodes": Spoken("nodes", nodes.parse, nodes.show),
    "count": Spoken("count", count.parse, count.show, comes_back=lambda number: number > 0),
    "gres": Spoken("gres", gres.parse, gres.show, "gres"),
    "gpus": Spoken("gres", gres.parse_gpus, gres.show_gpus, "gpus"),
    "tres": Spoken("tres", tres.parse, tres.show, comes_back=lambda wanted: all(n < 2**63 for _, n in wanted)),
    "array": Spoken("array", array.parse, array.show),
    "dependency": Spoken("dependency", dependency.parse, dependency.show),
    "constraint": Spoken("constraint", constraint.parse, constraint.show),
    "signal": Spoken("signal", signal.parse, signal.show),
    "filename": Spoken("filename", filename.parse, filename.show),
    "hostlist": Spoken("hostlist", hostlist.parse, hostlist.show),
    "begin": Spoken("begin", lambda text: begin.parse(text, NOW, UTC), lambda at: begin.show(at, UTC)),
    "export": Spoken("export", export.parse, export.show),
    "mail": Spoken("", mail.parse, mail.show),
    "distribution": Spoken("distribution", distribution.parse, distribution.show),
    "licenses": Spoken("licenses", licenses.parse, licenses.show),
    "cpu-freq": Spoken("frequency", frequency.parse_cpu, frequency.show, "cpu", lambda text: len(text) < 60),
    "gpu-freq": Spoken("frequency", frequency.parse_gpu, frequency.show, "gpu"),
    "gpu-bind": Spoken("binding", binding.parse_gpu, binding.show, "gpu"),
    "mem-bind": Spoken(
        "binding",
        binding.parse_mem,
        binding.show,
        "mem",
        lambda text: not text.endswith((":", "unset")) and "*" not in text,
    ),
    "nodeinfo": Spoken("nodeinfo", nodeinfo.parse, nodeinfo.show, comes_back=lambda info: False),
    "squeue -o": Spoken("squeue_format", squeue_format.parse_short, squeue_format.show_short, "short"),
    "squeue -O": Spoken("squeue_format", squeue_format.parse_long, squeue_format.show_long, "long"),
}
"""A listing that wraps, rounds or leaves out (huge times, memory past 1P, `1:*:1`) cannot be read back."""
