/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host: see host.h. */
#include "xhsd/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/paths.h"
#include "xen/cfgfile.h"
#include "xhsd/audits.h"
#include "xhsd/log.h"
#include "xhsd/pair_run.h"
#include "xhsd/persist.h"

#define SWEEP_NS INT64_C(1000000000)
#define REQUEST_BLOCK 64 /* request ids made durable at once */
#define MIB(kb) ((unsigned long long)(kb) / 1024)

static const char release_watch[] = "@releaseDomain";
static const char holder_name[] = "xhs-reserve";
/* "xhs", "reserve" in ASCII: one holder a host, recognised again by it */
static const uint8_t holder_uuid[16] = {
    0x78, 0x68, 0x73, 0, 0, 0, 0x40, 0, 0x80, 0x72, 0x65, 0x73, 0x65, 0x72, 0x76, 0x65,
};

/* ---- looking ---- */

static struct runner *by_rank(struct host *h)
{
    struct runner *first = NULL;

    for (struct runner *r = h->pairs; r; r = r->next) {
        struct runner **at = &first;

        r->rank = pair_rank(&r->pair);
        while (*at && (*at)->rank >= r->rank)
            at = &(*at)->turn;
        r->turn = *at;
        *at = r;
    }
    return first;
}

static void look(struct host *h, bool due_only)
{
    struct xhs_error err = { 0 };
    int64_t now = evloop_now(h->loop);

    h->ndoms = hyp_list(h->hyp, h->doms, HOST_DOMAINS_MAX, &err);
    if (h->ndoms < 0 && !due_only)
        xlog(LOG_ERR, "%s", err.text);
    for (struct runner *r = by_rank(h), *next; r; r = next) {
        next = r->turn;
        if (!due_only || (r->tick_at && r->tick_at <= now))
            runner_look(r, h->doms, h->ndoms);
    }
}

void host_look(struct host *h)
{
    look(h, false);
}

void host_look_due(struct host *h)
{
    look(h, true);
}

int64_t host_urgent_until_ns(const struct host *h, const struct runner *r)
{
    int64_t until_ns = 0;

    for (const struct runner *o = h->pairs; o; o = o->next) {
        int64_t theirs_ns = o == r ? 0 : pair_urgent_until_ns(&o->pair);
        until_ns = theirs_ns > until_ns ? theirs_ns : until_ns;
    }
    return until_ns;
}

static void own_watch_fired(void *arg, const char *path, const char *token)
{
    (void)path;
    (void)token;
    host_look(arg);
}

static void guests_watch_fired(void *arg, const char *path, const char *token)
{
    guest_watch_fired(arg, path, token);
}

static void domain_event(void *arg, uint32_t domid)
{
    (void)domid; /* the second channel: events say that something happened, looking says what */
    host_look(arg);
}

/* ---- the reserve ---- */

static uint64_t wanted_reserve_kb(const struct host *h)
{
    uint64_t kb = pool_reserve_left_kb(&h->pool), waiting = 0, borrowed = 0;

    for (const struct runner *r = h->pairs; r; r = r->next) {
        waiting += pair_waiting_kb(&r->pair) + pair_undrawn_kb(&r->pair);
        borrowed += pair_borrowed_kb(&r->pair);
    }
    return (kb > borrowed ? kb - borrowed : 0) + waiting;
}

/* A claim cannot be changed: the old one goes first. Not for one that is not there to be had: all
 * or nothing, as a domain that is being built lives on free memory that nobody has claimed. */
static int claim_reserve(struct host *h, uint64_t kb, struct xhs_error *err)
{
    uint64_t free_kb, claimed_kb, there_kb;
    struct hyp_dom d;
    int rc;

    if (hyp_get(h->hyp, (uint32_t)h->holder_domid, &d, err) != HYP_YES ||
        hyp_memory(h->hyp, &free_kb, &claimed_kb, err) != 0) {
        h->holder_kb = UINT64_MAX;
        return xhs_fail(err, XHS_E_NOENT, "domain %" PRId64 " is gone", h->holder_domid);
    }
    there_kb = free_kb > claimed_kb ? free_kb - claimed_kb : 0;
    h->holder_kb = d.outstanding_kb;
    if (kb > d.outstanding_kb + there_kb)
        return xhs_fail(err, XHS_E_MEMORY, "%llu MiB are claimed, and %llu more are free",
                        MIB(d.outstanding_kb), MIB(there_kb));
    rc = hyp_claim(h->hyp, d.domid, kb, err);
    h->holder_kb = rc == 0 ? kb : UINT64_MAX;
    return rc;
}

