"""Jobs, arrays, dependencies and the queue by simple_slurm's own words."""

import datetime
import json
import time
from pathlib import Path

from simple_slurm import Slurm

told = {}
slurm = Slurm(
    array=range(3), cpus_per_task=1, job_name="several", output=f"{Slurm.JOB_ARRAY_MASTER_ID}_{Slurm.JOB_ARRAY_ID}.txt",
    time=datetime.timedelta(minutes=5),
)  # fmt: skip
slurm.add_cmd("echo task " + Slurm.SLURM_ARRAY_TASK_ID)
array = slurm.sbatch()
after = Slurm("--output", "after.txt", dependency={"afterok": array})
job = after.sbatch("echo after " + str(array), verbose=False)
deadline = time.monotonic() + 60
while not (Path("after.txt").exists() and Path("after.txt").read_text()):
    assert time.monotonic() < deadline
    time.sleep(0.3)
told["tasks"] = [Path(f"{array}_{index}.txt").read_text() for index in range(3)]
told["after"] = Path("after.txt").read_text() == f"after {array}\n"
held = Slurm(hold=True, job_name="held").sbatch("true")
slurm.squeue.update_squeue()
told["held"] = [slurm.squeue.jobs[held][key] for key in ("NAME", "ST", "NODELIST(REASON)")]
slurm.scancel.cancel_job(held)
waited = Slurm(wait=True, output="waited.txt", job_name="waited")
waited.sbatch("echo waited")
told["waited"] = Path("waited.txt").read_text()
told["srun"] = Slurm(ntasks=2).srun("true")
print(json.dumps(told))
