// The parent of one job where a compiler was found: `wrapper.pl` in C, same arguments, same files (it is told there).
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static const int IGNORED[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE};
static const int BUSY_TRIES = 500;
static const struct timespec BUSY_PAUSE = {0, 10 * 1000 * 1000};
static const char *spool;

static void for_ignored(void (*what)(int))
{
    for (size_t n = 0; n < sizeof IGNORED / sizeof *IGNORED; n++)
        signal(IGNORED[n], what);
}

// All of a file, ended by a further NUL; an empty text where it cannot be read.
static char *slurp(const char *path, size_t *length)
{
    char *text = malloc(4096);
    size_t size = 0, room = 4096;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    while (text && fd >= 0 && (got = read(fd, text + size, room - size - 1)) > 0)
        if ((size += (size_t)got) + 1 >= room)
            text = realloc(text, room *= 2);
    if (fd >= 0)
        close(fd);
    if (!text)
        exit(1);
    text[size] = 0;
    *length = size;
    return text;
}

// The end is on disk once this returns true: what is synced after it was renamed is there under its new name, by one wait for
// the disk. A file that a power cut left empty says as much as none.
static int record(const char *what, int status)
{
    char fresh[strlen(spool) + 16], final[strlen(spool) + 16], text[64];
    sprintf(fresh, "%s/status.new", spool);
    sprintf(final, "%s/status", spool);
    int length = sprintf(text, "%s %d %lld\n", what, status, (long long)time(NULL));
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int done = fd >= 0 && write(fd, text, (size_t)length) == length && !rename(fresh, final) && !fsync(fd);
    if (fd >= 0)
        close(fd);
    return done;
}

// Whether a process began with that word in its environment: a daemon of ours, or what is one's.
static int apart(const char *pid)
{
    char path[strlen(pid) + 16];
    size_t length;
    int found = 0;
    sprintf(path, "/proc/%s/environ", pid);
    char *words = slurp(path, &length);
    for (char *word = words; word < words + length; word += strlen(word) + 1)
        found = found || !strncmp(word, "FLOWBATCH_APART=", 16);
    free(words);
    return found;
}

// Kills whoever has this process for a parent (with PR_SET_CHILD_SUBREAPER, all that the script left behind) and is not apart;
// how many there were.
static int kill_children(void)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int found = 0;
    while (proc && (entry = readdir(proc))) {
        char path[sizeof entry->d_name + 16];
        size_t length;
        int parent;
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        sprintf(path, "/proc/%s/stat", entry->d_name);
        char *stat = slurp(path, &length), *name_end = strrchr(stat, ')');
        if (name_end && sscanf(name_end, ") %*c %d", &parent) == 1 && parent == getpid() && !apart(entry->d_name)) {
            kill(atoi(entry->d_name), SIGKILL);
            found++;
        }
        free(stat);
    }
    if (proc)
        closedir(proc);
    return found;
}

// The child: becomes the script, in its own process group.
static void run(int gate, char **command, char **variables, size_t count)
{
    char pid[32], go, me[48];
    for_ignored(SIG_DFL); // before anybody knows its pid: no signal to it may be lost
    setpgid(0, 0);
    int length = sprintf(pid, "%d\n", (int)getpid());
    if (write(gate, pid, (size_t)length) != length || read(gate, &go, 1) != 1) {
        record("unrun", 0);
        _exit(0);
    }
    close(gate);
    sprintf(me, "SLURM_TASK_PID=%d", (int)getpid());
    char **own = variables;
    for (size_t n = 0; n < count; n++)
        if (strncmp(variables[n], "SLURM_TASK_PID=", 15))
            *own++ = variables[n];
    *own++ = me;
    *own = NULL;
    size_t size;
    char *first = slurp(command[0], &size), *interpreter = "";
    if (!strncmp(first, "#!", 2)) {
        interpreter = first + 2;
        interpreter[strcspn(interpreter, "\n")] = 0;
    }
    errno = ENOEXEC;
    // Whatever the node daemon forks holds the files that it was writing until it is another program, this script perhaps too.
    if (interpreter[strspn(interpreter, " \t\r\f\v")])
        for (int tries = 0; tries < BUSY_TRIES && (!tries || errno == ETXTBSY); tries++) {
            if (tries)
                nanosleep(&BUSY_PAUSE, NULL);
            execve(command[0], command, variables);
        }
    int number = errno;
    dprintf(2, "slurmstepd: error: execve(): %s%s%s: %s\n", number == ENOENT ? "bad interpreter(" : "",
            number == ENOENT ? interpreter : command[0], number == ENOENT ? ")" : "", strerror(number));
    _exit(number);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 1;
    spool = argv[1];
    int gate = atoi(argv[2]), status;
    for_ignored(SIG_IGN);
#ifdef PR_SET_CHILD_SUBREAPER
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
    char path[strlen(spool) + 16];
    size_t length, count = 0, words = 0;
    sprintf(path, "%s/launch", spool);
    char *text = slurp(path, &length);
    for (size_t n = 0; n < length; n++)
        words += !text[n];
    char **word = calloc(words + 3, sizeof *word); // one more word, and an end for the arguments and the environment each
    if (!words || !word)
        return 1;
    size_t arguments = (size_t)atol(text);
    if (arguments < 1 || arguments > words - 1)
        return 1;
    for (char *at = text + strlen(text) + 1; count < words - 1; at += strlen(at) + 1, count++)
        word[count + (count >= arguments)] = at;
    pid_t script = fork();
    if (script < 0)
        return 75; // later there may be a process for it: the node daemon knows this number
    if (script == 0)
        run(gate, word, word + arguments + 1, count - arguments);
    close(gate);
    free(text);
    int null = open("/dev/null", O_RDWR);
    for (int stream = 0; stream < 3; stream++)
        dup2(null, stream);
    if (chdir("/"))
        return 1;
    pid_t gone;
    while ((gone = waitpid(-1, &status, 0)) != script)
        if (gone < 0 && errno != EINTR)
            return 1;
    sprintf(path, "%s/status", spool);
    struct stat there;
    if (stat(path, &there))
        while (!record("ran", status) && !stat(spool, &there) && S_ISDIR(there.st_mode))
            sleep(1);
    kill(-script, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) != -1 && kill_children())
        waitpid(-1, NULL, 0);
    return 0;
}
