/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated guests: an agent by the rules of guest-tools/agent, its jobs, its keys, and the
 * daemon's reading of them. Not the domains under them: sim.c, which calls this.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

#define STOP_NS (50 * SIM_MS)
#define POLL_NS (10 * SIM_MS)
#define KERNEL_KB (8 * MIB_KB)
#define USED_KB (60 * MIB_KB)

const char *const sim_job_name[SIM_JOBS] = { "web", "db", "log", "big" };
static const uint64_t job_kb[SIM_JOBS] = { 128 * MIB_KB, 256 * MIB_KB, 48 * MIB_KB, 200 * MIB_KB };
static const uint64_t job_min_kb[SIM_JOBS] = { 64 * MIB_KB, 0, 0, 40 * MIB_KB };

bool sim_dom_runs(const struct sim_dom *d)
{
    return d->there && !d->shutdown && !d->dying && !d->paused;
}

static bool agent_lives(const struct sim_dom *d)
{
    return sim_dom_runs(d) && d->agent && !d->mute;
}

bool sim_job_active(const struct sim_job *j)
{
    return j->line.state == MSG_JOB_STARTING || j->line.state == MSG_JOB_RUNNING ||
           j->line.state == MSG_JOB_STOPPING;
}

bool sim_job_copy(const struct sim_job *j)
{
    return sim_job_active(j) && !j->plain;
}

unsigned sim_copies(const struct sim *s, int job)
{
    unsigned n = 0;

    for (int i = 0; i < MEMBERS; i++) {
        const struct sim_dom *d = &s->dom[i];
        n += d->there && !d->dying && !d->fenced && sim_job_copy(&d->job[job]);
    }
    return n;
}

int sim_runner(const struct sim *s, int job)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (sim_dom_runs(&s->dom[i]) && s->dom[i].job[job].line.state == MSG_JOB_RUNNING)
            return i;
    }
    return MEMBER_NONE;
}

/* ---- the agent ---- */

static int find_job(const char *name)
{
    for (int k = 0; k < SIM_JOBS; k++) {
        if (strcmp(sim_job_name[k], name) == 0)
            return k;
    }
    return -1;
}

static void set_line(struct sim_job *j, enum msg_job_state state)
{
    j->line.state = state;
    j->told = false;
}

void sim_guest_boots(struct sim *s, int member)
{
    struct sim_dom *d = &s->dom[member];

    snprintf(d->boot_id, sizeof d->boot_id, "%08x-0000-4000-8000-%012llx", (unsigned)member,
             (unsigned long long)d->domid);
    for (int k = 0; k < SIM_JOBS; k++) {
        d->job[k].defined = s->defines[member][k];
        d->job[k].line = (struct msg_job){
            .state = MSG_JOB_WAITING,
            .hot_standby = k < SIM_HOT,
            .memory_kb = job_kb[k],
            .memory_min_kb = job_min_kb[k],
            .priority = s->priority[k],
            .wait_s = MSG_WAIT_FOREVER,
        };
    }
}

void sim_job_line(struct sim *s, int member, int job, enum msg_job_state state)
{
    struct sim_job *j = &s->dom[member].job[job];

    if (state == MSG_JOB_WAITING) { /* the owner asks to run it again */
        j->line.request = 0;
        j->line.memory_kb = job_kb[job];
    }
    set_line(j, state);
}

static void answer(struct sim *s, struct sim_dom *d, struct sim_req *r, bool ok, const char *text)
{
    r->answered = true;
    r->told = sim_chance(s, s->faults.lost_reply);
    r->reply.ok = ok;
    memcpy(r->reply.boot_id, d->boot_id, sizeof r->reply.boot_id);
    snprintf(r->reply.text, sizeof r->reply.text, "%s", text);
}

static void execute(struct sim *s, struct sim_dom *d, struct sim_req *r)
{
    struct sim_job *j = &d->job[r->job];
    bool hot = r->job < SIM_HOT && !r->plain;
    uint64_t *last = &s->last_run[hot ? MEMBERS : d - s->dom][r->job];

    if (r->id <= *last)
        ck_abort_msg("XHS_SEED=%llu, step %lu: job %s executed under request %llu after %llu",
                     (unsigned long long)s->world, s->steps, sim_job_name[r->job],
                     (unsigned long long)r->id, (unsigned long long)*last);
    j->plain = r->plain;
    j->line.request = r->id;
    j->line.memory_kb = r->kb;
    j->line.ask_kb = 0;
    if (j->line.memory_min_kb > r->kb)
        j->line.memory_min_kb = r->kb;
    if (sim_chance(s, s->faults.start_fails)) {
        set_line(j, MSG_JOB_FAILED);
        snprintf(j->line.reason, sizeof j->line.reason, "exec failed");
        answer(s, d, r, false, "exec failed");
        return;
    }
    s->runs[r->job]++;
    *last = r->id;
    set_line(j, MSG_JOB_RUNNING);
    answer(s, d, r, true, "");
}

