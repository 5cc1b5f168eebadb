/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's side of the socket that xhs-job talks to: see proto.h for what is said on it.
 * Not for other users: the directory and the socket are root's.
 * Called by the agent's loop.
 */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

static void close_client(struct client *c)
{
    close(c->fd);
    c->fd = -1;
}

int agent_sock_open(struct agent *a, struct xhs_error *e)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int n = snprintf(addr.sun_path, sizeof addr.sun_path, "%s/agent.sock", a->run_dir);

    for (unsigned i = 0; i < AGENT_CLIENTS_MAX; i++)
        a->clients[i].fd = -1;
    if (n < 0 || (size_t)n >= sizeof addr.sun_path)
        return xhs_fail(e, XHS_E_CONFIG, "%s/agent.sock: too long", a->run_dir);
    a->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (a->listen_fd < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "socket");
    unlink(addr.sun_path); /* an earlier agent's: the caller holds the lock */
    mode_t mask = umask(0177);
    int rc = bind(a->listen_fd, (struct sockaddr *)&addr, sizeof addr);
    int errnum = errno;
    umask(mask);
    if (rc < 0 || listen(a->listen_fd, AGENT_CLIENTS_MAX) < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, rc < 0 ? errnum : errno, "%s", addr.sun_path);
    return 0;
}

void agent_sock_close(struct agent *a)
{
    if (a->listen_fd >= 0)
        close(a->listen_fd);
    a->listen_fd = -1;
    for (unsigned i = 0; i < AGENT_CLIENTS_MAX; i++) {
        if (a->clients[i].fd >= 0)
            close_client(&a->clients[i]);
    }
}

void agent_sock_accept(struct agent *a)
{
    int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    unsigned i = 0;

    if (fd < 0)
        return;
    while (i < AGENT_CLIENTS_MAX && a->clients[i].fd >= 0)
        i++;
    if (i == AGENT_CLIENTS_MAX) {
        static const char busy[] = "failed too many xhs-job at once\n";
        if (send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL) < 0)
            log_line(LOG_WARNING, "xhs-job: %s", strerror(errno));
        close(fd);
        return;
    }
    a->clients[i] = (struct client){ .fd = fd };
}

/* One who does not read what little there is to read is not waited for. */
bool agent_sock_send(struct client *c, const char *text, size_t len)
{
    ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

    return n == (ssize_t)len;
}

static void finish(struct client *c, bool ok, const char *text)
{
    char line[PROTO_LINE_MAX];
    int n = snprintf(line, sizeof line, "%s %s\n", ok ? "ok" : "failed", text);

    agent_sock_send(c, line, (size_t)n);
    close_client(c);
}

static bool send_job(struct client *c, const struct job *j)
{
    char line[PROTO_LINE_MAX], job[MSG_MAX];

    msg_format_job(job, &j->line);
    int n = snprintf(line, sizeof line, "job %s %s\n", j->name, job);
    return n > 0 && (size_t)n < sizeof line && agent_sock_send(c, line, (size_t)n);
}

static void do_run(struct agent *a, struct client *c, const struct proto_request *r)
{
    struct job *j = agent_find_job(a, r->job);
    bool known = j != NULL;

    if (!j)
        j = agent_add_job(a, r->job);
    if (!j) {
        finish(c, false, "out of memory");
        return;
    }
    agent_look_anew(a);
    struct job_result res = agent_load_definition(a, j, false); /* its file may be new */
    if (!known && !j->filed) {
        agent_drop_job(a, j);
        finish(c, false, "it has no job file");
        return;
    }
    agent_act(a, j, res);
    res = agent_act(a, j, job_want(j, &r->params));
    if (res.answer != JOB_LATER) {
        finish(c, res.answer == JOB_OK, res.text);
    } else if (r->no_wait) {
        finish(c, true, "waiting for dom0's run grant");
    } else {
        c->phase = CLIENT_WAITS_RUN;
        strcpy(c->job, r->job);
    }
}

static void do_stop(struct agent *a, struct client *c, const struct proto_request *r)
{
    struct job *j = agent_find_job(a, r->job);

    if (!j) {
        finish(c, false, "no such job");
        return;
    }
    struct job_result res = agent_act(a, j, job_stop(j, "xhs-job stop", agent_now_ns()));
    if (res.answer != JOB_LATER) {
        finish(c, res.answer == JOB_OK, res.text);
    } else if (r->no_wait) {
        finish(c, true, "stopping");
    } else {
        c->phase = CLIENT_WAITS_STOP;
        strcpy(c->job, r->job);
    }
}

static void do_show(struct agent *a, struct client *c, const char *name)
{
    bool any = false, sent = true;

    for (const struct job *j = a->jobs; j && sent; j = j->next) {
        if (*name && strcmp(j->name, name) != 0)
            continue;
        any = true;
        sent = send_job(c, j);
    }
    if (!sent)
        close_client(c);
    else
        finish(c, any || !*name, any || !*name ? "" : "no such job");
}

static void do_explain(struct agent *a, struct client *c, const struct proto_request *r)
{
    struct xhs_error err = { 0 };

    agent_look_anew(a);
    if (agent_explain(a, c, r, &err) == 0)
        finish(c, true, "");
    else
        finish(c, false, err.text);
}

static void do_line(struct agent *a, struct client *c, const char *line)
{
    struct xhs_error err = { 0 };
    struct proto_request r;

    if (proto_parse(line, &r, &err) < 0) {
        finish(c, false, err.text);
        return;
    }
    switch (r.verb) {
    case PROTO_RUN:
        do_run(a, c, &r);
        break;
    case PROTO_STOP:
        do_stop(a, c, &r);
        break;
    case PROTO_STATUS:
    case PROTO_LIST:
        do_show(a, c, r.job);
        break;
    case PROTO_EXPLAIN:
        do_explain(a, c, &r);
        break;
    }
}

void agent_sock_read(struct agent *a, struct client *c)
{
    ssize_t n = read(c->fd, c->in + c->len, sizeof c->in - 1 - c->len);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* gone, or more than a line */
        close_client(c);
        return;
    }
    if (c->phase != CLIENT_READING)
        return; /* one request a connection: what follows it is not read into */
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    char *end = strchr(c->in, '\n');
    if (end) {
        *end = '\0';
        do_line(a, c, c->in);
    } else if (c->len == sizeof c->in - 1) {
        finish(c, false, "the request is too long");
    }
}

void agent_settle_clients(struct agent *a)
{
    for (unsigned i = 0; i < AGENT_CLIENTS_MAX; i++) {
        struct client *c = &a->clients[i];
        if (c->fd < 0 || c->phase == CLIENT_READING)
            continue;
        const struct job *j = agent_find_job(a, c->job);
        struct job_result r = { .answer = JOB_FAILED, .text = "the job is gone" };
        if (j)
            r = c->phase == CLIENT_WAITS_RUN ? job_run_answer(j) : job_stop_answer(j);
        if (r.answer != JOB_LATER)
            finish(c, r.answer == JOB_OK, r.text);
    }
}
