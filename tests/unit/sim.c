/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated world's daemon and clock: see sim.h. Not the hypervisor (sim_xen.c), not the
 * guests (sim_guest.c). Driven by the tests, one due thing at a time.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_BLOCK 64 /* ids that a daemon's end may waste */

unsigned sim_random(struct sim *s, unsigned n)
{
    s->seed ^= s->seed << 13;
    s->seed ^= s->seed >> 7;
    s->seed ^= s->seed << 17;
    return n ? (unsigned)((s->seed >> 11) % n) : 0;
}

bool sim_chance(struct sim *s, unsigned percent)
{
    return percent && sim_random(s, 100) < percent;
}

uint64_t sim_nominal_kb(const struct sim *s)
{
    return s->cfg.memory_kb + s->cfg.standby_memory_kb;
}

struct job *sim_job(struct sim *s, int job, int member)
{
    struct job key;

    job_key_set(&key, sim_job_name[job], job < SIM_HOT ? MEMBER_NONE : member);
    return pair_job(&s->pair, key.key);
}

/* ---- the daemon ---- */

/* Its row in what is stored; t->jobs: it has none. */
static unsigned stored_job(const struct sim_stored *t, const char *key)
{
    unsigned k = 0;

    while (k < t->jobs && strcmp(t->job[k].key, key) != 0)
        k++;
    return k;
}

/* All but the intent, with the grants that are part of it. */
static void store_table(struct sim *s)
{
    const struct pair *p = &s->pair;
    struct sim_stored *t = &s->stored, was = *t;

    if (t->version == p->version)
        return;
    memset(t, 0, sizeof *t);
    t->state = p->state == PAIR_RECOVERING ? p->resume : p->state;
    memcpy(t->reason, p->reason, sizeof t->reason);
    t->epoch = p->epoch;
    t->version = p->version;
    t->active = p->active;
    t->next_request = s->pool.next_request + REQUEST_BLOCK;
    t->rmt = p->rmt;
    t->intent = was.intent;
    t->jobs = p->jobs;
    for (int i = 0; i < MEMBERS; i++)
        t->domid[i] = p->m[i].domid;
    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        unsigned k = stored_job(&was, j->key);
        memcpy(t->job[i].key, j->key, sizeof j->key);
        t->job[i].state = j->state;
        t->job[i].owner = j->owner;
        t->job[i].min_kb = j->min_kb;
        t->job[i].request = j->request;
        t->job[i].granted = k < was.jobs ? was.job[k].granted : 0;
    }
}

static void store(struct sim *s)
{
    store_table(s);
    s->stored.intent = s->pair.intent;
    for (unsigned i = 0; i < s->stored.jobs; i++)
        s->stored.job[i].granted = 0; /* as its row says */
}

static void store_intent(struct sim *s)
{
    const struct pair *p = &s->pair;
    struct sim_stored *t = &s->stored;

    if (p->intent.heir == MEMBER_NONE && !p->intent.tries)
        return;
    t->intent = p->intent;
    t->next_request = s->pool.next_request + REQUEST_BLOCK;
    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        bool granted = job_hot(j) && job_live(j) && j->owner == p->intent.heir;
        unsigned k = stored_job(t, j->key);
        if (k < t->jobs)
            t->job[k].granted = granted ? j->request : 0;
        else
            ck_assert_msg(!granted, "a grant for job %s, which is not stored", j->key);
    }
}

/* While it hurries the daemon stores what it sets out to do at once, and the rest some time later:
 * by then it may have gone on, and it may die before. */
static void store_in_time(struct sim *s)
{
    if (!pair_hurries(&s->pair)) {
        store(s);
        s->settle_ns = SIM_NEVER;
        return;
    }
    store_intent(s);
    if (s->settle_ns == SIM_NEVER)
        s->settle_ns = s->now_ns + (int64_t)sim_random(s, sim_chance(s, 10) ? 5000 : 50) * SIM_MS;
}

bool sim_intent_stored(const struct sim *s)
{
    const struct intent *now = &s->pair.intent, *then = &s->stored.intent;

    if (now->heir == MEMBER_NONE && (now->id || !then->id))
        return true;
    return now->id == then->id && now->victim == then->victim && now->heir == then->heir &&
           now->loan_kb == then->loan_kb && now->tries == then->tries;
}

bool sim_may_act(const struct sim *s)
{
    return pair_hurries(&s->pair) || s->stored.version == s->pair.version;
}

void sim_new_pair(struct sim *s)
{
    static const char *const name[MEMBERS] = { "shop-a", "shop-b" };
    static const uint8_t uuid[MEMBERS][16] = { { 1 }, { 2 } };

    pair_init(&s->pair, &s->cfg, name, uuid);
    s->pool = (struct pool){
        .pool_kb = s->whole_kb,
        .reserve_kb = 128 * MIB_KB,
        .members_kb = sim_nominal_kb(s),
        .next_request = 1,
    };
}

