"""Every command that the controller knows, by the name that clients call it."""

from __future__ import annotations

from flowbatch.commands import (
    flow_cancel,
    flow_cost,
    flow_door,
    flow_explain,
    flow_info,
    flow_jobs,
    flow_markets,
    flow_plan,
    flow_pricing,
    flow_submit,
    sacct,
    sbatch,
    scancel,
    scontrol,
    sinfo,
    squeue,
    srun,
)
from flowbatch.commands.call import Command

COMMANDS: dict[str, Command] = {
    "sbatch": sbatch.main,
    "squeue": squeue.main,
    "sacct": sacct.main,
    "scancel": scancel.main,
    "scontrol": scontrol.main,
    "sinfo": sinfo.main,
    "srun": srun.main,
    "flow-cancel": flow_cancel.cancel,
    "flow-cost": flow_cost.cost,
    "flow-door": flow_door.door,
    "flow-explain": flow_explain.explain,
    "flow-info": flow_info.info,
    "flow-job": flow_jobs.job,
    "flow-jobs": flow_jobs.jobs,
    "flow-markets": flow_markets.markets,
    "flow-plan": flow_plan.plan,
    "flow-pricing": flow_pricing.pricing,
    "flow-submit": flow_submit.submit,
    "flow-wait": flow_jobs.wait,
}
