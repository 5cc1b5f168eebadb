/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What xhs shows, as JSON: see report.h. */
#include "xhsd/report.h"

#include <string.h>

#include "core/feasible.h"
#include "xhsd/audits.h"
#include "xhsd/host.h"
#include "xhsd/pair_run.h"
#include "xhsd/uuid.h"

static const char *member_word(int member)
{
    return member == MEMBER_NONE ? NULL : rmt_owner_word((enum owner)member);
}

static const char *domain_of(const struct pair *p, enum owner owner)
{
    return owner == OWNER_A || owner == OWNER_B ? p->m[owner].name : NULL;
}

static const char *domain_word(const struct member *m)
{
    if (m->op == OP_CREATE)
        return "building";
    if (m->domid < 0)
        return "none";
    switch (m->look.at) {
    case LOOK_UNKNOWN:
        return "unknown";
    case LOOK_ABSENT:
        return "gone";
    case LOOK_THERE:
        break;
    }
    if (m->look.dying)
        return "dying";
    if (m->look.shutdown)
        return m->look.reason == SHUT_CRASH ? "crashed" : "shut down";
    return m->look.paused ? "paused" : "running";
}

static void member_json(const struct pair *p, int i, struct jout *j)
{
    const struct member *m = &p->m[i];
    char uuid[UUID_TEXT];
    bool there = m->look.at == LOOK_THERE && m->domid >= 0;

    uuid_to_text(uuid, m->uuid);
    jout_object(j, NULL);
    jout_str(j, "member", member_word(i));
    jout_str(j, "name", m->name);
    if (m->domid >= 0)
        jout_i64(j, "domid", m->domid);
    else
        jout_str(j, "domid", NULL);
    jout_str(j, "uuid", uuid);
    jout_str(j, "role", p->state == PAIR_STOPPED ? "none" :
                        i == p->active ? "active" : "standby");
    jout_str(j, "domain", domain_word(m));
    jout_bool(j, "agent", m->agent);
    jout_u64(j, "memory_kb", there ? m->look.tot_kb : 0);
    jout_u64(j, "target_kb", m->target_kb);
    jout_u64(j, "owned_kb", rmt_owned_kb(&p->rmt, (enum owner)i));
    jout_end_object(j);
}

/* The members of PAIR, without the braces. */
static void pair_members(const struct pair *p, struct jout *j)
{
    jout_str(j, "name", p->name);
    jout_str(j, "state", pair_state_word(p->state));
    jout_str(j, "reason", p->reason);
    jout_str(j, "trigger", p->trigger);
    jout_u64(j, "epoch", p->epoch);
    jout_bool(j, "protected", p->state == PAIR_PROTECTED);
    jout_str(j, "active", p->state == PAIR_STOPPED ? NULL : member_word(p->active));
    jout_u64(j, "takeovers", p->takeovers);
    jout_array(j, "members");
    for (int i = 0; i < MEMBERS; i++)
        member_json(p, i, j);
    jout_end_array(j);
}

void report_list(const struct host *h, struct jout *j)
{
    jout_object(j, "result");
    jout_array(j, "pairs");
    for (const struct runner *r = h->pairs; r; r = r->next) {
        jout_object(j, NULL);
        pair_members(&r->pair, j);
        jout_end_object(j);
    }
    jout_end_array(j);
    jout_end_object(j);
}

/* The job whose area this is, when its guest tells how much of it is used. */
static const struct msg_job *user_of(const struct pair *p, const struct area *a)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *job = &p->job[i];
        if (job->state == JOB_RUNNING && job->known[job->owner] &&
            rmt_find_job(&p->rmt, job->key) == a)
            return &job->report[job->owner];
    }
    return NULL;
}

static void areas_json(const struct pair *p, struct jout *j)
{
    for (unsigned i = 0; i < p->rmt.n; i++) {
        const struct area *a = &p->rmt.area[i];
        const struct msg_job *user = user_of(p, a);

        jout_object(j, NULL);
        jout_str(j, "pair", p->name);
        jout_str(j, "area", a->name);
        jout_str(j, "resource", "memory");
        jout_u64(j, "size_kb", a->size_kb);
        jout_u64(j, "have_kb", a->have_kb);
        if (user)
            jout_u64(j, "used_kb", user->used_kb);
        else
            jout_str(j, "used_kb", NULL);
        jout_str(j, "owner", rmt_owner_word(a->owner));
        jout_str(j, "owner_domain", domain_of(p, a->owner));
        jout_str(j, "on_fault", rmt_owner_word(a->on_fault));
        jout_str(j, "on_fault_domain", domain_of(p, a->on_fault));
        jout_end_object(j);
    }
}

