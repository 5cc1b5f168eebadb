/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for a job that waits: an area split off what its OS has, or granted from the pool's unused
 * memory in the order of pool.h; then its domain grows, and only then it is started. Whatever ends
 * a request gives all of it back. Not the run grant: that is pair_jobs.c.
 */
#include "core/pair_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/feasible.h"
#include "core/plan.h"

/* Where a job's area is to come from. */
struct wants {
    uint64_t own_kb; /* its OS's */
    uint64_t min_kb; /* of unused, at least */
    uint64_t max_kb; /* of unused, at most */
};

/* The guest says how much its OS cannot give; the table, how much it does not own. */
static struct wants wants_of(const struct pair *p, const struct msg_job *r, int member)
{
    uint64_t least = msg_job_least_kb(r);
    uint64_t spare = rmt_spare_kb(&p->rmt, member);
    struct wants w = { .own_kb = r->memory_kb - r->ask_kb };

    if (w.own_kb > spare)
        w.own_kb = spare;
    w.max_kb = r->memory_kb - w.own_kb;
    w.min_kb = least > w.own_kb ? least - w.own_kb : 0;
    return w;
}

static void stop_asking(struct pair *p, struct pool *pool, struct job *j)
{
    if (j->asked_ns)
        pool_unask(pool, p->name, j->key);
    j->asked_ns = 0;
    j->grow_ns = 0;
    j->rest = false;
}

void release_area(struct pair *p, struct job *j, struct pair_actions *out)
{
    const struct area *a = rmt_find_job(&p->rmt, j->key);
    uint64_t size_kb = a ? a->size_kb : 0, pool_kb = rmt_owned_kb(&p->rmt, OWNER_UNUSED);

    j->asked_kb = 0;
    j->grow_ns = 0;
    j->rest = false;
    if (p->intent.id || rmt_release(&p->rmt, j->key, NULL) != 0)
        return;
    pair_changed(p);
    pool_kb = rmt_owned_kb(&p->rmt, OWNER_UNUSED) - pool_kb;
    report(out, REPORT_JOB, "job %s: its area is released: %llu MiB to its OS, %llu to the pool",
           j->name, MIB(size_kb - pool_kb), MIB(pool_kb));
    mark(out, "release");
}

/* At most one stands, whatever its guest asks for and does not answer. */
void forget_denial(struct job *j, struct pair_actions *out)
{
    if (j->denial)
        act(out, ACT_FORGET, j->denied)->request = j->denial;
    j->denial = 0;
}

void deny_job(struct pair *p, struct pool *pool, struct job *j, int member, uint64_t kb,
              const char *reason, struct pair_actions *out)
{
    struct pair_action *a;

    stop_asking(p, pool, j);
    forget_denial(j, out);
    j->denial = pool_request(pool);
    j->denied = member;
    a = act(out, ACT_ASK, member);
    a->request = j->denial;
    a->op = MSG_OP_DENY;
    a->kb = kb;
    snprintf(a->job, sizeof a->job, "%s", j->name);
    snprintf(a->text, sizeof a->text, "%s", reason);
    set_job(p, j, JOB_FAILED, reason, out);
    release_area(p, j, out);
    pair_changed(p);
}

static void deny(struct pair *p, struct pool *pool, struct job *j, int member, uint64_t kb,
                 struct pair_actions *out, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));

static void deny(struct pair *p, struct pool *pool, struct job *j, int member, uint64_t kb,
                 struct pair_actions *out, const char *fmt, ...)
{
    char reason[MSG_TEXT_MAX + 1];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    deny_job(p, pool, j, member, kb, reason, out);
}

/* With this area the heir would be asked for so much more than it may have; 0: not, or it is so
 * already without. */
static uint64_t over_kb(const struct pair *p, const struct job *j, int member, uint64_t kb,
                        uint64_t own_kb)
{
    struct rmt with = p->rmt;
    uint64_t max = p->cfg.max_memory_kb, need;

    if (feasible_need_kb(&p->rmt, p->active) > max ||
        rmt_grant(&with, j->key, kb, own_kb, member, job_hot(j), NULL) != 0)
        return 0;
    need = feasible_need_kb(&with, p->active);
    return need > max ? need - max : 0;
}

