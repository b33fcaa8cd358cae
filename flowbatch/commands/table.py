"""Every command that the controller knows, by the name that clients call it."""

from __future__ import annotations

from flowbatch.commands.accounting import sacct, sacctmgr, sdiag, seff, sprio, sreport, sshare, sstat
from flowbatch.commands.call import Command
from flowbatch.commands.control import scancel, scontrol, strigger
from flowbatch.commands.flow import (
    flow_cancel,
    flow_cost,
    flow_door,
    flow_explain,
    flow_info,
    flow_jobs,
    flow_markets,
    flow_metrics,
    flow_plan,
    flow_pricing,
    flow_submit,
)
from flowbatch.commands.listing import sinfo, squeue
from flowbatch.commands.running import salloc, sattach, sbcast, srun
from flowbatch.commands.submitting import sbatch, scrontab

COMMANDS: dict[str, Command] = {
    "sbatch": sbatch.main,
    "squeue": squeue.main,
    "sacct": sacct.main,
    "scancel": scancel.main,
    "scontrol": scontrol.main,
    "scrontab": scrontab.main,
    "sinfo": sinfo.main,
    "srun": srun.main,
    "sacctmgr": sacctmgr.main,
    "salloc": salloc.main,
    "sattach": sattach.main,
    "sbcast": sbcast.main,
    "sdiag": sdiag.main,
    "seff": seff.main,
    "sprio": sprio.main,
    "sreport": sreport.main,
    "sshare": sshare.main,
    "sstat": sstat.main,
    "strigger": strigger.main,
    "flow-cancel": flow_cancel.cancel,
    "flow-cost": flow_cost.cost,
    "flow-door": flow_door.door,
    "flow-explain": flow_explain.explain,
    "flow-info": flow_info.info,
    "flow-job": flow_jobs.job,
    "flow-jobs": flow_jobs.jobs,
    "flow-markets": flow_markets.markets,
    "flow-metrics": flow_metrics.metrics,
    "flow-plan": flow_plan.plan,
    "flow-pricing": flow_pricing.pricing,
    "flow-submit": flow_submit.submit,
    "flow-wait": flow_jobs.wait,
}
