"""Why a step cannot be, in the words of srun 22.05."""

from __future__ import annotations

from typing import Final

UNABLE = "srun: error: Unable to create step for job {job}: "
INVALID_GRES = UNABLE + "Invalid generic resource (gres) specification"

TEXTS: Final = {
    "unknown job": "srun: error: Unable to confirm allocation for job {job}: Invalid job id specified\n"
    "srun: Check SLURM_JOB_ID environment variable. Expired or invalid job {job}",
    "cpus": UNABLE + "More processors requested than permitted",
    "memory": UNABLE + "Memory required by task is not available",
    "nodes": UNABLE + "Requested node configuration is not available",
    "gpus": INVALID_GRES,
    "no gpus": "srun: error: Step requested GRES but job doesn't have GRES\n" + INVALID_GRES,
    "gpus for nodes": "srun: error: Step requested gres=gpu:{gpus} is less than the requested min nodes={nodes}\n"
    + INVALID_GRES,
    "busy": UNABLE + "Requested nodes are busy",
    "version": UNABLE
    + "The node daemon here is of another version of flowbatch; run `flow controller stop`, and try again",
    "over": UNABLE + "Job/step already completing or completed",
    "signalled": "srun: Cancelled pending job step with signal {number}\n"
    + UNABLE
    + "Job/step already completing or completed",
    "too few nodes": "srun: error: Only allocated {has} nodes asked for {asked}",
    "excluded": "srun: error: Are required nodes explicitly excluded?",
    "all excluded": "srun: error: Hostlist is empty!  Can't run job.",
    "beyond": "srun: error: --relative and {option} option incompatible with count of allocated nodes ({first}+{asked}>{has})",
    "relative": "srun: error: -r,--relative not allowed with -w,--nodelist or -x,--exclude.",
    "hosts": "srun: error: You asked for {tasks} tasks but hostlist specified {hosts} nodes",
    "no groups": "srun: error: No directives to start application on any available hetjob components",
    "no such group": "srun: error: Requested het-group offset exceeds highest hetjob index ({group} > {last})",
    "no such part": "srun: error: Attempt to run a job step with het group value of {group}, but the job allocation has maximum value"
    " of {last}",
    "no list": "srun: error: must specify a node list with -Z, --no-allocate.",
    "no allocate": "srun: do not allocate resources\nsrun: error: Unable to create job step: Access/permission denied",
}
"""By the word for it. What srun itself finds out comes last; the rest the node says."""


def refusal(why: str, **facts: object) -> str:
    """What srun prints; a word that this version does not know stands for itself."""
    return TEXTS.get(why, UNABLE + why).format(**{"job": 0} | facts)
