/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pair under a million random events: storms of faults, then calm, then repair. What must
 * always hold is checked at each step; in calm the pair must come to an end that it can explain.
 * Run by make check; XHS_RANDOM_EVENTS and XHS_SEED set length and start, XHS_SIM_TRACE shows all.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/feasible.h"
#include "core/pair_rules.h"
#include "core/plan.h"
#include "tests/unit/chaos.h"

#define CALM_NS (20 * SIM_MINUTE)
#define STORMS 30 /* in one life of a world */

static struct sim s;
static unsigned long long seed;
static uint64_t own_kb[MEMBERS]; /* by the table, before a takeover had an heir, */
static unsigned deaths;          /* and the daemon's deaths until then */
static bool kept;                /* part of the surplus did not fit the heir, and stayed */
static bool by_table;            /* resumed: what the victim had is taken from the table */
static uint64_t target_kb[MEMBERS]; /* ordered last, before this step */
static uint64_t last_grant;         /* its request */

#define must(cond, ...)                                                                     \
    do {                                                                                    \
        if (!(cond))                                                                        \
            broken(#cond, __VA_ARGS__);                                                     \
    } while (0)

static void broken(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void broken(const char *what, const char *fmt, ...)
{
    const struct pair *p = &s.pair;
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ck_abort_msg("XHS_SEED=%llu, step %lu, %.3f s: not %s: %s; %s (%s), intent %llu of %d, "
                 "shop-a %d/%lld op %s, shop-b %d/%lld op %s",
                 seed, s.steps, (double)s.now_ns / SIM_SECOND, what, text,
                 pair_state_word(p->state), p->reason, (unsigned long long)p->intent.id,
                 p->intent.victim, p->m[0].look.at, (long long)p->m[0].domid,
                 pair_op_word(p->m[0].op), p->m[1].look.at, (long long)p->m[1].domid,
                 pair_op_word(p->m[1].op));
}

/* ---- what always holds ---- */

/* What the heir may be ordered to have: its own, the loan, and what its victim has freed. */
static uint64_t heir_limit_kb(const struct sim *w, int heir)
{
    const struct pair *p = &w->pair;
    const struct sim_dom *v = &w->dom[1 - heir];
    uint64_t had_kb = v->fenced_kb, by_table_kb = rmt_total_kb(&p->rmt) - own_kb[heir] -
                                                  rmt_returning_kb(&p->rmt, heir);

    if (!v->there)
        return pair_goal_kb(p, heir);
    if (by_table && had_kb < by_table_kb)
        had_kb = by_table_kb;
    return own_kb[heir] + p->intent.loan_kb + (v->fenced ? had_kb - v->tot_kb : 0);
}

/* What the heir owned, and what its jobs that run, or are on their way, need to start. */
static uint64_t modest_kb(const struct pair *p)
{
    uint64_t kb = own_kb[p->intent.heir];

    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        if (job_hot(j) && (j->state == JOB_MOVING || job_live(j)))
            kb += j->min_kb;
    }
    return kb;
}

/* While jobs of another pair wait, or its own, it is given no more than that, unless it was before. */
static void check_modest(const struct sim *w, const struct pair_action *a)
{
    uint64_t most_kb = modest_kb(&w->pair), seen_kb = w->pair.m[a->member].look.tot_kb;

    if (most_kb < target_kb[a->member])
        most_kb = target_kb[a->member];
    if (most_kb < seen_kb)
        most_kb = seen_kb;
    must((w->now_ns >= w->urgent_until_ns && w->pair.state != PAIR_MOVING) || a->kb <= most_kb,
         "%llu KiB ordered, modest are %llu", (unsigned long long)a->kb, (unsigned long long)most_kb);
}

static void check_memory(const struct sim *w, const struct pair_action *a)
{
    const struct pair *p = &w->pair;
    uint64_t seen_kb = p->m[a->member].look.tot_kb;
    uint64_t goal_kb = pair_goal_kb(p, a->member), limit_kb = goal_kb;

    if (p->intent.id && p->intent.heir == a->member) {
        limit_kb = heir_limit_kb(w, a->member);
        must(a->kb <= goal_kb, "heir ordered to %llu of %llu", (unsigned long long)a->kb,
             (unsigned long long)goal_kb);
        check_modest(w, a);
    }
    if (seen_kb > limit_kb)
        limit_kb = seen_kb; /* it had that already when it was looked at */
    must(a->kb <= limit_kb, "%llu KiB ordered, limit %llu", (unsigned long long)a->kb,
         (unsigned long long)limit_kb);
}

static int index_of(const char *job)
{
    int k = 0;

    while (k < SIM_JOBS && strcmp(sim_job_name[k], job) != 0)
        k++;
    return k;
}

/* Not by its name: a guest may lie about its kind. */
static const struct job *granted_job(const struct pair *p, uint64_t request)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        if (p->job[i].request == request)
            return &p->job[i];
    }
    return NULL;
}

