/* The thin client in C: the same conversation as client.py, at a tenth of its cost.
 *
 * `flow shims install` compiles it once for each command, with COMMAND, STATE_DIR, START and MARK baked in. Without them the
 * words come first on the command line, as for client.py (the tests play both):
 *
 *     client COMMAND STATE_DIR PYTHON [ARG ...]
 *
 * flowbatch/protocol/frames.py says what the bytes mean; the golden frames in the tests hold all writers together.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

enum { CALL = 1, DATA = 2, FAIL = 3, SIGNAL = 4, OUT = 16, ERR = 17, READ = 18, MORE = 19, EXIT = 20, OTHER = 21, EXEC = 22 };
enum { VERSION = 1, CHUNK = 65536, HEAD = 5, KILL_FAILED = 8 };

#ifndef MARK
#define MARK "flowbatch shim"
#endif

/* Found by `flow shims which` and `uninstall`: this file is ours. */
__attribute__((used)) static const char mark[] = MARK;

static const char socket_name[] = "controller.sock";
static const char connect_failure[] = "Unable to contact slurm controller (connect failure)";
static const char no_answer[] = "Zero Bytes were transmitted or received";

static const struct {
    const char *name;
    int key;
} limits[] = {{"CPU", RLIMIT_CPU},     {"FSIZE", RLIMIT_FSIZE}, {"DATA", RLIMIT_DATA},   {"STACK", RLIMIT_STACK},
              {"CORE", RLIMIT_CORE},   {"RSS", RLIMIT_RSS},     {"NPROC", RLIMIT_NPROC}, {"NOFILE", RLIMIT_NOFILE},
              {"MEMLOCK", RLIMIT_MEMLOCK}, {"AS", RLIMIT_AS}};

extern char **environ;

/* What this client is told at its making. */
static const char *command, *state_dir;
static char *const *start;
static int argument_count;
static char **arguments;

typedef struct {
    unsigned char *bytes;
    size_t length, room;
} Buffer;

static void *grown(void *old, size_t size) {
    void *new = realloc(old, size);
    if (!new) {
        fprintf(stderr, "%s: out of memory\n", command);
        _exit(1);
    }
    return new;
}

static void append(Buffer *buffer, const void *bytes, size_t length) {
    if (buffer->length + length > buffer->room) {
        buffer->room = 2 * (buffer->length + length);
        buffer->bytes = grown(buffer->bytes, buffer->room);
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

/* One byte string of a call, with its NUL. */
static void word(Buffer *buffer, const char *text) { append(buffer, text, strlen(text) + 1); }

static void number(Buffer *buffer, const char *format, long value) {
    char text[32];
    snprintf(text, sizeof text, format, value);
    word(buffer, text);
}

static void write_header(unsigned char *head, int kind, uint32_t length) {
    head[0] = (unsigned char)kind;
    for (int n = 0; n < 4; n++) head[1 + n] = (unsigned char)(length >> (24 - 8 * n));
}

static int32_t read_number(const unsigned char *bytes) {
    return (int32_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3]);
}

/* Soft limits as `NOFILE=1024`, -1 for none: sbatch alone tells them. */
static void write_limits(Buffer *call) {
    char text[512];
    size_t length = 0;
    if (strcmp(command, "sbatch") == 0)
        for (size_t n = 0; n < sizeof limits / sizeof *limits; n++) {
            struct rlimit limit;
            getrlimit(limits[n].key, &limit);
            long long soft = limit.rlim_cur == RLIM_INFINITY ? -1 : (long long)limit.rlim_cur;
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s=%lld", n ? " " : "", limits[n].name, soft);
        }
    text[length] = 0;
    word(call, text);
}

/* The CALL frame: everything about this process that the command may ask. */
static Buffer packed_call(void) {
    Buffer call = {0};
    unsigned char head[HEAD] = {0};
    append(&call, head, HEAD);
    word(&call, "flowbatch");
    number(&call, "%ld", VERSION);
    word(&call, command);
    char *cwd = getcwd(NULL, 0);
    word(&call, cwd ? cwd : "");
    mode_t mask = umask(077);
    umask(mask);
    number(&call, "%lo", (long)mask);
    const int order[] = {1, 2, 0};
    struct winsize size = {0};
    for (int n = 0; n < 3 && !size.ws_col; n++)
        if (isatty(order[n])) ioctl(order[n], TIOCGWINSZ, &size);
    number(&call, "%ld", size.ws_col);
    number(&call, "%ld", size.ws_row);
    char tty[4] = {0};
    for (int fd = 0; fd < 3; fd++) tty[fd] = isatty(fd) ? '1' : '0';
    word(&call, tty);
    number(&call, "%ld", (long)getsid(0));
    write_limits(&call);
    number(&call, "%ld", argument_count);
    for (int n = 0; n < argument_count; n++) word(&call, arguments[n]);
    long variables = 0;
    for (char **variable = environ; *variable; variable++) variables += **variable != 0;
    number(&call, "%ld", variables);
    for (char **variable = environ; *variable; variable++)
        if (**variable) word(&call, *variable);
    write_header(call.bytes, CALL, (uint32_t)(call.length - HEAD));
    return call;
}

/* Commands that wait for a job of theirs tell the controller of these signals, and it says what comes of them. */
static const int heard[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
static volatile sig_atomic_t were_heard; /* a bit for each of them */
static int signal_line = -1;

static sigset_t heard_set(void) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t n = 0; n < sizeof heard / sizeof *heard; n++) sigaddset(&set, heard[n]);
    return set;
}

