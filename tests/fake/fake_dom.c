/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen/dom.h over the simulated host, with virtual delays, and keys as libxl keeps them. The keys
 * are in fake_keys.c, parsing in fake_dom_parse.c. Called by the code under test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define NO_DOMID (~(uint32_t)0)

struct op {
    struct dom *d;
    struct evloop_timer *timer;
    void (*step)(struct op *op);
    uint32_t domid;
    uint8_t uuid[16];
    uint64_t boot_kb, max_kb;
    struct dom_summary sum;
    struct xhs_error err;
    char *json;
    void (*on_born)(void *arg, uint32_t domid);
    dom_done_fn *done;
    void *arg;
    struct op *next;
};

struct death {
    struct dom *d;
    uint32_t domid;
    struct evloop_timer *timer;
    struct death *next;
};

struct dom {
    struct evloop *loop;
    dom_event_fn *fn;
    void *arg;
    struct op *ops;
    struct death *deaths;
    struct dom *next;
};
static struct dom *doms;
static char monitored[8][128]; /* names an xl waits for */

/* ---- operations ---- */

static void on_timer(void *arg)
{
    struct op *op = arg;

    op->step(op);
}

static struct op *op_new(struct dom *d, void *arg)
{
    struct op *op = fake_alloc(sizeof *op);

    op->d = d;
    op->arg = arg;
    op->domid = NO_DOMID;
    op->timer = evloop_timer_new(d->loop, on_timer, op);
    op->next = d->ops;
    d->ops = op;
    return op;
}

static void op_free(struct op *op)
{
    struct op **at = &op->d->ops;

    while (*at != op)
        at = &(*at)->next;
    *at = op->next;
    evloop_timer_free(op->timer);
    free(op->json);
    free(op);
}

static void then(struct op *op, int64_t delay_ns, void (*step)(struct op *op))
{
    op->step = step;
    evloop_timer_at(op->timer, evloop_now(op->d->loop) + delay_ns);
}

static void step_done(struct op *op)
{
    op->done(op->arg, op->domid, &op->err);
    op_free(op);
}

int dom_open(struct dom **out, struct evloop *loop, dom_event_fn *fn, void *arg,
             struct xhs_error *err)
{
    struct dom *d = fake_alloc(sizeof *d);

    (void)err;
    d->loop = loop;
    d->fn = fn;
    d->arg = arg;
    d->next = doms;
    doms = d;
    *out = d;
    return 0;
}

static void forget(struct dom *d, uint32_t domid)
{
    for (struct death **at = &d->deaths; *at; at = &(*at)->next) {
        struct death *w = *at;
        if (w->domid == domid) {
            *at = w->next;
            evloop_timer_free(w->timer);
            free(w);
            return;
        }
    }
}

void dom_close(struct dom *d)
{
    struct dom **at = &doms;

    if (!d)
        return;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    while (d->ops)
        op_free(d->ops);
    dom_fake_parse_abort(d);
    while (d->deaths)
        forget(d, d->deaths->domid);
    free(d);
}

/* ---- events ---- */

static void tell(void *arg)
{
    struct death *w = arg;

    w->d->fn(w->d->arg, w->domid); /* may forget w */
}

void dom_sim_changed(uint32_t domid)
{
    for (struct dom *d = doms; d; d = d->next) {
        for (struct death *w = d->deaths; w; w = w->next) {
            if (w->domid == domid)
                evloop_timer_at(w->timer, evloop_now(d->loop) + fake_speed.store_ns);
        }
    }
}

int dom_adopt(struct dom *d, uint32_t domid, struct xhs_error *err)
{
    struct sim *s = sim_find(domid);
    struct death *w;

    if (fake_failing(FAKE_DOM_ADOPT, err))
        return -1;
    forget(d, domid);
    w = fake_alloc(sizeof *w);
    w->d = d;
    w->domid = domid;
    w->timer = evloop_timer_new(d->loop, tell, w);
    w->next = d->deaths;
    d->deaths = w;
    if (!s || s->shutdown || s->dead)
        evloop_timer_at(w->timer, 0);
    return 0;
}

/* ---- create ---- */

static struct sim *named(const char *name)
{
    for (struct sim *s = host.sims; s; s = s->next) {
        char path[64];
        snprintf(path, sizeof path, "/local/domain/%u/name", s->domid);
        const char *v = tree_value(path);
        if (v && strcmp(v, name) == 0)
            return s;
    }
    return NULL;
}

static void step_created(struct op *op)
{
    struct sim *s = sim_find(op->domid);

    if (!s || s->killed || memcmp(s->uuid, op->uuid, sizeof s->uuid) != 0) {
        op->domid = NO_DOMID;
        xhs_fail(&op->err, XHS_E_XEN, "cannot create domain %s: it vanished", op->sum.name);
        step_done(op);
        return;
    }
    s->introduced = true;
    dom_write_keys(s, op->boot_kb, op->max_kb);
    if (op->on_born)
        op->on_born(op->arg, op->domid);
    if (dom_adopt(op->d, op->domid, &op->err) != 0) {
        dom_remove_keys(s->domid, s->uuid);
        sim_kill_now(s);
        op->domid = NO_DOMID;
        step_done(op);
        return;
    }
    sim_unpause(s);
    guest_boots(s);
    then(op, FAKE_MS, step_done);
}

