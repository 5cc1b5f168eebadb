/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstore through libxenstore. No cache, no permissions to set, no relative paths.
 * Called by xhsd and by dom_life.c; see store.h.
 *
 * Watches have a connection of their own: at the first one libxenstore starts a thread that reads
 * for all who use the connection, and every answer would be two changes of thread later. It blocks
 * all signals, so they stay with the thread that runs the loop. Descriptors are close-on-exec.
 */
#include "xen/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#define APPLY_TRIES 20

struct watch {
    char *path, *token;
    struct watch *next;
};

struct store {
    struct xs_handle *xs;
    struct xs_handle *watching;
    struct evloop_fd *readable;
    store_watch_fn *fn;
    void *arg;
    struct watch *watches;
};

/* Is the event one of a watch that still is? Some may be queued when a watch is taken back. */
static bool wanted(const struct store *s, const char *path, const char *token)
{
    for (const struct watch *w = s->watches; w; w = w->next) {
        if (strcmp(w->token, token) == 0 &&
            (strcmp(w->path, "/") == 0 || xs_path_is_subpath(w->path, path)))
            return true;
    }
    return false;
}

/*
 * xs_fileno is a pipe that holds one byte as long as libxenstore's own list has events: what is
 * left over here makes it readable again in the next round, without a timer.
 */
static void on_readable(void *arg, int fd, int what)
{
    struct store *s = arg;

    (void)fd;
    (void)what;
    for (int i = 0; i < STORE_EVENTS_PER_ROUND; i++) {
        char **event = xs_check_watch(s->watching);
        if (!event)
            break;
        if (wanted(s, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]))
            s->fn(s->arg, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
        free(event);
    }
}

static int open_watching(struct store *s, struct evloop *loop, struct xhs_error *err)
{
    int fd;

    s->watching = xs_open(0);
    if (!s->watching)
        return xhs_fail_errno(err, XHS_E_XEN, errno, "cannot connect to xenstored");
    fd = xs_fileno(s->watching);
    if (fd < 0)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot wait for xenstore's watches");
    s->readable = evloop_fd_add(loop, fd, EV_LOOP_READ, on_readable, s);
    return 0;
}

int store_open(struct store **out, struct evloop *loop, store_watch_fn *fn, void *arg,
               struct xhs_error *err)
{
    struct store *s = calloc(1, sizeof *s);

    *out = NULL;
    if (!s)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "xenstore");
    s->fn = fn;
    s->arg = arg;
    s->xs = xs_open(0);
    if (!s->xs) {
        xhs_fail_errno(err, XHS_E_XEN, errno, "cannot connect to xenstored");
        goto out;
    }
    if (fn && open_watching(s, loop, err) != 0)
        goto out;
    *out = s;
    return 0;
out:
    store_close(s);
    return -1;
}

static void free_watch(struct watch *w)
{
    if (!w)
        return;
    free(w->path);
    free(w->token);
    free(w);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    evloop_fd_del(s->readable);
    while (s->watches) {
        struct watch *w = s->watches;
        s->watches = w->next;
        free_watch(w);
    }
    xs_close(s->xs);
    xs_close(s->watching);
    free(s);
}

static int fail(struct xhs_error *err, const char *verb, const char *path)
{
    return xhs_fail_errno(err, errno == ENOENT ? XHS_E_NOENT : XHS_E_XEN, errno,
                          "cannot %s %s in xenstore", verb, path);
}

long store_read(struct store *s, const char *path, char *buf, size_t size, struct xhs_error *err)
{
    unsigned len;
    char *value = xs_read(s->xs, XBT_NULL, path, &len);

    if (!value)
        return fail(err, "read", path);
    if (size > 0) {
        size_t n = len < size - 1 ? len : size - 1;
        memcpy(buf, value, n);
        buf[n] = '\0';
    }
    free(value);
    return len;
}

char **store_list(struct store *s, const char *path, unsigned *n, struct xhs_error *err)
{
    char **names = xs_directory(s->xs, XBT_NULL, path, n);

    if (!names)
        fail(err, "list", path);
    return names;
}

void store_free_list(char **names)
{
    free(names); /* one block, the names included */
}

/* A key whose parent is absent as well is ENOENT to xenstored, one with a parent is not. */
static int change(struct store *s, xs_transaction_t t, const struct store_change *c,
                  struct xhs_error *err)
{
    if (c->value) {
        if (!xs_write(s->xs, t, c->path, c->value, strlen(c->value)))
            return fail(err, "write", c->path);
    } else if (!xs_rm(s->xs, t, c->path) && errno != ENOENT) {
        return fail(err, "remove", c->path);
    }
    return 0;
}

int store_write(struct store *s, const char *path, const char *value, struct xhs_error *err)
{
    struct store_change c = { path, value };

    return change(s, XBT_NULL, &c, err);
}

int store_remove(struct store *s, const char *path, struct xhs_error *err)
{
    struct store_change c = { path, NULL };

    return change(s, XBT_NULL, &c, err);
}

int store_apply(struct store *s, const struct store_change *changes, size_t n,
                struct xhs_error *err)
{
    for (int tries = 0; tries < APPLY_TRIES; tries++) {
        xs_transaction_t t = xs_transaction_start(s->xs);
        if (t == XBT_NULL) /* as a transaction's id it would mean "outside of any" */
            return fail(err, "start a transaction for", n ? changes[0].path : "nothing");
        for (size_t i = 0; i < n; i++) {
            if (change(s, t, &changes[i], err) != 0) {
                xs_transaction_end(s->xs, t, true);
                return -1;
            }
        }
        if (xs_transaction_end(s->xs, t, false))
            return 0;
        if (errno != EAGAIN)
            return fail(err, "commit", n ? changes[0].path : "nothing");
    }
    return xhs_fail(err, XHS_E_AGAIN, "%d transactions on %s met with other writers", APPLY_TRIES,
                    n ? changes[0].path : "nothing");
}

int store_watch(struct store *s, const char *path, const char *token, struct xhs_error *err)
{
    struct watch *w = calloc(1, sizeof *w);

    if (w) {
        w->path = strdup(path);
        w->token = strdup(token);
    }
    if (!w || !w->path || !w->token) {
        free_watch(w);
        return xhs_fail_errno(err, XHS_E_SYSTEM, ENOMEM, "watch on %s", path);
    }
    if (!xs_watch(s->watching, path, token)) {
        fail(err, "watch", path);
        free_watch(w);
        return -1;
    }
    w->next = s->watches;
    s->watches = w;
    return 0;
}

void store_unwatch(struct store *s, const char *path, const char *token)
{
    struct watch **at = &s->watches, *w;

    while ((w = *at) && (strcmp(w->path, path) != 0 || strcmp(w->token, token) != 0))
        at = &w->next;
    if (!w)
        return;
    /* Not XS_UNWATCH_FILTER: 4.17's frees the queued events without their bodies. See wanted(). */
    xs_unwatch(s->watching, path, token);
    *at = w->next;
    free_watch(w);
}

bool store_alive(struct store *s)
{
    unsigned len;
    char *value = xs_read(s->xs, XBT_NULL, "/", &len);
    bool alive = value != NULL;

    free(value);
    return alive;
}