static void tell_signal(int number) {
    int why = errno;
    unsigned char told[HEAD + 4] = {SIGNAL, 0, 0, 0, 4, 0, 0, 0, (unsigned char)number};
    were_heard |= 1 << number; /* no other comes in between: each holds back all */
    if (send(signal_line, told, sizeof told, MSG_NOSIGNAL) < 0) _exit(128 + number);
    errno = why;
}

static int patient(void) { return strcmp(command, "salloc") == 0 || strcmp(command, "srun") == 0; }

/* Whether the command becomes a program of ours, which takes these signals as soon as it can: until then they are held back. */
static int taken_over(void) { return patient() || strcmp(command, "sattach") == 0 || strcmp(command, "sbcast") == 0; }

static void hear_signals(int line) {
    if (!patient()) return;
    signal_line = line;
    struct sigaction action = {.sa_handler = tell_signal, .sa_mask = heard_set()};
    for (size_t n = 0; n < sizeof heard / sizeof *heard; n++) sigaction(heard[n], &action, NULL);
}

/* All of it, or -1; no signal's frame comes into the middle of it. A controller that is gone must not end us by SIGPIPE: that is for our own readers. */
static int send_all(int line, const void *bytes, size_t length) {
    sigset_t set = heard_set(), before;
    sigprocmask(SIG_BLOCK, &set, &before);
    while (length) {
        ssize_t sent = send(line, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) break;
        bytes = (const char *)bytes + sent;
        length -= (size_t)sent;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return length ? -1 : 0;
}

/* All of it; a reader that is gone ends us by SIGPIPE, another error is the caller's own affair. */
static void write_all(int fd, const void *bytes, size_t length) {
    while (length) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EAGAIN) {
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
            continue;
        }
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return;
        bytes = (const char *)bytes + written;
        length -= (size_t)written;
    }
}

static int send_fail(int line, int why) {
    unsigned char answer[HEAD + 4];
    write_header(answer, FAIL, 4);
    for (int n = 0; n < 4; n++) answer[HEAD + n] = (unsigned char)((uint32_t)why >> (24 - 8 * n));
    return send_all(line, answer, sizeof answer);
}

