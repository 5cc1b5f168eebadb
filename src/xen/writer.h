/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes to xenstore that nobody waits for: a thread with a connection of its own carries them out,
 * so that the loop does not stand while xenstored answers for each key. What has to stand there
 * before something else is done goes through store.h.
 * Used by xhsd (host.c); tests/fake/fake_writer.c has the same functions on the virtual clock.
 */
#ifndef XHS_XEN_WRITER_H
#define XHS_XEN_WRITER_H

#include "xen/store.h"

struct writer;

typedef void writer_done_fn(void *arg, const struct xhs_error *err);

int writer_open(struct writer **out, struct evloop *loop, struct xhs_error *err);

/* Waits for the batch under way; those behind it are not written, and no fn is called. NULL is
 * fine. */
void writer_close(struct writer *w);

/* As store_apply, but over later: fn is called in the loop then. Paths and values are copied.
 * Batches are carried out one after the other, those with the same arg in this order. */
int writer_apply(struct writer *w, const struct store_change *change, size_t n, writer_done_fn *fn,
                 void *arg, struct xhs_error *err);

/* Returns when all with this arg are over, and their fn was called; they go before others. */
void writer_finish(struct writer *w, const void *arg);

#endif
