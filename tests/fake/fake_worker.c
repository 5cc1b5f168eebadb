/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen/worker.h on the virtual clock: the hypervisor frees a domain bit by bit, and the result
 * comes when it is done. Called by the code under test.
 */
#include <stdlib.h>

#include "fake_internal.h"

struct task {
    struct worker *w;
    uint32_t domid;
    struct xhs_error err;
    worker_done_fn *fn;
    void *arg;
    struct evloop_timer *timer;
    struct task *next;
};

struct worker {
    struct evloop *loop;
    struct task *tasks;
};

static void task_free(struct task *t)
{
    struct task **at = &t->w->tasks;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    evloop_timer_free(t->timer);
    free(t);
}

static void look(void *arg)
{
    struct task *t = arg;
    struct sim *s = sim_find(t->domid);

    if (t->err.code == XHS_E_NONE && s && s->killed && !s->dead) {
        evloop_timer_at(t->timer, evloop_now(t->w->loop) + FAKE_MS);
        return;
    }
    t->fn(t->arg, t->domid, &t->err);
    task_free(t);
}

struct worker *worker_new(struct evloop *loop, struct hyp *h)
{
    struct worker *w = fake_alloc(sizeof *w);

    (void)h;
    w->loop = loop;
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    while (w->tasks)
        task_free(w->tasks);
    free(w);
}

int worker_destroy(struct worker *w, uint32_t domid, worker_done_fn *fn, void *arg,
                   struct xhs_error *err)
{
    struct task *t = fake_alloc(sizeof *t);
    struct sim *s = sim_find(domid);

    (void)err;
    t->w = w;
    t->domid = domid;
    t->fn = fn;
    t->arg = arg;
    t->next = w->tasks;
    w->tasks = t;
    t->timer = evloop_timer_new(w->loop, look, t);
    if (!fake_failing(FAKE_WORKER_DESTROY, &t->err) && s && !s->dead && domid != 0)
        sim_kill(s);
    evloop_timer_at(t->timer, evloop_now(w->loop) + FAKE_MS);
    return 0;
}
