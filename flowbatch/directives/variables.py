"""Environment variables of a command that are no option's value."""

from __future__ import annotations


def truth(text: str | None) -> bool:
    """Whether a variable's text turns a flag on: nothing at all, yes, or a number that is not zero."""
    if text is None:
        return False
    if text == "" or text.lower() == "yes":
        return True
    digits = text[1:] if text[:1] in "+-" else text
    return digits.isdecimal() and int(digits) != 0