static void try_start(struct sim *s, struct sim_dom *d, struct sim_req *r)
{
    struct sim_job *j = &d->job[r->job];

    if (!j->defined) {
        answer(s, d, r, false, "no such job is defined here");
    } else if (j->line.request == r->id && j->line.state == MSG_JOB_RUNNING) {
        j->told = false;
        answer(s, d, r, true, "");
    } else if (sim_job_active(j)) {
        answer(s, d, r, false, "already running");
    } else if (j->line.request == r->id) {
        answer(s, d, r, false, "it was carried out, and ended");
    } else if (j->grant != r->id || d->tot_kb < r->need_kb) {
        r->due_ns = s->now_ns + POLL_NS;
    } else {
        execute(s, d, r);
    }
}

static void try_request(struct sim *s, struct sim_dom *d, struct sim_req *r)
{
    switch (r->op) {
    case MSG_OP_START:
        try_start(s, d, r);
        break;
    case MSG_OP_DENY:
        if (r->job >= 0 && d->job[r->job].line.state == MSG_JOB_WAITING)
            set_line(&d->job[r->job], MSG_JOB_FAILED);
        answer(s, d, r, true, "");
        break;
    case MSG_OP_STOP:
        answer(s, d, r, false, "not simulated");
        break;
    case MSG_OP_BALLOON:
        d->own_target_kb = r->kb;
        s->balloons++;
        answer(s, d, r, true, "");
        break;
    }
}

static bool lost_grant(const struct sim_job *j)
{
    return j->line.state == MSG_JOB_RUNNING && j->line.request && j->grant != j->line.request;
}

/* ---- its keys, as dom0 writes them ---- */

static struct sim_req *find_req(struct sim_dom *d, uint64_t id)
{
    for (unsigned i = 0; i < SIM_REQS; i++) {
        if (d->req[i].id == id)
            return &d->req[i];
    }
    return NULL;
}

/* A guest that calls a hot-standby job plain is granted one more job, a plain one of that name. */
static bool granted_plain(const struct sim *s, const struct sim_dom *d, const struct pair_action *a)
{
    int k = find_job(a->job);

    if (a->op != MSG_OP_START || k < 0 || !d->job[k].called_plain)
        return false;
    for (unsigned i = 0; i < s->pair.jobs; i++) {
        if (s->pair.job[i].request == a->request)
            return !job_hot(&s->pair.job[i]);
    }
    return false;
}

static void put_request(struct sim *s, struct sim_dom *d, const struct pair_action *a)
{
    struct sim_req *r = find_req(d, a->request);

    s->asks++;
    if (a->op == MSG_OP_START && find_job(a->job) >= 0)
        d->job[find_job(a->job)].grant = a->request;
    if (sim_chance(s, s->faults.lost_req) || (a->op == MSG_OP_START && find_job(a->job) < 0))
        return;
    if (!r)
        r = find_req(d, 0);
    if (!r) /* asked by daemons that are no more */
        r = &d->req[sim_random(s, SIM_REQS)];
    *r = (struct sim_req){ .id = a->request, .op = a->op, .job = find_job(a->job), .kb = a->kb,
                           .need_kb = a->need_kb, .plain = granted_plain(s, d, a) };
    r->due_ns = s->now_ns + (1 + sim_random(s, 20)) * SIM_MS;
}

void sim_guest_told(struct sim *s, const struct pair_action *a)
{
    struct sim_dom *d = &s->dom[a->member];
    struct sim_req *r = a->request ? find_req(d, a->request) : NULL;
    int job = find_job(a->job);

    s->revokes += a->type == ACT_REVOKE;
    if (!s->attached[a->member] || !d->there)
        return;
    if (a->type == ACT_ASK) {
        put_request(s, d, a);
        return;
    }
    if (r)
        *r = (struct sim_req){ 0 };
    if (a->type == ACT_REVOKE && job >= 0)
        d->job[job].grant = 0;
}

/* ---- and as the daemon reads them ---- */

void sim_attach(struct sim *s)
{
    for (int i = 0; i < MEMBERS && !s->down; i++) {
        const struct member *m = &s->pair.m[i];
        struct sim_dom *d = &s->dom[i];

        if (m->domid < 0 || m->leaving || m->op == OP_CLEAN || s->attached[i])
            continue;
        s->attached[i] = true;
        d->told = false;
        for (int k = 0; k < SIM_JOBS; k++)
            d->job[k].told = false;
        for (unsigned r = 0; r < SIM_REQS; r++)
            d->req[r].told = false;
    }
}

