/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pair's actions, and their results as events: see pair_act.h. */
#include "xhsd/pair_act.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/paths.h"
#include "xhsd/log.h"
#include "xhsd/pair_run.h"

/* ---- results ---- */

static void op_done(struct runner *r, int member, enum member_op op, const struct xhs_error *err)
{
    runner_event(r, &(struct pair_event){
                        .type = EV_DONE,
                        .member = member,
                        .op = op,
                        .ok = err->code == XHS_E_NONE,
                        .text = err->text,
                    });
}

static void freed(void *arg, uint32_t domid, const struct xhs_error *err)
{
    struct member_run *mr = arg;

    (void)domid;
    op_done(mr->r, mr->index, OP_FREE, err);
    host_look(mr->r->host);
}

static void cleaned(void *arg, uint32_t domid, const struct xhs_error *err)
{
    struct member_run *mr = arg;

    (void)domid;
    hyp_release(mr->r->host->hyp, mr->hold);
    mr->hold = NULL;
    op_done(mr->r, mr->index, OP_CLEAN, err);
}

static void born(void *arg, uint32_t domid)
{
    struct member_run *mr = arg;
    struct runner *r = mr->r;

    guest_introduce(r, mr->index, domid);
    guest_free(mr->guest);
    mr->guest = NULL;
    runner_event(r, &(struct pair_event){
                        .type = EV_BORN, .member = mr->index, .domid = domid });
}

static void created(void *arg, uint32_t domid, const struct xhs_error *err)
{
    struct member_run *mr = arg;

    (void)domid;
    op_done(mr->r, mr->index, OP_CREATE, err);
    host_look(mr->r->host);
}

/* ---- actions ---- */

static void do_fence(struct runner *r, int member)
{
    struct member *m = &r->pair.m[member];
    struct xhs_error err = { 0 };
    enum hyp_answer answer = hyp_fence(r->host->hyp, (uint32_t)m->domid, m->uuid, &err);

    if (answer == HYP_YES) /* the dead claim nothing: else it would be counted twice */
        hyp_claim(r->host->hyp, (uint32_t)m->domid, 0, NULL);
    if (answer == HYP_NO)
        xhs_fail(&err, XHS_E_XEN, "the hypervisor does not show domain %" PRId64 " as shut down",
                 m->domid);
    else if (answer == HYP_UNKNOWN)
        xhs_fail(&err, XHS_E_XEN, "the hypervisor could not be asked");
    else
        err.code = XHS_E_NONE;
    op_done(r, member, OP_FENCE, &err);
}

/* The hold comes first: it keeps the domid from becoming another domain's before the look. */
static void do_free(struct runner *r, int member)
{
    struct member_run *mr = &r->m[member];
    const struct member *m = &r->pair.m[member];
    uint32_t domid = (uint32_t)m->domid;
    struct xhs_error err = { 0 };
    struct hyp_dom d;
    enum hyp_answer there;

    if (!mr->hold)
        mr->hold = hyp_hold(r->host->hyp, domid, NULL); /* without: the clean-up takes longer */
    there = hyp_get(r->host->hyp, domid, &d, &err);
    if (there == HYP_YES && memcmp(d.uuid, m->uuid, sizeof d.uuid) == 0 &&
        worker_destroy(r->host->worker, domid, freed, mr, &err) == 0)
        return;
    if (there == HYP_YES && err.code == XHS_E_NONE) { /* another's by now: ours is gone */
        hyp_release(r->host->hyp, mr->hold);
        mr->hold = NULL;
    }
    op_done(r, member, OP_FREE, &err);
}

static void do_clean(struct runner *r, int member)
{
    struct member_run *mr = &r->m[member];
    const struct member *m = &r->pair.m[member];
    struct hyp_dom d;

    guest_free(mr->guest);
    mr->guest = NULL;
    if (hyp_get(r->host->hyp, (uint32_t)m->domid, &d, NULL) == HYP_YES &&
        memcmp(d.uuid, m->uuid, sizeof d.uuid) == 0)
        hyp_claim(r->host->hyp, d.domid, 0, NULL);
    dom_destroy(r->host->dom, (uint32_t)m->domid, m->uuid, cleaned, mr);
}

