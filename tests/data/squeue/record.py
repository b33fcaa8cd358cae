"""Records what a real Slurm 22.05 says of a set of jobs: `python record.py > recorded.json` with SLURM_CONF set.

The cluster: 4 nodes n1..n4 of 8 CPUs and two GPUs (gpu:h100), partitions debug (default), down (DOWN, MaxTime 60),
short (n1,n2; MaxTime 10, DefaultTime 5), hidden; licences matlab:2, ansys:4; MaxArraySize 100001; nodes n1 and n2 have the
feature `fast`. Kept for each job: every `-O` value and every `-o` letter as printed, and `scontrol show job -d`; for the
queue: listings of whole commands. The tests rebuild the same jobs by hand and must print the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

LONG, FAIL, TRUE, STUBBORN = "long.sh", "fail.sh", "ok.sh", "stubborn.sh"
SCRIPTS = {
    LONG: "sleep 900",
    FAIL: "exit 3",
    TRUE: "true",
    STUBBORN: "trap '' TERM\nfor i in $(seq 400); do sleep 1; done",
}
JOBS = {
    "running": ["-n2", "-c2", "-t30", "--comment=a note", "--mem=500", LONG, "a", "b"],
    "array": ["--array=1-9:2%2", "-t5", LONG],
    "held": ["--hold", "-N2", "--mem-per-cpu=100", "--gres=gpu:1", LONG],
    "later": ["--begin=now+2hours", "-n3", "-d", "afterany:1", "-t1-2:03:04", LONG],
    "depends": ["-d", "afterok:1,after:1+5", "-Aphys", "-qgold", "--wckey=w1", LONG],
    "depends_or": ["-d", "afternotok:1?afterany:2_3", "--wrap=sleep 5"],
    "unknown_dependency": ["-d", "afterok:99999", "--wrap=sleep 600", "-t5"],
    "failed": [FAIL],
    "completed": ["-o", "out-%j-%x.txt", "-e", "err.txt", "-i", "/dev/zero", TRUE],
    "too_big": ["-n999", LONG],
    "partition_down": ["-pdown", LONG],
    "two_partitions": ["-pdebug,short", "--hold", "-t3", LONG],
    "licensed": ["-Lmatlab:2", "-G2", "-c3", "-N1", "-wn2", "-xn3", "--exclusive", LONG],
    "licensed_running": ["-Lmatlab:1,ansys:2", LONG],
    "many_options": [
        "--nice=100",
        "-N1-3",
        "--tmp=5",
        "--mincpus=2",
        "--contiguous",
        "--ntasks-per-node=2",
        "-H",
        "--deadline=now+3days",
        LONG,
    ],
    "stubborn": [STUBBORN],
    "sockets": [
        "--sockets-per-node=1",
        "--cores-per-socket=2",
        "--threads-per-core=1",
        "--hold",
        "--switches=1@5",
        "--mem=0",
        LONG,
    ],
    "single_first": ["-Jsingle", "-dsingleton", LONG],
    "single_second": ["-Jsingle", "-dsingleton", LONG],
    "big_array": ["--array=0-200:2", "--hold", LONG],
    "oversubscribed": ["-s", "--no-requeue", "--hold", "-o/tmp/x%A_%a.out", "-Cfast", LONG],
    "cancelled_pending": ["--hold", LONG],
    "cancelled_running": [LONG],
    "gpus": ["--gpus-per-node=h100:2", "-N2", "-t2:00:00", "--mem-per-cpu=2G", LONG],
    "gpus_per_task": ["-n2", "--gpus-per-task=1", "--cpus-per-gpu=2", "--mem-per-gpu=100", "--hold", LONG],
    "gpus_per_socket": ["--gpus-per-socket=1", "--sockets-per-node=2", "--hold", LONG],
    "tasks_per": ["-n6", "--ntasks-per-socket=2", "--ntasks-per-core=1", "--hold", "--time-min=3", "-t9", LONG],
    "core_spec": ["--core-spec=1", "--hold", LONG],
    "exclusive_user": ["--exclusive=user", "--hold", "--reboot", "-N3-4", "-n7", "--mem=3000M", LONG],
    "requeued": ["--requeue", LONG],
    "requeue_held": ["--requeue", LONG],
    "never": ["-d", "afterok:FAILED", LONG],
    "corr": ["-d", "aftercorr:2", "--array=1-3", LONG],
    "long_list": ["--array=0,3,6,9,12,15,18,21,24,27,30,31,35,37,40,44,48,51,53,57,61,65,67,69,72,80,90", "-H", LONG],
    "timeout": ["-t1", LONG],
    "prefer": ["--prefer=fast", "--hold", "-C", "fast&slow|x", "-e", "e%4j", "-J", "a name", "-n2", "-N2", LONG],
    "nodes_min": ["--hold", "-n3", "-c2", "-N2", LONG],
    "cpus_only": ["--hold", "-c8", "-n5", LONG],
    "per_node_only": ["--hold", "-N3", "--ntasks-per-node=4", "-c2", LONG],
    "oversize_c": ["-c100", LONG],
    "priority": ["--priority=1000", "--hold", LONG],
    "priority_pending": ["--priority=1000", "-n 40", LONG],
    "network": [
        "--hold",
        "--network=x",
        "--bb=y",
        "--mcs-label=z",
        "--profile=task",
        "--delay-boot=10",
        "--cluster-constraint=q",
        LONG,
    ],
    "hetero": ["-n1", LONG],
    "freq": ["--hold", "--gpu-freq=high", "--gpu-bind=closest", "--gres=gpu:h100:1,gpu:1", LONG],
}
NAMES = [
    "account", "accruetime", "admin_comment", "allocnodes", "allocsid", "arrayjobid", "arraytaskid", "associd",
    "batchflag", "batchhost", "boardspernode", "burstbuffer", "burstbufferstate", "cluster", "clusterfeature",
    "command", "comment", "contiguous", "container", "cores", "corespec", "cpus-per-task", "cpus-per-tres",
    "deadline", "delayboot", "dependency", "derivedec", "eligibletime", "endtime", "exit_code", "feature",
    "groupid", "groupname", "hetjobid", "hetjobidset", "hetjoboffset", "jobarrayid", "jobid", "lastschedeval",
    "licenses", "maxcpus", "maxnodes", "mcslabel", "mem-per-tres", "mincpus", "minmemory", "mintime",
    "mintmpdisk", "name", "network", "nice", "nodelist", "ntperboard", "ntpercore", "ntpernode", "ntpersocket",
    "numcpus", "numnodes", "numtasks", "origin", "originraw", "oversubscribe", "partition", "pendingtime",
    "preempttime", "prefer", "priority", "prioritylong", "profile", "qos", "reason", "reasonlist", "reboot",
    "reqnodes", "reqswitch", "requeue", "reservation", "resizetime", "restartcnt", "schednodes", "sct",
    "selectjobinfo", "siblingsactive", "siblingsactiveraw", "siblingsviable", "siblingsviableraw", "sockets",
    "sperboard", "starttime", "state", "statecompact", "stderr", "stdin", "stdout", "submittime",
    "system_comment", "threads", "timeleft", "timelimit", "timeused", "tres-alloc", "tres-bind", "tres-freq",
    "tres-per-job", "tres-per-node", "tres-per-socket", "tres-per-task", "userid", "username", "wait4switch",
    "wckey", "workdir",
]  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
LISTINGS = [
    [], ["-t", "all"], ["-l"], ["-r"], ["--start"], ["-P"], ["-s"], ["-t", "all", "-S", "i"], ["-t", "all", "-S", "-i"],
    ["-t", "all", "-S", "T,-j"], ["-t", "all", "-S", "S"], ["-t", "all", "-S", "-S"], ["-t", "all", "-S", "M"], ["-t", "all", "-S", "-M,N"],
    ["-t", "all", "-S", "e"], ["-S", "D,C,m"], ["-S", "-C,l"], ["-S", "u,v,r"], ["-S", "Q,i"], ["-S", "-p"], ["-S", "R"], ["-t", "CD,F,CA,CG"],
    ["-t", "cg"], ["-t", "TO"], ["-o", "%.7i|%9P|%-8j|%.2t|%R"], ["-O", "jobid:6,name:.10,state:,reason:12|"], ["-w", "n3", "-l"],
    ["-S", "A"], ["-S", "K,F"], ["-S", "L"], ["-S", "V,n"], ["-S", "E,f,k"], ["-P", "-S", "-p,i"],
]  # fmt: skip
for _letter in LETTERS:
    LISTINGS.append(["-t", "all", "-h", "-o", "%i", "-S", _letter])
    LISTINGS.append(["-t", "all", "-h", "-o", "%i", "-S", "-" + _letter])


def run(*argv: str, env: dict[str, str] | None = None) -> dict[str, object]:
    at = int(time.time())
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})
    return {"at": at, "argv": list(argv), "rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def until(what, deadline_s: float = 200) -> None:
    end = time.monotonic() + deadline_s
    while not what() and time.monotonic() < end:
        time.sleep(0.3)


def state(job_id: str) -> str:
    return str(run("squeue", "-h", "-tall", "-j", job_id + ",1", "-O", "jobarrayid:|,state:")["stdout"])


def main() -> None:
    for node in ("n1", "n2"):
        run("scontrol", "update", "nodename=" + node, "availablefeatures=fast", "activefeatures=fast")
    run("scontrol", "update", "nodename=n3", "availablefeatures=slow,x", "activefeatures=slow,x")
    work = "/tmp/flowbatch-record"
    os.makedirs(work, exist_ok=True)
    os.chdir(work)
    for name, body in SCRIPTS.items():
        with open(name, "w") as script:
            script.write(f"#!/bin/sh\n{body}\n")
    ids: dict[str, str] = {}
    refused: dict[str, object] = {}
    for name, argv in JOBS.items():
        words = [w.replace("FAILED", ids.get("failed", "")) for w in argv]
        said = run("sbatch", "--parsable", "-J", name, *words)
        if said["rc"] == 0:
            ids[name] = str(said["stdout"]).strip()
        else:
            refused[name] = said
        if name == "running":
            until(lambda: "RUNNING" in state("1"))
    time.sleep(5)
    for name in ("requeued", "requeue_held"):
        until(lambda name=name: f"{ids[name]}|RUNNING" in state(ids[name]))
    run("scontrol", "requeue", ids["requeued"])
    run("scontrol", "requeuehold", ids["requeue_held"])
    run("scontrol", "hold", ids["depends"])
    run("scontrol", "uhold", ids["depends_or"])
    run("scancel", ids["cancelled_pending"], ids["cancelled_running"], "2_3")
    until(lambda: "TIMEOUT" in state(ids["timeout"]))
    run("scancel", ids["stubborn"])
    time.sleep(2)
    fields = {name: by_row(f"-O{name}:", name) for name in NAMES}
    fields["%x"] = by_row("-o%x", "%x")
    headers = {name: str(run("squeue", "-j1", "-O", f"{name}:|")["stdout"]).split("|")[0] for name in NAMES}
    at = int(time.time())
    answer = json.loads(str(run("squeue", "--json")["stdout"]))
    said = {
        "at": at,
        "rows": list(fields["jobid"]),
        "ids": ids,
        "refused": refused,
        "headers": headers,
        "fields": {name: folded(values) for name, values in fields.items()},
        "listings": [run("squeue", *argv) for argv in LISTINGS],
        "shows": {row: run("scontrol", "show", "job", "-d", row.split(" ")[1])["stdout"] for row in fields["jobid"]},
        "json": {
            key: folded({str(job["job_id"]): job.get(key) for job in answer["jobs"]}) for key in answer["jobs"][0]
        },
        "nodes": run("scontrol", "show", "node")["stdout"],
        "partitions": run("scontrol", "show", "partition")["stdout"],
        "config": run("scontrol", "show", "config")["stdout"],
    }
    json.dump(said, sys.stdout, indent=1)


def by_row(option: str, name: str) -> dict[str, str]:
    """One field of every job; a row is named by its shown and its raw id."""
    ids = str(run("squeue", "-h", "-a", "-tall", "-o", "%i %A")["stdout"]).splitlines()
    values = str(run("squeue", "-h", "-a", "-tall", option)["stdout"]).splitlines()
    return dict(zip(ids, values, strict=True))


def folded(values: dict[str, object]) -> dict[str, object]:
    """The commonest value once, and the rows that differ."""
    texts = [json.dumps(value) for value in values.values()]
    usual = json.loads(max(texts, key=texts.count))
    return {"usual": usual, "others": {row: value for row, value in values.items() if value != usual}}


if __name__ == "__main__":
    main()
