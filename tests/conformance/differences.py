"""Every accepted difference between real Slurm and ours, each with its reason.

A difference is a rewriting that makes both sides equal: `pattern` is replaced by `stands` in both transcripts, in the
cases that `cases` matches (a glob over case names). Nothing else is forgiven. `docs/reference/conformance.md` is printed
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


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "*", r"^! \w+: select/\w+: .*loaded.*\n", "",
        "real commands name their select plugins at `-v`",
        "there are no plugins to load",
    ),
    Difference(
        "190-*", r"^slurm(-wlm)? 22\.05\.8$", "slurm 22.05.8",
        "`slurm 22.05.8` where Debian's build prints `slurm-wlm 22.05.8`",
        "programs parse the version behind the last blank; upstream's own word is `slurm`",
    ),
)  # fmt: skip


def applied(case: str, transcript: str) -> str:
    """The transcript with every accepted difference of the case rewritten."""
    for difference in DIFFERENCES:
        if fnmatch(case, difference.cases):
            transcript = re.sub(difference.pattern, difference.stands, transcript, flags=re.MULTILINE)
    return transcript


def concerned(case: str, recorded: str) -> tuple[Difference, ...]:
    """The differences that rewrite something in the case's recorded transcript."""
    return tuple(
        d for d in DIFFERENCES if fnmatch(case, d.cases) and re.search(d.pattern, recorded, flags=re.MULTILINE)
    )
