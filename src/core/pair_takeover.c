/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A takeover's work, phase by phase: fence, plan, move, commit, start. Each function may
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
            start_op(p, i, OP_FENCE, 0, now_ns, out);
    }
}

/* Jobs start sooner without the destroy beside them: each page that the heir is given meanwhile
 * costs the hypervisor a flush of all TLBs, as one that was freed just before. And destroys share
 * dom0's CPU: those that jobs wait for go first. */
static bool better_later(const struct pair *p, const struct pool *pool, int64_t now_ns)
{
    const struct member *h = &p->m[p->intent.heir];
    bool told = h->ordered_ns >= p->fault_ns;

    if (now_ns < pool->urgent_until_ns && minimum_kb(p) <= p->heir_had_kb + p->intent.loan_kb)
        return true;
    if (p->state == PAIR_REBUILDING || now_ns - p->fault_ns >= START_FIRST_NS)
        return false;
    if (told && h->target_kb + PLAN_TOLERANCE_KB < started_kb(p)) /* the loan is not there */
        return false;
    return started_kb(p) > p->heir_had_kb && started_kb(p) <= p->heir_had_kb + p->intent.loan_kb;
}

/* The victim's memory back early: libxl's own destroy frees it last. */
void free_victim(struct pair *p, const struct pool *pool, int64_t now_ns,
                 struct pair_actions *out)
{
    struct member *m;

    if (!p->intent.id || better_later(p, pool, now_ns))
        return;
    m = &p->m[p->intent.victim];
    if (m->fenced && !m->freed && m->op == OP_NONE && m->domid >= 0 && now_ns >= m->retry_ns) {
        p->victim_left_kb = m->look.tot_kb;
        start_op(p, p->intent.victim, OP_FREE, 0, now_ns, out);
    }
}

void watch_destroys(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct member *m = &p->m[i];
        if (m->op != OP_FREE || m->slow || now_ns - m->op_ns <= FREE_LIMIT_NS)
            continue;
        m->slow = true;
        report(out, REPORT_ALERT, "%s is being destroyed for more than %d s, and still has %llu "
               "MiB: %s grows on from what is free", m->name, (int)(FREE_LIMIT_NS / SECOND),
               MIB(m->look.tot_kb), p->m[other_member(i)].name);
    }
}

void withdraw(struct pair *p, uint64_t *id, struct pair_actions *out)
{
    if (*id)
        act(out, ACT_FORGET, p->intent.heir)->request = *id;
    *id = 0;
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

/* The first job is told at once to start when its memory has come: its guest knows that before dom0
 * does. */
static void grant_first(struct pair *p, struct pool *pool, int64_t now_ns,
                        struct pair_actions *out)
{
    int i;

    while (started_kb(p) == p->heir_had_kb && (i = next_job(p, -1)) >= 0)
        grant_job(p, &p->job[i], p->intent.heir, pool, now_ns, out); /* fails where none knows it */
}

void enter_moving(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int victim = p->intent.victim, heir = other_member(victim);

    stamp(p, PHASE_FENCE, now_ns, out);
    p->intent.heir = heir;
    p->progress_kb = p->m[heir].look.tot_kb;
    p->progress_ns = now_ns;
    p->nudges = 0;
    withdraw(p, &p->balloon_id, out);
    if (committed(p)) /* by an earlier daemon */
        return;
    leave_behind(p, victim, out);
    p->heir_had_kb = rmt_owned_kb(&p->rmt, (enum owner)heir);
    rmt_fault(&p->rmt, victim);
    if (!p->victim_had_kb) /* gone before it was seen */
        p->victim_had_kb = rest_kb(p, heir);
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        if (j->owner == victim && job_live(j))
            set_job(p, j, job_hot(j) ? JOB_MOVING : JOB_STOPPED, "", out);
    }
    /* What jobs can do without comes from the victim: so the reserve goes round, should several
     * pairs fail at once. */
    if (!p->intent.loan_kb)
        p->intent.loan_kb = pool_lend(pool, minimum_kb(p) - p->heir_had_kb);
    pair_changed(p);
    stamp(p, PHASE_PLAN, now_ns, out);
    grant_first(p, pool, now_ns, out);
}

/* What the heir has, it has for the jobs that started, and so much for others. */
static uint64_t room_kb(const struct pair *p)
{
    uint64_t has = p->m[p->intent.heir].look.tot_kb + PLAN_TOLERANCE_KB, used = started_kb(p);

    return has > used ? has - used : 0;
}

static bool any_fits(const struct pair *p)
{
    for (int i = next_job(p, -1); i >= 0; i = next_job(p, i)) {
        if (needs_kb(p, i) <= room_kb(p))
            return true;
    }
    return false;
}

static void leave_out(struct pair *p, struct pool *pool, struct job *j, uint64_t room,
                      struct pair_actions *out)
{
    uint64_t has = room > PLAN_TOLERANCE_KB ? room - PLAN_TOLERANCE_KB : 0;
    char reason[MSG_TEXT_MAX + 1];

    j->owner = p->intent.heir;
    snprintf(reason, sizeof reason, "it needs %llu MiB to start, and %.40s has %llu for it",
             MIB_UP(j->min_kb), p->m[j->owner].name, MIB(has));
    deny_job(p, pool, j, j->owner, has, reason, out); /* else its guest would wait for ever */
    report(out, REPORT_ALERT, "job %s is not started: %s", j->name, reason);
}