static void do_create(struct runner *r, int member, uint64_t kb)
{
    struct member_run *mr = &r->m[member];
    const struct member *m = &r->pair.m[member];
    struct xhs_error err = { 0 };
    uint8_t uuid[16];
    uint32_t domid;

    if (dom_find(r->host->dom, m->name, &domid, uuid, &err) == 1) {
        xhs_fail(&err, XHS_E_EXISTS, "domain %u has the name %s, and xhs did not make it: rename "
                 "or destroy it", domid, m->name);
        op_done(r, member, OP_CREATE, &err);
        return;
    }
    host_hold_reserve(r->host);
    dom_create(r->host->dom, mr->json, m->uuid, kb, r->pair.cfg.max_memory_kb, born, created, mr);
}

/* Not all of kb is there: what the reserve has lent at least, and what is free beside it. */
static uint64_t claim_less(struct host *h, const struct hyp_dom *d, uint64_t kb, uint64_t lent_kb)
{
    struct xhs_error err = { 0 };
    uint64_t free_kb, claimed_kb, there_kb, sure_kb = d->tot_kb;

    if (lent_kb > sure_kb && lent_kb < kb && host_claim(h, d->domid, lent_kb, &err) == 0)
        sure_kb = lent_kb;
    if (hyp_memory(h->hyp, &free_kb, &claimed_kb, NULL) != 0)
        return sure_kb;
    there_kb = free_kb > claimed_kb ? free_kb - claimed_kb : 0;
    if (sure_kb == d->tot_kb)
        there_kb += d->outstanding_kb;
    there_kb = sure_kb + (there_kb & ~UINT64_C(1023));
    kb = there_kb < kb ? there_kb : kb;
    if (kb > sure_kb && hyp_claim(h->hyp, d->domid, kb, NULL) != 0)
        kb = d->tot_kb;
    return kb;
}

/* A target given again: to claim what is claimed would be to give it up first. */
static bool claimed_already(const struct hyp_dom *d, uint64_t kb)
{
    uint64_t has_kb = d->tot_kb + d->outstanding_kb;

    return kb <= has_kb && has_kb - kb <= 4;
}

/*
 * As much of kb as can be claimed: the target must never promise what is not there. Order for
 * growth: max pages, claim, target; a guest may take whatever max pages allows. lent_kb: what the
 * domain has with the reserve's loan, but without what its victim frees, which others may have
 * taken.
 */
static uint64_t back_growth(struct host *h, const struct hyp_dom *d, uint64_t kb, uint64_t lent_kb)
{
    struct xhs_error err = { 0 };

    if (hyp_set_max(h->hyp, d->domid, kb + HYP_SLACK_KB, &err) == 0 &&
        (claimed_already(d, kb) || host_claim(h, d->domid, kb, &err) == 0))
        return kb;
    if (err.code == XHS_E_MEMORY) {
        kb = claim_less(h, d, kb, lent_kb);
    } else {
        xlog(LOG_ERR, "domain %u cannot grow: %s", d->domid, err.text);
        kb = d->tot_kb;
    }
    hyp_set_max(h->hyp, d->domid, kb + HYP_SLACK_KB, NULL);
    return kb;
}

/* Could not be ordered: the pair orders it again when it looks next. */
static void not_ordered(struct runner *r, int member, uint64_t has_kb, const struct xhs_error *err)
{
    xlog(LOG_ERR, "%s: %s", r->pair.m[member].name, err->text);
    runner_event(r, &(struct pair_event){
                        .type = EV_ORDERED, .member = member, .memory_kb = has_kb });
}

