"""From settled options to a JobSpec. What sbatch passes on unread and the controller would refuse becomes Malformed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from flowbatch.directives.chosen import Chosen, Use
from flowbatch.directives.options import OPTIONS, Command
from flowbatch.directives.setting import NODE_INFO, shown
from flowbatch.directives.settings import OPEN_MODES, Switches
from flowbatch.directives.values import array, constraint, dependency, export, gres, hostlist, licenses
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.spec.files import Files
from flowbatch.spec.job import Export, JobSpec, Mail
from flowbatch.spec.market import MarketTerms
from flowbatch.spec.model import TOO_LONG, Malformed
from flowbatch.spec.resources import GresRequest, Memory, Resources
from flowbatch.text import encode

T = TypeVar("T")

WRAP_NAME = "wrap"
STDIN_NAME = "sbatch"
NO_PARTITION = "(null)"
"""What slurmctld calls a partition without a name when it refuses it."""


@dataclass(frozen=True, slots=True)
class Origins:
    """What a job is besides its options: where it was submitted, and its script as the caller named and sbatch found it.

    `command` is None for --wrap and for a script on standard input; `wrapped` tells these two apart.
    """

    cwd: str
    command: str | None = None
    arguments: tuple[str, ...] = ()
    wrapped: bool = False
    kind: Literal["batch", "srun", "salloc"] = "batch"


UNNAMED = {"salloc": "interactive", "srun": "srun"}
"""The names of jobs without a script, where none is said; --no-shell is one."""
NO_SHELL = "no-shell"


def job(chosen: Chosen, origins: Origins, market: MarketTerms) -> JobSpec:
    """The request."""
    work_dir = chosen.get("chdir") or origins.cwd
    begin, deadline = chosen.get("begin"), chosen.get("deadline")
    dependencies = _passed_on(dependency.parse, chosen.get("dependency"), LONGEST_DEPENDENCY)
    return JobSpec(
        name=_name(chosen, origins),
        work_dir=work_dir,
        kind=origins.kind,
        unattended=origins.kind == "salloc" and "no-shell" in chosen,
        submit_dir=origins.cwd if work_dir != origins.cwd else None,
        command=origins.command,
        arguments=origins.arguments,
        resources=_resources(chosen),
        partitions=_partitions(chosen.get("partition")),
        account=chosen.get("account") or None,
        qos=chosen.get("qos") or None,
        reservation=chosen.get("reservation") or None,
        wckey=chosen.get("wckey") or None,
        comment=chosen.get("comment"),
        clusters=_split(chosen.get("clusters")),
        array=_passed_on(array.parse, chosen.get("array"), LONGEST_ARRAY),
        dependency=dependencies,
        kill_on_invalid_dep=chosen.get("kill-on-invalid-dep"),
        begin=begin[0] if begin else None,
        deadline=deadline[0] if deadline else None,
        time_limit_min=chosen.get("time"),
        time_min_min=chosen.get("time-min"),
        hold=bool(chosen.get("hold")),
        priority=chosen.get("priority"),
        nice=chosen.get("nice", 0),
        requeue=_requeue(chosen.get("requeue")),
        signal=chosen.get("signal"),
        files=_files(chosen) if origins.kind == "batch" else Files(),
        mail=Mail(types=chosen.get("mail-type") or (), user=chosen.get("mail-user") or None),
        export=_export(chosen.get("export")) if origins.kind == "batch" else Export(),
        get_user_env="get-user-env" in chosen,
        propagate=None if chosen.get("propagate") in (None, "ALL") else _split(chosen.get("propagate")),
        no_kill=bool(chosen.get("no-kill")),
        reboot=bool(chosen.get("reboot")),
        wait_all_nodes=chosen.get("wait-all-nodes"),
        distribution=chosen.get("distribution"),
        switches=_switches(chosen.get("switches")),
        market=market,
        recorded=tuple(_recorded(chosen, "sbatch" if origins.kind == "batch" else origins.kind)),
    )


def _name(chosen: Chosen, origins: Origins) -> str:
    if "job-name" in chosen:
        return str(chosen.get("job-name"))
    if origins.command is not None:
        return origins.command.rpartition("/")[2]
    if origins.kind != "batch":
        return NO_SHELL if "no-shell" in chosen else UNNAMED[origins.kind]
    return WRAP_NAME if origins.wrapped else STDIN_NAME


def _files(chosen: Chosen) -> Files:
    return Files(
        output=chosen.get("output"),
        error=chosen.get("error"),
        input=chosen.get("input"),
        open_mode=OPEN_MODES.get(chosen.get("open-mode", "")),
    )


def _partitions(text: str | None) -> tuple[str, ...]:
    return (NO_PARTITION,) if text == "" else _split(text)


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(part for part in (text or "").split(",") if part)


def _requeue(word: str | None) -> bool | None:
    return None if word is None else word == "requeue"


def _export(text: str | None) -> Export:
    """--export; an empty text names no variable."""
    if text is None:
        return Export()
    return export.parse(text) if text else Export(kind="named", text="")


def _switches(asked: Switches | None) -> str | None:
    """As sbatch shows it; a wait that is no time is none."""
    if asked is None or asked.count is None:
        return None
    return asked.most if (asked.wait_min or 0) < 0 else str(asked)


LONGEST, LONGEST_ARRAY, LONGEST_DEPENDENCY = 1024, 4096, 131_050
"""So many bytes slurmctld reads of a text, of an array's tasks and of a dependency (observed on 22.05.8)."""


