"""`python -m flowbatch.sandbox DIR`: be the sandbox of a directory, in the foreground of whoever started it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from flowbatch.errors import FlowError
from flowbatch.sandbox.process import become
from flowbatch.sandbox.settings import Settings


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="flowbatch.sandbox", description=__doc__)
    parser.add_argument("directory", type=Path)
    for name, read in KINDS.items():
        parser.add_argument("--" + name.replace("_", "-"), type=read, default=getattr(Settings(), name))
    said = vars(parser.parse_args(words))
    try:
        return become(said.pop("directory").absolute(), Settings(**said))
    except FlowError as error:
        sys.stderr.write(f"{error.screen(parser.prog)}\n")
        return error.exit_code


KINDS = {field.name: type(field.default) for field in fields(Settings)} | {"prices": Path}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
