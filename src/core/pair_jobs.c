/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hot-standby jobs of a pair: granted to the active, followed by what its guest reports, moved
 * by a takeover. At most one live run grant a job, and a new one only when its last holder cannot
 * run it any more: fenced, gone, or by its own word not running it.
 */
#include "core/pair_internal.h"

#include <stdio.h>
#include <string.h>

struct job *pair_job(struct pair *p, const char *name)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        if (strcmp(p->job[i].name, name) == 0)
            return &p->job[i];
    }
    return NULL;
}

void set_job(struct pair *p, struct job *j, enum job_state state, const char *reason,
             struct pair_actions *out)
{
    const char *where = j->owner == MEMBER_NONE ? "nobody" : p->m[j->owner].name;

    if (j->state == state && strcmp(j->reason, reason) == 0)
        return;
    j->state = state;
    snprintf(j->reason, sizeof j->reason, "%s", reason);
    pair_changed(p);
    report(out, REPORT_JOB, "job %s on %s: %s%s%s", j->name, where, job_state_word(state),
           reason[0] ? ": " : "", reason);
}

/* Areas of jobs that are over go back; in a takeover not before its end: until then it is the
 * surplus that is in transit, and they would be merged into the OS's own. */
void merge_areas(struct pair *p)
{
    for (unsigned i = 0; i < p->jobs && !p->intent.id; i++) {
        const struct job *j = &p->job[i];
        if (j->state == JOB_STOPPED || j->state == JOB_FAILED)
            rmt_merge_job(&p->rmt, j->name, NULL);
    }
}

/* It ended: its run grant and its area go back. */
static void end_job(struct pair *p, struct job *j, enum job_state state, const char *reason,
                    struct pair_actions *out)
{
    struct pair_action *a = act(out, ACT_REVOKE, j->owner);

    a->request = j->request;
    snprintf(a->job, sizeof a->job, "%s", j->name);
    set_job(p, j, state, reason, out);
    j->request = 0;
    if (!p->intent.id)
        rmt_merge_job(&p->rmt, j->name, NULL);
    pair_changed(p);
}

void ask_start(struct pair *p, struct job *j, int64_t now_ns, struct pair_actions *out)
{
    struct pair_action *a = act(out, ACT_ASK, j->owner);

    (void)p;
    a->request = j->request;
    a->op = MSG_OP_START;
    a->kb = j->memory_kb;
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
    pair_changed(p);
    ask_start(p, j, now_ns, out);
}

static void take_size(struct job *j, const struct msg_job *r)
{
    j->memory_kb = r->memory_kb;
    j->min_kb = r->memory_min_kb && r->memory_min_kb < r->memory_kb ? r->memory_min_kb
                                                                    : r->memory_kb;
}

static bool may_grant(const struct pair *p, const struct job *j, int member)
{
    return !p->intent.id && member_up(&p->m[member]) && j->known[member] &&
           j->report[member].hot_standby && j->report[member].state == MSG_JOB_WAITING;
}

/* An area for a waiting job, split off what its OS has. False: it has to wait, with the reason. */
static bool have_area(struct pair *p, struct job *j, int member, struct pair_actions *out)
{
    struct area *a = rmt_find_job(&p->rmt, j->name);
    struct xhs_error err = { 0 };

    if (a && a->owner == (enum owner)member && a->size_kb == j->memory_kb)
        return true;
    if (a && rmt_merge_job(&p->rmt, j->name, &err) != 0) {
        set_job(p, j, JOB_WAITING, err.text, out);
        return false;
    }
    if (rmt_split_job(&p->rmt, j->name, j->memory_kb, member, p->cfg.standby_memory_kb, &err)) {
        char reason[MSG_TEXT_MAX + 1];
        snprintf(reason, sizeof reason, "%.*s", MSG_TEXT_MAX, err.text);
        set_job(p, j, JOB_WAITING, reason, out);
        return false;
    }
    pair_changed(p);
    return true;
}

static void follow_starting(struct pair *p, struct job *j, int64_t now_ns,
                            struct pair_actions *out)
{
    const struct msg_job *r = &j->report[j->owner];

