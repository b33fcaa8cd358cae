"""Slurm's words for limits: the reasons why a job waits, or is refused. Taken from what 22.05 says."""

from __future__ import annotations

from typing import Literal

Scope = Literal["Assoc", "QOS"]

COUNTS: dict[tuple[Scope, str], str] = {
    ("Assoc", "GrpJobs"): "AssocGrpJobsLimit", ("Assoc", "GrpSubmitJobs"): "AssocGrpSubmitJobsLimit",
    ("Assoc", "MaxJobs"): "AssocMaxJobsLimit", ("Assoc", "MaxSubmitJobs"): "AssocMaxSubmitJobLimit",
    ("Assoc", "MaxWall"): "AssocMaxWallDurationPerJobLimit",
    ("QOS", "GrpJobs"): "QOSGrpJobsLimit", ("QOS", "GrpSubmitJobs"): "QOSGrpSubmitJobsLimit",
    ("QOS", "MaxJobsPU"): "QOSMaxJobsPerUserLimit", ("QOS", "MaxSubmitJobsPU"): "QOSMaxSubmitJobPerUserLimit",
    ("QOS", "MaxJobsPA"): "MaxJobsPerAccount", ("QOS", "MaxSubmitJobsPA"): "MaxSubmitJobsPerAccount",
    ("QOS", "MaxWall"): "QOSMaxWallDurationPerJobLimit",
}  # fmt: skip

_RESOURCES = {
    "cpu": "Cpu", "mem": "Mem", "node": "Node", "billing": "Billing", "energy": "Energy", "gres": "GRES", "license": "License",
}  # fmt: skip

_FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "GrpTRES": ("{scope}Grp{tres}", dict.fromkeys(("cpu", "mem", "node"), "{scope}Grp{tres}Limit")),
    "GrpTRESMins": ("{scope}Grp{tres}Minutes", {"cpu": "{scope}GrpCPUMinutesLimit"}),
    "GrpTRESRunMins": ("{scope}Grp{tres}RunMinutes", {"cpu": "{scope}GrpCPURunMinutesLimit"}),
    "MaxTRES": ("{scope}Max{tres}PerJob", dict.fromkeys(("cpu", "node"), "{scope}Max{tres}PerJobLimit")),
    "MaxTRESMins": ("{scope}Max{tres}MinutesPerJob", {"cpu": "{scope}MaxCpuMinutesPerJobLimit"}),
    "MaxTRESPerNode": ("{scope}Max{tres}PerNode", {}),
    "MaxTRESPU": ("QOSMax{tres}PerUser", dict.fromkeys(("cpu", "node"), "QOSMax{tres}PerUserLimit")),
    "MaxTRESPA": ("Max{tres}PerAccount", {}),
    "MinTRES": ("QOSMin{tres}", {"cpu": "QOSMinCpuNotSatisfied"}),
}  # fmt: skip
"""How the reason of a limit is made, and for which resources otherwise."""


def of_tres(scope: Scope, limit: str, tres: str) -> str:
    """The reason for a limit of a resource (`gres/gpu` is GRES)."""
    kind = tres.partition("/")[0]
    form, other = _FORMS[limit]
    word = _RESOURCES.get(kind, "Unknown")
    if kind == "mem" and scope == "QOS" and limit != "GrpTRES":
        word = "Memory"  # as 22.05 spells it there
    return other.get(kind, form).format(scope=scope, tres=word)
