/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's request for memory, from its line to the area and back: told or asked for, grown into,
 * started, released; and what ends it before that. Over the simulated host. Refusals, the queue and
 * the rest of it: test_xhsd_request_*.c.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"

static void has(const char *domain, bool plain, uint64_t mib, uint64_t ask_mib)
{
    struct agent_job j = { .name = "db", .kb = mib * MIB, .ask_kb = ask_mib * MIB,
                           .wait_s = MSG_WAIT_FOREVER, .plain = plain };

    agent_has(domain, &j);
}

/* Both members have it: a hot-standby job is protected, a plain one is each member's own. */
static void both_have(bool plain, uint64_t mib, uint64_t ask_mib)
{
    has("shop-a", plain, mib, ask_mib);
    has("shop-b", plain, mib, ask_mib);
    if (!plain) { /* what the standby knows of it */
        job_asks("shop-b", "db");
        job_stops("shop-b", "db");
    }
}

static void check_row(const char *job, uint64_t mib, uint64_t granted_mib, const char *owner,
                      const char *on_fault)
{
    ck_assert_uint_eq(area_kb("shop", job, "size_kb"), mib * MIB);
    ck_assert_uint_ge(area_kb("shop", job, "have_kb") + 4 * MIB, mib * MIB); /* as it was stored */
    ck_assert_uint_eq(area_kb("shop", job, "granted_kb"), granted_mib * MIB);
    ck_assert_str_eq(key(PAIR "/area/job-%s/owner", job), owner);
    ck_assert_str_eq(key(PAIR "/area/job-%s/on_fault", job), on_fault);
}

static uint64_t surplus_mib(void)
{
    return key_u64(PAIR "/area/surplus/size_kb") / MIB;
}

/* ---- enough: the guest tells ---- */

START_TEST(what_the_os_can_spare_is_its_area_at_once)
{
    uint32_t a = domain_of("shop", 'a');
    uint64_t tot = tot_kb(a), surplus = surplus_mib();

    both_have(_i == 0, 96, 0);
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", _i == 0 ? "db@a" : "db", "running", 1 * SECONDS));
    daemon_run(500);
    check_row(_i == 0 ? "db@a" : "db", 96, 0, "a", _i == 0 ? "monitor" : "b");
    ck_assert_uint_eq(surplus_mib(), surplus - 96);
    ck_assert_uint_eq(job_seen("shop-a", "db")->start_kb, 96 * MIB);
    ck_assert_uint_eq(tot_kb(a), tot);
    ck_assert_uint_eq(max_kb(a), tot + HYP_SLACK_KB);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    check_rest("shop", 'a');

    job_stops("shop-a", "db");
    ck_assert(job_until("shop", _i == 0 ? "db@a" : "db", "stopped", 1 * SECONDS));
    ck_assert_uint_eq(area_kb("shop", _i == 0 ? "db@a" : "db", "size_kb"), 0);
    ck_assert_uint_eq(surplus_mib(), surplus);
    ck_assert_uint_eq(owned_kb("shop", "unused"), 0);
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(tot_kb(a), tot);
    check_rest("shop", 'a');
    check_calm("shop");
}
END_TEST

/* Its word is held against the table: a standby owns nothing that it could spare. */
START_TEST(who_tells_of_memory_that_it_does_not_own_gets_it_granted)
{
    uint32_t b = domain_of("shop", 'b');

    has("shop-b", true, 96, 0);
    job_asks("shop-b", "db");
    ck_assert(job_until("shop", "db@b", "running", 2 * SECONDS));
    check_row("db@b", 96, 96, "b", "monitor");
    daemon_run(500);
    ck_assert_uint_eq(tot_kb(b), (STANDBY_MIB + 96) * MIB);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 96) * MIB);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    check_calm("shop");
}
END_TEST

