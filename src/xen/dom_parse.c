/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl.cfg files into libxl's JSON, by xl itself: its parser is in no library. Nothing is created.
 * Called by xhsd; see dom.h.
 */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xen/dom_internal.h"
#include "xen/xtl.h"

#define PARSE_TIMEOUT_NS (30 * INT64_C(1000000000)) /* xl waits for locks of other xl's */
#define OUTPUT_MAX (1024 * 1024)

extern char **environ;

struct output {
    struct evloop_fd *watch;
    int fd;
    char *text; /* NUL-terminated once there is any */
    size_t len;
};

struct dom_parse_op {
    struct dom *d;
    pid_t pid;
    struct output out, msg; /* of xl's stdout and stderr */
    struct evloop_timer *timer;
    bool late;
    struct xhs_error err;
    dom_parsed_fn *fn;
    void *arg;
    struct dom_parse_op *next;
};

static void output_close(struct output *o)
{
    evloop_fd_del(o->watch);
    o->watch = NULL;
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
}

static void op_free(struct dom_parse_op *op)
{
    struct dom_parse_op **at = &op->d->parses;

    while (*at != op)
        at = &(*at)->next;
    *at = op->next;
    output_close(&op->out);
    output_close(&op->msg);
    evloop_timer_free(op->timer);
    free(op->out.text);
    free(op->msg.text);
    free(op);
}

/* What xl said, without its chatter, on one line. */
static const char *complaint(struct dom_parse_op *op, char *buf, size_t size)
{
    char *save = NULL;
    size_t used = 0;

    buf[0] = '\0';
    for (char *line = strtok_r(op->msg.text, "\n", &save); line && used < size;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "Parsing config", 14) != 0)
            used += snprintf(buf + used, size - used, "%s%s", used ? "; " : "", line);
    }
    return buf[0] ? buf : "no reason given";
}

static void judge(struct dom_parse_op *op, int status)
{
    char why[220];

    if (op->late)
        xhs_fail(&op->err, XHS_E_SYSTEM, "xl create -n did not finish in time");
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        xhs_fail(&op->err, XHS_E_CONFIG, "xl: %s", complaint(op, why, sizeof why));
    else if (!op->out.text)
        xhs_fail(&op->err, XHS_E_CONFIG, "xl create -n printed nothing");
}

/* Both pipes are at their end: xl is gone, or as good as. */
static void finish(struct dom_parse_op *op)
{
    struct dom_summary sum = { 0 };
    int status = 0;
    bool ok;

    if (op->pid > 0) {
        while (waitpid(op->pid, &status, 0) < 0 && errno == EINTR)
            ;
        judge(op, status);
    }
    ok = op->err.code == XHS_E_NONE && dom_summarize(op->d, op->out.text, &sum, &op->err) == 0;
    op->fn(op->arg, ok ? op->out.text : NULL, &sum, &op->err);
    op_free(op);
}

static void on_timer(void *arg)
{
    struct dom_parse_op *op = arg;

    if (op->pid <= 0) {
        finish(op); /* it never started */
        return;
    }
    op->late = true;
    kill(op->pid, SIGKILL); /* the pipes' ends follow */
}

static void on_output(struct dom_parse_op *op, struct output *o)
{
    char buf[4096];
    ssize_t n = read(o->fd, buf, sizeof buf);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0 && o->len + n < OUTPUT_MAX) {
        char *text = realloc(o->text, o->len + n + 1);
        if (text) {
            memcpy(text + o->len, buf, n);
            o->text = text;
            o->len += n;
            text[o->len] = '\0';
            return;
        }
    }
    if (n > 0) {
        xhs_fail(&op->err, XHS_E_CONFIG, "xl create -n printed too much");
        kill(op->pid, SIGKILL);
    }
    output_close(o);
    if (op->out.fd < 0 && op->msg.fd < 0)
        finish(op);
}

static void on_out(void *arg, int fd, int what)
{
    struct dom_parse_op *op = arg;

    (void)fd;
    (void)what;
    on_output(op, &op->out);
}

