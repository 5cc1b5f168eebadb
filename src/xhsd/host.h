/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host: the daemon's connections, the pool, the reserve and all pairs. It owns all state; it
 * brings pairs to life, looks at the hypervisor for them, and holds the reserve.
 * Not one pair's doings: pair_run.h. Used by main.c and control.c.
 */
#ifndef XHS_XHSD_HOST_H
#define XHS_XHSD_HOST_H

#include "core/config.h"
#include "core/pool.h"
#include "xen/dom.h"
#include "xen/evloop.h"
#include "xen/hyp.h"
#include "xen/store.h"
#include "xen/worker.h"
#include "xen/writer.h"
#include "xhsd/events.h"

#define HOST_RUN_DIR RUNDIR "/xhs"
#define HOST_DOMAINS_MAX 32752 /* Xen's own limit: one left out of a look would count as gone */

struct runner;

/* A difference that the audit found: since when, and whether it was said. */
struct lasting {
    int64_t since_ns; /* 0: there is none */
    bool said;
};

struct host {
    struct evloop *loop;
    struct hyp *hyp;
    struct dom *dom;
    struct worker *worker;
    struct store *own;    /* dom0's own keys and @releaseDomain */
    struct writer *writer;
    struct store *guests; /* what guests write: a storm there delays nobody else */
    struct events *events;
    struct host_config cfg;
    const char *cfg_file;
    struct pool pool;
    uint64_t stored_request; /* next_request as it stands in xenstore: ids below are ours to use */
    int64_t holder_domid;    /* xhs-reserve; -1: none */
    uint64_t holder_kb;      /* its claim; UINT64_MAX: not known */
    bool reserve_short;      /* the host has not that much; said once */
    struct lasting differs;  /* less is free than the pool counts on */
    uint64_t served;         /* pool.changes, when those who ask were last looked at */
    struct evloop_timer *serve;  /* looks at them again */
    struct evloop_timer *settle; /* host_settle */
    struct evloop_timer *sweep; /* looks once a second, whatever else happens */
    struct evloop_timer *reap;  /* removes pairs, when nobody stands on them */
    struct runner *pairs;
    struct hyp_dom doms[HOST_DOMAINS_MAX]; /* the last look */
    int ndoms;                             /* -1: it failed */
    void (*on_event)(void *arg, const struct event *e);
    void (*on_change)(void *arg, struct runner *r); /* a pair was stepped */
    void (*on_gone)(void *arg, struct runner *r);   /* it is stopped, and removed next */
    void *arg;
    int64_t started_ns;
    const char *test_kill_at; /* a phase or step; see xhsd(8), ENVIRONMENT */
};

/* Connects to everything; nothing is changed yet. */
int host_open(struct host *h, struct evloop *loop, const char *cfg_file, struct xhs_error *err);
void host_close(struct host *h);

/* Take up what an earlier daemon left, hold the reserve, start looking. */
int host_start(struct host *h, struct xhs_error *err);

/* Read xhs.cfg again: all of it, or nothing with the reason. */
int host_reload(struct host *h, struct xhs_error *err);

struct runner *host_pair(struct host *h, const char *name);
struct runner *host_pair_of_domain(struct host *h, const char *domain);

/* Adds a pair whose memory was taken from the pool. */
void host_add(struct host *h, struct runner *r);

/* The pair leaves as soon as it is stopped: its memory goes back, its keys and files go. */
void host_remove(struct host *h, struct runner *r);

/* The same at once, for a pair that is stopped; nobody may stand on it. */
void host_drop(struct host *h, struct runner *r);

/* Ask the hypervisor, and step every pair with what it shows, those with the most important jobs
 * first: what the reserve has is lent in this order. */
void host_look(struct host *h);

/* The same for pairs whose tick is due: many in a takeover share one answer of the hypervisor's. */
void host_look_due(struct host *h);

/* The reserve's claim follows the book; before a domain is built, and after all else. */
void host_hold_reserve(struct host *h);

/* hyp_claim for a member that grows, where need be of what the reserve's claim should not hold any
 * more, as it was lent. */
int host_claim(struct host *h, uint32_t domid, uint64_t kb, struct xhs_error *err);

/* Until when this pair's heir has to let those of others go first; 0: it need not. */
int64_t host_urgent_until_ns(const struct host *h, const struct runner *r);

/* What no job waits for is put off while the pair hurries: after the other pairs have been looked
 * at, runner_settle is called for one pair in each round of the loop. */
void host_settle(struct host *h, struct runner *r);

/* xenstored does not answer, or does not take what it is told: the daemon ends, and the next one
 * begins from what was stored last, which is what has been acted upon. */
void host_give_up(const struct xhs_error *err) __attribute__((noreturn));

/* Whoever asks for memory is looked at again, if the pool has changed; soon, not now. */
void host_serve(struct host *h);

/* Before request ids are used: make them durable. */
int host_store_requests(struct host *h, struct xhs_error *err);

#endif
