/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests for memory that is not there yet: who waits for how long, who is served when some comes
 * back, in the order of pool.h; and two pairs that want the same. Over the simulated host. The
 * order itself: test_pool.c.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- for how long ---- */

START_TEST(waits_as_long_as_it_says_and_is_denied_then)
{
    leave_unused(112);
    WANTS("shop-b", "db", 200, .wait_s = 5);
    ck_assert_str_eq(key(SHOP "/job/db@b/state"), "waiting");
    ck_assert_str_eq(queue_line(0), "db of shop-b, priority 0, 200 to 200 MiB, left 4");
    ck_assert_str_eq(queue_line(1), "");
    daemon_run(4800);
    ck_assert_str_eq(key(SHOP "/job/db@b/state"), "waiting");
    ck_assert_str_eq(queue_line(0), "db of shop-b, priority 0, 200 to 200 MiB, left 0");
    daemon_run(300);
    ck_assert_str_eq(key(SHOP "/job/db@b/state"), "failed");
    ck_assert_uint_eq(job_seen("shop-b", "db")->denials, 1);
    ck_assert_uint_eq(job_seen("shop-b", "db")->deny_kb, 112 * MIB);
    ck_assert_str_eq(job_seen("shop-b", "db")->deny_text, "88 MiB short: it waited 5 s for 200 MiB "
                     "more, and 112 are unused");
    ck_assert_str_eq(queue_line(0), "");
    ck_assert_uint_eq(unused_kb(), 112 * MIB);
    check_calm("shop");
}
END_TEST

START_TEST(waits_for_ever)
{
    leave_unused(112);
    WANTS("shop-b", "db", 200, .wait_s = FOR_EVER);
    d.step_ms = 100;
    daemon_run(600 * SECONDS);
    ck_assert_str_eq(queue_line(0), "db of shop-b, priority 0, 200 to 200 MiB, left -1");
    d.step_ms = 5;
    job_back("mail", "mail-a", "hog", "hog@a");
    ck_assert(job_until("shop", "db@b", "running", 1 * SECONDS));
    ck_assert_uint_eq(queued(), 0);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 200) * MIB);
    daemon_run(500);
    check_calm("shop");
    check_calm("mail");
}
END_TEST

START_TEST(is_served_when_another_job_ends)
{
    leave_unused(112);
    WANTS("shop-b", "db", 200, .wait_s = 60);
    daemon_run(2 * SECONDS);
    job_stops("mail-a", "hog");
    daemon_run(100);
    ck_assert_str_eq(key(MAIL "/job/hog@a/state"), "stopped");
    ck_assert_uint_eq(queued(), 1); /* not before mail-a has shrunk */
    ck_assert(back_until("mail", 3 * SECONDS));
    daemon_run(20);
    ck_assert_uint_eq(queued(), 0);
    ck_assert_uint_eq(area_kb("shop", "db@b", "size_kb"), 200 * MIB);
    ck_assert(job_until("shop", "db@b", "running", 1 * SECONDS));
    ck_assert_uint_eq(job_seen("shop-b", "db")->start_kb, 200 * MIB);
    daemon_run(500);
    check_calm("shop");
    check_calm("mail");
}
END_TEST

START_TEST(is_served_when_a_pair_is_destroyed)
{
    leave_unused(112);
    WANTS("shop-b", "db", 700, .wait_s = FOR_EVER);
    json_free(ask_ok(10 * SECONDS, "{\"op\":\"destroy\",\"pair\":\"mail\"}"));
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB + 640 - 700) * MIB);
    daemon_run(500);
    check_calm("shop");
}
END_TEST

START_TEST(is_served_when_the_pool_is_made_larger)
{
    leave_unused(112);
    WANTS("shop-b", "db", 200, .wait_s = FOR_EVER);
    xhs_cfg("pool = 2564\nreserve = 128\n");
    json_free(ask_ok(100, "{\"op\":\"reload\"}"));
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    ck_assert_uint_eq(unused_kb(), 12 * MIB);
}
END_TEST

