/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guests' side: booting, the simulated agent's xenstore, and fake.h's knobs for what happens
 * to guests and domains. No guest code: that is the test's. Called by tests and by the other fakes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define GUEST_VALUE_MAX 2048 /* xenstored's default quotas */
#define GUEST_NODES_MAX 1000

struct guest_watch {
    uint32_t domid;
    char path[256]; /* full */
    bool pending;
    fake_guest_fn *fn;
    void *arg;
    struct evloop_timer *timer;
    struct guest_watch *next;
};
static struct guest_watch *watches;

/* ---- boot ---- */

static void boot(void *arg)
{
    struct sim *s = arg;

    if (s->shutdown || s->killed)
        return;
    if (s->pauses || s->hung) { /* it goes on booting when it runs again */
        evloop_timer_at(s->boot, evloop_now(host.loop) + 100 * FAKE_MS);
        return;
    }
    s->booted = true;
    s->goal_kb = s->tot_kb;
    host_wake();
    if (host.boot_fn)
        host.boot_fn(host.boot_arg, s->domid, s->name);
}

void guest_boots(struct sim *s)
{
    s->boot = evloop_timer_new(host.loop, boot, s);
    evloop_timer_at(s->boot, evloop_now(host.loop) + fake_speed.boot_ns);
}

void fake_on_boot(fake_boot_fn *fn, void *arg)
{
    host.boot_fn = fn;
    host.boot_arg = arg;
}

/* ---- the agent's xenstore ---- */

static void full_path(char *buf, size_t size, uint32_t domid, const char *path)
{
    if (path[0] == '/')
        snprintf(buf, size, "%s", path);
    else
        snprintf(buf, size, "/local/domain/%u/%s", domid, path);
}

static void arm(struct guest_watch *w)
{
    w->pending = true;
    evloop_timer_at(w->timer, evloop_now(host.loop) + fake_speed.store_ns);
}

static void deliver(void *arg)
{
    struct guest_watch *w = arg;
    struct sim *s = sim_find(w->domid);
    size_t skip = snprintf(NULL, 0, "/local/domain/%u/", w->domid);

    if (!s || !sim_runs(s))
        return; /* it stays pending for guest_resumes */
    w->pending = false;
    w->fn(w->arg, w->domid, strlen(w->path) > skip ? w->path + skip : w->path);
}

void fake_guest_watch(uint32_t domid, const char *path, fake_guest_fn *fn, void *arg)
{
    struct guest_watch *w = fake_alloc(sizeof *w);

    w->domid = domid;
    full_path(w->path, sizeof w->path, domid, path);
    w->fn = fn;
    w->arg = arg;
    w->timer = evloop_timer_new(host.loop, deliver, w);
    w->next = watches;
    watches = w;
    arm(w);
}

void guest_tree_changed(const char *path)
{
    for (struct guest_watch *w = watches; w; w = w->next) {
        size_t n = strlen(w->path);
        if (!w->pending && strncmp(path, w->path, n) == 0 && (path[n] == '\0' || path[n] == '/'))
            arm(w);
    }
}

void guest_resumes(uint32_t domid)
{
    for (struct guest_watch *w = watches; w; w = w->next) {
        if (w->domid == domid && w->pending)
            arm(w);
    }
}

static void free_watches(const uint32_t *domid)
{
    for (struct guest_watch **at = &watches; *at;) {
        struct guest_watch *w = *at;
        if (domid && w->domid != *domid) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        evloop_timer_free(w->timer);
        free(w);
    }
}

void guest_ends(uint32_t domid)
{
    free_watches(&domid);
}

void guest_free_all(void)
{
    free_watches(NULL);
}

long fake_guest_read(uint32_t domid, const char *path, char *buf, size_t size)
{
    char full[256];
    const char *v;

    full_path(full, sizeof full, domid, path);
    v = tree_value(full);
    if (!v)
        return -1;
    snprintf(buf, size, "%s", v);
    return strlen(v);
}

static bool may_write(const char *path)
{
    static const char *const dirs[] = { "data/", "drivers/", "feature/",
                                        "attr/", "error/",   "control/" };

    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        if (strncmp(path, dirs[i], strlen(dirs[i])) == 0)
            return true;
    }
    return false;
}