/* Cuts w to what the member may have, and to what leaves a takeover possible. True: refused, as no
 * waiting would help. */
static bool impossible(struct pair *p, struct pool *pool, struct job *j, int member,
                       struct wants *w, struct pair_actions *out)
{
    uint64_t owned = rmt_owned_kb(&p->rmt, (enum owner)member), max = p->cfg.max_memory_kb;
    uint64_t room = max > owned ? max - owned : 0, over;
    uint64_t most = pool->pool_kb - pool->reserve_kb;

    if (j->report[member].memory_kb == 0) {
        deny(p, pool, j, member, 0, out, "it asks for no memory: give it a size");
        return true;
    }
    if (w->min_kb > room) {
        deny(p, pool, j, member, w->own_kb + room, out, "%llu MiB short: %.40s may have %llu MiB "
             "(max_memory), and has %llu", MIB_UP(w->min_kb - room), p->m[member].name, MIB(max),
             MIB(owned));
        return true;
    }
    if (w->min_kb > most) {
        deny(p, pool, j, member, w->own_kb + pool_unused_kb(pool), out,
             "it asks for %llu MiB more, and the whole pool without its reserve is %llu MiB",
             MIB_UP(w->min_kb), MIB(most));
        return true;
    }
    if (w->max_kb > room)
        w->max_kb = room;
    over = over_kb(p, j, member, w->own_kb + w->max_kb, w->own_kb);
    if (over == 0 || j->report[member].force)
        return false;
    if (w->max_kb - w->min_kb >= over) {
        w->max_kb -= over;
        return false;
    }
    deny(p, pool, j, member, 0, out, "no takeover would be possible: %llu MiB short on %.40s "
         "(max_memory); --force runs it all the same",
         MIB_UP(over - (w->max_kb - w->min_kb)), p->m[other_member(p->active)].name);
    return true;
}

/* It is not there, and the time to wait for it is over. */
static void too_little(struct pair *p, struct pool *pool, struct job *j, int member,
                       const struct wants *w, struct pair_actions *out)
{
    unsigned long long waited = j->report[member].wait_s;
    uint64_t unused = pool_unused_kb(pool);

    if (w->min_kb <= unused)
        deny(p, pool, j, member, w->own_kb, out, "it asks for %llu MiB more, and others come "
             "first: --wait SECONDS, or a higher --priority", MIB_UP(w->min_kb));
    else if (waited == 0)
        deny(p, pool, j, member, w->own_kb + unused, out, "%llu MiB short: it asks for %llu MiB "
             "more, and %llu are unused; --wait SECONDS waits", MIB_UP(w->min_kb - unused),
             MIB_UP(w->min_kb), MIB(unused));
    else
        deny(p, pool, j, member, w->own_kb + unused, out, "%llu MiB short: it waited %llu s for "
             "%llu MiB more, and %llu are unused", MIB_UP(w->min_kb - unused), waited,
             MIB_UP(w->min_kb), MIB(unused));
}

