/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small steps that several suites take: make a domain, wait, look, clean up. No checks.
 * Called by the suites.
 */
#include "contract.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* Everything that cases made, for cleanup. */
static struct guest made[64];
static unsigned n_made;

static uint32_t events[64];
static unsigned n_events;

void new_uuid(uint8_t uuid[16])
{
    if (getrandom(uuid, 16, 0) != 16)
        abort();
}

void uuid_text(char buf[37], const uint8_t u[16])
{
    char *at = buf;

    for (int i = 0; i < 16; i++)
        at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

static void remember(const struct guest *g)
{
    if (n_made == sizeof made / sizeof made[0])
        abort();
    made[n_made++] = *g;
}

struct guest make_empty(uint64_t max_kb)
{
    struct guest g = { 0 };

    new_uuid(g.uuid);
    if (hyp_create_empty(ct.hyp, &g.domid, g.uuid, max_kb, no_err()) != 0)
        g.domid = 0;
    else
        remember(&g);
    return g;
}

/* ---- results ---- */

void on_result(void *arg, uint32_t domid, const struct xhs_error *err)
{
    struct result *r = arg;

    r->done = true;
    r->domid = domid;
    r->err = *err;
    if (err->code != XHS_E_NONE)
        ct_err = *err;
}

static bool is_done(void *arg)
{
    return ((struct result *)arg)->done;
}

bool wait_result(struct result *r, int ms)
{
    return wait_until(is_done, r, ms);
}

/* ---- guests ---- */

struct parsed {
    struct result result;
    char *json;
};

static void on_parsed(void *arg, const char *json, const struct dom_summary *sum,
                      const struct xhs_error *err)
{
    struct parsed *p = arg;

    (void)sum;
    p->json = json ? strdup(json) : NULL;
    on_result(&p->result, 0, err);
}

struct guest make_guest(const char *name, uint64_t boot_kb, uint64_t max_kb)
{
    struct guest g = { 0 };
    struct parsed p = { 0 };
    struct result r = { 0 };

    no_err();
    snprintf(g.name, sizeof g.name, "%s", name);
    new_uuid(g.uuid);
    dom_parse(ct.dom, env_config(name, boot_kb / MB), on_parsed, &p);
    if (wait_result(&p.result, 30000) && p.json) {
        dom_create(ct.dom, p.json, g.uuid, boot_kb, max_kb, NULL, on_result, &r);
        if (wait_result(&r, 30000) && r.err.code == XHS_E_NONE)
            g.domid = r.domid;
    }
    free(p.json);
    if (g.domid)
        remember(&g);
    return g;
}

bool destroy(const struct guest *g)
{
    struct result r = { 0 };

    dom_destroy(ct.dom, g->domid, g->uuid, on_result, &r);
    return wait_result(&r, 30000) && r.err.code == XHS_E_NONE;
}

bool raw_destroy(const struct guest *g)
{
    struct result r = { 0 };

    return worker_destroy(ct.worker, g->domid, on_result, &r, no_err()) == 0 &&
           wait_result(&r, 30000) && r.err.code == XHS_E_NONE;
}

void cleanup(void)
{
    while (n_made) {
        struct guest g = made[--n_made];
        struct hyp_dom d = look(g.domid);
        if (d.domid != 0 && memcmp(d.uuid, g.uuid, sizeof d.uuid) != 0)
            continue;
        if (!g.name[0])
            hyp_destroy(ct.hyp, g.domid, NULL);
        else if (!destroy(&g))
            printf("# cannot clean up %s (domain %u): %s\n", g.name, g.domid, ct_err.text);
    }
    store_remove(ct.store, "/tool/xhs-contract", NULL);
}

/* ---- looking ---- */

struct hyp_dom look(uint32_t domid)
{
    struct hyp_dom d = { 0 };

    if (hyp_get(ct.hyp, domid, &d, &ct_err) != HYP_YES)
        d.domid = 0;
    return d;
}

uint64_t unclaimed_kb(void)
{
    uint64_t free_kb = 0, claimed_kb = 0;

    hyp_memory(ct.hyp, &free_kb, &claimed_kb, &ct_err);
    return free_kb - claimed_kb;
}

bool key_is(const char *value, const char *fmt, ...)
{
    char path[128], buf[256];
    struct xhs_error err = { 0 };
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof path, fmt, ap);
    va_end(ap);
    if (store_read(ct.store, path, buf, sizeof buf, &err) < 0)
        return !value && err.code == XHS_E_NOENT;
    return value && strcmp(buf, value) == 0;
}

static bool is_gone(void *arg)
{
    return look(*(uint32_t *)arg).domid == 0;
}

bool gone(uint32_t domid)
{
    return wait_until(is_gone, &domid, 10000);
}

bool anything_left(const struct guest *g)
{
    char uuid[37];

    uuid_text(uuid, g->uuid);
    return !gone(g->domid) || !key_is(NULL, "/vm/%s", uuid) ||
           !key_is(NULL, "/local/domain/%u", g->domid) || !key_is(NULL, "/libxl/%u", g->domid) ||
           !key_is(NULL, "/local/domain/0/backend/console/%u", g->domid);
}

/* ---- events ---- */

void clear_events(void)
{
    n_events = 0;
}

void on_dom_event(void *arg, uint32_t domid)
{
    (void)arg;
    if (n_events < sizeof events / sizeof events[0])
        events[n_events++] = domid;
}

bool event_seen(uint32_t domid)
{
    for (unsigned i = 0; i < n_events; i++) {
        if (events[i] == domid)
            return true;
    }
    return false;
}

static bool seen(void *arg)
{
    return event_seen(*(uint32_t *)arg);
}

bool wait_event(uint32_t domid, int ms)
{
    return wait_until(seen, &domid, ms);
}