START_TEST(its_guest_is_told_what_its_os_could_spare)
{
    uint32_t a = domain_of("shop", 'a'), b = domain_of("shop", 'b');
    uint64_t spare = surplus_mib() * MIB;

    ck_assert_uint_eq(key_u64("/local/domain/%u/xhs/spare_kb", a), spare);
    ck_assert_uint_eq(key_u64("/local/domain/%u/xhs/spare_kb", b), 0);
    has("shop-a", true, 96, 0);
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db@a", "running", 1 * SECONDS));
    ck_assert_uint_eq(key_u64("/local/domain/%u/xhs/spare_kb", a), spare - 96 * MIB);
    job_stops("shop-a", "db");
    ck_assert(job_until("shop", "db@a", "stopped", 1 * SECONDS));
    ck_assert_uint_eq(key_u64("/local/domain/%u/xhs/spare_kb", a), spare);
}
END_TEST

/* ---- short: it asks ---- */

static const struct {
    const char *domain, *key;
    char member;
    bool plain;
    uint64_t mib, ask_mib;
} asks[] = {
    { "shop-a", "db@a", 'a', true, 256, 256 }, { "shop-b", "db@b", 'b', true, 256, 256 },
    { "shop-a", "db", 'a', false, 256, 256 },  { "shop-a", "db@a", 'a', true, 256, 100 },
    { "shop-a", "db", 'a', false, 256, 20 },    { "shop-a", "db@a", 'a', true, 512, 512 },
};
#define ASKS ((int)(sizeof asks / sizeof asks[0]))

START_TEST(what_it_asks_for_is_granted_grown_into_started_and_given_back)
{
    uint64_t mib = asks[_i].mib, ask_mib = asks[_i].ask_mib, had, grown;
    uint32_t id = domain_of("shop", asks[_i].member);
    const char *job = asks[_i].key;

    both_have(asks[_i].plain, mib, ask_mib);
    daemon_run(100);
    had = tot_kb(id);
    grown = had + ask_mib * MIB;
    d.step_ms = 1;
    job_asks(asks[_i].domain, "db");
    while (key("/local/domain/%u/xhs/job/db/run", id)[0] == '\0') {
        ck_assert_str_ne(key(PAIR "/job/%s/state", job), "starting");
        daemon_run(1);
    }
    ck_assert_uint_ge(tot_kb(id) + 4 * MIB, grown); /* grown before the start is written */
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - ask_mib) * MIB);
    ck_assert(job_until("shop", job, "running", 1 * SECONDS));
    d.step_ms = 5;
    daemon_run(500);
    check_row(job, mib, ask_mib, asks[_i].member == 'a' ? "a" : "b",
              asks[_i].plain ? "monitor" : "b");
    ck_assert_uint_eq(job_seen(asks[_i].domain, "db")->start_kb, mib * MIB);
    ck_assert_uint_eq(job_seen(asks[_i].domain, "db")->starts, 1);
    ck_assert_uint_eq(tot_kb(id), grown);
    ck_assert_uint_eq(max_kb(id), grown + HYP_SLACK_KB);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    check_calm("shop");

    d.step_ms = 1;
    job_stops(asks[_i].domain, "db");
    ck_assert(job_until("shop", job, "stopped", 1 * SECONDS));
    ck_assert_uint_eq(owned_kb("shop", "unused"), ask_mib * MIB);
    ck_assert_str_eq(key(PAIR "/area/back-%c/owner", asks[_i].member), "unused");
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - ask_mib) * MIB);
    while (tot_kb(id) > had + 4 * MIB) { /* not before it has shrunk */
        ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - ask_mib) * MIB);
        daemon_run(1);
    }
    ck_assert(back_until("shop", 200));
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    daemon_run(500);
    ck_assert_uint_eq(tot_kb(id), had);
    check_rest("shop", 'a');
    check_calm("shop");
}
END_TEST

static void (*const deaths[])(uint32_t id) = { fake_guest_crash, fake_xl_destroy,
                                               fake_raw_destroy };

START_TEST(goes_to_the_heir_with_what_was_granted_and_comes_back_from_there)
{
    both_have(false, 256, 256);
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db", "running", 2 * SECONDS));
    deaths[_i](domain_of("shop", 'a'));
    daemon_run(5 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    check_row("db", 256, 256, "b", "a");
    ck_assert_uint_eq(job_seen("shop-b", "db")->start_kb, 256 * MIB);
    ck_assert_uint_eq(job_starts("shop", "db"), 2);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), (ACTIVE_MIB + 256) * MIB);
    check_calm("shop");
    job_stops("shop-b", "db");
    ck_assert(job_until("shop", "db", "stopped", 1 * SECONDS));
    ck_assert_uint_eq(key_u64(PAIR "/area/back-b/size_kb"), 256 * MIB);
    ck_assert(back_until("shop", 2 * SECONDS));
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    daemon_run(500);
    check_rest("shop", 'b');
}
END_TEST

