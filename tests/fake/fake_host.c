/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated host: pages, claims, domains, and what they do as time passes. Xen's rules for
 * claims are exact; speeds are not. Called by the other fakes and, by fake.h's knobs, by tests.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

struct sim_host host;
struct fake_speed fake_speed;

void *fake_alloc(size_t size)
{
    void *p = calloc(1, size);

    if (!p)
        abort();
    return p;
}

/* ---- pages and claims ---- */

uint64_t host_free_kb(void)
{
    uint64_t used = 0;

    for (struct sim *s = host.sims; s; s = s->next)
        used += s->tot_kb;
    return host.total_kb - used;
}

static uint64_t claimed_kb(void)
{
    uint64_t sum = 0;

    for (struct sim *s = host.sims; s; s = s->next)
        sum += s->outstanding_kb;
    return sum;
}

uint64_t host_unclaimed_kb(void)
{
    return host_free_kb() - claimed_kb();
}

void fake_host_check(void)
{
    uint64_t used = 0;

    for (struct sim *s = host.sims; s; s = s->next)
        used += s->tot_kb;
    if (used > host.total_kb || claimed_kb() > host.total_kb - used) {
        fprintf(stderr, "fake: %llu KiB used and %llu claimed of %llu\n", (unsigned long long)used,
                (unsigned long long)claimed_kb(), (unsigned long long)host.total_kb);
        abort();
    }
}

/* domain_set_outstanding_pages of Xen 4.17, line by line. */
int sim_claim(struct sim *s, uint64_t total_kb)
{
    if (total_kb == 0) {
        s->outstanding_kb = 0;
        return 0;
    }
    if (s->outstanding_kb || total_kb <= s->tot_kb || total_kb > s->max_kb)
        return EINVAL;
    if (total_kb - s->tot_kb > host_unclaimed_kb())
        return ENOMEM;
    s->outstanding_kb = total_kb - s->tot_kb;
    return 0;
}

uint64_t sim_grow(struct sim *s, uint64_t want_kb)
{
    uint64_t room = s->max_kb > s->tot_kb ? s->max_kb - s->tot_kb : 0;
    uint64_t avail = s->outstanding_kb + host_unclaimed_kb();

    if (want_kb > room)
        want_kb = room;
    if (want_kb > avail)
        want_kb = avail;
    s->tot_kb += want_kb;
    s->outstanding_kb -= want_kb < s->outstanding_kb ? want_kb : s->outstanding_kb;
    return want_kb;
}

/* ---- domains ---- */

struct sim *sim_find(uint32_t domid)
{
    struct sim *s = host.sims;

    while (s && s->domid != domid)
        s = s->next;
    return s;
}

struct sim *sim_by_uuid(const uint8_t uuid[16])
{
    struct sim *s = host.sims;

    while (s && (s->dead || memcmp(s->uuid, uuid, sizeof s->uuid) != 0))
        s = s->next;
    return s;
}

struct sim *sim_new(uint32_t domid, const uint8_t uuid[16])
{
    struct sim **at = &host.sims, *s;

    if (domid == 0) { /* Xen goes round: a domid comes back late */
        do
            host.rover = host.rover >= 32751 ? 1 : host.rover + 1;
        while (sim_find(host.rover));
        domid = host.rover;
    } else if (sim_find(domid)) {
        return NULL;
    }
    s = fake_alloc(sizeof *s);
    s->domid = domid;
    memcpy(s->uuid, uuid, sizeof s->uuid);
    s->pauses = 1;
    s->born = evloop_now(host.loop);
    while (*at && (*at)->domid < domid)
        at = &(*at)->next;
    s->next = *at;
    *at = s;
    return s;
}

static void sim_remove(struct sim *s)
{
    struct sim **at = &host.sims;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    evloop_timer_free(s->boot);
    evloop_timer_free(s->let_go);
    if (host.thief == s)
        host.thief = NULL;
    free(s);
}

bool sim_runs(const struct sim *s)
{
    return s->booted && !s->hung && !s->pauses && !s->shutdown && !s->killed;
}

/* What xenstored and libxl make of a domain's new state. */
static void announce(const struct sim *s)
{
    if (s->introduced)
        tree_fire("@releaseDomain");
    dom_sim_changed(s->domid);
}

void sim_shutdown(struct sim *s, int reason)
{
    if (s->shutdown || s->domid == 0)
        return;
    s->shutdown = true;
    s->reason = reason;
    guest_ends(s->domid);
    announce(s);
}

void sim_release(struct sim *s)
{
    if (s->holds)
        s->holds--;
    if (s->dead && !s->holds)
        sim_remove(s);
}

static void daemons_let_go(void *arg)
{
    sim_release(arg);
}

/* xenstored and xenconsoled have pages of it mapped until they learn of its end. */
static void sim_dies(struct sim *s)
{
    if (s->introduced) {
        s->holds++;
        s->let_go = evloop_timer_new(host.loop, daemons_let_go, s);
        evloop_timer_at(s->let_go, evloop_now(host.loop) + 20 * fake_speed.store_ns);
    }
    s->tot_kb = s->holds ? HOLD_KB : 0;
    s->dead = true;
    guest_ends(s->domid);
    announce(s);
    if (!s->holds)
        sim_remove(s);
}

void sim_kill(struct sim *s)
{
    s->killed = true;
    s->outstanding_kb = 0;
    host_wake();
}

void sim_kill_now(struct sim *s)
{
    s->killed = true;
    s->outstanding_kb = 0;
    if (!s->dead)
        sim_dies(s);
}

