/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair's step: take an event in, do the state's work, change state, until nothing changes.
 * How events are taken in stands in pair_absorb.c, what the work is in pair_takeover.c,
 * pair_memory.c and pair_jobs.c.
 */
#include "core/pair.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/feasible.h"
#include "core/pair_internal.h"
#include "core/pair_rules.h"
#include "core/plan.h"

#define STEPS_MAX 16 /* transitions in one step; the table has no longer chain without an event */

/* ---- what all files use ---- */

void pair_changed(struct pair *p)
{
    p->version++;
}

struct pair_action *act(struct pair_actions *out, enum pair_action_type type, int member)
{
    static struct pair_action spill;
    struct pair_action *a = &spill;

    if (out->n < PAIR_ACTIONS_MAX)
        a = &out->act[out->n++];
    else
        out->overflow = true;
    memset(a, 0, sizeof *a);
    a->type = type;
    a->member = member;
    return a;
}

void report(struct pair_actions *out, enum pair_report event, const char *fmt, ...)
{
    struct pair_action *a = act(out, ACT_EVENT, MEMBER_NONE);
    va_list ap;

    a->event = event;
    va_start(ap, fmt);
    vsnprintf(a->text, sizeof a->text, fmt, ap);
    va_end(ap);
}

void mark(struct pair_actions *out, const char *step)
{
    if (out->n > 0)
        out->act[out->n - 1].mark = step;
}

void start_op(struct pair *p, int member, enum member_op op, uint64_t kb, int64_t now_ns,
              struct pair_actions *out)
{
    struct member *m = &p->m[member];
    static const enum pair_action_type type[] = {
        [OP_FENCE] = ACT_FENCE,
        [OP_FREE] = ACT_FREE,
        [OP_CLEAN] = ACT_CLEAN,
        [OP_CREATE] = ACT_CREATE,
    };

    m->op = op;
    m->op_ns = now_ns;
    m->slow = false;
    act(out, type[op], member)->kb = kb;
}

/* Bring a member to where it should be: gone when it is leaving, else (build) up and running. */
void upkeep(struct pair *p, int member, bool build, int64_t now_ns, struct pair_actions *out)
{
    struct member *m = &p->m[member], *o = &p->m[other_member(member)];

    if (m->op != OP_NONE || now_ns < m->retry_ns)
        return;
    if (build && (member_down(m) || member_rebooted_itself(m))) {
        m->leaving = true;
        report(out, REPORT_MEMBER, "%s died while it was coming up", m->name);
    }
    if (m->leaving && m->domid >= 0) {
        start_op(p, member, OP_CLEAN, 0, now_ns, out);
        return;
    }
    if (!build || m->domid >= 0 || m->off || m->stranger || m->tries >= MEMBER_TRIES)
        return;
    if (o->leaving && o->domid >= 0) /* it still has the memory */
        return;
    m->tries++;
    m->leaving = false;
    m->boot_kb = pair_boot_kb(p, member);
    start_op(p, member, OP_CREATE, m->boot_kb, now_ns, out);
}

/* ---- states ---- */

/* A member that is to be up: what is left of a dead one goes first, and so does one that an
 * earlier daemon built and never unpaused. */
void renew(struct pair *p, int member)
{
    struct member *m = &p->m[member];

    m->tries = 0;
    m->retry_ns = 0;
    m->off = false;
    if (m->domid >= 0 && (!pair_member_runs(m) || (m->look.paused && !m->agent)))
        m->leaving = true;
}

static void enter_rebooting(struct pair *p, struct pool *pool, struct pair_actions *out)
{
    give_up_move(p, pool, out);
    for (int i = 0; i < MEMBERS; i++) {
        if (p->m[i].off || p->m[i].suspended) /* by will of others: left alone */
            continue;
        renew(p, i);
        if (p->m[i].leaving)
            halt_jobs(p, i, JOB_WAITING, out);
    }
}

