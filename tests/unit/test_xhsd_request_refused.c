/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests for memory that no waiting would help, or that may not wait: denied with the figures.
 * And those that force their way: the pair says that it is not protected, and what a takeover then
 * leaves behind. Over the simulated host.
 */
#include "tests/unit/daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"

/* Of the pair of begin: 512 and 128 MiB, at most 1024. The heir of shop-a comes to 512. */
#define LEFT_MIB 1792
#define MAX_MIB 1024

static void start_daemon(void)
{
    daemon_setup();
    fake_speed.boot_ns = 400 * FAKE_MS;
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
    agent_defines("shop-a", "web", 128 * MIB, 64 * MIB);
    agent_defines("shop-b", "web", 128 * MIB, 64 * MIB);
}

static void begin(void)
{
    start_daemon();
    pair_create(pair_file("shop", "memory = 512\nstandby_memory = 128\nmax_memory = 1024"));
    daemon_run(500);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(unused_kb(), LEFT_MIB * MIB);
    check_calm("shop");
}

/* May grow beyond what the whole pool is; its standby boots with 117 MiB of the reserve. */
static void begin_large(void)
{
    start_daemon();
    d.extra_kb = 117 * MIB;
    pair_create(pair_file("shop", "memory = 1024\nstandby_memory = 256\nmax_memory = 4096"));
    daemon_run(1 * SECONDS);
    d.extra_kb = 0;
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    check_calm("shop");
}

/* Asks, without waiting for memory. */
static void asks(const char *domain, const char *name, bool plain, uint64_t mib, bool force)
{
    struct agent_job j = { .kb = mib * MIB, .ask_kb = mib * MIB, .plain = plain, .force = force };

    snprintf(j.name, sizeof j.name, "%s", name);
    agent_has(domain, &j);
    job_asks(domain, name);
}

static void check_denied(const char *domain, const char *job_key, uint64_t mib, const char *text)
{
    const struct job_seen *seen = job_seen(domain, "db");

    ck_assert_str_eq(key(PAIR "/job/%s/state", job_key), "failed");
    ck_assert_uint_eq(key_u64(PAIR "/job/%s/request", job_key), 0);
    ck_assert_uint_eq(area_kb("shop", job_key, "size_kb"), 0);
    ck_assert_uint_eq(seen->denials, 1);
    ck_assert_uint_eq(seen->starts, 0);
    ck_assert_str_eq(seen->deny_text, text);
    ck_assert_uint_lt(strlen(seen->deny_text), MSG_TEXT_MAX); /* not cut */
    ck_assert_uint_eq(seen->deny_kb, mib * MIB);
    ck_assert_uint_eq(queued(), 0);
    check_calm("shop");
}

/* ---- refused ---- */

static const struct {
    const char *domain, *key;
    bool plain;
    uint64_t mib, could_mib;
    const char *text;
} impossible[] = {
    { "shop-a", "db@a", true, 600, 512,
      "88 MiB short: shop-a may have 1024 MiB (max_memory), and has 512" },
    { "shop-b", "db@b", true, 1792, 896,
      "896 MiB short: shop-b may have 1024 MiB (max_memory), and has 128" },
    { "shop-a", "db", false, 513, 512,
      "1 MiB short: shop-a may have 1024 MiB (max_memory), and has 512" },
    { "shop-a", "db", false, 0, 0, "it asks for no memory: give it a size" },
    { "shop-b", "db@b", true, 0, 0, "it asks for no memory: give it a size" },
    { "shop-b", "db@b", true, 600, 0, "no takeover would be possible: 88 MiB short on shop-b "
      "(max_memory); --force runs it all the same" },
    { "shop-b", "db@b", true, 513, 0, "no takeover would be possible: 1 MiB short on shop-b "
      "(max_memory); --force runs it all the same" },
};
#define IMPOSSIBLE ((int)(sizeof impossible / sizeof impossible[0]))

START_TEST(says_what_is_impossible)
{
    const char *domain = impossible[_i].domain;

    if (!impossible[_i].plain)
        asks("shop-b", "db", false, 1, false); /* known there */
    asks(domain, "db", impossible[_i].plain, impossible[_i].mib, false);
    daemon_run(500);
    check_denied(domain, impossible[_i].key, impossible[_i].could_mib, impossible[_i].text);
    ck_assert_uint_eq(unused_kb(), LEFT_MIB * MIB);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(d.errors, 0);
}
END_TEST

