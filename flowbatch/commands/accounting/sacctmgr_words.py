"""What `sacctmgr add` and `modify` may set: one row a word, with how it is read, shown, and kept in the records."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from flowbatch.core.accounting.accounts import PARENT_SHARE, AdminLevel, Limits
from flowbatch.directives.values import memory, time
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.amounts import mebibytes
from flowbatch.slurm.times import minutes_clock
from flowbatch.spec.job import UNLIMITED

Kind = Literal["share", "count", "wall", "tres", "text", "list", "names"]


@dataclass(frozen=True, slots=True)
class Word:
    """`key`: what it sets; `forms`: (name, letters at least). `label`, `width`: how its setting is shown."""

    key: str
    kind: Kind
    forms: tuple[tuple[str, int], ...]
    label: str = ""
    width: int = 14
    tres: str = ""
    """The one resource of an old word (`GrpCPUs`)."""


def _old(key: str, tres: str, name: str, least: int) -> Word:
    return Word(key, "tres", ((name, least),), tres=tres)


ASSOCIATION: tuple[Word, ...] = (
    Word("Fairshare", "share", (("fairshare", 1), ("shares", 1))),
    Word("GrpJobs", "count", (("grpjobs", 4),)),
    Word("GrpJobsAccrue", "count", (("grpjobsaccrue", 8),), width=25),
    Word("GrpSubmitJobs", "count", (("grpsubmitjobs", 4),)),
    Word("GrpTRES", "tres", (("grptres", 7),)),
    Word("GrpTRESMins", "tres", (("grptresmins", 8),)),
    Word("GrpTRESRunMins", "tres", (("grptresrunmins", 8),)),
    Word("GrpWall", "wall", (("grpwall", 4),)),
    Word("MaxJobs", "count", (("maxjobs", 4),)),
    Word("MaxJobsAccrue", "count", (("maxjobsaccrue", 8),), label="MaxJobsPrioAcc"),
    Word("MaxSubmitJobs", "count", (("maxsubmitjobs", 4),)),
    Word("MaxTRES", "tres", (("maxtresperjob", 7),)),
    Word("MaxTRESPerNode", "tres", (("maxtrespernode", 11),)),
    Word("MaxTRESMins", "tres", (("maxtresminsperjob", 8),)),
    Word("MaxWall", "wall", (("maxwalldurationperjob", 4),)),
    Word("MinPrioThresh", "count", (("minpriothresh", 4),)),
    Word("Parent", "text", (("parent", 1),)),
    Word("Priority", "count", (("priority", 3),)),
    Word("QOS", "list", (("qoslevel", 1),)),
    Word("DefQOS", "text", (("defaultqos", 8),)),
    _old("GrpTRESMins", "cpu", "grpcpumins", 7),
    _old("GrpTRESRunMins", "cpu", "grpcpurunmins", 7),
    _old("GrpTRES", "cpu", "grpcpus", 6),
    _old("GrpTRES", "mem", "grpmemory", 4),
    _old("GrpTRES", "node", "grpnodes", 4),
    _old("MaxTRESMins", "cpu", "maxcpuminsperjob", 7),
    _old("MaxTRES", "cpu", "maxcpusperjob", 7),
    _old("MaxTRES", "node", "maxnodesperjob", 4),
)
ACCOUNT = (
    *ASSOCIATION,
    Word("Description", "text", (("description", 3),)),
    Word("Organization", "text", (("organization", 1),)),
)
USER = (
    *ASSOCIATION,
    Word("AdminLevel", "text", (("adminlevel", 2),)),
    Word("DefaultAccount", "text", (("defaultaccount", 8),)),
)
QOS: tuple[Word, ...] = (
    Word("Description", "text", (("description", 1),), width=15),
    Word("Flags", "list", (("flags", 2),), width=25),
    Word("GrpJobs", "count", (("grpjobs", 4),), width=15),
    Word("GrpSubmitJobs", "count", (("grpsubmitjobs", 4),), width=15),
    Word("GrpTRES", "tres", (("grptres", 7),), width=25),
    Word("GrpTRESMins", "tres", (("grptresmins", 8),), width=25),
    Word("GrpTRESRunMins", "tres", (("grptresrunmins", 8),), width=25),
    Word("GrpWall", "wall", (("grpwall", 4),), width=25),
    Word("MaxJobsPA", "count", (("maxjobsperaccount", 11), ("maxjobspa", 9)), label="MaxJobsPerAccount", width=15),
    Word("MaxJobsPU", "count", (("maxjobsperuser", 4), ("maxjobspu", 8)), label="MaxJobsPerUser", width=15),
    Word("MaxSubmitJobsPA", "count", (("maxsubmitjobsperaccount", 17), ("maxsubmitjobspa", 15)),
         label="MaxSubmitJobsPerAccount", width=25),
    Word("MaxSubmitJobsPU", "count", (("maxsubmitjobsperuser", 4), ("maxsubmitjobspu", 14)), label="MaxSubmitJobsPerUser", width=25),
    Word("MaxTRESPA", "tres", (("maxtresperaccount", 11), ("maxtrespa", 9)), label="MaxTRESPerAccount", width=25),
    Word("MaxTRES", "tres", (("maxtresperjob", 7),), label="MaxTRESPerJob", width=25),
    Word("MaxTRESPerNode", "tres", (("maxtrespernode", 11),), width=25),
    Word("MaxTRESPU", "tres", (("maxtresperuser", 11), ("maxtrespu", 9)), label="MaxTRESPerUser", width=25),
    Word("MaxTRESMins", "tres", (("maxtresminsperjob", 8),), label="MaxTRESMins", width=25),
    Word("MaxWall", "wall", (("maxwalldurationperjob", 4),), width=25),
    Word("MinTRES", "tres", (("mintresperjob", 7),), label="MinTRESPerJob", width=25),
    Word("Priority", "count", (("priority", 3),), width=25),
)  # fmt: skip
FLAGS = (
    "DenyOnLimit", "EnforceUsageThreshold", "NoReserve", "PartitionMaxNodes", "PartitionMinNodes", "OverPartQOS",
    "PartitionTimeLimit", "RequiresReservation", "NoDecay", "UsageFactorSafe",
)  # fmt: skip
LEVELS: Mapping[str, AdminLevel] = {
    "none": "None", "operator": "Operator", "administrator": "Administrator", "admin": "Administrator",
}  # fmt: skip
TRES = ("cpu", "mem", "energy", "node", "billing", "fs/disk", "vmem", "pages")


class BadWord(Exception):
    """A word that cannot be set; `lines` say why."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


