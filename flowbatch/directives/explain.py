"""What becomes of every word of a request: `flow submit --explain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flowbatch.directives.chosen import Chosen, Use, canonical, slot
from flowbatch.directives.diagnosis import Origin
from flowbatch.directives.market import FlowUse, Market
from flowbatch.directives.options import Verdict
from flowbatch.directives.sbatch import Submission
from flowbatch.directives.script import Unread
from flowbatch.directives.setting import shown

COMMAND_LINE_ONLY = "sbatch heeds it on its command line alone"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing said: the option and its value as sbatch understood it, where, what becomes of it and why.

    `overridden_by` says where a stronger word for the same stood; then `verdict` is that of a word without effect.
    """

    option: str
    text: str | None
    value: str | None
    place: str
    source: str
    line: int
    column: int
    verdict: Verdict
    reason: str
    overridden_by: str | None = None
    component: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """A request, word by word, and the lines that only look as if they were read."""

    findings: tuple[Finding, ...]
    unread: tuple[Unread, ...]

    @property
    def effective(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.overridden_by is None)

    @property
    def refused(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.effective if finding.verdict == "refused")

    @property
    def only_recorded(self) -> tuple[Finding, ...]:
        """What a strict request may not hold, unless it is waived by name."""
        return tuple(finding for finding in self.effective if finding.verdict == "recorded")

    def document(self) -> dict[str, Any]:
        """For a program to read."""
        return {
            "refused": bool(self.refused),
            "directives": [asdict(finding) for finding in self.findings],
            "unread": [asdict(line) for line in self.unread],
        }

    def rows(self) -> list[tuple[str, str, str, str]]:
        """For a reader: where, what, verdict, reason."""
        said = [(_where(one), _what(one), _verdict(one), _reason(one)) for one in self.findings]
        return said + [(f"line {line.number}", line.whole.strip(), "not read", line.why) for line in self.unread]


def explain(submission: Submission, market: Market, *, rented: bool = False) -> Explanation:
    """The request, in the order in which it was said; `rented`: for a cluster that rents its machines."""
    findings = [
        *(finding for component in submission.components for finding in _component(component.chosen)),
        *_market(market.uses, rented),
    ]
    unread = (*(_heedless(use) for use in submission.ignored), *submission.script.unread)
    return Explanation(tuple(findings), tuple(sorted(unread, key=lambda line: line.number)))


def _component(chosen: Chosen) -> Iterator[Finding]:
    for number, use in enumerate(chosen.history):
        stronger = _stronger(chosen.history[number + 1 :], use)
        value = (
            shown(chosen, canonical(use.option)) if stronger is None and canonical(use.option).name in chosen else None
        )
        yield _finding(use.option.name, use, value, stronger)


def _stronger(later: Iterable[Use], use: Use) -> Use | None:
    """The last word for the same thing; mail types add up and override nothing."""
    if use.option.name == "mail-type":
        return None
    same = slot(canonical(use.option).name)
    return next((one for one in reversed([*later]) if slot(canonical(one.option).name) == same), None)


def _finding(name: str, use: Use, value: str | None, stronger: Use | None) -> Finding:
    return Finding(
        option=f"--{name}",
        text=use.text,
        value=value,
        place=use.origin.place,
        source=use.origin.source,
        line=use.origin.line,
        column=use.origin.column,
        verdict=use.option.verdict,
        reason=use.option.reason,
        overridden_by=_spot(stronger.origin) if stronger else None,
        component=use.component,
    )


def _market(uses: tuple[FlowUse, ...], rented: bool) -> Iterator[Finding]:
    for number, use in enumerate(uses):
        stronger = [
            one
            for one in uses[number + 1 :]
            if one.option.field == use.option.field and not (use.option.adds and one.origin.place == use.origin.place)
        ]
        verdict, reason = use.option.verdict(rented)
        yield Finding(
            option=f"--{use.option.name}",
            text=use.text,
            value=use.text,
            place=use.origin.place,
            source=use.origin.source,
            line=use.origin.line,
            column=use.origin.column,
            verdict=verdict,
            reason=reason,
            overridden_by=_spot(stronger[-1].origin) if stronger else None,
        )


def _heedless(use: Use) -> Unread:
    return Unread(use.origin.line, use.origin.shown, COMMAND_LINE_ONLY)


def _spot(origin: Origin) -> str:
    return f"line {origin.line}" if origin.place == "script" else origin.source


def _where(one: Finding) -> str:
    return (
        f"{one.line}:{one.column}" if one.place == "script" else one.source if one.place == "environment" else one.place
    )


def _what(one: Finding) -> str:
    text = one.value if one.value is not None else one.text
    return one.option if text is None or text == "set" else f"{one.option}={text}"


def _verdict(one: Finding) -> str:
    return "overridden" if one.overridden_by else one.verdict


def _reason(one: Finding) -> str:
    return f"by {one.overridden_by}" if one.overridden_by else one.reason