static void enter_stopping(struct pair *p, struct pool *pool, struct pair_actions *out)
{
    ungrant_starts(p, out);
    p->ask = ASK_NOTHING;
    for (int i = 0; i < MEMBERS; i++) {
        p->m[i].leaving = true;
        p->m[i].retry_ns = 0;
        halt_jobs(p, i, JOB_STOPPED, out);
    }
    give_up_move(p, pool, out);
    for (unsigned i = 0; i < p->jobs; i++)
        release_area(p, &p->job[i], out);
}

/* What heir and victim had is not known any more, or did not suffice: what the table says. */
static void count_by_table(struct pair *p)
{
    int heir = other_member(p->intent.victim);

    p->heir_had_kb = rmt_owned_kb(&p->rmt, (enum owner)heir);
    if (committed(p))
        p->heir_had_kb -= hot_jobs_kb(p, heir);
    p->victim_had_kb = rest_kb(p, heir);
}

static void enter_recovering(struct pair *p)
{
    const struct member *a = &p->m[p->active];

    p->ask = ASK_NOTHING;
    p->intent.tries = 0;
    if (p->intent.id)
        count_by_table(p);
    p->resume = pair_member_runs(a) && !a->leaving ? PAIR_REBUILDING : PAIR_RESTARTING;
    for (int i = 0; i < MEMBERS; i++) {
        p->m[i].tries = 0;
        p->m[i].fenced = false;
    }
}

static void enter_protected(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    for (int i = 0; i < MEMBERS; i++)
        p->m[i].tries = 0;
    if (p->takeover.request && !p->takeover.done) {
        stamp(p, PHASE_AFTER, now_ns, out);
        p->takeover.done = true;
    }
}

static void enter(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    switch (p->state) {
    case PAIR_FORMING:
        p->ask = ASK_NOTHING;
        renew(p, MEMBER_A);
        renew(p, MEMBER_B);
        break;
    case PAIR_PROTECTED:
        enter_protected(p, now_ns, out);
        break;
    case PAIR_FENCING:
        enter_fencing(p, pool, now_ns, out);
        break;
    case PAIR_MOVING:
        enter_moving(p, pool, now_ns, out);
        break;
    case PAIR_STARTING:
        enter_starting(p, pool, now_ns, out);
        break;
    case PAIR_REBUILDING:
        p->ask = ASK_NOTHING;
        renew(p, other_member(p->active));
        break;
    case PAIR_REBOOTING:
        enter_rebooting(p, pool, out);
        break;
    case PAIR_RESTARTING:
        enter_restarting(p, pool, out);
        break;
    case PAIR_SWITCHING:
        p->ask = ASK_NOTHING;
        report(out, REPORT_ALERT, "switchover refused: it is not available");
        break;
    case PAIR_STOPPING:
        enter_stopping(p, pool, out);
        break;
    case PAIR_RECOVERING:
        enter_recovering(p);
        break;
    case PAIR_SUSPECT:
    case PAIR_UNPROTECTED:
    case PAIR_STOPPED:
    case PAIR_FAILED:
    case PAIR_STATE_COUNT:
        break;
    }
}

/* A standby that its owner powered off is cleaned up, and not built again until asked. */
static void during_unprotected(struct pair *p, int64_t now_ns, struct pair_actions *out)
{
    int s = other_member(p->active);
    char why[sizeof p->reason];

    if (p->m[s].off && p->m[s].domid >= 0) {
        p->m[s].leaving = true;
        upkeep(p, s, false, now_ns, out);
    }
    if (pair_unprotected(p, why, sizeof why) && strcmp(why, p->reason) != 0) {
        snprintf(p->reason, sizeof p->reason, "%s", why);
        pair_changed(p);
    }
}

