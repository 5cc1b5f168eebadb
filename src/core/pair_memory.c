/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Balloon targets: every running member is brought to what the table says it owns; the heir of a
 * takeover grows in steps that memory stands behind. Orders only what differs from the last order.
 */
#include "core/pair_internal.h"

#include <stdio.h>

#include "core/plan.h"

static bool is_heir(const struct pair *p, int i)
{
    return p->intent.id && p->intent.heir == i;
}

/* The jobs' areas are still to come, also those that are committed. */
static uint64_t heir_target(const struct pair *p, uint64_t most_kb)
{
    const struct member *v = &p->m[p->intent.victim];
    struct plan_growth g = {
        .own_kb = p->heir_had_kb,
        .transit_kb = pair_goal_kb(p, p->intent.heir) - p->heir_had_kb,
        .most_kb = most_kb - p->heir_had_kb,
        .loan_kb = p->intent.loan_kb,
        .victim_had_kb = p->victim_had_kb,
        .victim_has_kb = v->look.at == LOOK_ABSENT || v->freed ? 0 : v->look.tot_kb,
    };

    return plan_growth_target(&g);
}

/* What the heir may grow to while jobs, its own or of other pairs, wait for what they need. */
static uint64_t modest_kb(const struct pair *p)
{
    uint64_t ordered = p->m[p->intent.heir].target_kb, kb = minimum_kb(p);

    return kb > ordered ? kb : ordered;
}

/* While jobs begin to run their guest's balloon would only be in their way; it has its time then. */
static bool jobs_begin(const struct pair *p, int64_t now_ns)
{
    return p->state == PAIR_MOVING ||
           (p->state == PAIR_STARTING && now_ns - p->entered_ns < START_FIRST_NS);
}

static bool held_back(const struct pair *p, const struct pool *pool, int64_t now_ns)
{
    return now_ns < pool->urgent_until_ns || jobs_begin(p, now_ns);
}

/* What this member should be ordered to have now; 0: nothing to order. */
static uint64_t wanted_kb(const struct pair *p, int i, const struct pool *pool, int64_t now_ns)
{
    const struct member *m = &p->m[i];
    uint64_t goal = pair_goal_kb(p, i);

    if (is_heir(p, i)) {
        uint64_t kb = heir_target(p, held_back(p, pool, now_ns) ? modest_kb(p) : UINT64_MAX);
        uint64_t has = m->look.tot_kb < goal ? m->look.tot_kb : goal;
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

/* To within the MiB that the plan rounds off. */
static bool reaches(uint64_t from_kb, uint64_t to_kb, uint64_t need_kb)
{
    return from_kb + 1024 <= need_kb && to_kb + 1024 > need_kb;
}

/* Worth an order? A growing heir is given its memory in steps, but at once what it was lent and
 * what its next job waits for, and in time what is left when no more is freed. */
static bool worth(const struct pair *p, int i, uint64_t kb, int64_t now_ns)
{
    const struct member *m = &p->m[i];

    if (kb == m->target_kb)
        return false;
    if (!is_heir(p, i) || kb < m->target_kb || kb == pair_goal_kb(p, i))
        return true;
    return kb >= m->target_kb + PLAN_STEP_KB || now_ns - m->ordered_ns >= NUDGE_NS ||
           reaches(m->target_kb, kb, start_kb(p)) ||
           reaches(m->target_kb, kb, minimum_kb(p)) ||
           reaches(m->target_kb, kb, p->heir_had_kb + p->intent.loan_kb);
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

    if (now_ns - m->ordered_ns < NUDGE_NS ||
        (is_heir(p, i) && now_ns - p->progress_ns < NUDGE_NS))
        return false;
    return !plan_settled(m->look.tot_kb, m->target_kb) ||
           m->look.max_kb > m->target_kb + PLAN_SLACK_KB;
}

/* Memory stands behind the heir's target, and it does not take it: a balloon that does not hear of
 * it from dom0 may still hear its own kernel's file. Asked once, until it grows. */
static void press_heir(struct pair *p, struct pool *pool, struct pair_actions *out)
{
    const struct member *m = &p->m[p->intent.heir];
    struct pair_action *a;

    if (plan_settled(m->look.tot_kb, m->target_kb) || p->nudges++ != BALLOON_NUDGES || !m->agent)
        return;
    p->balloon_id = pool_request(pool);
    pair_changed(p);
    a = act(out, ACT_ASK, p->intent.heir);
    a->request = p->balloon_id;
    a->op = MSG_OP_BALLOON;
    a->kb = m->target_kb;
    report(out, REPORT_ALERT, "%s does not take its memory: it has %llu of %llu MiB, and its agent "
           "is asked to set the balloon's target", m->name, MIB(m->look.tot_kb),
           MIB(m->target_kb));
}

const char *tried(const struct pair *p, char *buf, size_t size)
{
    buf[0] = '\0';
    if (p->nudges)
        snprintf(buf, size, "; its target was set %u times more%s", p->nudges,
                 p->nudges > BALLOON_NUDGES ? ", its agent asked to set it" : "");
    return buf;
}

static void regulate_member(struct pair *p, int i, struct pool *pool, int64_t now_ns,
                            struct pair_actions *out)
{
    struct member *m = &p->m[i];
    uint64_t kb = wanted_kb(p, i, pool, now_ns);

    if (kb == 0)
        return;
    if (worth(p, i, kb, now_ns)) {
        m->nudged = false;
        order(p, i, kb, now_ns, out);
    } else if (astray(p, i, now_ns)) {
        m->nudged = !m->nudged;
        order(p, i, m->target_kb, now_ns, out);
        if (is_heir(p, i))
            press_heir(p, pool, out);
    }
}

void regulate_memory(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &p->m[i];

        if (!pair_member_runs(m) || m->leaving || m->op == OP_CREATE)
            continue;
        if (is_heir(p, i) && now_ns < pool->urgent_until_ns &&
            plan_settled(m->look.tot_kb, m->target_kb))
            p->progress_ns = now_ns; /* no standstill: it has what it may have */
        regulate_member(p, i, pool, now_ns, out);
    }
}

/* What a victim loses is on its way to the heir: slow is not stuck. */
static void note_victim(struct pair *p, int64_t now_ns)
{
    const struct member *v = &p->m[p->intent.victim];
    uint64_t left_kb = v->freed || v->look.at == LOOK_ABSENT ? 0 : v->look.tot_kb;

    if (!p->intent.id || left_kb >= p->victim_left_kb)
        return;
    p->victim_left_kb = left_kb;
    p->progress_ns = now_ns;
}

/* Keep what the table says has arrived in step with the pages the hypervisor shows. */
void note_memory(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    note_victim(p, now_ns);
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &p->m[i];

        if (!pair_member_runs(m))
            continue;
        rmt_have(&p->rmt, i, m->look.tot_kb);
        if (!is_heir(p, i))
            continue;
        if (m->look.tot_kb > p->progress_kb) {
            p->progress_kb = m->look.tot_kb;
            p->progress_ns = now_ns;
            p->nudges = 0;
            withdraw(p, &p->balloon_id, out);
        }
        uint64_t own = rmt_owned_kb(&p->rmt, (enum owner)i);
        rmt_arrived(&p->rmt, m->look.tot_kb > own ? m->look.tot_kb - own : 0);
        if (m->look.tot_kb + PLAN_TOLERANCE_KB >= pair_goal_kb(p, i))
            stamp(p, PHASE_MEMORY, now_ns, out);
    }
}
