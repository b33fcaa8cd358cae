"""docs/reference/conformance.md, printed from the cases, the recorded transcripts and the table of differences."""

from __future__ import annotations

import re
from collections import Counter

from tabulate import tabulate

from flowbatch.commands.table import COMMANDS
from tests.conformance.differences import DIFFERENCES, concerned
from tests.conformance.worlds import CASES, recorded

_HEAD = """\
# Conformance with Slurm 22.05.8

Each case is a shell script of commands that runs twice: with Debian's Slurm 22.05.8, and with flowbatch on a cluster of the
same slurm.conf. Standard output, standard error, exit codes, job files and environments are compared line by line.
Jobs are numbered in their order (real Slurm spends numbers on tests and refusals, ours are spent on jobs alone); instants,
priorities, the host's name and the working directory are named before the comparison. Everything else that may differ
stands in the second table. The tests fail on any other difference.

The cases are `tests/conformance/cases/*.sh`, what real Slurm said is kept in `tests/conformance/recorded/`. Where Slurm is
installed the record itself is checked against it; `python -m tests.conformance.record` takes it anew.

## Cases
"""


def page() -> str:
    """The whole page."""
    rows, total = [], 0
    for case in CASES:
        said = recorded(case)
        about = case.read_text().splitlines()[0].removeprefix("# ")
        commands = said.count("[rc=")
        numbers = [str(DIFFERENCES.index(d) + 1) for d in concerned(case.stem, said)]
        total += commands
        rows.append((f"`{case.stem}`", about, commands, ", ".join(numbers) or "none"))
    cases = tabulate(rows, headers=("case", "what is compared", "commands", "named differences"), tablefmt="github")
    named = tabulate(
        [(n, d.what, d.why) for n, d in enumerate(DIFFERENCES, 1)],
        headers=("no.", "what differs", "why"),
        tablefmt="github",
    )
    counts = f"{len(rows)} scripts, {total} comparisons."
    return f"{_HEAD}\n{cases}\n\n{counts}\n\n## Commands\n\n{_commands()}\n\n## Named differences\n\n{named}\n"


_RUN = re.compile(r"^\$ (?:env (?:-\S+ |'?[A-Z_0-9]+=(?:'[^']*'|\S*) )+)?'?(?P<command>[a-z]+)\b", re.MULTILINE)
"""A command of a transcript, also one that is given variables first."""


def _commands() -> str:
    """How often each of Slurm's commands is compared, with how many different words, and in how many scripts."""
    times: Counter[str] = Counter()
    scripts: Counter[str] = Counter()
    lines: dict[str, set[str]] = {}
    for case in CASES:
        said = recorded(case)
        found = [
            (match["command"], said[match.start() : said.index("\n", match.start())]) for match in _RUN.finditer(said)
        ]
        times.update(command for command, _ in found)
        scripts.update({command for command, _ in found})
        for command, line in found:
            lines.setdefault(command, set()).add(line)
    rows = [
        (f"`{command}`", count, len(lines[command]), scripts[command])
        for command, count in times.most_common()
        if command in COMMANDS
    ]
    return tabulate(rows, headers=("command", "comparisons", "different command lines", "scripts"), tablefmt="github")