void host_hold_reserve(struct host *h)
{
    uint64_t kb = wanted_reserve_kb(h);
    struct xhs_error err = { 0 };

    if (h->holder_domid < 0 || (kb == h->holder_kb && !h->reserve_short))
        return;
    if (claim_reserve(h, kb, &err) == 0) {
        if (h->reserve_short)
            events_say(h->events, EVENT_INFO, NULL, "the reserve is whole again");
        h->reserve_short = false;
        return;
    }
    if (!h->reserve_short && h->pool.lent_kb == 0)
        events_say(h->events, EVENT_ALERT, NULL,
                   "the host has not the %llu MiB that the reserve should hold: %s", MIB(kb),
                   err.text);
    h->reserve_short = h->pool.lent_kb == 0; /* tried again at the next step in any case */
}

/*
 * Xen passes no claim on: the holder's has to go before the domain's is made, and between these two
 * calls the memory is anybody's. So nothing else stands between them, and it is not done when there
 * is enough without it. What was lost the caller sees as MEMORY, and the next step tries again.
 */
int host_claim(struct host *h, uint32_t domid, uint64_t kb, struct xhs_error *err)
{
    uint64_t keep_kb = wanted_reserve_kb(h);
    uint32_t holder = (uint32_t)h->holder_domid;
    int rc = hyp_claim(h->hyp, domid, kb, err);

    if (rc == 0 || err->code != XHS_E_MEMORY || h->holder_domid < 0 || h->holder_kb <= keep_kb)
        return rc;
    hyp_claim(h->hyp, holder, 0, NULL);
    *err = (struct xhs_error){ 0 };
    rc = hyp_claim(h->hyp, domid, kb, err);
    h->holder_kb = hyp_claim(h->hyp, holder, keep_kb, NULL) == 0 ? keep_kb : UINT64_MAX;
    return rc;
}

static int find_holder(struct host *h, struct xhs_error *err)
{
    char path[XHS_PATH_MAX], id[24];
    uint32_t domid = 0;

    h->holder_domid = -1;
    h->holder_kb = 0;
    for (int i = 0; i < h->ndoms; i++) {
        if (memcmp(h->doms[i].uuid, holder_uuid, sizeof holder_uuid) != 0 || h->doms[i].dying)
            continue;
        h->holder_domid = h->doms[i].domid;
        h->holder_kb = h->doms[i].outstanding_kb;
    }
    if (h->holder_domid < 0) {
        if (hyp_create_empty(h->hyp, &domid, holder_uuid, h->pool.pool_kb, err) != 0)
            return -1;
        h->holder_domid = domid;
    }
    domid = (uint32_t)h->holder_domid;
    hyp_set_max(h->hyp, domid, h->pool.pool_kb, err);
    snprintf(id, sizeof id, "%u", domid);
    if (store_write(h->own, path_build(path, PATH_X_NAME, id), holder_name, err) != 0)
        return -1;
    return store_write(h->own, path_build(path, PATH_HOST_HOLDER), id, err);
}

/* ---- the book ---- */

int host_store_requests(struct host *h, struct xhs_error *err)
{
    char path[XHS_PATH_MAX], value[24];
    uint64_t upto = h->pool.next_request + REQUEST_BLOCK;

    if (h->pool.next_request < h->stored_request)
        return 0;
    snprintf(value, sizeof value, "%" PRIu64, upto);
    if (store_write(h->own, path_build(path, PATH_HOST_NEXT_REQUEST), value, err) != 0)
        return -1;
    h->stored_request = upto;
    return 0;
}

static int store_book(struct host *h, struct xhs_error *err)
{
    char path[3][XHS_PATH_MAX], value[3][24];
    struct store_change change[3];

    snprintf(value[0], sizeof value[0], "%d", XHS_FORMAT);
    snprintf(value[1], sizeof value[1], "%" PRIu64, h->pool.pool_kb);
    snprintf(value[2], sizeof value[2], "%" PRIu64, h->pool.reserve_kb);
    change[0] = (struct store_change){ path_build(path[0], PATH_FORMAT), value[0] };
    change[1] = (struct store_change){ path_build(path[1], PATH_HOST_POOL), value[1] };
    change[2] = (struct store_change){ path_build(path[2], PATH_HOST_RESERVE), value[2] };
    return store_apply(h->own, change, 3, err);
}

static int read_config(const char *file, struct host_config *out, struct xhs_error *err)
{
    struct config_raw raw = { 0 };
    int rc = cfgfile_read(file, &raw, err);

    if (rc == 0)
        rc = config_host(&raw, out, err);
    config_raw_free(&raw);
    return rc;
}

