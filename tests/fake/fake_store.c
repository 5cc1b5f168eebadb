/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen/store.h over the tree of fake_tree.c. Watches coalesce: an event that is still queued is not
 * queued again. No quota and no permissions: this is dom0. Called by the code under test.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

struct watch {
    char *path, *token;
    struct watch *next;
};

struct event {
    char *path, *token;
    struct event *next;
};

struct store {
    struct evloop *loop;
    store_watch_fn *fn;
    void *arg;
    struct watch *watches;
    struct event *events;
    struct evloop_timer *deliver;
    struct store *next;
};
static struct store *stores;

/* ---- watches ---- */

static void queue(struct store *s, const char *path, const char *token)
{
    struct event **at = &s->events;

    for (; *at; at = &(*at)->next) {
        if (strcmp((*at)->path, path) == 0 && strcmp((*at)->token, token) == 0)
            return;
    }
    if (!s->events)
        evloop_timer_at(s->deliver, evloop_now(s->loop) + fake_speed.store_ns);
    *at = fake_alloc(sizeof **at);
    (*at)->path = tree_strdup(path);
    (*at)->token = tree_strdup(token);
}

static void event_free(struct event *e)
{
    free(e->path);
    free(e->token);
    free(e);
}

static void deliver(void *arg)
{
    struct store *s = arg;

    for (int i = 0; i < STORE_EVENTS_PER_ROUND && s->events; i++) {
        struct event *e = s->events;
        s->events = e->next;
        s->fn(s->arg, e->path, e->token);
        event_free(e);
    }
    if (s->events)
        evloop_timer_at(s->deliver, evloop_now(s->loop) + 1000); /* next round */
}

void stores_fire(const char *path, bool exact)
{
    for (struct store *s = stores; s; s = s->next) {
        for (struct watch *w = s->watches; w; w = w->next) {
            if (exact ? strcmp(w->path, path) == 0 : tree_below(w->path, path))
                queue(s, path, w->token);
        }
    }
}

/* ---- connections ---- */

int store_open(struct store **out, struct evloop *loop, store_watch_fn *fn, void *arg,
               struct xhs_error *err)
{
    struct store *s = fake_alloc(sizeof *s);

    (void)err;
    s->loop = loop;
    s->fn = fn;
    s->arg = arg;
    s->deliver = evloop_timer_new(loop, deliver, s);
    s->next = stores;
    stores = s;
    *out = s;
    return 0;
}

static void watch_free(struct watch *w)
{
    free(w->path);
    free(w->token);
    free(w);
}

void store_close(struct store *s)
{
    struct store **at = &stores;

    if (!s)
        return;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    while (s->watches) {
        struct watch *w = s->watches;
        s->watches = w->next;
        watch_free(w);
    }
    while (s->events) {
        struct event *e = s->events;
        s->events = e->next;
        event_free(e);
    }
    evloop_timer_free(s->deliver);
    free(s);
}

static int no_such(struct xhs_error *err, const char *verb, const char *path)
{
    return xhs_fail_errno(err, XHS_E_NOENT, ENOENT, "cannot %s %s in xenstore", verb, path);
}

long store_read(struct store *s, const char *path, char *buf, size_t size, struct xhs_error *err)
{
    const char *v;

    (void)s;
    if (fake_failing(FAKE_STORE_READ, err))
        return -1;
    v = tree_value(path);
    if (!v)
        return no_such(err, "read", path);
    if (size > 0)
        snprintf(buf, size, "%s", v);
    return strlen(v);
}

char **store_list(struct store *s, const char *path, unsigned *n, struct xhs_error *err)
{
    char **names;

    (void)s;
    if (fake_failing(FAKE_STORE_LIST, err))
        return NULL;
    names = tree_children(path, n);
    if (!names)
        no_such(err, "list", path);
    return names;
}

void store_free_list(char **names)
{
    free(names);
}

/* What xenstored refuses from dom0. */
static int refused(const struct store_change *c, struct xhs_error *err)
{
    size_t n = strlen(c->path);
    int why = 0;

    if (c->path[0] != '/' || n > 3072 || strstr(c->path, "//") || (n > 1 && c->path[n - 1] == '/'))
        why = EINVAL;
    else if (n + 1 + (c->value ? strlen(c->value) : 0) > STORE_VALUE_MAX)
        why = E2BIG;
    if (!why)
        return 0;
    return xhs_fail_errno(err, XHS_E_XEN, why, "cannot change %s in xenstore", c->path);
}

static void carry_out(const struct store_change *c)
{
    if (c->value)
        tree_write(c->path, c->value, 0);
    else
        tree_remove(c->path);
}

static int change(const struct store_change *c, struct xhs_error *err)
{
    if (fake_failing(FAKE_STORE_WRITE, err) || refused(c, err))
        return -1;
    carry_out(c);
    return 0;
}

int store_write(struct store *s, const char *path, const char *value, struct xhs_error *err)
{
    (void)s;
    return change(&(struct store_change){ path, value }, err);
}

int store_remove(struct store *s, const char *path, struct xhs_error *err)
{
    (void)s;
    return change(&(struct store_change){ path, NULL }, err);
}

int store_apply(struct store *s, const struct store_change *changes, size_t n,
                struct xhs_error *err)
{
    (void)s;
    if (fake_failing(FAKE_STORE_APPLY, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (refused(&changes[i], err))
            return -1;
    }
    for (size_t i = 0; i < n; i++)
        carry_out(&changes[i]);
    return 0;
}

int store_watch(struct store *s, const char *path, const char *token, struct xhs_error *err)
{
    struct watch *w;

    if (fake_failing(FAKE_STORE_WATCH, err))
        return -1;
    for (w = s->watches; w; w = w->next) {
        if (strcmp(w->path, path) == 0 && strcmp(w->token, token) == 0)
            return xhs_fail_errno(err, XHS_E_XEN, EEXIST, "cannot watch %s in xenstore", path);
    }
    w = fake_alloc(sizeof *w);
    w->path = tree_strdup(path);
    w->token = tree_strdup(token);
    w->next = s->watches;
    s->watches = w;
    queue(s, path, token);
    return 0;
}

/* Events of this watch that are queued go with it. */
void store_unwatch(struct store *s, const char *path, const char *token)
{
    for (struct watch **at = &s->watches; *at; at = &(*at)->next) {
        struct watch *w = *at;
        if (strcmp(w->path, path) == 0 && strcmp(w->token, token) == 0) {
            *at = w->next;
            watch_free(w);
            break;
        }
    }
    for (struct event **at = &s->events; *at;) {
        struct event *e = *at;
        if (strcmp(e->token, token) == 0 && tree_below(path, e->path)) {
            *at = e->next;
            event_free(e);
        } else {
            at = &e->next;
        }
    }
}

bool store_alive(struct store *s)
{
    (void)s;
    return !fake_failing(FAKE_STORE_ALIVE, NULL);
}
