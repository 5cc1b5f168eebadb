/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of xen/hyp.h with empty domains: listing, claims, fencing, and the domid traps.
 * What needs a guest is in contract_hyp_guest.c. Called by contract.c.
 */
#include "contract.h"

static void lists_all_domains_in_order(void)
{
    struct hyp_dom d[64];
    struct guest a = make_empty(MB), b = make_empty(MB);
    int n = hyp_list(ct.hyp, d, 64, no_err());

    CHECK(a.domid && b.domid && n >= 3);
    CHECK(d[0].domid == 0 && d[0].tot_kb > 0);
    bool seen_a = false;
    for (int i = 1; i < n; i++) {
        CHECK(d[i].domid > d[i - 1].domid);
        seen_a |= d[i].domid == a.domid && memcmp(d[i].uuid, a.uuid, 16) == 0;
    }
    CHECK(seen_a);
    CHECK(hyp_list(ct.hyp, d, 2, no_err()) == 2);
    CHECK(strchr(hyp_version(ct.hyp), '.'));
}

/* The hypervisor answers for a domid that is gone with the next one there is. */
static void get_does_not_answer_with_the_next_domain(void)
{
    struct guest a = make_empty(MB), b = make_empty(MB);
    struct hyp_dom d;

    CHECK(a.domid && b.domid > a.domid);
    CHECK(hyp_destroy(ct.hyp, a.domid, no_err()) == 0);
    CHECK(hyp_get(ct.hyp, a.domid, &d, no_err()) == HYP_NO);
    CHECK(hyp_get(ct.hyp, b.domid, &d, no_err()) == HYP_YES);
    CHECK(d.domid == b.domid && memcmp(d.uuid, b.uuid, 16) == 0);
}

static void an_empty_domain_is_empty(void)
{
    struct guest a = make_empty(64 * MB);
    struct hyp_dom d = look(a.domid);
    uint32_t again = a.domid;

    CHECK(a.domid && d.domid == a.domid);
    CHECK(d.tot_kb == 0 && d.max_kb == 64 * MB && d.outstanding_kb == 0);
    CHECK(!d.shutdown && !d.dying);
    CHECK(hyp_create_empty(ct.hyp, &again, a.uuid, MB, no_err()) == -1);
    CHECK(ct_err.code == XHS_E_EXISTS);
    CHECK(hyp_destroy(ct.hyp, a.domid, no_err()) == 0);
    CHECK(look(a.domid).domid == 0);
    CHECK(hyp_destroy(ct.hyp, a.domid, no_err()) == 0); /* no such domain: nothing to do */
    CHECK(hyp_create_empty(ct.hyp, &again, a.uuid, MB, no_err()) == 0 && again == a.domid);
    CHECK(hyp_destroy(ct.hyp, a.domid, no_err()) == 0);
}

/* Xen's own pages of a domain that is gone come back a moment later: until they have, at most 2 s. */
static void let_come_back(void)
{
    uint64_t was_kb = 0;

    for (int i = 0; i < 20; i++) {
        uint64_t kb = unclaimed_kb();
        if (kb == was_kb)
            return;
        was_kb = kb;
        pass_ms(100);
    }
}

static void an_empty_domains_claim_reserves(void)
{
    uint64_t before, free_before, free_after, claimed;
    struct guest a, b;

    let_come_back();
    before = unclaimed_kb();
    a = make_empty(256 * MB);
    b = make_empty(~UINT64_C(0) >> 16);
    CHECK(a.domid && b.domid);
    hyp_memory(ct.hyp, &free_before, &claimed, no_err());
    CHECK(hyp_claim(ct.hyp, a.domid, 256 * MB, no_err()) == 0);
    CHECK(look(a.domid).outstanding_kb == 256 * MB && look(a.domid).tot_kb == 0);
    hyp_memory(ct.hyp, &free_after, &claimed, no_err());
    CHECK(free_before == free_after);
    CHECK(unclaimed_kb() + 256 * MB <= before);
    /* All of the rest is to be had, one MiB more is not. */
    CHECK(hyp_claim(ct.hyp, b.domid, unclaimed_kb() + MB, no_err()) == -1);
    CHECK(ct_err.code == XHS_E_MEMORY);
    CHECK(hyp_claim(ct.hyp, b.domid, unclaimed_kb(), no_err()) == 0);
    CHECK(unclaimed_kb() == 0);
    CHECK(hyp_destroy(ct.hyp, b.domid, no_err()) == 0);
    CHECK(hyp_destroy(ct.hyp, a.domid, no_err()) == 0);
    CHECK(unclaimed_kb() + MB >= before);
}

