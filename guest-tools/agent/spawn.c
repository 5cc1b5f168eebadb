/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start a command inside a cgroup: see spawn.h.
 * Not posix_spawn: the child has to enter its cgroup first. libxenstore runs a thread here, so the
 * child calls only async-signal-safe functions before exec.
 * Called by xhs-agent.
 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "jobfile.h"

#define EXEC_LIMIT_MS 5000

enum step { STEP_CGROUP, STEP_EXEC };

struct report {
    enum step step;
    int errnum;
};

static const char oom_file[] = "/proc/self/oom_score_adj";
static char oom_before[16] = "0";
static int nice_before;

void spawn_harden_self(void)
{
    if (file_read(oom_file, oom_before, sizeof oom_before) < 0)
        strcpy(oom_before, "0");
    file_write(oom_file, "-900");
    nice_before = getpriority(PRIO_PROCESS, 0);
    setpriority(PRIO_PROCESS, 0, -20);
    /* Under autogrouping nice counts within a session only; this is the session's own. A child's
     * setsid leaves it. */
    file_write("/proc/self/autogroup", "-20");
    /* Pages come in as they are used, and then stay: the agent is small, the standby too. */
    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* in: what it reads from; -1: nothing. */
static void set_up_stdio(const char *log, int in)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int out = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640) : -1;

    dup2(in < 0 ? null : in, STDIN_FILENO);
    dup2(out < 0 ? null : out, STDOUT_FILENO);
    dup2(out < 0 ? null : out, STDERR_FILENO);
}

static void set_up_signals(void)
{
    struct sigaction dfl = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &dfl, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Enter the cgroup from outside. Until it is in there, where a restarted agent finds it, the child
 * must not outlive this agent. */
static int enter_cgroup(const char *procs, pid_t agent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != agent)
        _exit(127);
    if (file_write(procs, "0") < 0)
        return -1;
    prctl(PR_SET_PDEATHSIG, 0);
    return 0;
}

/* procs: the cgroup to enter; NULL: it is where it shall be. */
static void child(const struct spawn *s, const char *procs, pid_t agent, int in, int report_fd)
{
    char *const argv[] = { "sh", "-c", (char *)s->command, NULL };
    struct report r = { STEP_CGROUP, 0 };

    if (!procs || enter_cgroup(procs, agent) == 0) {
        file_write(oom_file, oom_before);
        setpriority(PRIO_PROCESS, 0, nice_before);
        setsid();
        set_up_signals();
        set_up_stdio(s->log, in);
        umask(022);
        if (chdir("/") == 0) {
            /* All of ours are close-on-exec; a library's may not be. */
            close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
            execv("/bin/sh", argv);
        }
        r.step = STEP_EXEC;
    }
    r.errnum = errno;
    if (write(report_fd, &r, sizeof r) < 0)
        _exit(126);
    _exit(127);
}

/* The pipe closes when the child executes; until then it may bring a report. */
static int wait_for_exec(int fd, pid_t pid, const struct spawn *s, struct xhs_error *e)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    struct report r;

    if (poll(&p, 1, EXEC_LIMIT_MS) == 0) {
        /* A disk hangs, and the child with it: not to be waited for. The caller reaps it. */
        kill(pid, SIGKILL);
        return xhs_fail(e, XHS_E_SYSTEM, "its start took more than %d ms", EXEC_LIMIT_MS);
    }
    ssize_t n = read(fd, &r, sizeof r);
    if (n == 0)
        return 0;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (n != sizeof r)
        return xhs_fail(e, XHS_E_SYSTEM, "its start left no report");
    switch (r.step) {
    case STEP_CGROUP:
        return xhs_fail_errno(e, XHS_E_SYSTEM, r.errnum, "cannot enter %s", s->cgroup);
    case STEP_EXEC:
        break;
    }
    return xhs_fail_errno(e, XHS_E_SYSTEM, r.errnum, "cannot execute /bin/sh");
}

/* fork(2) whose child is born in the cgroup (Linux 5.7). Not only atomic: to move a process there
 * waits for an RCU grace period. Measured, fork to exec: 0.5-1 ms against 7-12, in the lab 8
 * against 22. */
static pid_t fork_into(const char *cgroup)
{
    int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct clone_args args = {
        .flags = CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)dir,
    };

    if (dir < 0)
        return -1;
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    int errnum = errno;
    if (pid != 0)
        close(dir);
    errno = errnum;
    return pid;
}

/* The parent's side of a fork: pid of a child that runs /bin/sh; report: its pipe's two ends. */
static pid_t forked(pid_t pid, const struct spawn *s, const int report[2], struct xhs_error *e)
{
    int errnum = errno;

    close(report[1]);
    if (pid < 0)
        xhs_fail_errno(e, XHS_E_SYSTEM, errnum, "fork");
    else if (wait_for_exec(report[0], pid, s, e) < 0)
        pid = -1;
    close(report[0]);
    return pid;
}

pid_t spawn(const struct spawn *s, struct xhs_error *e)
{
    char procs[PATH_MAX];
    pid_t agent = getpid();
    int report[2];

    snprintf(procs, sizeof procs, "%s/cgroup.procs", s->cgroup);
    if (pipe2(report, O_CLOEXEC) < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "pipe");
    pid_t pid = fork_into(s->cgroup);
    if (pid == 0)
        child(s, NULL, agent, -1, report[1]);
    if (pid < 0) { /* an old kernel, or a sandbox that knows no clone3 */
        pid = fork();
        if (pid == 0)
            child(s, procs, agent, -1, report[1]);
    }
    return forked(pid, s, report, e);
}

/* What the shell does before its command: it reads the word, whose end is the agent's end. */
static const char prelude[] = "read -r XHS_MEMORY_KB XHS_REQUEST || exit 127\n"
                              "export XHS_MEMORY_KB XHS_REQUEST\n"
                              "exec </dev/null\n";

pid_t spawn_waiting(const struct spawn *s, int *word_fd, struct xhs_error *e)
{
    char command[sizeof prelude + JOBFILE_COMMAND_MAX];
    const struct spawn waiting = { command, NULL, s->log };
    int report[2], word[2];

    if (snprintf(command, sizeof command, "%s%s", prelude, s->command) >= (int)sizeof command)
        return xhs_fail(e, XHS_E_SYSTEM, "the command is too long");
    if (pipe2(word, O_CLOEXEC) < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "pipe");
    pid_t pid = -1;
    if (pipe2(report, O_CLOEXEC) < 0) {
        xhs_fail_errno(e, XHS_E_SYSTEM, errno, "pipe");
    } else {
        pid = fork();
        if (pid == 0)
            child(&waiting, NULL, 0, word[0], report[1]);
        pid = forked(pid, &waiting, report, e);
    }
    close(word[0]);
    if (pid < 0)
        close(word[1]);
    else
        *word_fd = word[1];
    return pid;
}

int spawn_go(int word_fd, uint64_t memory_kb, uint64_t request, struct xhs_error *e)
{
    char word[64];
    int n = snprintf(word, sizeof word, "%" PRIu64 " %" PRIu64 "\n", memory_kb, request);
    int rc = 0;

    if (write(word_fd, word, (size_t)n) != n) /* less than a pipe holds: all of it or nothing */
        rc = xhs_fail_errno(e, XHS_E_SYSTEM, errno, "the shell that waited for it is gone");
    close(word_fd);
    return rc;
}
