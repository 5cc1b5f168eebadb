/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jobs of a pair: granted to the active, a plain one to its own member, followed by what the
 * guest reports, moved by a takeover. At most one live run grant a job, and a new one only when its
 * last holder cannot run it any more: fenced, gone, or by its own word not running it.
 */
#include "core/pair_internal.h"
#include "core/plan.h"

#include <stdio.h>
#include <string.h>

struct job *pair_job(struct pair *p, const char *key)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        if (strcmp(p->job[i].key, key) == 0)
            return &p->job[i];
    }
    return NULL;
}

static bool idle(const struct job *j)
{
    return !job_live(j) && j->state != JOB_MOVING;
}

void set_job(struct pair *p, struct job *j, enum job_state state, const char *reason,
             struct pair_actions *out)
{
    if (j->state == state && strcmp(j->reason, reason) == 0)
        return;
    j->state = state;
    snprintf(j->reason, sizeof j->reason, "%s", reason);
    pair_changed(p);
    report(out, REPORT_JOB, "job %s%s%s: %s%s%s", j->name, j->owner == MEMBER_NONE ? "" : " on ",
           j->owner == MEMBER_NONE ? "" : p->m[j->owner].name, job_state_word(state),
           reason[0] ? ": " : "", reason);
}

/* Areas of jobs that are over go back; in a takeover not before its end: until then it is the
 * surplus that is in transit, and they would be merged into the OS's own. */
void merge_areas(struct pair *p)
{
    for (unsigned i = 0; i < p->jobs && !p->intent.id; i++) {
        const struct job *j = &p->job[i];
        if (idle(j)) /* one that waits asks again */
            rmt_release(&p->rmt, j->key, NULL);
    }
}

/* It ended: its run grant and its area go back. */
void end_job(struct pair *p, struct job *j, enum job_state state, const char *reason,
             struct pair_actions *out)
{
    struct pair_action *a = act(out, ACT_REVOKE, j->owner);

    a->request = j->request;
    snprintf(a->job, sizeof a->job, "%s", j->name);
    set_job(p, j, state, reason, out);
    j->request = 0;
    release_area(p, j, out);
    pair_changed(p);
}

void ask_start(struct pair *p, struct job *j, int64_t now_ns, struct pair_actions *out)
{
    struct pair_action *a = act(out, ACT_ASK, j->owner);

    a->request = j->request;
    a->op = MSG_OP_START;
    a->kb = j->memory_kb;
    if (p->intent.id && p->intent.heir == j->owner) /* its memory may be on the way still */
        a->need_kb = started_kb(p) - PLAN_TOLERANCE_KB;
    snprintf(a->job, sizeof a->job, "%s", j->name);
    j->deadline_ns = now_ns + JOB_START_NS;
}

void grant_job(struct pair *p, struct job *j, int member, struct pool *pool, int64_t now_ns,
               struct pair_actions *out)
{
    j->owner = member;
    if (!j->known[member]) {
        char reason[MSG_TEXT_MAX + 1];
        snprintf(reason, sizeof reason, "%.60s has no definition of it", p->m[member].name);
        set_job(p, j, JOB_FAILED, reason, out);
        return;
    }
    j->request = pool_request(pool);
    set_job(p, j, JOB_STARTING, "", out);
    mark(out, "grant");
    pair_changed(p);
    ask_start(p, j, now_ns, out);
}

static void follow_starting(struct pair *p, struct pool *pool, struct job *j, int64_t now_ns,
                            struct pair_actions *out)
{
    const struct msg_job *r = &j->report[j->owner];

    if (j->known[j->owner] && r->request == j->request) {
        switch (r->state) {
        case MSG_JOB_RUNNING:
            act(out, ACT_FORGET, j->owner)->request = j->request;
            set_job(p, j, JOB_RUNNING, "", out);
            mark(out, "run");
            return;
        case MSG_JOB_STOPPED:
            end_job(p, j, JOB_STOPPED, r->reason, out);
            return;
        case MSG_JOB_FAILED:
            end_job(p, j, JOB_FAILED, r->reason, out);
            return;
        case MSG_JOB_DEFINED:
        case MSG_JOB_WAITING:
        case MSG_JOB_STARTING:
        case MSG_JOB_STOPPING:
            break;
        }
    }
    if (j->deadline_ns == 0) { /* by an earlier daemon: told twice, started once */
        ask_start(p, j, now_ns, out);
    } else if (now_ns > j->deadline_ns) {
        char reason[MSG_TEXT_MAX + 1];
        snprintf(reason, sizeof reason, "no answer from %.60s to start request %llu",
                 p->m[j->owner].name, (unsigned long long)j->request);
        end_job(p, j, JOB_FAILED, reason, out);
        deny_job(p, pool, j, j->owner, 0, reason, out); /* else its guest would wait for ever */
    }
}

