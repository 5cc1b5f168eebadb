/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A takeover's work, phase by phase: fence, plan, move, engage, commit, start. Each function may
 * run again after a restart of the daemon, at any point, and then goes on from the facts.
 */
#include "core/pair_internal.h"

#include <stdio.h>
#include <string.h>

#include "core/feasible.h"
#include "core/plan.h"

void stamp(struct pair *p, enum pair_phase phase, int64_t now_ns, struct pair_actions *out)
{
    struct pair_action *a;

    if (!p->takeover.request || p->takeover.done || p->takeover.at_ns[phase])
        return;
    p->takeover.at_ns[phase] = now_ns;
    a = act(out, ACT_EVENT, MEMBER_NONE);
    a->event = REPORT_PHASE;
    a->phase = phase;
    a->mark = pair_phase_word(phase);
    a->phase_ns = now_ns - p->takeover.at_ns[PHASE_DETECT];
    snprintf(a->text, sizeof a->text, "%s -> %s", p->m[p->takeover.victim].name,
             p->m[p->takeover.heir].name);
}

static void open_timeline(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    p->takeover = (struct timeline){
        .request = p->intent.id,
        .victim = p->intent.victim,
        .heir = other_member(p->intent.victim),
    };
    stamp(p, PHASE_DETECT, now_ns, out);
}

void enter_fencing(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int a = p->active;

    p->fault_ns = now_ns;
    if (!p->intent.id && member_down(&p->m[a])) {
        p->intent = (struct intent){
            .id = pool_request(pool),
            .phase = PHASE_FENCE,
            .victim = a,
            .heir = MEMBER_NONE,
        };
        p->victim_had_kb = 0;
        open_timeline(p, now_ns, out);
    } else if (p->intent.id && p->takeover.request != p->intent.id) {
        open_timeline(p, now_ns, out); /* resumed by another daemon: its own clock starts here */
    }
    for (int i = 0; i < MEMBERS; i++)
        p->m[i].retry_ns = 0;
}

void during_fencing(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct member *m = &p->m[i];
        if (member_needs_fence(p, i) && !m->fenced && m->op == OP_NONE && now_ns >= m->retry_ns)
            start_op(p, i, OP_FENCE, 0, out);
    }
}

/* The victim's memory back early, beside everything else: libxl's own destroy frees it last. */
void free_victim(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    struct member *m;

    if (!p->intent.id)
        return;
    m = &p->m[p->intent.victim];
    if (m->fenced && !m->freed && m->op == OP_NONE && m->domid >= 0 && now_ns >= m->retry_ns)
        start_op(p, p->intent.victim, OP_FREE, 0, out);
}

/* What the heir would have if all the surplus stayed behind. */
static uint64_t least_need_kb(const struct pair *p, int victim)
{
    struct rmt t = p->rmt;

    rmt_keep(&t, victim, UINT64_MAX);
    return feasible_need_kb(&t, victim);
}

/* What the heir may not have: areas of jobs that wait, and what is beyond max_memory, which only a
 * forced request can have brought about: the surplus first, then whole jobs, by priority. */
static void leave_behind(struct pair *p, int victim, struct pair_actions *out)
{
    uint64_t max = p->cfg.max_memory_kb, need;
    int i;

    for (unsigned k = 0; k < p->jobs; k++) {
        const struct job *j = &p->job[k];
        if (j->state == JOB_WAITING && (job_hot(j) || j->member == victim))
            rmt_release(&p->rmt, j->key, NULL);
    }
    while (least_need_kb(p, victim) > max && (i = least_job(p, victim)) >= 0) {
        struct job *least = &p->job[i];
        report(out, REPORT_ALERT, "job %s is not moved: %s may not have so much (max_memory)",
               least->name, p->m[other_member(victim)].name);
        set_job(p, least, JOB_FAILED, "the heir may not have its memory", out);
        rmt_release(&p->rmt, least->key, NULL);
    }
    need = feasible_need_kb(&p->rmt, victim);
    if (need > max)
        rmt_keep(&p->rmt, victim, need - max);
}