/* To wait would not help: it is told at once, however long it would wait. */
START_TEST(who_would_wait_is_told_at_once_what_is_impossible)
{
    struct agent_job j = { .name = "db", .kb = impossible[_i].mib * MIB,
                           .wait_s = MSG_WAIT_FOREVER, .plain = impossible[_i].plain };

    j.ask_kb = j.kb;
    agent_has(impossible[_i].domain, &j);
    job_asks(impossible[_i].domain, "db");
    daemon_run(500);
    ck_assert_str_eq(job_seen(impossible[_i].domain, "db")->deny_text, impossible[_i].text);
}
END_TEST

START_TEST(as_much_as_is_possible_is_granted)
{
    asks("shop-b", "db", true, 512, false);
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    asks("shop-a", "log", true, 512, false);
    ck_assert(job_until("shop", "log@a", "running", 3 * SECONDS));
    daemon_run(500);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'a')), MAX_MIB * MIB);
    check_calm("shop");
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(6 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), MAX_MIB * MIB);
    ck_assert_uint_eq(unused_kb(), (LEFT_MIB - 512) * MIB);
    check_calm("shop");
}
END_TEST

START_TEST(says_what_the_whole_pool_has_not)
{
    asks("shop-b", "db", true, 2500, false);
    daemon_run(500);
    check_denied("shop-b", "db@b", 1152, "it asks for 2500 MiB more, and the whole pool without "
                 "its reserve is 2432 MiB");
}
END_TEST

START_TEST(says_how_much_is_missing_now)
{
    asks("shop-b", "db", true, 1400, false);
    daemon_run(500);
    check_denied("shop-b", "db@b", 1152, "248 MiB short: it asks for 1400 MiB more, and 1152 are "
                 "unused; --wait SECONDS waits");
    ck_assert_uint_eq(unused_kb(), 1152 * MIB);
}
END_TEST

/* What its OS could give is counted in what it could have. */
START_TEST(says_what_it_could_have_with_what_its_os_has)
{
    struct agent_job j = { .name = "db", .kb = 1600 * MIB, .ask_kb = 1400 * MIB, .plain = true };

    agent_has("shop-a", &j);
    job_asks("shop-a", "db");
    daemon_run(500);
    check_denied("shop-a", "db@a", 1352, "248 MiB short: it asks for 1400 MiB more, and 1152 are "
                 "unused; --wait SECONDS waits");
}
END_TEST

START_TEST(a_denial_stands_until_it_is_answered)
{
    uint32_t b = domain_of("shop", 'b');
    char dir[64], line[MSG_MAX] = "";

    asks("shop-b", "db", true, 600, false);
    agent_silent("shop-b", true);
    daemon_run(1 * SECONDS);
    snprintf(dir, sizeof dir, "/local/domain/%u/xhs/req", b);
    ck_assert_uint_eq(keys_below(dir), 1);
    for (unsigned id = 1; id < 64 && !line[0]; id++)
        snprintf(line, sizeof line, "%s", key("%s/%u", dir, id));
    ck_assert_str_eq(line, "deny db 0 no takeover would be possible: 88 MiB short on shop-b "
                     "(max_memory); --force runs it all the same");
    daemon_run(5 * SECONDS);
    ck_assert_uint_eq(keys_below(dir), 1);
    daemon_kill();
    daemon_start();
    daemon_run(1 * SECONDS);
    agent_silent("shop-b", false);
    fake_guest_hang(b, false); /* it looks again */
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/db@b/state"), "failed");
}
END_TEST

START_TEST(asks_for_less_and_gets_it)
{
    asks("shop-b", "db", true, 600, false);
    daemon_run(500);
    check_denied("shop-b", "db@b", 0, job_seen("shop-b", "db")->deny_text);
    asks("shop-b", "db", true, 500, false);
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    daemon_run(500);
    ck_assert_uint_eq(area_kb("shop", "db@b", "size_kb"), 500 * MIB);
    check_calm("shop");
}
END_TEST

/* ---- forced ---- */

