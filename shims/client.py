"""The thin client: one command's words go to the controller, what comes back is printed.

Runs under `python -I -S` and imports only modules that are built into the interpreter, because its start-up is the
price of every sbatch and squeue. It speaks `flowbatch/protocol/frames.py` (golden frames in the tests hold the two
together) and shows the controller everything that a command may know of its caller.

    python -I -S client.py COMMAND STATE_DIR PYTHON [ARG ...]
"""

import _signal
import _socket
import posix
import sys
import time

VERSION = 1
CALL, DATA, FAIL, SIGNAL = 1, 2, 3, 4
OUT, ERR, READ, MORE, EXIT, OTHER, EXEC = 16, 17, 18, 19, 20, 21, 22
CHUNK = 65536
SOCKET = b"controller.sock"
PATH_MAX = 100
"""Longer socket paths are reached from inside their directory."""


PATIENT = (b"salloc", b"srun")
"""Commands that wait for a job of theirs: the controller hears of these signals and says what comes of them."""
TAKEN_OVER = (*PATIENT, b"sattach", b"sbcast")
"""Commands that become a program of ours, which takes these signals as soon as it can: until then they are held back."""
HEARD = {
    _signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM, _signal.SIGUSR1, _signal.SIGUSR2,
}  # fmt: skip

LIMITS = (
    (b"CPU", "RLIMIT_CPU"), (b"FSIZE", "RLIMIT_FSIZE"), (b"DATA", "RLIMIT_DATA"), (b"STACK", "RLIMIT_STACK"),
    (b"CORE", "RLIMIT_CORE"), (b"RSS", "RLIMIT_RSS"), (b"NPROC", "RLIMIT_NPROC"), (b"NOFILE", "RLIMIT_NOFILE"),
    (b"MEMLOCK", "RLIMIT_MEMLOCK"), (b"AS", "RLIMIT_AS"),
)  # fmt: skip
"""Slurm's names of the limits that sbatch propagates."""

UNREACHABLE = {
    b"sbatch": b"sbatch: error: Batch job submission failed: ",
    b"squeue": b"slurm_load_jobs error: ",
    b"scancel": b"slurm_load_jobs error: ",
}
KILL_ERROR = b"scancel: error: Kill job error on job id "
KILL_FAILED = 8
"""scancel's exit code when it is given bare job ids and finds no controller, as recorded from 22.05."""
CONNECT_FAILURE = b"Unable to contact slurm controller (connect failure)"
HARMLESS = {b"squeue", b"sinfo", b"sacct", b"sprio", b"sshare", b"sstat", b"sdiag", b"sreport", b"seff"}
"""These change nothing: where a controller dies before its first word the next one is asked."""
NOTHING = "nothing was said"
NO_ANSWER = b"Zero Bytes were transmitted or received"


def main(command, state_dir, start):
    """Runs `command` (its arguments are in sys.argv) through the controller of `state_dir`; never returns.

    `start` is the command line that starts the controller when none answers.
    """
    for number in (_signal.SIGINT, _signal.SIGPIPE):
        _signal.signal(number, _signal.SIG_DFL)  # as a C program: end by the signal
    arguments = [arg.encode(sys.getfilesystemencoding(), "surrogateescape") for arg in sys.argv[1:]]
    code = asked(command, arguments, state_dir, start)
    if code is NOTHING and may_ask_again(command):
        code = asked(command, arguments, state_dir, start)
    if code is None or code is NOTHING:
        give_up(command, arguments, NO_ANSWER)
    posix._exit(code)


def may_ask_again(command):
    """Whether nothing came of a command whose controller died before its first word: srun in a job only learns what it becomes."""
    return command in HARMLESS or (command == b"srun" and b"SLURM_JOB_ID" in posix.environ)


