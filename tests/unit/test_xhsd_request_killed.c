/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon that is killed, as by SIGKILL, at every call and every step of a request for memory,
 * from the guest's line to the memory's way back, and started again: the job is executed once, and
 * all memory is where it was before. The same when any of its calls fails once. The host lives on.
 * XHS_TEST_STEP_MS in the environment: at each call instead of each seventh.
 */
#include "tests/unit/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xhsd/host.h"

#define PAIR "/tool/xhs/pair/shop"

static void begin(void)
{
    begin_asking();
    d.step_ms = 20;
}

/* The linker sends the daemon's raise here: it dies within this call. */
int __wrap_raise(int sig);
int __wrap_raise(int sig)
{
    struct xhs_error err;

    ck_assert_int_eq(sig, SIGKILL);
    d.die_at = d.calls + 1;
    return hyp_list(d.host->hyp, NULL, 0, &err);
}

/* ---- a request, from its line to the end ---- */

struct kind {
    const char *domain, *key;
    bool plain;
    uint64_t mib, ask_mib;
};

static const struct kind kinds[] = {
    { "shop-a", "db@a", true, 256, 200 },
    { "shop-b", "db@b", true, 256, 256 },
    { "shop-a", "db", false, 256, 256 },
    { "shop-a", "db@a", true, 96, 0 },
};
#define KINDS ((int)(sizeof kinds / sizeof kinds[0]))

static const struct kind *kind;
static unsigned starts;

static void both_have(const struct kind *k)
{
    struct agent_job j = { .name = "db", .kb = k->mib * MIB, .ask_kb = k->ask_mib * MIB,
                           .wait_s = MSG_WAIT_FOREVER, .plain = k->plain };

    kind = k;
    agent_has("shop-a", &j);
    agent_has("shop-b", &j);
    job_stops(strcmp(k->domain, "shop-a") == 0 ? "shop-b" : "shop-a", "db");
}

/* Its user ends the job a while after it began. */
static void ends_it(void *arg)
{
    (void)arg;
    if (job_seen(kind->domain, "db")->runs)
        job_stops(kind->domain, "db");
    else
        fake_post(d.loop, 100 * FAKE_MS, ends_it, NULL);
}

static void asks_and_ends(void)
{
    job_asks(kind->domain, "db");
    fake_post(d.loop, 700 * FAKE_MS, ends_it, NULL);
}

/* The daemon is started again whenever it has died. */
static void goes_on(int ms)
{
    for (; ms > 0; ms -= d.step_ms) {
        if (!daemon_run(d.step_ms))
            daemon_start();
    }
}

/* The job ran once more, and is over; nothing is left of it. */
static void check_over(const char *what, unsigned n)
{
    for (int i = 0; i < 300 && strcmp(key(PAIR "/job/%s/state", kind->key), "stopped") != 0; i++)
        daemon_run(20);
    daemon_run(1500);
    fprintf(stderr, "%s %u: %s, %s\n", what, n, key(PAIR "/job/%s/state", kind->key), d.error);
    ck_assert_str_eq(key(PAIR "/job/%s/state", kind->key), "stopped");
    ck_assert_uint_eq(job_starts("shop", "db"), ++starts);
    ck_assert_uint_eq(job_seen(kind->domain, "db")->denials, 0);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    ck_assert_uint_eq(queued(), 0);
    check_rest("shop", 'a');
    check_calm("shop");
}

static unsigned call_step(void)
{
    return getenv("XHS_TEST_STEP_MS") ? 1 : 7;
}

/* ---- at every call ---- */

START_TEST(is_killed_at_any_call_of_a_request)
{
    bool died = true;
    unsigned n;

    both_have(&kinds[_i]);
    for (n = 1; died; n += call_step()) {
        d.torn = true;
        asks_and_ends();
        d.die_at = d.calls + n;
        died = !daemon_run(2 * SECONDS);
        d.die_at = 0;
        if (died)
            daemon_start();
        daemon_run(100);
        d.torn = false;
        check_over("call", n);
    }
    ck_assert_uint_gt(n, kinds[_i].ask_mib ? 40 : 20);
}
END_TEST

