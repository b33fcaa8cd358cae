"""`python -I -m flowbatch.controller start|run|stop|status`: what clients and `flow controller` call."""

from __future__ import annotations

import os
import sys

from flowbatch import paths
from flowbatch.controller import lifecycle
from flowbatch.errors import FlowError


def main(argv: list[str]) -> int:
    here = paths.find(os.environ)
    match argv:
        case ["start"]:
            lifecycle.start(here, os.environ)
        case ["run"]:
            lifecycle.become(here, os.environ)
        case ["stop"]:
            lifecycle.stop(here)
        case ["status"]:
            pid = lifecycle.status(here).pid
            sys.stdout.write(f"controller of {here.state}: {'not running' if pid is None else f'pid {pid}'}\n")
            return 3 if pid is None else 0
        case _:
            sys.stderr.write("usage: python -I -m flowbatch.controller start|run|stop|status\n")
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FlowError as error:
        sys.stderr.write(error.screen("flowbatch") + "\n")
        sys.exit(error.exit_code)
