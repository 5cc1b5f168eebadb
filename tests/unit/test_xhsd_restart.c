/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon that is killed, as by SIGKILL, at many instants of all that a pair goes through, and
 * started again: the end is always the same, and every job is executed once. The host lives on.
 * XHS_TEST_STEP_MS=5 in the environment tries that many more instants.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"

static char active;
static unsigned starts;

static void begin_with_shop(void)
{
    daemon_setup();
    fake_speed.boot_ns = 400 * FAKE_MS; /* less to wait for */
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
    pair_form("shop");
    active = 'a';
    starts = 1;
    d.step_ms = 20;
}

static char other(char member)
{
    return member == 'a' ? 'b' : 'a';
}

static int step_of(int ms)
{
    const char *step = getenv("XHS_TEST_STEP_MS");

    return step && atoi(step) > 0 ? atoi(step) : ms;
}

static void restart(int down_ms)
{
    daemon_kill();
    daemon_run(down_ms);
    daemon_start();
}

/* At rest with this member active; the job was executed `more` times more, at least and at most. */
static void comes_to_rest(const char *what, int ms, char member, unsigned more)
{
    for (int i = 0; i < 600; i++) {
        daemon_run(20);
        if (strcmp(key(PAIR "/state"), "protected") == 0 && key(PAIR "/intent")[0] == '\0' &&
            strcmp(key(PAIR "/job/web/state"), "running") == 0)
            break;
    }
    daemon_run(500);
    fprintf(stderr, "%s %d: %s, %s\n", what, ms, key(PAIR "/state"), d.error);
    check_rest("shop", member);
    ck_assert_ptr_null(strstr(d.alert, "without a run grant")); /* a victim's last words */
    ck_assert_uint_eq(job_starts("shop", "web") - starts, more);
    starts += more;
    active = member;
}

/* ---- in a takeover ---- */

/* From, to and step of each run of the test, ms after the crash; XHS_TEST_STEP_MS: finer. */
static const struct {
    int from, to, step;
} spans[] = {
    { 0, 60, 5 },      { 60, 80, 1 },     { 80, 140, 5 },      { 140, 400, 5 },
    { 400, 700, 5 },   { 700, 1000, 5 },  { 1000, 1500, 10 },  { 1500, 2000, 10 },
    { 2000, 2400, 10 },
};
#define SPANS ((int)(sizeof spans / sizeof spans[0]))

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

START_TEST(is_killed_in_a_takeover)
{
    for (int ms = spans[_i].from; ms < spans[_i].to; ms += smaller(step_of(99), spans[_i].step)) {
        fake_guest_crash(domain_of("shop", active));
        daemon_run(ms);
        restart(0);
        comes_to_rest("takeover", ms, other(active), 1);
    }
}
END_TEST

/* The host goes on meanwhile: memory that was on its way arrives, domains that were being
 * destroyed are gone. */
START_TEST(is_away_for_a_while_in_a_takeover)
{
    for (int ms = spans[_i].from; ms < spans[_i].to; ms += 4 * spans[_i].step) {
        fake_guest_crash(domain_of("shop", active));
        daemon_run(ms);
        restart(ms % 8 ? 300 : 2000);
        comes_to_rest("away", ms, other(active), 1);
    }
}
END_TEST

/* Killed not between two instants but within one: instead of its n-th call of hypervisor, xenstored
 * or libxl from now. False: it did not make so many, and is at rest. */
static bool dies_at_call(unsigned n)
{
    d.torn = true;
    d.die_at = d.calls + n;
    daemon_run(8 * SECONDS);
    d.die_at = 0;
    if (!d.host)
        daemon_start();
    else
        n = 0;
    daemon_run(40);
    d.torn = false;
    return n > 0;
}

static unsigned call_step(void)
{
    return getenv("XHS_TEST_STEP_MS") ? 1 : 3;
}

START_TEST(is_killed_at_any_call_of_a_takeover)
{
    unsigned n = 1 + (unsigned)_i * 60, end = n + 60;
    bool died = true;

    for (; died && n < end; n += call_step()) {
        fake_guest_crash(domain_of("shop", active));
        died = dies_at_call(n);
        comes_to_rest("call", (int)n, other(active), 1);
    }
    ck_assert_uint_gt(n, 180 * (_i == 3));
}
END_TEST

