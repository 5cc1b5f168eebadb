/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Balloon targets: every running member is brought to what the table says it owns; the heir of a
 * takeover grows in steps that memory stands behind. Orders only what differs from the last order.
 */
#include "core/pair_internal.h"

#include "core/plan.h"

/* What the jobs on their way need before they can start. */
uint64_t jobs_minimum_kb(const struct pair *p)
{
    uint64_t kb = 0;

    for (unsigned i = 0; i < p->jobs; i++) {
        if (p->job[i].state == JOB_MOVING)
            kb += p->job[i].min_kb;
    }
    return kb;
}

static uint64_t heir_target(const struct pair *p)
{
    const struct member *v = &p->m[p->intent.victim];
    struct plan_growth g = {
        .own_kb = rmt_owned_kb(&p->rmt, (enum owner)p->intent.heir),
        .transit_kb = transit_kb(p),
        .loan_kb = p->intent.loan_kb,
        .victim_had_kb = p->victim_had_kb,
        .victim_has_kb = v->look.at == LOOK_ABSENT || v->freed ? 0 : v->look.tot_kb,
    };

    /* Once jobs' areas are committed they count as owned, though part of them is still to come. */
    if (committed(p)) {
        uint64_t jobs_kb = g.own_kb > p->heir_had_kb ? g.own_kb - p->heir_had_kb : 0;
        g.own_kb -= jobs_kb;
        g.transit_kb += jobs_kb;
    }
    return plan_growth_target(&g);
}

/* What this member should be ordered to have now; 0: nothing to order. */
static uint64_t wanted_kb(const struct pair *p, int i)
{
    const struct member *m = &p->m[i];
    uint64_t goal = pair_goal_kb(p, i);

    if (p->intent.id && p->intent.heir == i) {
        uint64_t kb = heir_target(p), has = m->look.tot_kb < goal ? m->look.tot_kb : goal;
        return kb > has ? kb : has; /* a new daemon may count less than it has got already */
    }
    if (m->look.tot_kb <= goal + PLAN_TOLERANCE_KB)
        return goal;
    if (!m->agent) /* its balloon driver may not be up yet; but it need not grow on */
        return m->target_kb > m->look.tot_kb ? m->look.tot_kb : 0;
    if (m->floor_kb > m->look.tot_kb) /* the guest's word does not make it grow */
        return m->look.tot_kb;
    return goal > m->floor_kb ? goal : m->floor_kb;
}

/* Worth an order? A growing heir is given its memory in steps. */
static bool worth(const struct pair *p, int i, uint64_t kb)
{
    const struct member *m = &p->m[i];

    if (kb == m->target_kb)
        return false;
    if (!p->intent.id || p->intent.heir != i || kb < m->target_kb || kb == pair_goal_kb(p, i))
        return true;
    return kb >= m->target_kb + PLAN_STEP_KB;
}

/* A page less, in turn, is a changed target, which wakes a balloon that has backed off. */
static void order(struct pair *p, int i, uint64_t kb, int64_t now_ns, struct pair_actions *out)
{
    struct member *m = &p->m[i];

    m->target_kb = kb;
    m->ordered_ns = now_ns;
    act(out, ACT_MEMORY, i)->kb = m->nudged ? kb - 4 : kb;
}

/* The guest does not follow, or somebody else moved its limit: its root takes what that allows. */
static bool astray(const struct pair *p, int i, int64_t now_ns)
{
    const struct member *m = &p->m[i];
    bool heir = p->intent.id && p->intent.heir == i;

    if (now_ns - m->ordered_ns < NUDGE_NS || (heir && now_ns - p->progress_ns < NUDGE_NS))
        return false;
    return !plan_settled(m->look.tot_kb, m->target_kb) ||
           m->look.max_kb > m->target_kb + PLAN_SLACK_KB;
}

void regulate_memory(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct member *m = &p->m[i];
        uint64_t kb;

        if (!pair_member_runs(m) || m->leaving || m->op == OP_CREATE)
            continue;
        kb = wanted_kb(p, i);
        if (kb == 0)
            continue;
        if (worth(p, i, kb)) {
            m->nudged = false;
            order(p, i, kb, now_ns, out);
        } else if (astray(p, i, now_ns)) {
            m->nudged = !m->nudged;
            order(p, i, m->target_kb, now_ns, out);
        }
    }
}

/* Keep what the table says has arrived in step with the pages the hypervisor shows. */
void note_memory(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &p->m[i];
        bool heir = p->intent.id && p->intent.heir == i;

        if (!pair_member_runs(m))
            continue;
        rmt_have(&p->rmt, i, m->look.tot_kb);
        if (!heir)
            continue;
        if (m->look.tot_kb > p->progress_kb) {
            p->progress_kb = m->look.tot_kb;
            p->progress_ns = now_ns;
        }
        uint64_t own = rmt_owned_kb(&p->rmt, (enum owner)i);
        rmt_arrived(&p->rmt, m->look.tot_kb > own ? m->look.tot_kb - own : 0);
        if (m->look.tot_kb + PLAN_TOLERANCE_KB >= pair_goal_kb(p, i))
            stamp(p, PHASE_MEMORY, now_ns, out);
    }
}
