/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxl_osevent_hooks over evloop. It calls libxl from the loop only, never from within a hook:
 * libxl holds its lock there. Called by libxl, and by dom.c to set up; see osevent.h.
 */
#include "xen/osevent.h"

#define LIBXL_API_VERSION 0x041400
#include <libxl.h>
#include <libxl_event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/time.h>

struct reg {
    struct osevent *o;
    void *for_libxl;
    int fd;
    short events;
    struct evloop_fd *watch;    /* of a descriptor */
    struct evloop_timer *timer; /* of a timeout */
    LIST_ENTRY(reg) entry;
};

struct osevent {
    struct evloop *loop;
    libxl_ctx *ctx;
    LIST_HEAD(reg_list, reg) regs;
};

static struct reg *reg_new(struct osevent *o, void *for_libxl)
{
    struct reg *r = calloc(1, sizeof *r);

    if (!r)
        abort();
    r->o = o;
    r->for_libxl = for_libxl;
    LIST_INSERT_HEAD(&o->regs, r, entry);
    return r;
}

static void reg_free(struct reg *r)
{
    LIST_REMOVE(r, entry);
    evloop_fd_del(r->watch);
    evloop_timer_free(r->timer);
    free(r);
}

static int what_of(short events)
{
    return (events & (POLLIN | POLLPRI) ? EV_LOOP_READ : 0) |
           (events & POLLOUT ? EV_LOOP_WRITE : 0);
}

static void on_fd(void *arg, int fd, int what)
{
    struct reg *r = arg;
    short revents = (what & EV_LOOP_READ ? POLLIN : 0) | (what & EV_LOOP_WRITE ? POLLOUT : 0);

    /* libxl polls the descriptor itself before it acts. It may free r in there. */
    libxl_osevent_occurred_fd(r->o->ctx, r->for_libxl, fd, r->events, revents);
}

static int fd_register(void *user, int fd, void **out, short events, void *for_libxl)
{
    struct osevent *o = user;
    struct reg *r = reg_new(o, for_libxl);

    r->fd = fd;
    r->events = events;
    r->watch = evloop_fd_add(o->loop, fd, what_of(events), on_fd, r);
    *out = r;
    return 0;
}

static int fd_modify(void *user, int fd, void **update, short events)
{
    struct reg *r = *update;

    (void)user;
    (void)fd;
    r->events = events;
    evloop_fd_set(r->watch, what_of(events));
    return 0;
}

/* An event of r that is due in this very round is dropped with it: see evloop_fd_del. */
static void fd_deregister(void *user, int fd, void *for_app)
{
    (void)user;
    (void)fd;
    reg_free(for_app);
}

/* The only place where a timeout ends: libxl never deregisters one. */
static void on_timeout(void *arg)
{
    struct reg *r = arg;
    libxl_ctx *ctx = r->o->ctx;
    void *for_libxl = r->for_libxl;

    reg_free(r);
    libxl_osevent_occurred_timeout(ctx, for_libxl);
}

/* abs is wall-clock time, as of gettimeofday; the loop's is monotonic. */
static int64_t to_monotonic(struct evloop *loop, struct timeval abs)
{
    struct timeval now, left;

    gettimeofday(&now, NULL);
    if (!timercmp(&abs, &now, >))
        return 0;
    timersub(&abs, &now, &left);
    return evloop_now(loop) + left.tv_sec * INT64_C(1000000000) + left.tv_usec * INT64_C(1000);
}

static int timeout_register(void *user, void **out, struct timeval abs, void *for_libxl)
{
    struct osevent *o = user;
    struct reg *r = reg_new(o, for_libxl);

    r->timer = evloop_timer_new(o->loop, on_timeout, r);
    evloop_timer_at(r->timer, to_monotonic(o->loop, abs));
    *out = r;
    return 0;
}

/* Only ever to "as soon as possible", from libxl giving up a timeout: in the next round. */
static int timeout_modify(void *user, void **update, struct timeval abs)
{
    struct osevent *o = user;
    struct reg *r = *update;

    evloop_timer_at(r->timer, to_monotonic(o->loop, abs));
    return 0;
}

static void timeout_deregister(void *user, void *for_app)
{
    (void)user;
    (void)for_app;
    abort(); /* part of an interface that libxl gave up */
}

static const libxl_osevent_hooks hooks = {
    .fd_register = fd_register,
    .fd_modify = fd_modify,
    .fd_deregister = fd_deregister,
    .timeout_register = timeout_register,
    .timeout_modify = timeout_modify,
    .timeout_deregister = timeout_deregister,
};

struct osevent *osevent_new(struct evloop *loop, struct libxl__ctx *ctx)
{
    struct osevent *o = calloc(1, sizeof *o);

    if (!o)
        abort();
    o->loop = loop;
    o->ctx = ctx;
    LIST_INIT(&o->regs);
    libxl_osevent_register_hooks(ctx, &hooks, o);
    return o;
}

void osevent_free(struct osevent *o)
{
    if (!o)
        return;
    while (!LIST_EMPTY(&o->regs))
        reg_free(LIST_FIRST(&o->regs));
    free(o);
}