/* One chunk of the caller's file; the descriptor, or -1 after its end or an error, -2 when the controller is gone. */
static int send_more(int line, int fd) {
    static unsigned char answer[HEAD + CHUNK];
    ssize_t got;
    do got = read(fd, answer + HEAD, CHUNK);
    while (got < 0 && errno == EINTR);
    int why = errno;
    if (got <= 0 && fd) close(fd);
    if (got < 0) return send_fail(line, why) ? -2 : -1;
    write_header(answer, DATA, (uint32_t)got);
    if (send_all(line, answer, HEAD + (size_t)got)) return -2;
    return got ? fd : -1;
}

/* This process is the program that the controller names from here on; 127 if it cannot be. */
static int become(unsigned char *words, size_t length) {
    size_t count = 0;
    for (size_t at = 0; at < length; at++) count += !words[at];
    char **argv = (char **)grown(NULL, (count + 1) * sizeof *argv), *word = (char *)words;
    for (size_t n = 0; n < count; n++, word += strlen(word) + 1) argv[n] = word;
    argv[count] = NULL;
    if (taken_over()) { /* the program takes them when it can; one that the controller was told of too late is its own too */
        sigset_t set = heard_set();
        sigprocmask(SIG_BLOCK, &set, NULL);
        for (size_t n = 0; n < sizeof heard / sizeof *heard; n++)
            if (were_heard & 1 << heard[n]) raise(heard[n]);
    }
    if (count) execv(argv[0], argv);
    fprintf(stderr, "flowbatch: cannot run %s: %s\n", count ? argv[0] : "nothing", strerror(errno));
    return 127;
}

/* Does what the controller asks until it says how to end; -1 if it falls silent. */
static int answered; /* whether the controller has said anything */

static int converse(int line) {
    Buffer in = {0};
    int source = -1;
    for (;;) {
        size_t whole = HEAD;
        while (in.length < whole || in.length < (whole = HEAD + (uint32_t)read_number(in.bytes + 1))) {
            if (in.length + CHUNK > in.room) in.bytes = grown(in.bytes, in.room = in.length + 2 * CHUNK);
            ssize_t got = recv(line, in.bytes + in.length, CHUNK, 0);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return -1;
            answered = 1;
            in.length += (size_t)got;
        }
        unsigned char *body = in.bytes + HEAD;
        size_t length = whole - HEAD;
        switch (in.bytes[0]) {
        case OUT: write_all(1, body, length); break;
        case ERR: write_all(2, body, length); break;
        case READ: {
            char *path = grown(NULL, length + 1);
            memcpy(path, body, length);
            path[length] = 0;
            source = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY | O_CLOEXEC);
            if (source < 0 && send_fail(line, errno)) return -1;
            free(path);
            break;
        }
        case MORE:
            if (source >= 0 && (source = send_more(line, source)) == -2) return -1;
            break;
        case EXIT: return read_number(body) & 255;
        case EXEC: return become(body, length);
        case OTHER:
            write_all(2, "flowbatch: ", 11);
            write_all(2, body, length);
            const char *advice = "; run `flow controller stop`, then try again\n";
            write_all(2, advice, strlen(advice));
            return 1;
        }
        memmove(in.bytes, in.bytes + whole, in.length - whole);
        in.length -= whole;
    }
}

/* A connection to the controller, or -1. A path too long for a socket is reached from inside its directory. */
static int connected(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), here = -1;
    if (line < 0) return -1;
    if (strlen(state_dir) + 1 + sizeof socket_name <= 100)
        sprintf(address.sun_path, "%s/%s", state_dir, socket_name);
    else {
        here = open(".", O_PATH | O_CLOEXEC);
        strcpy(address.sun_path, socket_name);
        if (here < 0 || chdir(state_dir)) goto failed;
    }
    if (connect(line, (struct sockaddr *)&address, sizeof address)) goto failed;
    if (here >= 0 && (fchdir(here) || close(here))) goto failed;
    return line;
