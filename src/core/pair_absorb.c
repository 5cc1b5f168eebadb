/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an event says becomes facts about the pair. Guests' words are held against their domain,
 * boot and outstanding request here. Nothing is decided: that is pair_rules.c and the states' work.
 * Called by pair_step.
 */
#include <stdio.h>
#include <string.h>

#include "core/pair_internal.h"
#include "core/plan.h"

static void absorb_look(struct pair *p, const struct pair_event *ev, struct pair_actions *out)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct member *m = &p->m[i];
        const struct look *l = &ev->look[i];
        bool was_suspended = m->suspended, was_paused = m->look.paused;

        if (l->at == LOOK_UNKNOWN || m->op == OP_CREATE)
            continue;
        m->look = *l;
        m->fresh = true;
        if (l->at == LOOK_THERE && m->domid < 0) {
            /* recovering: a build that the last daemon did not live to record */
            if (p->state == PAIR_RECOVERING)
                m->domid = l->domid;
            else if (!m->stranger)
                report(out, REPORT_ALERT, "domain %lld has the uuid of %s, and xhs did not make it",
                       (long long)l->domid, m->name);
            m->stranger = m->domid < 0;
        } else if (m->domid < 0) {
            m->stranger = false;
        }
        if (m->domid < 0 || m->leaving || m->fenced)
            continue;
        if (l->at == LOOK_ABSENT && m->suspended)
            m->off = true; /* saved or migrated away: the owner's will, no fault */
        m->suspended = l->at == LOOK_THERE && l->shutdown && l->reason == SHUT_SUSPEND;
        if (m->suspended && !was_suspended)
            report(out, REPORT_ALERT, "%s is suspended by an operator", m->name);
        if (pair_member_runs(m) && m->agent && m->look.paused && !was_paused)
            report(out, REPORT_ALERT, "%s is paused by an operator", m->name);
        if (l->at == LOOK_THERE && l->shutdown && l->reason == SHUT_POWEROFF && !m->off) {
            m->off = true;
            report(out, REPORT_MEMBER, "%s was powered off by its owner", m->name);
        }
    }
}

static void absorb_born(struct pair *p, const struct pair_event *ev, int64_t now_ns)
{
    struct member *m = &p->m[ev->member];

    m->domid = ev->domid;
    m->fenced = m->freed = m->off = m->suspended = false; /* leaving: while it was built */
    m->look = (struct look){ .at = LOOK_UNKNOWN };
    m->target_kb = 0;
    m->floor_kb = m->kernel_kb = 0;
    m->usurps = false;
    m->built_ns = now_ns;
    m->agent = false;
    m->boot_id[0] = '\0';
    drop_reports(p, ev->member);
    pair_changed(p);
}

static void absorb_done(struct pair *p, const struct pair_event *ev, int64_t now_ns,
                        struct pair_actions *out)
{
    struct member *m = &p->m[ev->member];

    if (m->op != ev->op) /* of an earlier daemon's, or a bug */
        return;
    m->op = OP_NONE;
    if (!ev->ok) {
        snprintf(m->error, sizeof m->error, "%s", ev->text ? ev->text : "");
        report(out, REPORT_ALERT, "%s: %s failed: %s", m->name, pair_op_word(ev->op), m->error);
    }
    switch (ev->op) {
    case OP_NONE:
        break;
    case OP_FENCE:
        /* The first time: later, part of it is freed. One that others destroyed has lost part of
         * it before: then it had what the table says. */
        if (ev->ok && p->intent.id && p->intent.victim == ev->member &&
            m->look.at == LOOK_THERE && m->look.shutdown && !m->look.dying &&
            m->look.tot_kb > p->victim_had_kb)
            p->victim_had_kb = m->look.tot_kb;
        m->fenced = ev->ok;
        m->retry_ns = ev->ok ? 0 : now_ns + FENCE_RETRY_NS;
        break;
    case OP_FREE:
        m->freed = ev->ok;
        m->retry_ns = ev->ok ? 0 : now_ns + CLEAN_RETRY_NS;
        break;
    case OP_CLEAN:
        m->retry_ns = ev->ok ? 0 : now_ns + CLEAN_RETRY_NS;
        if (!ev->ok)
            break;
        m->domid = -1;
        m->leaving = m->fenced = m->freed = m->agent = false;
        m->look = (struct look){ .at = LOOK_ABSENT };
        drop_reports(p, ev->member);
        halt_jobs(p, ev->member, JOB_WAITING, out); /* a grant does not outlive its domain */
        pair_changed(p);
        break;
    case OP_CREATE:
        m->retry_ns = ev->ok ? 0 : now_ns + (int64_t)m->tries * BUILD_RETRY_NS;
        if (!ev->ok && m->domid >= 0)
            m->leaving = true; /* built, but not to be used */
        break;
    }
}