void sim_unpause(struct sim *s)
{
    if (s->pauses)
        s->pauses--;
    if (sim_runs(s))
        guest_resumes(s->domid);
    host_wake();
}

/* ---- as time passes ---- */

static uint64_t goal_of(const struct sim *s)
{
    char path[64];
    const char *v;

    if (s->greedy)
        return s->max_kb;
    if (s->deaf)
        return s->own_kb ? s->own_kb : s->tot_kb;
    snprintf(path, sizeof path, "/local/domain/%u/memory/target", s->domid);
    v = tree_value(path);
    return v ? strtoull(v, NULL, 10) & ~UINT64_C(3) : s->tot_kb;
}

static bool wants_to_move(const struct sim *s)
{
    if (s->killed)
        return !s->dead && (!s->stuck_kb || s->tot_kb > s->stuck_kb);
    return sim_runs(s) && !s->refuse && goal_of(s) != s->tot_kb;
}

/*
 * Linux's balloon: granted nothing, it backs off 2, 4, 8 ... s and then for an hour; only a target
 * that has changed by a page or more wakes it earlier.
 */
static void balloon(struct sim *s, uint64_t step_kb)
{
    uint64_t goal = goal_of(s);
    int64_t now = evloop_now(host.loop);

    if (goal + 4 <= s->goal_kb || goal >= s->goal_kb + 4) {
        s->goal_kb = goal;
        s->retry_at = 0;
        s->backoff_s = 0;
    }
    if (now < s->retry_at)
        return;
    if (goal < s->tot_kb) {
        s->tot_kb -= step_kb < s->tot_kb - goal ? step_kb : s->tot_kb - goal;
        if (s->tot_kb < s->floor_kb)
            sim_shutdown(s, 3);
    } else if (sim_grow(s, step_kb < goal - s->tot_kb ? step_kb : goal - s->tot_kb) == 0) {
        s->backoff_s = s->backoff_s == 0 ? 2 : s->backoff_s < 32 ? 2 * s->backoff_s : 3600;
        s->retry_at = now + s->backoff_s * 1000 * FAKE_MS;
    } else {
        s->backoff_s = 0;
    }
}

/* To a destroy; where it hangs it stops. */
static void lose(struct sim *s, uint64_t step_kb)
{
    if (s->stuck_kb && s->tot_kb < s->stuck_kb + step_kb)
        s->tot_kb = s->stuck_kb;
    else if (step_kb + HOLD_KB >= s->tot_kb)
        sim_dies(s);
    else
        s->tot_kb -= step_kb;
}

void host_rob(void)
{
    if (host.thief)
        sim_grow(host.thief, host.thief->max_kb);
}

static void arm_tick(void)
{
    int64_t at = INT64_MAX, next = evloop_now(host.loop) + FAKE_MS;

    for (struct sim *s = host.sims; s; s = s->next) {
        if (wants_to_move(s)) {
            /* A new goal ends a pause, so the old pause only counts with the old goal. */
            int64_t mine = !s->killed && goal_of(s) == s->goal_kb ? s->retry_at : 0;
            mine = mine > next ? mine : next;
            at = mine < at ? mine : at;
        }
    }
    host.ticking = at != INT64_MAX;
    if (host.ticking)
        evloop_timer_at(host.tick, at);
    else
        evloop_timer_stop(host.tick);
}

static void on_tick(void *arg)
{
    int64_t now = evloop_now(host.loop);
    uint64_t ms = (now - host.ticked) / FAKE_MS;
    struct sim *s, *next;

    (void)arg;
    host.ticked = now;
    for (s = host.sims; s; s = next) {
        next = s->next;
        if (!wants_to_move(s))
            continue;
        if (s->killed)
            lose(s, fake_speed.free_kb_per_ms * ms);
        else
            balloon(s, (s->rate_kb ? s->rate_kb : fake_speed.balloon_kb_per_ms) * ms);
    }
    host_rob();
    fake_host_check();
    arm_tick();
}

void host_wake(void)
{
    int64_t now = evloop_now(host.loop);

    if (!host.ticking || now - host.ticked > 2 * FAKE_MS)
        host.ticked = now;
    arm_tick();
}

/* ---- the host ---- */

void fake_host_new(struct evloop *loop, uint64_t total_kb, uint64_t dom0_kb)
{
    static const uint8_t zero[16];
    struct sim *dom0 = fake_alloc(sizeof *dom0);

    memset(&host, 0, sizeof host);
    fake_failures_reset();
    fake_speed = (struct fake_speed){
        .create_ns = 600 * FAKE_MS,
        .boot_ns = 3000 * FAKE_MS,
        .parse_ns = 100 * FAKE_MS,
        .devices_ns = 250 * FAKE_MS,
        .free_kb_per_ms = 3500,
        .balloon_kb_per_ms = 1000,
        .store_ns = FAKE_MS / 5,
        .writer_ns = 3 * FAKE_MS,
    };
    host.loop = loop;
    host.total_kb = total_kb;
    host.tick = evloop_timer_new(loop, on_tick, NULL);
    memcpy(dom0->uuid, zero, sizeof zero);
    snprintf(dom0->name, sizeof dom0->name, "Domain-0");
    dom0->tot_kb = dom0->max_kb = dom0_kb;
    host.sims = dom0;
    tree_write("/local/domain/0/name", dom0->name, 0);
    tree_write("/tool", "", 0);
    tree_write("/vm", "", 0);
    tree_write("/libxl", "", 0);
}

void fake_host_free(void)
{
    guest_free_all();
    tree_free();
    while (host.sims)
        sim_remove(host.sims);
    evloop_timer_free(host.tick);
    memset(&host, 0, sizeof host);
}
