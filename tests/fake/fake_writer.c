/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen/writer.h on the virtual clock: a batch takes a while, and is written all at once when that is
 * over. Called by the code under test.
 */
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

struct batch {
    struct store_change *change;
    size_t n;
    writer_done_fn *fn;
    void *arg;
    struct batch *next;
};

struct writer {
    struct evloop *loop;
    struct evloop_timer *timer;
    struct batch *first;
};

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free((char *)b->change[i].path);
        free((char *)b->change[i].value);
    }
    free(b->change);
    free(b);
}

static void set_timer(struct writer *w)
{
    evloop_timer_at(w->timer, evloop_now(w->loop) + fake_speed.writer_ns);
}

static void carry_out(struct writer *w, struct batch **at)
{
    struct batch *b = *at;
    struct xhs_error err = { 0 };

    store_apply(NULL, b->change, b->n, &err);
    *at = b->next;
    if (w->first)
        set_timer(w);
    b->fn(b->arg, &err);
    batch_free(b);
}

static void due(void *arg)
{
    struct writer *w = arg;

    if (w->first)
        carry_out(w, &w->first);
}

int writer_open(struct writer **out, struct evloop *loop, struct xhs_error *err)
{
    struct writer *w = fake_alloc(sizeof *w);

    (void)err;
    w->loop = loop;
    w->timer = evloop_timer_new(loop, due, w);
    *out = w;
    return 0;
}

void writer_close(struct writer *w)
{
    if (!w)
        return;
    while (w->first) {
        struct batch *b = w->first;
        w->first = b->next;
        batch_free(b);
    }
    evloop_timer_free(w->timer);
    free(w);
}

int writer_apply(struct writer *w, const struct store_change *change, size_t n, writer_done_fn *fn,
                 void *arg, struct xhs_error *err)
{
    struct batch *b = fake_alloc(sizeof *b), **end = &w->first;

    (void)err;
    *b = (struct batch){ .change = calloc(n, sizeof *change), .n = n, .fn = fn, .arg = arg };
    for (size_t i = 0; i < n; i++) {
        b->change[i].path = tree_strdup(change[i].path);
        b->change[i].value = change[i].value ? tree_strdup(change[i].value) : NULL;
    }
    if (!w->first)
        set_timer(w);
    while (*end)
        end = &(*end)->next;
    *end = b;
    return 0;
}

void writer_finish(struct writer *w, const void *arg)
{
    struct batch **at = &w->first;

    while (*at) {
        if ((*at)->arg == arg) {
            carry_out(w, at);
            at = &w->first;
        } else {
            at = &(*at)->next;
        }
    }
}
