"""The one option table, against what getopt and sbatch's list showed of Slurm's own."""

from __future__ import annotations

import pytest

from flowbatch.directives.options import ENVIRONMENT, LATER, OPTIONS, TABLES, Command, later, option, variables
from flowbatch.directives.settings import LANGUAGES
from flowbatch.slurm.getopt import GetoptError
from flowbatch.spec.files import Files
from flowbatch.spec.job import JobSpec
from flowbatch.spec.resources import Resources

BY_APPLY = {"flag", "early", "node_info", "power"}


def test_every_option_has_a_verdict_and_a_reason() -> None:
    without = [
        one.name for one in (*OPTIONS, *LATER) if not one.verdict or not one.reason.strip() or one.reason.endswith(".")
    ]
    assert without == []


def test_every_language_of_sbatch_is_read() -> None:
    assert {one.language for one in OPTIONS if "sbatch" in one.commands} <= {*LANGUAGES, *BY_APPLY}


def test_fields_are_fields_of_the_spec() -> None:
    for one in OPTIONS:
        room, _, field = one.field.rpartition(".")
        model = {"": JobSpec, "resources": Resources, "files": Files}[room]
        assert not field or field in model.model_fields, one.name


def test_variables_stand_for_options() -> None:
    for command, table in ENVIRONMENT.items():
        assert [name for _, name in table if not option(name, command)] == []
    assert variables("clusters") == ("SBATCH_CLUSTERS", "SLURM_CLUSTERS")


CANDIDATES: list[tuple[Command, str, str]] = [
    ("sbatch", "a", "account acctg-freq array"),
    ("sbatch", "b", "batch begin bb bbf"),
    ("sbatch", "c", "cluster-constraint chdir cluster clusters comment container context contiguous constraint core-spec"
     " cores-per-socket cpu-freq cpus-per-gpu cpus-per-task"),
    ("sbatch", "d", "deadline delay-boot dependency distribution"),
    ("sbatch", "e", "error exclude exclusive export export-file extra-node-info"),
    ("sbatch", "g", "get-user-env gid gpu-bind gpu-freq gpus gpus-per-node gpus-per-socket gpus-per-task gres gres-flags"),
    ("sbatch", "h", "help hint hold"),
    ("sbatch", "i", "ignore-pbs input"),
    ("sbatch", "m", "mail-type mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu mincpus"),
    ("sbatch", "n", "network nice no-kill no-requeue nodefile nodelist nodes ntasks ntasks-per-core ntasks-per-gpu"
     " ntasks-per-node ntasks-per-socket ntasks-per-tres"),
    ("sbatch", "o", "open-mode output overcommit oversubscribe"),
    ("sbatch", "p", "parsable partition power prefer priority profile propagate"),
    ("sbatch", "q", "qos quiet"),
    ("sbatch", "r", "reboot requeue reservation"),
    ("sbatch", "s", "signal sockets-per-node spread-job switches"),
    ("sbatch", "t", "tasks-per-node test-only thread-spec threads-per-core time time-min tmp"),
    ("sbatch", "u", "uid use-min-nodes usage"),
    ("sbatch", "v", "verbose version"),
    ("sbatch", "w", "wait wait-all-nodes wckey wrap"),
    ("srun", "a", "accel-bind account acctg-freq"),
    ("srun", "b", "bcast bcast-exclude begin bb bbf"),
    ("srun", "c", "cluster-constraint chdir cluster clusters comment compress container context contiguous constraint"
     " core-spec cores-per-socket cpu-bind cpu_bind cpu-freq cpus-per-gpu cpus-per-task"),
    ("srun", "d", "deadline debugger-test delay-boot dependency disable-status distribution"),
    ("srun", "e", "epilog error exact exclude exclusive export extra-node-info"),
    ("srun", "g", "gid gpu-bind gpu-freq gpus gpus-per-node gpus-per-socket gpus-per-task gres gres-flags"),
    ("srun", "h", "help het-group hint hold"),
    ("srun", "i", "immediate input interactive"),
    ("srun", "j", "jobid job-name"),
    ("srun", "l", "label licenses"),
    ("srun", "m", "mail-type mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu mincpus mpi msg-timeout multi-prog"),
    ("srun", "n", "network nice no-allocate no-kill nodefile nodelist nodes ntasks ntasks-per-core ntasks-per-gpu"
     " ntasks-per-node ntasks-per-socket ntasks-per-tres"),
    ("srun", "o", "open-mode output overcommit overlap oversubscribe"),
    ("srun", "p", "pack-group partition power prefer preserve-env priority profile prolog propagate pty"),
    ("srun", "q", "qos quiet quit-on-interrupt"),
    ("srun", "r", "reboot relative reservation resv-ports"),
    ("srun", "s", "send-libs signal slurmd-debug sockets-per-node spread-job switches"),
    ("srun", "t", "threads task-epilog task-prolog tasks-per-node test-only thread-spec threads-per-core time time-min tmp"),
    ("srun", "u", "uid unbuffered use-min-nodes usage"),
    ("srun", "w", "wait wckey whole"),
    ("salloc", "b", "begin bell bb bbf"),
    ("salloc", "e", "exclude exclusive extra-node-info"),
    ("salloc", "h", "help hint hold"),
    ("salloc", "n", "network nice no-bell no-kill no-shell nodefile nodelist nodes ntasks ntasks-per-core ntasks-per-gpu"
     " ntasks-per-node ntasks-per-socket ntasks-per-tres"),
    ("salloc", "o", "overcommit oversubscribe"),
    ("salloc", "p", "partition power prefer priority profile"),
    ("salloc", "r", "reboot reservation"),
    ("salloc", "u", "uid use-min-nodes usage"),
    ("salloc", "w", "wait-all-nodes wckey"),
]  # fmt: skip
"""What getopt answered to `--a`, `--b` ... : the options of 22.05, and their order."""


@pytest.mark.parametrize(("command", "letter", "names"), CANDIDATES)
def test_prefixes_are_ambiguous_as_in_22_05(command: Command, letter: str, names: str) -> None:
    with pytest.raises(GetoptError) as caught:
        list(TABLES[command].parse(command, [f"--{letter}"]))
    candidates = " ".join(f"'--{name}'" for name in names.split())
    assert caught.value.line == f"{command}: option '--{letter}' is ambiguous; possibilities: {candidates}"


def test_later_options_are_unknown_but_explained() -> None:
    for one in LATER:
        command: Command = "srun" if "sbatch" not in one.commands else "sbatch"
        with pytest.raises(GetoptError, match=r"unrecognized option|'--extra-node-info' requires"):
            list(TABLES[command].parse(command, [f"--{one.name}"]))
        assert later(one.name, command) == one
