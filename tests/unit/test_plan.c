/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Balloon targets: never one that memory does not stand behind, never one that a guest cannot live
 * with. Not the orders to guests: pair_memory.c gives those.
 * Run by make check.
 */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/plan.h"

#define MIB(n) ((uint64_t)(n) * 1024)

static uint64_t target(uint64_t own, uint64_t transit, uint64_t loan, uint64_t had, uint64_t has)
{
    return plan_growth_target(&(struct plan_growth){
        .own_kb = own,
        .transit_kb = transit,
        .most_kb = UINT64_MAX,
        .loan_kb = loan,
        .victim_had_kb = had,
        .victim_has_kb = has,
    });
}

START_TEST(reserve_first)
{
    /* the victim still has all: the loan alone stands behind it */
    ck_assert_uint_eq(target(MIB(160), MIB(864), MIB(128), MIB(1024), MIB(1024)), MIB(288));
    ck_assert_uint_eq(target(MIB(160), MIB(864), 0, MIB(1024), MIB(1024)), MIB(160));
}
END_TEST

START_TEST(then_what_comes_free)
{
    ck_assert_uint_eq(target(MIB(160), MIB(864), MIB(128), MIB(1024), MIB(924)), MIB(388));
    ck_assert_uint_eq(target(MIB(160), MIB(864), MIB(128), MIB(1024), MIB(288)), MIB(1024));
    ck_assert_uint_eq(target(MIB(160), MIB(864), 0, MIB(1024), MIB(160)), MIB(1024));
}
END_TEST

START_TEST(never_more_than_it_is_to_get)
{
    ck_assert_uint_eq(target(MIB(160), MIB(864), MIB(128), MIB(1024), 0), MIB(1024));
    ck_assert_uint_eq(target(MIB(160), MIB(10), MIB(128), MIB(1024), 0), MIB(170));
    ck_assert_uint_eq(target(MIB(160), 0, MIB(128), MIB(1024), 0), MIB(160));
    /* all of an odd amount, though the steps are whole MiB */
    ck_assert_uint_eq(target(MIB(160), MIB(10) + 7, 0, MIB(11), 0), MIB(170) + 7);
}
END_TEST

/* As long as others wait: the jobs' minimum, to the KiB. */
START_TEST(no_more_than_for_now)
{
    struct plan_growth g = { .own_kb = MIB(160), .transit_kb = MIB(864), .most_kb = MIB(64) + 100,
                             .loan_kb = MIB(32), .victim_had_kb = MIB(1024),
                             .victim_has_kb = MIB(1024) };

    ck_assert_uint_eq(plan_growth_target(&g), MIB(192));
    g.victim_has_kb = MIB(1000);
    ck_assert_uint_eq(plan_growth_target(&g), MIB(216));
    g.victim_has_kb = 0;
    ck_assert_uint_eq(plan_growth_target(&g), MIB(224) + 100);
    g.most_kb = MIB(900);
    ck_assert_uint_eq(plan_growth_target(&g), MIB(1024));
}
END_TEST

START_TEST(whole_mib_on_the_way)
{
    ck_assert_uint_eq(target(MIB(160), MIB(864), 0, MIB(1024), MIB(1024) - 1), MIB(160));
    ck_assert_uint_eq(target(MIB(160), MIB(864), 0, MIB(1024), MIB(1023) - 1), MIB(161));
    ck_assert_uint_eq(target(MIB(160), MIB(864), 1023, MIB(1024), MIB(1024) - 1), MIB(161));
}
END_TEST

START_TEST(a_victim_that_grew_frees_nothing)
{
    ck_assert_uint_eq(target(MIB(160), MIB(864), MIB(2), MIB(1024), MIB(1030)), MIB(162));
    ck_assert_uint_eq(target(MIB(160), MIB(864), 0, 0, MIB(1030)), MIB(160));
}
END_TEST

START_TEST(only_grows_while_the_victim_goes)
{
    uint64_t last = 0;

    for (uint64_t has = MIB(1024); has > 0; has -= 64) {
        uint64_t now = target(MIB(160), MIB(864), MIB(128), MIB(1024), has);
        ck_assert_uint_ge(now, last);
        ck_assert_uint_le(now, MIB(160) + MIB(128) + MIB(1024) - has);
        last = now;
    }
    ck_assert_uint_eq(last, MIB(1024));
}
END_TEST

START_TEST(floor_is_kernel_use_and_some_available)
{
    ck_assert_uint_eq(plan_floor_kb(0, 0), PLAN_FLOOR_KB);
    ck_assert_uint_eq(plan_floor_kb(MIB(30), MIB(40)), MIB(70) + PLAN_FLOOR_KB);
}
END_TEST

START_TEST(settled_within_the_tolerance)
{
    uint64_t t = PLAN_TOLERANCE_KB;

    ck_assert(plan_settled(MIB(160), MIB(160)) && plan_settled(0, 0));
    ck_assert(plan_settled(MIB(160) + t, MIB(160)) && plan_settled(MIB(160) - t, MIB(160)));
    ck_assert(!plan_settled(MIB(160) + t + 1, MIB(160)));
    ck_assert(!plan_settled(MIB(160) - t - 1, MIB(160)));
    ck_assert(!plan_settled(0, UINT64_MAX) && !plan_settled(UINT64_MAX, 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plan");
    TCase *c = tcase_create("plan");

    tcase_add_test(c, reserve_first);
    tcase_add_test(c, then_what_comes_free);
    tcase_add_test(c, never_more_than_it_is_to_get);
    tcase_add_test(c, no_more_than_for_now);
    tcase_add_test(c, whole_mib_on_the_way);
    tcase_add_test(c, a_victim_that_grew_frees_nothing);
    tcase_add_test(c, only_grows_while_the_victim_goes);
    tcase_add_test(c, floor_is_kernel_use_and_some_available);
    tcase_add_test(c, settled_within_the_tolerance);
    suite_add_tcase(s, c);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
