/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads for calls that block; results come back through an eventfd: see thread.h. */
#include "xen/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct task {
    struct threads *t;
    pthread_t thread;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
    bool over; /* under t->lock */
    struct task *next;
};

struct threads {
    struct evloop_fd *ready;
    int fd;
    pthread_mutex_t lock;
    struct task *tasks; /* the list itself belongs to the loop's thread */
};

static void *run(void *arg)
{
    struct task *task = arg;
    struct threads *t = task->t;

    task->work(task->arg);
    pthread_mutex_lock(&t->lock);
    task->over = true;
    pthread_mutex_unlock(&t->lock);
    /* Last: t lives on until this thread has been joined. It cannot fail: 2^64 - 2 fit in. */
    if (eventfd_write(t->fd, 1) != 0)
        perror("eventfd_write");
    return NULL;
}

/* Unlink one task that is over; NULL when there is none. */
static struct task *next_over(struct threads *t)
{
    struct task **at, *task;

    pthread_mutex_lock(&t->lock);
    for (at = &t->tasks; (task = *at) != NULL; at = &task->next) {
        if (task->over) {
            *at = task->next;
            break;
        }
    }
    pthread_mutex_unlock(&t->lock);
    return task;
}

static void finish(struct task *task)
{
    pthread_join(task->thread, NULL);
    task->done(task->arg); /* may start another */
    free(task);
}

static void on_ready(void *arg, int fd, int what)
{
    struct threads *t = arg;
    struct task *task;
    eventfd_t n;

    (void)what;
    eventfd_read(fd, &n);
    while ((task = next_over(t)) != NULL)
        finish(task);
}

struct threads *threads_new(struct evloop *loop)
{
    struct threads *t = calloc(1, sizeof *t);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (!t || fd < 0) {
        perror("threads");
        abort();
    }
    t->fd = fd;
    pthread_mutex_init(&t->lock, NULL);
    t->ready = evloop_fd_add(loop, fd, EV_LOOP_READ, on_ready, t);
    return t;
}

void threads_wait(struct threads *t)
{
    struct task *task = t->tasks, *next;

    t->tasks = NULL;
    for (; task; task = next) {
        next = task->next;
        finish(task);
    }
}

void threads_free(struct threads *t)
{
    if (!t)
        return;
    while (t->tasks)
        threads_wait(t);
    evloop_fd_del(t->ready);
    close(t->fd);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

int threads_run(struct threads *t, void (*work)(void *arg), void (*done)(void *arg), void *arg,
                struct xhs_error *err)
{
    struct task *task = calloc(1, sizeof *task);
    sigset_t all, old;
    int rc;

    if (!task)
        return xhs_fail_errno(err, XHS_E_SYSTEM, ENOMEM, "no memory for a thread");
    *task = (struct task){ .t = t, .work = work, .done = done, .arg = arg };

    /* Signals, libxl's SIGCHLD among them, are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&task->thread, NULL, run, task);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0) {
        free(task);
        return xhs_fail_errno(err, XHS_E_SYSTEM, rc, "no thread");
    }
    task->next = t->tasks;
    t->tasks = task;
    return 0;
}