static void on_msg(void *arg, int fd, int what)
{
    struct dom_parse_op *op = arg;

    (void)fd;
    (void)what;
    on_output(op, &op->msg);
}

/* xl with its output in the two pipes, no signal blocked, and none of ours ignored. */
static int spawn(pid_t *pid, const char *file, int out, int msg)
{
    /* -f: as a bare argument a path with "=" in it would be taken for a setting. */
    char *const argv[] = { "xl", "create", "-n", "-d", "-f", (char *)file, NULL };
    posix_spawn_file_actions_t acts;
    posix_spawnattr_t attr;
    sigset_t none, pipe_sig;
    int rc;

    sigemptyset(&none);
    sigemptyset(&pipe_sig);
    sigaddset(&pipe_sig, SIGPIPE);
    posix_spawn_file_actions_init(&acts);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&acts, out, 1);
    posix_spawn_file_actions_adddup2(&acts, msg, 2);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &pipe_sig);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    rc = posix_spawnp(pid, "xl", &acts, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&acts);
    return rc;
}

static void start(struct dom_parse_op *op, const char *file)
{
    int out[2] = { -1, -1 }, msg[2] = { -1, -1 };
    int rc = 0;

    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(msg, O_CLOEXEC) != 0)
        rc = errno;
    else
        rc = spawn(&op->pid, file, out[1], msg[1]);
    op->out.fd = out[0];
    op->msg.fd = msg[0];
    if (out[1] >= 0)
        close(out[1]);
    if (msg[1] >= 0)
        close(msg[1]);
    if (rc != 0) {
        op->pid = 0;
        xhs_fail_errno(&op->err, XHS_E_SYSTEM, rc, "cannot run xl create -n");
        return;
    }
    op->out.watch = evloop_fd_add(op->d->loop, op->out.fd, EV_LOOP_READ, on_out, op);
    op->msg.watch = evloop_fd_add(op->d->loop, op->msg.fd, EV_LOOP_READ, on_msg, op);
}

void dom_parse(struct dom *d, const char *file, dom_parsed_fn *fn, void *arg)
{
    struct dom_parse_op *op = calloc(1, sizeof *op);

    if (!op)
        abort();
    op->d = d;
    op->fn = fn;
    op->arg = arg;
    op->next = d->parses;
    d->parses = op;
    op->timer = evloop_timer_new(d->loop, on_timer, op);
    start(op, file);
    evloop_timer_at(op->timer, op->pid > 0 ? evloop_now(d->loop) + PARSE_TIMEOUT_NS : 0);
}

void dom_parse_abort(struct dom *d)
{
    while (d->parses) {
        struct dom_parse_op *op = d->parses;
        if (op->pid > 0) {
            kill(op->pid, SIGKILL);
            waitpid(op->pid, NULL, 0);
        }
        op_free(op);
    }
}

int dom_summarize(struct dom *d, const char *json, struct dom_summary *sum, struct xhs_error *err)
{
    libxl_domain_config cfg;
    unsigned mark = xtl_mark();
    int rc;

    memset(sum, 0, sizeof *sum);
    libxl_domain_config_init(&cfg);
    rc = libxl_domain_config_from_json(d->ctx, &cfg, json);
    if (rc != 0) {
        dom_fail(err, rc, mark, "not a domain's configuration");
        goto out;
    }
    snprintf(sum->name, sizeof sum->name, "%s", cfg.c_info.name ? cfg.c_info.name : "");
    memcpy(sum->uuid, libxl_uuid_bytearray(&cfg.c_info.uuid), sizeof sum->uuid);
    snprintf(sum->type, sizeof sum->type, "%s", libxl_domain_type_to_string(cfg.c_info.type));
    sum->memory_kb = cfg.b_info.target_memkb;
    sum->vcpus = cfg.b_info.max_vcpus;
    sum->pci_devices = cfg.num_pcidevs;
out:
    libxl_domain_config_dispose(&cfg);
    return rc == 0 ? 0 : -1;
}
