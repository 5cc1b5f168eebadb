/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's book: what xhs manages in all, what is kept in reserve, what is lent to takeovers
 * under way, and the next request id. Members, reserve and unused always add up to the pool.
 * Not the hypervisor's view: xhsd compares the two. One per daemon; owned by host.c, handed to
 * pair_step, which draws from it.
 */
#ifndef XHS_CORE_POOL_H
#define XHS_CORE_POOL_H

#include <stdint.h>

#include "core/error.h"

struct pool {
    uint64_t pool_kb;
    uint64_t reserve_kb;
    uint64_t lent_kb;      /* of the reserve, to takeovers under way */
    uint64_t members_kb;   /* sum of all pairs' tables */
    uint64_t next_request; /* the next request id; never reused, also after a restart */
};

uint64_t pool_unused_kb(const struct pool *p);

/* For a new pair. MEMORY when unused is less than kb. */
int pool_take(struct pool *p, uint64_t kb, struct xhs_error *err);
void pool_give(struct pool *p, uint64_t kb);

/* As much of kb as the reserve still has. */
uint64_t pool_lend(struct pool *p, uint64_t kb);
void pool_repay(struct pool *p, uint64_t kb);

uint64_t pool_request(struct pool *p);

/* A new configuration. MEMORY when members and reserve do not fit in it; nothing changed then. */
int pool_resize(struct pool *p, uint64_t pool_kb, uint64_t reserve_kb, struct xhs_error *err);

#endif
