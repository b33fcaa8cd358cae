"""The parent of one job where there is no Perl: `wrapper.pl` in Python, same arguments, same files (it is told there)."""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import re
import signal
import sys
import time

IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE)
PR_SET_CHILD_SUBREAPER = 36
BUSY_TRIES, BUSY_PAUSE_S = 500, 0.01


def main(spool: str, gate: int, prctl: int, _fsync: int) -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    if prctl:
        ctypes.CDLL(None).syscall(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    count, *words = slurp(f"{spool}/launch").split(b"\0")[:-1]
    try:
        script = os.fork()
    except OSError:
        os._exit(75)  # later there may be a process for it: the node daemon knows this number
    if script == 0:
        os._exit(run(spool, gate, words[: int(count)], words[int(count) :]))
    os.close(gate)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.chdir("/")
    gone, status = os.waitpid(-1, 0)
    while gone != script:
        gone, status = os.waitpid(-1, 0)
    if not os.path.exists(f"{spool}/status"):
        while not record(spool, f"ran {status}") and os.path.isdir(spool):
            time.sleep(1)
    kill(-script)
    try:
        while os.waitpid(-1, os.WNOHANG) and (left := children()):
            for child in left:
                kill(child)
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def run(spool: str, gate: int, command: list[bytes], environment: list[bytes]) -> int:
    """The child: becomes the script, in its own process group; returns only if it cannot."""
    for ignored in IGNORED:
        signal.signal(ignored, signal.SIG_DFL)
    os.setpgid(0, 0)
    try:
        os.write(gate, b"%d\n" % os.getpid())
        go = os.read(gate, 1)
    except OSError:
        go = b""
    if not go:
        record(spool, "unrun 0")
        return 0
    os.close(gate)
    variables = dict(word.split(b"=", 1) for word in environment)
    variables[b"SLURM_TASK_PID"] = b"%d" % os.getpid()
    first = re.match(rb"#!(.*)", slurp(command[0]))
    interpreter = first[1] if first else b""
    number: int = errno.ENOEXEC
    for attempt in range(BUSY_TRIES if interpreter.strip() else 0):
        # Whatever the node daemon forks holds the files that it was writing until it is another program, this script perhaps too.
        time.sleep(BUSY_PAUSE_S if attempt else 0)
        try:
            os.execve(command[0], command, variables)
        except OSError as error:
            number = error.errno or number
        if number != errno.ETXTBSY:
            break
    what = b"bad interpreter(%s)" % interpreter if number == errno.ENOENT else command[0]
    os.write(2, b"slurmstepd: error: execve(): %s: %s\n" % (what, os.strerror(number).encode()))
    return number


def record(spool: str, text: str) -> bool:
    """The end is on disk once this returns true."""
    try:
        with open(f"{spool}/status.new", "w") as file:
            file.write(f"{text} {int(time.time())}\n")
            file.flush()
            os.rename(f"{spool}/status.new", f"{spool}/status")
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def children() -> list[int]:
    """Whoever has this process for a parent: with PR_SET_CHILD_SUBREAPER, all that the script left behind; but for daemons of ours
    and what is theirs."""
    me = b"%d" % os.getpid()
    stats = ((path, re.match(rb".*\) \S (\d+)", slurp(path), re.DOTALL)) for path in glob.glob("/proc/[0-9]*/stat"))
    mine = [path.split("/")[2] for path, found in stats if found and found[1] == me]
    return [int(pid) for pid in mine if not re.search(rb"(?:\A|\0)FLOWBATCH_APART=", slurp(f"/proc/{pid}/environ"))]


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return


def slurp(path: str | bytes) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
