"""What `flow submit` and `flow explain` make of their words, before anything is submitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flowbatch.commands.call import Call, CallerFile
from flowbatch.commands.clusters import named
from flowbatch.commands.flow import flow_words
from flowbatch.commands.submitting.sbatch import Understood, understand
from flowbatch.core.ports import QueuePort
from flowbatch.directives.chosen import Use
from flowbatch.directives.diagnosis import Diagnosis, DirectiveError, Origin
from flowbatch.directives.explain import Explanation, Finding, explain
from flowbatch.directives.market import FLOW_OPTIONS
from flowbatch.directives.options import OPTIONS
from flowbatch.directives.values import array, constraint, dependency, gres, licenses
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.spec.cluster import ClusterSpec

LATE: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("array", array.parse),
    ("dependency", dependency.parse),
    ("constraint", constraint.parse),
    ("licenses", licenses.parse),
    ("gres", gres.parse),
    *((name, gres.parse_gpus) for name in ("gpus", "gpus-per-node", "gpus-per-socket", "gpus-per-task")),
)
"""Values that sbatch passes on unread: only the controller refuses them, and it does not say where the fault is. We do."""


@dataclass(frozen=True)
class Asked:
    """Our own options, which stand before a `--`, and the words behind it."""

    strict: bool
    json: bool
    waived: frozenset[str]
    words: Sequence[str]

    @classmethod
    def of(cls, argv: Sequence[str]) -> Asked:
        """Raises DirectiveError for a waiver of what is no option."""
        at = argv.index("--")
        waived = {word.partition("=")[2].lstrip("-") for word in argv[:at] if word.startswith("--waive=")}
        unknown = waived - {option.name for option in OPTIONS} - {term.name for term in FLOW_OPTIONS}
        if unknown:
            raise _fault(f"--waive {min(unknown)}: there is no such option")
        return cls("--strict" in argv[:at], "--json" in argv[:at], frozenset(waived), argv[at + 1 :])


async def target(call: Call, queue: QueuePort, understood: Understood) -> QueuePort:
    """The queue that words are explained for: the only one that -M names, else the current one, `queue`. Raises FlowError."""
    names = understood.submission.chosen.get("clusters")
    found = named(call.clusters, names)[0] if names else ()
    return await call.clusters.queue(found[0]) if len(found) == 1 else queue


async def request(call: Call, queue: QueuePort, words: Sequence[str]) -> Understood:
    """The words and the script, understood. Raises DirectiveError and Help."""
    found = flow_words.sort(words)
    if len(found.operands) == 1 and await _is_command(call, found.operands[0]):
        found.options.append(f"--wrap={found.operands.pop()}")
    if not found.operands and not found.options:
        raise _fault(
            "nothing to submit", "flow submit job.slurm, or a command in quotes: flow submit 'python train.py'"
        )
    try:
        understood = await understand(call, queue, found.argv, found.terms)
    except DirectiveError as error:
        raise _with_advice(error, found.operands) from None
    check_late(understood)
    return understood


async def _is_command(call: Call, operand: str) -> bool:
    """Whether this is no script but a command: no file of that name here, and blanks in it, or a program on PATH."""
    if await _is_file(call, operand):
        return False
    if any(blank in operand for blank in " \t\n"):
        return True
    folders = [folder for folder in call.environ.get("PATH", "").split(":") if folder.startswith("/")]
    return "/" not in operand and any([await _is_file(call, f"{folder}/{operand}") for folder in folders])


async def _is_file(call: Call, path: str) -> bool:
    try:
        await call.read(path, 0)
    except CallerFile:
        return False
    return True


def check_late(understood: Understood) -> None:
    """Every value that the controller would refuse unread can be read. Raises DirectiveError with its place."""
    for component in understood.submission.components:
        for name, parse in LATE:
            use = component.chosen.said.get(name)
            if use is None or not use.text:
                continue
            try:
                parse(use.text)
            except ValueSyntax as error:
                raise _fault(
                    _located(f"--{name}={use.text}", use, error), error.hint, use.origin_at(error.column)
                ) from None


def _located(said: str, use: Use, error: ValueSyntax) -> str:
    """The sentence, without the option where its place says it already."""
    return error.message if use.origin.source == said else f"{said}: {error.message}"


def explained(cluster: ClusterSpec, understood: Understood) -> Explanation:
    """What becomes of each word on this cluster, which may be obliging."""
    whole = explain(understood.submission, understood.market, rented=cluster.market is not None)
    return replace(whole, findings=tuple(_on(cluster, finding) for finding in whole.findings))


def _on(cluster: ClusterSpec, finding: Finding) -> Finding:
    """A partition that an obliging cluster does not have is a name and no more."""
    if not cluster.obliging or finding.option != "--partition" or finding.overridden_by:
        return finding
    unknown = [name for name in (finding.text or "").split(",") if cluster.partition(name) is None]
    default = cluster.default_partition
    if not unknown or default is None:
        return finding
    return replace(
        finding, verdict="recorded", reason=f"there is no {','.join(unknown)} here: it runs in {default.name}"
    )


def losses(explanation: Explanation, waived: frozenset[str]) -> list[Finding]:
    """What would only be recorded, and was not waived by name."""
    return [finding for finding in explanation.only_recorded if finding.option.lstrip("-") not in waived]


def loss_screen(command: str, lost: Sequence[Finding]) -> str:
    """Why a strict request is refused."""
    rows = [f"{command}: {_where(one)}{one.option}: would only be recorded: {one.reason}" for one in lost]
    names = " ".join(dict.fromkeys(f"--waive {one.option.lstrip('-')}" for one in lost))
    return "\n".join([*rows, f"hint: leave it out, or accept it: {names}"]) + "\n"


def _where(one: Finding) -> str:
    return f"{one.source}:{one.line}:{one.column}: " if one.place == "script" else ""


def _with_advice(error: DirectiveError, operands: Sequence[str]) -> DirectiveError:
    """A script that is not there, and words behind it: perhaps a command was meant."""
    fault = error.diagnosis
    if fault.hint or len(operands) < 2 or not fault.message.startswith("Unable to open file"):
        return error
    hint = f"a command stands in quotes: flow submit '{' '.join(operands)}'"
    return DirectiveError(replace(fault, hint=hint), error.said, error.tables)


def _fault(message: str, hint: str | None = None, origin: Origin | None = None) -> DirectiveError:
    return DirectiveError(Diagnosis(message, (), 1, origin, hint))
