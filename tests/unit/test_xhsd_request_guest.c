/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of guests that write them in a storm, in bits, out of order, for others, beyond all
 * measure: who else asks is served, and the tables add up. Over the simulated host.
 */
#include "tests/unit/daemon.h"

#include <inttypes.h>
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

static void writes(uint32_t domid, const char *name, const char *value)
{
    char path[128];

    snprintf(path, sizeof path, "data/xhs/%s", name);
    ck_assert_int_eq(fake_guest_write(domid, path, value), 0);
}

/* ---- storms ---- */

static uint32_t stormer;
static unsigned written, storm_size, storm_at_once;
static int64_t storm_every_ns;

/* Requests, and what ends them, of 12 jobs, some of no sense. */
static void storm(void *arg)
{
    static const char *const lines[] = {
        "waiting hot_standby=no memory_kb=4096 ask_kb=4096",
        "waiting hot_standby=no memory_kb=8192 ask_kb=8192 wait_s=1000000000 priority=1000",
        "stopped hot_standby=no memory_kb=4096",
        "waiting hot_standby=yes memory_kb=2048 memory_min_kb=1024 ask_kb=2048",
        "waiting hot_standby=no memory_kb=1099511627776 ask_kb=1099511627776",
        "failed hot_standby=no memory_kb=4096 request=1",
        "waiting hot_standby=yes memory_kb=0",
        "defined hot_standby=yes memory_kb=4096",
        "running hot_standby=no memory_kb=4096 request=77",
        "waiting hot_standby=no memory_kb=1 force=yes",
        "waiting",
    };
    char name[32];

    (void)arg;
    for (unsigned i = 0; i < storm_at_once && written < storm_size; i++, written++) {
        snprintf(name, sizeof name, "job/j%u", written % 12);
        writes(stormer, name, lines[written % (sizeof lines / sizeof lines[0])]);
    }
    if (written < storm_size && domain_lives(stormer))
        fake_post(d.loop, storm_every_ns, storm, NULL);
}

static void begin_storm(uint32_t domid, unsigned n, unsigned at_once, int64_t every_ns)
{
    stormer = domid;
    written = 0;
    storm_size = n;
    storm_at_once = at_once;
    storm_every_ns = every_ns;
    storm(NULL);
}

static void ends_storm(const char *pair)
{
    char name[32];

    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "data/xhs/job/j%d", i);
        fake_guest_remove(stormer, name);
    }
    daemon_run(13 * SECONDS); /* it is heard again, and what it had has been given back */
    ck_assert_uint_eq(owned_kb(pair, "unused"), 0);
    ck_assert_uint_eq(queued(), 0);
}

static const struct {
    unsigned at_once;
    int64_t every_ns;
} paces[] = { { 10, 2 * FAKE_MS }, { 100, 20 * FAKE_MS }, { 10000, FAKE_MS } };
#define PACES ((int)(sizeof paces / sizeof paces[0]))

START_TEST(a_storm_of_requests_delays_nobody_else)
{
    has("shop-b", true, 200);
    begin_storm(domain_of("mail", 'a'), 10000, paces[_i].at_once, paces[_i].every_ns);
    daemon_run(500);
    job_asks("shop-b", "db");
    ck_assert(job_until("shop", "db@b", "running", 1 * SECONDS));
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(written, 10000);
    check_book();
    job_stops("shop-b", "db");
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(area_kb("shop", "db@b", "size_kb"), 0);
    ends_storm("mail");
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    ck_assert_str_eq(key("/tool/xhs/pair/mail/state"), "protected");
    check_rest("shop", 'a');
    check_calm("shop");
    check_calm("mail");
}
END_TEST

START_TEST(a_takeover_is_not_delayed_by_a_storm_of_requests)
{
    int ms = 0;

    begin_storm(domain_of("mail", 'a'), 10000, 10, 2 * FAKE_MS);
    daemon_run(500);
    d.step_ms = 1;
    fake_guest_crash(domain_of("shop", 'a'));
    while (job_runs_in("shop", "web") != domain_of("shop", 'b') && ms++ < 1000)
        daemon_run(1);
    ck_assert_int_le(ms, 130);
}
END_TEST

/* Not so much that it is a storm. What the pair has to look at is looked at all the same. */
static void writes_much(void *arg)
{
    char line[64];

    (void)arg;
    snprintf(line, sizeof line, "total_kb=100000 available_kb=%u", 50000 + written % 7);
    writes(stormer, "agent/memory", line);
    if (written++ < storm_size)
        fake_post(d.loop, 5 * FAKE_MS, writes_much, NULL);
}

static void begin_to_write_much(uint32_t domid)
{
    stormer = domid;
    written = 0;
    storm_size = 180;
    writes_much(NULL);
}