static void follow_running(struct pair *p, struct job *j, struct pair_actions *out)
{
    const struct msg_job *r = &j->report[j->owner];
    bool ours = r->request == j->request || r->request == 0; /* 0: asked for again meanwhile */

    if (!j->known[j->owner])
        return;
    if (r->state == MSG_JOB_WAITING || r->state == MSG_JOB_DEFINED)
        end_job(p, j, r->state == MSG_JOB_WAITING ? JOB_WAITING : JOB_STOPPED, "", out);
    else if (ours && r->state == MSG_JOB_STOPPED)
        end_job(p, j, JOB_STOPPED, r->reason, out);
    else if (ours && r->state == MSG_JOB_FAILED)
        end_job(p, j, JOB_FAILED, r->reason, out);
}

void follow_jobs(struct pair *p, struct pool *pool, bool grant, int64_t now_ns,
                 struct pair_actions *out)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];

        follow_rest(p, j, now_ns);
        switch (j->state) {
        case JOB_WAITING:
            follow_waiting(p, pool, j, grant, now_ns, out);
            break;
        case JOB_STARTING:
            follow_starting(p, pool, j, now_ns, out);
            break;
        case JOB_RUNNING:
        case JOB_STOPPING:
            follow_running(p, j, out);
            break;
        case JOB_MOVING:
        case JOB_STOPPED:
        case JOB_FAILED:
            break;
        }
    }
}

/* Jobs of a member that went down: hot-standby ones wait for it, or (state) are over; plain ones
 * are over, and their areas go back. */
void halt_jobs(struct pair *p, int member, enum job_state state, struct pair_actions *out)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        int waits_on = job_hot(j) ? p->active : j->member;
        if (j->state == JOB_WAITING && waits_on == member)
            release_area(p, j, out);
        if (j->owner != member || idle(j))
            continue;
        set_job(p, j, job_hot(j) ? state : JOB_STOPPED, "", out);
        j->request = 0;
        if (!job_hot(j))
            release_area(p, j, out);
        pair_changed(p);
    }
}

void drop_reports(struct pair *p, int member)
{
    for (unsigned i = 0; i < p->jobs; i++)
        p->job[i].known[member] = false;
}

/* Not while areas may be in transit, and not one that has its area still. */
static bool forget_job(struct pair *p, struct job *j, struct pair_actions *out)
{
    if (p->intent.id || rmt_find_job(&p->rmt, j->key))
        return false;
    forget_denial(j, out);
    memmove(j, j + 1, (size_t)(&p->job[p->jobs] - (j + 1)) * sizeof *j);
    p->jobs--;
    pair_changed(p);
    return true;
}

/* Room for a job that is wanted: one gives way that is over, or that only the standby knows of. */
static void make_room(struct pair *p, struct pair_actions *out)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        bool over = !job_hot(j) && j->state != JOB_WAITING;
        if (idle(j) && (over || (job_hot(j) && !j->known[p->active])) &&
            forget_job(p, j, out))
            return;
    }
}

static struct job *add_job(struct pair *p, const char *name, int plain_of, int member,
                           struct pair_actions *out)
{
    struct job *j;

    if (p->jobs == RMT_JOBS_MAX && (member == p->active || plain_of != MEMBER_NONE))
        make_room(p, out);
    if (p->jobs == RMT_JOBS_MAX) {
        if (!p->crowded)
            report(out, REPORT_ALERT, "job %s of %s, and what else comes, ignored: the pair has %d "
                   "jobs already", name, p->m[member].name, RMT_JOBS_MAX);
        p->crowded = true;
        return NULL;
    }
    p->crowded = false;
    j = &p->job[p->jobs++];
    memset(j, 0, sizeof *j);
    job_key_set(j, name, plain_of);
    j->owner = plain_of;
    j->state = JOB_WAITING;
    return j;
}

/* Asked to run anew: what it was waits again. */
static bool asked_again(const struct pair *p, const struct job *j, const struct pair_event *ev)
{
    bool was_waiting = j->known[ev->member] &&
                       j->report[ev->member].state == MSG_JOB_WAITING;

    return (!job_hot(j) || ev->member == p->active) && ev->report->state == MSG_JOB_WAITING &&
           !was_waiting && (j->state == JOB_STOPPED || j->state == JOB_FAILED);
}

/* The grant it may run under is an old one: a daemon that took it back may have died over it. */
static void runs_ungranted(struct pair *p, const struct job *j,
                           const struct pair_event *ev, struct pair_actions *out)
{
    struct member *m = &p->m[ev->member];

    if (!m->usurps && pair_member_runs(m)) { /* else these are its last words */
        report(out, REPORT_ALERT, "%s says that job %s runs there, without a run grant", m->name,
               j->name);
        m->usurps = true; /* said once a domain */
    }
    if (j->owner != ev->member || idle(j)) {
        struct pair_action *a = act(out, ACT_REVOKE, ev->member);
        a->request = ev->report->request;
        snprintf(a->job, sizeof a->job, "%s", j->name);
    }
}

