"""What a small command was asked: options and operands as they were said, the questions that any command answers itself
(--help, --usage, --version) already answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowbatch.commands import clusters
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop, answer, hint, table
from flowbatch.core.ports import QueuePort
from flowbatch.slurm.getopt import GetoptError, Given


@dataclass(frozen=True)
class Said:
    """`words`: values as given, the last one where an option is repeated; an option without one is a flag."""

    flags: frozenset[str]
    words: Mapping[str, str]
    operands: tuple[str, ...]
    given: tuple[tuple[str, str], ...] = ()
    """Every option as it came, its key and its value."""


def read(
    command: str,
    operands: str,
    options: Sequence[CommandOption],
    argv: tuple[str, ...],
    *,
    hinted: bool = True,
    detached: bool = False,
) -> Said:
    """What was asked. Raises Stop for what is answered at once and for unknown options; `hinted`: where these point to --help.

    `detached`: an optional value may stand in the word behind its option, as in squeue.
    """
    flags: set[str] = set()
    words: dict[str, str] = {}
    others: list[str] = []
    came: list[tuple[str, str]] = []
    last: Given | None = None
    try:
        for one in table(options).parse(command, argv):
            if not isinstance(one, Given):
                if (
                    detached
                    and last
                    and last.row.arity == "optional"
                    and last.value is None
                    and last.index + 1 == one.index
                ):
                    words[last.row.key] = one.word
                else:
                    others.append(one.word)
                continue
            last = one
            answer(command, operands, options, one.row.key)
            came.append((one.row.key, one.value or ""))
            if one.value is None:
                flags.add(one.row.key)
            else:
                words[one.row.key] = one.value
    except GetoptError as error:
        raise Stop(1, err=f"{error.line}\n" + (hint(command) if hinted else "")) from None
    return Said(frozenset(flags), words, tuple(others), tuple(came))


async def queues(call: Call, queue: QueuePort, said: Said, command: str) -> tuple[QueuePort, ...]:
    """The queues of `-M` or SLURM_CLUSTERS, else the current one. Raises Stop if there are none."""
    if "clusters" in said.words:
        return await clusters.chosen(call, queue, said.words["clusters"], command)
    return await clusters.chosen(call, queue, call.environ.get(clusters.VARIABLE), command, clusters.VARIABLE)


ASKED = (
    CommandOption("help", help="print this"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("version", "V", help="print the version"),
)
"""What every command can be asked."""
