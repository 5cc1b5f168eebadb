/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxhsguest over libxenstore: see xhsguest.h.
 * Not a policy: it knows no job beyond the name in a call.
 * Called by xhs-agent and by programs that take part without it.
 */
#include "xhsguest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "core/paths.h"
#include "reqs.h"

struct xhsg {
    struct xs_handle *xs;
    struct xs_handle *watching; /* its reader thread would slow the other's answers down */
    int fd;
    bool listed;  /* requests were listed before */
    bool changed; /* a listing was made whose XHSG_CHANGED is still to be told */
    struct reqs reqs;
    char boot_id[MSG_BOOT_ID_LEN + 1];
};

struct id_text {
    char s[24];
};

static struct id_text id_text(uint64_t id)
{
    struct id_text t;

    snprintf(t.s, sizeof t.s, "%" PRIu64, id);
    return t;
}

static int fail_key(struct xhs_error *e, const char *path)
{
    enum xhs_code code = errno == ENOENT ? XHS_E_NOENT : XHS_E_XEN;

    return xhs_fail_errno(e, code, errno, "xenstore %s", path);
}

/* A value of at most MSG_MAX bytes, with a NUL behind it. */
static int read_key(struct xhsg *g, const char *path, char buf[MSG_MAX + 1], size_t *len,
                    struct xhs_error *e)
{
    unsigned n = 0;
    char *value = xs_read(g->xs, XBT_NULL, path, &n);

    if (!value)
        return fail_key(e, path);
    if (n > MSG_MAX) {
        free(value);
        return xhs_fail(e, XHS_E_PROTOCOL, "xenstore %s: longer than %d bytes", path, MSG_MAX);
    }
    memcpy(buf, value, n);
    buf[n] = '\0';
    *len = n;
    free(value);
    return 0;
}

/* The same, for a value that is one word: a newline at its end is cut off. */
static int read_word(struct xhsg *g, enum path_id id, char buf[MSG_MAX + 1], struct xhs_error *e)
{
    char path[XHS_PATH_MAX];
    size_t len;

    if (read_key(g, path_relative(path, id), buf, &len, e) < 0)
        return -1;
    if (len > 0 && buf[len - 1] == '\n')
        buf[len - 1] = '\0';
    return 0;
}

static int write_key(struct xhsg *g, const char *path, const char *value, size_t len,
                     struct xhs_error *e)
{
    if (!xs_write(g->xs, XBT_NULL, path, value, (unsigned)len))
        return fail_key(e, path);
    return 0;
}

static int remove_key(struct xhsg *g, const char *path, struct xhs_error *e)
{
    if (!xs_rm(g->xs, XBT_NULL, path) && errno != ENOENT)
        return fail_key(e, path);
    return 0;
}

static int read_boot_id(char out[MSG_BOOT_ID_LEN + 1], struct xhs_error *e)
{
    static const char file[] = "/proc/sys/kernel/random/boot_id";
    char buf[64];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf);
    int errnum = errno;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errnum, "%s", file);
    enum msg_error bad = msg_parse_boot_id(buf, (size_t)n, out);
    if (bad)
        return xhs_fail(e, XHS_E_SYSTEM, "%s %s", file, msg_error_text(bad));
    return 0;
}

int xhsg_open(struct xhsg **out, struct xhs_error *e)
{
    char path[XHS_PATH_MAX];
    struct xhsg *g = calloc(1, sizeof *g);

    if (!g)
        return xhs_fail_errno(e, XHS_E_SYSTEM, ENOMEM, "libxhsguest");
    if (read_boot_id(g->boot_id, e) < 0)
        goto fail;
    g->xs = xs_open(0);
    g->watching = xs_open(0);
    if (!g->xs || !g->watching) {
        xhs_fail_errno(e, XHS_E_XEN, errno, "cannot reach xenstore (is this a Xen guest?)");
        goto fail;
    }
    /* The fd first, so that the watch's first event, which xenstored sends at once, shows on it. */
    g->fd = xs_fileno(g->watching);
    path_relative(path, PATH_G_DIR);
    if (g->fd < 0 || !xs_watch(g->watching, path, "xhsg")) {
        xhs_fail_errno(e, XHS_E_XEN, errno, "cannot watch xenstore %s", path);
        goto fail;
    }
    *out = g;
    return 0;

fail:
    xhsg_close(g);
    return -1;
}