@dataclass(slots=True)
class Settings:
    """What is set, by key, in the words' order: numbers (None takes a limit away), amounts by resource, texts, lists."""

    counts: dict[str, int | None] = field(default_factory=dict)
    tres: dict[str, dict[str, int | None]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """(`=`, `+=` or `-=`, names)."""
    shown: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.counts or self.tres or self.texts or self.lists)

    def limits(self, before: Limits) -> Limits:
        """The limits with these in them."""
        skipped = ("Fairshare", "Priority")
        counts = {**before.counts, **{key: n for key, n in self.counts.items() if key not in skipped}}
        tres = dict(before.tres)
        for key, amounts in self.tres.items():
            merged = {**tres.get(key, {}), **amounts}
            tres[key] = {name: amount for name, amount in merged.items() if amount is not None}
        return Limits(
            {key: n for key, n in counts.items() if n is not None}, {key: found for key, found in tres.items() if found}
        )

    def lines(self, words: Sequence[Word], keys: Collection[str] | None = None) -> Iterator[str]:
        """How they are shown."""
        for word in words:
            if not word.tres and word.key in self.shown and (keys is None or word.key in keys):
                yield f"  {word.label or word.key:<{word.width}}= {self.shown[word.key]}"


def find(words: Sequence[Word], name: str) -> Word | None:
    """The word of this name, or of a beginning that is long enough."""
    lowered = name.lower()
    for word in words:
        if any(form.startswith(lowered) and len(lowered) >= least for form, least in word.forms):
            return word
    return None


def put(settings: Settings, word: Word, operator: str, value: str, resources: Collection[str]) -> None:
    """Reads one setting. Raises BadWord."""
    match word.kind:
        case "share" | "count":
            _number(settings, word, value)
        case "wall":
            settings.counts[word.key] = None if value in ("", "-1") else _wall(word, value)
            settings.shown[word.key] = minutes_clock(settings.counts[word.key]) if value not in ("", "-1") else "NONE"
        case "tres":
            amounts = _amounts(f"{word.tres}={value}" if word.tres else value, resources)
            settings.tres.setdefault(word.key, {}).update(amounts)
            settings.shown[word.key] = tres_text(settings.tres[word.key])
        case "text":
            settings.texts[word.key] = value if word.key in ("Description", "Organization") else value.lower()
            settings.shown[word.key] = settings.texts[word.key]
        case _:
            names = tuple(one for one in value.split(",") if one)
            settings.lists[word.key] = operator, names
            settings.shown[word.key] = ",".join(names)


def _number(settings: Settings, word: Word, value: str) -> None:
    digits = value.removeprefix("-")
    if word.kind == "share" and value.lower() == "parent":
        number: int | None = PARENT_SHARE
    elif value == "" or (value == "-1" and word.kind == "count"):
        number = None
    elif value == "-1":
        number = 1
    elif digits.isascii() and digits.isdigit() and not value.startswith("-"):
        number = int(digits[:10])
    else:
        name = "FairShare" if word.kind == "share" else word.key
        raise BadWord(f"sacctmgr: error: Invalid value for {name} ({value})")
    settings.counts[word.key] = number
    settings.shown[word.key] = "NONE" if number is None else "parent" if number == PARENT_SHARE else str(number)


def _wall(word: Word, value: str) -> int:
    try:
        minutes = time.parse(value)
    except ValueSyntax:
        raise BadWord("") from None
    return 0xFFFFFFFF if minutes == UNLIMITED else minutes


def _amounts(text: str, resources: Collection[str]) -> Iterator[tuple[str, int | None]]:
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        name = name.lower()
        if name not in TRES and name not in resources:
            raise BadWord(f"sacctmgr: error: slurmdb_format_tres_str: no TRES known by type {name.partition('/')[0]}")
        if not equals:
            raise BadWord(f"sacctmgr: error: slurmdb_format_tres_str: no TRES id found for {part}")
        if value == "-1":
            yield name, None
        elif name == "mem":
            yield name, _memory(value)
        elif value.isascii() and value.isdigit():
            yield name, int(value[:18])
        else:
            raise BadWord(f"sacctmgr: error: slurmdb_format_tres_str: no value found for {part}")


def _memory(text: str) -> int:
    try:
        return memory.parse(text)
    except ValueSyntax:
        raise BadWord(f"sacctmgr: error: slurmdb_format_tres_str: no value found for mem={text}") from None


def tres_text(amounts: Mapping[str, int | None]) -> str:
    """`cpu=2,mem=4G,gres/gpu=1`, in Slurm's order of resources."""
    order = {name: rank for rank, name in enumerate(TRES)}
    ordered = sorted(amounts.items(), key=lambda item: order.get(item[0], len(order)))
    return ",".join(
        f"{name}={'-1' if amount is None else mebibytes(amount) if name == 'mem' else amount}"
        for name, amount in ordered
    )