START_TEST(a_destroyed_pair_waits_for_nothing)
{
    leave_unused(112);
    WANTS("shop-b", "db", 200, .wait_s = FOR_EVER);
    WANTS("mail-b", "db", 300, .wait_s = FOR_EVER);
    ck_assert_uint_eq(queued(), 2);
    json_free(ask_ok(10 * SECONDS, "{\"op\":\"destroy\",\"pair\":\"shop\"}"));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(queued(), 0);
    ck_assert(job_until("mail", "db@b", "running", 3 * SECONDS));
}
END_TEST

START_TEST(has_no_patience_any_more)
{
    leave_unused(112);
    WANTS("shop-b", "db", 200, .wait_s = FOR_EVER);
    daemon_run(1 * SECONDS);
    WANTS("shop-b", "db", 200, .wait_s = 0);
    ck_assert_uint_eq(queued(), 0);
    ck_assert_str_eq(key(SHOP "/job/db@b/state"), "failed");
    ck_assert_uint_eq(job_seen("shop-b", "db")->denials, 1);
}
END_TEST

/* From within the loop, in the very instant in which its agent was told no. */
static void asks_again_at_once(void *arg)
{
    (void)arg;
    if (job_seen("shop-b", "db")->denials == 0)
        fake_post(d.loop, FAKE_MS / 10, asks_again_at_once, NULL);
    else
        job_asks("shop-b", "db");
}

START_TEST(who_asks_again_at_once_is_answered_again)
{
    leave_unused(112);
    fake_post(d.loop, 0, asks_again_at_once, NULL);
    WANTS("shop-b", "db", 200, .wait_s = 0);
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(job_seen("shop-b", "db")->denials, 2);
}
END_TEST

/* All of them in one step of the pair. */
START_TEST(many_wait_and_are_denied_at_once)
{
    uint32_t b = domain_of("shop", 'b');
    char path[64], dir[64];

    leave_unused(0);
    agent_silent("shop-b", true);
    for (int i = 0; i < 15; i++) {
        snprintf(path, sizeof path, "data/xhs/job/j%d", i);
        fake_guest_write(b, path, "waiting hot_standby=no memory_kb=20480 ask_kb=20480 wait_s=2");
    }
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(queued(), 15);
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(queued(), 0);
    snprintf(dir, sizeof dir, "/local/domain/%u/xhs/req", b);
    ck_assert_uint_eq(keys_below(dir), 15);
    check_book();
}
END_TEST

START_TEST(many_wait_and_are_served_at_once)
{
    uint32_t b = domain_of("shop", 'b');
    char path[64];

    leave_unused(0);
    agent_silent("shop-b", true);
    for (int i = 0; i < 15; i++) {
        snprintf(path, sizeof path, "data/xhs/job/j%d", i);
        fake_guest_write(b, path, "waiting hot_standby=no memory_kb=20480 ask_kb=20480 wait_s=60");
    }
    daemon_run(1 * SECONDS);
    job_back("mail", "mail-a", "hog", "hog@a");
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(queued(), 0);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 300) * MIB);
    ck_assert_uint_eq(owned_kb("shop", "b"), (STANDBY_MIB + 300) * MIB);
    check_book();
    agent_silent("shop-b", false);
    fake_guest_crash(b);
    daemon_run(100);
    ck_assert(daemon_until("shop", "protected", 5 * SECONDS));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
}
END_TEST

