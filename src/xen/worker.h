/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread a victim, for the one call that blocks: the hypervisor's own destroy. The result comes
 * back in the event loop. Not a thread pool. Used by xhsd; tests/fake has one that runs on the
 * virtual clock.
 */
#ifndef XHS_XEN_WORKER_H
#define XHS_XEN_WORKER_H

#include "core/error.h"
#include "xen/evloop.h"
#include "xen/hyp.h"

struct worker;

/* Runs in the loop when the destroy is over; err->code is XHS_E_NONE when it went well. */
typedef void worker_done_fn(void *arg, uint32_t domid, const struct xhs_error *err);

struct worker *worker_new(struct evloop *loop, struct hyp *h);
void worker_free(struct worker *w); /* waits for the threads still running */

/* -1 when no thread could be made (err SYSTEM). */
int worker_destroy(struct worker *w, uint32_t domid, worker_done_fn *fn, void *arg,
                   struct xhs_error *err);

#endif
