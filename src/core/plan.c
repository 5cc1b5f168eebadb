/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Balloon targets: see plan.h. */
#include "core/plan.h"

uint64_t plan_growth_target(const struct plan_growth *g)
{
    uint64_t freed = g->victim_had_kb > g->victim_has_kb ? g->victim_had_kb - g->victim_has_kb : 0;
    uint64_t most = g->most_kb < g->transit_kb ? g->most_kb : g->transit_kb;
    uint64_t backed = g->loan_kb + freed;

    /* whole MiB: smaller steps cost the guest a wake-up each and bring nothing */
    if (backed < most)
        backed &= ~UINT64_C(1023);
    else
        backed = most;
    return g->own_kb + backed;
}

uint64_t plan_floor_kb(uint64_t overhead_kb, uint64_t used_kb)
{
    return overhead_kb + used_kb + PLAN_FLOOR_KB;
}

bool plan_settled(uint64_t tot_kb, uint64_t goal_kb)
{
    uint64_t off = tot_kb > goal_kb ? tot_kb - goal_kb : goal_kb - tot_kb;

    return off <= PLAN_TOLERANCE_KB;
}
