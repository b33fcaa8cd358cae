"""The texts of sbatch's --help, --usage, --version and of options whose value is `help`; made from the option table."""

from __future__ import annotations

from collections.abc import Mapping

from flowbatch.commands.command_options import VERSION
from flowbatch.directives.options import OPTIONS, Option
from flowbatch.directives.settings import HINTS
from flowbatch.spec.cluster import ClusterSpec

Sections = tuple[tuple[str, str], ...]

AFTER: Sections = (
    (
        "Constraint options:",
        "cluster-constraint contiguous constraint nodefile mem mincpus reservation tmp nodelist exclude",
    ),
    ("Consumable resources related options:", "exclusive mem-per-cpu"),
    (
        "Affinity/Multi-core options:",
        "sockets-per-node cores-per-socket threads-per-core extra-node-info ntasks-per-core ntasks-per-socket",
    ),
    (
        "GPU scheduling options:",
        "cpus-per-gpu gpus gpu-bind gpu-freq gpus-per-node gpus-per-socket gpus-per-task mem-per-gpu ntasks-per-gpu"
        " ntasks-per-tres",
    ),
    ("Help options:", "help usage"),
    ("Other options:", "version"),
)
"""The sections of --help that sbatch and salloc have in common, the last ones of both."""

SECTIONS: Sections = (
    (
        "Parallel run options:",
        "array account acctg-freq batch bb bbf begin comment cpu-freq cpus-per-task dependency deadline delay-boot chdir"
        " error export export-file get-user-env gid gres gres-flags hint hold ignore-pbs input job-name"
        " kill-on-invalid-dep no-kill licenses clusters container context distribution mail-type mail-user mcs-label"
        " mem-bind network ntasks nice no-requeue ntasks-per-node nodes open-mode output overcommit partition parsable"
        " power prefer priority profile propagate qos quiet reboot requeue oversubscribe core-spec signal spread-job"
        " switches test-only thread-spec time time-min uid use-min-nodes verbose wait wait-all-nodes wckey wrap",
    ),
    *AFTER,
)
"""Headings that tools look for, and the options below each."""

_BY_NAME: dict[str, Option] = {one.name: one for one in OPTIONS if "sbatch" in one.commands}
_VALUE = {"none": "", "required": "=VALUE", "optional": "[=VALUE]"}


def text(name: str, cluster: ClusterSpec) -> str:
    """What an option that asks for a text gets."""
    match name:
        case "help":
            return page("Usage: sbatch [OPTIONS(0)...] [ : [OPTIONS(N)...]] script(0) [args(0)...]", SECTIONS, _BY_NAME)
        case "usage":
            return synopsis("Usage: sbatch", "executable [args...]", SECTIONS, _BY_NAME)
        case "version":
            return f"{VERSION}\n"
        case "gres":
            return gres(cluster)
        case "hint":
            return "".join(f"  {hint}\n" for hint in HINTS)
        case _:
            return "mem-bind: [quiet|verbose,]none|rank|local|map_mem:LIST|mask_mem:LIST[,prefer][,sort]\n"


def gres(cluster: ClusterSpec) -> str:
    """What a gres may be here."""
    return "".join(
        f"{line}\n" for line in ("Valid gres options are:", *map("{}[[:type]:count]".format, cluster.gres_types))
    )


def page(first: str, sections: Sections, options: Mapping[str, Option]) -> str:
    """--help: the first line, then the sections."""
    rows = [first]
    for heading, names in sections:
        rows += ["", heading, *(_row(options[name]) for name in names.split())]
    return "\n".join(rows) + "\n"


def _row(one: Option) -> str:
    short = f"-{one.short}," if one.short else "   "
    mark = "" if one.verdict == "honoured" else f"[{one.verdict}] "
    return f"  {short} --{one.name + _VALUE[one.arity]:<26} {mark}{one.reason}"


def synopsis(first: str, last: str, sections: Sections, options: Mapping[str, Option]) -> str:
    """--usage: the options' names alone."""
    words = [f"[--{name}{_VALUE[options[name].arity]}]" for _, names in sections for name in names.split()]
    lines, line = [], first
    for word in words:
        if len(line) + len(word) > 78:
            lines.append(line)
            line = " " * len(first)
        line += f" {word}"
    return "\n".join([*lines, line, f"{' ' * len(first)} {last}"]) + "\n"
