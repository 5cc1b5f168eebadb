/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of xen/hyp.h and xen/worker.h with guests: memory that moves, fencing, and bodies.
 * Called by contract.c.
 */
#include <stdio.h>

#include "contract.h"

static bool set_target(uint32_t domid, uint64_t kb)
{
    char path[64], value[32];

    snprintf(path, sizeof path, "/local/domain/%u/memory/target", domid);
    snprintf(value, sizeof value, "%llu", (unsigned long long)kb);
    return store_write(ct.store, path, value, no_err()) == 0;
}

struct tot {
    uint32_t domid;
    uint64_t from_kb, to_kb;
};

static bool tot_is(void *arg)
{
    struct tot *t = arg;
    uint64_t now = look(t->domid).tot_kb;

    return now >= t->from_kb && now <= t->to_kb;
}

/* Growth with all its rules in one life, since a guest's boot takes seconds in the lab. */
static void memory_moves_by_maximum_claim_and_target(void)
{
    struct guest g = make_guest("ct-move", SMALL_MB * MB, 2 * SMALL_MB * MB);
    struct hyp_dom d = look(g.domid);
    uint64_t boot = d.tot_kb, more = boot + 64 * MB;

    CHECK(g.domid && env_wait_up(g.domid));
    CHECK(boot >= (SMALL_MB - 4) * MB && boot <= SMALL_MB * MB + HYP_SLACK_KB);

    /* A maximum below what it has is accepted, and takes nothing away. */
    CHECK(hyp_set_max(ct.hyp, g.domid, boot - 8 * MB, no_err()) == 0);
    pass_ms(300);
    CHECK(look(g.domid).tot_kb == boot && look(g.domid).max_kb == boot - 8 * MB);

    /* No growth beyond the maximum, whatever the target; so no claim either. */
    CHECK(hyp_set_max(ct.hyp, g.domid, boot, no_err()) == 0);
    CHECK(hyp_claim(ct.hyp, g.domid, more, no_err()) == -1 && ct_err.code == XHS_E_XEN);

    /* Maximum, claim, target: it grows, and uses its claim up. */
    CHECK(hyp_set_max(ct.hyp, g.domid, more, no_err()) == 0);
    CHECK(hyp_claim(ct.hyp, g.domid, more, no_err()) == 0);
    CHECK(look(g.domid).outstanding_kb == more - boot);
    CHECK(set_target(g.domid, more));
    CHECK(wait_until(tot_is, &(struct tot){ g.domid, more - MB, more }, 10000));
    CHECK(look(g.domid).outstanding_kb <= MB);

    /* Down again: the claim does not come back by itself. */
    CHECK(hyp_claim(ct.hyp, g.domid, 0, no_err()) == 0);
    CHECK(hyp_set_max(ct.hyp, g.domid, boot, no_err()) == 0);
    CHECK(set_target(g.domid, boot));
    CHECK(wait_until(tot_is, &(struct tot){ g.domid, boot - 2 * MB, boot }, 10000));
    CHECK(look(g.domid).outstanding_kb == 0);
}

static void a_fence_stops_a_running_guest(void)
{
    struct guest g = make_guest("ct-fence", SMALL_MB * MB, SMALL_MB * MB);
    struct hyp_dom d;

    CHECK(g.domid && !look(g.domid).shutdown);
    CHECK(hyp_fence(ct.hyp, g.domid, g.uuid, no_err()) == HYP_YES);
    d = look(g.domid);
    CHECK(d.shutdown && d.shutdown_reason == 3 && d.paused);
    pass_ms(50);
    d = look(g.domid);
    uint64_t cpu = d.cpu_ns;
    pass_ms(200);
    CHECK(env_is_fake || look(g.domid).cpu_ns == cpu);
    CHECK(hyp_fence(ct.hyp, g.domid, g.uuid, no_err()) == HYP_YES); /* again: the same */
    CHECK(wait_event(g.domid, 2000));
}

static void a_fence_of_a_dead_guest_keeps_its_reason(void)
{
    struct guest g = make_guest("ct-dead", SMALL_MB * MB, SMALL_MB * MB);

    CHECK(g.domid && env_wait_up(g.domid));
    env_poweroff(g.domid);
    CHECK(wait_event(g.domid, 20000));
    CHECK(look(g.domid).shutdown && look(g.domid).shutdown_reason == 0);
    CHECK(hyp_fence(ct.hyp, g.domid, g.uuid, no_err()) == HYP_YES);
    CHECK(look(g.domid).shutdown_reason == 0);
}

