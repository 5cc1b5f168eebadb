/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon and guests that write garbage, write in a storm, lie, answer wrongly or not at all:
 * it hurts their own pair at most. Over the simulated host. The parser itself: test_msg.c.
 */
#include "tests/unit/daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"
#define JOB_LINE "waiting hot_standby=yes memory_kb=1024"

static void begin(void)
{
    daemon_setup();
    fake_speed.boot_ns = 400 * FAKE_MS;
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
}

static void begin_with_shop(void)
{
    begin();
    pair_form("shop");
}

static void settle(void)
{
    for (int i = 0; i < 20; i++) {
        ck_assert(daemon_run(200));
        check_book();
    }
}

static void writes(uint32_t domid, const char *name, const char *value)
{
    char path[128];

    snprintf(path, sizeof path, "data/xhs/%s", name);
    ck_assert_int_eq(fake_guest_write(domid, path, value), 0);
}

/* ms from the crash of the pair's active until the job runs on the heir. */
static int takeover_ms(const char *pair, const char *job, char active)
{
    uint32_t heir = domain_of(pair, active == 'a' ? 'b' : 'a');
    int ms = 0;

    d.step_ms = 1;
    fake_guest_crash(domain_of(pair, active));
    while (job_runs_in(pair, job) != heir && ms < 20 * SECONDS) {
        daemon_run(1);
        ms++;
    }
    d.step_ms = 5;
    return ms;
}

/* ---- garbage ---- */

static const char *const garbage[] = {
    "",
    " ",
    "\n",
    "\x01\x02\x7f\xff",
    "%s%n%s%n",
    "running",
    "running hot_standby=yes memory_kb=99999999999999999999 request=1",
    "waiting hot_standby=maybe",
    "waiting  hot_standby=yes",
    "ok",
    "ok ok",
    "failed -",
    "-1",
    "18446744073709551616",
    "total_kb=1",
    "total_kb=-1 available_kb=1",
    "00000000-0000-0000-0000-00000000000",
    "/local/domain/0",
    "../../../../tool/xhs",
};

static const char *const garbage_key[] = {
    "agent/memory", "job/web", "job/..", "job/a b", "job/-", "job/x/y", "job", "reply/1", "reply/x",
    "reply/-1", "reply/18446744073709551616", "reply", "agent", "other", "",
};

/* Each in each key, of both members, and one of 2000 bytes, all told not more than one alert of
 * garbage for each member. */
START_TEST(garbage_changes_nothing)
{
    char longest[2001];

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (char m = 'a'; m <= 'b'; m++) {
        uint32_t id = domain_of("shop", m);
        for (size_t k = 0; k < sizeof garbage_key / sizeof garbage_key[0]; k++) {
            for (size_t g = 0; g < sizeof garbage / sizeof garbage[0]; g++) {
                writes(id, garbage_key[k], garbage[g]);
                daemon_run(20);
            }
            writes(id, garbage_key[k], longest);
            daemon_run(20);
        }
        writes(id, "reply/007", "ok 00000000-0000-0000-0000-000000000000");
    }
    settle();
    ck_assert_uint_eq(d.alerts, 2);
    ck_assert_ptr_nonnull(strstr(d.alert, "shop-b: "));
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_str_eq(key(PAIR "/job/web/state"), "running");
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'a'));
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
    ck_assert_uint_eq(keys_below(PAIR "/job"), 1);
    ck_assert_int_le(takeover_ms("shop", "web", 'a'), 130);
}
END_TEST

START_TEST(an_agent_of_another_version_is_none)
{
    uint32_t b = domain_of("shop", 'b');

    writes(b, "agent/version", "2");
    daemon_run(100);
    ck_assert_uint_eq(d.alerts, 1);
    fake_guest_remove(b, "data/xhs/agent/version");
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_str_eq(key(PAIR "/reason"), "no agent answers on shop-b");
    writes(b, "agent/version", "1\n");
    daemon_run(2 * SECONDS);
    check_rest("shop", 'a');
}
END_TEST

START_TEST(a_guest_may_remove_all_it_said)
{
    uint32_t a = domain_of("shop", 'a');

    fake_guest_remove(a, "data/xhs");
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_uint_eq(job_runs_in("shop", "web"), a);
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", a),
                     key(PAIR "/job/web/request"));
    ck_assert_int_le(takeover_ms("shop", "web", 'a'), 130); /* its heir needs no word of it */
}
END_TEST