START_TEST(a_guest_that_writes_much_is_started_no_later)
{
    has("shop-b", true, 200);
    job_asks("shop-b", "db");
    begin_to_write_much(domain_of("shop", 'b'));
    ck_assert(job_until("shop", "db@b", "running", 350));
}
END_TEST

START_TEST(an_heir_that_writes_much_takes_over_no_later)
{
    uint32_t b = domain_of("shop", 'b');
    int ms = 0;

    begin_to_write_much(b);
    d.step_ms = 1;
    fake_guest_crash(domain_of("shop", 'a'));
    while (job_runs_in("shop", "web") != b && ms++ < 2000)
        daemon_run(1);
    ck_assert_int_le(ms, 150);
}
END_TEST

/* Too slow to be a storm. It answers nothing: what it is told does not heap up in xenstore. */
START_TEST(denials_that_are_not_answered_do_not_heap_up)
{
    uint32_t b = domain_of("shop", 'b');
    char dir[64];

    agent_silent("shop-b", true);
    begin_storm(b, 1200, 1, 20 * FAKE_MS);
    daemon_run(26 * SECONDS);
    ck_assert_uint_eq(written, 1200);
    snprintf(dir, sizeof dir, "/local/domain/%u/xhs/req", b);
    ck_assert_uint_le(keys_below(dir), 32);
}
END_TEST

/* ---- nonsense ---- */

static const char *const nonsense[] = {
    "waiting hot_standby=no memory_kb=-65536",
    "waiting hot_standby=no memory_kb=65536 ask_kb=-1",
    "waiting hot_standby=no memory_kb=65536 wait_s=-1",
    "waiting hot_standby=no memory_kb=65536 priority=-1",
    "waiting hot_standby=no memory_kb=65536 priority=1001",
    "waiting hot_standby=no memory_kb=65536 ask_kb=65537",
    "waiting hot_standby=no memory_kb=65536 memory_min_kb=65537",
    "waiting hot_standby=no memory_kb=65536 memory_kb=1",
    "waiting hot_standby=no memory_kb=1099511627777",
    "waiting hot_standby=no memory_kb=18446744073709551615",
    "waiting hot_standby=no memory_kb=18446744073709551616",
    "waiting hot_standby=no memory_kb=0x10000",
    "waiting hot_standby=no memory_kb=6.5e4",
    "waiting hot_standby=no memory_kb=",
    "waiting hot_standby=no memory_kb",
    "waiting hot_standby=no memory_kb=65536 wait_s=1000000001",
    "waiting hot_standby=no memory_kb=65536 force=maybe",
    "waiting hot_standby=no memory_kb=65536 ",
    "wait",
    "running hot_standby=no memory_kb=65536 request=4711",
    "starting hot_standby=no memory_kb=65536 request=4711",
    "stopped hot_standby=no memory_kb=65536 request=4711",
    "defined hot_standby=no memory_kb=65536 ask_kb=65536 wait_s=60",
};

/* Of either member, under a name that nothing else has: no memory moves, and nothing starts. */
START_TEST(nonsense_gets_nothing)
{
    uint32_t id = domain_of("shop", _i == 0 ? 'a' : 'b');

    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        writes(id, "job/odd", nonsense[i]);
        daemon_run(30);
        ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
        ck_assert_uint_eq(queued(), 0);
        ck_assert_str_eq(key("/local/domain/%u/xhs/job/odd/run", id), "");
    }
    writes(id, "job/odd@a", "waiting hot_standby=no memory_kb=65536");
    writes(id, "job/odd/x", "waiting hot_standby=no memory_kb=65536");
    daemon_run(500);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    fake_guest_remove(id, "data/xhs/job/odd");
    fake_guest_remove(id, "data/xhs/job/odd@a");
    daemon_run(1 * SECONDS);
    check_rest("shop", 'a');
    check_calm("shop");
}
END_TEST

START_TEST(what_no_host_has_is_denied)
{
    uint32_t id = domain_of("shop", _i == 0 ? 'a' : 'b');
    const char *job = _i == 0 ? "odd@a" : "odd@b";

    writes(id, "job/odd", "waiting hot_standby=no memory_kb=1099511627776 ask_kb=1099511627776 "
           "wait_s=1000000000 priority=1000");
    daemon_run(500);
    ck_assert_str_eq(key(PAIR "/job/%s/state", job), "failed");
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    writes(id, "job/odd", "stopped hot_standby=no memory_kb=1");
    daemon_run(20);
    writes(id, "job/odd", "waiting hot_standby=no memory_kb=1099511627776 memory_min_kb=1 "
           "ask_kb=1099511627776"); /* as much as it may have is enough for that */
    daemon_run(50);
    ck_assert_uint_le(owned_kb("shop", _i == 0 ? "a" : "b"), 1760 * MIB);
    ck_assert_uint_le(max_kb(id), 1760 * MIB + HYP_SLACK_KB);
    fake_guest_remove(id, "data/xhs/job/odd");
    daemon_run(3 * SECONDS);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    check_rest("shop", 'a');
}
END_TEST

