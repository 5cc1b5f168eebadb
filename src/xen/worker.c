/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread a victim, for hyp_destroy. Called by xhsd; see worker.h. */
#define _GNU_SOURCE /* CPU sets */
#include "xen/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "xen/thread.h"

#define DESTROY_NICE 10

struct worker {
    struct hyp *hyp;
    struct threads *threads;
    bool closing; /* nobody is told any more */
};

struct destroy {
    struct worker *w;
    uint32_t domid;
    worker_done_fn *fn;
    void *arg;
    struct xhs_error err;
};

/*
 * This thread's only. To free a domain is all dom0's own CPU time, and a CPU of dom0's that is busy
 * all the time has to share with all guests': one is left to the daemon and to xenstored, for the
 * pairs whose jobs still wait.
 */
static void stand_back(void)
{
    cpu_set_t cpus;
    int first = 0;

    setpriority(PRIO_PROCESS, 0, DESTROY_NICE);
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) < 2)
        return;
    while (!CPU_ISSET(first, &cpus))
        first++;
    CPU_CLR(first, &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
}

static void destroy(void *arg)
{
    struct destroy *d = arg;

    stand_back();
    hyp_destroy(d->w->hyp, d->domid, &d->err);
}

static void destroyed(void *arg)
{
    struct destroy *d = arg;

    if (!d->w->closing)
        d->fn(d->arg, d->domid, &d->err);
    free(d);
}

struct worker *worker_new(struct evloop *loop, struct hyp *h)
{
    struct worker *w = calloc(1, sizeof *w);

    if (!w) {
        perror("worker");
        abort();
    }
    w->hyp = h;
    w->threads = threads_new(loop);
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    w->closing = true;
    threads_free(w->threads);
    free(w);
}

int worker_destroy(struct worker *w, uint32_t domid, worker_done_fn *fn, void *arg,
                   struct xhs_error *err)
{
    struct destroy *d = calloc(1, sizeof *d);

    if (!d)
        return xhs_fail_errno(err, XHS_E_SYSTEM, ENOMEM, "destroy of domain %u", domid);
    *d = (struct destroy){ .w = w, .domid = domid, .fn = fn, .arg = arg };
    if (threads_run(w->threads, destroy, destroyed, d, err) == 0)
        return 0;
    free(d);
    return -1;
}