/* In the queue. True, and how much, when it is its turn; else it waits, or is refused. */
static bool its_turn(struct pair *p, struct pool *pool, struct job *j, int member,
                     const struct wants *w, uint64_t *kb, int64_t now_ns, struct pair_actions *out)
{
    const struct msg_job *r = &j->report[member];
    struct pool_ask ask = {
        .priority = (unsigned)r->priority,
        .min_kb = w->min_kb,
        .want_kb = w->max_kb,
        .until_ns = INT64_MAX,
    };
    char reason[MSG_TEXT_MAX + 1];
    struct xhs_error err = { 0 };

    if (!j->asked_ns)
        j->asked_ns = now_ns;
    if (r->wait_s < MSG_WAIT_FOREVER)
        ask.until_ns = j->asked_ns + (int64_t)r->wait_s * SECOND;
    snprintf(ask.pair, sizeof ask.pair, "%s", p->name);
    snprintf(ask.job, sizeof ask.job, "%s", j->key);
    if (pool_ask(pool, &ask, &err) != 0) {
        deny(p, pool, j, member, 0, out, "%.100s", err.text);
        return false;
    }
    if (pool_allot(pool, p->name, j->key, kb))
        return true;
    if (now_ns >= ask.until_ns) {
        too_little(p, pool, j, member, w, out);
        return false;
    }
    snprintf(reason, sizeof reason, "waits for %llu MiB of unused memory", MIB_UP(w->min_kb));
    if (strcmp(j->reason, reason) != 0) {
        set_job(p, j, JOB_WAITING, reason, out);
        mark(out, "ask");
    }
    return false;
}

static bool get_area(struct pair *p, struct pool *pool, struct job *j, int member, int64_t now_ns,
                     struct pair_actions *out)
{
    const struct msg_job *r = &j->report[member];
    struct wants w = wants_of(p, r, member);
    struct xhs_error err = { 0 };
    uint64_t kb = 0;

    if (impossible(p, pool, j, member, &w, out))
        return false;
    if (w.max_kb > 0 && !its_turn(p, pool, j, member, &w, &kb, now_ns, out))
        return false;
    stop_asking(p, pool, j);
    if (rmt_grant(&p->rmt, j->key, w.own_kb + kb, w.own_kb, member, job_hot(j), &err) != 0) {
        deny(p, pool, j, member, 0, out, "%.100s", err.text);
        return false;
    }
    pool_take(pool, kb, NULL);
    j->asked_kb = r->memory_kb;
    j->memory_kb = w.own_kb + kb;
    j->min_kb = msg_job_least_kb(r);
    pair_changed(p);
    report(out, REPORT_JOB, "job %s on %s: an area of %llu MiB: %llu its OS's, %llu granted",
           j->name, p->m[member].name, MIB(j->memory_kb), MIB(w.own_kb), MIB(kb));
    mark(out, "area");
    return true;
}

/* The domain has all but what the job can do without. */
static bool grown(const struct pair *p, const struct job *j, int member)
{
    return p->m[member].look.tot_kb + PLAN_TOLERANCE_KB + (j->memory_kb - j->min_kb) >=
           pair_goal_kb(p, member);
}

static void follow_growth(struct pair *p, struct pool *pool, struct job *j, int member,
                          int64_t now_ns, struct pair_actions *out)
{
    uint64_t tot = p->m[member].look.tot_kb;

    if (p->m[member].fresh && grown(p, j, member)) {
        j->rest = tot + PLAN_TOLERANCE_KB < pair_goal_kb(p, member);
        if (!j->rest)
            j->grow_ns = 0;
        grant_job(p, j, member, pool, now_ns, out);
        return;
    }
    if (!j->grow_ns || tot > j->grow_kb) {
        j->grow_kb = tot;
        j->grow_ns = now_ns;
    } else if (now_ns - j->grow_ns > MOVE_LIMIT_NS) {
        deny(p, pool, j, member, 0, out, "%.40s has %llu of %llu MiB, and no more comes: see xhs "
             "table --audit", p->m[member].name, MIB(tot), MIB(pair_goal_kb(p, member)));
        return;
    }
    set_job(p, j, JOB_WAITING, "its memory is coming", out);
}

void follow_rest(const struct pair *p, struct job *j, int64_t now_ns)
{
    uint64_t tot;

    if (!j->rest)
        return;
    tot = p->m[j->owner].look.tot_kb;
    if (tot > j->grow_kb) {
        j->grow_kb = tot;
        j->grow_ns = now_ns;
    }
    if (tot + PLAN_TOLERANCE_KB < pair_goal_kb(p, j->owner) &&
        now_ns - j->grow_ns <= MOVE_LIMIT_NS)
        return;
    j->rest = false;
    j->grow_ns = 0;
}

