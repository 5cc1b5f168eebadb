/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon when xenstored, the hypervisor or libxl refuse, or the host is too small: it ends
 * rather than act on what it could not store, tries again, or says what is missing. Over the
 * simulated host. XHS_TEST_STEP_MS in the environment: every call fails once, not every third.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"

static char active;
static unsigned starts;

static void begin(void)
{
    daemon_setup();
    fake_speed.boot_ns = 400 * FAKE_MS;
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
    active = 'a';
}

static void begin_with_shop(void)
{
    begin();
    pair_form("shop");
    starts = 1;
    d.failed_calls = true;
}

static char other(char member)
{
    return member == 'a' ? 'b' : 'a';
}

/* Runs, and starts another daemon whenever one ends, until the pair is at rest. */
static void comes_to_rest(const char *what, unsigned n, char member, unsigned more)
{
    for (int i = 0; i < 1000; i++) {
        if (!daemon_run(20)) {
            ck_assert_int_eq(d.status, 1);
            daemon_start();
        }
        if (strcmp(key(PAIR "/state"), "protected") == 0 && key(PAIR "/intent")[0] == '\0' &&
            strcmp(key(PAIR "/job/web/state"), "running") == 0 &&
            holder_kb() == RESERVE_MIB * MIB)
            break;
    }
    daemon_run(200);
    fprintf(stderr, "%s %u: %s %s\n", what, n, key(PAIR "/state"), d.error);
    check_rest("shop", member);
    ck_assert_uint_eq(job_starts("shop", "web") - starts, more);
    starts += more;
    active = member;
}

/* ---- any one call fails ---- */

static const struct {
    enum fake_call call;
    const char *name;
} calls[] = {
    { FAKE_STORE_APPLY, "apply" }, { FAKE_STORE_WRITE, "write" }, { FAKE_STORE_READ, "read" },
    { FAKE_STORE_LIST, "list" },   { FAKE_STORE_WATCH, "watch" }, { FAKE_HYP_LIST, "hyp list" },
    { FAKE_HYP_GET, "get" },       { FAKE_HYP_FENCE, "fence" },   { FAKE_HYP_SET_MAX, "max" },
    { FAKE_HYP_CLAIM, "claim" },   { FAKE_HYP_HOLD, "hold" },     { FAKE_HYP_MEMORY, "memory" },
    { FAKE_DOM_CREATE, "create" }, { FAKE_DOM_DESTROY, "destroy" },
    { FAKE_DOM_ADOPT, "adopt" },   { FAKE_DOM_FIND, "find" },
    { FAKE_WORKER_DESTROY, "worker" },
};
#define CALLS ((int)(sizeof calls / sizeof calls[0]))

static unsigned call_step(void)
{
    return getenv("XHS_TEST_STEP_MS") ? 1 : 3;
}

/* The n-th such call from now on fails, once, while the fault is dealt with. */
static bool one_fails(enum fake_call call, unsigned n)
{
    unsigned before = fake_calls(call);

    if (call == FAKE_HYP_CLAIM) /* the holder may hold on for a while to what is being built with */
        d.extra_kb = STANDBY_MIB * MIB;
    fake_fail(call, n, 1);
    for (int i = 0; i < 60 && daemon_run(50); i++)
        ;
    fake_fail(call, 0, 0);
    if (!d.host) {
        ck_assert_int_eq(d.status, 1);
        daemon_start();
    }
    return fake_calls(call) - before > n;
}

START_TEST(any_call_of_a_takeover_may_fail_once)
{
    bool failed = true;

    for (unsigned n = 0; failed && n < 150; n += call_step()) {
        fake_guest_crash(domain_of("shop", active));
        failed = one_fails(calls[_i].call, n);
        comes_to_rest(calls[_i].name, n, other(active), 1);
    }
}
END_TEST

START_TEST(any_call_of_a_rebuild_may_fail_once)
{
    bool failed = true;

    for (unsigned n = 0; failed && n < 60; n += call_step()) {
        fake_guest_crash(domain_of("shop", other(active)));
        failed = one_fails(calls[_i].call, n);
        comes_to_rest(calls[_i].name, n, active, 0);
    }
}
END_TEST

/* A daemon that cannot read what is stored must not begin as if there was nothing. */
START_TEST(any_call_of_a_start_may_fail_once)
{
    bool failed = true;

    for (unsigned n = 0; failed && n < 150; n += call_step()) {
        struct xhs_error err = { 0 };
        unsigned before;

        fake_guest_crash(domain_of("shop", active));
        daemon_run(77);
        daemon_kill();
        before = fake_calls(calls[_i].call);
        fake_fail(calls[_i].call, n, 1);
        if (daemon_try_start(&err) != 0)
            daemon_start();
        failed = fake_calls(calls[_i].call) - before > n;
        fake_fail(calls[_i].call, 0, 0);
        comes_to_rest(calls[_i].name, n, other(active), 1);
    }
}
END_TEST

