"""A job that is well, one that fails, one that is cancelled and one of two processes, by PSI/J."""

import json
from datetime import timedelta
from pathlib import Path

from psij import Job, JobAttributes, JobExecutor, JobSpec, JobState, ResourceSpecV1
from psij.executors.batch.slurm import SlurmExecutorConfig

SOON = timedelta(seconds=100)
OUT = Path("out").absolute()
executor = JobExecutor.get_instance(
    "slurm", config=SlurmExecutorConfig(queue_polling_interval=1, initial_queue_polling_delay=1)
)


def submitted(program: str, *words: str, launcher: str = "single", processes: int = 1) -> Job:
    spec = JobSpec(
        executable=program, arguments=list(words), stdout_path=OUT, stderr_path=Path("err").absolute(), launcher=launcher,
        attributes=JobAttributes(duration=timedelta(minutes=5), queue_name="debug"),
        resources=ResourceSpecV1(node_count=1, processes_per_node=processes),
    )  # fmt: skip
    job = Job(spec)
    executor.submit(job)
    return job


told = {}
end = submitted("/bin/echo", "well").wait(timeout=SOON)
told["well"] = [end.state.name, end.exit_code, OUT.read_text()]
end = submitted("/bin/false").wait(timeout=SOON)
told["failed"] = [end.state.name, end.exit_code]
job = submitted("/bin/sleep", "100")
job.wait(timeout=SOON, target_states=[JobState.ACTIVE])
job.cancel()
told["cancelled"] = job.wait(timeout=SOON).state.name
end = submitted("/bin/echo", "twice", launcher="srun", processes=2).wait(timeout=SOON)
told["steps"] = [end.state.name, OUT.read_text()]
print(json.dumps(told))
