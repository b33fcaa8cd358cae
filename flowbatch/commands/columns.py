"""Columns of `-o` and `-O`, for squeue and sinfo: the format language (directives) met with a table of fields (slurm)."""

from __future__ import annotations

from flowbatch.directives.values import squeue_format
from flowbatch.directives.values.squeue_format import Column as Written
from flowbatch.directives.values.squeue_format import parse_long, parse_short
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.fields import Field, Fields
from flowbatch.slurm.listing import Column


def columns_of(command: str, text: str, by_name: bool, known: Fields) -> tuple[list[Column], str]:
    """The columns of a format, and a complaint for each that nobody knows."""
    try:
        written = parse_long(text) if by_name else parse_short(text)
    except ValueSyntax as error:
        return [], f"{command}: error: {error.message}\n"
    columns: list[Column] = []
    notes = ""
    for one in written:
        if one.field.lower() == squeue_format.ALL and (known.all_by_name or not by_name):
            columns += [_barred(field, known) for field in known.all if field.letter]
            continue
        field = known.by_name.get(one.field.lower()) if by_name else known.by_letter.get(one.field)
        if field is not None and (one.width is None or one.width > 0):
            columns.append(_sized(field, one))
        elif field is not None and known.negative_width is not None:
            columns.append(Column(field.name, field.header, suffix=known.negative_width + one.suffix))
        elif field is not None or (not one.field and not one.source):
            columns.append(Column(None, suffix=one.suffix))
        else:
            notes += f"{known.unknown_name if by_name else known.unknown_letter}{one.field}\n"
            columns.append(Column(None, suffix=one.suffix if by_name else one.source))
    return columns, notes


def _barred(field: Field, known: Fields) -> Column:
    """A column of `%all`."""
    capital = field.letter is not None and field.letter.isupper()
    return Column(field.name, field.header, suffix=known.capital_bar if capital else "|")


def _sized(field: Field, written: Written) -> Column:
    return Column(
        field.name, field.header, written.width, written.right, written.suffix, field.whole, field.whole_header
    )