/* Its domain is gone: what it had been granted is back, and it does not start anywhere else. */
START_TEST(a_plain_job_of_a_fallen_os_is_over_and_its_area_back)
{
    char member = _i == 0 ? 'a' : 'b', domain[] = "shop-?", job[] = "db@?";

    domain[5] = job[3] = member;
    both_have(true, 256, 200);
    job_asks(domain, "db");
    ck_assert(job_until("shop", job, "running", 2 * SECONDS));
    fake_guest_crash(domain_of("shop", member));
    daemon_run(5 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(area_kb("shop", job, "size_kb"), 0);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    ck_assert_uint_eq(job_starts("shop", "db"), 1);
    check_rest("shop", _i == 0 ? 'b' : 'a');
    check_calm("shop");
}
END_TEST

/* It began with its minimum, which its OS had. What has come since is not unused before it is given
 * back. */
START_TEST(ends_while_its_domain_still_grows)
{
    struct agent_job j = { .name = "db", .kb = 400 * MIB, .min_kb = 100 * MIB,
                           .ask_kb = 300 * MIB, .plain = true };
    uint32_t a = domain_of("shop", 'a');

    agent_has("shop-a", &j);
    fake_guest_balloon_rate(a, 100);
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db@a", "running", 3 * SECONDS));
    daemon_run(_i * 130);
    d.step_ms = 1;
    job_stops("shop-a", "db");
    ck_assert(job_until("shop", "db@a", "stopped", 1 * SECONDS));
    while (tot_kb(a) > (ACTIVE_MIB + 4) * MIB) {
        ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 300) * MIB);
        daemon_run(1);
    }
    ck_assert(back_until("shop", 200));
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
}
END_TEST

/* The example of the design, four times as large: the hot-standby job tells, the plain one asks;
 * the OS fails, and what is not a job's stays with it. */
START_TEST(the_worked_example)
{
    struct agent_job one = { .name = "one", .kb = 512 * MIB, .min_kb = 256 * MIB };
    struct agent_job two = { .name = "two", .kb = 128 * MIB, .ask_kb = 128 * MIB, .plain = true };
    const char *dir = "/tool/xhs/pair/ex";

    pair_create(pair_file("ex", "memory = 640\nstandby_memory = 128\nmax_memory = 1024\n"
                                "surplus = \"stay\""));
    agent_has("ex-a", &one);
    agent_has("ex-b", &one);
    agent_has("ex-a", &two);
    job_stops("ex-b", "one");
    job_asks("ex-a", "one");
    ck_assert(job_until("ex", "one", "running", 1 * SECONDS));
    ck_assert_uint_eq(key_u64("%s/area/os-a/size_kb", dir), 128 * MIB);
    ck_assert_uint_eq(area_kb("ex", "one", "granted_kb"), 0);
    ck_assert_str_eq(key("%s/area/job-one/on_fault", dir), "b");
    job_asks("ex-a", "two");
    ck_assert(job_until("ex", "two@a", "running", 2 * SECONDS));
    ck_assert_uint_eq(area_kb("ex", "two@a", "granted_kb"), 128 * MIB);
    ck_assert_str_eq(key("%s/area/job-two@a/on_fault", dir), "monitor");
    ck_assert_uint_eq(unused_kb(), 0);
    ck_assert_uint_eq(tot_kb(domain_of("ex", 'a')), 768 * MIB);
    fake_guest_crash(domain_of("ex", 'a'));
    daemon_run(5 * SECONDS);
    ck_assert_str_eq(key("%s/state", dir), "protected");
    ck_assert_uint_eq(job_runs_in("ex", "one"), domain_of("ex", 'b'));
    ck_assert_uint_eq(tot_kb(domain_of("ex", 'b')), 640 * MIB);
    ck_assert_uint_eq(tot_kb(domain_of("ex", 'a')), 128 * MIB);
    ck_assert_uint_eq(unused_kb(), 128 * MIB);
    ck_assert_str_eq(key("%s/job/two@a/state", dir), "stopped");
    check_calm("ex");
}
END_TEST

