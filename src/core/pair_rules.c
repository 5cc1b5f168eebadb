/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The questions that decide a pair's transitions: see pair_rules.h. Nothing is changed here. */
#include "core/pair_rules.h"

#include "core/feasible.h"
#include "core/pair_internal.h"
#include "core/plan.h"

/* ---- facts about one member ---- */

bool pair_member_runs(const struct member *m)
{
    return m->domid >= 0 && m->look.at == LOOK_THERE && !m->look.shutdown && !m->look.dying;
}

bool member_rebooted_itself(const struct member *m)
{
    return m->domid >= 0 && !m->leaving && m->look.at == LOOK_THERE && m->look.shutdown &&
           m->look.reason == SHUT_REBOOT;
}

bool member_down(const struct member *m)
{
    if (m->domid < 0 || m->leaving || m->off || m->suspended)
        return false;
    switch (m->look.at) {
    case LOOK_UNKNOWN:
        return false;
    case LOOK_ABSENT:
        return true;
    case LOOK_THERE:
        break;
    }
    if (m->look.shutdown && (m->look.reason == SHUT_POWEROFF || m->look.reason == SHUT_REBOOT ||
                             m->look.reason == SHUT_SUSPEND))
        return false;
    return m->look.shutdown || m->look.dying;
}

bool member_up(const struct member *m)
{
    return pair_member_runs(m) && !m->leaving && m->agent;
}

bool member_given_up(const struct member *m, int64_t now_ns)
{
    if (m->op != OP_NONE)
        return false;
    if (m->off)
        return true;
    if (m->domid < 0)
        return m->tries >= MEMBER_TRIES || m->stranger;
    return ((pair_member_runs(m) && !m->agent) || (m->suspended && !m->leaving)) &&
           now_ns - m->built_ns > BOOT_LIMIT_NS;
}

/* What jobs were granted, and the member is on its way to. */
static uint64_t growing_kb(const struct pair *p, int member)
{
    uint64_t kb = 0;

    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        bool grows = j->state == JOB_WAITING || j->rest;
        const struct area *a = grows ? rmt_find_job(&p->rmt, j->key) : NULL;
        if (a && a->owner == (enum owner)member)
            kb += a->size_kb;
    }
    return kb;
}

bool member_has_its_own(const struct pair *p, int member)
{
    uint64_t goal = pair_goal_kb(p, member), tot = p->m[member].look.tot_kb;

    return tot + PLAN_TOLERANCE_KB >= goal - growing_kb(p, member) &&
           tot <= goal + rmt_returning_kb(&p->rmt, member) + PLAN_TOLERANCE_KB;
}

bool member_settled(const struct pair *p, int member)
{
    const struct member *m = &p->m[member];

    return member_up(m) && m->op == OP_NONE && member_has_its_own(p, member);
}

static const struct member *active(const struct pair *p)
{
    return &p->m[p->active];
}

static const struct member *standby(const struct pair *p)
{
    return &p->m[other_member(p->active)];
}

/* ---- facts about the pair ---- */

uint64_t hot_jobs_kb(const struct pair *p, int member)
{
    uint64_t kb = 0;

    for (unsigned i = 0; i < p->jobs; i++) {
        const struct area *a = rmt_find_job(&p->rmt, p->job[i].key);
        if (a && a->owner == (enum owner)member && job_hot(&p->job[i]))
            kb += a->size_kb;
    }
    return kb;
}

int least_job(const struct pair *p, int member)
{
    int least = -1;

    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        if (job_hot(j) && j->owner == member && job_live(j) &&
            (least < 0 || j->priority <= p->job[least].priority))
            least = (int)i;
    }
    return least;
}

/* One that the heir does not know will fail there: nobody waits for its sake. */
static bool heir_knows(const struct pair *p, int job)
{
    return p->job[job].known[p->intent.heir];
}

uint64_t needs_kb(const struct pair *p, int job)
{
    return heir_knows(p, job) ? p->job[job].min_kb : 0;
}

static bool comes_before(const struct pair *p, int a, int b)
{
    uint64_t x = p->job[a].priority, y = p->job[b].priority;

    if (heir_knows(p, a) != heir_knows(p, b))
        return heir_knows(p, a);
    return x > y || (x == y && a < b);
}

