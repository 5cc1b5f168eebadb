/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen/hyp.h over the simulated host. hyp_destroy is over at once here; a destroy that takes its
 * time is fake_worker.c's. Called by the code under test.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

struct hyp {
    int unused;
};

struct hyp_hold {
    uint32_t domid;
};

int hyp_open(struct hyp **out, struct xhs_error *err)
{
    (void)err;
    *out = fake_alloc(sizeof **out);
    return 0;
}

void hyp_close(struct hyp *h)
{
    free(h);
}

const char *hyp_version(struct hyp *h)
{
    (void)h;
    return "4.17";
}

static void fill(struct hyp_dom *d, const struct sim *s)
{
    int64_t age = evloop_now(host.loop) - s->born;

    *d = (struct hyp_dom){
        .domid = s->domid,
        .shutdown = s->shutdown,
        .dying = s->dead,
        .paused = s->pauses > 0,
        .shutdown_reason = s->shutdown ? s->reason : 255,
        .tot_kb = s->tot_kb,
        .max_kb = s->max_kb,
        .outstanding_kb = s->outstanding_kb,
        .cpu_ns = s->hung ? age : age / 20,
    };
    memcpy(d->uuid, s->uuid, sizeof d->uuid);
}

int hyp_list(struct hyp *h, struct hyp_dom *out, int max, struct xhs_error *err)
{
    int n = 0;

    (void)h;
    if (fake_failing(FAKE_HYP_LIST, err))
        return -1;
    for (struct sim *s = host.sims; s && n < max; s = s->next)
        fill(&out[n++], s);
    return n;
}

enum hyp_answer hyp_get(struct hyp *h, uint32_t domid, struct hyp_dom *out, struct xhs_error *err)
{
    struct sim *s = sim_find(domid);

    (void)h;
    if (fake_failing(FAKE_HYP_GET, err))
        return HYP_UNKNOWN;
    if (!s)
        return HYP_NO;
    fill(out, s);
    return HYP_YES;
}

int hyp_memory(struct hyp *h, uint64_t *free_kb, uint64_t *outstanding_kb, struct xhs_error *err)
{
    (void)h;
    if (fake_failing(FAKE_HYP_MEMORY, err))
        return -1;
    *free_kb = host_free_kb();
    *outstanding_kb = host_free_kb() - host_unclaimed_kb();
    return 0;
}

enum hyp_answer hyp_fence(struct hyp *h, uint32_t domid, const uint8_t uuid[16],
                          struct xhs_error *err)
{
    struct sim *s = sim_find(domid);
    bool elsewhere = false;

    (void)h;
    if (fake_failing(FAKE_HYP_FENCE, err))
        return HYP_UNKNOWN;
    if (domid != 0 && s && memcmp(s->uuid, uuid, sizeof s->uuid) == 0) {
        s->pauses++;
        sim_shutdown(s, 3);
        return HYP_YES;
    }
    for (s = host.sims; s; s = s->next)
        elsewhere |= !s->dead && memcmp(s->uuid, uuid, sizeof s->uuid) == 0;
    if (!elsewhere)
        return HYP_YES;
    xhs_fail(err, XHS_E_STATE, "domain %u is gone, but its uuid lives under another domid", domid);
    return HYP_NO;
}

int hyp_set_max(struct hyp *h, uint32_t domid, uint64_t max_kb, struct xhs_error *err)
{
    struct sim *s = sim_find(domid);

    (void)h;
    if (fake_failing(FAKE_HYP_SET_MAX, err))
        return -1;
    if (!s)
        return xhs_fail_errno(err, XHS_E_XEN, ESRCH, "cannot set domain %u's maximum", domid);
    s->max_kb = max_kb & ~UINT64_C(3);
    host_wake();
    return 0;
}

int hyp_claim(struct hyp *h, uint32_t domid, uint64_t total_kb, struct xhs_error *err)
{
    struct sim *s = sim_find(domid);
    uint64_t before;
    int rc;

    (void)h;
    if (fake_failing(FAKE_HYP_CLAIM, err))
        return -1;
    if (!s)
        return xhs_fail(err, XHS_E_NOENT, "no domain %u to claim memory for", domid);
    total_kb &= ~UINT64_C(3);
    before = s->outstanding_kb;
    sim_claim(s, 0);
    if (total_kb <= s->tot_kb)
        return 0;
    rc = sim_claim(s, total_kb);
    if (rc == 0)
        return 0;
    if (before)
        sim_claim(s, s->tot_kb + before);
    return xhs_fail_errno(err, rc == ENOMEM ? XHS_E_MEMORY : XHS_E_XEN, rc,
                          "cannot claim memory for domain %u to have %llu KiB", domid,
                          (unsigned long long)total_kb);
}

int hyp_create_empty(struct hyp *h, uint32_t *domid, const uint8_t uuid[16], uint64_t max_kb,
                     struct xhs_error *err)
{
    struct sim *s;

    (void)h;
    if (fake_failing(FAKE_HYP_CREATE_EMPTY, err))
        return -1;
    s = sim_new(*domid, uuid);
    if (!s)
        return xhs_fail_errno(err, XHS_E_EXISTS, EEXIST, "cannot create an empty domain");
    s->max_kb = max_kb;
    *domid = s->domid;
    return 0;
}

int hyp_destroy(struct hyp *h, uint32_t domid, struct xhs_error *err)
{
    struct sim *s = sim_find(domid);

    (void)h;
    if (fake_failing(FAKE_HYP_DESTROY, err))
        return -1;
    if (s && domid != 0)
        sim_kill_now(s);
    return 0;
}

struct hyp_hold *hyp_hold(struct hyp *h, uint32_t domid, struct xhs_error *err)
{
    struct sim *s = sim_find(domid);
    struct hyp_hold *hold;

    (void)h;
    if (fake_failing(FAKE_HYP_HOLD, err))
        return NULL;
    if (!s) {
        xhs_fail(err, XHS_E_NOENT, "no domain %u to hold", domid);
        return NULL;
    }
    s->holds++;
    hold = fake_alloc(sizeof *hold);
    hold->domid = domid;
    return hold;
}

void hyp_release(struct hyp *h, struct hyp_hold *hold)
{
    struct sim *s = hold ? sim_find(hold->domid) : NULL;

    (void)h;
    if (s)
        sim_release(s);
    free(hold);
}
