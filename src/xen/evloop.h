/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's one event loop: file descriptors, timers and signals over libevent.
 * Not thread-safe: worker threads report through a file descriptor (worker.h).
 * Used by xhsd and by the other adapters; tests/fake has one with a virtual clock.
 */
#ifndef XHS_XEN_EVLOOP_H
#define XHS_XEN_EVLOOP_H

#include <stdbool.h>
#include <stdint.h>

struct evloop;
struct evloop_fd;
struct evloop_timer;

enum { EV_LOOP_READ = 1, EV_LOOP_WRITE = 2 };

typedef void evloop_fd_fn(void *arg, int fd, int what);
typedef void evloop_fn(void *arg);

/* All of these end the process when memory runs out. */
struct evloop *evloop_new(void);
void evloop_free(struct evloop *loop);

/* Runs until evloop_quit. Returns 0, or -1 when the loop itself failed. */
int evloop_run(struct evloop *loop);
void evloop_quit(struct evloop *loop);

/* CLOCK_MONOTONIC, in ns. Read afresh at each call. */
int64_t evloop_now(struct evloop *loop);

/* what: EV_LOOP_READ | EV_LOOP_WRITE; changed with evloop_fd_set. The fd stays the caller's. */
struct evloop_fd *evloop_fd_add(struct evloop *loop, int fd, int what, evloop_fd_fn *fn, void *arg);
void evloop_fd_set(struct evloop_fd *f, int what);
void evloop_fd_del(struct evloop_fd *f);

/* A timer fires once after each evloop_timer_at; at_ns in the past fires in the next round. */
struct evloop_timer *evloop_timer_new(struct evloop *loop, evloop_fn *fn, void *arg);
void evloop_timer_at(struct evloop_timer *t, int64_t at_ns);
void evloop_timer_stop(struct evloop_timer *t);
void evloop_timer_free(struct evloop_timer *t);

/* fn runs in the loop, not in the signal handler. */
void evloop_on_signal(struct evloop *loop, int signo, evloop_fn *fn, void *arg);

#endif