void enter_moving(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int victim = p->intent.victim, heir = other_member(victim);
    uint64_t min_kb;

    stamp(p, PHASE_FENCE, now_ns, out);
    p->intent.heir = heir;
    p->progress_kb = p->m[heir].look.tot_kb;
    p->progress_ns = now_ns;
    p->engaged = false;
    if (p->engage_id) /* not answered */
        act(out, ACT_FORGET, heir)->request = p->engage_id;
    p->engage_id = 0;
    if (committed(p)) /* by an earlier daemon */
        return;
    leave_behind(p, victim, out);
    p->heir_had_kb = rmt_owned_kb(&p->rmt, (enum owner)heir);
    rmt_fault(&p->rmt, victim);
    if (!p->victim_had_kb) /* gone before it was seen */
        p->victim_had_kb = rmt_total_kb(&p->rmt) - p->heir_had_kb;
    if (!p->intent.loan_kb)
        p->intent.loan_kb = pool_lend(pool, transit_kb(p));
    p->intent.phase = PHASE_MOVE;
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        if (j->owner == victim && job_live(j))
            set_job(p, j, job_hot(j) ? JOB_MOVING : JOB_STOPPED, "", out);
    }
    pair_changed(p);
    stamp(p, PHASE_PLAN, now_ns, out);

    min_kb = jobs_minimum_kb(p);
    if (min_kb == 0) {
        p->engaged = true;
    } else {
        struct pair_action *a = act(out, ACT_ASK, heir);
        p->engage_id = pool_request(pool);
        a->request = p->engage_id;
        a->op = MSG_OP_ENGAGE;
        a->kb = rmt_owned_kb(&p->rmt, (enum owner)heir) + min_kb - PLAN_TOLERANCE_KB;
    }
}

void during_moving(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    int heir = p->intent.heir;
    uint64_t own_kb = rmt_owned_kb(&p->rmt, (enum owner)heir);

    if (committed(p))
        return;
    if (p->m[heir].look.tot_kb + PLAN_TOLERANCE_KB < own_kb + jobs_minimum_kb(p))
        return;
    stamp(p, PHASE_MOVE, now_ns, out);
    if (!p->engaged)
        return;
    stamp(p, PHASE_ENGAGE, now_ns, out);
    rmt_commit(&p->rmt, heir, true);
    p->active = heir;
    p->intent.phase = PHASE_START;
    p->epoch++;
    p->takeovers++;
    pair_changed(p);
    stamp(p, PHASE_COMMIT, now_ns, out);
}

void enter_starting(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int heir = p->intent.heir;

    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        if (!job_hot(j))
            continue;
        if (j->state == JOB_MOVING)
            grant_job(p, j, heir, pool, now_ns, out);
        else if (j->state == JOB_STARTING && j->owner == heir)
            ask_start(p, j, now_ns, out); /* once more, by the same id: told twice, started once */
        else
            j->owner = heir; /* its last one is fenced; the next grant is the heir's */
    }
}

static void close_intent(struct pair *p, struct pool *pool)
{
    if (p->intent.loan_kb)
        pool_repay(pool, p->intent.loan_kb);
    p->intent = (struct intent){ .heir = MEMBER_NONE };
    p->engage_id = 0;
    merge_areas(p);
    pair_changed(p);
}

/* All memory is there, or no more of it comes: the rest changes its owner too. */
void finish_move(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int heir = p->intent.heir;
    bool arrived, stuck;

    if (!p->intent.id)
        return;
    stamp(p, PHASE_START, now_ns, out);
    arrived = p->m[heir].look.tot_kb + PLAN_TOLERANCE_KB >= pair_goal_kb(p, heir);
    stuck = now_ns - p->progress_ns > MOVE_LIMIT_NS;
    if (!arrived && !stuck)
        return;
    if (arrived)
        stamp(p, PHASE_MEMORY, now_ns, out);
    else
        report(out, REPORT_ALERT, "%s has %llu of %llu MiB, and no more comes", p->m[heir].name,
               (unsigned long long)p->m[heir].look.tot_kb / 1024,
               (unsigned long long)pair_goal_kb(p, heir) / 1024);
    rmt_commit(&p->rmt, heir, false);
    rmt_have(&p->rmt, heir, p->m[heir].look.tot_kb);
    p->epoch++;
    close_intent(p, pool);
}

/* What is still on its way is the active's, which is built again with it. */
void give_up_move(struct pair *p, struct pool *pool)
{
    if (!p->intent.id)
        return;
    rmt_commit(&p->rmt, p->active, false);
    p->epoch++;
    close_intent(p, pool);
}

/* No heir: the active is built again in place. */
void enter_restarting(struct pair *p, struct pool *pool)
{
    int a = p->active;

    give_up_move(p, pool);
    p->takeover.done = true;
    for (int i = 0; i < MEMBERS; i++)
        renew(p, i);
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        if (!job_hot(j))
            continue; /* over, and its area back, when its domain is cleaned up */
        if (job_live(j) && j->owner == a && !p->m[a].leaving)
            continue; /* the heir, already in charge, was only paused: they run on there */
        if (job_live(j) || j->state == JOB_MOVING) {
            j->state = JOB_WAITING;
            j->request = 0;
            j->owner = a;
        }
    }
    pair_changed(p);
}