int next_job(const struct pair *p, int after)
{
    int next = -1;

    for (int i = 0; i < (int)p->jobs; i++) {
        if (p->job[i].state == JOB_MOVING && (after < 0 || comes_before(p, after, i)) &&
            (next < 0 || comes_before(p, i, next)))
            next = i;
    }
    return next;
}

uint64_t started_kb(const struct pair *p)
{
    uint64_t kb = p->heir_had_kb;

    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        if (job_hot(j) && job_live(j) && j->owner == p->intent.heir)
            kb += j->min_kb;
    }
    return kb;
}

uint64_t start_kb(const struct pair *p)
{
    int next = next_job(p, -1);

    return started_kb(p) + (next < 0 ? 0 : needs_kb(p, next));
}

uint64_t minimum_kb(const struct pair *p)
{
    uint64_t kb = started_kb(p);

    for (int i = next_job(p, -1); i >= 0; i = next_job(p, i))
        kb += needs_kb(p, i);
    return kb;
}

uint64_t pair_rank(const struct pair *p)
{
    uint64_t rank = 0;

    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        if (job_hot(j) && (job_live(j) || j->state == JOB_MOVING) && j->priority >= rank)
            rank = j->priority + 1;
    }
    return rank;
}

int64_t pair_urgent_until_ns(const struct pair *p)
{
    int64_t fenced_ns = p->takeover.at_ns[PHASE_FENCE];

    if (!p->intent.id || (p->state != PAIR_MOVING && next_job(p, -1) < 0))
        return 0;
    if (p->state == PAIR_RECOVERING) /* from an earlier daemon: it goes on at the first look */
        return INT64_MAX;
    return fenced_ns ? fenced_ns + URGENT_NS : 0;
}

static bool has_domain(const struct member *m)
{
    return m->domid >= 0 && !m->leaving;
}

bool committed(const struct pair *p)
{
    return p->intent.id && p->active == p->intent.heir;
}

uint64_t transit_kb(const struct pair *p)
{
    return rmt_owned_kb(&p->rmt, OWNER_TRANSIT);
}

uint64_t rest_kb(const struct pair *p, int heir)
{
    return rmt_total_kb(&p->rmt) - p->heir_had_kb - rmt_returning_kb(&p->rmt, heir);
}

uint64_t pair_goal_kb(const struct pair *p, int member)
{
    uint64_t kb = rmt_owned_kb(&p->rmt, (enum owner)member);

    if (p->intent.id && p->intent.heir == member)
        kb += transit_kb(p);
    return kb;
}

uint64_t pair_boot_kb(const struct pair *p, int member)
{
    uint64_t goal = pair_goal_kb(p, member);
    uint64_t least = config_min_boot_kb(&p->cfg);

    return goal > least ? goal : least;
}

uint64_t pair_waiting_kb(const struct pair *p)
{
    uint64_t kb = 0;

    if (p->state != PAIR_REBUILDING && p->state != PAIR_REBOOTING && p->state != PAIR_RESTARTING)
        return 0;
    if (transit_kb(p) > 0)
        return 0;
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &p->m[i];
        if ((m->domid < 0 || m->freed) && m->op != OP_CREATE)
            kb += pair_goal_kb(p, i);
    }
    return kb;
}

uint64_t pair_borrowed_kb(const struct pair *p)
{
    uint64_t kb = 0;

    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &p->m[i];
        uint64_t own = pair_goal_kb(p, i) + rmt_returning_kb(&p->rmt, i);
        uint64_t most = pair_boot_kb(p, i) - pair_goal_kb(p, i);
        uint64_t more = pair_member_runs(m) && m->look.tot_kb > own ? m->look.tot_kb - own : 0;

        if (m->op == OP_CREATE || more > most)
            more = most;
        kb += more;
    }
    return kb;
}