void xhsg_close(struct xhsg *g)
{
    if (!g)
        return;
    xs_close(g->xs);
    xs_close(g->watching);
    free(g);
}

const char *xhsg_boot_id(const struct xhsg *g)
{
    return g->boot_id;
}

int xhsg_fd(const struct xhsg *g)
{
    return g->fd;
}

int xhsg_member(struct xhsg *g, struct xhsg_member *out, struct xhs_error *e)
{
    char format[MSG_MAX + 1], pair[MSG_MAX + 1], member[MSG_MAX + 1];
    struct xhsg_member m;

    if (read_word(g, PATH_G_FORMAT, format, e) < 0 || read_word(g, PATH_G_PAIR, pair, e) < 0 ||
        read_word(g, PATH_G_MEMBER, member, e) < 0)
        return -1;
    if (!msg_parse_u64(format, UINT64_MAX, &m.format) || !msg_valid_name(pair) ||
        (strcmp(member, "a") != 0 && strcmp(member, "b") != 0))
        return xhs_fail(e, XHS_E_PROTOCOL, "dom0 names no pair and member");
    strcpy(m.pair, pair);
    m.member = member[0];
    *out = m;
    return 0;
}

int xhsg_spare(struct xhsg *g, uint64_t *kb, struct xhs_error *e)
{
    char text[MSG_MAX + 1];
    uint64_t spare;

    if (read_word(g, PATH_G_SPARE, text, e) < 0)
        return -1;
    if (!msg_parse_u64(text, MSG_KB_MAX, &spare))
        return xhs_fail(e, XHS_E_PROTOCOL, "dom0 says no size in spare_kb");
    *kb = spare;
    return 0;
}

int xhsg_announce(struct xhsg *g, struct xhs_error *e)
{
    char path[XHS_PATH_MAX];
    struct id_text version = id_text(XHS_FORMAT);

    path_relative(path, PATH_D_BOOT_ID);
    if (write_key(g, path, g->boot_id, MSG_BOOT_ID_LEN, e) < 0)
        return -1;
    path_relative(path, PATH_D_VERSION);
    return write_key(g, path, version.s, strlen(version.s), e);
}

int xhsg_withdraw(struct xhsg *g, struct xhs_error *e)
{
    char path[XHS_PATH_MAX];

    return remove_key(g, path_relative(path, PATH_D_VERSION), e);
}

int xhsg_put_memory(struct xhsg *g, const struct msg_memory *m, struct xhs_error *e)
{
    char path[XHS_PATH_MAX], line[MSG_MAX];
    size_t len = msg_format_memory(line, m);

    return write_key(g, path_relative(path, PATH_D_MEMORY), line, len, e);
}

int xhsg_put_job(struct xhsg *g, const char *name, const struct msg_job *m, struct xhs_error *e)
{
    char path[XHS_PATH_MAX], line[MSG_MAX];
    size_t len = msg_format_job(line, m);

    return write_key(g, path_relative(path, PATH_D_JOB, name), line, len, e);
}

int xhsg_drop_job(struct xhsg *g, const char *name, struct xhs_error *e)
{
    char path[XHS_PATH_MAX];

    return remove_key(g, path_relative(path, PATH_D_JOB, name), e);
}

/* Names below path; a path that is not there has none. */
static char **list_keys(struct xhsg *g, const char *path, unsigned *n, struct xhs_error *e)
{
    char **names = xs_directory(g->xs, XBT_NULL, path, n);

    if (!names && errno == ENOENT) {
        *n = 0;
        names = calloc(1, sizeof *names);
    }
    if (!names)
        fail_key(e, path);
    return names;
}

char **xhsg_list_jobs(struct xhsg *g, unsigned *n, struct xhs_error *e)
{
    char path[XHS_PATH_MAX];

    return list_keys(g, path_relative(path, PATH_D_JOBS), n, e);
}

/* Read all watch events that are there. They may be coalesced and say only that something changed,
 * so their paths are not looked at. 1: there were some. */