START_TEST(is_killed_at_any_call_of_a_rebuild)
{
    bool died = true;
    unsigned n;

    for (n = 1; died; n += call_step()) {
        fake_guest_crash(domain_of("shop", 'b'));
        died = dies_at_call(n);
        comes_to_rest("rebuild call", (int)n, 'a', 0);
    }
    ck_assert_uint_gt(n, 40);
}
END_TEST

START_TEST(is_killed_at_any_call_of_a_restart_in_place)
{
    bool died = true;
    unsigned n;

    for (n = 1; died; n += call_step()) {
        fake_guest_crash(domain_of("shop", 'a'));
        fake_guest_crash(domain_of("shop", 'b'));
        died = dies_at_call(n);
        comes_to_rest("in place call", (int)n, 'a', 1);
    }
    ck_assert_uint_gt(n, 60);
}
END_TEST

/* ... and at any call that a daemon makes when it takes such a takeover up. */
START_TEST(is_killed_while_it_takes_up)
{
    int rc = -1;

    for (unsigned n = 1; rc != 0; n += call_step()) {
        struct xhs_error err = { 0 };

        fake_guest_crash(domain_of("shop", active));
        daemon_run(_i);
        daemon_kill();
        d.torn = true;
        d.die_at = d.calls + n;
        rc = daemon_try_start(&err);
        ck_assert_int_eq(err.code, XHS_E_NONE);
        d.die_at = 0;
        if (rc != 0)
            daemon_start();
        daemon_run(40);
        d.torn = false;
        comes_to_rest("take up call", (int)n, other(active), 1);
    }
}
END_TEST

/* The heir's agent answers just when a new daemon reads what it says. */
START_TEST(is_answered_while_it_takes_up)
{
    bool hurried = true;

    for (unsigned n = 1; hurried; n++) {
        char heir[8];

        snprintf(heir, sizeof heir, "shop-%c", other(active));
        fake_guest_crash(domain_of("shop", active));
        for (int ms = 0; !job_seen(heir, "web")->busy && ms < SECONDS; ms++)
            daemon_run(1);
        ck_assert(job_seen(heir, "web")->busy);
        daemon_kill();
        d.hurry_at = d.calls + n;
        daemon_start();
        daemon_run(5);
        hurried = d.calls >= d.hurry_at;
        d.hurry_at = 0;
        comes_to_rest("answered at call", (int)n, other(active), 1);
    }
}
END_TEST

START_TEST(is_killed_three_times_in_a_takeover)
{
    static const int at[][3] = { { 0, 0, 0 }, { 1, 30, 30 }, { 76, 1, 38 }, { 70, 10, 10 },
                                 { 30, 500, 700 }, { 116, 1, 700 }, { 900, 100, 100 } };

    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        fake_guest_crash(domain_of("shop", active));
        for (int k = 0; k < 3; k++) {
            daemon_run(at[i][k]);
            restart(0);
        }
        comes_to_rest("three times", (int)i, other(active), 1);
    }
}
END_TEST

START_TEST(is_killed_too_often_in_a_takeover)
{
    fake_guest_crash(domain_of("shop", 'a'));
    for (int i = 0; i < 4; i++) {
        daemon_run(5);
        restart(0);
    }
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "failed");
    ck_assert_ptr_nonnull(strstr(key(PAIR "/reason"), "resumed three times"));
    json_free(ask_ok(10 * SECONDS, "{\"op\":\"recover\",\"pair\":\"shop\"}"));
    comes_to_rest("recover", 0, 'b', 1);
}
END_TEST

/* ---- in all else ---- */

START_TEST(is_killed_while_nothing_happens)
{
    for (int i = 0; i < 10; i++) {
        restart(i * 70);
        comes_to_rest("rest", i, 'a', 0);
    }
}
END_TEST

START_TEST(is_killed_while_the_standby_is_rebuilt)
{
    for (int ms = 0; ms < 1000; ms += step_of(50)) {
        fake_guest_crash(domain_of("shop", other(active)));
        daemon_run(ms);
        restart(0);
        comes_to_rest("standby", ms, active, 0);
    }
}
END_TEST

START_TEST(is_killed_while_a_member_reboots)
{
    for (int ms = 0; ms < 1000; ms += step_of(50)) {
        char member = ms % 100 ? 'a' : 'b';
        fake_guest_shutdown(domain_of("shop", member), 1);
        daemon_run(ms);
        restart(0);
        comes_to_rest("reboot", ms, 'a', member == 'a');
    }
}
END_TEST

