/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xhs-agent: starts and stops this guest's jobs as dom0 and the guest's root ask, and tells dom0 of
 * them. The same program on both members; it never knows which of them is active.
 * Not a supervisor: a job that ends is reported, and started again by those who asked for it.
 * Called by the guest's init, which starts it again when it dies. Its death harms no job.
 */
#include "config.h"

#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "memory.h"
#include "spawn.h"

#define NS_PER_MS UINT64_C(1000000)
#define FIRST_ANSWER_S 20          /* xenstored's, before it is called absent */

enum { POLL_STORE, POLL_SIGNALS, POLL_LISTEN, POLL_CLIENTS };

uint64_t agent_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 * NS_PER_MS + (uint64_t)ts.tv_nsec;
}

/* What follows from what just happened, and from the time. */
static void settle(struct agent *a)
{
    uint64_t now_ns = agent_now_ns();

    agent_tick_jobs(a, now_ns);
    agent_settle_requests(a);
    agent_settle_clients(a);
    agent_raise_areas(a, now_ns);
    agent_look(a, now_ns);
}

static int timeout_ms(const struct agent *a)
{
    uint64_t now_ns = agent_now_ns(), next = a->sample_ns;

    if (agent_arrival_ns(a) < next)
        next = agent_arrival_ns(a);
    if (a->raise_ns < next)
        next = a->raise_ns;
    for (const struct job *j = a->jobs; j; j = j->next) {
        if (job_next_ns(j) < next)
            next = job_next_ns(j);
    }
    return next <= now_ns ? 0 : (int)((next - now_ns) / NS_PER_MS + 1);
}

