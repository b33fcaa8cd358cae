"""Every command that the controller knows, by the name that clients call it."""

from __future__ import annotations

from flowbatch.commands import flow_info, flow_jobs, sbatch, squeue
from flowbatch.commands.call import Command

COMMANDS: dict[str, Command] = {
    "sbatch": sbatch.main,
    "squeue": squeue.main,
    "flow-info": flow_info.info,
    "flow-job": flow_jobs.job,
    "flow-jobs": flow_jobs.jobs,
    "flow-wait": flow_jobs.wait,
}
