"""From settled options to a JobSpec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flowbatch.directives import build
from flowbatch.directives.build import Origins
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.files import Files
from flowbatch.spec.job import UNLIMITED, Export, JobSpec, Mail, Signal
from flowbatch.spec.market import MarketTerms
from flowbatch.spec.model import Malformed
from flowbatch.spec.resources import Gres, GresRequest, License, Memory, NodeCount, Resources

Build = Callable[..., JobSpec]


@pytest.fixture
def spec(read: Callable[..., Any]) -> Build:
    def run(*argv: str, script: bytes = b"#!/bin/sh\n", environ: Mapping[str, str] | None = None) -> JobSpec:
        outcome = read(script, [*argv, "job.sh", "a b"], environ)
        assert outcome.submission is not None, outcome.said
        origins = Origins("/submit", "/submit/job.sh", outcome.submission.line.arguments)
        return build.job(outcome.submission.chosen, origins, MarketTerms())

    return run


PLAIN = JobSpec(name="job.sh", work_dir="/submit", command="/submit/job.sh", arguments=("a b",))


def test_a_job_that_says_nothing(spec: Build) -> None:
    assert spec() == PLAIN


def plain(**changes: Any) -> JobSpec:
    return PLAIN.model_copy(update=changes)


def resources(**changes: Any) -> JobSpec:
    return plain(resources=Resources(**changes))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-J", ""], plain(name="")),
        (["-t", "0:30", "--time-min=1"], plain(time_limit_min=1, time_min_min=1)),
        (["-t", "0"], plain(time_limit_min=UNLIMITED)),
        (["-p", "a,b", "-A", "x", "-q", "y", "--comment=c", "--reservation=r"],
         plain(partitions=("a", "b"), account="x", qos="y", comment="c", reservation="r")),
        (["-p", "", "-A", "", "-q", ""], plain(partitions=("(null)",))),
        (["-D", "x", "-o", "y"], plain(work_dir="/submit/x", submit_dir="/submit", files=Files(output="/submit/x/y"))),
        (["-e", "none", "-i", "/in", "--open-mode=append"],
         plain(files=Files(error="/dev/null", input="/in", open_mode="append"))),
        (["-N2-4", "-n3", "-c2"], resources(nodes=NodeCount(minimum=2, maximum=3), ntasks=3, cpus_per_task=2)),
        (["--mem=4G"], resources(memory=Memory(per="node", mib=4096))),
        (["--mem-per-cpu=5"], resources(memory=Memory(per="cpu", mib=5))),
        (["--mem-per-gpu=6", "-G", "h100:2"],
         resources(memory=Memory(per="gpu", mib=6), gres=GresRequest(per_job=(Gres(name="gpu", type="h100", count=2),)))),
        (["--gres=gpu:2,x", "--gpus-per-task=1", "-n1"],
         resources(ntasks=1, gres=GresRequest(per_node=(Gres(name="gpu", count=2), Gres(name="x")), per_task=(Gres(name="gpu"),)))),
        (["--gres=gpu:h100:x"], resources(gres=GresRequest(malformed=Malformed(text="gpu:h100:x", where="gres")))),
        (["--gres=gpu:1", "--gpus=1.5"], resources(gres=GresRequest(
            per_node=(Gres(name="gpu"),), malformed=Malformed(text="1.5", where="tres")))),
        (["-w", "n[1-2]", "-x", "m1"],
         resources(nodelist=("n1", "n2"), exclude=("m1",), nodes=NodeCount(minimum=2, maximum=None))),
        (["-w", "n[1-2"], resources(nodelist=("n[1-2",))),
        (["-L", "a:2,b"], resources(licenses=(License(name="a", count=2), License(name="b")), licenses_text="a:2,b")),
        (["-B", "1:2"], resources(sockets_per_node=1, cores_per_socket=2, ntasks=2)),
        (["--exclusive=user"], resources(exclusive="user")),
        (["--exclusive"], resources(exclusive="node")),
        (["-s", "-O", "--contiguous"], resources(oversubscribe=True, overcommit=True, contiguous=True)),
        (["--ntasks-per-tres=2", "-G1"], resources(ntasks_per_gpu=2, gres=GresRequest(per_job=(Gres(name="gpu"),)))),
        (["-a", "1-3%2"], plain(array=ArraySpec(text="1-3%2", ranges=(IndexRange(first=1, last=3),), throttle=2))),
        (["-a", ""], plain()),
        (["-a", "3-1"], plain(array=Malformed(text="3-1"))),
        (["-d", "afterok:x"], plain(dependency=Malformed(text="afterok:x"))),
        (["--signal=B:USR1@90"], plain(signal=Signal(number=10, lead_s=90, batch_only=True))),
        (["--mail-type=END", "--mail-type=BEGIN", "--mail-user=u"], plain(mail=Mail(types=("BEGIN", "END"), user="u"))),
        (["--export=X,Y=2"], plain(export=Export(kind="named", variables=(("X", None), ("Y", "2")), text="X,Y=2"))),
        (["--export="], plain(export=Export(kind="named", text=""))),
        (["--get-user-env", "-H", "--nice=5", "--priority=TOP"],
         plain(get_user_env=True, hold=True, nice=5, priority=4294967293)),
        (["--requeue"], plain(requeue=True)),
        (["--no-requeue"], plain(requeue=False)),
        (["--propagate"], plain()),
        (["--propagate=CORE,STACK"], plain(propagate=("CORE", "STACK"))),
        (["--kill-on-invalid-dep=no", "--wait-all-nodes=1", "-k", "--reboot"],
         plain(kill_on_invalid_dep=False, wait_all_nodes=1, no_kill=True, reboot=True)),
        (["--begin=2030-01-01", "--deadline=2031-01-01T12:00:00"], plain(begin=1893456000, deadline=1925035200)),
        (["--switches=2@5", "-m", "cyclic"], plain(switches="2@00:05:00", distribution="cyclic")),
        (["--switches=2@x"], plain(switches="2")),
        (["-M", "a,b"], plain(clusters=("a", "b"))),
        (["--spread-job", "--use-min-nodes"], plain(resources=Resources(spread_job=True, use_min_nodes=True))),
        (["--hint=memory_bound", "-N2"], plain(
            resources=Resources(nodes=NodeCount(minimum=2, maximum=2), ntasks=2, cores_per_socket=1, threads_per_core=1),
            recorded=(("hint", "memory_bound"),))),
        (["--hint=nomultithread", "--bb=x", "--gpus-per-node=2"], plain(
            resources=Resources(gres=GresRequest(per_node=(Gres(name="gpu", count=2),)), threads_per_core=1),
            recorded=(("bb", "x"), ("gpus-per-node", "2"), ("hint", "nomultithread")))),
    ],
)  # fmt: skip
def test_each_field(spec: Build, argv: list[str], expected: JobSpec) -> None:
    assert spec(*argv) == expected


def test_a_constraint_that_is_none_is_malformed(spec: Build) -> None:
    asked = spec("-C", "a&b").resources
    assert asked.constraint_text == "a&b"
    assert not isinstance(asked.constraint, Malformed)
    assert isinstance(spec("-C", "[a").resources.constraint, Malformed)


def test_names_of_jobs_without_a_file(read: Callable[..., Any]) -> None:
    chosen = read(b"#!/bin/sh\n", ["--wrap=true"]).submission.chosen
    assert build.job(chosen, Origins("/submit", wrapped=True), MarketTerms()).name == "wrap"
    assert build.job(chosen, Origins("/submit"), MarketTerms()).name == "sbatch"


def test_what_cannot_be_done_is_found(read: Callable[..., Any]) -> None:
    chosen = read(b"#!/bin/sh\n#SBATCH --container=/c -N1\n").submission.chosen
    assert [use.option.name for use in build.refused(chosen)] == ["container"]
