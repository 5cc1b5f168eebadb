/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table against the hypervisor, when others change what domains have and may have, or take what
 * the pool counts on; and whether a takeover would succeed, as xhs check asks. Over the simulated
 * host.
 */
#include "tests/unit/daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h" /* what another toolstack sets */

#define PAIR "/tool/xhs/pair/shop"

static void begin(void)
{
    daemon_setup();
    fake_speed.boot_ns = 400 * FAKE_MS;
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
    pair_form("shop");
}

/* ---- the audit ---- */

/* xl mem-max, each time the pair sets it right. */
static uint32_t raised;
static uint64_t raised_kb;

static void raise_max(void *arg)
{
    (void)arg;
    if (!raised)
        return;
    sim_find(raised)->max_kb = raised_kb;
    fake_post(d.loop, 100 * FAKE_MS, raise_max, NULL);
}

static unsigned events(const char *text)
{
    struct jval *v = ask_ok(100, "{\"op\":\"events\"}");
    const struct jval *all = json_get(json_get(v, "result"), "events");
    unsigned n = 0;

    for (size_t i = 0; i < json_len(all); i++)
        n += strstr(json_str(json_at(all, i), "text", ""), text) != NULL;
    json_free(v);
    return n;
}

START_TEST(nothing_differs)
{
    ck_assert_str_eq(difference(0), "");
    daemon_run(15 * SECONDS);
    ck_assert_str_eq(difference(0), "");
    ck_assert_uint_eq(d.alerts, 0);
}
END_TEST

/* What somebody raised once is seen, and set right before it is worth an alert. */
START_TEST(a_limit_that_somebody_raised_is_set_right)
{
    uint32_t a = domain_of("shop", 'a');

    d.meddled = true;
    sim_find(a)->max_kb = 1500 * MIB;
    ck_assert_str_eq(difference(0), "");
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(difference(0), "shop-a may have 1500 MiB (maxmem), the table says 1024: "
                     "somebody else raised it");
    daemon_run(3 * SECONDS);
    d.meddled = false;
    ck_assert_uint_le(max_kb(a), ACTIVE_MIB * MIB + HYP_SLACK_KB);
    ck_assert_str_eq(difference(0), "");
    daemon_run(10 * SECONDS);
    ck_assert_uint_eq(d.alerts, 0);
}
END_TEST

START_TEST(a_limit_that_somebody_raises_again_and_again_is_told)
{
    d.meddled = true;
    raised = domain_of("shop", _i == 0 ? 'a' : 'b');
    raised_kb = 1700 * MIB;
    raise_max(NULL);
    daemon_run(9 * SECONDS);
    ck_assert_uint_eq(d.alerts, 0);
    ck_assert_ptr_nonnull(strstr(difference(0), "may have 1700 MiB (maxmem), the table says"));
    ck_assert_str_eq(difference(1), "");
    daemon_run(4 * SECONDS);
    ck_assert_uint_eq(d.alerts, 1);
    ck_assert_ptr_nonnull(strstr(d.alert, "audit: shop-"));
    ck_assert_ptr_nonnull(strstr(d.alert, "may have 1700 MiB"));
    daemon_run(30 * SECONDS);
    ck_assert_uint_eq(d.alerts, 1); /* once */
    ck_assert_uint_eq(events("agrees again"), 0);
    raised = 0;
    daemon_run(5 * SECONDS);
    ck_assert_uint_eq(events("agrees again"), 1);
    ck_assert_str_eq(difference(0), "");
    ck_assert_uint_eq(d.alerts, 1);
    d.meddled = false;
    daemon_run(1 * SECONDS);
    check_rest("shop", 'a');
}
END_TEST

/* Its root takes what it may: more pages than the table says. */
START_TEST(a_guest_that_took_what_somebody_allowed_it_is_told)
{
    uint32_t b = domain_of("shop", 'b');

    d.meddled = true;
    d.extra_kb = 300 * MIB;
    sim_find(b)->max_kb = 460 * MIB;
    fake_guest_greedy(b, true);
    daemon_run(600);
    fake_guest_refuse_balloon(b, true);
    ck_assert_uint_gt(tot_kb(b), 400 * MIB);
    daemon_run(1 * SECONDS);
    ck_assert_ptr_nonnull(strstr(difference(0), "shop-b has 4"));
    ck_assert_ptr_nonnull(strstr(difference(0), "the table says 160"));
    daemon_run(12 * SECONDS);
    ck_assert_uint_ge(d.alerts, 1);
    fake_guest_greedy(b, false);
    fake_guest_refuse_balloon(b, false);
    daemon_run(5 * SECONDS);
    d.meddled = false;
    d.extra_kb = 0;
    ck_assert_str_eq(difference(0), "");
    ck_assert_uint_ge(events("agrees again"), 1);
    daemon_run(1 * SECONDS);
    check_rest("shop", 'a');
}
END_TEST

