"""`python -I -m flowbatch.node DIR`: a node daemon serves DIR once this returns with 0, whoever started it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from flowbatch.node.daemon import IDLE_S, AlreadyThere, Daemon


def main() -> int:
    parser = argparse.ArgumentParser(prog="flowbatch.node", description="The node daemon of one machine.")
    parser.add_argument("directory", type=Path, help="journal, spool and socket (made with mode 0700)")
    parser.add_argument("--foreground", action="store_true", help="stay in this session, write the log to stderr")
    parser.add_argument(
        "--idle", type=float, default=IDLE_S, metavar="SECONDS", help="end after so long with nothing to do"
    )
    words = parser.parse_args()
    try:
        daemon = Daemon(words.directory)
    except AlreadyThere:
        return 0
    if words.foreground or daemon.detach():
        daemon.run(idle_s=words.idle)
    return 0


if __name__ == "__main__":
    sys.exit(main())
