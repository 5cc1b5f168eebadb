/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: see control.h. Connections and bytes: conn.c. */
#include <config.h>

#include "xhsd/control.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/proto.h"
#include "xhsd/conn.h"
#include "xhsd/create.h"
#include "xhsd/log.h"
#include "xhsd/pair_run.h"
#include "xhsd/report.h"

/* What a client waits for, after its request was taken. */
enum wait { WAIT_NOTHING, WAIT_CREATE, WAIT_DESTROY, WAIT_RECOVER, WAIT_EVENTS };

struct client {
    struct client *next;
    struct control *control;
    struct conn *conn;
    enum wait wait;
    char pair[MSG_NAME_MAX + 1]; /* waited for; "": any */
    struct create *create;       /* members being parsed */
    char plan[CREATE_PLAN_LINES][320];
    unsigned nplan;
};

struct control {
    struct host *host;
    struct evloop_fd *listener;
    int fd;
    char path[108];
    struct client *clients;
};

/* ---- answers ---- */

static void send_text(struct client *c, struct jout *j)
{
    size_t len;
    const char *text = jout_text(j, &len);

    conn_send(c->conn, text, len);
}

static void answer_error(struct client *c, const struct xhs_error *err)
{
    struct jout *j = jout_new(false);

    jout_object(j, NULL);
    jout_bool(j, "ok", false);
    jout_str(j, "code", xhs_code_word(err->code));
    jout_str(j, "error", err->text);
    jout_end_object(j);
    send_text(c, j);
    jout_free(j);
    c->wait = WAIT_NOTHING;
}

static void answer_fail(struct client *c, enum xhs_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void answer_fail(struct client *c, enum xhs_code code, const char *fmt, ...)
{
    struct xhs_error err = { .code = code };
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err.text, sizeof err.text, fmt, ap);
    va_end(ap);
    answer_error(c, &err);
}

static struct jout *open_answer(void)
{
    struct jout *j = jout_new(false);

    jout_object(j, NULL);
    jout_bool(j, "ok", true);
    return j;
}

static void close_answer(struct client *c, struct jout *j)
{
    jout_end_object(j);
    send_text(c, j);
    jout_free(j);
    c->wait = WAIT_NOTHING;
}

static void answer_pair(struct client *c, const struct pair *p)
{
    struct jout *j = open_answer();

    jout_object(j, "result");
    jout_str(j, "pair", p ? p->name : c->pair);
    if (p)
        jout_str(j, "state", pair_state_word(p->state));
    if (c->nplan) {
        jout_array(j, "plan");
        for (unsigned i = 0; i < c->nplan; i++)
            jout_str(j, NULL, c->plan[i]);
        jout_end_array(j);
    }
    jout_end_object(j);
    close_answer(c, j);
}

static void progress(struct client *c, const char *text)
{
    struct jout *j = jout_new(false);

    jout_object(j, NULL);
    jout_str(j, "progress", text);
    jout_end_object(j);
    send_text(c, j);
    jout_free(j);
}

/* ---- what the host tells ---- */

static void on_event(void *arg, const struct event *e)
{
    struct control *control = arg;

    for (struct client *c = control->clients; c; c = c->next) {
        char text[320];

        if (c->wait == WAIT_NOTHING || (c->pair[0] && strcmp(c->pair, e->pair) != 0))
            continue;
        if (c->wait == WAIT_EVENTS) {
            struct jout *j = jout_new(false);
            jout_object(j, NULL);
            event_json(e, "event", j);
            jout_end_object(j);
            send_text(c, j);
            jout_free(j);
        } else if (e->type == EVENT_STATE) {
            snprintf(text, sizeof text, "%s: %s (%s)", e->pair, pair_state_word(e->to), e->text);
            progress(c, text);
        } else if (e->type == EVENT_MEMBER || e->type == EVENT_ALERT) {
            progress(c, e->text);
        }
    }
}

static void settled(struct client *c, const struct pair *p)
{
    if (c->wait == WAIT_EVENTS || c->wait == WAIT_NOTHING || strcmp(c->pair, p->name) != 0)
        return;
    if (p->state == PAIR_FAILED && c->wait != WAIT_DESTROY)
        answer_fail(c, XHS_E_STATE, "pair %s failed: %s", p->name, p->reason);
    else if ((p->state == PAIR_PROTECTED || p->state == PAIR_UNPROTECTED) &&
             c->wait != WAIT_DESTROY)
        answer_pair(c, p);
}

static void on_change(void *arg, struct runner *r)
{
    struct control *control = arg;

    if (r->pair.state == PAIR_PROTECTED || r->pair.state == PAIR_UNPROTECTED)
        r->remove_when_stopped = false; /* formed: from now on it stays until destroyed */
    for (struct client *c = control->clients; c; c = c->next)
        settled(c, &r->pair);
}