/* HOST_MIB less shop's and the reserve is free: 2016; the pool counts on 1248 of it. */
START_TEST(memory_that_another_toolstack_took_is_missed)
{
    static const uint8_t uuid[16] = { 7 };
    uint32_t other;

    d.extra_kb = 1000 * MIB;
    other = fake_stranger("other", uuid, 1000 * MIB);
    ck_assert_uint_ne(other, 0);
    daemon_run(1 * SECONDS);
    ck_assert_str_eq(difference(0), "the host has 1016 MiB free and unclaimed, the pool counts on "
                     "1248: 232 MiB are in other hands");
    ck_assert_str_eq(difference(1), "");
    daemon_run(8 * SECONDS);
    ck_assert_uint_eq(d.alerts, 0);
    daemon_run(3 * SECONDS);
    ck_assert_uint_eq(d.alerts, 1);
    ck_assert_ptr_nonnull(strstr(d.alert, "audit: the host has 1016 MiB"));
    daemon_run(30 * SECONDS);
    ck_assert_uint_eq(d.alerts, 1);
    fake_xl_destroy(other);
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(events("agrees again"), 1);
    ck_assert_str_eq(difference(0), "");
}
END_TEST

START_TEST(memory_that_is_on_its_way_is_not_missed)
{
    struct agent_job j = { .name = "db", .kb = 700 * MIB, .ask_kb = 700 * MIB, .plain = true };

    agent_has("shop-a", &j);
    fake_guest_balloon_rate(domain_of("shop", 'a'), 30);
    job_asks("shop-a", "db");
    for (int i = 0; i < 8; i++) { /* 24 s */
        daemon_run(3 * SECONDS);
        ck_assert_str_eq(difference(1), ""); /* but the domain itself */
    }
    ck_assert_str_eq(key(PAIR "/job/db@a/state"), "running");
    ck_assert_str_eq(difference(0), "");
    ck_assert_uint_le(d.alerts, 1);
}
END_TEST

START_TEST(only_who_is_asked_for_is_looked_at)
{
    struct jval *v;

    pair_create(pair_file("mail", "memory = 512\nstandby_memory = 128\nmax_memory = 1024"));
    daemon_run(1 * SECONDS);
    d.meddled = true;
    sim_find(domain_of("shop", 'a'))->max_kb = 1500 * MIB;
    daemon_run(1 * SECONDS);
    v = ask_ok(100, "{\"op\":\"table\",\"pair\":\"mail\",\"audit\":true}");
    ck_assert_uint_eq(json_len(json_get(json_get(v, "result"), "differences")), 0);
    json_free(v);
    v = ask_ok(100, "{\"op\":\"table\",\"pair\":\"shop\",\"audit\":true}");
    ck_assert_uint_eq(json_len(json_get(json_get(v, "result"), "differences")), 1);
    json_free(v);
    v = ask_ok(100, "{\"op\":\"table\"}");
    ck_assert_ptr_null(json_get(json_get(v, "result"), "differences"));
    json_free(v);
}
END_TEST

/* ---- check ---- */

static struct jval *answer;

/* What check says of the pair. */
static const struct jval *check(const char *pair)
{
    const struct jval *pairs;

    json_free(answer);
    answer = ask_ok(100, "{\"op\":\"check\",\"pair\":\"%s\"}", pair);
    pairs = json_get(json_get(answer, "result"), "pairs");
    ck_assert_uint_eq(json_len(pairs), 1);
    ck_assert_int_eq(json_bool(json_get(answer, "result"), "possible", false),
                     json_bool(json_at(pairs, 0), "possible", true));
    return json_at(pairs, 0);
}

static void end_check(void)
{
    json_free(answer);
    answer = NULL;
    daemon_teardown();
}

