"""The reference pages, printed from the code that they describe.

python -m tests.docs            writes them
python -m tests.docs --check    says which are out of step with the code, and fails if any is
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from tabulate import tabulate

from flowbatch.cli.entry import flow
from flowbatch.commands.accounting import sacctmgr, sdiag, seff, sprio, sreport, sshare, sstat
from flowbatch.commands.accounting.sacct_options import OPTIONS as SACCT_OPTIONS
from flowbatch.commands.command_options import CommandOption
from flowbatch.commands.control import strigger
from flowbatch.commands.control.scontrol_settings import SETTINGS
from flowbatch.commands.control.scontrol_update import WHY_NOT
from flowbatch.commands.listing.sinfo_options import OPTIONS as SINFO_OPTIONS
from flowbatch.commands.running import sattach, sbcast
from flowbatch.commands.submitting import scrontab
from flowbatch.core.moves import FACTS, KINDS, Line
from flowbatch.core.transitions import TABLE
from flowbatch.directives import slurmconf_parameters
from flowbatch.directives.options import LATER, OPTIONS, Option, variables
from flowbatch.node.srun.option_table import OPTIONS as SRUN_OPTIONS
from flowbatch.node.srun.option_table import StepOption
from flowbatch.slurm.accounting import FIELDS as ACCOUNTING
from flowbatch.slurm.codes import MESSAGES
from flowbatch.slurm.fields import JOB_FIELDS, NODE_FIELDS, STEP_FIELDS, Field
from tests.conformance import matrix

DOCS = Path(__file__).parents[1] / "docs"

VERDICTS = {
    "honoured": "as in Slurm",
    "emulated": "the same result by other means",
    "recorded": "kept with the job and shown with it; nothing else happens",
    "refused": "the job would not be what was asked for, so it is not accepted",
}


def directives() -> str:
    """Every option of sbatch, and what becomes of it."""
    batch = [option for option in OPTIONS if "sbatch" in option.commands and not option.nameless]
    verdicts = [(f"**{name}**", meaning, sum(o.verdict == name for o in batch)) for name, meaning in VERDICTS.items()]
    return page(
        "Directives",
        "Every option of sbatch 22.05, on the command line, in a `#SBATCH` line or by its environment variable, and what"
        " becomes of it here.\n`flow submit --explain` says the same of one script.",
        table(verdicts, "verdict", "what it means", "options"),
        "## Options",
        table([_option(option) for option in batch], "option", "variable", "verdict", "what happens"),
        "## Options of later releases",
        "22.05 does not know these, and refuses them; so does flowbatch, saying from when they are.",
        table(
            [(f"`--{o.name}`", o.since, o.reason) for o in LATER if "sbatch" in o.commands],
            "option",
            "since",
            "instead",
        ),
    )


def _option(option: Option) -> tuple[str, ...]:
    value = {"none": "", "required": "=…", "optional": "[=…]"}[option.arity]
    short = f"`-{option.short}`, " if option.short else ""
    named = ", ".join(f"`{variable}`" for variable in variables(option.name))
    return f"{short}`--{option.name}{value}`", named, option.verdict, option.reason


def squeue_fields() -> str:
    """What squeue can print."""
    return page(
        "squeue's fields",
        "For `-o` by letter and for `-O` by name, with the header of the column, as squeue 22.05 has them.",
        "## Jobs",
        table(_fields(JOB_FIELDS), "`-o`", "`-O`", "header"),
        "## Steps (`-s`)",
        table(_fields(STEP_FIELDS), "`-o`", "`-O`", "header"),
    )


def _fields(fields: tuple[Field, ...]) -> list[tuple[str, ...]]:
    return [
        (f"`%{f.letter}`" if f.letter else "", ", ".join(f"`{name}`" for name in (f.name, *f.others)), f.header)
        for f in fields
    ]


def sinfo_page() -> str:
    """What sinfo takes and prints."""
    return page(
        "sinfo",
        "Partitions and nodes, as sinfo 22.05 lists them. A node of the market is a *cloud node*: `idle~` while no machine"
        " stands behind it, `mix#`\nor `alloc#` while a job's machine boots, `mix` or `alloc` while it runs, with `!` once the"
        " market has announced that it takes the machine\naway, `idle%` until a finished job's bid is off the market. `-O"
        " comment` is what its machine costs an hour now, `-O extra` its instance\ntype and region; `scontrol show node`"
        " tells both as `Comment=` and `Extra=`. What nobody measures here (`%O`, `%e`) is `N/A`.",
        "## Options",
        table(_options(SINFO_OPTIONS), "option", "verdict", "what it does"),
        "## Fields",
        table(_fields(NODE_FIELDS), "`-o`", "`-O`", "header"),
    )


def sacct_page() -> str:
    """What sacct takes and prints."""
    slurms = ", ".join(f"`{field.name}`" for field in ACCOUNTING if not field.ours)
    return page(
        "sacct",
        "What became of jobs, also of those that left the queue, as sacct 22.05 prints it with a database behind it. There is"
        " none here: the records\nare the store's. A job has one row and one for its batch script; `-D` lists every placement of"
        " a requeued job (REQUEUED, PREEMPTED or\nNODE_FAIL before the last). What nobody measures here (memory and CPU time"
        " used, energy, disk) is empty.",
        "A job on the market tells in `AdminComment` what it has cost over all of its placements (`cost=$1.25`, with `unsettled`"
        " until the bill is\nfinal, and its live bid), as `scontrol show job` does; `billing` in `AllocTRES` is that cost in whole"
        " cents. Three fields are ours, and not\nin the list of `--helpformat`: `Cost`, `Price` (the limit price of the last bid)"
        " and `Placements` (how often the job was placed).\n`scontrol update JobId=7 LimitPrice=$2.50` changes the most that an"
        " instance-hour may cost; [more of it](scontrol-update.md).",
        "## Options",
        table(_options(SACCT_OPTIONS), "option", "verdict", "what it does"),
        "## Fields",
        slurms,
    )


def srun_page() -> str:
    """What srun takes inside a job, and what becomes of it."""
    return page(
        "srun",
        "srun inside a job starts a step of it: tasks on the job's nodes, their streams carried, the worst of their codes its own. Outside"
        " a job it asks\nfor one first (`directives.md` tells of the options that shape it). All virtual nodes of a job are on its machine,"
        " and so are the tasks.",
        "A step takes all CPUs of its nodes unless it is exact (`--exact`, `--exclusive`, `-c`), and the GPUs of its job unless it says how"
        " many; it waits\nfor what others have, unless it overlaps. Idle nodes come first. Memory is shared out among steps where the"
        " cluster counts it and `--mem` is said.\n`--mpi=pmi2` serves PMI-1 and PMI-2, which MPICH and its kin speak; `--mpi=pmix`"
        " serves PMIx, which Open MPI speaks, where\nthe machine has libpmix (Debian's `libpmix2`): all nodes of a machine are one"
        " to its programs, whose shared memory knows no others. Open MPI's `mpirun` works\ninside a job without it."
        " `SLURM_SRUN_COMM_PORT`, `SLURM_STEP_LAUNCHER_PORT`, `SLURM_PMIXP_ABORT_AGENT_PORT` and `SLURM_PTY_PORT` are 0: no port is open.",
        "## Options",
        table([_step_option(option) for option in SRUN_OPTIONS], "option", "variables", "verdict", "what happens"),
    )


def _step_option(option: StepOption) -> tuple[str, ...]:
    value = {"none": "", "required": "=…", "optional": "[=…]"}[option.arity]
    short = f"`-{option.short}`, " if option.short else ""
    variables_ = ", ".join(f"`{variable}`" for variable in option.variables)
    return f"{short}`--{option.long}{value}`", variables_, option.verdict, option.what


def scontrol_update() -> str:
    """What `scontrol update JobId=` changes of a job, and what it does not."""
    limits = [
        ("`TimeLimit`, `EndTime`", "also while it runs", "longer than it is: administrators; on the market never of a job that runs"),
        ("`LimitPrice`", "also while it runs", "ours: the most that an instance-hour on the market may cost"),
        ("`ArrayTaskThrottle`", "also while it runs", ""),
    ]  # fmt: skip
    honoured = [(f"`{one.name}`", one.when, "") for one in SETTINGS.values()]
    refused = [(f"`{name}`", why) for name, why in sorted(WHY_NOT.items())]
    return page(
        "scontrol update of jobs",
        "What `scontrol update JobId=7 KEY=VALUE` changes, as 22.05 does and in its words. Jobs are named by `JobId=` or `JobName=` (with `UserID=`).\n"
        "A waiting job is judged as if it were submitted so. A job that runs keeps its nodes: it is not made smaller.",
        "## Honoured",
        table(sorted(limits + honoured), "key", "when", "note"),
        "## Refused by name",
        table(refused, "key", "why"),
    )


def small_commands() -> str:
    """What the small commands take."""
    commands = (sacctmgr, sattach, sbcast, scrontab, sdiag, seff, sprio, sreport, sshare, sstat, strigger)
    parts = []
    for command in commands:
        name, _, what = " ".join((command.__doc__ or "").split()).partition(": ")
        parts += [
            f"## {name}",
            what[:1].upper() + what[1:],
            table(_options(command.OPTIONS), "option", "verdict", "what it does"),
        ]
    return page(
        "Small commands",
        "Commands that mostly read, as 22.05 prints them. There is no database: accounts are those that jobs named, and none must be"
        " registered.\nAmounts that nobody measures here are empty, 0, or said to be not measured.",
        *parts,
    )


def _options(options: tuple[CommandOption, ...]) -> list[tuple[str, ...]]:
    """A command's options, but for further names of the same."""
    value = {"none": "", "required": "=…", "optional": "[=…]"}
    return [
        (
            (f"`-{one.short}`, " if one.short else "") + f"`--{one.long}{value[one.arity]}`",
            one.verdict,
            f"{one.help}: {one.reason}" if one.reason else one.help,
        )
        for one in options
        if one.help
    ]


