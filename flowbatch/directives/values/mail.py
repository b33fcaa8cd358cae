"""Mail types: `--mail-type`, words of a table with commas between them. sbatch judges; it drops words that it does not
know as long as it knows one."""

from __future__ import annotations

from functools import lru_cache

from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.spec.job import MailType

FORMS = "mail types are BEGIN, END, FAIL, REQUEUE, ALL, NONE, TIME_LIMIT[_90|_80|_50], ARRAY_TASKS and others"

ORDER: tuple[MailType, ...] = (
    "ARRAY_TASKS", "INVALID_DEPEND", "BEGIN", "END", "FAIL", "REQUEUE", "STAGE_OUT", "TIME_LIMIT_50", "TIME_LIMIT_80",
    "TIME_LIMIT_90", "TIME_LIMIT",
)  # fmt: skip
"""All types, in the order in which sbatch lists them."""

_ALL: tuple[MailType, ...] = ("INVALID_DEPEND", "BEGIN", "END", "FAIL", "REQUEUE", "STAGE_OUT")
_WORDS: dict[str, tuple[MailType, ...]] = {word: (word,) for word in ORDER} | {"ALL": _ALL}


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[MailType, ...]:
    """The types, in sbatch's order; none of them where NONE is said. Raises ValueSyntax when no word is known."""
    words = text.upper().split(",")
    if "NONE" in words:
        return ()
    chosen = {type_ for word in words for type_ in _WORDS.get(word, ())}
    if not chosen:
        raise ValueSyntax("no mail type", hint=FORMS)
    return tuple(type_ for type_ in ORDER if type_ in chosen)


def show(types: tuple[MailType, ...]) -> str:
    return ",".join(types) or "NONE"
