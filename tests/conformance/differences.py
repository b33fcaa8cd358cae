"""Every accepted difference between real Slurm and ours, each with its reason.

A difference is a rewriting that makes both sides equal: `pattern` is replaced by `stands` in both transcripts, in the
cases that `cases` matches (globs over case names, between blanks). Nothing else is forgiven. `docs/reference/conformance.md` is printed
from this table and from the recorded transcripts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch


@dataclass(frozen=True)
class Difference:
    """`what` and `why` are read by people; `pattern` is multi-line."""

    cases: str
    pattern: str
    stands: str
    what: str
    why: str

    def concerns(self, case: str) -> bool:
        """Whether it is accepted in this case."""
        return any(fnmatch(case, name) for name in self.cases.split())


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "590-*", r"^! sacctmgr: note: .* holds up nobody on .*\n", "",
        "sacctmgr says of a limit that holds up nobody that it does not",
        "with PriorityType=priority/basic real Slurm keeps such limits too and says nothing",
    ),
    Difference(
        "563-*", r"^\d SLURM_(?:DISTRIBUTION=cyclic|JOB_GPUS=.*|JOB_CPUS_PER_NODE_PACK_GROUP_0=.*)\n", "",
        "tasks of an srun outside a job have the variables that they have inside one",
        "srun is the same program in both: what it tells its tasks does not depend on who asked for the nodes",
    ),
    Difference(
        "56[0-9]-* 71[0-9]-*", r"^(?:! )?salloc: Job allocation J\+\d+ has been revoked\.\n", "",
        "salloc that gives its allocation back never says that it was revoked, and one whose wait ends by a signal always",
        "with real Slurm the line comes or not, by which of two messages is faster; ours comes where somebody else ended it",
    ),
    Difference(
        "56[0-9]-*", r"^(?:! )?srun: (?:Job allocation J\+\d+ has been revoked|Force Terminated JobId=J\+\d+)\n", "",
        "srun whose wait ends by a signal always says that its allocation was revoked, and `Force Terminated`",
        "with real Slurm the lines come or not, by which of two messages is faster",
    ),
    Difference(
        "710-*", r"^! srun: error: n2: tasks (?:0-1|1-2): ", "! srun: error: n2: tasks of the second: ",
        "srun names the tasks of a later component by their ranks in the step, when it says how they ended",
        "22.05 counts them from 0 in each component there, and through the step everywhere else",
    ),
    Difference(
        "624-*", r"^( +time_limit): (?:int|null)$", r"\1: int or null",
        "a job that named no time limit has none in the document",
        "with real Slurm it depends on whether the backfill pass has come by, which works one out",
    ),
    Difference(
        "562-*", r"^(?:! )?salloc: (?:Pending job allocation J\+\d+|job J\+\d+ (?:queued and waiting for|has been allocated) resources)\n", "",
        "salloc says that it waits, or not",
        "it depends on whether the nodes of the job before are free again, in both worlds",
    ),
    Difference(
        "563-*", r"^(! srun: error: .*\n)(! slurmstepd\S*: error: execve.*\n)", r"\2\1",
        "the lines of slurmstepd and of srun about a program that is not there come in one order",
        "they come on two ways, and either may be first with real Slurm",
    ),
    Difference(
        "56[0-9]-*", r"^((?:! )?)slurmstepd-n\d(?=: )", r"\1slurmstepd",
        "`slurmstepd:` without a node's name",
        "the name is there only where several slurmds share a machine",
    ),
    Difference(
        "564-*", r"^srun: Job J\+\d+ step creation temporarily disabled, retrying \(Requested nodes are busy\)\n", "",
        "srun says at once that its step must wait",
        "22.05 says so when it first asks again, a minute later or once others have ended",
    ),
    Difference(
        "56[0-9]-*", r"^! srun: error: IO: Hey, you told me node 0 was down!\n", "",
        "srun has no quarrel with itself about a node that it was told is down",
        "a race of real Slurm's",
    ),
    Difference(
        "*", r"^! \w+: select/\w+: .*loaded.*\n", "",
        "real commands name their select plugins at `-v`",
        "there are no plugins to load",
    ),
    Difference(
        "*", r"^slurm(-wlm)? 22\.05\.8$", "slurm 22.05.8",
        "`slurm 22.05.8` where Debian's build prints `slurm-wlm 22.05.8`",
        "programs parse the version behind the last blank; upstream's own word is `slurm`",
    ),
    Difference(
        "*", r"^(?:! )?\w+: error: Problem talking to database\n", "",
        "an unknown cluster is refused without `Problem talking to database`",
        "there is no database to talk to",
    ),
    Difference(
        "*", r"^(?:! )?\w+: error: No cluster '[^'\n]*' known by database\.\n", "",
        "an unknown cluster is named in a line of its own first, as where there is a database",
        "several clusters can be ours, so `-M` is judged as on a site with slurmdbd",
    ),
    Difference(
        "584-*", r"^! scontrol: (?:reboot|cancel_reboot|token): .*\n", "",
        "`scontrol reboot`, `cancel_reboot` and `token` are refused with the reason in a line of its own",
        "what is refused is refused with a reason",
    ),
    Difference(
        "240-*", r"^(\$ squeue -h -r -j J\+\d+ -o 'task %K'\n(?:task \d+\n)+?)(?:task 30\n)?(?=\[rc)", r"\1",
        "`squeue -r` of an array with a step (`2-30:4`) lists its last task too",
        "22.05 leaves it out, so that a client takes a waiting task for a finished one",
    ),
    Difference(
        "400-*", r"(?<= 1 1 )gres:gpu$", "gres:gpu:1",
        "`--gres=gpu` is listed as `gres:gpu:1`",
        "it is the same request; records keep its meaning, and the words where sbatch -v shows them",
    ),
    Difference(
        "130-*", r"^Usage: squeue.*\n(?:[ \t]{7}.*\n)*", "",
        "usage texts are worded differently",
        "they are printed from the tables of options",
    ),
    Difference(
        "250-*", r"NumNodes=2(?:-2)? NumCPUs=[12] NumTasks=2 (.*\n) +TRES=cpu=[12],mem=[24]00M,node=2,billing=[12]$", r"NumTasks=2 \1",
        "a waiting job with `--gpus` on more than one node is recorded with a CPU for each, and the memory of all its GPUs",
        "real Slurm reckons them when it places the job; what is then given is the same",
    ),
    Difference(
        "250-*", r"TRES=cpu=2,mem=(?:16000M,node=1|32000M,node=2),billing=2$", "TRES=cpu=2,billing=2",
        "a waiting job with `--ntasks-per-node` and without `--nodes` is recorded with the nodes that its tasks take",
        "real Slurm reckons them when it places the job; what is then given is the same",
    ),
    Difference(
        "450-*", r"^(sbatch: container +: c\n)(?:sbatch: error: flowbatch: --container: .*\n\[rc=1\]|\[rc=0\])$", r"\1",
        "`--container` is refused",
        "there is no OCI runtime, and outside its container the job would be another job",
    ),
    Difference(
        "280-*", r"^(\$ scontrol (?:suspend|resume|notify|top|wait_job) .*\n)! .*\n", r"\1",
        "`scontrol suspend`, `resume`, `notify`, `top` and `wait_job` are refused as not supported, whatever they name",
        "no job is stopped half way here, and a node is up when its job starts",
    ),
    Difference(
        "290-*", r"^(\$ scontrol show hostnames 'n\[1-'\n)(?:n\]|! Invalid hostlist: n\[1-)$", r"\1",
        "a list of hosts with an open bracket is refused",
        "22.05 makes a name of what is left of it",
    ),
    Difference(
        "500-*", r"^(\$ sreport -M nosuch .*\n)(?:.*\n)*?\[rc=\d\]$", r"\1",
        "`sreport -M` of a cluster that nobody knows is refused, as in all other commands",
        "22.05 reports that nothing was used there",
    ),
    Difference(
        "590-*", r"^(\$ sacctmgr -i modify cluster oracle .*\n(?:.*\n)*?  C = oracle     A = root\n)(?:  C = .*\n)*", r"\1",
        "`sacctmgr modify cluster` names the root account alone, whose limits it sets",
        "22.05 names every user who has no such limit of his own as well",
    ),
    Difference(
        "510-*", r"213503982334-14:25:51", "",
        "`AveCPU` of a step of which nothing was gathered is empty",
        "22.05 prints a number that ran over",
    ),
    Difference(
        "510-*", r"^(J\+1\.batch\|n1\|)[\d,]*$", r"\1",
        "the numbers of processes",
        "`sstat -i` shows them",
    ),
)  # fmt: skip


def applied(case: str, transcript: str) -> str:
    """The transcript with every accepted difference of the case rewritten."""
    for difference in DIFFERENCES:
        if difference.concerns(case):
            transcript = re.sub(difference.pattern, difference.stands, transcript, flags=re.MULTILINE)
    return transcript


def concerned(case: str, recorded: str) -> tuple[Difference, ...]:
    """The differences that rewrite something in the case's recorded transcript."""
    return tuple(d for d in DIFFERENCES if d.concerns(case) and re.search(d.pattern, recorded, flags=re.MULTILINE))
