"""The rows of `sreport job sizesby...`: what jobs of each size took, by account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from flowbatch.commands.accounting.associations import ROOT
from flowbatch.commands.accounting.sreport_request import Report
from flowbatch.commands.accounting.sreport_spans import Row, Span, Spans
from flowbatch.commands.command_options import Stop
from flowbatch.slurm.print_fields import Column

PART = Column("% of cluster", 12)
_WIDTH = 13

Bounds = tuple[int, int | None]
"""The least size, and the least that is too large; None for no end."""


def table(report: Report, clusters: Sequence[Spans]) -> tuple[list[Column], list[Row]]:
    """A column for each size, and a row for each account of each cluster. Raises Stop where no size is left."""
    sizes = _sizes(report, [span for spans in clusters for span in _counted(report, spans)])
    if not sizes:
        raise Stop(1, err=" We need a grouping list to set up the print.\n")
    headers = [_header(report, size) for size in sizes]
    width = report.amounts_at(_WIDTH)
    columns = [*report.columns, *(Column(header, width) for header in headers), PART]
    return columns, [row for spans in clusters for row in _rows(report, spans, sizes, headers)]


def _counted(report: Report, spans: Spans) -> list[Span]:
    """The jobs that ran then, of the accounts that are named and all below them."""
    return [
        span
        for span in spans.spans
        if span.seconds and any(report.wants("accounts", name) for name in spans.above(span.account))
    ]


def _size(report: Report, span: Span) -> int:
    return span.taken.get(report.tres[0], 0)


def _sizes(report: Report, counted: Sequence[Span]) -> list[Bounds]:
    if report.bounds is None:
        return [(size, size + 1) for size in sorted({_size(report, span) for span in counted})]
    bounds = (0, *report.bounds)
    return [*pairwise(bounds), (bounds[-1], None)]


def _header(report: Report, size: Bounds) -> str:
    least, beyond = size
    unit = "CPUs" if report.tres[0] == "cpu" else "TRES"
    if beyond is None:
        return f">= {least} {unit}"
    return f"{least} {unit}" if report.bounds is None else f"{least}-{beyond - 1} {unit}"


def _rows(report: Report, spans: Spans, sizes: Sequence[Bounds], headers: Sequence[str]) -> Iterator[Row]:
    counted = _counted(report, spans)
    counts = "printjobcount" in report.switches
    whole = sum(1 if counts else span.used(report.tres[0]) for span in counted)
    shown = str if counts else report.amount(whole)
    for name, own in sorted(_groups(report, spans, counted).items()):
        taken: Counter[Bounds] = Counter()
        for span in own:
            found = next(
                (b for b in sizes if b[0] <= _size(report, span) and (b[1] is None or _size(report, span) < b[1])), None
            )
            if found is not None:
                taken[found] += 1 if counts else span.used(report.tres[0])
        cells = {header: shown(taken[size]) for header, size in zip(headers, sizes, strict=True)}
        part = 100 * sum(taken.values()) / whole if whole else 0
        yield {"Cluster": spans.cluster.name, "Account": name, **cells, PART.header: f"{part:.2f}%"}


def _groups(report: Report, spans: Spans, counted: Sequence[Span]) -> dict[str, list[Span]]:
    """The jobs by the account that their row is of: the root's, those that are named, those below them, or each its own."""
    named = report.lists.get("accounts", frozenset({ROOT}))
    groups: dict[str, list[Span]] = {}
    for span in counted:
        above = spans.above(span.account)
        if "flatview" in report.switches:
            own = [span.account]
        elif "acctasparent" in report.switches:
            own = [one for one, parent in pairwise(above) if parent in named]
        else:
            own = [one for one in above if one in named]
        for name in own:
            groups.setdefault(name, []).append(span)
    return groups