static void do_memory(struct runner *r, int member, uint64_t kb)
{
    struct host *h = r->host;
    const struct pair *p = &r->pair;
    const struct member *m = &p->m[member];
    bool heir = p->intent.id && p->intent.heir == member;
    char path[XHS_PATH_MAX], id[16], value[32];
    struct xhs_error err = { 0 };
    struct hyp_dom d;
    uint64_t ordered = kb;
    enum hyp_answer there = hyp_get(h->hyp, (uint32_t)m->domid, &d, &err);

    if (there == HYP_UNKNOWN)
        not_ordered(r, member, m->look.tot_kb, &err);
    if (there != HYP_YES || memcmp(d.uuid, m->uuid, sizeof d.uuid) != 0)
        return;
    if (kb > d.tot_kb) {
        ordered = back_growth(h, &d, kb, heir ? p->heir_had_kb + p->intent.loan_kb : 0);
    } else if (hyp_set_max(h->hyp, d.domid, kb + HYP_SLACK_KB, &err) != 0 ||
               (d.outstanding_kb && hyp_claim(h->hyp, d.domid, 0, &err) != 0)) {
        not_ordered(r, member, d.tot_kb, &err);
        return;
    }
    snprintf(id, sizeof id, "%u", d.domid);
    snprintf(value, sizeof value, "%" PRIu64, ordered);
    if (store_write(h->own, path_build(path, PATH_X_TARGET, id), value, &err) != 0)
        host_give_up(&err);
    if (ordered != kb)
        runner_event(r, &(struct pair_event){
                            .type = EV_ORDERED, .member = member, .memory_kb = ordered });
}

static void do_ask(struct runner *r, const struct pair_action *a)
{
    struct guest *g = r->m[a->member].guest;
    struct msg_req req = { .op = a->op, .kb = a->kb, .need_kb = a->need_kb };

    snprintf(req.job, sizeof req.job, "%s", a->job);
    snprintf(req.text, sizeof req.text, "%.*s", MSG_TEXT_MAX, a->text);
    if (g)
        guest_ask(g, a->request, &req);
    else
        xlog(LOG_ERR, "%s: request %" PRIu64 " (%s) not delivered: its domain is gone",
             r->pair.m[a->member].name, a->request, msg_op_word(a->op));
}

static void do_event(struct runner *r, const struct pair_action *a)
{
    static const enum event_type type[] = {
        [REPORT_STATE] = EVENT_STATE,   [REPORT_PHASE] = EVENT_PHASE, [REPORT_JOB] = EVENT_JOB,
        [REPORT_MEMBER] = EVENT_MEMBER, [REPORT_ALERT] = EVENT_ALERT,
    };
    struct event e = {
        .type = type[a->event],
        .from = a->from,
        .to = a->to,
        .phase = a->phase,
        .phase_ns = a->phase_ns,
    };
    const char *kill_at = r->host->test_kill_at;

    snprintf(e.pair, sizeof e.pair, "%s", r->pair.name);
    snprintf(e.text, sizeof e.text, "%s", a->text);
    events_add(r->host->events, &e);
    if (kill_at && a->mark && strcmp(kill_at, a->mark) == 0)
        raise(SIGKILL);
}

void carry_out(struct runner *r, const struct pair_action *a)
{
    struct guest *g = a->member == MEMBER_NONE ? NULL : r->m[a->member].guest;

    switch (a->type) {
    case ACT_FENCE:
        do_fence(r, a->member);
        break;
    case ACT_FREE:
        do_free(r, a->member);
        break;
    case ACT_CLEAN:
        do_clean(r, a->member);
        break;
    case ACT_CREATE:
        do_create(r, a->member, a->kb);
        break;
    case ACT_MEMORY:
        do_memory(r, a->member, a->kb);
        break;
    case ACT_ASK:
        do_ask(r, a);
        break;
    case ACT_FORGET:
        if (g)
            guest_forget(g, a->request);
        break;
    case ACT_REVOKE:
        if (g)
            guest_revoke(g, a->job, a->request);
        break;
    case ACT_EVENT:
        do_event(r, a);
        break;
    }
}
