"""`flow submit` and `flow explain` on the real queue: what goes in, and the screens that readers get instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from flowbatch.commands.flow import flow_cancel, flow_explain, flow_submit
from flowbatch.core.embedded import embedded
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec

CWD = "/w"
STRICT = ClusterSpec(
    name="toy", nodes=(NodeSpec(name="n1", cpus=4, real_memory=1000),),
    partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),),
)  # fmt: skip
SCRIPT = b"""#!/bin/bash
#SBATCH -p gpu -A proj
#SBATCH --mail-user=me@x
 #SBATCH --time=5
#FLOW --budget=$5
hostname
#SBATCH --mem=1G
"""


class Machine:
    hostname, cpus, memory_mib, tmp_mib, gpus = "laptop", 4, 8000, 1000, ()


OBLIGING = embedded(Machine())


@pytest.fixture
def submit(caller, live_queue) -> Callable[..., object]:  # type: ignore[no-untyped-def]  # fixtures of a conftest
    """Runs flow-submit WORD... in `/w`, with these files; the queue is new each time."""

    def run(*words: str, files: dict[str, bytes] | None = None, ours: tuple[str, ...] = (), cluster: ClusterSpec = OBLIGING,
            command=flow_submit.submit, **environ: str):  # type: ignore[no-untyped-def]  # fmt: skip
        queue = live_queue(cluster)
        one = replace(caller, files={"job.slurm": SCRIPT, f"{CWD}/job.slurm": SCRIPT} | (files or {}), cwd=CWD)
        said = one.run(command, queue, *ours, "--", *words, PATH="/bin", **environ)
        run.spec = next((job.spec for job in queue.snapshot().jobs), None)
        run.script = next((payload.script for payload in queue.payloads.values()), None)
        return said

    return run


def test_a_script_goes_in_with_its_notes(submit) -> None:
    said = submit("job.slurm", "--comment=x", "arg")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == {
        "job_id": 1, "line": "Submitted batch job 1", "wait": False,
        "notes": ["unknown partition gpu: runs in debug", "account proj is recorded only"], "cluster": "local",
    }  # fmt: skip
    assert submit.spec.arguments == ("arg",) and submit.spec.comment == "x" and submit.script == SCRIPT
    assert submit.spec.market.budget_micro_usd == 5_000_000


def test_a_command_is_wrapped_and_named_after_its_program(submit) -> None:
    assert submit("/opt/python train.py --epochs 5", "--cpus-per-task", "2").code == 0
    assert submit.script.endswith(b"/opt/python train.py --epochs 5\n")
    assert submit.spec.name == "python" and submit.spec.resources.cpus_per_task == 2
    assert submit("hostname", "-J", "mine", files={"/bin/hostname": b"\x7fELF"}).code == 0
    assert submit.script.endswith(b"\nhostname\n") and submit.spec.name == "mine"


def test_a_file_with_blanks_in_its_name_is_a_script(submit) -> None:
    files = {"my job": SCRIPT, f"{CWD}/my job": SCRIPT}
    assert submit("my job", files=files).code == 0
    assert submit.script == SCRIPT


def test_terms_of_the_market_are_taken(submit) -> None:
    assert submit("job.slurm", "--limit-price", "$2.50/gpu-h").code == 0
    assert submit.spec.market.limit_price.micro_usd_per_hour == 2_500_000


@pytest.mark.parametrize(
    ("option", "line"), [("--parsable", "1"), ("--quiet", None), ("--wait", "Submitted batch job 1")]
)
def test_what_sbatch_would_print(submit, option: str, line: str | None) -> None:
    said = json.loads(submit("job.slurm", option).out)
    assert said["line"] == line and said["wait"] == (option == "--wait")


@pytest.mark.parametrize("option", ["--test-only", "--version", "--help"])
def test_nothing_is_submitted(submit, option: str) -> None:
    said = submit("job.slurm", option)
    assert said.code == 0 and json.loads(said.out)["job_id"] is None and json.loads(said.out)["line"]
    assert submit.spec is None


def screen(text: str) -> str:
    return text.strip("\n") + "\n"


FAULTS = [
    (["job.slurm", "--array=1-10:0"], "flow submit: --array=1-10:0: step must be at least 1", 1),
    (["job.slurm", "--nonsense"], "flow submit: --nonsense: unrecognized option '--nonsense'", 255),
    (["nothing", "here"], "flow submit: Unable to open file nothing\nhint: a command stands in quotes: flow submit 'nothing here'", 1),
    ([], "flow submit: nothing to submit\nhint: ", 1),
    (["job.slurm", "--gpus=8"], "flow submit: Requested node configuration is not available", 1),
    (["job.slurm", "-d", "after"], "flow submit: -d: --dependency=after: ", 1),
    (["empty"], "flow submit: the script is empty", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said", "code"), FAULTS, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_faults_are_screens(submit, words: list[str], said: str, code: int) -> None:
    done = submit(*words, files={"empty": b"", f"{CWD}/empty": b""})
    assert done.err.startswith(said) and (done.code, done.out) == (code, "")
    assert submit.spec is None


def test_a_fault_in_a_script_is_shown_where_it_stands(submit) -> None:
    script = b"#!/bin/bash\n\n#SBATCH -N 1\n#SBATCH --array=1-10:0   # ten\nhostname\n"
    said = submit("job.slurm", files={"job.slurm": script, f"{CWD}/job.slurm": script})
    assert said.err.splitlines()[:3] == [
        "flow submit: job.slurm:4:17: --array=1-10:0: step must be at least 1",
        "    #SBATCH --array=1-10:0   # ten",
        "                    ^^^^^^",
    ]
    assert said.err.splitlines()[3].startswith("hint: ")


def test_the_controller_s_refusal_points_at_its_option(submit) -> None:
    said = submit("job.slurm", cluster=STRICT)
    assert (
        said.err.splitlines()[0]
        == "flow submit: job.slurm:2:9: Invalid partition name specified (invalid partition specified: gpu)"
    )
    assert said.code == 1


def test_strict_loses_nothing(submit) -> None:
    said = submit("job.slurm", ours=("--strict",))
    assert (said.code, said.out, submit.spec) == (1, "", None)
    assert said.err == screen("""
