/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs that can do with less than they would like: everybody's minimum comes before anybody's more,
 * and a job starts with its minimum. Over the simulated host.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(what_is_there_is_enough)
{
    leave_unused(112);
    WANTS("shop-b", "db", 200, .min_mib = 50);
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(area_kb("shop", "db@b", "size_kb"), 112 * MIB);
    ck_assert_uint_eq(key_u64(SHOP "/job/db@b/min_kb"), 50 * MIB);
    ck_assert_uint_eq(job_seen("shop-b", "db")->start_kb, 112 * MIB);
    ck_assert_uint_eq(unused_kb(), 0);
    check_calm("shop");
    job_back("mail", "mail-a", "hog", "hog@a");
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(area_kb("shop", "db@b", "size_kb"), 112 * MIB); /* as it was started with */
    daemon_kill();
    daemon_start();
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(area_kb("shop", "db@b", "size_kb"), 112 * MIB);
    ck_assert_uint_eq(job_seen("shop-b", "db")->starts, 1);
    check_calm("shop");
}
END_TEST

START_TEST(less_than_the_minimum_is_denied)
{
    leave_unused(112);
    WANTS("shop-b", "db", 200, .min_mib = 150);
    daemon_run(100);
    ck_assert_str_eq(job_seen("shop-b", "db")->deny_text, "38 MiB short: it asks for 150 MiB more, "
                     "and 112 are unused; --wait SECONDS waits");
    ck_assert_uint_eq(job_seen("shop-b", "db")->deny_kb, 112 * MIB);
}
END_TEST

/* Each of them before anybody's more, whichever pair is looked at first. */
START_TEST(everybodys_minimum_comes_first)
{
    static const struct wish x = { "shop-b", "x", 400, 100, 0, FOR_EVER };
    static const struct wish y = { "mail-b", "y", 400, 100, 0, FOR_EVER };

    leave_unused(0);
    wants(_i == 0 ? &x : &y);
    wants(_i == 0 ? &y : &x);
    job_back("mail", "mail-a", "hog", "hog@a");
    ck_assert(job_until("shop", "x@b", "running", 2 * SECONDS));
    ck_assert(job_until("mail", "y@b", "running", 2 * SECONDS));
    ck_assert_uint_eq(job_seen("shop-b", "x")->start_kb, (_i == 0 ? 400 : 112) * MIB);
    ck_assert_uint_eq(job_seen("mail-b", "y")->start_kb, (_i == 0 ? 112 : 400) * MIB);
    ck_assert_uint_eq(unused_kb(), 0);
    daemon_run(1 * SECONDS);
    check_calm("shop");
    check_calm("mail");
}
END_TEST

START_TEST(a_job_starts_when_its_minimum_is_there)
{
    uint32_t b = domain_of("shop", 'b');

    fake_guest_balloon_rate(b, 100);
    WANTS("shop-b", "db", 400, .min_mib = 100);
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    ck_assert_uint_ge(tot_kb(b) + 4 * MIB, (STANDBY_MIB + 100) * MIB);
    ck_assert_uint_lt(tot_kb(b), (STANDBY_MIB + 200) * MIB);
    ck_assert_uint_eq(job_seen("shop-b", "db")->start_kb, 400 * MIB);
    daemon_run(5 * SECONDS);
    ck_assert_uint_ge(tot_kb(b) + 4, (STANDBY_MIB + 400) * MIB); /* a page less woke its balloon */
    check_calm("shop");
}
END_TEST

/* What is still to come is a job's that does not need it to be taken over. */
START_TEST(a_pair_stays_protected_while_the_rest_of_a_job_comes)
{
    const char *domain = _i == 0 ? "shop-a" : "shop-b", *job = _i == 0 ? "db@a" : "db@b";

    fake_guest_balloon_rate(domain_of("shop", domain[5]), 100);
    WANTS(domain, "db", 400, .min_mib = 100);
    ck_assert(job_until("shop", job, "running", 3 * SECONDS));
    for (int i = 0; i < 40; i++) {
        daemon_run(100);
        ck_assert_str_eq(key(SHOP "/state"), "protected");
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and requests with a minimum");
    TCase *c = daemon_case(s, "minimum", begin_sharing, daemon_teardown, 20);

    tcase_add_test(c, what_is_there_is_enough);
    tcase_add_test(c, less_than_the_minimum_is_denied);
    tcase_add_loop_test(c, everybodys_minimum_comes_first, 0, 2);
    tcase_add_test(c, a_job_starts_when_its_minimum_is_there);
    tcase_add_loop_test(c, a_pair_stays_protected_while_the_rest_of_a_job_comes, 0, 2);

    return daemon_run_suite(s);
}
