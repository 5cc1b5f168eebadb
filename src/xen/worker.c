/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread a victim, for hyp_destroy; results come back through an eventfd. Not a pool: victims
 * are few, and one that takes seconds must not hold up the next. Called by xhsd; see worker.h.
 */
#include "xen/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct task {
    struct worker *w;
    pthread_t thread;
    uint32_t domid;
    worker_done_fn *fn;
    void *arg;
    struct xhs_error err;
    bool over; /* under w->lock */
    struct task *next;
};

struct worker {
    struct evloop *loop;
    struct hyp *hyp;
    struct evloop_fd *ready;
    int fd;
    pthread_mutex_t lock;
    struct task *tasks; /* the list itself belongs to the loop's thread */
};

static void *run(void *arg)
{
    struct task *t = arg;
    struct worker *w = t->w;

    hyp_destroy(w->hyp, t->domid, &t->err);
    pthread_mutex_lock(&w->lock);
    t->over = true;
    pthread_mutex_unlock(&w->lock);
    /* Last: w lives on until this thread has been joined. It cannot fail: 2^64 - 2 fit in. */
    if (eventfd_write(w->fd, 1) != 0)
        perror("worker: eventfd_write");
    return NULL;
}

/* Unlink one task that is over; NULL when there is none. */
static struct task *next_over(struct worker *w)
{
    struct task **at, *t;

    pthread_mutex_lock(&w->lock);
    for (at = &w->tasks; (t = *at) != NULL; at = &t->next) {
        if (t->over) {
            *at = t->next;
            break;
        }
    }
    pthread_mutex_unlock(&w->lock);
    return t;
}

static void on_ready(void *arg, int fd, int what)
{
    struct worker *w = arg;
    struct task *t;
    eventfd_t n;

    (void)what;
    eventfd_read(fd, &n);
    while ((t = next_over(w)) != NULL) {
        pthread_join(t->thread, NULL);
        t->fn(t->arg, t->domid, &t->err); /* may start another */
        free(t);
    }
}

struct worker *worker_new(struct evloop *loop, struct hyp *h)
{
    struct worker *w = calloc(1, sizeof *w);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (!w || fd < 0) {
        perror("worker");
        abort();
    }
    w->loop = loop;
    w->hyp = h;
    w->fd = fd;
    pthread_mutex_init(&w->lock, NULL);
    w->ready = evloop_fd_add(loop, fd, EV_LOOP_READ, on_ready, w);
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    while (w->tasks) {
        struct task *t = w->tasks;
        w->tasks = t->next;
        pthread_join(t->thread, NULL);
        free(t);
    }
    evloop_fd_del(w->ready);
    close(w->fd);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

int worker_destroy(struct worker *w, uint32_t domid, worker_done_fn *fn, void *arg,
                   struct xhs_error *err)
{
    struct task *t = calloc(1, sizeof *t);
    sigset_t all, old;
    int rc;

    if (!t)
        return xhs_fail_errno(err, XHS_E_SYSTEM, ENOMEM, "destroy of domain %u", domid);
    t->w = w;
    t->domid = domid;
    t->fn = fn;
    t->arg = arg;

    /* Signals, libxl's SIGCHLD among them, are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&t->thread, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0) {
        free(t);
        return xhs_fail_errno(err, XHS_E_SYSTEM, rc, "thread for the destroy of domain %u", domid);
    }
    t->next = w->tasks;
    w->tasks = t;
    return 0;
}