/* ... and again at any call that the next one makes when it takes the pair up. */
START_TEST(is_killed_while_it_takes_up_a_request)
{
    int rc = -1;

    both_have(&kinds[0]);
    for (unsigned n = 1; rc != 0; n += call_step()) {
        struct xhs_error err = { 0 };

        d.torn = true;
        asks_and_ends();
        daemon_run(_i * 20);
        daemon_kill();
        d.die_at = d.calls + n;
        rc = daemon_try_start(&err);
        ck_assert_int_eq(err.code, XHS_E_NONE);
        d.die_at = 0;
        if (rc != 0)
            daemon_start();
        daemon_run(100);
        d.torn = false;
        check_over("take up call", n);
    }
}
END_TEST

/* ---- when any call fails ---- */

static const struct {
    enum fake_call call;
    const char *name;
} calls[] = {
    { FAKE_STORE_APPLY, "apply" }, { FAKE_STORE_WRITE, "write" }, { FAKE_STORE_READ, "read" },
    { FAKE_HYP_LIST, "hyp list" }, { FAKE_HYP_GET, "get" },       { FAKE_HYP_SET_MAX, "max" },
    { FAKE_HYP_CLAIM, "claim" },   { FAKE_HYP_MEMORY, "memory" },
};
#define CALLS ((int)(sizeof calls / sizeof calls[0]))

START_TEST(any_call_of_a_request_may_fail_once)
{
    bool failed = true;

    both_have(&kinds[_i % 2]);
    d.failed_calls = true;
    for (unsigned n = 0; failed && n < 60; n += call_step()) {
        enum fake_call call = calls[_i / 2].call;
        unsigned before = fake_calls(call);

        asks_and_ends();
        fake_fail(call, n, 1);
        for (int i = 0; i < 100 && daemon_run(20); i++)
            ;
        fake_fail(call, 0, 0);
        if (!d.host)
            daemon_start();
        failed = fake_calls(call) - before > n;
        check_over(calls[_i / 2].name, n);
    }
}
END_TEST

/* ---- at any time ---- */

START_TEST(is_away_for_a_while)
{
    static const int away_ms[] = { 0, 50, 300, 1500 };

    both_have(&kinds[_i]);
    for (int ms = 0; ms < 1400; ms += 47) {
        asks_and_ends();
        daemon_run(ms);
        daemon_kill();
        daemon_run(away_ms[ms % 4]);
        daemon_start();
        check_over("away", (unsigned)ms);
    }
}
END_TEST

START_TEST(never_lives_longer_than_an_instant)
{
    both_have(&kinds[_i]);
    asks_and_ends();
    for (int i = 0; i < 60; i++) {
        daemon_run(20 + i % 3 * 20);
        daemon_kill();
        daemon_start();
    }
    check_over("instants", 0);
}
END_TEST

/* ---- at every step ---- */

static const char *const marks[] = { "ask", "area", "grant", "run", "release", "returned" };
#define MARKS ((int)(sizeof marks / sizeof marks[0]))

/* Of which two pass all steps: one waits until the other one's memory is back. */
static void passes_every_step(const char *mark, unsigned kills)
{
    const struct agent_job hog = { .name = "hog", .kb = 400 * MIB, .ask_kb = 400 * MIB,
                                   .plain = true };
    unsigned deaths = 0;

    agent_has("shop-b", &hog);
    job_asks("shop-b", "hog");
    ck_assert(job_until("shop", "hog@b", "running", 2 * SECONDS));
    d.torn = true;
    job_asks(kind->domain, "db");
    fake_post(d.loop, 1500 * FAKE_MS, ends_it, NULL);
    for (int ms = 0; ms < 4000; ms += d.step_ms) {
        d.host->test_kill_at = deaths < kills ? mark : NULL;
        if (ms == 500)
            job_stops("shop-b", "hog");
        if (daemon_run(d.step_ms))
            continue;
        deaths++;
        d.die_at = 0;
        ck_assert_int_eq(d.status, 128 + SIGKILL);
        daemon_start();
    }
    d.torn = false;
    ck_assert_uint_ge(deaths, 1);
    ck_assert_uint_eq(job_seen("shop-b", "hog")->starts, 1);
    check_over(mark, deaths);
}

