"""One of each: a job, an exception, an array, what a job prints, its environment, several tasks, a cancelled job."""

import json
import sys
import time

import submitit


def add(a: int, b: int) -> int:
    print("adding", a, b, flush=True)
    print("not well", file=sys.stderr, flush=True)
    return a + b


def fail() -> None:
    raise ValueError("no number")


def where() -> tuple[int, int, int, int, str]:
    """What a program for torch.distributed reads: its ranks, how many there are, and whom to meet."""
    environment = submitit.helpers.TorchDistributedEnvironment().export(set_cuda_visible_devices=False)
    job = submitit.JobEnvironment()
    assert job.hostnames[0] == environment.master_addr
    return job.global_rank, job.local_rank, job.num_tasks, environment.world_size, job.hostnames[0]


def ended(job: submitit.Job) -> str:
    """Its state by sacct; a result may be there before the job is over."""
    while (state := job.watcher.get_state(job.job_id, mode="force")) in ("RUNNING", "COMPLETING"):
        time.sleep(0.1)
    return state


executor = submitit.AutoExecutor(folder="logs/%j", cluster="slurm")
executor.update_parameters(timeout_min=5, slurm_partition="debug", cpus_per_task=1, mem_gb=1, name="one of each")
told = {}

job = executor.submit(add, 2, 3)
told["sum"] = job.result()
told["stdout"] = "adding 2 3" in job.stdout()
told["stderr"] = "not well" in job.stderr()
told["state"] = ended(job)
told["done"] = job.done()

failing = executor.submit(fail)
error = failing.exception()
told["exception"] = [type(error).__name__, "ValueError: no number" in str(error)]
told["failed"] = ended(failing)

executor.update_parameters(slurm_array_parallelism=2)
jobs = executor.map_array(add, [1, 2, 3], [10, 20, 30])
told["ids"] = [one.job_id.split("_")[1] for one in jobs]
told["sums"] = [one.result() for one in jobs]
told["array"] = sorted(ended(one) for one in jobs)
with executor.batch():
    batch = [executor.submit(add, number, number) for number in range(3)]
told["batch"] = [one.result() for one in batch]

executor.update_parameters(tasks_per_node=2, nodes=1)
told["ranks"] = sorted(rank[:4] for rank in executor.submit(where).results())
executor.update_parameters(tasks_per_node=1)

sleeping = executor.submit(time.sleep, 100)
while sleeping.watcher.get_state(sleeping.job_id, mode="force") != "RUNNING":
    time.sleep(0.2)
sleeping.cancel(check=True)
while not sleeping.watcher.get_state(sleeping.job_id, mode="force").startswith("CANCELLED"):
    time.sleep(0.2)
told["cancelled"] = sleeping.done(force_check=True)

helper = submitit.helpers.CommandFunction(["bash", "-c", "echo $SLURM_JOB_NAME from $SLURM_NTASKS"])
told["command"] = executor.submit(helper).result()
print(json.dumps(told))