flow submit: job.slurm:2:9: --partition: would only be recorded: there is no gpu here: it runs in debug
flow submit: job.slurm:2:16: --account: would only be recorded: kept and shown with the job; this cluster charges nobody
flow submit: job.slurm:5:16: --budget: would only be recorded: this machine costs nothing
hint: leave it out, or accept it: --waive partition --waive account --waive budget
""")
    waived = ("--strict", "--waive=partition", "--waive=account", "--waive=budget")
    assert submit("job.slurm", ours=waived).code == 0
    assert submit("job.slurm", ours=("--waive=qqos",)).err == "flow submit: --waive qqos: there is no such option\n"


def test_explaining(submit) -> None:
    said = submit("job.slurm", "-A", "other", command=flow_explain.explain)
    rows = [line.split(None, 2) for line in said.out.splitlines()[:7]]
    assert [row[:2] for row in rows] == [
        ["2:9", "--partition=gpu"], ["2:16", "--account=proj"], ["3:9", "--mail-user=me@x"], ["command", "line"],
        ["5:16", "--budget=$5"], ["line", "4"], ["line", "7"],
    ]  # fmt: skip
    assert "overridden" in rows[1][2] and "recorded" in rows[0][2]
    assert said.out.splitlines()[-1].startswith("Job 1 to start at ") and (said.code, said.err) == (0, "")


def test_explaining_for_a_program(submit) -> None:
    said = json.loads(submit("job.slurm", "--gpus=8", ours=("--json",), command=flow_explain.explain).out)
    assert said["refused"] and not said["answer"]["accepted"] and said["script"] == "job.slurm"
    assert next((one["number"], one["why"]) for one in said["unread"]) == (4, "is indented")
    broken = submit("job.slurm", "--time=x", ours=("--json",), command=flow_explain.explain)
    assert broken.code == 255 and json.loads(broken.out)["error"]["origin"]["place"] == "command line"


def test_what_is_refused_is_explained_all_the_same(submit) -> None:
    said = submit("job.slurm", "--container=x", command=flow_explain.explain)
    assert said.code == 1 and "--container=x" in said.out and "refused" in said.out and "OCI" in said.out


def test_cancelling_says_what_became_of_it(caller, live_queue) -> None:
    queue = live_queue(OBLIGING)
    one = replace(caller, files={"-": b"#!/bin/sh\n"}, cwd=CWD)
    assert one.run(flow_submit.submit, queue, "--", "--hold").code == 0
    said = one.run(flow_cancel.cancel, queue, "1", "x", "99")
    assert (said.code, said.out) == (1, "job 1 is told to end\n")
    assert said.err.splitlines()[0] == "flow cancel: x is no job"
    assert said.err.splitlines()[2] == "flow cancel: there is no job 99"
    again = one.run(flow_cancel.cancel, queue, "1")
    assert (again.code, again.out, again.err) == (0, "job 1 is over\n", "")
