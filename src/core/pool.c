/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's book: see pool.h. */
#include "core/pool.h"

#include <string.h>

#define MIB(kb) ((unsigned long long)(kb) / 1024)

uint64_t pool_unused_kb(const struct pool *p)
{
    uint64_t held = p->members_kb + p->reserve_kb;

    return p->pool_kb > held ? p->pool_kb - held : 0;
}

uint64_t pool_reserve_left_kb(const struct pool *p)
{
    return p->reserve_kb > p->lent_kb ? p->reserve_kb - p->lent_kb : 0;
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
    p->changes++;
}

uint64_t pool_lend(struct pool *p, uint64_t kb)
{
    uint64_t there = pool_reserve_left_kb(p);

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

static bool is_ask(const struct pool_ask *a, const char *pair, const char *job)
{
    return strcmp(a->pair, pair) == 0 && (!job || strcmp(a->job, job) == 0);
}

static void take_out(struct pool *p, unsigned i)
{
    memmove(&p->ask[i], &p->ask[i + 1], (--p->asks - i) * sizeof p->ask[0]);
}

void pool_remove(struct pool *p, unsigned i)
{
    take_out(p, i);
    p->changes++;
}

void pool_unask(struct pool *p, const char *pair, const char *job)
{
    for (unsigned i = 0; i < p->asks;) {
        if (!is_ask(&p->ask[i], pair, job)) {
            i++;
            continue;
        }
        pool_remove(p, i);
    }
}

int pool_ask(struct pool *p, const struct pool_ask *ask, struct xhs_error *err)
{
    struct pool_ask a = *ask;
    unsigned i = 0;

    if (a.want_kb < a.min_kb)
        a.want_kb = a.min_kb;
    while (i < p->asks && !is_ask(&p->ask[i], a.pair, a.job))
        i++;
    if (i == p->asks && p->asks == POOL_ASKS_MAX)
        return xhs_fail(err, XHS_E_STATE, "%d requests for memory wait already", POOL_ASKS_MAX);
    if (i < p->asks) {
        a.seq = p->ask[i].seq;
        if (a.priority != p->ask[i].priority || a.min_kb != p->ask[i].min_kb ||
            a.want_kb != p->ask[i].want_kb)
            p->changes++;
        take_out(p, i);
    } else {
        a.seq = p->next_seq++;
    }
    for (i = p->asks; i > 0; i--) {
        const struct pool_ask *before = &p->ask[i - 1];
        if (before->priority > a.priority ||
            (before->priority == a.priority && before->seq < a.seq))
            break;
        p->ask[i] = *before;
    }
    p->ask[i] = a;
    p->asks++;
    return 0;
}

bool pool_allot(const struct pool *p, const char *pair, const char *job, uint64_t *kb)
{
    uint64_t left = pool_unused_kb(p), more;
    unsigned from = 0, to, i;

    for (; from < p->asks; from = to) {
        bool served[POOL_ASKS_MAX] = { false };

        for (to = from; to < p->asks && p->ask[to].priority == p->ask[from].priority; to++) {
            served[to] = p->ask[to].min_kb <= left;
            if (served[to])
                left -= p->ask[to].min_kb;
        }
        for (i = from; i < to; i++) {
            more = served[i] ? p->ask[i].want_kb - p->ask[i].min_kb : 0;
            if (more > left)
                more = left;
            left -= more;
            if (is_ask(&p->ask[i], pair, job)) {
                *kb = p->ask[i].min_kb + more;
                return served[i];
            }
        }
    }
    return false;
}

int pool_resize(struct pool *p, uint64_t pool_kb, uint64_t reserve_kb, struct xhs_error *err)
{
    if (reserve_kb > pool_kb || p->members_kb > pool_kb - reserve_kb)
        return xhs_fail(err, XHS_E_MEMORY,
                        "pairs hold %llu MiB; with a reserve of %llu MiB they do not fit in a "
                        "pool of %llu MiB",
                        MIB(p->members_kb), MIB(reserve_kb), MIB(pool_kb));
    if (p->lent_kb > reserve_kb)
        return xhs_fail(err, XHS_E_MEMORY, "a takeover under way has %llu MiB of the reserve",
                        MIB(p->lent_kb));
    p->pool_kb = pool_kb;
    p->reserve_kb = reserve_kb;
    p->changes++;
    return 0;
}