/* A plain job that somebody wants to run, or that runs, as it can under a request only. */
static bool plain_at_work(const struct msg_job *r)
{
    switch (r->state) {
    case MSG_JOB_WAITING:
        return true;
    case MSG_JOB_STARTING:
    case MSG_JOB_RUNNING:
    case MSG_JOB_STOPPING:
        return r->request != 0;
    case MSG_JOB_DEFINED:
    case MSG_JOB_STOPPED:
    case MSG_JOB_FAILED:
        break;
    }
    return false;
}

/* Of the pair's hot-standby job of that name? Also a guest that calls it plain knows it, unless it
 * has a plain one of that name at work. */
static bool of_hot_job(const struct job *hot, const struct msg_job *r)
{
    if (r->hot_standby)
        return true;
    return hot && (!plain_at_work(r) || (hot->request && r->request == hot->request));
}

/* The guest has no such job any more, or calls another kind of job so now. j: NULL is fine. */
static void job_gone(struct pair *p, struct job *j, int member, struct pair_actions *out)
{
    if (!j)
        return;
    j->known[member] = false;
    if (!job_hot(j) && !idle(j))
        end_job(p, j, JOB_STOPPED, "its guest has it no more", out);
    if (idle(j) && !j->known[other_member(member)]) {
        release_area(p, j, out);
        forget_job(p, j, out);
    }
}

static void take_size(struct job *j, const struct msg_job *r)
{
    j->memory_kb = r->memory_kb;
    j->min_kb = msg_job_least_kb(r);
}

static void take_report(struct pair *p, struct job *j, const struct pair_event *ev,
                        struct pair_actions *out)
{
    const struct msg_job *r = ev->report;

    if (asked_again(p, j, ev))
        set_job(p, j, JOB_WAITING, "", out);
    j->known[ev->member] = true;
    j->report[ev->member] = *r;
    if (!job_hot(j) || ev->member == p->active || !j->known[p->active])
        j->priority = r->priority; /* it is not stored, and the active's word may be gone */
    if ((!job_hot(j) || ev->member == p->active) && idle(j) && !rmt_find_job(&p->rmt, j->key))
        take_size(j, r);
    if (r->state == MSG_JOB_RUNNING && r->hot_standby == job_hot(j) &&
        (j->owner != ev->member || j->request != r->request))
        runs_ungranted(p, j, ev, out);
}

/* The end of a plain job, whose name the pair has a hot-standby job of by now. */
static bool of_plain_job(const struct job *plain, const struct msg_job *r)
{
    return plain && !r->hot_standby && r->request && r->request == plain->request;
}

void absorb_job(struct pair *p, const struct pair_event *ev, struct pair_actions *out)
{
    const struct msg_job *r = ev->report;
    struct job key, *j, *other;
    bool hot;

    if (p->m[ev->member].domid != (int64_t)ev->domid)
        return;
    job_key_set(&key, ev->job, ev->member);
    if (!r) {
        job_gone(p, pair_job(p, ev->job), ev->member, out);
        job_gone(p, pair_job(p, key.key), ev->member, out);
        return;
    }
    hot = of_hot_job(pair_job(p, ev->job), r) && !of_plain_job(pair_job(p, key.key), r);
    other = pair_job(p, hot ? key.key : ev->job);
    if (other && (hot || plain_at_work(r)))
        job_gone(p, other, ev->member, out);
    j = pair_job(p, hot ? ev->job : key.key);
    if (!j && (hot || plain_at_work(r)))
        j = add_job(p, ev->job, hot ? MEMBER_NONE : ev->member, ev->member, out);
    if (j)
        take_report(p, j, ev, out);
}

/* Every reply is done with then, also one that nobody waits for any more, as after a restart. */
void absorb_job_reply(struct pair *p, const struct pair_event *ev, struct pair_actions *out)
{
    act(out, ACT_FORGET, ev->member)->request = ev->request;
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];

        if (j->denial == ev->request && j->denied == ev->member) {
            /* Its line was read after that: one that says "waiting" is a new request. */
            j->denial = 0;
            if (j->state == JOB_FAILED && j->known[ev->member] &&
                j->report[ev->member].state == MSG_JOB_WAITING)
                set_job(p, j, JOB_WAITING, "", out);
        }
        if (j->request == 0 || j->request != ev->request || j->owner != ev->member ||
            j->state != JOB_STARTING)
            continue;
        if (ev->reply.ok) {
            set_job(p, j, JOB_RUNNING, "", out);
            mark(out, "run");
        } else {
            end_job(p, j, JOB_FAILED, ev->reply.text, out);
        }
    }
}