static void daemon_comes(struct sim *s)
{
    const struct sim_stored *t = &s->stored;
    struct pair *p = &s->pair;

    sim_new_pair(s);
    s->down = false;
    memcpy(p->reason, t->reason, sizeof p->reason);
    p->epoch = t->epoch;
    p->version = t->version;
    p->active = t->active;
    p->rmt = t->rmt;
    p->intent = t->intent;
    for (int i = 0; i < MEMBERS; i++)
        p->m[i].domid = t->domid[i];
    for (unsigned i = 0; i < t->jobs; i++) {
        struct job *j = &p->job[p->jobs++];
        const struct area *a = rmt_find_job(&p->rmt, t->job[i].key);
        ck_assert(job_key_parse(t->job[i].key, j));
        j->state = t->job[i].state;
        j->owner = t->job[i].owner;
        j->min_kb = t->job[i].min_kb;
        j->request = t->job[i].request;
        j->memory_kb = a ? a->size_kb : 0;
        if (t->job[i].granted) {
            if (!job_live(j) || j->owner != p->intent.heir)
                j->state = JOB_STARTING;
            j->owner = p->intent.heir;
            j->request = t->job[i].granted;
        }
    }
    s->pool.next_request = t->next_request;
    s->pool.members_kb = rmt_total_kb(&p->rmt);
    if (p->intent.id)
        pool_lend(&s->pool, p->intent.loan_kb);
    pair_recover(p, t->state);
    sim_attach(s);
    s->look_ns = s->sweep_ns = s->now_ns;
}

void sim_daemon_dies(struct sim *s, int64_t back_after_ns)
{
    if (s->down)
        return;
    s->down = true;
    s->settle_ns = SIM_NEVER;
    s->deaths++;
    for (int i = 0; i < MEMBERS; i++) {
        struct sim_op *o = &s->op[i];
        bool far = sim_chance(s, 50);
        if (o->op == OP_CREATE && !o->fail && !s->dom[i].there && far)
            sim_born(s, i); /* the hypervisor has it; nobody noted it */
        else if ((o->op == OP_CLEAN || o->op == OP_FREE) && far)
            sim_body_gone(&s->dom[i]);
        *o = (struct sim_op){ .op = OP_NONE };
        s->attached[i] = false;
        s->short_kb[i] = UINT64_MAX;
    }
    s->up_ns = s->now_ns + back_after_ns;
}

static void carry_out(struct sim *s, const struct pair_action *a)
{
    switch (a->type) {
    case ACT_FENCE:
        sim_begin_op(s, a->member, OP_FENCE, 0);
        break;
    case ACT_FREE:
        sim_begin_op(s, a->member, OP_FREE, 0);
        break;
    case ACT_CLEAN:
        s->attached[a->member] = false;
        sim_begin_op(s, a->member, OP_CLEAN, 0);
        break;
    case ACT_CREATE:
        sim_begin_op(s, a->member, OP_CREATE, a->kb);
        break;
    case ACT_MEMORY:
        sim_order_memory(s, a->member, a->kb);
        break;
    case ACT_ASK:
    case ACT_FORGET:
    case ACT_REVOKE:
        sim_guest_told(s, a);
        break;
    case ACT_EVENT:
        s->takeovers += a->event == REPORT_PHASE && a->phase == PHASE_COMMIT;
        if (a->event == REPORT_ALERT) {
            s->alerts++;
            snprintf(s->alert, sizeof s->alert, "%s", a->text);
            s->left_out += strstr(a->text, "is not started") != NULL;
        }
        break;
    }
}

static void trace(const struct sim *s, const struct pair_event *ev)
{
    static const char *const word[] = { "fence", "free",   "clean",  "create", "memory",
                                        "ask",   "forget", "revoke", "event" };

    for (unsigned i = 0; i < s->out.n; i++) {
        const struct pair_action *a = &s->out.act[i];
        fprintf(stderr, "%12.3f ms, event %d: %s: %s %d %s kb %llu request %llu %s\n",
                (double)s->now_ns / SIM_MS, ev->type, pair_state_word(s->pair.state),
                word[a->type], a->member, a->job, (unsigned long long)a->kb,
                (unsigned long long)a->request, a->text);
    }
}

void sim_feed(struct sim *s, const struct pair_event *ev)
{
    if (s->down)
        return;
    s->pool.urgent_until_ns = s->urgent_until_ns;
    pair_step(&s->pair, &s->pool, ev, s->now_ns, &s->out);
    s->steps++;
    store_in_time(s);
    if (s->trace)
        trace(s, ev);
    if (s->on_step)
        s->on_step(s, ev);
    for (unsigned i = 0; i < s->out.n; i++) {
        if (s->kill_action && --s->kill_action == 0) {
            sim_daemon_dies(s, SIM_SECOND);
            return;
        }
        carry_out(s, &s->out.act[i]);
    }
    sim_attach(s);
}

void sim_ask(struct sim *s, enum pair_ask ask)
{
    sim_feed(s, &(struct pair_event){ .type = EV_ASK, .ask = ask });
}

static struct look see(struct sim *s, int i)
{
    const struct sim_dom *d = &s->dom[i];
    int64_t domid = s->pair.m[i].domid;