static void check_fault(const struct jval *p, size_t n, const char *fault, const char *domain,
                        const char *job, const char *text)
{
    const struct jval *f = json_at(json_get(p, "faults"), n);

    ck_assert_str_eq(json_str(f, "fault", ""), fault);
    ck_assert_str_eq(json_str(f, "domain", ""), domain);
    ck_assert_str_eq(json_str(f, "job", ""), job);
    ck_assert_str_eq(json_str(f, "text", ""), text);
}

START_TEST(every_fault_of_a_protected_pair)
{
    const struct jval *p = check("shop"), *f;

    ck_assert_str_eq(json_str(p, "name", ""), "shop");
    ck_assert_str_eq(json_str(p, "state", ""), "protected");
    ck_assert(json_bool(p, "possible", false));
    ck_assert_uint_eq(json_len(json_get(p, "faults")), 3);
    check_fault(p, 0, "os", "shop-a", "web", "starts on shop-b with 64 of its 128 MiB, 64 of them "
                "from the reserve");
    f = json_at(json_get(p, "faults"), 0);
    ck_assert(json_bool(f, "possible", false));
    ck_assert_int_eq(json_i64(f, "need_kb", 0), ACTIVE_MIB * MIB);
    ck_assert_int_eq(json_i64(f, "have_kb", 0), 1760 * MIB);
    check_fault(p, 1, "os", "shop-b", "", "jobs on shop-a run on; shop-b is built again");
    f = json_at(json_get(p, "faults"), 1);
    ck_assert(json_bool(f, "possible", false));
    ck_assert_int_eq(json_i64(f, "need_kb", 0), STANDBY_MIB * MIB);
    ck_assert_int_eq(json_i64(f, "have_kb", 0), (STANDBY_MIB + RESERVE_MIB) * MIB);
    check_fault(p, 2, "job", "shop-a", "web", "it fails on shop-a and its area is given back: only "
                "a fault of the OS moves a job");
    f = json_at(json_get(p, "faults"), 2);
    ck_assert(json_bool(f, "possible", true) && !json_bool(f, "possible", false)); /* null */
}
END_TEST

START_TEST(a_pair_without_hot_standby_jobs)
{
    const struct jval *p;

    job_stops("shop-a", "web");
    ck_assert(job_until("shop", "web", "stopped", 1 * SECONDS));
    p = check("shop");
    ck_assert(json_bool(p, "possible", false));
    ck_assert_uint_eq(json_len(json_get(p, "faults")), 2);
    check_fault(p, 0, "os", "shop-a", "", "shop-b takes over; no hot-standby job runs");
}
END_TEST

START_TEST(a_plain_job_has_no_fault_of_its_own)
{
    struct agent_job j = { .name = "db", .kb = 200 * MIB, .ask_kb = 200 * MIB, .plain = true };
    const struct jval *p;

    agent_has("shop-b", &j);
    job_asks("shop-b", "db");
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    p = check("shop");
    ck_assert(json_bool(p, "possible", false));
    ck_assert_uint_eq(json_len(json_get(p, "faults")), 3);
    ck_assert_int_eq(json_i64(json_at(json_get(p, "faults"), 0), "need_kb", 0),
                     (ACTIVE_MIB + 200) * MIB);
}
END_TEST

/* As the pair itself says that it is not protected. */
static void check_impossible(const char *state, const char *text)
{
    const struct jval *p = check("shop"), *f = json_at(json_get(p, "faults"), 0);

    ck_assert_str_eq(json_str(p, "state", ""), state);
    ck_assert(!json_bool(p, "possible", true));
    ck_assert_str_eq(json_str(f, "text", ""), text);
    ck_assert(!json_bool(f, "possible", true));
    ck_assert_str_eq(key(PAIR "/reason"), text);
}

START_TEST(too_much_for_the_heir)
{
    struct agent_job j = { .name = "db", .kb = 800 * MIB, .ask_kb = 800 * MIB, .plain = true,
                           .force = true };

    agent_has("shop-b", &j);
    job_asks("shop-b", "db");
    ck_assert(job_until("shop", "db@b", "running", 3 * SECONDS));
    daemon_run(500);
    check_impossible("unprotected", "takeover not possible: 64 MiB short for job web: shop-b would "
                     "need 1824 MiB, max_memory is 1760");
    ck_assert_int_eq(json_i64(json_at(json_get(check("shop"), "faults"), 0), "need_kb", 0),
                     1824 * MIB);
}
END_TEST