/* The fds of all; an unused one is -1, which poll skips. Returns how many. */
static nfds_t fill_polls(const struct agent *a, int signals, struct pollfd *p)
{
    nfds_t n = POLL_CLIENTS;

    p[POLL_STORE] = (struct pollfd){ .fd = xhsg_fd(a->g), .events = POLLIN };
    p[POLL_SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
    p[POLL_LISTEN] = (struct pollfd){ .fd = a->listen_fd, .events = POLLIN };
    for (unsigned i = 0; i < AGENT_CLIENTS_MAX; i++)
        p[n++] = (struct pollfd){ .fd = a->clients[i].fd, .events = POLLIN };
    for (const struct job *j = a->jobs; j; j = j->next)
        p[n++] = (struct pollfd){ .fd = job_active(j) ? j->events_fd : -1, .events = POLLPRI };
    return n;
}

static size_t count_polls(const struct agent *a)
{
    size_t n = POLL_CLIENTS + AGENT_CLIENTS_MAX;

    for (const struct job *j = a->jobs; j; j = j->next)
        n++;
    return n;
}

/* False: it is time to end. */
static bool take_signals(struct agent *a, int signals)
{
    struct signalfd_siginfo info;
    bool go_on = true;

    while (read(signals, &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            agent_reap(a);
            break;
        case SIGHUP:
            agent_reload(a);
            break;
        default:
            go_on = false;
        }
    }
    return go_on;
}

static void take_clients(struct agent *a, const struct pollfd *p)
{
    for (unsigned i = 0; i < AGENT_CLIENTS_MAX; i++) {
        if (p[POLL_CLIENTS + i].revents)
            agent_sock_read(a, &a->clients[i]);
    }
    if (p[POLL_LISTEN].revents)
        agent_sock_accept(a);
}

/* Returns the exit status. */
static int loop(struct agent *a, int signals)
{
    struct pollfd *p = NULL;
    int status = EXIT_FAILURE;

    for (;;) {
        settle(a);
        struct pollfd *more = realloc(p, count_polls(a) * sizeof *p);
        if (!more) {
            log_line(LOG_ERR, "out of memory");
            break;
        }
        p = more;
        nfds_t n = fill_polls(a, signals, p);
        if (poll(p, n, timeout_ms(a)) < 0 && errno != EINTR) {
            log_line(LOG_ERR, "poll: %s", strerror(errno));
            break;
        }
        /* dom0 first: it may be a takeover. */
        if (p[POLL_STORE].revents && agent_next_requests(a) < 0)
            break;
        for (nfds_t i = POLL_CLIENTS + AGENT_CLIENTS_MAX; i < n; i++) {
            if (p[i].revents) {
                agent_check_jobs(a);
                break;
            }
        }
        take_clients(a, p);
        if (p[POLL_SIGNALS].revents && !take_signals(a, signals)) {
            status = EXIT_SUCCESS;
            break;
        }
    }
    free(p);
    return status;
}

/* One agent a guest. An fcntl lock: a job that is forked off does not inherit it. */
static int take_lock(const struct agent *a)
{
    char path[AGENT_PATH_MAX];
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    snprintf(path, sizeof path, "%s/lock", a->run_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        log_line(LOG_ERR, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        log_line(LOG_ERR, "%s: another xhs-agent is at work", path);
        return -1;
    }
    return 0; /* fd stays open: closing it would end the lock */
}

static int make_dirs(struct agent *a)
{
    snprintf(a->state_dir, sizeof a->state_dir, "%s/job", a->run_dir);
    mkdir(a->log_dir, 0750);  /* without it, jobs have no log */
    mkdir(a->peak_dir, 0755); /* without it, their peaks are not kept */
    if ((mkdir(a->run_dir, 0700) < 0 && errno != EEXIST) ||
        (mkdir(a->state_dir, 0700) < 0 && errno != EEXIST)) {
        log_line(LOG_ERR, "%s: %s", a->state_dir, strerror(errno));
        return -1;
    }
    return 0;
}

/* Signals come through a fd; libxenstore's thread, started later, inherits the mask. */
static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* who reads from us may end */
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void no_answer(int sig)
{
    static const char text[] = "xhs-agent: xenstored does not answer\n";

    (void)sig;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(2);
    _exit(EXIT_FAILURE);
}

/* Connect, look at what there is, and tell dom0. A guest cannot see that xenstored is absent: its
 * calls just wait, hence the alarm. */
static int begin(struct agent *a)
{
    struct xhs_error err = { 0 };

    signal(SIGALRM, no_answer);
    alarm(FIRST_ANSWER_S);
    if (xhsg_open(&a->g, &err) < 0 || agent_sock_open(a, &err) < 0) {
        log_line(LOG_ERR, "%s", err.text);
        return -1;
    }
    if (cgroup_prepare(a->cgroup_base, &err) < 0)
        log_line(LOG_WARNING, "no job can start: %s", err.text);
    agent_look_at_member(a);
    agent_look(a, agent_now_ns()); /* before the jobs, which ask by what it finds */
    agent_load(a);
    err.code = XHS_E_NONE;
    if (xhsg_announce(a->g, &err) < 0) { /* last: what it promises is there */
        log_line(LOG_ERR, "%s", err.text);
        return -1;
    }
    alarm(0);
    return 0;
}

static void end(struct agent *a)
{
    struct xhs_error err = { 0 };

    if (xhsg_withdraw(a->g, &err) < 0)
        log_line(LOG_ERR, "%s", err.text);
    log_line(LOG_INFO, "ends; jobs run on");
}

static void usage(FILE *to)
{
    fprintf(to, "usage: xhs-agent [-n] [-s] [-j DIR] [-r DIR] [-l DIR] [-p DIR]\n"
                "  -n      stay in the foreground (it always does; said in init's files)\n"
                "  -s      log to syslog, not to stderr\n"
                "  -j DIR  job files (" SYSCONFDIR "/xhs/jobs.d)\n"
                "  -r DIR  socket, lock and states (" PROTO_RUN_DIR ")\n"
                "  -l DIR  the jobs' output (/var/log/xhs)\n"
                "  -p DIR  the jobs' peaks, across boots (" LOCALSTATEDIR "/lib/xhs)\n"
                "  --help, --version\n");
}

static void parse_options(struct agent *a, int argc, char **argv)
{
    static const struct option longs[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "nsj:r:l:p:", longs, NULL)) != -1) {
        switch (c) {
        case 'n':
            break;
        case 's':
            log_open(true);
            break;
        case 'j':
            a->jobs_dir = optarg;
            break;
        case 'r':
            a->run_dir = optarg;
            break;
        case 'l':
            a->log_dir = optarg;
            break;
        case 'p':
            a->peak_dir = optarg;
            break;
        case 'h':
            usage(stdout);
            exit(EXIT_SUCCESS);
        case 'V':
            printf("xhs-agent " PACKAGE_VERSION " (format %d)\n", XHS_FORMAT);
            exit(EXIT_SUCCESS);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind != argc) {
        usage(stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static struct agent a = {
        .jobs_dir = SYSCONFDIR "/xhs/jobs.d",
        .run_dir = PROTO_RUN_DIR,
        .log_dir = "/var/log/xhs",
        .peak_dir = LOCALSTATEDIR "/lib/xhs",
        .listen_fd = -1,
    };
    int signals, status = EXIT_FAILURE;

    parse_options(&a, argc, argv);
    signals = open_signals();
    if (signals < 0 || make_dirs(&a) < 0 || take_lock(&a) < 0)
        return EXIT_FAILURE;
    spawn_harden_self();
    memory_hurry_kernel();
    if (begin(&a) == 0) {
        log_line(LOG_INFO, "version " PACKAGE_VERSION ", boot %s", xhsg_boot_id(a.g));
        status = loop(&a, signals);
        if (status == EXIT_SUCCESS)
            end(&a);
    }
    agent_sock_close(&a);
    xhsg_close(a.g);
    return status;
}
