/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop on a virtual clock: timers fire in the order of their times, and the clock jumps
 * from one to the next. Descriptors are real and polled, without waiting, at each instant.
 * Called by the code under test (xen/evloop.h) and by the other fakes (fake_post).
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake.h"

#define STUCK_ROUNDS 100000 /* that many at one instant: someone re-arms itself for ever */

struct evloop_fd {
    struct evloop *loop;
    uint64_t round; /* the last one it was looked at in */
    int fd, what;
    evloop_fd_fn *fn;
    void *arg;
    struct evloop_fd *next;
};

struct evloop_timer {
    struct evloop *loop;
    int64_t at;
    uint64_t seq; /* order among equal times, and which round it was set in */
    bool armed;
    bool posted; /* made by fake_post: the loop frees it */
    evloop_fn *fn;
    void *arg;
    struct evloop_timer *next;
};

struct handler {
    int signo;
    evloop_fn *fn;
    void *arg;
    struct handler *next;
};

struct evloop {
    int64_t now;
    uint64_t seq, round;
    bool quit;
    struct evloop_fd *fds;
    struct evloop_timer *timers; /* all of them, armed or not */
    struct handler *handlers;
};

static void *must(size_t size)
{
    void *p = calloc(1, size);

    if (!p)
        abort();
    return p;
}

struct evloop *evloop_new(void)
{
    struct evloop *loop = must(sizeof *loop);

    loop->now = 1000 * FAKE_MS; /* not 0: that is "never" to some */
    return loop;
}

void evloop_free(struct evloop *loop)
{
    if (!loop)
        return;
    for (struct evloop_timer **at = &loop->timers; *at;) {
        struct evloop_timer *t = *at;
        if (t->posted) {
            *at = t->next;
            free(t);
        } else {
            at = &t->next;
        }
    }
    while (loop->handlers) {
        struct handler *h = loop->handlers;
        loop->handlers = h->next;
        free(h);
    }
    if (loop->timers || loop->fds) {
        fprintf(stderr, "fake: evloop_free with timers or descriptors still registered\n");
        abort();
    }
    free(loop);
}

void evloop_quit(struct evloop *loop)
{
    loop->quit = true;
}

int64_t evloop_now(struct evloop *loop)
{
    return loop->now;
}

/* ---- timers ---- */

struct evloop_timer *evloop_timer_new(struct evloop *loop, evloop_fn *fn, void *arg)
{
    struct evloop_timer *t = must(sizeof *t);

    *t = (struct evloop_timer){ .loop = loop, .fn = fn, .arg = arg, .next = loop->timers };
    loop->timers = t;
    return t;
}

void evloop_timer_at(struct evloop_timer *t, int64_t at_ns)
{
    t->at = at_ns;
    t->seq = ++t->loop->seq;
    t->armed = true;
}

void evloop_timer_stop(struct evloop_timer *t)
{
    t->armed = false;
}

void evloop_timer_free(struct evloop_timer *t)
{
    if (!t)
        return;
    struct evloop_timer **at = &t->loop->timers;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    free(t);
}

void fake_post(struct evloop *loop, int64_t delay_ns, evloop_fn *fn, void *arg)
{
    struct evloop_timer *t = evloop_timer_new(loop, fn, arg);

    t->posted = true;
    evloop_timer_at(t, loop->now + delay_ns);
}

/* The next timer to fire among those set before `seq`; NULL when none is armed. */
static struct evloop_timer *next_timer(struct evloop *loop, uint64_t seq)
{
    struct evloop_timer *best = NULL;

    for (struct evloop_timer *t = loop->timers; t; t = t->next) {
        if (t->armed && t->seq <= seq &&
            (!best || t->at < best->at || (t->at == best->at && t->seq < best->seq)))
            best = t;
    }
    return best;
}

static void fire(struct evloop_timer *t)
{
    evloop_fn *fn = t->fn;
    void *arg = t->arg;

    t->armed = false;
    if (t->posted)
        evloop_timer_free(t);
    fn(arg);
}

/* Timers that were due, and set, when the round began. What they set in the past is next round's.
 */
