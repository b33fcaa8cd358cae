"""What the controller tells the program that uses an allocation: one JSON word before the user's own words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Plan:
    """`kill`: the signal for salloc's command when the allocation is revoked; without one only a terminal's programs get one, SIGHUP. `chdir`: where it runs, if not here."""

    job_id: int
    quiet: bool = False
    bell: bool = False
    kill: int | None = None
    chdir: str | None = None
    step: str | None = None
    """The options of the step that salloc runs without a command; None for the user's shell."""

    def word(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def of(cls, word: str) -> Plan:
        """The plan in a word; a field that this version does not know is left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in json.loads(word).items() if name in known})