static void jobs_json(const struct pair *p, struct jout *j)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *job = &p->job[i];
        int at = job->owner == MEMBER_NONE ? p->active : job->owner;
        static const struct msg_job silent;
        const struct msg_job *r = job->known[at] ? &job->report[at] : &silent;

        jout_object(j, NULL);
        jout_str(j, "pair", p->name);
        jout_str(j, "job", job->name);
        jout_str(j, "state", job_state_word(job->state));
        jout_str(j, "owner", member_word(job->owner));
        jout_str(j, "owner_domain", job->owner == MEMBER_NONE ? NULL : p->m[job->owner].name);
        jout_bool(j, "hot_standby", job_hot(job));
        jout_u64(j, "priority", job->priority);
        jout_u64(j, "memory_kb", job->memory_kb);
        jout_u64(j, "min_kb", job->min_kb);
        jout_u64(j, "used_kb", r->used_kb);
        jout_u64(j, "peak_kb", r->peak_kb);
        jout_u64(j, "oom_kills", r->oom_kills);
        jout_u64(j, "request", job->request);
        jout_str(j, "reason", job->reason);
        jout_end_object(j);
    }
}

static void takeover_json(const struct pair *p, struct jout *j)
{
    const struct timeline *t = &p->takeover;

    if (!t->request) {
        jout_str(j, "takeover", NULL);
        return;
    }
    jout_object(j, "takeover");
    jout_u64(j, "request", t->request);
    jout_str(j, "victim", p->m[t->victim].name);
    jout_str(j, "heir", p->m[t->heir].name);
    jout_bool(j, "done", t->done);
    jout_array(j, "phases");
    for (int i = 0; i < PHASE_COUNT; i++) {
        if (!t->at_ns[i])
            continue;
        jout_object(j, NULL);
        jout_str(j, "phase", pair_phase_word((enum pair_phase)i));
        jout_ms(j, "ms", t->at_ns[i] - t->at_ns[PHASE_DETECT]);
        jout_end_object(j);
    }
    jout_end_array(j);
    jout_end_object(j);
}

static void config_json(const struct pair_config *c, struct jout *j)
{
    jout_object(j, "config");
    jout_str(j, "file", c->file);
    jout_array(j, "members");
    jout_str(j, NULL, c->member_file[MEMBER_A]);
    jout_str(j, NULL, c->member_file[MEMBER_B]);
    jout_end_array(j);
    jout_u64(j, "memory_kb", c->memory_kb);
    jout_u64(j, "standby_memory_kb", c->standby_memory_kb);
    jout_u64(j, "max_memory_kb", c->max_memory_kb);
    jout_str(j, "surplus", surplus_word(c->surplus));
    jout_u64(j, "hang_timeout_ms", c->hang_timeout_ms);
    jout_end_object(j);
}

void report_show(const struct runner *r, struct jout *j)
{
    jout_object(j, "result");
    pair_members(&r->pair, j);
    config_json(&r->pair.cfg, j);
    jout_array(j, "areas");
    areas_json(&r->pair, j);
    jout_end_array(j);
    jout_array(j, "jobs");
    jobs_json(&r->pair, j);
    jout_end_array(j);
    takeover_json(&r->pair, j);
    jout_end_object(j);
}

static void ask_json(const struct host *h, const struct runner *r, const struct pool_ask *ask,
                     struct jout *j)
{
    int64_t left_ns = ask->until_ns - evloop_now(h->loop);
    struct job key = { 0 };
    int member;

