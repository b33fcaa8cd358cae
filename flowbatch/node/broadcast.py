"""`python -m flowbatch.node.broadcast [--force] [--preserve] -- NODES SOURCE TARGET`: what sbcast does where the nodes are
this machine. The copy has the source's permissions; errors are said and numbered as sbcast does."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys

from flowbatch.node.own_process import end_by_signals

_CANNOT = 255


def copy(nodes: list[str], source: str, target: str, *, force: bool, preserve: bool) -> int:
    """The file is at the target, whole, or nothing has changed there; sbcast's exit code."""
    try:
        with open(source, "rb") as file:
            return _copied(nodes, file.fileno(), source, target, force=force, preserve=preserve)
    except IsADirectoryError:
        return _said(f"Can't mmap file `{source}`, {os.strerror(errno.ENODEV)}.", _CANNOT)
    except OSError as error:
        return _said(f"Can't open `{source}`: {error.strerror}", _CANNOT)


def _copied(nodes: list[str], from_fd: int, source: str, target: str, *, force: bool, preserve: bool) -> int:
    facts = os.fstat(from_fd)
    whole = f"{target}.sbcast.{os.getpid()}"
    try:
        if not force and os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with open(whole, "xb") as to, open(from_fd, "rb", closefd=False) as file:
            shutil.copyfileobj(file, to)
            os.fchmod(to.fileno(), stat.S_IMODE(facts.st_mode))
        if preserve:
            os.utime(whole, (int(facts.st_atime), int(facts.st_mtime)))  # whole seconds travel
        os.replace(whole, target)
        return 0
    except OSError as error:
        if os.path.lexists(whole):
            os.unlink(whole)
        for node in nodes:
            _said(f"REQUEST_FILE_BCAST({node}): {error.strerror}", 0)
        return error.errno or 1


def _said(line: str, code: int) -> int:
    sys.stderr.write(f"sbcast: error: {line}\n")
    return code


def main(argv: list[str]) -> int:
    at = argv.index("--")
    options, (nodes, source, target) = argv[:at], argv[at + 1 :]
    return copy(nodes.split(","), source, target, force="--force" in options, preserve="--preserve" in options)


if __name__ == "__main__":
    end_by_signals()
    sys.exit(main(sys.argv[1:]))
