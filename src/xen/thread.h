/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call that blocks, in a thread of its own; its end comes back in the event loop. Not a pool:
 * such calls are few, and one that takes seconds must not hold up the next.
 * Used by worker.c (the hypervisor's destroy), dom_life.c (libxl's building of a domain) and
 * writer.c (xenstore).
 */
#ifndef XHS_XEN_THREAD_H
#define XHS_XEN_THREAD_H

#include "core/error.h"
#include "xen/evloop.h"

struct threads;

struct threads *threads_new(struct evloop *loop);

/* work(arg) in a thread, with all signals blocked; then done(arg), in the loop. -1 (SYSTEM): no
 * thread could be made, and neither is called. */
int threads_run(struct threads *t, void (*work)(void *arg), void (*done)(void *arg), void *arg,
                struct xhs_error *err);

/* Waits for those that run now, and calls their done. */
void threads_wait(struct threads *t);

/* The same, also for those that they start; then t is gone. NULL is fine. */
void threads_free(struct threads *t);

#endif
