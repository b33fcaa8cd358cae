"""One target under libFuzzer: `python -m tests.fuzz.covered TARGET [libFuzzer's options]`; needs atheris."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["flowbatch"]):
    from tests.fuzz.run import feed
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]

    def once(data: bytes) -> None:
        feed(target, data)

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