/* ---- xenstored ---- */

START_TEST(ends_rather_than_act_on_what_is_not_stored)
{
    uint32_t b = domain_of("shop", 'b');
    unsigned version = key_u64(PAIR "/version");
    struct xhs_error err = { 0 };

    fake_fail(FAKE_STORE_APPLY, 0, 1000);
    fake_fail(FAKE_STORE_WRITE, 0, 1000);
    fake_guest_crash(domain_of("shop", 'a'));
    ck_assert(!daemon_run(10));
    ck_assert_int_eq(d.status, 1);
    ck_assert_int_eq(daemon_try_start(&err), -1);
    /* The fence is no act of the kind: what it makes sure of is so, whoever asks. */
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", b), "");
    ck_assert_uint_eq(fake_calls(FAKE_WORKER_DESTROY), 0);
    ck_assert_uint_eq(key_u64(PAIR "/version"), version);
    ck_assert_uint_eq(max_kb(b), STANDBY_MIB * MIB + HYP_SLACK_KB);
    fake_fail(FAKE_STORE_APPLY, 0, 0);
    fake_fail(FAKE_STORE_WRITE, 0, 0);
    daemon_start();
    comes_to_rest("apply", 0, 'b', 1);
}
END_TEST

START_TEST(ends_when_xenstored_does_not_answer)
{
    fake_fail(FAKE_STORE_ALIVE, 0, 1);
    ck_assert(!daemon_run(2 * SECONDS));
    ck_assert_int_eq(d.status, 1);
    daemon_start();
    comes_to_rest("alive", 0, 'a', 0);
}
END_TEST

/* ---- the hypervisor ---- */

START_TEST(hands_nothing_over_without_a_confirmed_fence)
{
    uint32_t b = domain_of("shop", 'b');

    fake_fail(FAKE_HYP_FENCE, 0, 100000);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(9 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "fencing");
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "failed");
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
    ck_assert_uint_eq(max_kb(b), STANDBY_MIB * MIB + HYP_SLACK_KB);
    fake_fail(FAKE_HYP_FENCE, 0, 0);
    json_free(ask_ok(20 * SECONDS, "{\"op\":\"recover\",\"pair\":\"shop\"}"));
    comes_to_rest("fence", 0, 'b', 1);
}
END_TEST

START_TEST(never_takes_a_failed_look_for_a_death)
{
    fake_fail(FAKE_HYP_LIST, 0, 1000);
    daemon_run(5 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    fake_fail(FAKE_HYP_LIST, 0, 0);
    comes_to_rest("list", 0, 'a', 0);
}
END_TEST

START_TEST(says_what_is_missing_when_nothing_can_be_claimed)
{
    fake_fail(FAKE_HYP_CLAIM, 1, 1000000); /* the holder gives its claim up for the loan */
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(12 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "failed");
    ck_assert_ptr_nonnull(strstr(key(PAIR "/reason"), "64 MiB short"));
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
    fake_fail(FAKE_HYP_CLAIM, 0, 0);
    json_free(ask_ok(20 * SECONDS, "{\"op\":\"recover\",\"pair\":\"shop\"}"));
    comes_to_rest("claim", 0, 'b', 1);
}
END_TEST

START_TEST(frees_late_what_cannot_be_freed_early)
{
    fake_fail(FAKE_WORKER_DESTROY, 0, 1000);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b')); /* of the loan */
    comes_to_rest("worker", 0, 'b', 1);
}
END_TEST

/* ---- libxl ---- */

static void recover(void)
{
    json_free(ask_ok(20 * SECONDS, "{\"op\":\"recover\",\"pair\":\"shop\"}"));
}

START_TEST(gives_a_standby_up_that_cannot_be_built)
{
    unsigned builds = fake_calls(FAKE_DOM_CREATE);

    fake_fail(FAKE_DOM_CREATE, 0, 3);
    fake_guest_crash(domain_of("shop", 'b'));
    daemon_run(20 * SECONDS);
    ck_assert_uint_eq(fake_calls(FAKE_DOM_CREATE) - builds, 3);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_ptr_nonnull(strstr(key(PAIR "/reason"), "shop-b is not built: DOM_CREATE failed"));
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'a'));
    recover();
    comes_to_rest("create", 3, 'a', 0);
}
END_TEST

