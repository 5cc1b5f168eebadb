/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's book: taking and giving, lending and repaying, request ids, a new configuration.
 * Not the claim that holds the reserve in the hypervisor: that is xhsd's.
 * Run by make check.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/pool.h"

#define MIB(n) ((uint64_t)(n) * 1024)

static struct pool p, before;
static struct xhs_error err;

/* The design's example: a pair of 160 + 32, 32 in reserve, 32 unused. */
static void start(void)
{
    p = (struct pool){ .pool_kb = MIB(256), .reserve_kb = MIB(32), .next_request = 7 };
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(pool_take(&p, MIB(192), NULL), 0);
}

static void refused(int rc, const struct pool *was)
{
    ck_assert_int_eq(rc, -1);
    ck_assert_int_eq(err.code, XHS_E_MEMORY);
    ck_assert_uint_gt(strlen(err.text), 0);
    ck_assert_mem_eq(&p, was, sizeof p);
    memset(&err, 0, sizeof err);
}

START_TEST(adds_up)
{
    ck_assert_uint_eq(p.members_kb, MIB(192));
    ck_assert_uint_eq(pool_unused_kb(&p), MIB(32));
    ck_assert_uint_eq(p.members_kb + p.reserve_kb + pool_unused_kb(&p), p.pool_kb);
    p.pool_kb = MIB(100); /* less than what is held: nothing unused, not a huge number */
    ck_assert_uint_eq(pool_unused_kb(&p), 0);
}
END_TEST

START_TEST(takes_what_is_unused)
{
    ck_assert_int_eq(pool_take(&p, 0, &err), 0);
    ck_assert_int_eq(pool_take(&p, MIB(32), &err), 0);
    ck_assert_uint_eq(pool_unused_kb(&p), 0);
    before = p;
    refused(pool_take(&p, 1, &err), &before);
    refused(pool_take(&p, UINT64_MAX, &err), &before);
    pool_give(&p, MIB(224));
    ck_assert_uint_eq(p.members_kb, 0);
    before = p;
    refused(pool_take(&p, MIB(224) + 1, &err), &before); /* never the reserve */
    ck_assert_int_eq(pool_take(&p, MIB(224), &err), 0);
}
END_TEST

START_TEST(says_how_much_is_missing)
{
    ck_assert_int_eq(pool_take(&p, MIB(48), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "needs 48 MiB"));
    ck_assert_ptr_nonnull(strstr(err.text, "32 MiB unused"));
}
END_TEST

START_TEST(gives_no_more_than_it_has)
{
    pool_give(&p, MIB(1000));
    ck_assert_uint_eq(p.members_kb, 0);
    ck_assert_uint_eq(pool_unused_kb(&p), MIB(224));
}
END_TEST

START_TEST(lends_what_the_reserve_has)
{
    ck_assert_uint_eq(pool_lend(&p, MIB(20)), MIB(20));
    ck_assert_uint_eq(pool_lend(&p, MIB(20)), MIB(12));
    ck_assert_uint_eq(pool_lend(&p, MIB(20)), 0);
    ck_assert_uint_eq(p.lent_kb, MIB(32));
    ck_assert_uint_eq(pool_unused_kb(&p), MIB(32)); /* a loan is still of the reserve */
    pool_repay(&p, MIB(20));
    ck_assert_uint_eq(pool_lend(&p, MIB(100)), MIB(20));
    pool_repay(&p, MIB(1000));
    ck_assert_uint_eq(p.lent_kb, 0);
}
END_TEST

START_TEST(lends_nothing_without_a_reserve)
{
    p.reserve_kb = 0;
    ck_assert_uint_eq(pool_lend(&p, MIB(1)), 0);
    p.lent_kb = MIB(5); /* lent by an earlier daemon, under a larger reserve */
    ck_assert_uint_eq(pool_lend(&p, MIB(1)), 0);
    ck_assert_uint_eq(p.lent_kb, MIB(5));
}
END_TEST

START_TEST(numbers_requests)
{
    ck_assert_uint_eq(pool_request(&p), 7);
    ck_assert_uint_eq(pool_request(&p), 8);
    pool_take(&p, MIB(1), NULL);
    ck_assert_uint_eq(pool_request(&p), 9);
    ck_assert_uint_eq(p.next_request, 10);
}
END_TEST

START_TEST(resizes)
{
    ck_assert_int_eq(pool_resize(&p, MIB(512), MIB(64), &err), 0);
    ck_assert_uint_eq(pool_unused_kb(&p), MIB(256));
    ck_assert_int_eq(pool_resize(&p, MIB(192), 0, &err), 0); /* the least that still fits */
    ck_assert_uint_eq(pool_unused_kb(&p), 0);
    ck_assert_uint_eq(p.members_kb, MIB(192));
    ck_assert_uint_eq(p.next_request, 7);
}
END_TEST

START_TEST(resize_refuses)
{
    before = p;
    refused(pool_resize(&p, MIB(192), MIB(1), &err), &before);
    refused(pool_resize(&p, MIB(191), 0, &err), &before);
    pool_lend(&p, MIB(20));
    before = p;
    refused(pool_resize(&p, MIB(256), MIB(19), &err), &before);
    ck_assert_int_eq(pool_resize(&p, MIB(256), MIB(20), &err), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pool");
    TCase *c = tcase_create("pool");

    tcase_add_checked_fixture(c, start, NULL);
    tcase_add_test(c, adds_up);
    tcase_add_test(c, takes_what_is_unused);
    tcase_add_test(c, says_how_much_is_missing);
    tcase_add_test(c, gives_no_more_than_it_has);
    tcase_add_test(c, lends_what_the_reserve_has);
    tcase_add_test(c, lends_nothing_without_a_reserve);
    tcase_add_test(c, numbers_requests);
    tcase_add_test(c, resizes);
    tcase_add_test(c, resize_refuses);
    suite_add_tcase(s, c);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
