"""What users do while somebody dies: small stories that together touch every kind of job."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.fault.cluster import RAN, Cluster, Found

FAULTLESS = ("COMPLETED 0:0",)
LONG = "exec sleep 1000"
CRONTAB = "#SCRON -J {tag}\n@yearly true\n"


def arrays(cluster: Cluster) -> None:
    """An array, a job that waits for it, and one that is cancelled before it runs."""
    first = cluster.submit(
        "array", "exit $SLURM_ARRAY_TASK_ID", "--array=0-2", ends=("COMPLETED 0:0", "FAILED 1:0", "FAILED 2:0")
    )
    cluster.submit("after", "exit 0", f"--dependency=afterany:{first}", ends=FAULTLESS)
    held = cluster.submit("held", "exit 0", "--hold", ends=("CANCELLED 0:0",), runs=(0,))
    cluster.ask("scancel", str(held))
    cluster.calm()
    order = [line[0] for line in cluster.lines()]
    if order.index(cluster.tag("after")) < 3:
        raise Found(f"it did not wait: {order}")


def requeued(cluster: Cluster) -> None:
    """A job that is requeued while it runs, and ends by itself the second time."""
    number = cluster.submit(
        "again", f"[ $SLURM_RESTART_COUNT ] && exit 5\n{LONG}", "--requeue", ends=("FAILED 5:0",), runs=(2, 3)
    )
    cluster.began("again")
    cluster.ask("scontrol", "requeue", str(number), done_already="pending")
    cluster.began("again", 2)


def suspended(cluster: Cluster) -> None:
    """A job that is suspended, goes on and is cancelled."""
    number = cluster.submit("rest", LONG, ends=("CANCELLED 0:0",))
    cluster.began("rest")
    cluster.ask("scontrol", "suspend", str(number), done_already="already suspended")
    cluster.ask("scontrol", "resume", str(number), done_already="not suspended")
    cluster.ask("scancel", str(number))


def steps(cluster: Cluster) -> None:
    """A script of two steps."""
    number = cluster.submit("steps", "srun -n1 true\nsrun sh -c 'exit 7'\nexit $?", "-n2", ends=("FAILED 7:0",))
    cluster.calm()
    told = cluster.ask("sacct", "-n", "-P", "-j", str(number), "-o", "jobid,state,exitcode").out.split()
    records = [f"{number}{rest}" for rest in ("|FAILED|7:0", ".batch|FAILED|7:0", ".0|COMPLETED|0:0", ".1|FAILED|7:0")]
    if told != records:
        raise Found(f"the steps are {told}, not {records}")


def allocations(cluster: Cluster) -> None:
    """salloc and srun from outside a job."""
    for name, words, code in (
        ("alloc", ("salloc", "-Q", "sh", "-c", f"{RAN}srun true; exit 3"), 3),
        ("run", ("srun", "sh", "-c", f"{RAN}exit 2"), 2),
    ):
        done = cluster.lasting(name, *words, ends=(f"FAILED {code}:0",))
        if done is not None and done.code != code:
            raise Found(f"{words}: {done}")


def components(cluster: Cluster) -> None:
    """A heterogeneous job, and a crontab that comes and goes."""
    cluster.submit("het", "exit 3", ":", "-n2", ends=("FAILED 3:0",))
    crontab = CRONTAB.format(tag=cluster.tag("cron"))
    cluster.ask("scrontab", "-", stdin=crontab)
    listed = cluster.ask("scrontab", "-l").out
    if listed != crontab:
        raise Found(f"the crontab is {listed!r}")
    cluster.ask("scrontab", "-r", done_already="no crontab")


SCENES: Mapping[str, Callable[[Cluster], None]] = {
    scene.__name__: scene for scene in (arrays, requeued, suspended, steps, allocations, components)
}