int fake_guest_write(uint32_t domid, const char *path, const char *value)
{
    char full[256];

    if (!may_write(path)) {
        errno = EACCES;
        return -1;
    }
    full_path(full, sizeof full, domid, path);
    if (strlen(value) > GUEST_VALUE_MAX ||
        (!tree_value(full) && tree_owned(domid) >= GUEST_NODES_MAX)) {
        errno = ENOSPC;
        return -1;
    }
    tree_write(full, value, domid);
    return 0;
}

int fake_guest_remove(uint32_t domid, const char *path)
{
    char full[256];

    if (!may_write(path)) {
        errno = EACCES;
        return -1;
    }
    full_path(full, sizeof full, domid, path);
    tree_remove(full);
    return 0;
}

/* ---- what happens to guests ---- */

static struct sim *must_find(uint32_t domid)
{
    struct sim *s = sim_find(domid);

    if (!s) {
        fprintf(stderr, "fake: no domain %u\n", domid);
        abort();
    }
    return s;
}

void fake_guest_shutdown(uint32_t domid, int reason)
{
    sim_shutdown(must_find(domid), reason);
}

void fake_guest_crash(uint32_t domid)
{
    fake_guest_shutdown(domid, 3);
}

void fake_guest_hang(uint32_t domid, bool hung)
{
    struct sim *s = must_find(domid);

    s->hung = hung;
    if (sim_runs(s))
        guest_resumes(domid);
    host_wake();
}

void fake_guest_refuse_balloon(uint32_t domid, bool refuse)
{
    must_find(domid)->refuse = refuse;
    host_wake();
}

void fake_guest_deaf(uint32_t domid, bool deaf)
{
    must_find(domid)->deaf = deaf;
    host_wake();
}

void fake_guest_target(uint32_t domid, uint64_t kb)
{
    must_find(domid)->own_kb = kb & ~UINT64_C(3);
    host_wake();
}

void fake_guest_floor(uint32_t domid, uint64_t kb)
{
    must_find(domid)->floor_kb = kb;
}

void fake_guest_balloon_rate(uint32_t domid, uint64_t kb_per_ms)
{
    must_find(domid)->rate_kb = kb_per_ms;
}

void fake_guest_greedy(uint32_t domid, bool greedy)
{
    must_find(domid)->greedy = greedy;
    host_wake();
}

/* ---- what others do to domains ---- */

uint32_t fake_stranger(const char *name, const uint8_t uuid[16], uint64_t kb)
{
    struct sim *s;

    if (host_unclaimed_kb() < kb)
        return 0;
    s = sim_new(0, uuid);
    snprintf(s->name, sizeof s->name, "%s", name);
    s->tot_kb = kb;
    s->max_kb = kb + HYP_SLACK_KB;
    s->introduced = true;
    dom_write_keys(s, kb, kb);
    sim_unpause(s);
    guest_boots(s);
    return s->domid;
}

uint32_t fake_thief(const uint8_t uuid[16], uint64_t kb)
{
    if (kb == 0) {
        host.thief = NULL;
        return 0;
    }
    host.thief = sim_new(0, uuid);
    host.thief->max_kb = kb;
    return host.thief->domid;
}

void fake_destroy_hangs(uint32_t domid, uint64_t kb)
{
    must_find(domid)->stuck_kb = kb;
    host_wake();
}

void fake_pause(uint32_t domid, bool pause)
{
    struct sim *s = must_find(domid);

    if (pause)
        s->pauses++;
    else
        sim_unpause(s);
}

void fake_raw_destroy(uint32_t domid)
{
    sim_kill_now(must_find(domid));
}

void fake_xl_destroy(uint32_t domid)
{
    struct sim *s = must_find(domid);

    dom_remove_keys(domid, s->uuid);
    sim_kill_now(s);
}

uint32_t fake_domid(const uint8_t uuid[16])
{
    struct sim *s = sim_by_uuid(uuid);

    return s ? s->domid : 0;
}