START_TEST(is_killed_at_a_step)
{
    both_have(&kinds[_i % 3]);
    passes_every_step(marks[_i / 3], 1);
}
END_TEST

START_TEST(is_killed_at_a_step_as_often_as_it_comes_there)
{
    both_have(&kinds[_i % 3]);
    passes_every_step(marks[_i / 3], 5);
}
END_TEST

/* ---- while it denies ---- */

/* The guest hears of it, once more perhaps; it has failed, and nothing is owed to anybody. */
START_TEST(is_killed_at_any_call_of_a_denial)
{
    struct agent_job j = { .name = "db", .kb = 900 * MIB, .ask_kb = 900 * MIB, .plain = true };
    bool died = true;

    agent_has("shop-b", &j);
    for (unsigned n = 1; died; n++) {
        unsigned denials;

        d.torn = true;
        job_asks("shop-b", "db");
        denials = job_seen("shop-b", "db")->denials;
        d.die_at = d.calls + n;
        died = !daemon_run(300);
        d.die_at = 0;
        if (died)
            daemon_start();
        daemon_run(1 * SECONDS);
        d.torn = false;
        ck_assert_str_eq(key(PAIR "/job/db@b/state"), "failed");
        ck_assert_uint_ge(job_seen("shop-b", "db")->denials, denials + 1);
        ck_assert_uint_le(job_seen("shop-b", "db")->denials, denials + 2);
        ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
        check_rest("shop", 'a');
        check_calm("shop");
    }
    ck_assert_uint_eq(job_starts("shop", "db"), 0);
}
END_TEST

/* ---- while its OS fails ---- */

/* The active falls while its request is on the way, and so does the daemon. */
START_TEST(is_killed_in_a_takeover_of_a_request)
{
    both_have(&kinds[_i / 6]);
    job_asks(kind->domain, "db");
    daemon_run(_i % 6 * 60);
    fake_guest_crash(domain_of("shop", 'a'));
    for (int k = 0; k < 3; k++) {
        daemon_run(40);
        daemon_kill();
        daemon_start();
    }
    goes_on(5 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_le(job_starts("shop", "db"), 2);
    if (job_runs_in("shop", "db")) {
        ck_assert_uint_eq(job_runs_in("shop", "db"), domain_of("shop", 'b'));
        job_stops("shop-b", "db");
        daemon_run(3 * SECONDS);
    }
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    check_rest("shop", 'b');
    check_calm("shop");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd, killed in a request");
    TCase *c = daemon_case(s, "call", begin, daemon_teardown, 30);

    tcase_add_loop_test(c, is_killed_at_any_call_of_a_request, 0, KINDS);
    tcase_add_loop_test(c, is_killed_while_it_takes_up_a_request, 1, 40);
    tcase_add_test(c, is_killed_at_any_call_of_a_denial);

    c = daemon_case(s, "fail", begin, daemon_teardown, 30);
    tcase_add_loop_test(c, any_call_of_a_request_may_fail_once, 0, 2 * CALLS);

    c = daemon_case(s, "time", begin, daemon_teardown, 30);
    tcase_add_loop_test(c, is_away_for_a_while, 0, KINDS);
    tcase_add_loop_test(c, never_lives_longer_than_an_instant, 0, KINDS);

    c = daemon_case(s, "step", begin, daemon_teardown, 30);
    tcase_add_loop_test(c, is_killed_at_a_step, 0, 3 * MARKS);
    tcase_add_loop_test(c, is_killed_at_a_step_as_often_as_it_comes_there, 0, 3 * MARKS);

    c = daemon_case(s, "takeover", begin, daemon_teardown, 30);
    tcase_add_loop_test(c, is_killed_in_a_takeover_of_a_request, 0, 18);

    return daemon_run_suite(s);
}