static void during(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    int a = p->active, s = other_member(a);

    switch (p->state) {
    case PAIR_FORMING:
        upkeep(p, a, true, now_ns, out);
        upkeep(p, s, true, now_ns, out);
        break;
    case PAIR_FENCING:
        during_fencing(p, now_ns, out);
        break;
    case PAIR_MOVING:
        during_moving(p, pool, now_ns, out);
        follow_jobs(p, pool, false, now_ns, out);
        free_victim(p, pool, now_ns, out);
        break;
    case PAIR_STARTING:
        during_starting(p, pool, now_ns, out);
        follow_jobs(p, pool, false, now_ns, out);
        free_victim(p, pool, now_ns, out);
        break;
    case PAIR_REBUILDING:
        free_victim(p, pool, now_ns, out);
        finish_move(p, pool, now_ns, out);
        if (!p->intent.id)
            upkeep(p, s, true, now_ns, out);
        follow_jobs(p, pool, true, now_ns, out);
        break;
    case PAIR_REBOOTING:
        for (int i = 0; i < MEMBERS; i++) {
            if (p->m[i].leaving || p->m[i].domid < 0 || member_rebooted_itself(&p->m[i]))
                upkeep(p, i, true, now_ns, out);
        }
        break;
    case PAIR_RESTARTING:
        upkeep(p, a, true, now_ns, out);
        upkeep(p, s, false, now_ns, out);
        break;
    case PAIR_STOPPING:
        upkeep(p, a, false, now_ns, out);
        upkeep(p, s, false, now_ns, out);
        break;
    case PAIR_UNPROTECTED:
        during_unprotected(p, now_ns, out);
        follow_jobs(p, pool, true, now_ns, out);
        break;
    case PAIR_PROTECTED:
    case PAIR_SUSPECT:
        follow_jobs(p, pool, true, now_ns, out);
        break;
    case PAIR_STOPPED:
    case PAIR_SWITCHING:
    case PAIR_RECOVERING:
    case PAIR_FAILED:
    case PAIR_STATE_COUNT:
        break;
    }
}

static void give_reason(struct pair *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void give_reason(struct pair *p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(p->reason, sizeof p->reason, fmt, ap);
    va_end(ap);
}

/* The first job's memory does not come. */
static void stuck_reason(struct pair *p)
{
    const struct member *h = &p->m[p->intent.heir];
    uint64_t want = start_kb(p), tot = h->look.tot_kb;
    char how[80];

    give_reason(p, "%s has %llu of the %llu MiB that it needs to start its first job, %llu MiB "
                "short%s: %s, then xhs recover %s", h->name, MIB(tot), MIB(want),
                MIB_UP(want > tot ? want - tot : 0), tried(p, how, sizeof how),
                p->nudges ? "look at its console" : "free memory on the host", p->name);
}

/* Why a pair fails, with the figures; for other states the trigger says it all. */
static void set_reason(struct pair *p, const struct pair_rule *r)
{
    const struct member *m = &p->m[p->active];
    char buf[sizeof p->reason];

    p->reason[0] = '\0';
    if (r->to == PAIR_UNPROTECTED) {
        const char *why = pair_unprotected(p, buf, sizeof buf);
        give_reason(p, "%s", why ? why : pair_rule_text(r));
    } else if (r->to == PAIR_FAILED && p->state == PAIR_MOVING) {
        stuck_reason(p);
    } else if (r->to == PAIR_FAILED || (r->to == PAIR_STOPPING && p->state == PAIR_FORMING &&
                                        p->ask != ASK_STOP)) {
        const char *why = m->error[0] ? m->error : p->m[other_member(p->active)].error;
        give_reason(p, "%.90s%s%.100s", pair_rule_text(r), why[0] ? ": " : "", why);
    }
}

static void transition(struct pair *p, struct pool *pool, const struct pair_rule *r,
                       int64_t now_ns, struct pair_actions *out)
{
    enum pair_state from = p->state;
    struct pair_action *a;

    if (r->to != PAIR_STOPPED && !(from == PAIR_RECOVERING && r->to == PAIR_FAILED &&
                                   p->reason[0]))
        set_reason(p, r);
    for (int i = 0; i < MEMBERS && from == PAIR_RECOVERING; i++)
        p->m[i].built_ns = now_ns; /* by a daemon that is no more: its time to boot begins anew */
    p->state = r->to;
    p->trigger = pair_rule_text(r);
    p->entered_ns = now_ns;
    pair_changed(p);

    a = act(out, ACT_EVENT, MEMBER_NONE);
    a->event = REPORT_STATE;
    a->from = from;
    a->to = r->to;
    if (strncmp(p->reason, p->trigger, strlen(p->trigger)) == 0)
        snprintf(a->text, sizeof a->text, "%s", p->reason);
    else
        snprintf(a->text, sizeof a->text, "%s%s%s", p->trigger, p->reason[0] ? ": " : "",
                 p->reason);
    enter(p, pool, now_ns, out);
    p->suspect = MEMBER_NONE;
}

/* When this pair wants to be stepped again, whatever happens. */
static int64_t next_tick(const struct pair *p, int64_t now_ns)
{
    int64_t tick = INT64_MAX;

    switch (p->state) {
    case PAIR_STOPPED:
        return INT64_MAX;
    case PAIR_FENCING:
        return now_ns + FENCE_RETRY_NS;
    case PAIR_MOVING:
    case PAIR_STARTING:
        return now_ns + MOVE_STEP_NS;
    case PAIR_REBUILDING:
        return now_ns + (p->intent.id ? FOLLOW_STEP_NS : SETTLE_STEP_NS);
    case PAIR_FORMING:
    case PAIR_REBOOTING:
    case PAIR_RESTARTING:
    case PAIR_STOPPING:
    case PAIR_RECOVERING:
    case PAIR_SUSPECT:
    case PAIR_SWITCHING:
        return now_ns + SETTLE_STEP_NS;
    case PAIR_PROTECTED:
    case PAIR_UNPROTECTED:
    case PAIR_FAILED:
    case PAIR_STATE_COUNT:
        break;
    }
    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        if (j->grow_ns)
            return now_ns + GROW_STEP_NS;
        if (j->state == JOB_STARTING || (j->state == JOB_WAITING && j->asked_ns))
            tick = now_ns + SETTLE_STEP_NS;
    }
    if (rmt_owned_kb(&p->rmt, OWNER_UNUSED))
        tick = now_ns + SETTLE_STEP_NS;
    return tick; /* INT64_MAX: the host's sweep looks once a second */
}