START_TEST(tells_of_a_kernel_that_was_replaced)
{
    uint32_t a = domain_of("shop", 'a');

    writes(a, "agent/boot_id", "99999999-0000-4000-8000-000000000001");
    daemon_run(100);
    ck_assert_uint_eq(d.alerts, 1);
    ck_assert_ptr_nonnull(strstr(d.alert, "its kernel was replaced"));
}
END_TEST

/* ---- storms ---- */

static uint32_t stormer;
static unsigned storm_writes;
static int64_t storm_end;

/* 5000 keys a second; in bursts, as the simulated host's memory moves only between them. */
static void storm(void *arg)
{
    char name[32], value[32];

    (void)arg;
    if (evloop_now(d.loop) >= storm_end || !domain_lives(stormer))
        return;
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "data/xhs/job/j%u", storm_writes % 40);
        snprintf(value, sizeof value, "junk %u", storm_writes++);
        fake_guest_write(stormer, name, value);
    }
    fake_post(d.loop, 2 * FAKE_MS, storm, NULL);
}

static void begin_storm(uint32_t domid, int ms)
{
    stormer = domid;
    storm_end = evloop_now(d.loop) + ms * FAKE_MS;
    storm(NULL);
}

static void begin_with_two(void)
{
    begin_with_shop();
    agent_defines("mail-a", "imap", 96 * MIB, 96 * MIB);
    agent_defines("mail-b", "imap", 96 * MIB, 96 * MIB);
    pair_create(pair_file("mail", "memory = 512\nstandby_memory = 128\nmax_memory = 1024"));
    daemon_run(500);
}

START_TEST(a_storm_delays_no_other_pair)
{
    int calm_ms = takeover_ms("shop", "web", 'a');
    unsigned reads;

    settle();
    begin_storm(domain_of("mail", 'a'), 4 * SECONDS);
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(d.alerts, 2); /* garbage, and storm */
    ck_assert_ptr_nonnull(strstr(d.alert, "mail-a writes its keys in a storm"));
    reads = fake_calls(FAKE_STORE_READ);
    ck_assert_int_le(takeover_ms("shop", "web", 'b'), calm_ms + 1);
    daemon_run(2 * SECONDS);
    ck_assert_uint_lt(fake_calls(FAKE_STORE_READ) - reads, 400);
    ck_assert_uint_eq(storm_writes > 10000, 1);
    settle();
    ck_assert_uint_eq(d.alerts, 2);
    ck_assert_uint_eq(job_runs_in("mail", "imap"), domain_of("mail", 'a'));
    ck_assert_str_eq(key("/tool/xhs/pair/mail/state"), "protected");
}
END_TEST

START_TEST(a_guest_is_heard_again_after_its_storm)
{
    uint32_t b = domain_of("shop", 'b');

    begin_storm(b, 2 * SECONDS);
    daemon_run(13 * SECONDS);
    fake_guest_remove(b, "data/xhs/agent/version");
    daemon_run(10);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    writes(b, "agent/version", "1");
    daemon_run(10);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
}
END_TEST

START_TEST(a_storming_guest_is_still_read_once_a_second)
{
    uint32_t b = domain_of("shop", 'b');

    begin_storm(b, 20 * SECONDS);
    daemon_run(3 * SECONDS);
    fake_guest_remove(b, "data/xhs/agent/version");
    daemon_run(1100);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    daemon_run(9 * SECONDS);
    ck_assert_uint_le(d.alerts, 3); /* garbage, and a storm each 10 s */
}
END_TEST

START_TEST(a_storming_active_is_taken_over_from)
{
    begin_storm(domain_of("shop", 'a'), 2 * SECONDS);
    daemon_run(1 * SECONDS);
    ck_assert_int_le(takeover_ms("shop", "web", 'a'), 130);
}
END_TEST

START_TEST(a_storming_heir_delays_its_own_takeover)
{
    begin_storm(domain_of("shop", 'b'), 20 * SECONDS);
    daemon_run(1 * SECONDS);
    ck_assert_int_le(takeover_ms("shop", "web", 'a'), 3 * SECONDS);
}
END_TEST

/* ---- junk ---- */

START_TEST(a_pair_has_so_many_jobs_and_no_more)
{
    uint32_t a = domain_of("shop", 'a');
    char name[32];

    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "job/junk%d", i);
        writes(a, name, "defined hot_standby=yes memory_kb=1024");
    }
    settle();
    ck_assert_uint_le(keys_below(PAIR "/job"), 16);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    daemon_kill();
    daemon_start();
    settle();
    ck_assert_uint_eq(keys_below(PAIR "/job"), 16);
    ck_assert_uint_eq(job_runs_in("shop", "web"), a);
    ck_assert_int_le(takeover_ms("shop", "web", 'a'), 130);
    settle();
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