/* In a takeover: nobody before it still waits, and what all that started need is there, or is what
 * it waits for. A grant that is told again was given in its turn: priorities are not stored, and
 * what a guest says of them may have changed since. */
static void check_turn(const struct sim *w, const struct job *granted, uint64_t awaits_kb)
{
    const struct pair *p = &w->pair;
    int heir = p->intent.heir;
    uint64_t need_kb = own_kb[heir];

    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        must(j->state != JOB_MOVING || !j->known[heir] || j->priority <= granted->priority ||
                 granted->request <= last_grant, "%s is granted before %s", granted->key, j->key);
        if (job_hot(j) && job_live(j))
            need_kb += j->min_kb;
    }
    must(p->m[heir].look.tot_kb + PLAN_TOLERANCE_KB >= need_kb ||
             awaits_kb + PLAN_TOLERANCE_KB >= need_kb, "%s is granted, %llu of %llu",
         granted->key, (unsigned long long)p->m[heir].look.tot_kb, (unsigned long long)need_kb);
}

/* A run grant goes out only when no other copy can run, and its memory is the member's. */
static void check_grant(const struct sim *w, const struct pair_action *a)
{
    const struct sim_dom *o = &w->dom[1 - a->member];
    const struct job *j = granted_job(&w->pair, a->request);
    const struct area *area = j ? rmt_find_job(&w->pair.rmt, j->key) : NULL;
    int k = index_of(a->job);

    if (w->pair.m[a->member].leaving)
        return; /* in the same step it was found to be gone, and with it what it had */
    bool heir = w->pair.intent.id && w->pair.intent.heir == a->member;
    must(area && (area->owner == (enum owner)a->member || (heir && area->owner == OWNER_TRANSIT)),
         "job %s has no area", a->job);
    if (heir && job_hot(j))
        check_turn(w, j, a->need_kb);
    must(!job_hot(j) || k >= SIM_HOT || !o->there || o->dying || o->fenced ||
             !sim_job_copy(&o->job[k]), "job %s granted twice", a->job);
    if (last_grant < a->request)
        last_grant = a->request;
}

static void check_state(const struct sim *w, const struct pair_action *a)
{
    const struct pair *p = &w->pair;

    if (a->to == p->state && (a->to == PAIR_FAILED || a->to == PAIR_UNPROTECTED))
        must(p->reason[0] != '\0', "no reason");
}

static void check_actions(const struct sim *w)
{
    unsigned states = 0;

    for (unsigned i = 0; i < w->out.n; i++) {
        const struct pair_action *a = &w->out.act[i];

        if (a->type == ACT_MEMORY)
            check_memory(w, a);
        else if (a->type == ACT_ASK && a->op == MSG_OP_START)
            check_grant(w, a);
        else if (a->type == ACT_EVENT && a->event == REPORT_STATE && ++states)
            check_state(w, a);
        else if (a->type == ACT_FENCE || a->type == ACT_FREE)
            must(sim_may_act(w), "acts before it is stored");
    }
    must(states < 10, "goes round in circles");
}

static uint64_t plain_kb(const struct pair *p, int member)
{
    uint64_t kb = 0;

    for (unsigned i = 0; i < p->jobs; i++) {
        const struct area *a = rmt_find_job(&p->rmt, p->job[i].key);
        if (a && p->job[i].member == member)
            kb += a->size_kb;
    }
    return kb;
}

/* With surplus = "follow" a standby has just its own, and the active all the rest. */
static void check_table(const struct sim *w)
{
    const struct pair *p = &w->pair;
    uint64_t least_kb = w->cfg.standby_memory_kb, owned_kb;

    if (p->intent.id || w->cfg.surplus == SURPLUS_STAY || kept)
        return;
    owned_kb = rmt_owned_kb(&p->rmt, (enum owner)(1 - p->active));
    must(owned_kb == least_kb + plain_kb(p, 1 - p->active), "standby's part");
    for (unsigned i = 0; i < p->rmt.n; i++) {
        const struct area *a = &p->rmt.area[i];
        must(a->name[0] != 'o' || a->size_kb == least_kb, "%s is %llu", a->name,
             (unsigned long long)a->size_kb);
    }
}

/* Of hot-standby jobs with an area: more than that nobody is lent. */
static uint64_t jobs_min_kb(const struct pair *p)
{
    uint64_t kb = 0;

    for (unsigned i = 0; i < p->jobs; i++) {
        if (job_hot(&p->job[i]) && rmt_find_job(&p->rmt, p->job[i].key))
            kb += p->job[i].min_kb;
    }
    return kb;
}