def asked(command, arguments, state_dir, start):
    """The exit code of one conversation; None if it broke off, NOTHING if it never began."""
    line = connect(state_dir) or started(command, arguments, state_dir, start)
    try:
        line.sendall(call(command, arguments))
    except OSError:
        return NOTHING
    try:
        if command in PATIENT:
            hear_signals(line)
        return converse(command, line)
    except OSError:
        return None


def hear_signals(line):
    """Signals go to the controller from here on."""

    def heard(number, _):
        heard_signals.append(number)
        line.sendall(frame(SIGNAL, number.to_bytes(4, "big")))

    for number in HEARD:
        _signal.signal(number, heard)


heard_signals = []
"""Those that the controller was told of."""


def send(line, data):
    """One whole frame: no signal's comes into the middle of it."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, HEARD)
    try:
        line.sendall(data)
    finally:
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, HEARD)


def call(command, arguments):
    """The CALL frame: everything about this process that the command may ask."""
    try:
        cwd = posix.getcwdb()
    except OSError:
        cwd = b""
    umask = posix.umask(0o077)
    posix.umask(umask)
    tty = [posix.isatty(fd) for fd in (0, 1, 2)]
    columns, lines = size(tty)
    environment = environ()
    words = [
        b"flowbatch", b"%d" % VERSION, command, cwd, b"%o" % umask, b"%d" % columns, b"%d" % lines,
        b"".join(b"01"[t : t + 1] for t in tty), b"%d" % posix.getsid(0), limits() if command == b"sbatch" else b"",
        b"%d" % len(arguments), *arguments, b"%d" % len(environment), *environment,
    ]  # fmt: skip
    return frame(CALL, b"\0".join(words) + b"\0")


def frame(kind, body=b""):
    return bytes((kind,)) + len(body).to_bytes(4, "big") + body


def environ():
    """The environment as this process got it: the interpreter may have set LC_CTYPE since (PEP 538)."""
    try:
        words = read_all(posix.open("/proc/self/environ", posix.O_RDONLY)).split(b"\0")
    except OSError:
        words = [name + b"=" + value for name, value in posix.environ.items()]
    return [word for word in words if word]


def read_all(fd):
    chunks = []
    while chunk := posix.read(fd, CHUNK):
        chunks.append(chunk)
    posix.close(fd)
    return b"".join(chunks)


def size(tty):
    """Columns and lines of the terminal, if there is one."""
    for fd in (1, 2, 0):
        if tty[fd]:
            try:
                return posix.get_terminal_size(fd)
            except OSError:
                pass
    return 0, 0


def limits():
    """Soft limits as `NOFILE=1024`, -1 for none."""
    import resource  # sbatch alone pays for it

    pairs = [(name, getattr(resource, key, None)) for name, key in LIMITS]
    return b" ".join(name + b"=%d" % resource.getrlimit(key)[0] for name, key in pairs if key is not None)


def converse(command, line):
    """Does what the controller asks until it says how to end; None if it falls silent, NOTHING if it was silent always."""
    buffer = bytearray()
    source = None
    silent = NOTHING
    while True:
        while len(buffer) < 5 or len(buffer) < 5 + int.from_bytes(buffer[1:5], "big"):
            try:
                chunk = line.recv(CHUNK)
            except ConnectionError:
                chunk = b""
            if not chunk:
                return silent
            silent = None
            buffer += chunk
        kind, end = buffer[0], 5 + int.from_bytes(buffer[1:5], "big")
        body = bytes(buffer[5:end])
        del buffer[:end]
        if kind == OUT:
            write(1, body)
        elif kind == ERR:
            write(2, body)
        elif kind == READ:
            source = opened(line, body)
        elif kind == MORE:
            if source is not None:
                source = more(line, source)
        elif kind == EXIT:
            return int.from_bytes(body, "big", signed=True) & 255
        elif kind == EXEC:
            return become(command, body)
        elif kind == OTHER:
            write(2, b"flowbatch: " + body + b"; run `flow controller stop`, then try again\n")
            return 1


def become(command, body):
    """This process is the program that the controller names from here on; 127 if it cannot be."""
    words = body.split(b"\0")[:-1]
    # The program takes them when it can; those that the controller was told of too late are its own too.
    if command in TAKEN_OVER:
        _signal.pthread_sigmask(_signal.SIG_BLOCK, HEARD)
        for number in heard_signals:
            posix.kill(posix.getpid(), number)
    try:
        posix.execve(words[0], words, dict(word.partition(b"=")[::2] for word in environ()))
    except OSError as error:
        write(2, b"flowbatch: cannot run %s: %s\n" % (words[0], posix.strerror(error.errno).encode()))
    return 127


def opened(line, path):
    """A descriptor of the caller's file (`-`: standard input), or None and a FAIL."""
    if path == b"-":
        return 0
    try:
        return posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError as error:
        send(line, frame(FAIL, error.errno.to_bytes(4, "big", signed=True)))
        return None