def job_states() -> str:
    """The transition table, as a picture and in words."""
    arrows = sorted({(here, there) for (here, _), line in TABLE.items() if isinstance(line, Line) for there in line.to})
    picture = ["```mermaid", "stateDiagram-v2", "    [*] --> pending: Submitted"]
    picture += [f"    {here} --> {there}: {_facts(here, there)}" for here, there in arrows if here != there]
    picture += ["    finished --> [*]: MinJobAge", "```"]
    sections = []
    for kind in KINDS:
        rows = [(fact.__name__, *_outcome(TABLE[kind, fact])) for fact in FACTS if (kind, fact) in TABLE]
        sections += [f"## {kind.capitalize()}", table(rows, "fact", "what happens", "then")]
    facts = [(fact.__name__, inspect.getdoc(fact) or "") for fact in FACTS]
    return page(
        "Job states",
        "What each fact makes of a job in each state. A pair that is not listed changes nothing. Slurm's COMPLETING is two"
        " states here, because\nwhat comes after it decides what may still happen: *requeueing* goes back to the queue,"
        " *ending* to its end.",
        "\n".join(picture),
        *sections,
        "## Facts",
        table([(name, " ".join(text.split())) for name, text in facts], "fact", "what it says"),
    )


def _facts(here: str, there: str) -> str:
    """The facts that lead from one state to another."""
    lines = [(fact, TABLE.get((here, fact))) for fact in FACTS]  # type: ignore[call-overload]  # `here` is one of KINDS
    return ", ".join(fact.__name__ for fact, line in lines if isinstance(line, Line) and there in line.to)