/* Its job waits for memory; the heir's agent has asked for the same, and stands in its place. */
START_TEST(the_heir_waits_in_its_place)
{
    struct agent_job j = { .name = "db", .kb = 200 * MIB, .ask_kb = 200 * MIB,
                           .wait_s = FOR_EVER };

    leave_unused(112);
    agent_has("shop-a", &j);
    agent_has("shop-b", &j);
    job_asks("shop-a", "db");
    job_asks("shop-b", "db");
    daemon_run(500);
    ck_assert_str_eq(queue_line(0), "db of shop-a, priority 0, 200 to 200 MiB, left -1");
    ck_assert_str_eq(queue_line(1), "");
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(100);
    ck_assert(daemon_until("shop", "protected", 10 * SECONDS));
    ck_assert_str_eq(queue_line(0), "db of shop-b, priority 0, 200 to 200 MiB, left -1");
    job_back("mail", "mail-a", "hog", "hog@a");
    ck_assert(job_until("shop", "db", "running", 2 * SECONDS));
    ck_assert_uint_eq(job_runs_in("shop", "db"), domain_of("shop", 'b'));
    ck_assert_uint_eq(job_starts("shop", "db"), 1);
}
END_TEST

/* ---- in what order ---- */

static const char *running(void)
{
    static char names[64];

    snprintf(names, sizeof names, "%s%s%s", job_seen("shop-b", "x")->runs ? "x" : "",
             job_seen("mail-b", "y")->runs ? "y" : "", job_seen("shop-a", "z")->runs ? "z" : "");
    return names;
}

/* The highest priority, then who came first. */
START_TEST(is_served_in_order)
{
    leave_unused(0);
    WANTS("shop-b", "x", 300, .priority = 1, .wait_s = FOR_EVER);
    WANTS("mail-b", "y", 300, .priority = 5, .wait_s = FOR_EVER);
    WANTS("shop-a", "z", 300, .priority = 1, .wait_s = FOR_EVER);
    ck_assert_str_eq(queue_line(0), "y of mail-b, priority 5, 300 to 300 MiB, left -1");
    ck_assert_str_eq(queue_line(1), "x of shop-b, priority 1, 300 to 300 MiB, left -1");
    ck_assert_str_eq(queue_line(2), "z of shop-a, priority 1, 300 to 300 MiB, left -1");
    job_back("mail", "mail-a", "hog", "hog@a");
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(running(), "y");
    job_back("mail", "mail-b", "y", "y@b");
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(running(), "x");
    job_back("shop", "shop-b", "x", "x@b");
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(running(), "z");
    ck_assert_uint_eq(queued(), 0);
}
END_TEST

START_TEST(a_higher_priority_comes_forward)
{
    leave_unused(0);
    WANTS("shop-b", "x", 300, .priority = 1, .wait_s = FOR_EVER);
    WANTS("mail-b", "y", 300, .priority = 1, .wait_s = FOR_EVER);
    WANTS("shop-a", "z", 300, .priority = 0, .wait_s = FOR_EVER);
    WANTS("shop-a", "z", 300, .priority = 7, .wait_s = FOR_EVER);
    ck_assert_str_eq(queue_line(0), "z of shop-a, priority 7, 300 to 300 MiB, left -1");
    ck_assert_str_eq(queue_line(1), "x of shop-b, priority 1, 300 to 300 MiB, left -1");
    job_back("mail", "mail-a", "hog", "hog@a");
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(running(), "z");
}
END_TEST

START_TEST(who_cannot_be_served_is_passed_over)
{
    leave_unused(200);
    WANTS("shop-b", "x", 300, .priority = 9, .wait_s = FOR_EVER);
    WANTS("mail-b", "y", 150, .priority = 0, .wait_s = FOR_EVER);
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(job_seen("mail-b", "y")->runs ? "y" : "", "y");
    ck_assert_uint_eq(queued(), 1);
    ck_assert_uint_eq(unused_kb(), 50 * MIB);
    job_back("mail", "mail-a", "hog", "hog@a");
    ck_assert(job_until("shop", "x@b", "running", 1 * SECONDS));
}
END_TEST

/* ---- two pairs ---- */