    if (d->there && (domid >= 0 ? domid == d->domid : !d->dying))
        return (struct look){ .at = LOOK_THERE, .domid = d->domid, .shutdown = d->shutdown,
                              .dying = d->dying, .paused = d->paused, .reason = d->reason,
                              .tot_kb = d->tot_kb, .max_kb = d->max_kb };
    if (domid < 0 && s->stranger[i] >= 0)
        return (struct look){ .at = LOOK_THERE, .domid = s->stranger[i] };
    return (struct look){ .at = LOOK_ABSENT };
}

void sim_look(struct sim *s)
{
    struct pair_event ev = { .type = EV_LOOK };
    bool blind = sim_chance(s, s->faults.blind);

    for (int i = 0; i < MEMBERS; i++)
        ev.look[i] = blind ? (struct look){ .at = LOOK_UNKNOWN } : see(s, i);
    sim_feed(s, &ev);
}

/* ---- the clock ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_due(const struct sim *s)
{
    int64_t t = sim_guests_due(s);

    if (s->down)
        return sooner(t, s->up_ns);
    for (int i = 0; i < MEMBERS; i++) {
        if (s->op[i].op != OP_NONE && !sim_hangs(s, i))
            t = sooner(t, sooner(s->op[i].born_ns, s->op[i].due_ns));
        if (s->short_kb[i] != UINT64_MAX)
            t = s->now_ns;
    }
    return sooner(t, sooner(s->look_ns, sooner(s->sweep_ns, s->pair.tick_ns)));
}

static bool toolstack_next(struct sim *s)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct sim_op *o = &s->op[i];
        uint64_t kb = s->short_kb[i];
        if (o->op != OP_NONE && o->born_ns <= s->now_ns) {
            sim_born(s, i);
            return true;
        }
        if (o->op != OP_NONE && o->due_ns <= s->now_ns && !sim_hangs(s, i)) {
            sim_done(s, i);
            return true;
        }
        if (kb != UINT64_MAX) {
            s->short_kb[i] = UINT64_MAX;
            sim_feed(s, &(struct pair_event){ .type = EV_ORDERED, .member = i, .memory_kb = kb });
            return true;
        }
    }
    return false;
}

void sim_next(struct sim *s)
{
    int64_t t = next_due(s);

    sim_advance(s, t > s->now_ns ? t : s->now_ns);
    if (s->settle_ns <= s->now_ns) {
        store_table(s);
        s->settle_ns = SIM_NEVER;
    }
    if (s->down && s->up_ns <= s->now_ns) {
        daemon_comes(s);
    } else if (!sim_guests_next(s) && !s->down && !toolstack_next(s)) {
        if (s->look_ns <= s->now_ns)
            s->look_ns = SIM_NEVER;
        if (s->sweep_ns <= s->now_ns)
            s->sweep_ns = s->now_ns + SIM_SECOND;
        sim_look(s);
    }
}

bool sim_until(struct sim *s, bool (*until)(const struct sim *s), int64_t ns)
{
    int64_t end = s->now_ns + ns;

    while (!until || !until(s)) {
        if (next_due(s) > end) {
            sim_advance(s, end);
            return false;
        }
        sim_next(s);
    }
    return true;
}

void sim_run(struct sim *s, int64_t ns)
{
    sim_until(s, NULL, ns);
}

bool sim_until_state(struct sim *s, enum pair_state state, int64_t ns)
{
    int64_t end = s->now_ns + ns;

    while (s->down || s->pair.state != state) {
        if (s->now_ns > end)
            return false;
        sim_next(s);
    }
    return true;
}

/* ---- life ---- */

void sim_init(struct sim *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    s->world = seed;
    s->seed = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    s->cfg = (struct pair_config){
        .name = "shop",
        .memory_kb = 1024 * MIB_KB,
        .standby_memory_kb = 160 * MIB_KB,
        .max_memory_kb = 2200 * MIB_KB, /* boots with 200 at least */
        .surplus = SURPLUS_FOLLOW,
    };
    s->trace = getenv("XHS_SIM_TRACE") != NULL;
    s->now_ns = 3600 * SIM_SECOND; /* the host is up for a while */
    s->next_domid = 1;
    s->host_kb = s->whole_kb = sim_nominal_kb(s) + (128 + 64) * MIB_KB;
    s->look_ns = s->settle_ns = SIM_NEVER;
    s->sweep_ns = s->now_ns;
    s->stored.version = UINT64_MAX;
    for (int i = 0; i < MEMBERS; i++) {
        s->dom[i].domid = s->stranger[i] = -1;
        s->short_kb[i] = UINT64_MAX;
        s->defines[i][0] = true;
    }
    sim_new_pair(s);
}

static bool web_runs(const struct sim *s)
{
    return s->pair.jobs && s->pair.state == PAIR_PROTECTED && s->pair.job[0].state == JOB_RUNNING;
}

void sim_protected(struct sim *s, uint64_t seed)
{
    sim_init(s, seed);
    sim_ask(s, ASK_START);
    ck_assert(sim_until(s, web_runs, 5 * SIM_MINUTE));
}