/* It has asked for 15 more jobs than anybody installed, and can start none of them. */
START_TEST(jobs_that_cannot_start_do_not_stop_others)
{
    uint32_t a = domain_of("shop", 'a');
    char name[32];

    for (int i = 0; i < 15; i++) {
        snprintf(name, sizeof name, "job/junk%d", i);
        writes(a, name, JOB_LINE);
    }
    daemon_run(2 * SECONDS);
    check_book();
    ck_assert_str_eq(key(PAIR "/job/junk3/state"), "failed");
    ck_assert_str_eq(key(PAIR "/area/job-junk3/size_kb"), "");
    ck_assert_str_eq(key(PAIR "/job/web/state"), "running");
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_int_le(takeover_ms("shop", "web", 'a'), 130);
}
END_TEST

START_TEST(a_job_that_wants_too_much_is_refused)
{
    uint32_t a = domain_of("shop", 'a');

    writes(a, "job/huge", "waiting hot_standby=yes memory_kb=1099511627776");
    daemon_run(1 * SECONDS);
    check_book();
    ck_assert_str_eq(key(PAIR "/job/huge/state"), "failed");
    ck_assert_uint_eq(key_u64(PAIR "/job/huge/request"), 0);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_int_le(takeover_ms("shop", "web", 'a'), 130);
}
END_TEST

/* ---- lies ---- */

START_TEST(a_standby_that_says_it_runs_the_job_is_not_believed)
{
    uint32_t b = domain_of("shop", 'b');
    char line[128];

    snprintf(line, sizeof line, "running hot_standby=yes memory_kb=131072 request=%s",
             key(PAIR "/job/web/request"));
    writes(b, "job/web", line);
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(d.alerts, 1);
    ck_assert_ptr_nonnull(strstr(d.alert, "shop-b says that job web runs there, without"));
    ck_assert_str_eq(key(PAIR "/job/web/owner"), "a");
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", domain_of("shop", 'a')),
                     key(PAIR "/job/web/request"));
    writes(b, "job/web", "defined hot_standby=yes memory_kb=131072 memory_min_kb=65536");
    daemon_run(1 * SECONDS);
    check_rest("shop", 'a');
}
END_TEST

START_TEST(replies_with_wrong_ids_are_thrown_away)
{
    uint32_t b = domain_of("shop", 'b');
    char name[64], line[96];

    agent_silent("shop-b", true);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(500);
    ck_assert_str_eq(key(PAIR "/state"), "starting");

    /* the one request that stands */
    unsigned long start = 0;
    for (unsigned long id = 1; id < 100 && !start; id++)
        start = key("/local/domain/%u/xhs/req/%lu", b, id)[0] ? id : 0;
    ck_assert_uint_ne(start, 0);
    for (unsigned long id = 0; id < 100; id++) {
        snprintf(name, sizeof name, "reply/%lu", id);
        snprintf(line, sizeof line, "ok %s", id == start ? agent_boot_id(domain_of("shop", 'a'))
                                                           : agent_boot_id(b));
        writes(b, name, line);
    }
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "starting");
    ck_assert_str_eq(key("/local/domain/%u/data/xhs/reply/%lu", b, start + 1), "");
    ck_assert_str_ne(key("/local/domain/%u/xhs/req/%lu", b, start), "");

    snprintf(name, sizeof name, "reply/%lu", start);
    snprintf(line, sizeof line, "ok %s", agent_boot_id(b));
    writes(b, name, line);
    agent_silent("shop-b", false);
    settle();
    check_rest("shop", 'b');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