static bool fire_due(struct evloop *loop)
{
    uint64_t seq = loop->seq;
    bool any = false;
    struct evloop_timer *t;

    while (!loop->quit && (t = next_timer(loop, seq)) && t->at <= loop->now) {
        any = true;
        fire(t);
    }
    return any;
}

/* ---- descriptors ---- */

struct evloop_fd *evloop_fd_add(struct evloop *loop, int fd, int what, evloop_fd_fn *fn, void *arg)
{
    struct evloop_fd *f = must(sizeof *f);

    *f = (struct evloop_fd){ loop, 0, fd, what, fn, arg, loop->fds };
    loop->fds = f;
    return f;
}

void evloop_fd_set(struct evloop_fd *f, int what)
{
    f->what = what;
}

void evloop_fd_del(struct evloop_fd *f)
{
    if (!f)
        return;
    struct evloop_fd **at = &f->loop->fds;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    free(f);
}

static int ready(const struct evloop_fd *f)
{
    struct pollfd p = { .fd = f->fd };
    int what = 0;

    if (f->what & EV_LOOP_READ)
        p.events |= POLLIN;
    if (f->what & EV_LOOP_WRITE)
        p.events |= POLLOUT;
    if (!p.events || poll(&p, 1, 0) <= 0)
        return 0;
    if (p.revents & (POLLIN | POLLHUP | POLLERR))
        what |= EV_LOOP_READ;
    if (p.revents & (POLLOUT | POLLERR))
        what |= EV_LOOP_WRITE;
    return what & f->what;
}

static struct evloop_fd *not_yet_seen(struct evloop *loop)
{
    struct evloop_fd *f = loop->fds;

    while (f && f->round == loop->round)
        f = f->next;
    return f;
}

/* Each once, from the list's start again after each: a callback may free any of them. */
static bool fire_fds(struct evloop *loop)
{
    struct evloop_fd *f;
    bool any = false;

    loop->round++;
    while (!loop->quit && (f = not_yet_seen(loop))) {
        int what = ready(f);
        f->round = loop->round;
        if (what) {
            any = true;
            f->fn(f->arg, f->fd, what);
        }
    }
    return any;
}

/* ---- signals ---- */

void evloop_on_signal(struct evloop *loop, int signo, evloop_fn *fn, void *arg)
{
    struct handler *h = must(sizeof *h);

    *h = (struct handler){ signo, fn, arg, loop->handlers };
    loop->handlers = h;
}

void fake_signal(struct evloop *loop, int signo)
{
    for (struct handler *h = loop->handlers; h; h = h->next) {
        if (h->signo == signo)
            fake_post(loop, 0, h->fn, h->arg);
    }
}

/* ---- running ---- */

/* All that is due at this instant. */
static void run_instant(struct evloop *loop)
{
    for (int rounds = 0; !loop->quit; rounds++) {
        bool busy = fire_fds(loop);
        busy |= fire_due(loop);
        if (!busy)
            return;
        if (rounds > STUCK_ROUNDS) {
            fprintf(stderr, "fake: the loop does not get past %lld ms\n",
                    (long long)(loop->now / FAKE_MS));
            abort();
        }
    }
}

/* -1: nothing is left that could ever happen. */
int evloop_run(struct evloop *loop)
{
    int rc = 0;

    for (;;) {
        run_instant(loop);
        if (loop->quit)
            break;
        struct evloop_timer *t = next_timer(loop, loop->seq);
        if (!t) {
            rc = -1;
            break;
        }
        if (t->at > loop->now)
            loop->now = t->at;
    }
    loop->quit = false;
    return rc;
}

void fake_clock_run_until(struct evloop *loop, int64_t ns)
{
    for (;;) {
        run_instant(loop);
        if (loop->quit)
            break;
        struct evloop_timer *t = next_timer(loop, loop->seq);
        if (!t || t->at > ns)
            break;
        if (t->at > loop->now)
            loop->now = t->at;
    }
    if (!loop->quit && ns > loop->now)
        loop->now = ns;
    loop->quit = false;
}

void fake_clock_run_for(struct evloop *loop, int64_t ns)
{
    fake_clock_run_until(loop, loop->now + ns);
}

void fake_clock_jump(struct evloop *loop, int64_t ns)
{
    loop->now += ns;
}