/* Its limit in the hypervisor tells what an earlier daemon told it. */
uint64_t pair_undrawn_kb(const struct pair *p)
{
    const struct member *h = p->intent.heir == MEMBER_NONE ? NULL : &p->m[p->intent.heir];
    uint64_t told = h && h->look.max_kb > PLAN_SLACK_KB ? h->look.max_kb - PLAN_SLACK_KB : 0;

    if (h && h->target_kb > told)
        told = h->target_kb;
    told = told > p->heir_had_kb ? told - p->heir_had_kb : 0;
    return p->intent.loan_kb > told ? p->intent.loan_kb - told : 0;
}

bool pair_hurries(const struct pair *p)
{
    return p->intent.id &&
           (p->state == PAIR_FENCING || p->state == PAIR_MOVING || p->state == PAIR_STARTING ||
            p->state == PAIR_REBUILDING);
}

bool member_needs_fence(const struct pair *p, int member)
{
    if (p->intent.id && p->intent.victim == member)
        return true;
    return member_down(&p->m[member]); /* not what its owner or an operator stopped */
}

bool all_fenced(const struct pair *p)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (member_needs_fence(p, i) && !p->m[i].fenced)
            return false;
    }
    return true;
}

bool heir_usable(const struct pair *p)
{
    const struct member *m = &p->m[other_member(p->intent.victim)];

    return member_up(m) && !m->fenced && !m->look.paused;
}

/* With surplus = "stay" and no job an active has nothing that another could take over. */
static bool heir_gains(const struct pair *p)
{
    enum owner heir = (enum owner)other_member(p->intent.victim);

    for (unsigned i = 0; i < p->rmt.n; i++) {
        const struct area *a = &p->rmt.area[i];
        if (a->owner == OWNER_TRANSIT ||
            (a->owner == (enum owner)p->intent.victim && a->on_fault == heir))
            return true;
    }
    return committed(p);
}

/* ---- triggers ---- */

#define TRIGGER(name) \
    static bool name(const struct pair *p __attribute__((unused)), \
                     int64_t now_ns __attribute__((unused)))

TRIGGER(start_asked)
{
    return p->ask == ASK_START;
}

TRIGGER(stop_asked)
{
    return p->ask == ASK_STOP;
}

TRIGGER(recover_asked)
{
    return p->ask == ASK_RECOVER;
}

TRIGGER(switch_asked)
{
    return p->ask == ASK_SWITCH;
}

TRIGGER(switch_refused)
{
    return true;
}

TRIGGER(both_ready)
{
    return member_settled(p, MEMBER_A) && member_settled(p, MEMBER_B);
}

TRIGGER(member_unbuildable)
{
    return member_given_up(&p->m[MEMBER_A], now_ns) || member_given_up(&p->m[MEMBER_B], now_ns);
}

/* Both are to become ready, and are there; memory, agent or an operator holds one up. */
TRIGGER(ready_overdue)
{
    if (p->intent.id || now_ns - p->entered_ns <= BOOT_LIMIT_NS)
        return false;
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &p->m[i];
        if (!has_domain(m) || m->op != OP_NONE || now_ns - m->built_ns <= BOOT_LIMIT_NS)
            return false;
    }
    return true;
}

TRIGGER(active_down)
{
    return member_down(active(p));
}

TRIGGER(standby_down)
{
    return member_down(standby(p));
}

TRIGGER(active_off)
{
    return active(p)->off;
}

TRIGGER(member_rebooted)
{
    return member_rebooted_itself(&p->m[MEMBER_A]) || member_rebooted_itself(&p->m[MEMBER_B]);
}

TRIGGER(hang_suspected)
{
    return p->suspect != MEMBER_NONE;
}

TRIGGER(hang_unconfirmed)
{
    return true;
}

TRIGGER(not_protected)
{
    char buf[sizeof p->reason];

    return pair_unprotected(p, buf, sizeof buf) != NULL;
}

TRIGGER(protected_again)
{
    return !not_protected(p, now_ns) && p->suspect == MEMBER_NONE;
}

TRIGGER(fenced_for_heir)
{
    return p->intent.id && all_fenced(p) && heir_usable(p) && heir_gains(p);
}

/* Also: the standby died while the active was being built again. */
TRIGGER(fenced_no_heir)
{
    if (!all_fenced(p))
        return false;
    return p->intent.id ? !(heir_usable(p) && heir_gains(p)) : !has_domain(active(p));
}