    if (j->known[j->owner] && r->request == j->request) {
        switch (r->state) {
        case MSG_JOB_RUNNING:
            act(out, ACT_FORGET, j->owner)->request = j->request;
            set_job(p, j, JOB_RUNNING, "", out);
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
    int a = p->active;

    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];

        switch (j->state) {
        case JOB_WAITING:
            if (!grant || !may_grant(p, j, a))
                break;
            take_size(j, &j->report[a]);
            if (have_area(p, j, a, out))
                grant_job(p, j, a, pool, now_ns, out);
            break;
        case JOB_STARTING:
            follow_starting(p, j, now_ns, out);
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

/* Jobs of a member that went down by will: they wait for it, or are over. */
void halt_jobs(struct pair *p, int member, enum job_state state, struct pair_actions *out)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        if (j->owner != member || (!job_live(j) && j->state != JOB_MOVING))
            continue;
        set_job(p, j, state, "", out);
        j->request = 0;
        pair_changed(p);
    }
}

void drop_reports(struct pair *p, int member)
{
    for (unsigned i = 0; i < p->jobs; i++)
        p->job[i].known[member] = false;
}

static void forget_job(struct pair *p, struct job *j)
{
    if (p->intent.id)
        return;
    rmt_merge_job(&p->rmt, j->name, NULL);
    memmove(j, j + 1, (size_t)(&p->job[p->jobs] - (j + 1)) * sizeof *j);
    p->jobs--;
    pair_changed(p);
}

/* Room for a job of the active's: one that only the standby knows of gives way. */
static void make_room(struct pair *p)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];
        if (!j->known[p->active] && !job_live(j) && j->state != JOB_MOVING) {
            forget_job(p, j);
            return;
        }
    }
}

static struct job *add_job(struct pair *p, const char *name, int member, struct pair_actions *out)
{
    struct job *j;

    if (p->jobs == RMT_JOBS_MAX && member == p->active)
        make_room(p);
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
    snprintf(j->name, sizeof j->name, "%s", name);
    j->owner = MEMBER_NONE;
    j->state = JOB_WAITING;
    return j;
}

/* Asked to run anew: what it was waits again. */
static bool asked_again(const struct pair *p, const struct job *j, const struct pair_event *ev)
{
    bool was_waiting = j->known[ev->member] &&
                       j->report[ev->member].state == MSG_JOB_WAITING;

    return ev->member == p->active && ev->report->state == MSG_JOB_WAITING &&
           !was_waiting && (j->state == JOB_STOPPED || j->state == JOB_FAILED);
}

/* The grant it may run under is an old one: a daemon that took it back may have died over it. */
static void runs_ungranted(const struct pair *p, const struct job *j,
                           const struct pair_event *ev, struct pair_actions *out)
{
    report(out, REPORT_ALERT, "%s says that job %s runs there, without a run grant",
           p->m[ev->member].name, j->name);
    if (j->owner != ev->member || !(job_live(j) || j->state == JOB_MOVING)) {
        struct pair_action *a = act(out, ACT_REVOKE, ev->member);
        a->request = ev->report->request;
        snprintf(a->job, sizeof a->job, "%s", j->name);
    }
}

void absorb_job(struct pair *p, const struct pair_event *ev, struct pair_actions *out)
{
    const struct member *m = &p->m[ev->member];
    struct job *j = pair_job(p, ev->job);

    if (m->domid != (int64_t)ev->domid)
        return;
    if (!ev->report) {
        if (j)
            j->known[ev->member] = false;
        if (j && !j->known[other_member(ev->member)] && !job_live(j) && j->state != JOB_MOVING)
            forget_job(p, j);
        return;
    }
    if (!j && !ev->report->hot_standby)
        return;
    if (!j && !(j = add_job(p, ev->job, ev->member, out)))
        return;
    if (asked_again(p, j, ev))
        set_job(p, j, JOB_WAITING, "", out);
    j->known[ev->member] = true;
    j->report[ev->member] = *ev->report;
    if (!job_live(j) && j->state != JOB_MOVING && ev->member == p->active)
        take_size(j, ev->report);
    if (ev->report->state == MSG_JOB_RUNNING && ev->report->hot_standby &&
        (j->owner != ev->member || j->request != ev->report->request))
        runs_ungranted(p, j, ev, out);
}

/* Every reply is done with then, also one that nobody waits for any more, as after a restart. */
void absorb_job_reply(struct pair *p, const struct pair_event *ev, struct pair_actions *out)
{
    act(out, ACT_FORGET, ev->member)->request = ev->request;
    for (unsigned i = 0; i < p->jobs; i++) {
        struct job *j = &p->job[i];

        if (j->request == 0 || j->request != ev->request || j->owner != ev->member ||
            j->state != JOB_STARTING)
            continue;
        if (ev->reply.ok)
            set_job(p, j, JOB_RUNNING, "", out);
        else
            end_job(p, j, JOB_FAILED, ev->reply.text, out);
    }
}