void pair_step(struct pair *p, struct pool *pool, const struct pair_event *ev, int64_t now_ns,
               struct pair_actions *out)
{
    out->n = 0;
    out->overflow = false;
    p->m[MEMBER_A].fresh = p->m[MEMBER_B].fresh = false;
    absorb(p, ev, now_ns, out);
    for (int i = 0; i < STEPS_MAX; i++) {
        const struct pair_rule *r;

        during(p, pool, now_ns, out);
        r = pair_rule_match(p, now_ns);
        if (!r)
            break;
        transition(p, pool, r, now_ns, out);
    }
    watch_destroys(p, now_ns, out);
    tidy_queue(p, pool);
    take_back(p, pool, now_ns, out);
    if (ev->type != EV_ORDERED) /* else an order that cannot be backed would be given for ever */
        regulate_memory(p, pool, now_ns, out);
    p->tick_ns = next_tick(p, now_ns);
}

/* ---- life ---- */

void pair_init(struct pair *p, const struct pair_config *pc, const char *const name[MEMBERS],
               const uint8_t uuid[MEMBERS][16])
{
    memset(p, 0, sizeof *p);
    p->cfg = *pc;
    snprintf(p->name, sizeof p->name, "%s", pc->name);
    p->state = PAIR_STOPPED;
    p->trigger = "";
    p->tick_ns = INT64_MAX;
    p->active = MEMBER_A;
    p->suspect = MEMBER_NONE;
    p->intent.heir = MEMBER_NONE;
    rmt_init(&p->rmt, pc);
    for (int i = 0; i < MEMBERS; i++) {
        struct member *m = &p->m[i];
        snprintf(m->name, sizeof m->name, "%s", name[i]);
        memcpy(m->uuid, uuid[i], sizeof m->uuid);
        m->domid = -1;
        m->look.at = LOOK_UNKNOWN;
    }
}

void pair_recover(struct pair *p, enum pair_state stored)
{
    p->state = PAIR_RECOVERING;
    p->resume = stored;
    p->trigger = "xhsd started";
    if (p->intent.id) {
        p->intent.tries++;
        count_by_table(p);
    }
    pair_changed(p);
}
