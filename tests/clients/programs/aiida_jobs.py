"""Jobs by AiiDA's Slurm plugin, without a profile: the scripts and commands that it writes, read by its own parsers."""

import json
import subprocess
import time
from pathlib import Path

from aiida.common.datastructures import CodeRunMode
from aiida.schedulers.datastructures import JobInfo, JobTemplate, JobTemplateCodeInfo
from aiida.schedulers.plugins.slurm import SlurmScheduler
from aiida.schedulers.scheduler import SchedulerError

SOON_S = 60
slurm = SlurmScheduler()


def said(command: str) -> tuple[int, str, str]:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def submitted(name: str, line: str, *, queue: str = "debug", hold: bool = False) -> str:
    code = JobTemplateCodeInfo(
        cmdline_params=["bash", "-c", line], prepend_cmdline_params=[], use_double_quotes=[False, False],
        wrap_cmdline_params=False, stdin_name=None, stdout_name=f"{name}.txt", stderr_name=None, join_files=True,
    )  # fmt: skip
    job = JobTemplate()
    job.update(
        shebang="#!/bin/bash", job_name=name, queue_name=queue, submit_as_hold=hold, rerunnable=False,
        prepend_text="", append_text="", job_environment={"WHO": "aiida"}, import_sys_environment=True, sched_output_path=f"{name}.out",
        sched_error_path=f"{name}.err", max_wallclock_seconds=300, max_memory_kb=204800, codes_info=[code],
        job_resource=slurm.create_job_resource(num_machines=1, num_mpiprocs_per_machine=2), codes_run_mode=CodeRunMode.SERIAL,
    )  # fmt: skip
    Path(f"{name}.sh").write_text(slurm.get_submit_script(job))
    return slurm._parse_submit_output(*said(slurm._get_submit_command(f"{name}.sh")))


def listed(*jobs: str) -> dict[str, JobInfo]:
    return {job.job_id: job for job in slurm._parse_joblist_output(*said(slurm._get_joblist_command(jobs=list(jobs))))}


def killed(job: str) -> bool:
    return slurm._parse_kill_output(*said(slurm._get_kill_command(job)))


def until(state: str, job: str) -> None:
    """As AiiDA's own engine: a job that is listed no more is done."""
    deadline = time.monotonic() + SOON_S
    while (found.job_state.value if (found := listed(job).get(job)) else "done") != state:
        assert time.monotonic() < deadline, f"{job} is not {state}"
        time.sleep(0.2)


def ended(job: str) -> list[str]:
    """State and exit code in the record that AiiDA keeps of a job: all of sacct's columns, `|` between them."""
    code, out, err = said(slurm._get_detailed_job_info_command(job))
    header, row, *_ = (line.split("|") for line in out.splitlines())
    assert code == 0 and len(header) == len(row), (code, out, err)
    record = dict(zip(header, row, strict=True))
    return [record["State"], record["ExitCode"]]


held, long = submitted("held", "true", hold=True), submitted("long", "sleep 100")
until("running", long)
seen = listed(held, long)
told = {
    "held": [seen[held].job_state.value, seen[held].title, seen[held].requested_wallclock_time_seconds],
    "running": [
        seen[long].num_machines,
        seen[long].num_mpiprocs,
        seen[long].queue_name,
        seen[long].allocated_machines_raw,
    ],
    "times": [seen[long].submission_time.year > 2000, seen[long].wallclock_time_seconds < SOON_S],
    "killed": [killed(held), killed(long)],
}
until("done", held)
until("done", long)
well, bad = submitted("well", "echo $WHO"), submitted("bad", "exit 3")
until("done", well)
until("done", bad)
told["well"] = [Path("well.txt").read_text(), ended(well)]
told["bad"] = ended(bad)
try:
    submitted("wrong", "true", queue="nosuch")
except SchedulerError as error:
    told["wrong"] = "Invalid partition name specified" in str(error)
told["unknown"] = [len(listed("99999999")), killed("99999999")]
print(json.dumps(told))
