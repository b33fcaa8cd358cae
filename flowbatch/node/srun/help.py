"""What `srun --help` and `--usage` print: the option table, in our words."""

from __future__ import annotations

import textwrap

from flowbatch.node.srun.option_table import OPTIONS, StepOption

USAGE = "Usage: srun [OPTIONS(0)... [executable(0) [args(0)...]]] [ : [OPTIONS(N)...]] executable(N) [args(N)...]\n"
_VALUE = {"none": "", "required": "=VALUE", "optional": "[=VALUE]"}


def text() -> str:
    """`--help`: one entry an option, as it acts on a step of a job."""
    return USAGE + "\nOptions, as they act on a step of a job:\n" + "".join(map(_entry, OPTIONS))


def usage() -> str:
    words = " ".join(f"[--{option.long}{_VALUE[option.arity]}]" for option in OPTIONS if not option.alias)
    return textwrap.fill(f"Usage: srun {words} executable [args...]", 80, subsequent_indent=" " * 12) + "\n"


def _entry(option: StepOption) -> str:
    short = f"-{option.short}, " if option.short else "    "
    name = f"  {short}--{option.long}{_VALUE[option.arity]}"
    return textwrap.fill(f"{name:<30} {option.what}", 100, subsequent_indent=" " * 31, break_on_hyphens=False) + "\n"