def _outcome(line: object) -> tuple[str, str]:
    if isinstance(line, Line):
        return line.words, ", ".join(line.to)
    code = getattr(line, "code", None)
    return (f"refused: {MESSAGES[code]}" if code else "nothing"), ""


def slurm_conf() -> str:
    """The parameters that have an effect here."""

    def rows(parameters: tuple[slurmconf_parameters.Parameter, ...]) -> list[tuple[str, str]]:
        return [(f"`{parameter.name}`", parameter.meaning) for parameter in parameters]

    return page(
        "slurm.conf and gres.conf",
        "The shape of the cluster, in Slurm's own language: the files lie in `~/.config/flowbatch`, or in the directory that"
        " `FLOW_CONFIG_DIR` names.\nThese parameters have an effect. All others are read and have none; `flow doctor` names"
        " those that your file holds.",
        *(
            part
            for title, parameters in (
                ("The cluster", slurmconf_parameters.CLUSTER),
                ("Nodes", slurmconf_parameters.NODE),
                ("Partitions", slurmconf_parameters.PARTITION),
                ("gres.conf", slurmconf_parameters.GRES),
            )
            for part in (f"## {title}", table(rows(parameters), "parameter", "what it means"))
        ),
    )


def flow_reference() -> str:
    """Every sub-command of flow with its own help."""
    sections = [(c.command_path, f"```text\n{c.get_help()}\n```") for c in _contexts(flow, None)]
    return page(
        "flow",
        "What each command says of itself (`flow COMMAND --help`).",
        *(part for path, text in sections for part in (f"## {path}", text)),
    )


def _contexts(command: click.Command, parent: click.Context | None) -> Iterator[click.Context]:
    """The command and its sub-commands, as they are when help is asked for."""
    context = command.make_context(command.name, [], parent, resilient_parsing=True, terminal_width=100)
    yield context
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _contexts(command.commands[name], context)


def page(title: str, *parts: str) -> str:
    note = "<!-- Printed by `python -m tests.docs`; do not edit. -->"
    return "\n\n".join((note, f"# {title}", *parts)) + "\n"


def table(rows: object, *headers: str) -> str:
    safe = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]  # type: ignore[attr-defined]  # any table
    return tabulate(safe, headers, tablefmt="github", disable_numparse=True)


PAGES: dict[str, Callable[[], str]] = {
    "reference/directives.md": directives,
    "reference/flow.md": flow_reference,
    "reference/slurm-conf.md": slurm_conf,
    "reference/squeue-fields.md": squeue_fields,
    "reference/sinfo.md": sinfo_page,
    "reference/sacct.md": sacct_page,
    "reference/srun.md": srun_page,
    "reference/scontrol-update.md": scontrol_update,
    "reference/small-commands.md": small_commands,
    "reference/conformance.md": matrix.page,
    "concepts/job-states.md": job_states,
}


def stale() -> list[Path]:
    """The pages that are missing, or differ from what would be printed."""
    return [DOCS / name for name, text in PAGES.items() if _text(DOCS / name) != text()]


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def main(argv: list[str]) -> int:
    if argv == ["--check"]:
        wrong = stale()
        for path in wrong:
            print(f"{path.relative_to(DOCS.parent)} is out of step with the code: run python -m tests.docs")
        return 1 if wrong else 0
    for name, text in PAGES.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