def _passed_on(parse: Callable[[str], T], text: str | None, longest: int = LONGEST) -> T | Malformed | None:
    """The value of a text that the controller judges; one that is too long for it is not read."""
    if text is None:
        return None
    if len(encode(text)) > longest:
        return Malformed(text=text[:longest], where=TOO_LONG)
    try:
        return parse(text)
    except ValueSyntax as error:
        return Malformed(text=text, where=error.where)


_MEMORY: tuple[tuple[str, Literal["node", "cpu", "gpu"]], ...] = (
    ("mem", "node"), ("mem-per-cpu", "cpu"), ("mem-per-gpu", "gpu"),
)  # fmt: skip


def _resources(chosen: Chosen) -> Resources:
    sharing = chosen.get("exclusive")
    feature_text, license_text = chosen.get("constraint") or None, chosen.get("licenses") or None
    sockets, cores, threads = (chosen.get(part) for part in NODE_INFO)
    return Resources(
        nodes=chosen.get("nodes"),
        ntasks=chosen.get("ntasks"),
        cpus_per_task=chosen.get("cpus-per-task"),
        ntasks_per_node=chosen.get("ntasks-per-node"),
        ntasks_per_socket=chosen.get("ntasks-per-socket"),
        ntasks_per_core=chosen.get("ntasks-per-core"),
        ntasks_per_gpu=chosen.get("ntasks-per-gpu", chosen.get("ntasks-per-tres")),
        mincpus=chosen.get("mincpus"),
        memory=next((Memory(per=per, mib=chosen.get(name)) for name, per in _MEMORY if name in chosen), None),
        tmp_mib=chosen.get("tmp"),
        gres=_gres(chosen),
        cpus_per_gpu=chosen.get("cpus-per-gpu"),
        exclusive={"exclusive": "node", "user": "user", "mcs": "mcs"}.get(sharing),
        oversubscribe=sharing == "oversubscribe",
        overcommit=bool(chosen.get("overcommit")),
        contiguous=bool(chosen.get("contiguous")),
        spread_job=bool(chosen.get("spread-job")),
        use_min_nodes=bool(chosen.get("use-min-nodes")),
        constraint=_passed_on(constraint.parse, feature_text),
        constraint_text=feature_text,
        prefer=_passed_on(constraint.parse, chosen.get("prefer") or None),
        prefer_text=chosen.get("prefer") or None,
        nodelist=_hosts(chosen.get("nodelist")),
        exclude=_hosts(chosen.get("exclude")),
        sockets_per_node=sockets,
        cores_per_socket=cores,
        threads_per_core=threads,
        licenses=_passed_on(licenses.parse, license_text) or (),
        licenses_text=license_text,
    )


def _hosts(text: str | None) -> tuple[str, ...]:
    """The names of a list; a text that is no list is a name that no node has, which is what the controller says of it."""
    if not text:
        return ()
    try:
        return hostlist.parse(text)
    except ValueSyntax:
        return (text,)


_GRES: tuple[tuple[str, str, Callable[[str], tuple[Any, ...]]], ...] = (
    ("gpus", "per_job", gres.parse_gpus),
    ("gpus-per-node", "per_node", gres.parse_gpus),
    ("gres", "per_node", gres.parse),
    ("gpus-per-socket", "per_socket", gres.parse_gpus),
    ("gpus-per-task", "per_task", gres.parse_gpus),
)


def _gres(chosen: Chosen) -> GresRequest:
    """All gres and GPU options together; the first that cannot be read speaks for all."""
    wanted: dict[str, Any] = {}
    for name, field, parse in _GRES:
        asked = _passed_on(parse, chosen.get(name))
        if isinstance(asked, Malformed):
            wanted.setdefault("malformed", asked)
        elif asked:
            wanted[field] = (*wanted.get(field, ()), *asked)
    return GresRequest(**wanted)


HANDED_ON = ("gpus-per-node",)
"""Options whose own words the job's environment wants, besides what they mean."""


def _recorded(chosen: Chosen, command: Command) -> Iterator[tuple[str, str]]:
    """Options that the record keeps in sbatch's own words."""
    for one in OPTIONS:
        kept = one.field == "recorded" or (one.name in HANDED_ON and chosen.get(one.name))
        if kept and command in one.commands and one.name in chosen:
            yield one.name, shown(chosen, one)


def refused(chosen: Chosen) -> tuple[Use, ...]:
    """What was said that cannot be done here, and must not be left out in silence."""
    return tuple(use for use in chosen.said.values() if use.option.verdict == "refused")
