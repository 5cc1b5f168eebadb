/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches of writes to xenstore, one after the other, in a thread: see writer.h. */
#include "xen/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xen/thread.h"

struct batch {
    struct writer *w;
    struct store_change *change; /* the texts stand behind the last one */
    size_t n;
    writer_done_fn *fn;
    void *arg;
    struct xhs_error err;
    struct batch *next;
};

struct writer {
    struct store *store; /* the thread's */
    struct threads *threads;
    struct batch *first; /* under way, when there is one */
    bool closing;
};

int writer_open(struct writer **out, struct evloop *loop, struct xhs_error *err)
{
    struct writer *w = calloc(1, sizeof *w);

    *out = NULL;
    if (!w)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "xenstore");
    if (store_open(&w->store, loop, NULL, NULL, err) != 0) {
        free(w);
        return -1;
    }
    w->threads = threads_new(loop);
    *out = w;
    return 0;
}

static void batch_free(struct batch *b)
{
    free(b->change);
    free(b);
}

static void apply(void *arg)
{
    struct batch *b = arg;

    store_apply(b->w->store, b->change, b->n, &b->err);
}

static void applied(void *arg);

static int begin(struct writer *w, struct xhs_error *err)
{
    return threads_run(w->threads, apply, applied, w->first, err);
}

static void end(struct batch *b)
{
    b->fn(b->arg, &b->err);
    batch_free(b);
}

static void applied(void *arg)
{
    struct batch *b = arg;
    struct writer *w = b->w;

    w->first = b->next;
    if (w->closing) {
        batch_free(b);
        return;
    }
    while (w->first && begin(w, &w->first->err) != 0) {
        struct batch *failed = w->first;
        w->first = failed->next;
        end(failed);
    }
    end(b);
}

void writer_close(struct writer *w)
{
    if (!w)
        return;
    w->closing = true;
    threads_free(w->threads);
    while (w->first) {
        struct batch *b = w->first;
        w->first = b->next;
        batch_free(b);
    }
    store_close(w->store);
    free(w);
}

static char *keep(char **at, const char *text)
{
    char *kept = *at;

    if (!text)
        return NULL;
    *at = stpcpy(kept, text) + 1;
    return kept;
}

static struct store_change *copy(const struct store_change *change, size_t n)
{
    size_t size = n * sizeof *change;
    struct store_change *c;
    char *at;

    for (size_t i = 0; i < n; i++)
        size += strlen(change[i].path) + 1 + (change[i].value ? strlen(change[i].value) + 1 : 0);
    c = malloc(size);
    if (!c)
        return NULL;
    at = (char *)(c + n);
    for (size_t i = 0; i < n; i++) {
        c[i].path = keep(&at, change[i].path);
        c[i].value = keep(&at, change[i].value);
    }
    return c;
}

int writer_apply(struct writer *w, const struct store_change *change, size_t n, writer_done_fn *fn,
                 void *arg, struct xhs_error *err)
{
    struct batch *b = calloc(1, sizeof *b), **end = &w->first;

    if (b)
        *b = (struct batch){ .w = w, .change = copy(change, n), .n = n, .fn = fn, .arg = arg };
    if (!b || !b->change) {
        free(b);
        return xhs_fail_errno(err, XHS_E_SYSTEM, ENOMEM, "%zu changes for xenstore", n);
    }
    while (*end)
        end = &(*end)->next;
    *end = b;
    if (w->first != b || begin(w, err) == 0)
        return 0;
    w->first = NULL;
    batch_free(b);
    return -1;
}

/* To the places behind the one under way; false: there is none. */
static bool bring_forward(struct writer *w, const void *arg)
{
    struct batch *theirs = NULL, **end = &theirs, **at = &w->first->next, *b;

    while ((b = *at)) {
        if (b->arg != arg) {
            at = &b->next;
            continue;
        }
        *at = b->next;
        *end = b;
        end = &b->next;
    }
    if (end == &theirs)
        return false;
    *end = w->first->next;
    w->first->next = theirs;
    return true;
}

void writer_finish(struct writer *w, const void *arg)
{
    while (w->first && (bring_forward(w, arg) || w->first->arg == arg))
        threads_wait(w->threads);
}
