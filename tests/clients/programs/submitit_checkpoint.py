"""A job that saves where it was when it is stopped, and goes on from there: `preemption` or `timeout`."""

import json
import subprocess
import sys
import time
from pathlib import Path

import submitit


class Counting:
    """Counts up to ten, one step a restart; the count travels in its checkpoint."""

    def __init__(self, came: int = 0) -> None:
        self.came = came

    def __call__(self, mark: str) -> int:
        Path(mark).write_text(str(self.came))
        print("at", self.came, flush=True)
        if self.came == 0:
            time.sleep(300)
        return self.came

    def checkpoint(self, mark: str) -> submitit.helpers.DelayedSubmission:
        return submitit.helpers.DelayedSubmission(Counting(self.came + 1), mark)


why = sys.argv[1]
mark = Path("mark").absolute()
executor = submitit.AutoExecutor(folder="logs", cluster="slurm", slurm_max_num_timeout=3)
executor.update_parameters(timeout_min=1 if why == "timeout" else 60, slurm_signal_delay_s=55, slurm_partition="debug")
job = executor.submit(Counting(), str(mark))
while not mark.exists():
    time.sleep(0.1)
if why == "preemption":
    job._interrupt(timeout=False)


def shown(word: str) -> str:
    line = subprocess.run(["scontrol", "-o", "show", "job", job.job_id], capture_output=True, text=True).stdout
    return dict(pair.partition("=")[::2] for pair in line.split()).get(word, "")


while shown("Restarts") != "1":
    time.sleep(0.2)
pending = job.watcher.get_state(job.job_id, mode="force")
subprocess.run(["scontrol", "update", f"JobId={job.job_id}", "StartTime=now"], check=True)  # it would wait two minutes
print(json.dumps({
    "pending": pending, "result": job.result(), "steps": [line for line in job.stdout().splitlines() if line.startswith("at")],
    "why": [word for word in ("timed-out", "preempted") if f"this job is {word}" in job.stderr()],
    "bypassed": "Bypassing signal SIGTERM" in job.stderr(),
}))  # fmt: skip