/* No more memory comes: what is there is for the jobs that fit, by priority. When none does, and
 * none was started, all of them wait for what else can be done. */
static void make_do(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    uint64_t room = room_kb(p);

    if (now_ns - p->progress_ns <= SCARCE_NS || (!committed(p) && !any_fits(p)))
        return;
    for (int i = next_job(p, -1); i >= 0; i = next_job(p, i)) {
        if (needs_kb(p, i) <= room)
            room -= needs_kb(p, i);
        else
            leave_out(p, pool, &p->job[i], room, out);
    }
}

void ungrant_starts(struct pair *p, struct pair_actions *out)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        struct pair_action *a;
        if (!job_hot(j) || j->state != JOB_STARTING)
            continue;
        a = act(out, ACT_REVOKE, j->owner);
        a->request = j->request;
        snprintf(a->job, sizeof a->job, "%s", j->name);
        j->request = 0;
        set_job(p, j, JOB_MOVING, "", out);
    }
}

void during_moving(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int heir = p->intent.heir;
    bool scarce = now_ns - p->progress_ns > SCARCE_NS;

    if (committed(p))
        return;
    if (scarce && p->m[heir].look.tot_kb + PLAN_TOLERANCE_KB < started_kb(p))
        ungrant_starts(p, out); /* others may fit into what there is */
    make_do(p, pool, now_ns, out);
    if (!scarce || any_fits(p))
        grant_first(p, pool, now_ns, out);
    if (p->m[heir].look.tot_kb + PLAN_TOLERANCE_KB < started_kb(p) ||
        (started_kb(p) == p->heir_had_kb && next_job(p, -1) >= 0))
        return;
    stamp(p, PHASE_MOVE, now_ns, out);
    rmt_commit(&p->rmt, heir, true);
    p->active = heir;
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
        if (job_hot(j) && !job_live(j) && j->state != JOB_MOVING)
            j->owner = heir; /* its last one is fenced; the next grant is the heir's */
    }
    during_starting(p, pool, now_ns, out);
}

/* By priority, each as soon as the heir has what it needs beside those before it. */
void during_starting(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int i;

    make_do(p, pool, now_ns, out);
    while ((i = next_job(p, -1)) >= 0 && needs_kb(p, i) <= room_kb(p))
        grant_job(p, &p->job[i], p->intent.heir, pool, now_ns, out);
}

static void close_intent(struct pair *p, struct pool *pool, struct pair_actions *out)
{
    withdraw(p, &p->balloon_id, out);
    if (p->intent.loan_kb)
        pool_repay(pool, p->intent.loan_kb);
    p->intent = (struct intent){ .heir = MEMBER_NONE };
    merge_areas(p);
    pair_changed(p);
}

/* All memory is there, or no more of it comes: the rest changes its owner too. */
void finish_move(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int heir = p->intent.heir;
    bool arrived, stuck;
    char how[80];

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
        report(out, REPORT_ALERT, "%s has %llu of %llu MiB, and no more comes%s", p->m[heir].name,
               MIB(p->m[heir].look.tot_kb), MIB(pair_goal_kb(p, heir)),
               tried(p, how, sizeof how));
    rmt_commit(&p->rmt, heir, false);
    rmt_have(&p->rmt, heir, p->m[heir].look.tot_kb);
    p->epoch++;
    close_intent(p, pool, out);
}

/* What is still on its way is the active's, which is built again with it. */
void give_up_move(struct pair *p, struct pool *pool, struct pair_actions *out)
{
    if (!p->intent.id)
        return;
    rmt_commit(&p->rmt, p->active, false);
    p->epoch++;
    close_intent(p, pool, out);
}

/* An heir that does not take over, being paused, say, may run what it was granted, or yet begin to.
 * Its domain goes, and the grant with it: until then the job is nobody else's, also for a daemon
 * that comes after this one. */
static bool heir_may_run(const struct pair *p, const struct job *j)
{
    int heir = other_member(p->active);

    return (job_live(j) || j->state == JOB_MOVING) && j->owner == heir &&
           p->m[heir].domid >= 0 && !p->m[heir].fenced;
}

static void dismiss(struct member *heir, const struct job *j, struct pair_actions *out)
{
    if (!heir->leaving)
        report(out, REPORT_ALERT, "%s is destroyed: it was to take over, and may run job %s",
               heir->name, j->name);
    heir->leaving = true;
}

/* No heir: the active is built again in place. */
void enter_restarting(struct pair *p, struct pool *pool, struct pair_actions *out)
{
    int a = p->active;

    give_up_move(p, pool, out);
    p->takeover.done = true;
    for (int i = 0; i < MEMBERS; i++)
        renew(p, i);
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        if (!job_hot(j))
            continue; /* over, and its area back, when its domain is cleaned up */
        if (job_live(j) && j->owner == a && !p->m[a].leaving)
            continue; /* the heir, already in charge, was only paused: they run on there */
        if (heir_may_run(p, j)) {
            dismiss(&p->m[other_member(a)], j, out);
        } else if (job_live(j) || j->state == JOB_MOVING) {
            j->state = JOB_WAITING;
            j->request = 0;
            j->owner = a;
        }
    }
    pair_changed(p);
}