START_TEST(two_of_one_guest_grow_at_once)
{
    struct agent_job one = { .name = "one", .kb = 128 * MIB, .ask_kb = 128 * MIB, .plain = true };
    struct agent_job two = { .name = "two", .kb = 64 * MIB, .ask_kb = 64 * MIB, .plain = true };

    agent_has("shop-b", &one);
    agent_has("shop-b", &two);
    job_asks("shop-b", "one");
    job_asks("shop-b", "two");
    ck_assert(job_until("shop", "one@b", "running", 2 * SECONDS));
    ck_assert(job_until("shop", "two@b", "running", 2 * SECONDS));
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 192) * MIB);
    job_stops("shop-b", "one");
    ck_assert(back_until("shop", 2 * SECONDS));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 64) * MIB);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), (STANDBY_MIB + 64) * MIB);
    ck_assert(job_seen("shop-b", "two")->runs);
    check_calm("shop");
}
END_TEST

START_TEST(a_job_that_is_run_again_and_again_leaks_nothing)
{
    both_have(true, 256, 256);
    for (int i = 0; i < 8; i++) {
        job_asks("shop-a", "db");
        ck_assert(job_until("shop", "db@a", "running", 3 * SECONDS));
        ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 256) * MIB);
        job_stops("shop-a", "db");
        ck_assert(job_until("shop", "db@a", "stopped", 1 * SECONDS));
        ck_assert(back_until("shop", 2 * SECONDS));
        ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
        daemon_run(i * 30);
    }
    ck_assert_uint_eq(job_starts("shop", "db"), 8);
    daemon_run(1 * SECONDS);
    check_rest("shop", 'a');
}
END_TEST

/* Part of what it gave up is still there, part is gone: it starts when all is there again. */
START_TEST(asks_again_while_its_domain_still_shrinks)
{
    both_have(true, 256, 256);
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db@a", "running", 3 * SECONDS));
    job_stops("shop-a", "db");
    daemon_run(_i * 30);
    job_asks("shop-a", "db");
    daemon_run(3 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/db@a/state"), "running");
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 256) * MIB);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'a')), (ACTIVE_MIB + 256) * MIB);
    check_calm("shop");
}
END_TEST

/* pool: shop's 1184, ex's 768, the reserve, and what its plain job asks for. */
static void begin_example(void)
{
    begin_asking();
    xhs_cfg("pool = 2208\nreserve = 128\n");
    json_free(ask_ok(100, "{\"op\":\"reload\"}"));
}

int main(void)
{
    Suite *s = suite_create("xhsd and requests");
    TCase *c = daemon_case(s, "tell", begin_asking, daemon_teardown, 20);

    tcase_add_loop_test(c, what_the_os_can_spare_is_its_area_at_once, 0, 2);
    tcase_add_test(c, who_tells_of_memory_that_it_does_not_own_gets_it_granted);
    tcase_add_test(c, its_guest_is_told_what_its_os_could_spare);

    c = daemon_case(s, "ask", begin_asking, daemon_teardown, 20);
    tcase_add_loop_test(c, what_it_asks_for_is_granted_grown_into_started_and_given_back, 0, ASKS);
    tcase_add_loop_test(c, goes_to_the_heir_with_what_was_granted_and_comes_back_from_there, 0, 3);
    tcase_add_loop_test(c, a_plain_job_of_a_fallen_os_is_over_and_its_area_back, 0, 2);
    tcase_add_test(c, two_of_one_guest_grow_at_once);
    tcase_add_test(c, a_job_that_is_run_again_and_again_leaks_nothing);
    tcase_add_loop_test(c, ends_while_its_domain_still_grows, 0, 10);
    tcase_add_loop_test(c, asks_again_while_its_domain_still_shrinks, 1, 12);

    c = daemon_case(s, "example", begin_example, daemon_teardown, 20);
    tcase_add_test(c, the_worked_example);

    return daemon_run_suite(s);
}
