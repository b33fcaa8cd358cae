"""The fields of sacctmgr 22.05's listings, one table for all that it lists, and what stands in them here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowbatch.slurm import print_fields
from flowbatch.slurm.print_fields import Column


@dataclass(frozen=True, slots=True)
class Field:
    """`name`: what a format calls it, in at least `least` letters."""

    name: str
    header: str
    width: int
    least: int = 2


FIELDS = (
    Field("Account", "Account", 10),
    Field("AdminLevel", "Admin", 9),
    Field("Classification", "Class", 9, 3),
    Field("Cluster", "Cluster", 10),
    Field("Clusters", "Cluster", 10),
    Field("ControlHost", "ControlHost", 15, 8),
    Field("ControlPort", "ControlPort", 12, 8),
    Field("Count", "Count", 6, 3),
    Field("Coordinators", "Coord Accounts", 20, 3),
    Field("DefaultAccount", "Def Acct", 10, 8),
    Field("DefaultQOS", "Def QOS", 9, 8),
    Field("Description", "Descr", 20, 3),
    Field("Fairshare", "Share", 9),
    Field("Features", "Features", 20, 3),
    Field("Federation", "Federation", 10, 3),
    Field("FedState", "FedState", 12, 5),
    Field("Flags", "Flags", 20),
    Field("GraceTime", "GraceTime", 10, 3),
    Field("GrpJobs", "GrpJobs", 7, 4),
    Field("GrpJobsAccrue", "GrpJobsAccrue", 13, 8),
    Field("GrpCPUMins", "GrpCPUMins", 11, 8),
    Field("GrpCPURunMins", "GrpCPURunMins", 13, 8),
    Field("GrpCPUs", "GrpCPUs", 8, 7),
    Field("GrpMem", "GrpMem", 7, 4),
    Field("GrpNodes", "GrpNodes", 8, 4),
    Field("GrpSubmitJobs", "GrpSubmit", 9, 4),
    Field("GrpTRES", "GrpTRES", 13, 7),
    Field("GrpTRESMins", "GrpTRESMins", 13, 8),
    Field("GrpTRESRunMins", "GrpTRESRunMins", 13, 8),
    Field("GrpWall", "GrpWall", 11, 4),
    Field("ID", "ID", 6),
    Field("MaxCPUs", "MaxCPUs", 8, 4),
    Field("MaxCPUMins", "MaxCPUMins", 11, 7),
    Field("MaxJobs", "MaxJobs", 7, 4),
    Field("MaxJobsAccrue", "MaxJobsAccrue", 13, 8),
    Field("MaxJobsPU", "MaxJobsPU", 9, 8),
    Field("MaxJobsPA", "MaxJobsPA", 9, 9),
    Field("MaxNodes", "MaxNodes", 8, 4),
    Field("MaxSubmitJobs", "MaxSubmit", 9, 4),
    Field("MaxSubmitJobsPU", "MaxSubmitPU", 11, 14),
    Field("MaxSubmitJobsPA", "MaxSubmitPA", 11, 15),
    Field("MaxTRES", "MaxTRES", 13, 7),
    Field("MaxTRESPerNode", "MaxTRESPerNode", 14, 11),
    Field("MaxTRESMins", "MaxTRESMins", 13, 8),
    Field("MaxTRESPU", "MaxTRESPU", 13, 9),
    Field("MaxTRESPA", "MaxTRESPA", 13, 9),
    Field("MaxWall", "MaxWall", 11, 4),
    Field("MinPrioThresh", "MinPrioThres", 12, 4),
    Field("MinTRES", "MinTRES", 13, 4),
    Field("Name", "Name", 10),
    Field("Organization", "Org", 20),
    Field("ParentID", "ParentID", 8, 7),
    Field("ParentName", "ParentName", 10, 7),
    Field("Partition", "Partition", 10, 3),
    Field("Allocated", "% Allocated", 11, 6),
    Field("Preempt", "Preempt", 10, 7),
    Field("PreemptExemptTime", "PreemptExemptTime", 19, 8),
    Field("PreemptMode", "PreemptMode", 11, 8),
    Field("Priority", "Priority", 10, 3),
    Field("QOS", "QOS", 20, 3),
    Field("QosLevel", "QOS", 20, 4),
    Field("QosRaw", "QOS_RAW", 10, 4),
    Field("RPC", "RPC", 5),
    Field("Server", "Server", 10, 2),
    Field("ServerType", "ServerType", 10, 7),
    Field("Share", "Share", 9),
    Field("TRES", "TRES", 20, 4),
    Field("Type", "Type", 8),
    Field("UsageFactor", "UsageFactor", 11, 6),
    Field("UsageThreshold", "UsageThres", 10, 6),
    Field("User", "User", 10),
    Field("WCKeys", "WCKeys", 20, 2),
    Field("WCKey", "WCKey", 10, 2),
)
_LIMITS = "MaxJobs,MaxNodes,MaxCPUs,MaxSubmitJobs,MaxWall,MaxCPUMins,QOS,DefaultQOS"
_PLACE = "Cluster,Account,Partition,Share,Priority"

FORMATS: Mapping[str, str] = {
    "user": "User,DefaultAccount,AdminLevel",
    "user with associations": f"User,DefaultAccount,AdminLevel,{_PLACE},{_LIMITS}",
    "account": "Account,Description,Organization",
    "account with associations": (
        "Account,Description,Organization,Cluster,ParentName,User,Share,Priority,GrpJobs,GrpNodes,GrpCPUs,GrpMem,"
        "GrpSubmitJobs,GrpWall,GrpCPUMins,MaxJobs,MaxNodes,MaxCPUs,MaxSubmitJobs,MaxWall,MaxCPUMins,QOS,DefaultQOS"
    ),
    "association": (
        "Cluster,Account,User,Partition,Share,Priority,GrpJobs,GrpTRES,GrpSubmitJobs,GrpWall,GrpTRESMins,MaxJobs,MaxTRES,"
        "MaxTRESPerNode,MaxSubmitJobs,MaxWall,MaxTRESMins,QOS,DefaultQOS,GrpTRESRunMins"
    ),
    "cluster": (
        "Cluster,ControlHost,ControlPort,RPC,Share,GrpJobs,GrpTRES,GrpSubmitJobs,MaxJobs,MaxTRES,MaxSubmitJobs,MaxWall,QOS,"
        "DefaultQOS"
    ),
    "qos": (
        "Name,Priority,GraceTime,Preempt,PreemptExemptTime,PreemptMode,Flags%40,UsageThreshold,UsageFactor,GrpTRES,"
        "GrpTRESMins,GrpTRESRunMins,GrpJobs,GrpSubmitJobs,GrpWall,MaxTRES,MaxTRESPerNode,MaxTRESMins,MaxWall,MaxTRESPU,"
        "MaxJobsPU,MaxSubmitJobsPU,MaxTRESPA,MaxJobsPA,MaxSubmitJobsPA,MinTRES"
    ),
    "association without limits": "Cluster,Account,User,Partition",
    "account with coordinators": "Account,Description,Organization,Coordinators",
    "federation": "Federation,Cluster,ID%2,Features,FedState",
    "resource": "Name,Server,Type,Count,Allocated,ServerType",
    "tres": "Type,Name%15,ID",
    "wckey": "WCKey,Cluster,User",
}  # fmt: skip
"""The columns of what is listed, where no format is given."""


def columns(format: str) -> list[Column] | str:
    """The columns of a format, or the word that no field has."""
    chosen = []
    for word in filter(None, format.split(",")):
        name, _, width = word.partition("%")
        field = _find(name)
        if field is None:
            return name
        chosen.append(Column(field.header, print_fields.width(width) or field.width))
    return chosen


def _find(word: str) -> Field | None:
    lowered = word.lower()
    fitting = [field for field in FIELDS if field.name.lower().startswith(lowered) and len(word) >= field.least]
    return next((field for field in fitting if field.name.lower() == lowered), fitting[0] if fitting else None)


Record = Mapping[str, str]
"""What stands under which header; a limit that nobody set is not there."""


def texts(columns: Sequence[Column], records: Sequence[Record]) -> list[list[str]]:
    """The values of the columns."""
    return [[record.get(column.header, "") for column in columns] for record in records]