TRIGGER(fenced_standby)
{
    return !p->intent.id && all_fenced(p) && has_domain(active(p));
}

TRIGGER(fence_unconfirmed)
{
    return now_ns - p->entered_ns > FENCE_LIMIT_NS;
}

TRIGGER(heir_down)
{
    const struct member *m = &p->m[p->intent.heir];

    return m->look.at != LOOK_UNKNOWN && !pair_member_runs(m);
}

TRIGGER(minimum_committed)
{
    return committed(p);
}

TRIGGER(move_stuck)
{
    return now_ns - p->progress_ns > MOVE_LIMIT_NS;
}

TRIGGER(jobs_started)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        if (p->job[i].state == JOB_MOVING || p->job[i].state == JOB_STARTING)
            return false;
    }
    return true;
}

TRIGGER(standby_ready)
{
    return !p->intent.id && member_settled(p, other_member(p->active));
}

TRIGGER(standby_given_up)
{
    /* first the move ends, and the active is built */
    return !p->intent.id && has_domain(active(p)) && active(p)->op == OP_NONE &&
           member_given_up(standby(p), now_ns);
}

TRIGGER(active_up)
{
    return member_up(active(p)) && active(p)->op == OP_NONE;
}

TRIGGER(active_given_up)
{
    return member_given_up(active(p), now_ns);
}

TRIGGER(both_gone)
{
    return p->m[MEMBER_A].domid < 0 && p->m[MEMBER_A].op == OP_NONE &&
           p->m[MEMBER_B].domid < 0 && p->m[MEMBER_B].op == OP_NONE;
}

/* Recovering waits until the hypervisor has been seen once. */
static bool looked(const struct pair *p)
{
    return p->m[MEMBER_A].look.at != LOOK_UNKNOWN && p->m[MEMBER_B].look.at != LOOK_UNKNOWN;
}

TRIGGER(intent_worn_out)
{
    return looked(p) && p->intent.id && p->intent.tries > INTENT_TRIES;
}

TRIGGER(intent_open)
{
    return looked(p) && p->intent.id;
}

TRIGGER(was_stopped)
{
    return looked(p) && p->resume == PAIR_STOPPED;
}

TRIGGER(was_forming)
{
    return looked(p) && p->resume == PAIR_FORMING;
}

TRIGGER(was_stopping)
{
    return looked(p) && p->resume == PAIR_STOPPING;
}

TRIGGER(was_rebooting)
{
    return looked(p) && p->resume == PAIR_REBOOTING;
}

TRIGGER(was_restarting)
{
    return looked(p) && p->resume == PAIR_RESTARTING;
}

TRIGGER(was_rebuilding)
{
    return looked(p) && p->resume == PAIR_REBUILDING;
}

TRIGGER(was_failed)
{
    return looked(p) && p->resume == PAIR_FAILED;
}

TRIGGER(was_running)
{
    return looked(p);
}

/* ---- the table ---- */

enum trigger_id {
#define T(name, text) TRIGGER_##name,
    PAIR_TRIGGERS(T)
#undef T
};

static const char *const trigger_text[] = {
#define T(name, text) [TRIGGER_##name] = text,
    PAIR_TRIGGERS(T)
#undef T
};

const struct pair_rule pair_rules[] = {
#define R(from, trigger, to) \
    { PAIR_##from, PAIR_##to, trigger, #trigger },
    PAIR_RULES(R)
#undef R
    { PAIR_STATE_COUNT, PAIR_STATE_COUNT, NULL, NULL },
};

static const enum trigger_id rule_trigger[] = {
#define R(from, trigger, to) TRIGGER_##trigger,
    PAIR_RULES(R)
#undef R
};

const char *pair_rule_text(const struct pair_rule *r)
{
    return trigger_text[rule_trigger[r - pair_rules]];
}

const struct pair_rule *pair_rule_match(const struct pair *p, int64_t now_ns)
{
    for (const struct pair_rule *r = pair_rules; r->trigger; r++) {
        if (r->from == p->state && r->trigger(p, now_ns))
            return r;
    }
    return NULL;
}
