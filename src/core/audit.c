/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table against the hypervisor: see audit.h. */
#include "core/audit.h"

#include <stdio.h>

#include "core/plan.h"

#define MIB(kb) ((unsigned long long)(kb) / 1024)

bool audit_member(const struct pair *p, int member, enum audit_kind kind, char text[AUDIT_TEXT])
{
    const struct member *m = &p->m[member];
    uint64_t owned = pair_goal_kb(p, member), tot = m->look.tot_kb;
    uint64_t most = (tot > owned ? tot : owned) + PLAN_SLACK_KB + PLAN_TOLERANCE_KB;

    if (!pair_member_runs(m) || m->op != OP_NONE)
        return false;
    switch (kind) {
    case AUDIT_PAGES:
        snprintf(text, AUDIT_TEXT, "%.100s has %llu MiB, the table says %llu%s", m->name, MIB(tot),
                 MIB(owned), m->keeps ? ": it does not give the rest back" : "");
        return !plan_settled(tot, owned);
    case AUDIT_MAX:
        snprintf(text, AUDIT_TEXT, "%.100s may have %llu MiB (maxmem), the table says %llu: "
                 "somebody else raised it", m->name, MIB(m->look.max_kb), MIB(owned));
        return m->look.max_kb > most;
    case AUDIT_KINDS:
        break;
    }
    return false;
}

uint64_t audit_missing_kb(const struct pair *p)
{
    uint64_t kb = 0;

    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &p->m[i];
        uint64_t owned = pair_goal_kb(p, i);
        if (pair_member_runs(m) && owned > m->look.tot_kb)
            kb += owned - m->look.tot_kb;
    }
    return kb;
}

bool audit_host(const struct pool *pool, uint64_t free_kb, uint64_t claimed_kb,
                uint64_t missing_kb, char text[AUDIT_TEXT])
{
    uint64_t there = free_kb > claimed_kb ? free_kb - claimed_kb : 0;
    uint64_t want = pool_unused_kb(pool) + missing_kb;

    if (there + PLAN_TOLERANCE_KB >= want)
        return false;
    snprintf(text, AUDIT_TEXT, "the host has %llu MiB free and unclaimed, the pool counts on %llu: "
             "%llu MiB are in other hands", MIB(there), MIB(want), MIB(want - there));
    return true;
}
