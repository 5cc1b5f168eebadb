/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pair at work: see pair_run.h. */
#include "xhsd/pair_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/paths.h"
#include "xhsd/log.h"
#include "xhsd/pair_act.h"

struct queued_event {
    struct queued_event *next;
    struct pair_event ev;
    char text[320];
    char boot_id[MSG_BOOT_ID_LEN + 1];
    char job[MSG_NAME_MAX + 1];
    struct msg_job report;
};

/* ---- steps ---- */

/*
 * Nothing irreversible before the intent stands in xenstore. When it cannot be stored the daemon
 * ends: the next one begins from what was stored last, which is what has been acted upon.
 */
static void store_intent(struct runner *r)
{
    struct xhs_error err = { 0 };

    if (r->stored_version == r->pair.version)
        return;
    if (host_store_requests(r->host, &err) != 0 ||
        persist_intent(r->host->own, r->stored, &r->pair, &err) != 0)
        host_give_up(&err);
}

static void store_all(struct runner *r)
{
    struct xhs_error err = { 0 };

    writer_finish(r->host->writer, r);
    if (r->stored_version == r->pair.version)
        return;
    if (host_store_requests(r->host, &err) != 0 ||
        persist_pair(r->host->own, r->stored, &r->pair, &err) != 0)
        host_give_up(&err);
    r->stored_version = r->pair.version;
    r->stored_kb = rmt_total_kb(&r->pair.rmt);
}

/* May the table in xenstore follow? Not when memory went to the pool or came from it: after kill -9
 * it would be another pair's as well, or nobody's. */
static bool may_follow(const struct runner *r)
{
    return pair_hurries(&r->pair) && rmt_total_kb(&r->pair.rmt) == r->stored_kb;
}

static void written(void *arg, const struct xhs_error *err)
{
    struct runner *r = arg;

    if (err->code != XHS_E_NONE)
        host_give_up(err);
    r->writing = false;
    if (may_follow(r) && r->stored_version != r->pair.version)
        host_settle(r->host, r);
}

/* One batch at a time: what changes meanwhile goes with the next one. */
static void store_later(struct runner *r)
{
    struct xhs_error err = { 0 };
    int begun;

    if (r->writing || r->stored_version == r->pair.version)
        return;
    begun = persist_later(r->host->writer, r->stored, &r->pair, written, r, &err);
    if (begun < 0)
        host_give_up(&err);
    r->writing = begun > 0;
    r->stored_version = r->pair.version;
}

/* What takes longest begins first: the heir's memory, for which its jobs wait. */
static void carry_out_all(struct runner *r, const struct pair_actions *out, bool memory_first)
{
    for (unsigned i = 0; memory_first && i < out->n; i++) {
        if (out->act[i].type == ACT_MEMORY)
            carry_out(r, &out->act[i]);
    }
    for (unsigned i = 0; i < out->n; i++) {
        if (!memory_first || out->act[i].type != ACT_MEMORY)
            carry_out(r, &out->act[i]);
    }
}

/* In a takeover jobs wait for what is done here: the intent, one key, goes before it, and all that
 * can be told from it, some dozens of them, follows by a thread. */
static void step(struct runner *r, const struct pair_event *ev)
{
    struct host *h = r->host;
    int64_t now_ns = evloop_now(h->loop);
    struct pair_actions out;
    bool follows;

    h->pool.urgent_until_ns = host_urgent_until_ns(h, r);
    pair_step(&r->pair, &h->pool, ev, now_ns, &out);
    if (out.overflow)
        xlog(LOG_CRIT, "%s: actions were lost", r->pair.name);
    follows = may_follow(r);
    if (follows)
        store_intent(r);
    else
        store_all(r);
    carry_out_all(r, &out, follows);
    host_hold_reserve(h);
}

/* Listen to every member that has a domain. */
static void attach_guests(struct runner *r)
{
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &r->pair.m[i];

        if (m->domid >= 0 && !m->leaving && m->op != OP_CLEAN && !r->m[i].guest) {
            r->m[i].guest = guest_new(r, i, (uint32_t)m->domid);
            r->m[i].told_spare_kb = UINT64_MAX;
            guest_read(r->m[i].guest);
        }
    }
}

/* What guests may know, and nothing waits for: not while a takeover is under way. */
static void tell_guests(struct runner *r)
{
    const struct pair *p = &r->pair;

    if (p->state == PAIR_MOVING || p->state == PAIR_STARTING)
        return;
    for (int i = 0; i < MEMBERS; i++) {
        uint64_t spare_kb = rmt_spare_kb(&p->rmt, i);
        if (!r->m[i].guest)
            continue;
        if (r->told_epoch != p->epoch)
            guest_tell(r->m[i].guest, PATH_G_EPOCH, p->epoch);
        if (r->m[i].told_spare_kb != spare_kb)
            guest_tell(r->m[i].guest, PATH_G_SPARE, spare_kb);
        r->m[i].told_spare_kb = spare_kb;
    }
    r->told_epoch = p->epoch;
}

