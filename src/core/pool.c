/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's book: see pool.h. */
#include "core/pool.h"

#define MIB(kb) ((unsigned long long)(kb) / 1024)

uint64_t pool_unused_kb(const struct pool *p)
{
    uint64_t held = p->members_kb + p->reserve_kb;

    return p->pool_kb > held ? p->pool_kb - held : 0;
}

int pool_take(struct pool *p, uint64_t kb, struct xhs_error *err)
{
    if (kb > pool_unused_kb(p))
        return xhs_fail(err, XHS_E_MEMORY,
                        "the pair needs %llu MiB, the pool has %llu MiB unused: make pool in "
                        "xhs.cfg larger, or the pair smaller",
                        MIB(kb), MIB(pool_unused_kb(p)));
    p->members_kb += kb;
    return 0;
}

void pool_give(struct pool *p, uint64_t kb)
{
    p->members_kb -= kb < p->members_kb ? kb : p->members_kb;
}

uint64_t pool_lend(struct pool *p, uint64_t kb)
{
    uint64_t there = p->reserve_kb > p->lent_kb ? p->reserve_kb - p->lent_kb : 0;

    if (kb > there)
        kb = there;
    p->lent_kb += kb;
    return kb;
}

void pool_repay(struct pool *p, uint64_t kb)
{
    p->lent_kb -= kb < p->lent_kb ? kb : p->lent_kb;
}

uint64_t pool_request(struct pool *p)
{
    return p->next_request++;
}

int pool_resize(struct pool *p, uint64_t pool_kb, uint64_t reserve_kb, struct xhs_error *err)
{
    if (p->members_kb + reserve_kb > pool_kb)
        return xhs_fail(err, XHS_E_MEMORY,
                        "pairs hold %llu MiB; with a reserve of %llu MiB they do not fit in a "
                        "pool of %llu MiB",
                        MIB(p->members_kb), MIB(reserve_kb), MIB(pool_kb));
    if (p->lent_kb > reserve_kb)
        return xhs_fail(err, XHS_E_MEMORY, "a takeover under way has %llu MiB of the reserve",
                        MIB(p->lent_kb));
    p->pool_kb = pool_kb;
    p->reserve_kb = reserve_kb;
    return 0;
}