START_TEST(takes_over_and_then_cannot_build_a_standby)
{
    fake_fail(FAKE_DOM_CREATE, 0, 3);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(20 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
    fake_guest_crash(domain_of("shop", 'b')); /* nobody else is there: in place */
    comes_to_rest("create", 3, 'b', 2);
}
END_TEST

START_TEST(tries_a_clean_up_again_and_again)
{
    fake_fail(FAKE_DOM_DESTROY, 0, 5);
    fake_guest_crash(domain_of("shop", 'a'));
    comes_to_rest("destroy", 5, 'b', 1);
    ck_assert_uint_eq(keys_below("/libxl"), 2);
}
END_TEST

START_TEST(undoes_a_pair_that_cannot_be_formed)
{
    d.failed_calls = true;
    fake_fail(FAKE_DOM_CREATE, 1, 3); /* one member's first build works */
    ask_fails(30 * SECONDS, "xen", "could not be formed",
              "{\"op\":\"create\",\"file\":\"%s\"}", pair_file("shop", NULL));
    daemon_run(1 * SECONDS);
    check_book();
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
    ck_assert_uint_eq(keys_below("/libxl"), 0);
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    check_forget();
    fake_fail(FAKE_DOM_CREATE, 0, 0);
    pair_form("shop");
}
END_TEST

START_TEST(does_not_build_beside_a_stranger_of_the_same_name)
{
    static const uint8_t uuid[16] = { 0xbe, 0xef };
    uint32_t stranger = fake_stranger("shop-b", uuid, 64 * MIB);

    d.extra_kb = 65 * MIB;
    fake_guest_crash(domain_of("shop", 'b'));
    daemon_run(15 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_ptr_nonnull(strstr(key(PAIR "/reason"), "xhs did not make it"));
    ck_assert(domain_lives(stranger));
    fake_xl_destroy(stranger);
    recover();
    comes_to_rest("name", 0, 'a', 0);
}
END_TEST

START_TEST(does_not_build_beside_a_stranger_of_the_same_uuid)
{
    uint8_t uuid[16];
    const char *text = key(PAIR "/member/b/uuid");
    uint32_t stranger;

    for (int i = 0; i < 16; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(text, "%2x", &byte), 1);
        uuid[i] = (uint8_t)byte;
        text += 2 + (text[2] == '-');
    }
    fake_fail(FAKE_DOM_CREATE, 0, 3);
    fake_guest_crash(domain_of("shop", 'b'));
    daemon_run(15 * SECONDS);
    d.extra_kb = 65 * MIB;
    stranger = fake_stranger("other", uuid, 64 * MIB);
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_ptr_nonnull(strstr(d.alert, "has the uuid of shop-b, and xhs did not make it"));
    recover();
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert(domain_lives(stranger));
    fake_xl_destroy(stranger);
    daemon_run(2 * SECONDS);
    recover();
    comes_to_rest("uuid", 0, 'a', 0);
}
END_TEST

START_TEST(warns_of_an_xl_that_would_act_as_well)
{
    daemon_kill();
    fake_xl_monitor("shop-a", true);
    daemon_start();
    ck_assert_uint_eq(d.alerts, 1);
    ck_assert_ptr_nonnull(strstr(d.alert, "an xl process waits for the end of shop-a"));
    fake_xl_monitor("shop-a", false);
}
END_TEST

/* ---- memory ---- */

/* Others have taken what the host has beside the pair and the reserve; but for 4 MiB, as a body that
 * is not yet cleaned up keeps a few pages. */
static uint32_t fill_the_host(void)
{
    static const uint8_t uuid[16] = { 0xf1 };
    uint64_t kb = (HOST_MIB - ACTIVE_MIB - STANDBY_MIB - RESERVE_MIB - 4) * MIB;
    uint32_t stranger = fake_stranger("filler", uuid, kb);

    ck_assert_uint_ne(stranger, 0);
    d.extra_kb = kb + HYP_SLACK_KB;
    d.failed_calls = false;
    return stranger;
}

START_TEST(needs_no_more_than_it_has)
{
    fill_the_host();
    switch (_i) {
    case 0:
        fake_guest_crash(domain_of("shop", 'a'));
        comes_to_rest("full, active", 0, 'b', 1);
        break;
    case 1:
        fake_guest_crash(domain_of("shop", 'b'));
        comes_to_rest("full, standby", 0, 'a', 0);
        break;
    case 2:
        fake_guest_crash(domain_of("shop", 'a'));
        fake_guest_crash(domain_of("shop", 'b'));
        comes_to_rest("full, both", 0, 'a', 1);
        break;
    case 3:
        fake_guest_shutdown(domain_of("shop", 'a'), 1);
        comes_to_rest("full, reboot", 0, 'a', 1);
        break;
    case 4:
        fake_guest_crash(domain_of("shop", 'a'));
        daemon_run(500);
        fake_guest_crash(domain_of("shop", 'b'));
        comes_to_rest("full, heir", 0, 'b', 2);
        break;
    }
    ck_assert_msg(d.alerts == 0, "%u alerts, the last: %s", d.alerts, d.alert);
}
END_TEST

START_TEST(says_so_when_others_take_what_the_victim_had)
{
    static const uint8_t uuid[16] = { 0xf2 };
    uint32_t filler = fill_the_host(), thief = 0;

    d.failed_calls = true;
    fake_guest_crash(domain_of("shop", 'a'));
    for (int i = 0; i < 60; i++) { /* between the hypervisor's freeing it and the next claim */
        d.extra_kb += 8 * MIB;
        fake_stranger("thief", uuid, 8 * MIB);
        daemon_run(5);
    }
    (void)thief;
    daemon_run(30 * SECONDS);
    fprintf(stderr, "%s: %s; %s\n", key(PAIR "/state"), key(PAIR "/reason"), d.alert);
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_uint_gt(d.alerts, 0);
    fake_xl_destroy(filler);
    daemon_run(5 * SECONDS);
    recover();
    comes_to_rest("stolen", 0, 'b', 1);
}
END_TEST

START_TEST(says_once_that_the_reserve_is_short)
{
    static const uint8_t uuid[16] = { 0xf3 };
    uint32_t stranger;

    daemon_kill();
    daemon_run(10);
    d.extra_kb = HOST_MIB * MIB;
    stranger = fake_stranger("filler", uuid, (HOST_MIB - 128) * MIB); /* the holder's claim stays */
    ck_assert_uint_ne(stranger, 0);
    xhs_cfg("pool = 2560\nreserve = 256\n");
    daemon_start();
    daemon_run(5 * SECONDS);
    ck_assert_uint_eq(d.alerts, 1);
    ck_assert_ptr_nonnull(strstr(d.alert, "has not the 256 MiB that the reserve should hold"));
    fake_xl_destroy(stranger);
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(holder_kb(), 256 * MIB);
    ck_assert_uint_eq(d.alerts, 1);
}
END_TEST

/* A pool without unused memory; the standby boots with more than it owns; both are down. */
START_TEST(holds_what_waits_for_both_members)
{
    d.extra_kb = 96 * MIB;
    xhs_cfg("pool = 1312\nreserve = 128\n");
    daemon_kill();
    daemon_start();
    pair_create(pair_file("shop", "memory = 1024\nstandby_memory = 160\nmax_memory = 2816"));
    daemon_run(500);
    fake_guest_crash(domain_of("shop", 'a'));
    fake_guest_crash(domain_of("shop", 'b'));
    daemon_run(15 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    ck_assert_msg(d.alerts == 0, "%u alerts, the last: %s", d.alerts, d.alert);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd, refused");
    TCase *c = daemon_case(s, "once", begin_with_shop, daemon_teardown, 30);

    tcase_add_loop_test(c, any_call_of_a_takeover_may_fail_once, 0, CALLS);
    tcase_add_loop_test(c, any_call_of_a_rebuild_may_fail_once, 0, CALLS);
    tcase_add_loop_test(c, any_call_of_a_start_may_fail_once, 0, CALLS);

    c = daemon_case(s, "ever", begin_with_shop, daemon_teardown, 30);
    tcase_add_test(c, ends_rather_than_act_on_what_is_not_stored);
    tcase_add_test(c, ends_when_xenstored_does_not_answer);
    tcase_add_test(c, hands_nothing_over_without_a_confirmed_fence);
    tcase_add_test(c, never_takes_a_failed_look_for_a_death);
    tcase_add_test(c, says_what_is_missing_when_nothing_can_be_claimed);
    tcase_add_test(c, frees_late_what_cannot_be_freed_early);
    tcase_add_test(c, gives_a_standby_up_that_cannot_be_built);
    tcase_add_test(c, takes_over_and_then_cannot_build_a_standby);
    tcase_add_test(c, tries_a_clean_up_again_and_again);
    tcase_add_test(c, does_not_build_beside_a_stranger_of_the_same_name);
    tcase_add_test(c, does_not_build_beside_a_stranger_of_the_same_uuid);
    tcase_add_test(c, warns_of_an_xl_that_would_act_as_well);
    tcase_add_loop_test(c, needs_no_more_than_it_has, 0, 5);
    tcase_add_test(c, says_so_when_others_take_what_the_victim_had);

    c = daemon_case(s, "no pair yet", begin, daemon_teardown, 30);
    tcase_add_test(c, undoes_a_pair_that_cannot_be_formed);
    tcase_add_test(c, says_once_that_the_reserve_is_short);
    tcase_add_test(c, holds_what_waits_for_both_members);

    return daemon_run_suite(s);
}