/* Each bit of a line is read as a line: the end is what counts. */
START_TEST(a_request_that_is_written_in_bits)
{
    static const char whole[] = "waiting hot_standby=no memory_kb=204800 ask_kb=204800 "
                                "priority=12 wait_s=1000000000";
    uint32_t b = domain_of("shop", 'b');
    char part[sizeof whole];

    has("shop-b", true, 200);
    for (size_t n = 1; n < sizeof whole; n++) {
        snprintf(part, n + 1, "%s", whole);
        writes(b, "job/db", part);
        daemon_run(_i);
    }
    daemon_run(3 * SECONDS);
    check_book();
    job_stops("shop-b", "db");
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    job_asks("shop-b", "db");
    /* a bit each millisecond, and an answer to each refusal, is a storm */
    ck_assert(job_until("shop", "db@b", "running", 12 * SECONDS));
    ck_assert_uint_eq(job_seen("shop-b", "db")->start_kb, 200 * MIB);
    daemon_run(500);
    check_calm("shop");
}
END_TEST

START_TEST(a_request_that_is_repeated_is_one)
{
    uint32_t b = domain_of("shop", 'b');

    has("shop-b", true, 200);
    for (int i = 0; i < 30; i++) { /* its domain grows in 200 ms */
        writes(b, "job/db", "waiting hot_standby=no memory_kb=204800 ask_kb=204800");
        daemon_run(5);
    }
    ck_assert(job_until("shop", "db@b", "running", 1 * SECONDS));
    ck_assert_uint_eq(job_seen("shop-b", "db")->starts, 1);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 200) * MIB);
    daemon_run(500);
    check_calm("shop");
}
END_TEST

/* Before it is asked: a reply to what was never asked, an end before the beginning, all at once. */
START_TEST(what_comes_out_of_order)
{
    uint32_t b = domain_of("shop", 'b');
    char name[32], line[96];

    has("shop-b", true, 200);
    for (uint64_t id = 1; id < 70; id++) {
        snprintf(name, sizeof name, "reply/%" PRIu64, id);
        snprintf(line, sizeof line, "ok %s", agent_boot_id(b));
        writes(b, name, line);
    }
    writes(b, "job/db", "stopped hot_standby=no memory_kb=204800 request=9");
    writes(b, "job/db", "running hot_standby=no memory_kb=204800 request=9");
    daemon_run(100);
    ck_assert_uint_eq(area_kb("shop", "db@b", "size_kb"), 0);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    writes(b, "job/db", "failed hot_standby=no memory_kb=204800 request=9");
    job_asks("shop-b", "db");
    ck_assert(job_until("shop", "db@b", "running", 2 * SECONDS));
    ck_assert_uint_eq(job_seen("shop-b", "db")->starts, 1);
    daemon_run(500);
    check_calm("shop");
}
END_TEST

/* A standby asks for what the pair's job is to have, under its name; another pair's job is not even
 * in reach. */
START_TEST(a_request_for_a_job_of_another_guest)
{
    uint32_t a = domain_of("shop", 'a'), b = domain_of("shop", 'b');

    writes(b, "job/web", "waiting hot_standby=yes memory_kb=409600 ask_kb=409600");
    writes(domain_of("mail", 'b'), "job/web", "waiting hot_standby=yes memory_kb=409600");
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(area_kb("shop", "web", "size_kb"), 128 * MIB);
    ck_assert_uint_eq(area_kb("shop", "web", "granted_kb"), 0);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    ck_assert_uint_eq(job_runs_in("shop", "web"), a);
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", b), "");
    writes(b, "job/web", "stopped hot_standby=yes memory_kb=1 request=1");
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/web/state"), "running");
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    check_rest("shop", 'a');
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and odd requests");
    TCase *c = daemon_case(s, "storm", begin_sharing_less, daemon_teardown, 30);

    tcase_add_loop_test(c, a_storm_of_requests_delays_nobody_else, 0, PACES);
    tcase_add_test(c, a_takeover_is_not_delayed_by_a_storm_of_requests);
    tcase_add_test(c, a_guest_that_writes_much_is_started_no_later);
    tcase_add_test(c, an_heir_that_writes_much_takes_over_no_later);
    tcase_add_test(c, a_request_for_a_job_of_another_guest);

    c = daemon_case(s, "nonsense", begin_asking, daemon_teardown, 30);
    tcase_add_test(c, denials_that_are_not_answered_do_not_heap_up);
    tcase_add_loop_test(c, nonsense_gets_nothing, 0, 2);
    tcase_add_loop_test(c, what_no_host_has_is_denied, 0, 2);
    tcase_add_loop_test(c, a_request_that_is_written_in_bits, 0, 2);
    tcase_add_test(c, a_request_that_is_repeated_is_one);
    tcase_add_test(c, what_comes_out_of_order);

    return daemon_run_suite(s);
}