    job_key_parse(ask->job, &key);
    member = job_hot(&key) ? r->pair.active : key.member;
    jout_object(j, NULL);
    jout_str(j, "pair", ask->pair);
    jout_str(j, "job", key.name);
    jout_str(j, "domain", r->pair.m[member].name);
    jout_u64(j, "priority", ask->priority);
    jout_u64(j, "min_kb", ask->min_kb);
    jout_u64(j, "want_kb", ask->want_kb);
    if (ask->until_ns == INT64_MAX)
        jout_str(j, "left_s", NULL);
    else
        jout_i64(j, "left_s", left_ns > 0 ? left_ns / 1000000000 : 0);
    jout_end_object(j);
}

static void queue_json(const struct host *h, const struct runner *pair, struct jout *j)
{
    jout_array(j, "queue");
    for (unsigned i = 0; i < h->pool.asks; i++) {
        for (const struct runner *r = h->pairs; r; r = r->next) {
            if ((!pair || pair == r) && strcmp(r->pair.name, h->pool.ask[i].pair) == 0)
                ask_json(h, r, &h->pool.ask[i], j);
        }
    }
    jout_end_array(j);
}

static void difference_json(void *arg, const char *text)
{
    jout_str(arg, NULL, text);
}

void report_table(struct host *h, const struct runner *pair, bool audit, struct jout *j)
{
    jout_object(j, "result");
    jout_u64(j, "pool_kb", h->pool.pool_kb);
    jout_u64(j, "reserve_kb", h->pool.reserve_kb);
    jout_u64(j, "reserve_have_kb", h->reserve_short ? 0 : pool_reserve_left_kb(&h->pool));
    jout_u64(j, "unused_kb", pool_unused_kb(&h->pool));
    jout_array(j, "areas");
    for (const struct runner *r = h->pairs; r; r = r->next) {
        if (!pair || pair == r)
            areas_json(&r->pair, j);
    }
    jout_end_array(j);
    queue_json(h, pair, j);
    if (audit) {
        jout_array(j, "differences");
        audits_now(h, pair, difference_json, j);
        jout_end_array(j);
    }
    jout_end_object(j);
}

static void fault_json(const struct pair *p, const struct fault *f, struct jout *j)
{
    jout_object(j, NULL);
    jout_str(j, "fault", f->os ? "os" : "job");
    jout_str(j, "domain", p->m[f->member].name);
    jout_str(j, "job", f->job ? f->job->name : NULL);
    if (f->moves)
        jout_bool(j, "possible", f->possible);
    else
        jout_str(j, "possible", NULL);
    jout_u64(j, "need_kb", f->need_kb);
    jout_u64(j, "have_kb", f->have_kb);
    jout_str(j, "text", f->text);
    jout_end_object(j);
}

/* A pair that is not up has no faults to look at, and no takeover. */
static bool can_fail(const struct pair *p)
{
    return p->state != PAIR_STOPPED && p->state != PAIR_FAILED && p->state != PAIR_STOPPING &&
           p->state != PAIR_FORMING;
}

static bool check_pair(const struct host *h, const struct pair *p, struct jout *j)
{
    struct fault fault[FAULTS_MAX];
    unsigned n = can_fail(p) ? feasible_faults(p, &h->pool, fault) : 0;
    bool possible = n > 0;

    for (unsigned i = 0; i < n; i++)
        possible = possible && (fault[i].possible || !fault[i].moves);
    jout_object(j, NULL);
    jout_str(j, "name", p->name);
    jout_str(j, "state", pair_state_word(p->state));
    jout_bool(j, "possible", possible);
    jout_array(j, "faults");
    for (unsigned i = 0; i < n; i++)
        fault_json(p, &fault[i], j);
    jout_end_array(j);
    jout_end_object(j);
    return possible;
}

void report_check(const struct host *h, const struct runner *pair, struct jout *j)
{
    bool possible = true;

    jout_object(j, "result");
    jout_array(j, "pairs");
    for (const struct runner *r = h->pairs; r; r = r->next) {
        if (!pair || pair == r)
            possible = check_pair(h, &r->pair, j) && possible;
    }
    jout_end_array(j);
    jout_bool(j, "possible", possible);
    jout_end_object(j);
}

void report_jobs(const struct host *h, const struct runner *pair, struct jout *j)
{
    jout_object(j, "result");
    jout_array(j, "jobs");
    for (const struct runner *r = h->pairs; r; r = r->next) {
        if (!pair || pair == r)
            jobs_json(&r->pair, j);
    }
    jout_end_array(j);
    jout_end_object(j);
}