int host_reload(struct host *h, struct xhs_error *err)
{
    struct host_config cfg = { 0 };

    if (read_config(h->cfg_file, &cfg, err) != 0)
        return -1;
    for (const struct runner *r = h->pairs; r; r = r->next) {
        const struct pair_config *pc = &r->pair.cfg;
        uint64_t boot_kb = config_min_boot_kb(pc);
        if (boot_kb > pc->standby_memory_kb && boot_kb - pc->standby_memory_kb > cfg.reserve_kb)
            return xhs_fail(err, XHS_E_MEMORY,
                            "%s: reserve: the standby of pair %s boots with %llu MiB more than it "
                            "owns, which come out of the reserve",
                            h->cfg_file, pc->name, MIB(boot_kb - pc->standby_memory_kb));
    }
    if (pool_resize(&h->pool, cfg.pool_kb, cfg.reserve_kb, err) != 0)
        return -1;
    h->cfg = cfg;
    hyp_set_max(h->hyp, (uint32_t)h->holder_domid, cfg.pool_kb, NULL);
    host_hold_reserve(h);
    host_serve(h);
    events_say(h->events, EVENT_INFO, NULL, "configuration read: pool %llu MiB, reserve %llu MiB",
               MIB(cfg.pool_kb), MIB(cfg.reserve_kb));
    return store_book(h, err);
}

/* ---- pairs ---- */

struct runner *host_pair(struct host *h, const char *name)
{
    for (struct runner *r = h->pairs; r; r = r->next) {
        if (strcmp(r->pair.name, name) == 0)
            return r;
    }
    return NULL;
}

struct runner *host_pair_of_domain(struct host *h, const char *domain)
{
    for (struct runner *r = h->pairs; r; r = r->next) {
        if (strcmp(r->pair.m[MEMBER_A].name, domain) == 0 ||
            strcmp(r->pair.m[MEMBER_B].name, domain) == 0)
            return r;
    }
    return NULL;
}

void host_add(struct host *h, struct runner *r)
{
    struct runner **end = &h->pairs;

    while (*end)
        end = &(*end)->next;
    *end = r;
}

void host_drop(struct host *h, struct runner *r)
{
    struct runner **at = &h->pairs;
    struct xhs_error err = { 0 };

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    writer_finish(h->writer, r);
    if (persist_forget(h->own, r->stored, r->pair.name, &err) != 0)
        xlog(LOG_ERR, "%s: %s", r->pair.name, err.text);
    persist_forget_config(HOST_RUN_DIR, r->pair.name);
    pool_unask(&h->pool, r->pair.name, NULL);
    pool_give(&h->pool, rmt_total_kb(&r->pair.rmt));
    host_serve(h);
    runner_free(r);
}

void host_remove(struct host *h, struct runner *r)
{
    r->remove_when_stopped = true;
    if (r->pair.state == PAIR_STOPPED)
        evloop_timer_at(h->reap, evloop_now(h->loop));
}

/* Something became free: all who ask are looked at, each takes what its turn gives it. */
static void serve(void *arg)
{
    struct host *h = arg;

    h->served = h->pool.changes;
    for (struct runner *r = h->pairs, *next; r; r = next) {
        next = r->next;
        for (unsigned i = 0; i < h->pool.asks; i++) {
            if (strcmp(h->pool.ask[i].pair, r->pair.name) == 0) {
                runner_event(r, &(struct pair_event){ .type = EV_POOL });
                break;
            }
        }
    }
}

void host_serve(struct host *h)
{
    if (h->pool.asks > 0 && h->served != h->pool.changes)
        evloop_timer_at(h->serve, evloop_now(h->loop));
}

static void settle(void *arg)
{
    struct host *h = arg;
    struct runner *r = h->pairs;

    while (r && !r->unsettled)
        r = r->next;
    if (!r)
        return;
    evloop_timer_at(h->settle, evloop_now(h->loop)); /* for the next one, if there is one */
    runner_settle(r);
}

void host_settle(struct host *h, struct runner *r)
{
    r->unsettled = true;
    evloop_timer_at(h->settle, evloop_now(h->loop));
}

static void reap(void *arg)
{
    struct host *h = arg;

    for (struct runner *r = h->pairs, *next; r; r = next) {
        next = r->next;
        if (r->pair.state != PAIR_STOPPED || !r->remove_when_stopped)
            continue;
        h->on_gone(h->arg, r);
        host_drop(h, r);
    }
}

