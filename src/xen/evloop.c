/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop on libevent 2. Not thread-safe, and it knows nothing of Xen: libxl's hooks are
 * in osevent.c. Called by xhsd and the other adapters; see evloop.h.
 */
#include "xen/evloop.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

struct evloop_signal {
    struct event *ev;
    evloop_fn *fn;
    void *arg;
    struct evloop_signal *next;
};

struct evloop {
    struct event_base *base;
    struct evloop_signal *signals;
    bool quit;
};

struct evloop_fd {
    struct evloop *loop;
    struct event *ev;
    int fd;
    int what;
    evloop_fd_fn *fn;
    void *arg;
};

struct evloop_timer {
    struct evloop *loop;
    struct event *ev;
    evloop_fn *fn;
    void *arg;
};

static void *must(void *p)
{
    if (!p) {
        fputs("event loop: out of memory\n", stderr);
        abort();
    }
    return p;
}

struct evloop *evloop_new(void)
{
    struct evloop *loop = must(calloc(1, sizeof *loop));
    struct event_config *cfg = must(event_config_new());

    /*
     * libevent counts a timer from the time it noted at the start of the round: with the cache a
     * timer set by a slow callback fires too early. Its default clock is coarse (4 ms).
     */
    event_config_set_flag(cfg, EVENT_BASE_FLAG_NO_CACHE_TIME | EVENT_BASE_FLAG_PRECISE_TIMER);
    loop->base = must(event_base_new_with_config(cfg));
    event_config_free(cfg);
    return loop;
}

void evloop_free(struct evloop *loop)
{
    if (!loop)
        return;
    while (loop->signals) {
        struct evloop_signal *s = loop->signals;
        loop->signals = s->next;
        event_free(s->ev);
        free(s);
    }
    event_base_free(loop->base);
    free(loop);
}

int evloop_run(struct evloop *loop)
{
    int rc = 0;

    if (!loop->quit)
        rc = event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    loop->quit = false;
    return rc < 0 ? -1 : 0;
}

/* Also before evloop_run: libevent alone would forget it. */
void evloop_quit(struct evloop *loop)
{
    loop->quit = true;
    event_base_loopbreak(loop->base);
}

int64_t evloop_now(struct evloop *loop)
{
    struct timespec ts;

    (void)loop;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void on_fd(evutil_socket_t fd, short ready, void *arg)
{
    struct evloop_fd *f = arg;
    int what = 0;

    if (ready & EV_READ)
        what |= EV_LOOP_READ;
    if (ready & EV_WRITE)
        what |= EV_LOOP_WRITE;
    f->fn(f->arg, fd, what); /* may free f */
}

static short events_of(int what)
{
    short events = EV_PERSIST;

    if (what & EV_LOOP_READ)
        events |= EV_READ;
    if (what & EV_LOOP_WRITE)
        events |= EV_WRITE;
    return events;
}

static void arm(struct evloop_fd *f)
{
    /* An event without READ or WRITE would be a timer to libevent: leave it out. */
    if (f->what != 0 && event_add(f->ev, NULL) != 0)
        must(NULL);
}

struct evloop_fd *evloop_fd_add(struct evloop *loop, int fd, int what, evloop_fd_fn *fn, void *arg)
{
    struct evloop_fd *f = must(calloc(1, sizeof *f));

    *f = (struct evloop_fd){ .loop = loop, .fd = fd, .what = what, .fn = fn, .arg = arg };
    f->ev = must(event_new(loop->base, fd, events_of(what), on_fd, f));
    arm(f);
    return f;
}

void evloop_fd_set(struct evloop_fd *f, int what)
{
    if (f->what == what)
        return;
    event_del(f->ev);
    f->what = what;
    event_assign(f->ev, f->loop->base, f->fd, events_of(what), on_fd, f);
    arm(f);
}

/* Safe from any callback: libevent drops an event that is already on its list for this round. */
void evloop_fd_del(struct evloop_fd *f)
{
    if (!f)
        return;
    event_free(f->ev);
    free(f);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct evloop_timer *t = arg;

    (void)fd;
    (void)what;
    t->fn(t->arg); /* may free t */
}

struct evloop_timer *evloop_timer_new(struct evloop *loop, evloop_fn *fn, void *arg)
{
    struct evloop_timer *t = must(calloc(1, sizeof *t));

    *t = (struct evloop_timer){ .loop = loop, .fn = fn, .arg = arg };
    t->ev = must(event_new(loop->base, -1, 0, on_timer, t));
    return t;
}

void evloop_timer_at(struct evloop_timer *t, int64_t at_ns)
{
    int64_t delay_us = 0;
    int64_t now = evloop_now(t->loop);

    if (at_ns > now)
        delay_us = (at_ns - now + 999) / 1000; /* upwards: never before at_ns */
    struct timeval tv = { .tv_sec = delay_us / 1000000, .tv_usec = delay_us % 1000000 };
    if (event_add(t->ev, &tv) != 0)
        must(NULL);
}

void evloop_timer_stop(struct evloop_timer *t)
{
    event_del(t->ev);
}

void evloop_timer_free(struct evloop_timer *t)
{
    if (!t)
        return;
    event_free(t->ev);
    free(t);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    struct evloop_signal *s = arg;

    (void)signo;
    (void)what;
    s->fn(s->arg);
}

void evloop_on_signal(struct evloop *loop, int signo, evloop_fn *fn, void *arg)
{
    struct evloop_signal *s = must(calloc(1, sizeof *s));

    s->fn = fn;
    s->arg = arg;
    s->ev = must(evsignal_new(loop->base, signo, on_signal, s));
    if (evsignal_add(s->ev, NULL) != 0)
        must(NULL);
    s->next = loop->signals;
    loop->signals = s;
}