static const char *job_state(const char *job)
{
    return key(PAIR "/job/%s/state", job);
}

/* A plain job on the standby that leaves its OS no room to take over with. */
static void force(uint64_t mib, uint64_t short_mib, const char *least)
{
    char reason[160];
    uint64_t unused = unused_kb();

    asks("shop-b", "db", true, mib, true);
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    daemon_run(500);
    snprintf(reason, sizeof reason, "takeover not possible: %" PRIu64 " MiB short for %s: shop-b "
             "would need %" PRIu64 " MiB, max_memory is 1024", short_mib, least,
             MAX_MIB + short_mib);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_str_eq(key(PAIR "/reason"), reason);
    ck_assert_uint_eq(unused_kb(), unused - mib * MIB);
    check_calm("shop");
}

/* The active falls; its heir has all that it may have, and no more at any instant. */
static void falls(char member)
{
    uint32_t heir = domain_of("shop", member == 'a' ? 'b' : 'a');

    fake_guest_crash(domain_of("shop", member));
    for (int ms = 0; ms < 6 * SECONDS; ms += d.step_ms) {
        daemon_run(d.step_ms);
        ck_assert_uint_le(max_kb(heir), MAX_MIB * MIB + HYP_SLACK_KB);
        ck_assert_uint_le(tot_kb(heir), MAX_MIB * MIB + HYP_SLACK_KB);
    }
    ck_assert_uint_eq(domain_of("shop", member == 'a' ? 'b' : 'a'), heir);
    ck_assert_str_eq(key(PAIR "/active"), member == 'a' ? "b" : "a");
}

START_TEST(forced_it_runs_and_the_pair_is_not_protected)
{
    uint32_t a = domain_of("shop", 'a');

    force(600, 88, "job web");
    job_stops("shop-b", "db");
    ck_assert(daemon_until("shop", "protected", 3 * SECONDS));
    ck_assert(back_until("shop", 3 * SECONDS));
    ck_assert_uint_eq(unused_kb(), LEFT_MIB * MIB);
    ck_assert_uint_eq(job_runs_in("shop", "web"), a);
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
}
END_TEST

START_TEST(first_the_surplus_is_left_behind)
{
    force(600, 88, "job web");
    falls('a');
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
    ck_assert(job_seen("shop-b", "db")->runs);
    ck_assert_uint_eq(key_u64(PAIR "/area/surplus/size_kb"), (256 - 88) * MIB);
    ck_assert_uint_eq(key_u64(PAIR "/area/os-a/size_kb"), (128 + 88) * MIB);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), MAX_MIB * MIB);
    ck_assert_uint_eq(unused_kb(), (LEFT_MIB - 600) * MIB);
    check_calm("shop");
    job_stops("shop-b", "db");
    daemon_run(3 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(unused_kb(), LEFT_MIB * MIB);
    check_calm("shop");
}
END_TEST

static void both_have(const char *name, uint64_t mib, uint64_t ask_mib, uint64_t priority)
{
    struct agent_job j = { .kb = mib * MIB, .ask_kb = ask_mib * MIB, .priority = priority };

    snprintf(j.name, sizeof j.name, "%s", name);
    agent_has("shop-a", &j);
    agent_has("shop-b", &j);
    job_stops("shop-b", name);
    job_asks("shop-a", name);
    ck_assert(job_until("shop", name, "running", 3 * SECONDS));
}

/* web, 128 MiB, has priority 0; mail 64 MiB of its OS's. With 760 more on shop-b it is 248 short:
 * 192 of surplus are not enough, and either job is. */
START_TEST(then_jobs_by_priority)
{
    bool web = _i == 0; /* is the one that has to stay */

    both_have("mail", 64, 0, web ? 5 : 0);
    force(760, 248, web ? "job web" : "job mail");
    falls('a');
    ck_assert_str_eq(job_state("web"), web ? "failed" : "running");
    ck_assert_str_eq(job_state("mail"), web ? "running" : "failed");
    ck_assert_uint_eq(job_runs_in("shop", web ? "mail" : "web"), domain_of("shop", 'b'));
    ck_assert_uint_eq(job_runs_in("shop", web ? "web" : "mail"), 0);
    ck_assert(job_seen("shop-b", "db")->runs);
    ck_assert_uint_eq(area_kb("shop", web ? "web" : "mail", "size_kb"), 0);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), MAX_MIB * MIB);
    ck_assert_uint_eq(d.alerts, 1);
    ck_assert_ptr_nonnull(strstr(d.alert, web ? "job web is not moved" : "job mail is not moved"));
    check_calm("shop");
    job_stops("shop-b", "db");
    ck_assert(back_until("shop", 3 * SECONDS));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(unused_kb(), LEFT_MIB * MIB);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
}
END_TEST

