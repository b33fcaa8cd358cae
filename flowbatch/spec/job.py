"""One job (or one component of a heterogeneous job) as it was asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from flowbatch.spec.array import ArraySpec
from flowbatch.spec.cron import CronSpec
from flowbatch.spec.dependency import Dependency
from flowbatch.spec.files import Files
from flowbatch.spec.market import MarketTerms
from flowbatch.spec.model import Frozen, Malformed
from flowbatch.spec.resources import Resources

MailType = Literal[
    "BEGIN", "END", "FAIL", "REQUEUE", "STAGE_OUT", "TIME_LIMIT", "TIME_LIMIT_90", "TIME_LIMIT_80", "TIME_LIMIT_50",
    "ARRAY_TASKS", "INVALID_DEPEND",
]  # fmt: skip


class Signal(Frozen):
    """`--signal=[R][B:]SIG[@seconds]`: sent `lead_s` seconds before the time limit, to the batch shell alone or the steps."""

    number: int
    lead_s: int = 60
    batch_only: bool = False
    reservation: bool = False


class Mail(Frozen):
    """`--mail-type` in sbatch's own order, and `--mail-user` (None: the submitting user)."""

    types: tuple[MailType, ...] = ()
    user: str | None = None


class Export(Frozen):
    """`--export`: what of the caller's environment the job gets.

    "all": all of it plus `variables`; "nil": nothing at all; "named": only the named ones and Slurm's own
    (NONE is "named" with nothing named, and a login environment). A name with a value is set to it.
    """

    kind: Literal["all", "nil", "none", "named"] = "all"
    variables: tuple[tuple[str, str | None], ...] = ()
    text: str | None = None


UNLIMITED = -1
"""A time limit that never comes."""


class JobSpec(Frozen):
    """Everything a job was asked to be. Instants in seconds UTC, limits in minutes as Slurm rounds them."""

    name: str
    work_dir: str
    kind: Literal["batch", "srun", "salloc"] = "batch"
    """`srun` and `salloc` jobs have no script: their nodes are held for the command that asked for them."""
    unattended: bool = False
    """`salloc --no-shell`: held without that command, until cancelled or over time."""
    submit_dir: str | None = None
    """Where sbatch was called, if that is not `work_dir` (--chdir)."""
    command: str | None = None
    """The script's path as squeue shows it; None for --wrap and for a script on standard input."""
    arguments: tuple[str, ...] = ()
    submit_line: str | None = Field(default=None, repr=False)
    """The words of the command that asked for it, 65535 characters at most: with --wrap the whole script."""
    resources: Resources = Resources()
    partitions: tuple[str, ...] = ()
    account: str | None = None
    qos: str | None = None
    reservation: str | None = None
    wckey: str | None = None
    comment: str | None = None
    admin_comment: str | None = None
    """What an administrator noted."""
    clusters: tuple[str, ...] = ()
    array: ArraySpec | Malformed | None = None
    dependency: Dependency | Malformed | None = None
    kill_on_invalid_dep: bool | None = None
    begin: int | None = None
    deadline: int | None = None
    time_limit_min: int | None = None
    time_min_min: int | None = None
    hold: bool = False
    priority: int | None = None
    nice: int = 0
    requeue: bool | None = None
    signal: Signal | None = None
    files: Files = Files()
    mail: Mail = Mail()
    export: Export = Export()
    get_user_env: bool = False
    propagate: tuple[str, ...] | None = None
    no_kill: bool = False
    reboot: bool = False
    wait_all_nodes: int | None = None
    distribution: str | None = None
    switches: str | None = None
    cron: CronSpec | None = None
    """When it is due again; `begin` is when it is due first."""
    market: MarketTerms = MarketTerms()
    recorded: tuple[tuple[str, str], ...] = ()
    """Options that are kept with the job and have no effect here: (option, value as sbatch shows it)."""

    @property
    def is_batch(self) -> bool:
        """Whether it has a script."""
        return self.kind == "batch"
