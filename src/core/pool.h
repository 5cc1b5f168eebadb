/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's book: what xhs manages in all, what is kept in reserve, what is lent to takeovers
 * under way, who asks for unused memory, and the next request id. Members, reserve and unused
 * always add up to the pool.
 * Not the hypervisor's view: xhsd compares the two (audit.h). One per daemon; owned by host.c,
 * handed to pair_step, which draws from it.
 */
#ifndef XHS_CORE_POOL_H
#define XHS_CORE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/rmt.h"

#define POOL_ASKS_MAX 128

/* A job's request for unused memory that cannot be met, or not yet. */
struct pool_ask {
    char pair[MSG_NAME_MAX + 1];
    char job[RMT_KEY_MAX + 1];
    unsigned priority;
    uint64_t seq;     /* first come, first served */
    uint64_t min_kb;  /* with less it is of no use */
    uint64_t want_kb;
    int64_t until_ns; /* refused then; INT64_MAX: never */
};

struct pool {
    uint64_t pool_kb;
    uint64_t reserve_kb;
    uint64_t lent_kb;      /* of the reserve, to takeovers under way */
    uint64_t members_kb;   /* sum of all pairs' tables */
    uint64_t next_request; /* the next request id; never reused, also after a restart */
    uint64_t next_seq;
    uint64_t changes; /* +1 whenever one who asks might get more than before */
    /* Until then the heir of a pair may not grow beyond what its jobs need to start, as those of
     * another pair have not got that yet. Nothing that is kept: for each step asked anew of all
     * other pairs (pair_urgent_until_ns). */
    int64_t urgent_until_ns;
    struct pool_ask ask[POOL_ASKS_MAX]; /* in the order in which they are served */
    unsigned asks;
};

uint64_t pool_unused_kb(const struct pool *p);
uint64_t pool_reserve_left_kb(const struct pool *p); /* not lent */

/* For a new pair. MEMORY when unused is less than kb. */
int pool_take(struct pool *p, uint64_t kb, struct xhs_error *err);
void pool_give(struct pool *p, uint64_t kb);

/* As much of kb as the reserve still has. */
uint64_t pool_lend(struct pool *p, uint64_t kb);
void pool_repay(struct pool *p, uint64_t kb);

uint64_t pool_request(struct pool *p);

/*
 * Arbitration, the same for the same asks whatever order they are looked at in: those with a higher
 * priority first; among equals everybody's minimum before anybody's more; then first come. One
 * whose minimum is not there is passed over, and keeps nothing from those behind it: memory that
 * nobody can use yet is not held back. Never the reserve, never what was granted to others.
 */

/* Stand in the queue; for one who stands there already: with these figures, in the same place.
 * STATE when the queue is full. seq is filled in here. */
int pool_ask(struct pool *p, const struct pool_ask *ask, struct xhs_error *err);

/* True when its turn gives it its minimum now; *kb is what it gets, from its min_kb to want_kb. */
bool pool_allot(const struct pool *p, const char *pair, const char *job, uint64_t *kb);

void pool_remove(struct pool *p, unsigned i); /* the i-th ask */

/* Leave the queue. job NULL: all of the pair's. */
void pool_unask(struct pool *p, const char *pair, const char *job);

/* A new configuration. MEMORY when members and reserve do not fit in it; nothing changed then. */
int pool_resize(struct pool *p, uint64_t pool_kb, uint64_t reserve_kb, struct xhs_error *err);

#endif