static void a_held_body_keeps_its_domid_and_nothing_else(void)
{
    struct guest g = make_guest("ct-held", SMALL_MB * MB, SMALL_MB * MB);
    uint32_t domid = g.domid;
    struct hyp_hold *hold;
    struct hyp_dom d;
    uint64_t before;

    CHECK(g.domid);
    CHECK(hyp_hold(ct.hyp, 32000, no_err()) == NULL && ct_err.code == XHS_E_NOENT);
    hold = hyp_hold(ct.hyp, g.domid, no_err());
    CHECK(hold);
    CHECK(hyp_fence(ct.hyp, g.domid, g.uuid, no_err()) == HYP_YES);
    before = unclaimed_kb();
    CHECK(raw_destroy(&g));
    CHECK(unclaimed_kb() + MB >= before + SMALL_MB * MB);
    d = look(g.domid);
    CHECK(d.domid == g.domid && d.dying && d.tot_kb <= 64 && memcmp(d.uuid, g.uuid, 16) == 0);
    CHECK(hyp_create_empty(ct.hyp, &domid, g.uuid, MB, no_err()) == -1);
    CHECK(ct_err.code == XHS_E_EXISTS);
    CHECK(hyp_fence(ct.hyp, g.domid, g.uuid, no_err()) == HYP_YES); /* a body is fenced */

    /* libxl cleans up after the body; then it may go. */
    CHECK(!key_is(NULL, "/local/domain/%u/vm", g.domid));
    CHECK(destroy(&g));
    CHECK(key_is(NULL, "/local/domain/%u", g.domid) && key_is(NULL, "/libxl/%u", g.domid));
    CHECK(look(g.domid).dying);
    hyp_release(ct.hyp, hold);
    CHECK(!anything_left(&g));
}

static void a_body_that_vanished_is_cleaned_up_after(void)
{
    struct guest g = make_guest("ct-gone", SMALL_MB * MB, SMALL_MB * MB);

    CHECK(g.domid);
    CHECK(raw_destroy(&g));
    CHECK(gone(g.domid));
    CHECK(!key_is(NULL, "/local/domain/%u/vm", g.domid)); /* it did leave something */
    CHECK(destroy(&g));
    CHECK(!anything_left(&g));
    CHECK(destroy(&g)); /* nothing left: done */
}

static void a_destroy_beside_libxls_is_no_error(void)
{
    struct guest g = make_guest("ct-beside", SMALL_MB * MB, SMALL_MB * MB);
    struct result clean = { 0 }, raw = { 0 };

    CHECK(g.domid);
    dom_destroy(ct.dom, g.domid, g.uuid, on_result, &clean);
    pass_ms(30);
    CHECK(worker_destroy(ct.worker, g.domid, on_result, &raw, no_err()) == 0);
    CHECK(wait_result(&raw, 10000) && raw.err.code == XHS_E_NONE);
    CHECK(wait_result(&clean, 30000) && clean.err.code == XHS_E_NONE);
    CHECK(!anything_left(&g));
}

static void a_raw_destroy_frees_all(void)
{
    uint64_t before = unclaimed_kb();
    struct guest g = make_guest("ct-free", SMALL_MB * MB, SMALL_MB * MB);

    CHECK(g.domid && unclaimed_kb() + (SMALL_MB - 4) * MB <= before);
    CHECK(raw_destroy(&g));
    CHECK(gone(g.domid) && unclaimed_kb() + 2 * MB >= before);
    CHECK(raw_destroy(&g)); /* no such domain any more: nothing to do */
}

const struct case_ hyp_guest_cases[] = {
    { "memory moves by maximum, claim and target", memory_moves_by_maximum_claim_and_target },
    { "fence: a running guest stops", a_fence_stops_a_running_guest },
    { "fence: a dead guest keeps its reason", a_fence_of_a_dead_guest_keeps_its_reason },
    { "a held body keeps its domid, and can be cleaned up",
      a_held_body_keeps_its_domid_and_nothing_else },
    { "a body that vanished is cleaned up after", a_body_that_vanished_is_cleaned_up_after },
    { "a raw destroy beside libxl's is no error", a_destroy_beside_libxls_is_no_error },
    { "a raw destroy frees all memory", a_raw_destroy_frees_all },
    { NULL, NULL },
};
