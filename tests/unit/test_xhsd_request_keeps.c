/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that do not give back what they gave up: it is not unused before they have shrunk, and
 * they are told of. Over the simulated host.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* shop-b had 400 MiB for a job that is over, and keeps them. */
static uint32_t refuser(void)
{
    uint32_t b = domain_of("shop", 'b');

    WANTS("shop-b", "db", 400);
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    daemon_run(500);
    fake_guest_refuse_balloon(b, true);
    job_stops("shop-b", "db");
    ck_assert(job_until("shop", "db@b", "stopped", 1 * SECONDS));
    ck_assert_uint_eq(key_u64(SHOP "/area/back-b/size_kb"), 400 * MIB);
    return b;
}

START_TEST(what_a_guest_keeps_is_not_unused)
{
    uint32_t b = refuser();

    daemon_run(9 * SECONDS);
    ck_assert_uint_eq(d.alerts, 0);
    daemon_run(3 * SECONDS);
    ck_assert_uint_ge(d.alerts, 1);
    ck_assert_ptr_nonnull(strstr(d.alert, "shop-b"));
    ck_assert_uint_eq(tot_kb(b), (STANDBY_MIB + 400) * MIB);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 400) * MIB);
    ck_assert_ptr_nonnull(strstr(difference(0), "shop-b has 560 MiB, the table says 160"));
    ck_assert_str_eq(key(SHOP "/state"), "protected");
    unsigned alerts = d.alerts;
    d.step_ms = 50;
    daemon_run(60 * SECONDS);
    d.step_ms = 5;
    ck_assert_uint_eq(d.alerts, alerts); /* said once */
    ck_assert_uint_le(max_kb(b), STANDBY_MIB * MIB + HYP_SLACK_KB); /* and it gets no page more */

    WANTS("mail-b", "y", 100); /* goes around it */
    ck_assert(job_until("mail", "y@b", "running", 2 * SECONDS));
    WANTS("mail-a", "z", 300, .wait_s = FOR_EVER);
    daemon_run(5 * SECONDS);
    ck_assert_uint_eq(queued(), 1);
    ck_assert_uint_eq(unused_kb(), 12 * MIB);

    fake_guest_refuse_balloon(b, false);
    ck_assert(back_until("shop", 3 * SECONDS));
    ck_assert(job_until("mail", "z@a", "running", 2 * SECONDS));
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 400) * MIB);
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(tot_kb(b), STANDBY_MIB * MIB);
    ck_assert_str_eq(difference(0), "");
    check_calm("shop");
    check_calm("mail");
}
END_TEST

START_TEST(what_a_guest_keeps_is_back_when_it_dies)
{
    uint32_t b = refuser();

    daemon_run(12 * SECONDS);
    fake_guest_crash(b);
    daemon_run(100);
    ck_assert(daemon_until("shop", "protected", 5 * SECONDS));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    check_calm("shop");
}
END_TEST

START_TEST(what_a_guest_keeps_is_still_not_unused_for_the_next_daemon)
{
    uint32_t b = refuser();

    daemon_run(12 * SECONDS);
    daemon_kill();
    daemon_start();
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 400) * MIB);
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 400) * MIB);
    ck_assert_str_eq(key(SHOP "/state"), "protected");
    fake_guest_refuse_balloon(b, false);
    ck_assert(back_until("shop", 3 * SECONDS));
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
}
END_TEST

/* Its own next job gets it: the pages are there already. */
START_TEST(what_a_guest_keeps_serves_its_next_job)
{
    uint32_t b = refuser();

    daemon_run(12 * SECONDS);
    WANTS("shop-b", "x", 100);
    ck_assert(job_until("shop", "x@b", "running", 1 * SECONDS));
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 500) * MIB);
    ck_assert_uint_eq(tot_kb(b), (STANDBY_MIB + 400) * MIB);
    fake_guest_refuse_balloon(b, false);
    ck_assert(back_until("shop", 3 * SECONDS));
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 100) * MIB);
    daemon_run(500);
    ck_assert_uint_eq(tot_kb(b), (STANDBY_MIB + 100) * MIB);
    check_calm("shop");
}
END_TEST

/* It has the memory that it takes over with; what it kept is counted once. */
START_TEST(a_guest_that_keeps_memory_takes_over)
{
    uint32_t b = refuser();

    daemon_run(12 * SECONDS);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(500);
    ck_assert_uint_eq(job_runs_in("shop", "web"), b);
    fake_guest_refuse_balloon(b, false);
    ck_assert(daemon_until("shop", "protected", 20 * SECONDS));
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    check_calm("shop");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and guests that keep memory");
    TCase *c = daemon_case(s, "refusers", begin_sharing, daemon_teardown, 20);

    tcase_add_test(c, what_a_guest_keeps_is_not_unused);
    tcase_add_test(c, what_a_guest_keeps_is_back_when_it_dies);
    tcase_add_test(c, what_a_guest_keeps_is_still_not_unused_for_the_next_daemon);
    tcase_add_test(c, what_a_guest_keeps_serves_its_next_job);
    tcase_add_test(c, a_guest_that_keeps_memory_takes_over);

    return daemon_run_suite(s);
}
