/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xhsd: options, the single-instance lock, signals, systemd's notifications, and the loop.
 * See xhsd(8). All state is in host.c.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "wire/proto.h"
#include "xen/xtl.h"
#include "xhsd/control.h"
#include "xhsd/host.h"
#include "xhsd/log.h"

#define DEFAULT_CONFIG SYSCONFDIR "/xhs/xhs.cfg"
#define LOCK_FILE HOST_RUN_DIR "/xhsd.lock"

struct options {
    const char *config;
    const char *socket;
    bool foreground, verbose;
};

struct daemon {
    struct host host;
    struct evloop *loop;
    struct evloop_timer *watchdog;
    int64_t watchdog_ns; /* between two signs of life; 0: nobody watches */
};

static void usage(FILE *f)
{
    fprintf(f, "usage: xhsd [-n] [-v] [-c FILE] [-s SOCKET]\n"
               "  -n  stay in the foreground, log to stderr\n"
               "  -v  log more\n"
               "  -c  configuration, default " DEFAULT_CONFIG "\n"
               "  -s  control socket, default " PROTO_SOCKET "\n"
               "      --help, --version\n");
}

static void parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    int opt;

    while ((opt = getopt_long(argc, argv, "nvc:s:h", longs, NULL)) != -1) {
        switch (opt) {
        case 'n':
            o->foreground = true;
            break;
        case 'v':
            o->verbose = true;
            break;
        case 'c':
            o->config = optarg;
            break;
        case 's':
            o->socket = optarg;
            break;
        case 'h':
            usage(stdout);
            exit(0);
        case 'V':
            printf("xhsd %s\n", PACKAGE_VERSION);
            exit(0);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "xhsd: %s: no argument is expected\n", argv[optind]);
        exit(2);
    }
}

/*
 * fcntl's lock, not flock's: libxl forks, and a child that outlives us (a device model, say) would
 * inherit an flock and keep the next xhsd out.
 */
static int take_lock(struct xhs_error *err)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd;

    if (mkdir(HOST_RUN_DIR, 0755) != 0 && errno != EEXIST)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot make " HOST_RUN_DIR);
    fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot open " LOCK_FILE);
    if (fcntl(fd, F_SETLK, &lock) != 0) {
        lock.l_pid = 0;
        fcntl(fd, F_GETLK, &lock);
        return xhs_fail(err, XHS_E_EXISTS, "another xhsd runs already, pid %d",
                        (int)lock.l_pid);
    }
    return 0; /* the fd stays open for as long as we live */
}

static void sign_of_life(void *arg)
{
    struct daemon *d = arg;

    sd_notify(0, "WATCHDOG=1");
    evloop_timer_at(d->watchdog, evloop_now(d->loop) + d->watchdog_ns);
}

static void start_watchdog(struct daemon *d)
{
    uint64_t usec = 0;

    if (sd_watchdog_enabled(0, &usec) <= 0)
        return;
    d->watchdog_ns = (int64_t)usec * 1000 / 3;
    d->watchdog = evloop_timer_new(d->loop, sign_of_life, d);
    sign_of_life(d);
}

static void on_term(void *arg)
{
    struct daemon *d = arg;

    xlog(LOG_INFO, "ending; domains and jobs run on");
    evloop_quit(d->loop);
}

static void on_hup(void *arg)
{
    struct daemon *d = arg;
    struct xhs_error err = { 0 };

    if (host_reload(&d->host, &err) != 0)
        xlog(LOG_ERR, "configuration not changed: %s", err.text);
}

static int serve(struct daemon *d, const struct options *o, struct xhs_error *err)
{
    struct control *control = NULL;
    int rc = -1;

    if (host_open(&d->host, d->loop, o->config, err) != 0)
        goto out;
    if (strcmp(d->host.cfg.log, "syslog") == 0 && !o->foreground)
        log_init(true, o->verbose);
    if (control_open(&control, &d->host, o->socket, d->host.cfg.socket_group, err) != 0 ||
        host_start(&d->host, err) != 0)
        goto out;
    evloop_on_signal(d->loop, SIGTERM, on_term, d);
    evloop_on_signal(d->loop, SIGINT, on_term, d);
    evloop_on_signal(d->loop, SIGHUP, on_hup, d);
    start_watchdog(d);
    sd_notify(0, "READY=1");
    xlog(LOG_INFO, "xhsd %s ready on Xen %s", PACKAGE_VERSION, hyp_version(d->host.hyp));
    rc = evloop_run(d->loop);
    sd_notify(0, "STOPPING=1");
out:
    control_close(control);
    host_close(&d->host);
    return rc;
}

int main(int argc, char **argv)
{
    static struct daemon d;
    struct options o = { .config = DEFAULT_CONFIG, .socket = PROTO_SOCKET };
    struct xhs_error err = { 0 };

    parse_options(argc, argv, &o);
    log_init(false, o.verbose);
    xen_set_log(log_line);
    signal(SIGPIPE, SIG_IGN);
    d.host.test_kill_at = getenv("XHSD_TEST_KILL_AT");
    if (!o.foreground && !getenv("NOTIFY_SOCKET") && daemon(0, 1) != 0) {
        fprintf(stderr, "xhsd: cannot go to the background: %s\n", strerror(errno));
        return 1;
    }
    if (take_lock(&err) == 0) {
        d.loop = evloop_new();
        if (serve(&d, &o, &err) == 0) {
            evloop_free(d.loop);
            return 0;
        }
    }
    xlog(LOG_ERR, "%s", err.text);
    return xhs_code_status(err.code);
}