def more(line, fd):
    """One chunk of the file; the descriptor, or None after its end or an error."""
    try:
        chunk = posix.read(fd, CHUNK)
    except OSError as error:
        answer, chunk = frame(FAIL, error.errno.to_bytes(4, "big", signed=True)), b""
    else:
        answer = frame(DATA, chunk)
    if not chunk and fd:
        posix.close(fd)
    send(line, answer)
    return fd if chunk else None


def write(fd, data):
    """All of `data`; a reader that is gone ends us by SIGPIPE, another error is the caller's own affair."""
    view = memoryview(data)
    while view:
        try:
            view = view[posix.write(fd, view) :]
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            return


def connect(state_dir):
    """A connection to the controller, or None where nobody listens."""
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    path = state_dir + b"/" + SOCKET
    try:
        if len(path) <= PATH_MAX:
            line.connect(path)
        else:
            connect_inside(line, state_dir)
    except OSError:
        line.close()
        return None
    return line


def connect_inside(line, state_dir):
    """Connects by the short name, from inside the state directory, and comes back."""
    here = posix.open(".", getattr(posix, "O_PATH", posix.O_RDONLY) | posix.O_CLOEXEC)
    try:
        posix.chdir(state_dir)
        try:
            line.connect(SOCKET)
        finally:
            posix.fchdir(here)
    finally:
        posix.close(here)


def started(command, arguments, state_dir, start):
    """A connection to a controller that `start` has brought up; where it cannot, says so as Slurm does and ends."""
    environment = {**posix.environ, b"FLOW_STATE_DIR": state_dir}
    null = posix.open("/dev/null", posix.O_RDWR)
    actions = [(posix.POSIX_SPAWN_DUP2, null, 0), (posix.POSIX_SPAWN_DUP2, 2, 1)]
    try:
        pid = posix.posix_spawn(start[0], start, environment, file_actions=actions)
        posix.waitpid(pid, 0)
    except OSError as error:
        write(2, b"%s: cannot run %s: %s\n" % (command, start[0], posix.strerror(error.errno).encode()))
    posix.close(null)
    line = connect(state_dir)
    if line is None:
        give_up(command, arguments, CONNECT_FAILURE)
    return line


def give_up(command, arguments, why):
    """Ends as Slurm's command does when it has no controller; scancel of bare ids does not load the queue first."""
    ids = [word for word in arguments if word not in (b"-Q", b"--quiet")]
    if command == b"scancel" and ids and all(word.isdigit() for word in ids):
        for word in ids:
            write(2, KILL_ERROR + word + b": " + why + b"\n")
        posix._exit(KILL_FAILED)
    write(2, UNREACHABLE.get(command, command + b": error: ") + why + b"\n")
    posix._exit(1)


if __name__ == "__main__":
    raw = [arg.encode(sys.getfilesystemencoding(), "surrogateescape") for arg in sys.argv[1:4]]
    del sys.argv[1:4]
    main(raw[0], raw[1], [raw[2], b"-I", b"-m", b"flowbatch.controller", b"start"])