/* -1: it could not be read; a pair that is damaged is left aside. */
static int take_up(struct host *h, const char *name, struct xhs_error *err)
{
    struct xhs_error why = { 0 };
    struct pair p;
    enum pair_state state;
    char *json[MEMBERS];
    struct runner *r;

    if (!msg_valid_name(name) ||
        persist_load(h->own, HOST_RUN_DIR, name, &p, &state, json, &why) != 0) {
        if (why.code == XHS_E_XEN)
            return xhs_fail(err, why.code, "%s", why.text);
        events_say(h->events, EVENT_ALERT, name, "not taken up: %s", why.text);
        return 0;
    }
    h->pool.members_kb += rmt_total_kb(&p.rmt);
    if (p.intent.id) /* less, should the reserve have been made smaller meanwhile */
        p.intent.loan_kb = pool_lend(&h->pool, p.intent.loan_kb);
    r = runner_new(h, &p, json);
    persist_remember(r->stored, &p);
    pair_recover(&r->pair, state);
    host_add(h, r);
    xlog(LOG_INFO, "%s: taken up, %s", name, pair_state_word(state));
    return 0;
}

/* ---- life ---- */

void host_give_up(const struct xhs_error *err)
{
    xlog(LOG_CRIT, "%s: giving up, to be started again", err->text);
    exit(1);
}

static void sweep(void *arg)
{
    struct host *h = arg;

    if (!store_alive(h->own))
        host_give_up(&(struct xhs_error){ XHS_E_XEN, "xenstored does not answer" });
    host_look(h);
    host_hold_reserve(h);
    audits_watch(h);
    evloop_timer_at(h->sweep, evloop_now(h->loop) + SWEEP_NS);
}

static void on_event(void *arg, const struct event *e)
{
    struct host *h = arg;

    h->on_event(h->arg, e);
}

int host_open(struct host *h, struct evloop *loop, const char *cfg_file, struct xhs_error *err)
{
    h->loop = loop;
    h->cfg_file = cfg_file;
    h->holder_domid = -1;
    h->started_ns = evloop_now(loop);
    h->events = events_new(on_event, h);
    if (read_config(cfg_file, &h->cfg, err) != 0)
        return -1;
    if (hyp_open(&h->hyp, err) != 0 ||
        store_open(&h->own, loop, own_watch_fired, h, err) != 0 ||
        store_open(&h->guests, loop, guests_watch_fired, h, err) != 0 ||
        writer_open(&h->writer, loop, err) != 0 ||
        dom_open(&h->dom, loop, domain_event, h, err) != 0)
        return -1;
    h->worker = worker_new(loop, h->hyp);
    h->sweep = evloop_timer_new(loop, sweep, h);
    h->reap = evloop_timer_new(loop, reap, h);
    h->serve = evloop_timer_new(loop, serve, h);
    h->settle = evloop_timer_new(loop, settle, h);
    return 0;
}

static int recover_pairs(struct host *h, struct xhs_error *err)
{
    char path[XHS_PATH_MAX];
    unsigned n = 0;
    struct xhs_error why = { 0 };
    char **name = store_list(h->own, path_build(path, PATH_PAIRS), &n, &why);
    int rc = 0;

    if (!name && why.code != XHS_E_NOENT)
        return xhs_fail(err, why.code, "%s", why.text);
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = take_up(h, name[i], err);
    store_free_list(name);
    return rc;
}

int host_start(struct host *h, struct xhs_error *err)
{
    char path[XHS_PATH_MAX];

    h->pool = (struct pool){ .pool_kb = h->cfg.pool_kb, .reserve_kb = h->cfg.reserve_kb };
    h->pool.next_request = 1;
    persist_read_u64(h->own, path_build(path, PATH_HOST_NEXT_REQUEST), &h->pool.next_request, err);
    if (err->code != XHS_E_NONE) /* not known is not none: an id would be used twice */
        return -1;
    h->stored_request = h->pool.next_request;
    h->ndoms = hyp_list(h->hyp, h->doms, HOST_DOMAINS_MAX, err);
    if (h->ndoms < 0 || store_book(h, err) != 0 || find_holder(h, err) != 0)
        return -1;
    if (recover_pairs(h, err) != 0)
        return -1;
    for (struct runner *r = h->pairs; r; r = r->next)
        runner_adopt(r);
    host_hold_reserve(h);
    if (store_watch(h->own, release_watch, "release", err) != 0)
        return -1;
    sweep(h);
    return 0;
}

void host_close(struct host *h)
{
    dom_close(h->dom); /* first: what it has under way would call back into runners */
    if (h->worker)
        worker_free(h->worker);
    writer_close(h->writer);
    while (h->pairs) {
        struct runner *r = h->pairs;
        h->pairs = r->next;
        runner_free(r);
    }
    store_close(h->guests);
    store_close(h->own);
    hyp_close(h->hyp);
    if (h->sweep)
        evloop_timer_free(h->sweep);
    if (h->reap)
        evloop_timer_free(h->reap);
    if (h->serve)
        evloop_timer_free(h->serve);
    if (h->settle)
        evloop_timer_free(h->settle);
    events_free(h->events);
}