static void on_gone(void *arg, struct runner *r)
{
    struct control *control = arg;

    for (struct client *c = control->clients; c; c = c->next) {
        if (c->wait == WAIT_EVENTS || c->wait == WAIT_NOTHING ||
            strcmp(c->pair, r->pair.name) != 0)
            continue;
        if (c->wait == WAIT_DESTROY)
            answer_pair(c, NULL);
        else
            answer_fail(c, XHS_E_XEN, "pair %s could not be formed: %s", r->pair.name,
                        r->pair.reason[0] ? r->pair.reason : r->pair.trigger);
    }
}

/* ---- requests ---- */

/* The pair that the request names; answers with an error when it must name one and does not. */
static bool named_pair(struct client *c, const struct jval *req, bool must, struct runner **out)
{
    const char *name = json_str(req, "pair", NULL);

    *out = name ? host_pair(c->control->host, name) : NULL;
    if (name && !*out)
        answer_fail(c, XHS_E_NOENT, "no pair %.64s: xhs list shows them all", name);
    else if (!name && must)
        answer_fail(c, XHS_E_USAGE, "the name of a pair is missing");
    else
        return true;
    return false;
}

static void op_version(struct client *c, const struct jval *req)
{
    struct host *h = c->control->host;
    struct jout *j = open_answer();

    (void)req;
    jout_object(j, "result");
    jout_str(j, "version", PACKAGE_VERSION);
    jout_str(j, "xen", hyp_version(h->hyp));
    jout_i64(j, "pid", getpid());
    jout_ms(j, "uptime_ms", evloop_now(h->loop) - h->started_ns);
    jout_end_object(j);
    close_answer(c, j);
}

static void op_list(struct client *c, const struct jval *req)
{
    struct jout *j = open_answer();

    (void)req;
    report_list(c->control->host, j);
    close_answer(c, j);
}

static void op_show(struct client *c, const struct jval *req)
{
    struct runner *r;
    struct jout *j;

    if (!named_pair(c, req, true, &r))
        return;
    j = open_answer();
    report_show(r, j);
    close_answer(c, j);
}

static void op_table(struct client *c, const struct jval *req)
{
    struct runner *r;
    struct jout *j;

    if (!named_pair(c, req, false, &r))
        return;
    j = open_answer();
    report_table(c->control->host, r, json_bool(req, "audit", false), j);
    close_answer(c, j);
}

static void op_check(struct client *c, const struct jval *req)
{
    struct runner *r;
    struct jout *j;

    if (!named_pair(c, req, false, &r))
        return;
    j = open_answer();
    report_check(c->control->host, r, j);
    close_answer(c, j);
}

static void op_jobs(struct client *c, const struct jval *req)
{
    struct runner *r;
    struct jout *j;

    if (!named_pair(c, req, false, &r))
        return;
    j = open_answer();
    report_jobs(c->control->host, r, j);
    close_answer(c, j);
}

static void op_events(struct client *c, const struct jval *req)
{
    const char *pair = json_str(req, "pair", NULL);
    struct jout *j = open_answer();

    jout_object(j, "result");
    events_json(c->control->host->events, pair, j);
    jout_end_object(j);
    close_answer(c, j);
    if (json_bool(req, "follow", false)) {
        snprintf(c->pair, sizeof c->pair, "%s", pair ? pair : "");
        c->wait = WAIT_EVENTS;
    }
}

static void created(void *arg, const char *name, struct runner *r, const char *const *plan,
                    unsigned n, const struct xhs_error *err)
{
    struct client *c = arg;

    c->create = NULL;
    if (err->code != XHS_E_NONE) {
        answer_error(c, err);
        return;
    }
    c->nplan = n;
    for (unsigned i = 0; i < n; i++)
        snprintf(c->plan[i], sizeof c->plan[i], "%s", plan[i]);
    snprintf(c->pair, sizeof c->pair, "%s", name);
    if (r)
        c->wait = WAIT_CREATE;
    else
        answer_pair(c, NULL);
}

static void op_create(struct client *c, const struct jval *req)
{
    const char *file = json_str(req, "file", "");

    if (file[0] != '/') {
        answer_fail(c, XHS_E_USAGE, "the path of the pair's file must be absolute");
        return;
    }
    c->create = create_begin(c->control->host, file, json_bool(req, "dry_run", false), created, c);
}

static void op_destroy(struct client *c, const struct jval *req)
{
    struct runner *r;

    if (!named_pair(c, req, true, &r))
        return;
    snprintf(c->pair, sizeof c->pair, "%s", r->pair.name);
    c->wait = WAIT_DESTROY;
    r->remove_when_stopped = true;
    runner_ask(r, ASK_STOP);
}