static void check_step(struct sim *w, const struct pair_event *ev)
{
    const struct pair *p = &w->pair;

    must(!w->out.overflow, "event %d", ev->type);
    must(rmt_sound(&p->rmt), "event %d", ev->type);
    must(w->pool.members_kb == rmt_total_kb(&p->rmt), "pool: members have %llu",
         (unsigned long long)w->pool.members_kb);
    must(w->pool.members_kb + w->pool.reserve_kb <= w->pool.pool_kb, "more than the pool");
    must(w->pool.lent_kb <= w->pool.reserve_kb, "lent %llu", (unsigned long long)w->pool.lent_kb);
    must(w->pool.lent_kb == (p->intent.id ? p->intent.loan_kb : 0), "lent %llu, loan %llu",
         (unsigned long long)w->pool.lent_kb, (unsigned long long)p->intent.loan_kb);
    must(p->intent.loan_kb <= jobs_min_kb(p), "lent %llu", (unsigned long long)w->pool.lent_kb);
    must(p->intent.id || rmt_owned_kb(&p->rmt, OWNER_TRANSIT) == 0, "event %d", ev->type);
    must(p->tick_ns > w->now_ns, "tick in the past, event %d", ev->type);
    must(sim_intent_stored(w), "intent not stored, event %d", ev->type);
    if (!p->intent.id)
        deaths = w->deaths;
    if (!p->intent.id || ev->type == EV_ASK || w->deaths > deaths)
        by_table = p->intent.id != 0;
    for (int i = 0; i < MEMBERS && p->intent.heir == MEMBER_NONE; i++)
        own_kb[i] = rmt_owned_kb(&p->rmt, (enum owner)i);
    for (int k = 0; k < SIM_HOT; k++)
        must(sim_copies(w, k) <= 1, "%s runs twice", sim_job_name[k]);
    if (!p->intent.id && feasible_need_kb(&p->rmt, p->active) > p->cfg.max_memory_kb)
        kept = true; /* or will, at the next takeover */
    check_table(w);
    check_actions(w);
    for (int i = 0; i < MEMBERS; i++)
        target_kb[i] = p->m[i].target_kb;
}

/* ---- storm, calm, repair ---- */

/* A crash of the active, and some more while it is dealt with. */
static void burst(void)
{
    sim_shutdown(&s, s.pair.active, SHUT_CRASH);
    for (unsigned n = sim_random(&s, 4); n > 0; n--) {
        sim_run(&s, sim_random(&s, sim_random(&s, 2) ? 300 : 8000) * SIM_MS);
        chaos_fault(&s);
    }
}

static void storm(void)
{
    unsigned rate = 1 + sim_random(&s, sim_random(&s, 3) ? 40 : 200); /* of 1000 */
    unsigned n = 200 + sim_random(&s, 2000);

    chaos_odds(&s);
    if (sim_random(&s, 4)) {
        burst();
        n = 0;
    }
    for (unsigned i = 0; i < n; i++) {
        bool busy = !s.down && s.pair.state != PAIR_PROTECTED && s.pair.tick_ns != SIM_NEVER;
        if (sim_random(&s, 1000) < (busy ? rate : 3 * rate)) /* sweeps at rest show little */
            chaos_fault(&s);
        else
            sim_next(&s);
    }
    memset(&s.faults, 0, sizeof s.faults);
    memset(s.free_hangs, 0, sizeof s.free_hangs); /* a destroy that never ends has no end */
    s.kill_action = 0;
}

static bool explained(void)
{
    switch (s.pair.state) {
    case PAIR_PROTECTED:
    case PAIR_STOPPED:
        return true;
    case PAIR_UNPROTECTED:
    case PAIR_FAILED:
        return s.pair.reason[0] != '\0';
    case PAIR_FORMING:
    case PAIR_SUSPECT:
    case PAIR_FENCING:
    case PAIR_MOVING:
    case PAIR_STARTING:
    case PAIR_REBUILDING:
    case PAIR_REBOOTING:
    case PAIR_RESTARTING:
    case PAIR_SWITCHING:
    case PAIR_STOPPING:
    case PAIR_RECOVERING:
    case PAIR_STATE_COUNT:
        break;
    }
    return false;
}

/* Nothing new goes wrong; what is broken stays so. */
static void calm(void)
{
    int64_t end = s.now_ns + CALM_NS, since = -1;

    /* it holds for ten seconds, so that what was only just noticed is counted */
    while (since < 0 || s.now_ns - since < 10 * SIM_SECOND) {
        sim_next(&s);
        if (s.down || !explained())
            since = -1;
        else if (since < 0)
            since = s.now_ns;
        must(s.now_ns < end, "no end in calm");
    }
}

