/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's requests: each is carried out once, and answered once, if it still stands by then.
 * Not the decision whether a job may start or stop: that is jobs.c.
 * Called by the agent's loop. The way from a request to the exec is the takeover's: it is one
 * listing, one read of the request, one of the grant.
 */
#include "agent.h"

#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "memory.h"

static void reply(struct agent *a, uint64_t id, bool ok, const char *text)
{
    struct xhs_error err = { 0 };

    if (!ok)
        log_line(LOG_ERR, "request %" PRIu64 ": %s", id, text);
    if (xhsg_reply(a->g, id, ok, text, &err) < 0)
        log_line(LOG_ERR, "request %" PRIu64 ": %s", id, err.text);
}

/* True when the request is answered. */
static bool answered(struct agent *a, uint64_t id, const struct job_result *r)
{
    if (r->answer == JOB_LATER)
        return false;
    reply(a, id, r->answer == JOB_OK, r->text);
    return true;
}

static enum job_grant read_grant(struct agent *a, const struct job *j, uint64_t id)
{
    struct xhs_error err = { 0 };
    int granted = xhsg_granted(a->g, j->name, id, &err);

    if (granted < 0)
        log_line(LOG_ERR, "job %s: %s", j->name, err.text);
    return granted < 0 ? GRANT_UNKNOWN : granted ? GRANT_YES : GRANT_NO;
}

/* Has what a start waits for come? What cannot be told has not. */
static bool memory_there(struct pending *p)
{
    uint64_t now_ns = agent_now_ns(), kb = 0;

    if (p->req.need_kb == 0)
        return true;
    if (now_ns < p->look_ns)
        return false;
    if (memory_current_kb(&kb, NULL) == 0 && kb >= p->req.need_kb)
        return true;
    p->look_ns = now_ns + memory_arrives_ns(p->req.need_kb - kb);
    return false;
}

static bool try_start(struct agent *a, struct pending *p)
{
    struct job *j = agent_find_job(a, p->req.job);

    if (!j) {
        reply(a, p->id, false, "no such job is defined here");
        return true;
    }
    enum job_grant granted = p->granted ? GRANT_YES : read_grant(a, j, p->id);
    p->granted = granted == GRANT_YES;
    struct job_result r = agent_act(
        a, j, job_start(j, p->id, p->req.kb, granted, memory_there(p)));
    return answered(a, p->id, &r);
}

static bool try_stop(struct agent *a, const struct pending *p)
{
    struct job *j = agent_find_job(a, p->req.job);

    if (!j) {
        /* Any cgroup with processes is a job here, so what is not known does not run. */
        reply(a, p->id, true, "no such job here");
        return true;
    }
    struct job_result r = agent_act(a, j, job_stop(j, "dom0 asked for it", agent_now_ns()));
    return answered(a, p->id, &r);
}

static bool do_deny(struct agent *a, const struct pending *p)
{
    struct job *j = agent_find_job(a, p->req.job);

    if (j)
        agent_act(a, j, job_deny(j, p->req.text));
    reply(a, p->id, true, "");
    return true;
}

static bool do_balloon(struct agent *a, const struct pending *p)
{
    struct xhs_error err = { 0 };
    bool set = memory_set_target_kb(p->req.kb, &err) == 0;

    reply(a, p->id, set, err.text);
    return true;
}

static bool try_request(struct agent *a, struct pending *p)
{
    switch (p->req.op) {
    case MSG_OP_START:
        return try_start(a, p);
    case MSG_OP_STOP:
        return try_stop(a, p);
    case MSG_OP_DENY:
        return do_deny(a, p);
    case MSG_OP_BALLOON:
        return do_balloon(a, p);
    }
    return true;
}

static void forget(struct agent *a, unsigned i)
{
    struct job *j = agent_find_job(a, a->pending[i].req.job);

    if (j && a->pending[i].req.op == MSG_OP_START)
        agent_unprepare(a, j);
    memmove(&a->pending[i], &a->pending[i + 1], (--a->n_pending - i) * sizeof a->pending[0]);
}

void agent_look_at_member(struct agent *a)
{
    struct xhs_error err = { 0 };
    struct xhsg_member m;

    if (a->member_known)
        return;
    if (xhsg_member(a->g, &m, &err) < 0) {
        if (err.code != XHS_E_NOENT)
            log_line(LOG_WARNING, "%s", err.text);
        return;
    }
    a->member_known = true;
    log_line(LOG_INFO, "member %c of pair %s", m.member, m.pair);
    a->foreign = m.format != XHS_FORMAT;
    if (a->foreign)
        log_line(LOG_ERR, "dom0 speaks format %" PRIu64 ", not %d: no request of it is carried out",
                 m.format, XHS_FORMAT);
}

static void take_request(struct agent *a, const struct xhsg_event *ev)
{
    struct pending p = { .id = ev->id, .req = ev->req, .fresh = true };

    if (a->foreign) {
        reply(a, p.id, false, "dom0 speaks another format of messages");
        return;
    }
    if (try_request(a, &p))
        return;
    if (a->n_pending == REQS_MAX) /* libxhsguest tells of no more than REQS_MAX that stand */
        reply(a, p.id, false, "too many requests at once");
    else
        a->pending[a->n_pending++] = p;
}

static bool settled(struct agent *a, struct pending *p)
{
    const struct job *j = agent_find_job(a, p->req.job);
    struct job_result r = { .answer = JOB_OK };

    if (p->req.op == MSG_OP_START)
        return try_start(a, p);
    if (j)
        r = job_stop_answer(j);
    return answered(a, p->id, &r);
}

void agent_settle_requests(struct agent *a)
{
    for (unsigned i = 0; i < a->n_pending;) {
        if (settled(a, &a->pending[i]))
            forget(a, i);
        else
            i++;
    }
}

/* dom0 has written something: starts may have their grant now, and running jobs have lost it. */
static void look_at_grants(struct agent *a)
{
    for (unsigned i = 0; i < a->n_pending; i++) {
        struct pending *p = &a->pending[i];
        p->granted &= p->fresh;
        p->fresh = false;
    }
    agent_settle_requests(a);
    for (struct job *j = a->jobs; j; j = j->next) {
        if (j->line.state != MSG_JOB_RUNNING || !j->line.request)
            continue;
        enum job_grant granted = read_grant(a, j, j->line.request);
        agent_act(a, j, job_grant_read(j, granted, agent_now_ns()));
    }
}

int agent_next_requests(struct agent *a)
{
    struct xhs_error err = { 0 };
    struct xhsg_event ev;
    int got;

    while ((got = xhsg_next(a->g, &ev, &err)) > 0) {
        switch (ev.what) {
        case XHSG_REQUEST:
            take_request(a, &ev);
            break;
        case XHSG_GONE:
            for (unsigned i = 0; i < a->n_pending; i++) {
                if (a->pending[i].id == ev.id)
                    forget(a, i);
            }
            break;
        case XHSG_CHANGED:
            look_at_grants(a);
            agent_look_at_member(a);
            a->spare_known = false; /* read when it is wanted: this may be a takeover */
            break;
        }
    }
    if (got < 0)
        log_line(LOG_ERR, "%s", err.text);
    return got;
}

uint64_t agent_arrival_ns(const struct agent *a)
{
    uint64_t first_ns = UINT64_MAX;

    for (unsigned i = 0; i < a->n_pending; i++) {
        const struct pending *p = &a->pending[i];
        if (p->req.op == MSG_OP_START && p->granted && p->look_ns < first_ns)
            first_ns = p->look_ns;
    }
    return first_ns;
}