static bool readable(const struct sim *s, int i)
{
    const struct sim_dom *d = &s->dom[i];

    return s->attached[i] && !s->down && d->there && d->agent; /* keys stay, also of the dead */
}

static bool read_job(struct sim *s, int member, int k)
{
    struct sim_dom *d = &s->dom[member];
    struct pair_event ev = { .type = EV_JOB, .member = member, .domid = (uint32_t)d->domid };
    struct msg_job line = d->job[k].line;

    if (d->job[k].told)
        return false;
    d->job[k].told = true;
    ev.job = sim_job_name[k];
    ev.report = d->job[k].defined ? &line : NULL;
    sim_feed(s, &ev);
    return true;
}

static bool read_key(struct sim *s, int member)
{
    struct sim_dom *d = &s->dom[member];
    struct pair_event ev = { .member = member, .domid = (uint32_t)d->domid };

    if (!d->told) {
        d->told = true;
        ev.type = EV_MEMORY;
        ev.memory.total_kb = d->boot_kb - KERNEL_KB;
        ev.memory.available_kb = ev.memory.total_kb - USED_KB;
        sim_feed(s, &ev);
        ev.type = EV_AGENT;
        ev.boot_id = d->boot_id;
        sim_feed(s, &ev);
        return true;
    }
    for (int k = 0; k < SIM_JOBS; k++) {
        if (read_job(s, member, k))
            return true;
    }
    for (unsigned i = 0; i < SIM_REQS; i++) {
        struct sim_req *r = &d->req[i];
        if (r->id == 0 || !r->answered || r->told)
            continue;
        r->told = true;
        ev.type = EV_REPLY;
        ev.request = r->id;
        ev.reply = r->reply;
        sim_feed(s, &ev);
        return true;
    }
    return false;
}

/* ---- the clock ---- */

static bool unread(const struct sim *s, int i)
{
    const struct sim_dom *d = &s->dom[i];
    bool all = d->told;

    for (int k = 0; k < SIM_JOBS; k++)
        all = all && d->job[k].told;
    for (unsigned r = 0; r < SIM_REQS; r++)
        all = all && (!d->req[r].id || !d->req[r].answered || d->req[r].told);
    return readable(s, i) && !all;
}

int64_t sim_guests_due(const struct sim *s)
{
    int64_t t = SIM_NEVER;

    for (int i = 0; i < MEMBERS; i++) {
        const struct sim_dom *d = &s->dom[i];
        if (unread(s, i))
            return s->now_ns;
        if (sim_dom_runs(d) && !d->agent && d->agent_ns < t)
            t = d->agent_ns;
        if (!agent_lives(d))
            continue;
        for (int k = 0; k < SIM_JOBS; k++) {
            if (lost_grant(&d->job[k]))
                return s->now_ns;
            if (d->job[k].line.state == MSG_JOB_STOPPING && d->job[k].stop_ns < t)
                t = d->job[k].stop_ns;
        }
        for (unsigned r = 0; r < SIM_REQS; r++) {
            if (d->req[r].id && !d->req[r].answered && d->req[r].due_ns < t)
                t = d->req[r].due_ns;
        }
    }
    return t;
}

static bool act_guest(struct sim *s, struct sim_dom *d)
{
    if (sim_dom_runs(d) && !d->agent && d->agent_ns <= s->now_ns) {
        d->agent = true;
        return true;
    }
    if (!agent_lives(d))
        return false;
    for (int k = 0; k < SIM_JOBS; k++) {
        struct sim_job *j = &d->job[k];
        if (lost_grant(j)) { /* it does not run without */
            set_line(j, MSG_JOB_STOPPING);
            j->stop_ns = s->now_ns + STOP_NS;
            return true;
        }
        if (j->line.state == MSG_JOB_STOPPING && j->stop_ns <= s->now_ns) {
            set_line(j, MSG_JOB_STOPPED);
            return true;
        }
    }
    for (unsigned r = 0; r < SIM_REQS; r++) {
        if (d->req[r].id && !d->req[r].answered && d->req[r].due_ns <= s->now_ns) {
            try_request(s, d, &d->req[r]);
            return true;
        }
    }
    return false;
}

bool sim_guests_next(struct sim *s)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (act_guest(s, &s->dom[i]) || (readable(s, i) && read_key(s, i)))
            return true;
    }
    return false;
}