static void op_recover(struct client *c, const struct jval *req)
{
    struct runner *r;

    if (!named_pair(c, req, true, &r))
        return;
    if (r->pair.state != PAIR_FAILED && r->pair.state != PAIR_UNPROTECTED) {
        answer_fail(c, XHS_E_STATE, "pair %s is %s: there is nothing to recover from",
                    r->pair.name, pair_state_word(r->pair.state));
        return;
    }
    snprintf(c->pair, sizeof c->pair, "%s", r->pair.name);
    c->wait = WAIT_RECOVER;
    runner_ask(r, ASK_RECOVER);
}

static void op_reload(struct client *c, const struct jval *req)
{
    struct xhs_error err = { 0 };
    struct jout *j;

    (void)req;
    if (host_reload(c->control->host, &err) != 0) {
        answer_error(c, &err);
        return;
    }
    j = open_answer();
    jout_object(j, "result");
    jout_end_object(j);
    close_answer(c, j);
}

static const struct {
    const char *name;
    void (*fn)(struct client *c, const struct jval *req);
} ops[] = {
    { "version", op_version }, { "list", op_list },       { "show", op_show },
    { "table", op_table },     { "jobs", op_jobs },       { "events", op_events },
    { "create", op_create },   { "destroy", op_destroy }, { "recover", op_recover },
    { "check", op_check },     { "reload", op_reload },
};

static void got_line(void *arg, const char *line, size_t len)
{
    struct client *c = arg;
    struct xhs_error err = { 0 };
    struct jval *req = json_parse(line, len, &err);
    const char *op = json_str(req, "op", "");

    if (c->wait != WAIT_NOTHING || c->create) {
        enum wait wait = c->wait; /* the first one's answer is still to come */
        answer_fail(c, XHS_E_USAGE, "one request at a time");
        c->wait = wait;
    } else if (!req) {
        answer_error(c, &err);
    } else {
        size_t i = 0;
        while (i < sizeof ops / sizeof ops[0] && strcmp(ops[i].name, op) != 0)
            i++;
        c->nplan = 0;
        if (i < sizeof ops / sizeof ops[0])
            ops[i].fn(c, req);
        else
            answer_fail(c, XHS_E_UNSUPPORTED, "xhsd knows no request %.40s", op);
    }
    json_free(req);
}

/* ---- connections ---- */

static void closed(void *arg)
{
    struct client *c = arg, **at = &c->control->clients;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    if (c->create)
        create_abandon(c->create);
    free(c);
}

static void accepted(void *arg, int fd, int what)
{
    struct control *control = arg;
    struct client *c;
    int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)what;
    if (s < 0)
        return;
    c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->control = control;
    c->conn = conn_new(control->host->loop, s, got_line, closed, c);
    c->next = control->clients;
    control->clients = c;
}

static int give_to_group(const char *path, const char *group, struct xhs_error *err)
{
    struct group *g;

    if (!group[0])
        return chmod(path, 0600);
    g = getgrnam(group);
    if (!g)
        return xhs_fail(err, XHS_E_CONFIG, "socket_group: there is no group %s", group);
    if (chown(path, 0, g->gr_gid) != 0 || chmod(path, 0660) != 0)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot give %s to group %s", path, group);
    return 0;
}

int control_open(struct control **out, struct host *h, const char *path, const char *group,
                 struct xhs_error *err)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    struct control *c;
    mode_t mask;
    int fd, rc;

    if (strlen(path) >= sizeof sa.sun_path)
        return xhs_fail(err, XHS_E_USAGE, "socket path %s is too long", path);
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(path); /* ours: the lock says that no other xhsd runs */
    mask = umask(0177);
    rc = bind(fd, (struct sockaddr *)&sa, sizeof sa);
    umask(mask);
    if (rc != 0 || listen(fd, 16) != 0) {
        xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot listen at %s", path);
        close(fd);
        return -1;
    }
    if (give_to_group(path, group, err) != 0) {
        close(fd);
        return -1;
    }
    c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->host = h;
    c->fd = fd;
    snprintf(c->path, sizeof c->path, "%s", path);
    c->listener = evloop_fd_add(h->loop, fd, EV_LOOP_READ, accepted, c);
    h->arg = c;
    h->on_event = on_event;
    h->on_change = on_change;
    h->on_gone = on_gone;
    *out = c;
    return 0;
}

void control_close(struct control *c)
{
    if (!c)
        return;
    while (c->clients)
        conn_close(c->clients->conn);
    evloop_fd_del(c->listener);
    close(c->fd);
    unlink(c->path);
    free(c);
}