START_TEST(no_agent_on_the_heir)
{
    fake_guest_remove(domain_of("shop", 'b'), "data/xhs/agent/version");
    daemon_run(500);
    check_impossible("unprotected", "no agent answers on shop-b");
}
END_TEST

START_TEST(no_definition_on_the_heir)
{
    fake_guest_remove(domain_of("shop", 'b'), "data/xhs/job/web");
    daemon_run(500);
    check_impossible("unprotected", "shop-b has no definition of job web");
}
END_TEST

START_TEST(no_standby)
{
    fake_guest_shutdown(domain_of("shop", 'b'), 0);
    daemon_run(2 * SECONDS);
    check_impossible("unprotected", "shop-b was powered off by its owner: xhs recover shop builds "
                     "it again");
}
END_TEST

START_TEST(a_pair_that_failed_or_was_stopped_has_no_takeover)
{
    const struct jval *p;

    if (_i == 0) {
        fake_guest_refuse_balloon(domain_of("shop", 'b'), true);
        fake_guest_crash(domain_of("shop", 'a'));
    } else {
        fake_guest_shutdown(domain_of("shop", 'a'), 0);
    }
    ck_assert(daemon_until("shop", _i == 0 ? "failed" : "stopped", 20 * SECONDS));
    p = check("shop");
    ck_assert_str_eq(json_str(p, "state", ""), _i == 0 ? "failed" : "stopped");
    ck_assert(!json_bool(p, "possible", true));
    ck_assert_uint_eq(json_len(json_get(p, "faults")), 0);
}
END_TEST

/* In each instant of a takeover there is an answer, and at its end the other way round. */
START_TEST(checked_all_along_a_takeover)
{
    const struct jval *p;

    d.step_ms = 1;
    fake_guest_crash(domain_of("shop", 'a'));
    for (int i = 0; i < 1500; i++)
        check("shop");
    d.step_ms = 5;
    daemon_run(2 * SECONDS);
    p = check("shop");
    ck_assert(json_bool(p, "possible", false));
    check_fault(p, 0, "os", "shop-b", "web", "starts on shop-a with 64 of its 128 MiB, 64 of them "
                "from the reserve");
}
END_TEST

START_TEST(all_pairs_are_checked)
{
    struct jval *v;
    const struct jval *r;

    pair_create(pair_file("mail", "memory = 512\nstandby_memory = 128\nmax_memory = 1024"));
    fake_guest_remove(domain_of("shop", 'b'), "data/xhs/agent/version");
    daemon_run(500);
    v = ask_ok(100, "{\"op\":\"check\"}");
    r = json_get(v, "result");
    ck_assert_uint_eq(json_len(json_get(r, "pairs")), 2);
    ck_assert(!json_bool(r, "possible", true));
    ck_assert(json_bool(json_at(json_get(r, "pairs"), 1), "possible", false));
    json_free(v);
    ask_fails(100, "not-found", "no pair none", "{\"op\":\"check\",\"pair\":\"none\"}");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd's audit and check");
    TCase *c = daemon_case(s, "audit", begin, daemon_teardown, 20);

    tcase_add_test(c, nothing_differs);
    tcase_add_test(c, a_limit_that_somebody_raised_is_set_right);
    tcase_add_loop_test(c, a_limit_that_somebody_raises_again_and_again_is_told, 0, 2);
    tcase_add_test(c, a_guest_that_took_what_somebody_allowed_it_is_told);
    tcase_add_test(c, memory_that_another_toolstack_took_is_missed);
    tcase_add_test(c, memory_that_is_on_its_way_is_not_missed);
    tcase_add_test(c, only_who_is_asked_for_is_looked_at);

    c = daemon_case(s, "check", begin, end_check, 20);
    tcase_add_test(c, every_fault_of_a_protected_pair);
    tcase_add_test(c, a_pair_without_hot_standby_jobs);
    tcase_add_test(c, a_plain_job_has_no_fault_of_its_own);
    tcase_add_test(c, too_much_for_the_heir);
    tcase_add_test(c, no_agent_on_the_heir);
    tcase_add_test(c, no_definition_on_the_heir);
    tcase_add_test(c, no_standby);
    tcase_add_loop_test(c, a_pair_that_failed_or_was_stopped_has_no_takeover, 0, 2);
    tcase_add_test(c, checked_all_along_a_takeover);
    tcase_add_test(c, all_pairs_are_checked);

    return daemon_run_suite(s);
}
