#!/usr/bin/python3 -IS
"""systemctl, systemd-run and journalctl of an instance: they say their words to its first process and print what it answers."""

from __future__ import annotations

import json
import os
import socket
import sys

SOCKET = "/run/machine/commands"


def main() -> None:
    program = os.path.basename(sys.argv[0])
    said = {"program": program, "words": sys.argv[1:], "directory": os.getcwd()}
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(SOCKET)
            line.sendall(json.dumps(said).encode() + b"\n")
            answer = json.loads(line.makefile("rb").readline())
        except (OSError, ValueError) as error:
            sys.exit(f"{program}: the instance's first process does not answer: {error}")
    sys.stdout.write(answer["out"])
    sys.stderr.write(answer["err"])
    sys.exit(answer["code"])


if __name__ == "__main__":
    main()