START_TEST(two_pairs_want_the_same_memory)
{
    const uint64_t taken = (UNUSED_MIB - 400) * MIB;
    struct agent_job j = { .name = "db", .kb = 400 * MIB, .ask_kb = 400 * MIB,
                           .wait_s = FOR_EVER, .plain = true };
    uint32_t b = domain_of("shop", 'b');

    agent_has("shop-b", &j);
    j.priority = 1000;
    agent_has("mail-b", &j);
    job_asks("shop-b", "db");
    daemon_run(_i * 2); /* in the same instant, or while the first one's domain grows */
    job_asks("mail-b", "db");
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    for (int i = 0; i < 200; i++) {
        daemon_run(10);
        ck_assert_uint_eq(area_kb("shop", "db@b", "size_kb"), 400 * MIB);
        ck_assert_uint_ge(tot_kb(b) + 4 * MIB, (STANDBY_MIB + 400) * MIB);
        ck_assert_uint_eq(unused_kb(), taken);
        ck_assert_uint_eq(area_kb("mail", "db@b", "size_kb"), 0);
    }
    ck_assert_uint_eq(queued(), 1);
    job_back("shop", "shop-b", "db", "db@b");
    ck_assert(job_until("mail", "db@b", "running", 2 * SECONDS));
    ck_assert_uint_eq(unused_kb(), taken);
    ck_assert_uint_eq(job_starts("shop", "db"), 1);
    ck_assert_uint_eq(job_starts("mail", "db"), 1);
    daemon_run(500);
    check_calm("shop");
    check_calm("mail");
}
END_TEST

/* A pair that has other things to do than to take what its turn gives it. */
static void is_rebooting(void)
{
    fake_speed.boot_ns = 60 * 1000 * FAKE_MS;
    fake_guest_shutdown(domain_of("shop", 'a'), 1);
}

static void is_restarting(void)
{
    fake_speed.boot_ns = 60 * 1000 * FAKE_MS;
    fake_guest_crash(domain_of("shop", 'a'));
    fake_guest_crash(domain_of("shop", 'b'));
}

static void has_failed(void)
{
    fake_guest_refuse_balloon(domain_of("shop", 'b'), true);
    fake_guest_crash(domain_of("shop", 'a'));
    ck_assert(daemon_until("shop", "failed", 20 * SECONDS));
}

static void (*const troubles[])(void) = { is_rebooting, is_restarting, has_failed };

START_TEST(a_pair_in_trouble_keeps_nothing_from_others)
{
    leave_unused(112);
    WANTS(_i % 2 ? "shop-a" : "shop-b", "db", 300, .priority = 5, .wait_s = FOR_EVER);
    WANTS("mail-b", "db", 300, .wait_s = FOR_EVER);
    troubles[_i / 2]();
    daemon_run(1 * SECONDS);
    job_back("mail", "mail-a", "hog", "hog@a");
    ck_assert(job_until("mail", "db@b", "running", 1 * SECONDS));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and requests that wait");
    TCase *c = daemon_case(s, "patience", begin_sharing, daemon_teardown, 20);

    tcase_add_test(c, waits_as_long_as_it_says_and_is_denied_then);
    tcase_add_test(c, waits_for_ever);
    tcase_add_test(c, is_served_when_another_job_ends);
    tcase_add_test(c, is_served_when_a_pair_is_destroyed);
    tcase_add_test(c, is_served_when_the_pool_is_made_larger);
    tcase_add_test(c, a_destroyed_pair_waits_for_nothing);
    tcase_add_test(c, has_no_patience_any_more);
    tcase_add_test(c, who_asks_again_at_once_is_answered_again);
    tcase_add_test(c, many_wait_and_are_denied_at_once);
    tcase_add_test(c, many_wait_and_are_served_at_once);
    tcase_add_test(c, the_heir_waits_in_its_place);

    c = daemon_case(s, "order", begin_sharing, daemon_teardown, 20);
    tcase_add_test(c, is_served_in_order);
    tcase_add_test(c, a_higher_priority_comes_forward);
    tcase_add_test(c, who_cannot_be_served_is_passed_over);

    c = daemon_case(s, "two pairs", begin_sharing, daemon_teardown, 20);
    tcase_add_loop_test(c, two_pairs_want_the_same_memory, 0, 5);
    tcase_add_loop_test(c, a_pair_in_trouble_keeps_nothing_from_others, 0, 6);

    return daemon_run_suite(s);
}