START_TEST(a_victims_last_words_come_too_late)
{
    uint32_t a = domain_of("shop", 'a');
    char line[128];

    snprintf(line, sizeof line, "stopped hot_standby=yes memory_kb=131072 request=%s",
             key(PAIR "/job/web/request"));
    fake_guest_crash(a);
    daemon_run(80);
    writes(a, "job/web", line); /* as if it had been on its way */
    settle();
    check_rest("shop", 'b');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

/* ---- no or bad answers ---- */

START_TEST(says_that_the_heirs_agent_does_not_answer)
{
    agent_silent("shop-b", true);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(40 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/web/state"), "failed");
    ck_assert_uint_eq(job_runs_in("shop", "web"), 0);
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", domain_of("shop", 'b')), "");
}
END_TEST

START_TEST(says_that_the_heirs_balloon_does_not_grow)
{
    fake_guest_refuse_balloon(domain_of("shop", 'b'), true);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(12 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "failed");
    ck_assert_ptr_nonnull(strstr(key(PAIR "/reason"), "64 MiB short"));
    fake_guest_refuse_balloon(domain_of("shop", 'b'), false);
    json_free(ask_ok(10 * SECONDS, "{\"op\":\"recover\",\"pair\":\"shop\"}"));
    settle();
    check_rest("shop", 'b');
}
END_TEST

START_TEST(a_job_that_the_heir_refuses_has_failed)
{
    agent_refuses("shop-b", "no address");
    fake_guest_crash(domain_of("shop", 'a'));
    settle();
    ck_assert_str_eq(key(PAIR "/job/web/state"), "failed");
    ck_assert_str_eq(key(PAIR "/job/web/owner"), "b");
    ck_assert_str_eq(key(PAIR "/area/job-web/size_kb"), "");
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", domain_of("shop", 'b')), "");
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
}
END_TEST

START_TEST(a_job_that_only_one_member_has_is_not_protected)
{
    agent_defines("shop-a", "web", 128 * MIB, 64 * MIB);
    pair_create(pair_file("shop", NULL));
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_str_eq(key(PAIR "/reason"), "shop-b has no definition of job web");
    fake_guest_crash(domain_of("shop", 'a'));
    settle();
    ck_assert_str_eq(key(PAIR "/job/web/state"), "failed");
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
}
END_TEST

START_TEST(a_standby_that_keeps_more_than_it_owns_is_reported)
{
    d.extra_kb = 96 * MIB;
    pair_create(pair_file("shop", "memory = 1024\nstandby_memory = 160\nmax_memory = 2816"));
    fake_guest_crash(domain_of("shop", 'b'));
    daemon_run(500); /* built, not booted */
    fake_guest_refuse_balloon(domain_of("shop", 'b'), true);
    d.step_ms = 50;
    daemon_run(200 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_str_eq(key(PAIR "/reason"), "shop-b has 256 MiB, it should have 160");
    fake_guest_refuse_balloon(domain_of("shop", 'b'), false);
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and its guests");
    TCase *c = daemon_case(s, "garbage", begin_with_shop, daemon_teardown, 20);

    tcase_add_test(c, garbage_changes_nothing);
    tcase_add_test(c, an_agent_of_another_version_is_none);
    tcase_add_test(c, a_guest_may_remove_all_it_said);
    tcase_add_test(c, tells_of_a_kernel_that_was_replaced);

    c = daemon_case(s, "storm", begin_with_shop, daemon_teardown, 20);
    tcase_add_test(c, a_guest_is_heard_again_after_its_storm);
    tcase_add_test(c, a_storming_guest_is_still_read_once_a_second);
    tcase_add_test(c, a_storming_active_is_taken_over_from);
    tcase_add_test(c, a_storming_heir_delays_its_own_takeover);

    c = daemon_case(s, "two pairs", begin_with_two, daemon_teardown, 20);
    tcase_add_test(c, a_storm_delays_no_other_pair);

    c = daemon_case(s, "junk and lies", begin_with_shop, daemon_teardown, 20);
    tcase_add_test(c, a_pair_has_so_many_jobs_and_no_more);
    tcase_add_test(c, jobs_that_cannot_start_do_not_stop_others);
    tcase_add_test(c, a_job_that_wants_too_much_is_refused);
    tcase_add_test(c, a_standby_that_says_it_runs_the_job_is_not_believed);
    tcase_add_test(c, replies_with_wrong_ids_are_thrown_away);
    tcase_add_test(c, a_victims_last_words_come_too_late);

    c = daemon_case(s, "no answer", begin_with_shop, daemon_teardown, 20);
    tcase_add_test(c, says_that_the_heirs_agent_does_not_answer);
    tcase_add_test(c, says_that_the_heirs_balloon_does_not_grow);
    tcase_add_test(c, a_job_that_the_heir_refuses_has_failed);

    c = daemon_case(s, "no pair yet", begin, daemon_teardown, 20);
    tcase_add_test(c, a_job_that_only_one_member_has_is_not_protected);
    tcase_add_test(c, a_standby_that_keeps_more_than_it_owns_is_reported);

    return daemon_run_suite(s);
}