static int drain_events(struct xhsg *g, struct xhs_error *e)
{
    char **event;
    int any = 0;

    while ((event = xs_check_watch(g->watching))) {
        free(event);
        any = 1;
    }
    if (errno != EAGAIN)
        return xhs_fail_errno(e, XHS_E_XEN, errno, "xenstore connection lost");
    return any;
}

static int list_requests(struct xhsg *g, struct xhs_error *e)
{
    char path[XHS_PATH_MAX];
    unsigned n;
    char **names = list_keys(g, path_relative(path, PATH_G_REQS), &n, e);

    if (!names)
        return -1;
    reqs_list(&g->reqs, names, n);
    free(names);
    g->changed = true;
    if (g->listed)
        return 0;
    /* What an earlier process of this boot has answered is answered. */
    names = list_keys(g, path_relative(path, PATH_D_REPLIES), &n, e);
    if (!names)
        return -1;
    reqs_mark_told(&g->reqs, names, n);
    free(names);
    g->listed = true;
    return 0;
}

/* 1: ev is filled in. 0: the request vanished meanwhile, or was refused here. */
static int read_request(struct xhsg *g, uint64_t id, struct xhsg_event *ev, struct xhs_error *e)
{
    char path[XHS_PATH_MAX], line[MSG_MAX + 1];
    enum msg_error bad = MSG_TOO_LONG;
    struct xhs_error err = { 0 };
    size_t len;

    path_relative(path, PATH_G_REQ, id_text(id).s);
    if (read_key(g, path, line, &len, &err) == 0)
        bad = msg_parse_req(line, len, &ev->req);
    else if (err.code == XHS_E_NOENT)
        return 0;
    else if (err.code != XHS_E_PROTOCOL)
        return xhs_fail(e, err.code, "%s", err.text);
    if (bad) {
        char text[MSG_TEXT_MAX + 1];
        snprintf(text, sizeof text, "the request %s", msg_error_text(bad));
        return xhsg_reply(g, id, false, text, e);
    }
    ev->what = XHSG_REQUEST;
    ev->id = id;
    return 1;
}

int xhsg_next(struct xhsg *g, struct xhsg_event *ev, struct xhs_error *e)
{
    for (;;) {
        if (reqs_next_gone(&g->reqs, &ev->id)) {
            /* A reply written just after dom0 gave up would stay for ever. */
            char path[XHS_PATH_MAX];
            ev->what = XHSG_GONE;
            path_relative(path, PATH_D_REPLY, id_text(ev->id).s);
            return remove_key(g, path, e) < 0 ? -1 : 1;
        }
        uint64_t id;
        if (reqs_next_new(&g->reqs, &id)) {
            int got = read_request(g, id, ev, e);
            if (got != 0)
                return got;
            continue;
        }
        if (g->changed) {
            g->changed = false;
            ev->what = XHSG_CHANGED;
            return 1;
        }
        int any = drain_events(g, e);
        if (any <= 0)
            return any;
        if (list_requests(g, e) < 0)
            return -1;
    }
}

int xhsg_granted(struct xhsg *g, const char *job, uint64_t id, struct xhs_error *e)
{
    char path[XHS_PATH_MAX], line[MSG_MAX + 1];
    struct xhs_error err = { 0 };
    size_t len;
    uint64_t granted;

    path_relative(path, PATH_G_RUN, job);
    if (read_key(g, path, line, &len, &err) < 0)
        return err.code == XHS_E_NOENT ? 0 : xhs_fail(e, err.code, "%s", err.text);
    if (len > 0 && line[len - 1] == '\n')
        line[len - 1] = '\0';
    if (!msg_parse_u64(line, UINT64_MAX, &granted))
        return xhs_fail(e, XHS_E_PROTOCOL, "xenstore %s: not a request id", path);
    return granted == id;
}

int xhsg_reply(struct xhsg *g, uint64_t id, bool ok, const char *text, struct xhs_error *e)
{
    char path[XHS_PATH_MAX], line[MSG_MAX];
    struct msg_reply m = { .ok = ok };

    strcpy(m.boot_id, g->boot_id);
    snprintf(m.text, sizeof m.text, "%s", text);
    size_t len = msg_format_reply(line, &m);
    return write_key(g, path_relative(path, PATH_D_REPLY, id_text(id).s), line, len, e);
}
