/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table against the hypervisor: what counts as a difference, at its very limits, and what is
 * said of it. Not how long a difference may last: that is xhsd's.
 * Run by make check.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/audit.h"
#include "core/plan.h"

#define MIB(n) ((uint64_t)(n) * 1024)

static struct pair p;
static struct pool pool;
static char text[AUDIT_TEXT];

static void start(void)
{
    static const struct pair_config pc = {
        .name = "shop",
        .memory_kb = MIB(1024),
        .standby_memory_kb = MIB(160),
        .max_memory_kb = MIB(1760),
    };
    static const uint8_t uuid[MEMBERS][16] = { { 1 }, { 2 } };

    pair_init(&p, &pc, (const char *const[]){ "shop-a", "shop-b" }, uuid);
    for (int i = 0; i < MEMBERS; i++) {
        p.m[i].domid = 7 + i;
        p.m[i].look = (struct look){ .at = LOOK_THERE, .domid = 7 + i };
        p.m[i].look.tot_kb = pair_goal_kb(&p, i);
        p.m[i].look.max_kb = pair_goal_kb(&p, i) + PLAN_SLACK_KB;
    }
    pool = (struct pool){ .pool_kb = MIB(2048), .reserve_kb = MIB(128),
                          .members_kb = rmt_total_kb(&p.rmt) };
}

static void agrees(int member, enum audit_kind kind)
{
    ck_assert_msg(!audit_member(&p, member, kind, text), "%s", text);
}

static void differs(int member, enum audit_kind kind, const char *what)
{
    ck_assert(audit_member(&p, member, kind, text));
    ck_assert_str_eq(text, what);
}

static void all_agrees(void)
{
    for (int i = 0; i < MEMBERS; i++) {
        agrees(i, AUDIT_PAGES);
        agrees(i, AUDIT_MAX);
        agrees(i, AUDIT_KINDS);
    }
}

START_TEST(at_rest)
{
    all_agrees();
    ck_assert_uint_eq(audit_missing_kb(&p), 0);
}
END_TEST

START_TEST(pages)
{
    struct look *l = &p.m[MEMBER_B].look;

    l->tot_kb = MIB(160) + PLAN_TOLERANCE_KB;
    agrees(MEMBER_B, AUDIT_PAGES);
    l->tot_kb = MIB(160) - PLAN_TOLERANCE_KB;
    agrees(MEMBER_B, AUDIT_PAGES);
    l->tot_kb = MIB(160) - PLAN_TOLERANCE_KB - 1;
    differs(MEMBER_B, AUDIT_PAGES, "shop-b has 155 MiB, the table says 160");
    l->tot_kb = MIB(160) + PLAN_TOLERANCE_KB + 1;
    differs(MEMBER_B, AUDIT_PAGES, "shop-b has 164 MiB, the table says 160");
    p.m[MEMBER_B].keeps = true;
    differs(MEMBER_B, AUDIT_PAGES,
            "shop-b has 164 MiB, the table says 160: it does not give the rest back");
    agrees(MEMBER_A, AUDIT_PAGES);
}
END_TEST

START_TEST(max_pages)
{
    struct look *l = &p.m[MEMBER_A].look;

    l->max_kb = MIB(1024) + PLAN_SLACK_KB + PLAN_TOLERANCE_KB;
    agrees(MEMBER_A, AUDIT_MAX);
    l->max_kb += 1;
    differs(MEMBER_A, AUDIT_MAX, "shop-a may have 1029 MiB (maxmem), the table says 1024: somebody "
                                 "else raised it");
    l->max_kb = 0; /* too low: nobody can take anything */
    agrees(MEMBER_A, AUDIT_MAX);
}
END_TEST

/* A domain that has not shrunk yet may keep what it has, and no more. */
START_TEST(max_pages_of_one_that_shrinks)
{
    struct look *l = &p.m[MEMBER_B].look;

    l->tot_kb = MIB(500);
    l->max_kb = MIB(500) + PLAN_SLACK_KB + PLAN_TOLERANCE_KB;
    agrees(MEMBER_B, AUDIT_MAX);
    l->max_kb += 1;
    differs(MEMBER_B, AUDIT_MAX, "shop-b may have 505 MiB (maxmem), the table says 160: somebody "
                                 "else raised it");
    l->tot_kb = MIB(100); /* one that has not grown yet, what it is to get */
    l->max_kb = MIB(160) + PLAN_SLACK_KB + PLAN_TOLERANCE_KB;
    agrees(MEMBER_B, AUDIT_MAX);
    l->max_kb += 1;
    ck_assert(audit_member(&p, MEMBER_B, AUDIT_MAX, text));
}
END_TEST

/* The heir of a takeover is on its way to what is in transit. */
START_TEST(heir)
{
    rmt_fault(&p.rmt, MEMBER_A);
    p.m[MEMBER_B].look.tot_kb = MIB(1024);
    p.m[MEMBER_B].look.max_kb = MIB(1024) + PLAN_SLACK_KB;
    differs(MEMBER_B, AUDIT_PAGES, "shop-b has 1024 MiB, the table says 160");
    p.intent.id = 1;
    p.intent.heir = MEMBER_B;
    agrees(MEMBER_B, AUDIT_PAGES);
    agrees(MEMBER_B, AUDIT_MAX);
    p.m[MEMBER_B].look.tot_kb = MIB(200);
    differs(MEMBER_B, AUDIT_PAGES, "shop-b has 200 MiB, the table says 1024");
}
END_TEST

