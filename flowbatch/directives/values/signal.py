"""Signals with lead time: `--signal`. sbatch judges, and knows fewer names than the system."""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import whole
from flowbatch.spec.job import Signal

FORMS = "a signal is [R][B:]NAME or NUMBER, with @SECONDS before the end"

NUMBERS = {
    "HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "USR2": 12, "ALRM": 14, "TERM": 15, "CONT": 18,
    "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24,
}  # fmt: skip
"""The signals that sbatch knows by name, with Linux's numbers."""

NAMES = {number: name for name, number in NUMBERS.items()}

LEAD_S = 60
"""The lead when none is said."""

_UINT16 = 2**16


@lru_cache(maxsize=256)
def parse(text: str) -> Signal:
    """The signal. Raises ValueSyntax."""
    return _SIGNAL.read(text)


def show(signal: Signal) -> str:
    """As in sbatch's list of options: by name, without the usual lead."""
    flags = "R" * signal.reservation + "B" * signal.batch_only
    lead = "" if signal.lead_s == LEAD_S else f"@{signal.lead_s}"
    return f"{flags}:" * bool(flags) + NAMES.get(signal.number, str(signal.number)) + lead


@v_args(inline=True)
class _Reader(Transformer[Token, Signal]):
    def start(self, flags: str | None, signal: Token, at: str | None) -> Signal:
        number = NUMBERS[signal.strip().upper().removeprefix("SIG")] if signal.type == "NAME" else whole(signal)
        lead = LEAD_S if at is None else whole(at[1:] or "0")
        if number % _UINT16 == 0:
            raise ValueSyntax("no number of a signal", hint=FORMS)
        if not 0 <= lead < _UINT16:
            raise ValueSyntax(f"the lead is 0 to {_UINT16 - 1} seconds", hint=FORMS)
        said = (flags or "").upper()
        return Signal(number=number % _UINT16, lead_s=lead, batch_only="B" in said, reservation="R" in said)


_SIGNAL: Language[Signal] = Language("signal", _Reader(), forms=FORMS)