START_TEST(is_killed_while_the_active_is_restarted_in_place)
{
    for (int ms = 0; ms < 1500; ms += step_of(75)) {
        fake_guest_crash(domain_of("shop", 'a'));
        fake_guest_crash(domain_of("shop", 'b'));
        daemon_run(ms);
        restart(0);
        comes_to_rest("in place", ms, 'a', 1);
    }
}
END_TEST

/* The crash itself is not seen by anybody. */
START_TEST(is_dead_when_the_active_crashes)
{
    daemon_kill();
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(5 * SECONDS);
    daemon_start();
    comes_to_rest("dead", 0, 'b', 1);
    daemon_kill();
    fake_xl_destroy(domain_of("shop", 'a'));
    daemon_run(1 * SECONDS);
    daemon_start();
    comes_to_rest("dead", 1, 'b', 0);
}
END_TEST

/* ---- before there is a pair, and after ---- */

static void begin_empty(void)
{
    daemon_setup();
    fake_speed.boot_ns = 400 * FAKE_MS;
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
    agent_defines("shop-a", "web", 128 * MIB, 64 * MIB);
    agent_defines("shop-b", "web", 128 * MIB, 64 * MIB);
    active = 'a';
    starts = 0;
    d.step_ms = 20;
}

static void forget(void)
{
    json_free(ask_ok(10 * SECONDS, "{\"op\":\"destroy\",\"pair\":\"shop\"}"));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
    ck_assert_uint_eq(keys_below("/vm"), 0);
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    check_forget();
}

START_TEST(is_killed_while_a_pair_is_formed)
{
    for (int ms = 101; ms < 900; ms += step_of(40)) {
        struct client *c = client_new();

        client_send(c, "{\"op\":\"create\",\"file\":\"%s\"}", pair_file("shop", NULL));
        daemon_run(ms);
        restart(0);
        client_free(c);
        if (keys_below("/tool/xhs/pair") == 0)
            continue;
        comes_to_rest("forming", ms, 'a', 1);
        forget();
    }
}
END_TEST

/* What was asked is not kept: the pair is stopped then, and destroyed when asked once more. */
START_TEST(is_killed_while_a_pair_is_destroyed)
{
    for (int ms = 0; ms < 350; ms += step_of(20)) {
        struct client *c = client_new();

        pair_create(pair_file("shop", NULL));
        client_send(c, "{\"op\":\"destroy\",\"pair\":\"shop\"}");
        daemon_run(ms);
        restart(0);
        client_free(c);
        daemon_run(2 * SECONDS);
        ck_assert_uint_eq(job_runs_in("shop", "web"),
                          strcmp(key(PAIR "/state"), "protected") ? 0 : domain_of("shop", 'a'));
        if (keys_below("/tool/xhs/pair") > 0)
            forget();
        ck_assert_uint_eq(keys_below("/libxl"), 0);
        check_forget();
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd, killed");
    TCase *c = daemon_case(s, "takeover", begin_with_shop, daemon_teardown, 30);

    tcase_add_loop_test(c, is_killed_in_a_takeover, 0, SPANS);
    tcase_add_loop_test(c, is_away_for_a_while_in_a_takeover, 0, SPANS);
    tcase_add_loop_test(c, is_killed_at_any_call_of_a_takeover, 0, 4);
    tcase_add_test(c, is_killed_at_any_call_of_a_rebuild);
    tcase_add_test(c, is_killed_at_any_call_of_a_restart_in_place);
    tcase_add_loop_test(c, is_killed_while_it_takes_up, 76, 78);
    tcase_add_test(c, is_answered_while_it_takes_up);
    tcase_add_test(c, is_killed_three_times_in_a_takeover);
    tcase_add_test(c, is_killed_too_often_in_a_takeover);

    c = daemon_case(s, "other", begin_with_shop, daemon_teardown, 30);
    tcase_add_test(c, is_killed_while_nothing_happens);
    tcase_add_test(c, is_killed_while_the_standby_is_rebuilt);
    tcase_add_test(c, is_killed_while_a_member_reboots);
    tcase_add_test(c, is_killed_while_the_active_is_restarted_in_place);
    tcase_add_test(c, is_dead_when_the_active_crashes);

    c = daemon_case(s, "pair", begin_empty, daemon_teardown, 30);
    tcase_add_test(c, is_killed_while_a_pair_is_formed);
    tcase_add_test(c, is_killed_while_a_pair_is_destroyed);

    return daemon_run_suite(s);
}