static void a_claim_is_the_total_and_replaces(void)
{
    struct guest a = make_empty(128 * MB);

    CHECK(a.domid);
    CHECK(hyp_claim(ct.hyp, a.domid, 64 * MB, no_err()) == 0);
    CHECK(hyp_claim(ct.hyp, a.domid, 128 * MB, no_err()) == 0);
    CHECK(look(a.domid).outstanding_kb == 128 * MB);
    CHECK(hyp_claim(ct.hyp, a.domid, 32 * MB, no_err()) == 0);
    CHECK(look(a.domid).outstanding_kb == 32 * MB);
    CHECK(hyp_claim(ct.hyp, a.domid, 0, no_err()) == 0);
    CHECK(look(a.domid).outstanding_kb == 0);
    CHECK(hyp_claim(ct.hyp, a.domid, 0, no_err()) == 0);
}

static void a_claim_that_fails_leaves_the_old_one(void)
{
    struct guest a = make_empty(128 * MB);

    CHECK(a.domid);
    CHECK(hyp_claim(ct.hyp, a.domid, 64 * MB, no_err()) == 0);
    CHECK(hyp_claim(ct.hyp, a.domid, 129 * MB, no_err()) == -1); /* above max_pages */
    CHECK(ct_err.code == XHS_E_XEN);
    CHECK(look(a.domid).outstanding_kb == 64 * MB);
    CHECK(hyp_set_max(ct.hyp, a.domid, ~UINT64_C(0) >> 16, no_err()) == 0);
    CHECK(hyp_claim(ct.hyp, a.domid, 65 * MB + unclaimed_kb(), no_err()) == -1);
    CHECK(ct_err.code == XHS_E_MEMORY);
    CHECK(look(a.domid).outstanding_kb == 64 * MB);
    CHECK(hyp_destroy(ct.hyp, a.domid, no_err()) == 0);
    CHECK(hyp_claim(ct.hyp, a.domid, MB, no_err()) == -1 && ct_err.code == XHS_E_NOENT);
}

static void a_claim_needs_no_room_in_another_domains_maximum(void)
{
    struct guest a = make_empty(64 * MB);

    CHECK(a.domid);
    CHECK(hyp_set_max(ct.hyp, a.domid, 32 * MB, no_err()) == 0);
    CHECK(look(a.domid).max_kb == 32 * MB);
    CHECK(hyp_claim(ct.hyp, a.domid, 64 * MB, no_err()) == -1);
    CHECK(hyp_set_max(ct.hyp, a.domid, 64 * MB, no_err()) == 0);
    CHECK(hyp_claim(ct.hyp, a.domid, 64 * MB, no_err()) == 0);
    CHECK(hyp_set_max(ct.hyp, 32000, MB, no_err()) == -1 && ct_err.code == XHS_E_XEN);
}

static void a_fence_of_a_uuid_that_is_nowhere_is_yes(void)
{
    struct guest a = make_empty(MB);
    uint8_t nobody[16];

    new_uuid(nobody);
    CHECK(a.domid);
    CHECK(hyp_fence(ct.hyp, 32000, nobody, no_err()) == HYP_YES);
    /* The domid is another's now: that one must not be touched. */
    CHECK(hyp_fence(ct.hyp, a.domid, nobody, no_err()) == HYP_YES);
    CHECK(!look(a.domid).shutdown);
}

static void a_fence_of_a_uuid_under_another_domid_is_no(void)
{
    struct guest a = make_empty(MB), b = make_empty(MB);

    CHECK(a.domid && b.domid);
    CHECK(hyp_fence(ct.hyp, a.domid, b.uuid, no_err()) == HYP_NO);
    CHECK(ct_err.code != XHS_E_NONE);
    CHECK(hyp_fence(ct.hyp, 32000, b.uuid, no_err()) == HYP_NO);
    CHECK(!look(a.domid).shutdown && !look(b.domid).shutdown);
}

static void dom0_is_never_fenced(void)
{
    struct hyp_dom dom0;

    CHECK(hyp_get(ct.hyp, 0, &dom0, no_err()) == HYP_YES);
    CHECK(hyp_fence(ct.hyp, 0, dom0.uuid, no_err()) == HYP_NO);
    CHECK(hyp_get(ct.hyp, 0, &dom0, no_err()) == HYP_YES && !dom0.shutdown);
}

const struct case_ hyp_cases[] = {
    { "lists all domains, ascending", lists_all_domains_in_order },
    { "get does not answer with the next domain", get_does_not_answer_with_the_next_domain },
    { "an empty domain has no memory, and its domid is taken", an_empty_domain_is_empty },
    { "an empty domain's claim reserves memory", an_empty_domains_claim_reserves },
    { "a claim is the total wanted, and replaces", a_claim_is_the_total_and_replaces },
    { "a claim that fails leaves the earlier one", a_claim_that_fails_leaves_the_old_one },
    { "a claim above max_pages is refused", a_claim_needs_no_room_in_another_domains_maximum },
    { "fence: a uuid that is nowhere", a_fence_of_a_uuid_that_is_nowhere_is_yes },
    { "fence: a uuid that lives under another domid", a_fence_of_a_uuid_under_another_domid_is_no },
    { "fence: never dom0", dom0_is_never_fenced },
    { NULL, NULL },
};