static void check_job_belief(int member, int k)
{
    const struct job *j = sim_job(&s, k, member);
    const struct msg_job *line = &s.dom[member].job[k].line;
    bool runs = line->state == MSG_JOB_RUNNING;

    if (j && j->state == JOB_RUNNING && j->owner == member)
        must(runs && line->request == j->request, "%s should run", j->key);
    else
        must(!runs, "%s runs on %d, and should not", sim_job_name[k], member);
    must(!j || !job_hot(j) || j->state != JOB_RUNNING || j->owner == s.pair.active,
         "%s runs on the standby", j->key);
}

/* What the pair believes is so. */
static void check_belief(void)
{
    const struct pair *p = &s.pair;

    for (int i = 0; i < MEMBERS; i++) {
        must(sim_dom_runs(&s.dom[i]), "shop-%c does not run", 'a' + i);
        must(plan_settled(s.dom[i].tot_kb, rmt_owned_kb(&p->rmt, (enum owner)i)),
             "shop-%c has %llu KiB", 'a' + i, (unsigned long long)s.dom[i].tot_kb);
    }
    must(rmt_owned_kb(&p->rmt, OWNER_UNUSED) == 0, "memory given up is not back");
    for (unsigned i = 0; i < p->jobs; i++)
        must(job_live(&p->job[i]) || !rmt_find_job(&p->rmt, p->job[i].key),
             "%s has an area for nothing", p->job[i].key);
    for (int i = 0; i < MEMBERS * SIM_JOBS; i++)
        check_job_belief(i / SIM_JOBS, i % SIM_JOBS);
}

/* Nothing is broken any more: what the owner asks for comes about. */
static void repair(void)
{
    int64_t end = s.now_ns + CALM_NS;
    int64_t asked = 0;

    chaos_mend(&s);
    sim_run(&s, 5 * SIM_SECOND);
    while (s.pair.state != PAIR_PROTECTED || s.down) {
        if (!s.down && explained() && s.now_ns - asked > SIM_MINUTE) {
            sim_ask(&s, s.pair.state == PAIR_STOPPED ? ASK_START : ASK_RECOVER);
            asked = s.now_ns;
        }
        chaos_end_lies(&s);
        sim_next(&s);
        must(s.now_ns < end, "not repaired");
    }
    sim_run(&s, SIM_MINUTE); /* longer than any job may take to start */
    chaos_end_lies(&s);
    sim_run(&s, SIM_MINUTE);
    must(s.pair.state == PAIR_PROTECTED, "it does not last");
    check_belief();
}

static void new_world(uint64_t world)
{
    kept = false;
    last_grant = 0;
    sim_init(&s, world);
    s.cfg.surplus = sim_random(&s, 3) ? SURPLUS_FOLLOW : SURPLUS_STAY;
    s.cfg.max_memory_kb = (1200 + sim_random(&s, 1200)) * MIB_KB;
    sim_new_pair(&s);
    for (int i = 0; i < MEMBERS; i++) {
        for (int k = 1; k < SIM_JOBS; k++)
            s.defines[i][k] = sim_random(&s, 2);
    }
    for (int k = 0; k < SIM_JOBS; k++)
        s.priority[k] = sim_random(&s, 3);
    s.on_step = check_step;
    sim_ask(&s, ASK_START);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoul(text, NULL, 10) : otherwise;
}

START_TEST(survives)
{
    unsigned long events = number("XHS_RANDOM_EVENTS", 1000000), done = 0;
    unsigned long runs = 0, takeovers = 0, worlds = 0, died = 0, lies = 0;
    unsigned long balloons = 0, left = 0;

    for (seed = number("XHS_SEED", 1); done < events; seed++, worlds++) {
        new_world(seed);
        for (int i = 0; i < STORMS && done + s.steps < events; i++) {
            storm();
            calm();
            repair();
        }
        done += s.steps;
        takeovers += s.takeovers;
        died += s.deaths;
        lies += s.lies;
        balloons += s.balloons;
        left += s.left_out;
        for (int k = 0; k < SIM_JOBS; k++)
            runs += s.runs[k];
    }
    printf("%lu events in %lu worlds: %lu takeovers, %lu job starts, %lu daemons died, %lu lies, "
           "%lu balloons set by agents, %lu jobs left out\n",
           done, worlds, takeovers, runs, died, lies, balloons, left);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair, random");
    TCase *t = tcase_create("random");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 3600);
    tcase_add_test(t, survives);
    suite_add_tcase(suite, t);
    r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