/* What was granted to a job that stays behind goes back to the pool. */
START_TEST(a_granted_area_that_is_left_behind_is_back)
{
    both_have("mail", 256, 256, 5);
    force(896, 640, "job web");
    falls('a');
    ck_assert_str_eq(job_state("web"), "failed");
    ck_assert_str_eq(job_state("mail"), "failed");
    ck_assert_uint_eq(job_runs_in("shop", "web"), 0);
    ck_assert(job_seen("shop-b", "db")->runs);
    ck_assert_uint_eq(unused_kb(), (LEFT_MIB - 896) * MIB);
    check_calm("shop");
}
END_TEST

/* Not protected by force: then a further request has nothing to lose, and needs no force. */
START_TEST(what_is_lost_already_refuses_no_more)
{
    force(600, 88, "job web");
    asks("shop-b", "log", true, 100, false);
    ck_assert(job_until("shop", "log@b", "running", 3 * SECONDS));
    daemon_run(500);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), (128 + 700) * MIB);
    falls('a');
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
    check_calm("shop");
}
END_TEST

/* The hot-standby job itself may be what makes it too much. */
START_TEST(a_hot_standby_job_may_be_forced_and_is_left_behind)
{
    asks("shop-b", "log", true, 512, false); /* just not too much */
    ck_assert(job_until("shop", "log@b", "running", 3 * SECONDS));
    asks("shop-b", "db", false, 300, false);
    job_stops("shop-b", "db");
    asks("shop-a", "db", false, 300, false);
    daemon_run(500);
    ck_assert_str_eq(job_seen("shop-a", "db")->deny_text, "no takeover would be possible: 300 MiB "
                     "short on shop-b (max_memory); --force runs it all the same");
    asks("shop-a", "db", false, 300, true);
    ck_assert(job_until("shop", "db", "running", 3 * SECONDS));
    daemon_run(500);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    falls('a');
    ck_assert(job_seen("shop-b", "log")->runs);
    ck_assert_str_eq(job_state("db"), "failed");
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
    ck_assert_uint_eq(owned_kb("shop", "b"), 1024 * MIB); /* there was room for the surplus then */
    ck_assert_uint_eq(unused_kb(), (LEFT_MIB - 512) * MIB);
    check_calm("shop");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and requests that are refused");
    TCase *c = daemon_case(s, "refused", begin, daemon_teardown, 20);

    tcase_add_loop_test(c, says_what_is_impossible, 0, IMPOSSIBLE);
    tcase_add_loop_test(c, who_would_wait_is_told_at_once_what_is_impossible, 0, IMPOSSIBLE);
    tcase_add_test(c, as_much_as_is_possible_is_granted);
    tcase_add_test(c, a_denial_stands_until_it_is_answered);
    tcase_add_test(c, asks_for_less_and_gets_it);

    c = daemon_case(s, "large", begin_large, daemon_teardown, 20);
    tcase_add_test(c, says_what_the_whole_pool_has_not);
    tcase_add_test(c, says_how_much_is_missing_now);
    tcase_add_test(c, says_what_it_could_have_with_what_its_os_has);

    c = daemon_case(s, "forced", begin, daemon_teardown, 20);
    tcase_add_test(c, forced_it_runs_and_the_pair_is_not_protected);
    tcase_add_test(c, first_the_surplus_is_left_behind);
    tcase_add_loop_test(c, then_jobs_by_priority, 0, 2);
    tcase_add_test(c, a_granted_area_that_is_left_behind_is_back);
    tcase_add_test(c, what_is_lost_already_refuses_no_more);
    tcase_add_test(c, a_hot_standby_job_may_be_forced_and_is_left_behind);

    return daemon_run_suite(s);
}
