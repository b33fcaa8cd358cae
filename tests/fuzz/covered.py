"""One target under libFuzzer: `python -m tests.fuzz.covered TARGET [libFuzzer's options]`; needs atheris."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["flowbatch"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]

    def once(data: bytes) -> None:
        try:
            target.feed(data)
        except target.refusals:
            return

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