static void step_build(struct op *op)
{
    struct sim *s;

    if (fake_failing(FAKE_DOM_CREATE, &op->err) ||
        dom_summarize(op->d, op->json, &op->sum, &op->err) != 0)
        goto out;
    if (named(op->sum.name)) {
        xhs_fail(&op->err, XHS_E_XEN,
                 "cannot create domain %s: libxl: Domain with name \"%s\" "
                 "already exists.",
                 op->sum.name, op->sum.name);
        goto out;
    }
    if (host_unclaimed_kb() < op->boot_kb) {
        xhs_fail(&op->err, XHS_E_MEMORY, "cannot create domain %s: Out of memory", op->sum.name);
        goto out;
    }
    s = sim_new(0, op->uuid);
    snprintf(s->name, sizeof s->name, "%s", op->sum.name);
    s->tot_kb = op->boot_kb;
    s->max_kb = op->boot_kb + HYP_SLACK_KB;
    op->domid = s->domid;
    then(op, fake_speed.create_ns, step_created);
    return;
out:
    then(op, fake_speed.create_ns / 2, step_done);
}

void dom_create(struct dom *d, const char *json, const uint8_t uuid[16], uint64_t boot_kb,
                uint64_t max_kb, void (*on_born)(void *arg, uint32_t domid), dom_done_fn *fn,
                void *arg)
{
    struct op *op = op_new(d, arg);

    op->json = strdup(json);
    memcpy(op->uuid, uuid, sizeof op->uuid);
    op->boot_kb = boot_kb;
    op->max_kb = max_kb;
    op->on_born = on_born;
    op->done = fn;
    then(op, 0, step_build);
}

/* ---- destroy ---- */

static void step_freed(struct op *op)
{
    struct sim *s = sim_find(op->domid);

    if (s && s->killed && !s->dead) {
        then(op, FAKE_MS, step_freed);
        return;
    }
    forget(op->d, op->domid);
    step_done(op);
}

static bool left_behind(const struct op *op)
{
    char path[64], vm[64] = "/vm/";
    const char *v;

    fake_uuid_text(vm + 4, op->uuid);
    snprintf(path, sizeof path, "/local/domain/%u/vm", op->domid);
    v = tree_value(path);
    if (v)
        return strcmp(v, vm) == 0;
    snprintf(path, sizeof path, "/libxl/%u", op->domid);
    return tree_value(path) != NULL;
}

/* The devices are gone: now the keys and the domain, or what is left of either. */
static void step_clean(struct op *op)
{
    struct sim *s = sim_find(op->domid);

    if (s && memcmp(s->uuid, op->uuid, sizeof s->uuid) == 0) {
        dom_remove_keys(op->domid, op->uuid);
        if (!s->killed)
            sim_kill(s);
    } else if (!s && left_behind(op)) {
        dom_remove_keys(op->domid, op->uuid);
    }
    step_freed(op);
}

static void step_destroy(struct op *op)
{
    struct sim *s = sim_find(op->domid);

    if (fake_failing(FAKE_DOM_DESTROY, &op->err) || (!s && !left_behind(op)))
        step_done(op);
    else
        then(op, fake_speed.devices_ns, step_clean);
}

void dom_destroy(struct dom *d, uint32_t domid, const uint8_t uuid[16], dom_done_fn *fn, void *arg)
{
    struct op *op = op_new(d, arg);

    op->domid = domid;
    memcpy(op->uuid, uuid, sizeof op->uuid);
    op->done = fn;
    then(op, 0, step_destroy);
}

/* ---- questions ---- */

int dom_find(struct dom *d, const char *name, uint32_t *domid, uint8_t uuid[16],
             struct xhs_error *err)
{
    struct sim *s = named(name);

    (void)d;
    if (fake_failing(FAKE_DOM_FIND, err))
        return -1;
    if (!s)
        return 0;
    *domid = s->domid;
    memcpy(uuid, s->uuid, sizeof s->uuid);
    return 1;
}

void fake_xl_monitor(const char *name, bool there)
{
    const char *from = there ? "" : name, *to = there ? name : "";

    for (size_t i = 0; i < sizeof monitored / sizeof monitored[0]; i++) {
        if (strcmp(monitored[i], from) == 0) {
            snprintf(monitored[i], sizeof monitored[i], "%s", to);
            return;
        }
    }
}

bool dom_has_xl_monitor(const char *name)
{
    for (size_t i = 0; i < sizeof monitored / sizeof monitored[0]; i++) {
        if (name[0] && strcmp(monitored[i], name) == 0)
            return true;
    }
    return false;
}