static void absorb_agent(struct pair *p, const struct pair_event *ev, struct pair_actions *out)
{
    struct member *m = &p->m[ev->member];

    if (m->domid != (int64_t)ev->domid || strcmp(m->boot_id, ev->boot_id) == 0)
        return;
    if (m->boot_id[0] && ev->boot_id[0])
        report(out, REPORT_ALERT, "%s: the agent's boot id changed: its kernel was replaced",
               m->name);
    snprintf(m->boot_id, sizeof m->boot_id, "%s", ev->boot_id);
    m->agent = m->boot_id[0] != '\0';
    report(out, REPORT_MEMBER, m->agent ? "%s: agent up" : "%s: agent gone", m->name);
}

static void absorb_memory(struct pair *p, const struct pair_event *ev)
{
    struct member *m = &p->m[ev->member];

    if (m->domid != (int64_t)ev->domid || ev->memory.available_kb > ev->memory.total_kb)
        return;
    if (m->target_kb == 0 || m->target_kb == m->boot_kb) /* MemTotal follows the balloon */
        m->kernel_kb = m->boot_kb > ev->memory.total_kb ? m->boot_kb - ev->memory.total_kb : 0;
    m->floor_kb = plan_floor_kb(m->kernel_kb, ev->memory.total_kb - ev->memory.available_kb);
}

static void absorb_reply(struct pair *p, const struct pair_event *ev, struct pair_actions *out)
{
    struct member *m = &p->m[ev->member];

    if (m->domid != (int64_t)ev->domid || strcmp(m->boot_id, ev->reply.boot_id) != 0)
        return;
    if (!p->balloon_id || ev->request != p->balloon_id || ev->member != p->intent.heir) {
        absorb_job_reply(p, ev, out);
        return;
    }
    withdraw(p, &p->balloon_id, out);
    if (!ev->reply.ok)
        report(out, REPORT_ALERT, "%s cannot set its balloon's target: %s", m->name,
               ev->reply.text);
}

static void absorb_ask(struct pair *p, enum pair_ask ask)
{
    switch (ask) {
    case ASK_NOTHING:
        return;
    case ASK_START:
    case ASK_STOP:
    case ASK_RECOVER:
    case ASK_SWITCH:
        p->ask = ask;
        return;
    }
}

/* A look is due each second: this daemon was starved, or its host was. What came meanwhile was not
 * seen to come, so that time is no standstill. */
static void note_gap(struct pair *p, int64_t now_ns)
{
    int64_t gap_ns = now_ns - p->stepped_ns, still_ns = now_ns - p->progress_ns;

    if (gap_ns > 2 * SECOND)
        p->progress_ns += gap_ns < still_ns ? gap_ns : still_ns;
    p->stepped_ns = now_ns;
}

void absorb(struct pair *p, const struct pair_event *ev, int64_t now_ns,
            struct pair_actions *out)
{
    note_gap(p, now_ns);
    switch (ev->type) {
    case EV_LOOK:
        absorb_look(p, ev, out);
        note_memory(p, now_ns, out);
        break;
    case EV_BORN:
        absorb_born(p, ev, now_ns);
        break;
    case EV_DONE:
        absorb_done(p, ev, now_ns, out);
        break;
    case EV_ORDERED:
        p->m[ev->member].target_kb = ev->memory_kb;
        break;
    case EV_AGENT:
        absorb_agent(p, ev, out);
        break;
    case EV_MEMORY:
        absorb_memory(p, ev);
        break;
    case EV_JOB:
        absorb_job(p, ev, out);
        break;
    case EV_REPLY:
        absorb_reply(p, ev, out);
        break;
    case EV_POOL:
        break;
    case EV_HANG:
        p->suspect = ev->member;
        break;
    case EV_ASK:
        absorb_ask(p, ev->ask);
        break;
    }
}
