"""A cluster of dask workers that grows, computes, shrinks, adapts and goes."""

import json
import subprocess
import time

from dask.distributed import Client
from dask_jobqueue import SLURMCluster


def jobs() -> int:
    return len(
        subprocess.run(["squeue", "-h", "-n", "worker"], capture_output=True, text=True, check=True).stdout.splitlines()
    )


def until(true) -> bool:
    deadline = time.monotonic() + 40
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


told = {}
with SLURMCluster(
    queue="debug", account="research", cores=1, memory="1GB", walltime="00:10:00", job_name="worker", interface="lo",
    job_extra_directives=["--comment='of dask'"], log_directory="logs",
) as cluster, Client(cluster) as client:  # fmt: skip
    cluster.scale(2)
    client.wait_for_workers(2, timeout=60)
    told["workers"] = jobs()
    told["sum"] = client.submit(sum, client.map(lambda number: number**2, range(10))).result(timeout=30)
    told["names"] = client.submit(lambda: __import__("os").environ["SLURM_JOB_NAME"]).result(timeout=30)
    cluster.scale(1)
    told["shrunk"] = until(lambda: jobs() == 1)
    cluster.adapt(minimum=0, maximum=2, interval="300ms", wait_count=2)
    told["away"] = until(lambda: jobs() == 0)
    told["back"] = client.submit(lambda: 7).result(timeout=60)
told["gone"] = until(lambda: jobs() == 0)
print(json.dumps(told))