static void enqueue(struct runner *r, const struct pair_event *ev)
{
    struct queued_event *q = calloc(1, sizeof *q);

    if (!q)
        abort();
    q->ev = *ev;
    snprintf(q->text, sizeof q->text, "%s", ev->text ? ev->text : "");
    q->ev.text = q->text;
    snprintf(q->boot_id, sizeof q->boot_id, "%s", ev->boot_id ? ev->boot_id : "");
    q->ev.boot_id = q->boot_id;
    snprintf(q->job, sizeof q->job, "%s", ev->job ? ev->job : "");
    q->ev.job = q->job;
    if (ev->report) {
        q->report = *ev->report;
        q->ev.report = &q->report;
    }
    if (r->last)
        r->last->next = q;
    else
        r->first = q;
    r->last = q;
}

/* A tick that is due sooner stays: else a guest that writes much would put it off for ever. */
static void set_tick(struct runner *r)
{
    int64_t now = evloop_now(r->host->loop);

    if (r->pair.tick_ns == INT64_MAX) {
        evloop_timer_stop(r->tick);
        r->tick_at = 0;
    } else if (r->tick_at <= now || r->pair.tick_ns < r->tick_at) {
        evloop_timer_at(r->tick, r->pair.tick_ns);
        r->tick_at = r->pair.tick_ns;
    }
}

/* Work off the queue; what comes meanwhile is queued behind. */
static void drain(struct runner *r)
{
    if (r->held)
        return;
    r->held = 1;
    while (r->first) {
        struct queued_event *q = r->first;

        r->first = q->next;
        if (!r->first)
            r->last = NULL;
        step(r, &q->ev);
        attach_guests(r);
        free(q);
    }
    r->held = 0;
    host_serve(r->host);
    set_tick(r);
    if (may_follow(r))
        host_settle(r->host, r);
    else
        runner_settle(r);
}

void runner_settle(struct runner *r)
{
    r->unsettled = false;
    if (may_follow(r))
        store_later(r);
    else
        store_all(r);
    tell_guests(r);
    r->host->on_change(r->host->arg, r);
    if (r->pair.state == PAIR_STOPPED && r->remove_when_stopped)
        host_remove(r->host, r);
}

void runner_event(struct runner *r, const struct pair_event *ev)
{
    enqueue(r, ev);
    drain(r);
}

void runner_hold(struct runner *r)
{
    r->held++;
}

void runner_release(struct runner *r)
{
    r->held--;
    drain(r);
}

void runner_ask(struct runner *r, enum pair_ask ask)
{
    runner_event(r, &(struct pair_event){ .type = EV_ASK, .ask = ask });
}

/* ---- looking ---- */

static struct look see(const struct member *m, const struct hyp_dom *doms, int n)
{
    for (int i = 0; i < n; i++) {
        const struct hyp_dom *d = &doms[i];

        if (memcmp(d->uuid, m->uuid, sizeof d->uuid) != 0)
            continue;
        if (m->domid >= 0 ? (int64_t)d->domid != m->domid : d->dying)
            continue;
        return (struct look){
            .at = LOOK_THERE,
            .domid = d->domid,
            .shutdown = d->shutdown,
            .dying = d->dying,
            .paused = d->paused,
            .reason = d->shutdown_reason,
            .tot_kb = d->tot_kb,
            .max_kb = d->max_kb,
        };
    }
    return (struct look){ .at = n < 0 ? LOOK_UNKNOWN : LOOK_ABSENT };
}

void runner_look(struct runner *r, const struct hyp_dom *doms, int n)
{
    struct pair_event ev = { .type = EV_LOOK };

    for (int i = 0; i < MEMBERS; i++)
        ev.look[i] = see(&r->pair.m[i], doms, n);
    runner_event(r, &ev);
}

static void ticked(void *arg)
{
    struct runner *r = arg;

    r->tick_at = evloop_now(r->host->loop); /* due, however the timer was rounded */
    host_look_due(r->host);
}

/* ---- life ---- */

struct runner *runner_new(struct host *h, const struct pair *p, char *const json[MEMBERS])
{
    struct runner *r = calloc(1, sizeof *r);

    if (!r)
        abort();
    r->host = h;
    r->pair = *p;
    r->stored = stored_new();
    r->stored_version = UINT64_MAX;
    r->stored_kb = rmt_total_kb(&p->rmt);
    r->tick = evloop_timer_new(h->loop, ticked, r);
    for (int i = 0; i < MEMBERS; i++)
        r->m[i] = (struct member_run){ .r = r, .index = i, .json = json[i],
                                         .told_spare_kb = UINT64_MAX };
    return r;
}

void runner_free(struct runner *r)
{
    if (!r)
        return;
    for (int i = 0; i < MEMBERS; i++) {
        guest_free(r->m[i].guest);
        hyp_release(r->host->hyp, r->m[i].hold);
        free(r->m[i].json);
    }
    evloop_timer_free(r->tick);
    stored_free(r->stored);
    free(r);
}

void runner_adopt(struct runner *r)
{
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &r->pair.m[i];
        struct xhs_error err = { 0 };

        if (m->domid < 0)
            continue;
        if (dom_has_xl_monitor(m->name))
            events_say(r->host->events, EVENT_ALERT, r->pair.name,
                       "an xl process waits for the end of %s and would act on it beside xhs: "
                       "end that process", m->name);
        if (dom_adopt(r->host->dom, (uint32_t)m->domid, &err) != 0)
            xlog(LOG_INFO, "%s: no death event for domain %" PRId64 ": %s", m->name, m->domid,
                 err.text);
    }
    runner_hold(r);
    attach_guests(r);
    runner_release(r);
}