failed:
    if (here >= 0 && fchdir(here) == 0) close(here);
    close(line);
    return -1;
}

static int all_digits(const char *text) { return *text && text[strspn(text, "0123456789")] == 0; }

static int is_quiet(const char *text) { return strcmp(text, "-Q") == 0 || strcmp(text, "--quiet") == 0; }

/* Ends as Slurm's command does when it has no controller; scancel of bare ids does not load the queue first. */
static void give_up(const char *why) {
    int ids = 0, others = 0;
    for (int n = 0; n < argument_count; n++)
        if (!is_quiet(arguments[n])) *(all_digits(arguments[n]) ? &ids : &others) += 1;
    if (strcmp(command, "scancel") == 0 && ids && !others) {
        for (int n = 0; n < argument_count; n++)
            if (!is_quiet(arguments[n]))
                fprintf(stderr, "scancel: error: Kill job error on job id %s: %s\n", arguments[n], why);
        _exit(KILL_FAILED);
    }
    if (strcmp(command, "sbatch") == 0)
        fprintf(stderr, "sbatch: error: Batch job submission failed: %s\n", why);
    else if (strcmp(command, "squeue") == 0 || strcmp(command, "scancel") == 0)
        fprintf(stderr, "slurm_load_jobs error: %s\n", why);
    else
        fprintf(stderr, "%s: error: %s\n", command, why);
    _exit(1);
}

/* A connection to a controller that `start` has brought up; where it cannot, says so as Slurm does and ends. */
static int started(void) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);
    char *theirs = grown(NULL, strlen(state_dir) + sizeof "FLOW_STATE_DIR=");
    sprintf(theirs, "FLOW_STATE_DIR=%s", state_dir);
    size_t count = 0, kept = 0;
    while (environ[count]) count++;
    char **environment = grown(NULL, (count + 2) * sizeof *environment);
    for (size_t n = 0; n < count; n++)
        if (strncmp(environ[n], "FLOW_STATE_DIR=", sizeof "FLOW_STATE_DIR") != 0) environment[kept++] = environ[n];
    environment[kept++] = theirs;
    environment[kept] = NULL;
    pid_t child;
    int why = posix_spawn(&child, start[0], &actions, NULL, start, environment);
    if (why)
        fprintf(stderr, "%s: cannot run %s: %s\n", command, start[0], strerror(why));
    else
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
    int line = connected();
    if (line < 0) give_up(connect_failure);
    return line;
}

/* These change nothing: where a controller dies before its first word the next one is asked. srun in a job only learns what it
   becomes. */
static int may_ask_again(void) {
    static const char *const names[] = {"squeue", "sinfo", "sacct", "sprio", "sshare", "sstat", "sdiag", "sreport", "seff"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (strcmp(command, names[n]) == 0) return !answered;
    return strcmp(command, "srun") == 0 && getenv("SLURM_JOB_ID") && !answered;
}

/* The exit code of one conversation, or -1. */
static int asked(const Buffer *call) {
    int line = connected();
    if (line < 0) line = started();
    if (send_all(line, call->bytes, call->length)) return -1;
    hear_signals(line);
    return converse(line);
}

int main(int argc, char **argv) {
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
#ifdef COMMAND
    static char *const baked[] = {START, NULL};
    command = COMMAND, state_dir = STATE_DIR, start = baked;
    argument_count = argc - 1, arguments = argv + 1;
#else
    if (argc < 4) return 2;
    char *const words[] = {argv[3], "-I", "-m", "flowbatch.controller", "start", NULL};
    command = argv[1], state_dir = argv[2], start = words;
    argument_count = argc - 4, arguments = argv + 4;
#endif
    Buffer call = packed_call();
    int code = asked(&call);
    if (code < 0 && may_ask_again()) code = asked(&call);
    if (code < 0) give_up(no_answer);
    _exit(code);
}
