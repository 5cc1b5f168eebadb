/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of a job: a plain one on each member, of the same name; one that becomes hot-standby
 * and plain again, at rest and on its way. Over the simulated host.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"

static void has(const char *domain, bool plain, uint64_t mib)
{
    struct agent_job j = { .name = "db", .kb = mib * MIB, .ask_kb = mib * MIB,
                           .wait_s = MSG_WAIT_FOREVER, .plain = plain };

    agent_has(domain, &j);
}

START_TEST(both_members_have_a_plain_job_of_a_name)
{
    uint32_t b = domain_of("shop", 'b');

    has("shop-a", true, 150);
    has("shop-b", true, 200);
    job_asks("shop-a", "db");
    job_asks("shop-b", "db");
    ck_assert(job_until("shop", "db@a", "running", 3 * SECONDS));
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    ck_assert_uint_eq(job_seen("shop-a", "db")->start_kb, 150 * MIB);
    ck_assert_uint_eq(job_seen("shop-b", "db")->start_kb, 200 * MIB);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 350) * MIB);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    daemon_kill();
    daemon_start();
    daemon_run(1 * SECONDS);
    check_calm("shop");

    job_stops("shop-a", "db");
    daemon_run(2 * SECONDS);
    ck_assert(job_seen("shop-b", "db")->runs);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 200) * MIB);
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db@a", "running", 3 * SECONDS));

    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(5 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_str_eq(key(PAIR "/job/db@b/state"), "running");
    ck_assert_uint_eq(job_seen("shop-b", "db")->starts, 1);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 200) * MIB);
    ck_assert_uint_eq(tot_kb(b), (ACTIVE_MIB + 200) * MIB);
    job_asks("shop-a", "db"); /* the new standby's, beside the active's */
    ck_assert(job_until("shop", "db@a", "running", 3 * SECONDS));
    ck_assert(job_seen("shop-b", "db")->runs);
    daemon_run(500);
    check_calm("shop");
}
END_TEST

/* Ended in between, as its kind is changed by a new definition. */
START_TEST(a_job_becomes_hot_standby_and_plain_again)
{
    uint32_t a = domain_of("shop", 'a');

    for (int i = 0; i < 3; i++) {
        bool plain = i % 2 == 0;
        const char *now = plain ? "db@a" : "db";

        has("shop-a", plain, 200);
        has("shop-b", plain, 200);
        job_stops("shop-b", "db");
        job_asks("shop-a", "db");
        ck_assert(job_until("shop", now, "running", 3 * SECONDS));
        ck_assert_str_eq(key(PAIR "/area/job-%s/on_fault", now), plain ? "monitor" : "b");
        ck_assert_uint_eq(area_kb("shop", plain ? "db" : "db@a", "size_kb"), 0);
        ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 200) * MIB);
        daemon_run(500);
        ck_assert_str_eq(key(PAIR "/state"), "protected");
        check_calm("shop");
        job_stops("shop-a", "db");
        daemon_run(2 * SECONDS);
        ck_assert_str_ne(key(PAIR "/job/%s/state", now), "running");
        ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
        ck_assert_uint_eq(tot_kb(a), ACTIVE_MIB * MIB);
    }
    check_rest("shop", 'a');
    check_calm("shop");
}
END_TEST

/* The other member calls its own hot-standby: who looks for the reason finds it all the same. */
START_TEST(the_end_of_a_plain_job_is_not_that_of_a_hot_standby_one)
{
    has("shop-a", true, 96);
    has("shop-b", false, 96);
    job_stops("shop-b", "db");
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db@a", "running", 3 * SECONDS));
    job_ends("shop", "db", false);
    daemon_run(500);
    ck_assert_str_eq(key(PAIR "/job/db@a/state"), "failed");
    ck_assert_uint_eq(area_kb("shop", "db@a", "size_kb"), 0);
}
END_TEST

/* How far the request is when the kind changes. */
enum far { WAITS, GROWS, RUNS };

START_TEST(a_job_changes_its_kind_on_the_way)
{
    enum far far = (enum far)(_i / 2);
    bool plain = _i % 2;
    const char *was = plain ? "db@a" : "db", *now = plain ? "db" : "db@a";

    has("shop-a", plain, far == WAITS ? 600 : 300);
    has("shop-b", plain, 300);
    job_stops("shop-b", "db");
    job_asks("shop-a", "db");
    daemon_run(150);
    ck_assert_uint_eq(queued(), far == WAITS);
    ck_assert_uint_eq(area_kb("shop", was, "size_kb"), far == WAITS ? 0 : 300 * MIB);
    if (far == RUNS) {
        ck_assert(job_until("shop", was, "running", 2 * SECONDS));
        job_stops("shop-a", "db");
        daemon_run(30);
    }
    has("shop-a", !plain, 250);
    has("shop-b", !plain, 250);
    job_stops("shop-b", "db");
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", now, "running", 5 * SECONDS));
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(queued(), 0);
    ck_assert_uint_eq(area_kb("shop", was, "size_kb"), 0);
    ck_assert_uint_eq(area_kb("shop", now, "size_kb"), 250 * MIB);
    ck_assert_uint_eq(job_seen("shop-a", "db")->starts, far == RUNS ? 2 : 1);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 250) * MIB);
    check_calm("shop");
}
END_TEST

/* Its guest calls the running job something else: it is not left running without an area. */
START_TEST(a_running_job_is_called_hot_standby)
{
    uint32_t a = domain_of("shop", 'a');
    char line[128];

    has("shop-a", true, 200);
    has("shop-b", true, 200);
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db@a", "running", 3 * SECONDS));
    snprintf(line, sizeof line, "running hot_standby=yes memory_kb=204800 request=%s",
             key(PAIR "/job/db@a/request"));
    has("shop-a", false, 200);
    ck_assert_int_eq(fake_guest_write(a, "data/xhs/job/db", line), 0);
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(job_runs_in("shop", "db"), 0);
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/db/run", a), "");
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    ck_assert_str_eq(key(PAIR "/job/web/state"), "running");
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db", "running", 3 * SECONDS));
    ck_assert_uint_eq(area_kb("shop", "db", "size_kb"), 200 * MIB);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and the kinds of jobs");
    TCase *c = daemon_case(s, "kinds", begin_asking, daemon_teardown, 30);

    tcase_add_test(c, both_members_have_a_plain_job_of_a_name);
    tcase_add_test(c, a_job_becomes_hot_standby_and_plain_again);
    tcase_add_test(c, the_end_of_a_plain_job_is_not_that_of_a_hot_standby_one);
    tcase_add_loop_test(c, a_job_changes_its_kind_on_the_way, 0, 6);
    tcase_add_test(c, a_running_job_is_called_hot_standby);

    return daemon_run_suite(s);
}