/* One that does not run, or that xhs is at work on, has no pages that the table speaks of. */
START_TEST(not_while_it_does_not_run)
{
    struct member *m = &p.m[MEMBER_B], was = *m;

    m->look.tot_kb = 0;
    m->look.max_kb = MIB(5000);
    for (enum member_op op = OP_FENCE; op <= OP_CREATE; op++) {
        m->op = op;
        all_agrees();
    }
    m->op = OP_NONE;
    ck_assert(audit_member(&p, MEMBER_B, AUDIT_PAGES, text));
    m->look.shutdown = true;
    all_agrees();
    m->look.shutdown = false;
    m->look.dying = true;
    all_agrees();
    m->look.dying = false;
    m->look.at = LOOK_UNKNOWN;
    all_agrees();
    m->look.at = LOOK_ABSENT;
    all_agrees();
    *m = was;
    m->domid = -1;
    m->look.tot_kb = 0;
    all_agrees();
}
END_TEST

START_TEST(long_names_fit)
{
    struct member *m = &p.m[MEMBER_A];

    memset(m->name, 'n', sizeof m->name - 1);
    m->look.tot_kb = UINT64_MAX;
    m->look.max_kb = UINT64_MAX;
    m->keeps = true;
    ck_assert(audit_member(&p, MEMBER_A, AUDIT_PAGES, text));
    ck_assert_ptr_nonnull(strstr(text, ": it does not give the rest back"));
    m->look.tot_kb = 0;
    ck_assert(audit_member(&p, MEMBER_A, AUDIT_MAX, text));
    ck_assert_ptr_nonnull(strstr(text, "somebody else raised it"));
}
END_TEST

START_TEST(missing)
{
    p.m[MEMBER_A].look.tot_kb -= MIB(100);
    ck_assert_uint_eq(audit_missing_kb(&p), MIB(100));
    p.m[MEMBER_B].look.tot_kb -= 3;
    ck_assert_uint_eq(audit_missing_kb(&p), MIB(100) + 3);
    p.m[MEMBER_B].look.tot_kb = MIB(1000); /* too much is not less than nothing */
    ck_assert_uint_eq(audit_missing_kb(&p), MIB(100));
    p.m[MEMBER_A].look.dying = true; /* what it will never have */
    ck_assert_uint_eq(audit_missing_kb(&p), 0);
}
END_TEST

START_TEST(missing_in_transit)
{
    rmt_fault(&p.rmt, MEMBER_A);
    p.m[MEMBER_A].domid = -1;
    p.intent.id = 1;
    p.intent.heir = MEMBER_B;
    ck_assert_uint_eq(audit_missing_kb(&p), MIB(1024 - 160));
    p.m[MEMBER_B].look.tot_kb = MIB(1000);
    ck_assert_uint_eq(audit_missing_kb(&p), MIB(24));
}
END_TEST

/* ---- the host ---- */

static void host_agrees(uint64_t free_kb, uint64_t claimed_kb, uint64_t missing_kb)
{
    ck_assert_msg(!audit_host(&pool, free_kb, claimed_kb, missing_kb, text), "%s", text);
}

static void host_differs(uint64_t free_kb, uint64_t claimed_kb, uint64_t missing_kb,
                         const char *what)
{
    ck_assert(audit_host(&pool, free_kb, claimed_kb, missing_kb, text));
    ck_assert_str_eq(text, what);
}

START_TEST(host_has_enough)
{
    uint64_t unused = pool_unused_kb(&pool);

    ck_assert_uint_eq(unused, MIB(736));
    host_agrees(MIB(1 << 24), 0, 0);
    host_agrees(unused, 0, 0);
    host_agrees(unused + MIB(128), MIB(128), 0); /* the reserve is claimed */
    host_agrees(unused + MIB(100), 0, MIB(100));
    host_agrees(unused - PLAN_TOLERANCE_KB, 0, 0);
    pool_take(&pool, unused, NULL);
    host_agrees(0, 0, 0); /* nothing is wanted */
    host_agrees(0, MIB(128), PLAN_TOLERANCE_KB);
}
END_TEST

START_TEST(host_lacks)
{
    uint64_t least = MIB(736) - PLAN_TOLERANCE_KB;

    host_differs(least - 1, 0, 0,
                 "the host has 731 MiB free and unclaimed, the pool counts on 736: 4 MiB are in "
                 "other hands");
    host_differs(least + MIB(128) - 1, MIB(128), 0,
                 "the host has 731 MiB free and unclaimed, the pool counts on 736: 4 MiB are in "
                 "other hands");
    host_differs(MIB(736), 0, MIB(100),
                 "the host has 736 MiB free and unclaimed, the pool counts on 836: 100 MiB are in "
                 "other hands");
    host_differs(0, 0, 0,
                 "the host has 0 MiB free and unclaimed, the pool counts on 736: 736 MiB are in "
                 "other hands");
    /* more claimed than there is free is nothing, not a huge number */
    host_differs(MIB(100), MIB(500), 0,
                 "the host has 0 MiB free and unclaimed, the pool counts on 736: 736 MiB are in "
                 "other hands");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("audit");
    TCase *c = tcase_create("audit");

    tcase_add_checked_fixture(c, start, NULL);
    tcase_add_test(c, at_rest);
    tcase_add_test(c, pages);
    tcase_add_test(c, max_pages);
    tcase_add_test(c, max_pages_of_one_that_shrinks);
    tcase_add_test(c, heir);
    tcase_add_test(c, not_while_it_does_not_run);
    tcase_add_test(c, long_names_fit);
    tcase_add_test(c, missing);
    tcase_add_test(c, missing_in_transit);
    tcase_add_test(c, host_has_enough);
    tcase_add_test(c, host_lacks);
    suite_add_tcase(s, c);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