static bool may_have(const struct pair *p, const struct job *j, int member)
{
    const struct msg_job *r = &j->report[member];

    return !p->intent.id && member_up(&p->m[member]) && j->known[member] &&
           r->hot_standby == job_hot(j) && r->state == MSG_JOB_WAITING;
}

void follow_waiting(struct pair *p, struct pool *pool, struct job *j, bool grant, int64_t now_ns,
                    struct pair_actions *out)
{
    int member = job_hot(j) ? p->active : j->member;
    const struct area *a = rmt_find_job(&p->rmt, j->key);

    if (!grant || !may_have(p, j, member)) {
        stop_asking(p, pool, j);
        if (a)
            release_area(p, j, out);
        if (j->reason[0])
            set_job(p, j, JOB_WAITING, "", out);
        return;
    }
    if (a && a->owner == (enum owner)member && !j->asked_kb) /* given by an earlier daemon */
        j->asked_kb = j->report[member].memory_kb;
    if (a && (a->owner != (enum owner)member || j->asked_kb != j->report[member].memory_kb)) {
        release_area(p, j, out);
        a = NULL;
    }
    if (a || get_area(p, pool, j, member, now_ns, out))
        follow_growth(p, pool, j, member, now_ns, out);
}

bool may_grant(const struct pair *p)
{
    return p->state == PAIR_PROTECTED || p->state == PAIR_UNPROTECTED ||
           p->state == PAIR_SUSPECT || p->state == PAIR_REBUILDING;
}

/* Asks whose job is gone, or does not wait, or cannot be granted now: they would hold memory back
 * from others. */
void tidy_queue(struct pair *p, struct pool *pool)
{
    for (unsigned i = 0; i < pool->asks;) {
        struct job *j = strcmp(pool->ask[i].pair, p->name) == 0 ? pair_job(p, pool->ask[i].job)
                                                               : NULL;
        if (strcmp(pool->ask[i].pair, p->name) != 0 ||
            (j && j->asked_ns && j->state == JOB_WAITING && may_grant(p))) {
            i++;
            continue;
        }
        if (j)
            j->asked_ns = 0;
        pool_remove(pool, i);
    }
}

/* What the member's domain still has of what it gave up; UINT64_MAX: not known. */
static uint64_t held_kb(const struct pair *p, int member)
{
    const struct member *m = &p->m[member];
    uint64_t goal = pair_goal_kb(p, member);

    if (m->op == OP_CREATE || (p->intent.id && p->intent.heir == member))
        return UINT64_MAX; /* it grows, or boots with it: who has what shows in the end */
    if (m->domid < 0 || m->freed || m->look.at == LOOK_ABSENT)
        return 0;
    if (!m->fresh || m->look.at == LOOK_UNKNOWN || m->look.shutdown || m->look.dying)
        return UINT64_MAX; /* the dead have all of theirs until they are freed */
    return m->look.tot_kb > goal + PLAN_TOLERANCE_KB ? m->look.tot_kb - goal : 0;
}

void take_back(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct member *m = &p->m[i];
        uint64_t owes = rmt_returning_kb(&p->rmt, i), kb;

        if (owes == 0) {
            m->returning_ns = 0;
            m->keeps = false;
            continue;
        }
        if (!m->returning_ns)
            m->returning_ns = now_ns;
        kb = rmt_returned(&p->rmt, i, held_kb(p, i));
        if (kb) {
            pool_give(pool, kb);
            pair_changed(p);
            report(out, REPORT_MEMBER, "%s: %llu MiB are back in the pool", m->name, MIB(kb));
            mark(out, "returned");
        } else if (!m->keeps && now_ns - m->returning_ns > KEEPS_NS) {
            m->keeps = true;
            report(out, REPORT_ALERT, "%s does not give back %llu MiB that it gave up: they are "
                   "not counted as unused, and not granted to anybody", m->name, MIB(owes));
        }
    }
}
