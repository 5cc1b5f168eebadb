/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's takeovers while others take the host's memory, a destroy hangs, or a balloon does
 * not follow: the reserve's claim carries what jobs need, what fits is started, the rest is said.
 * Over the simulated host.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"
#define FREE_MIB (HOST_MIB - ACTIVE_MIB - STANDBY_MIB - RESERVE_MIB)

static const uint8_t filler_uuid[16] = { 0xf1 }, thief_uuid[16] = { 0xf2 };
static uint32_t a, b; /* the domains that the story begins with */

static void begin(void)
{
    daemon_setup();
    fake_speed.boot_ns = 400 * FAKE_MS;
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
    pair_form("shop");
    a = domain_of("shop", 'a');
    b = domain_of("shop", 'b');
}

/* With a second job, db, which needs all of its 300 MiB to start, and comes first. */
static void begin_with_db(void)
{
    static const struct agent_job db = { .name = "db", .kb = 300 * MIB, .priority = 9,
                                         .wait_s = MSG_WAIT_FOREVER };

    begin();
    agent_has("shop-a", &db);
    agent_has("shop-b", &db);
    job_stops("shop-b", "db"); /* so that its line is there */
    job_asks("shop-a", "db");
    ck_assert(job_until("shop", "db", "running", 2 * SECONDS));
    daemon_run(500);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
}

/* Others have all that nobody has claimed, but for a few pages that bodies keep for a while. */
static uint32_t fill_the_host(void)
{
    uint32_t id = fake_stranger("filler", filler_uuid, (FREE_MIB - 4) * MIB);

    ck_assert_uint_ne(id, 0);
    d.extra_kb += FREE_MIB * MIB;
    return id;
}

static void rob(uint64_t mib)
{
    fake_thief(thief_uuid, mib * MIB);
    d.extra_kb += mib * MIB;
}

static bool runs_within(const char *job, int ms)
{
    for (; ms > 0 && job_runs_in("shop", job) != b; ms--)
        daemon_run(1);
    return ms > 0;
}

static void comes_to_rest(void)
{
    ck_assert(daemon_until("shop", "protected", 20 * SECONDS));
    daemon_run(1500);
    check_rest("shop", 'b');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}

static void recover(void)
{
    json_free(ask_ok(20 * SECONDS, "{\"op\":\"recover\",\"pair\":\"shop\"}"));
}

/* ---- the host's memory is gone ---- */

/* At the moment of the crash others take all that is free and not claimed. */
START_TEST(the_reserve_carries_what_the_job_needs)
{
    unsigned alerts = d.alerts;

    fake_guest_crash(a);
    fill_the_host();
    ck_assert(runs_within("web", 200));
    ck_assert_uint_eq(intent_u64("shop", "loan_kb"), 64 * MIB);
    comes_to_rest();
    ck_assert_msg(d.alerts == alerts, "%s", d.alert);
}
END_TEST

/* The next instant, too: nothing that the victim frees arrives. */
START_TEST(starts_what_fits_when_others_take_what_the_victim_frees)
{
    static const char reason[] = "it needs 300 MiB to start, and shop-b has 128 for it";
    uint32_t filler = fill_the_host();

    d.failed_calls = true; /* what is built then fails */
    fake_guest_crash(a);
    daemon_run(2);
    ck_assert_uint_eq(intent_u64("shop", "loan_kb"), RESERVE_MIB * MIB);
    rob(2 * ACTIVE_MIB);
    daemon_run(7 * SECONDS);
    ck_assert_uint_eq(job_runs_in("shop", "web"), 0);
    ck_assert_str_eq(key(PAIR "/job/db/state"), "starting"); /* when its memory has come */
    daemon_run(1500);
    ck_assert_uint_eq(job_runs_in("shop", "web"), b);
    ck_assert_str_eq(key(PAIR "/job/db/state"), "failed");
    ck_assert_str_eq(job_seen("shop-b", "db")->deny_text, reason);
    ck_assert_ptr_nonnull(strstr(d.alert, reason));
    ck_assert_uint_eq(tot_kb(b), (STANDBY_MIB + RESERVE_MIB) * MIB);

    daemon_run(2 * SECONDS); /* and goes on without the rest */
    ck_assert_str_eq(key(PAIR "/state"), "rebuilding");
    ck_assert_str_eq(key(PAIR "/intent"), "");
    fake_xl_destroy(filler);
    fake_xl_destroy(fake_domid(thief_uuid));
    daemon_run(10 * SECONDS);
    if (strcmp(key(PAIR "/state"), "protected") != 0)
        recover();
    comes_to_rest();
    ck_assert_uint_eq(job_starts("shop", "db"), 1);
    job_asks("shop-b", "db"); /* by its guest's administrator */
    ck_assert(job_until("shop", "db", "running", 2 * SECONDS));
    ck_assert_uint_eq(job_runs_in("shop", "db"), b);
}
END_TEST

/* Between the holder's claim and the heir's: the reserve is lost, the takeover is not. */
START_TEST(a_claim_may_be_lost_on_its_way)
{
    fill_the_host();
    rob(RESERVE_MIB);
    daemon_run(10);
    ck_assert_uint_lt(tot_kb(fake_domid(thief_uuid)), 5 * MIB);
    fake_guest_crash(a);
    daemon_run(2);
    ck_assert_uint_gt(tot_kb(fake_domid(thief_uuid)), (RESERVE_MIB - 5) * MIB);
    ck_assert_uint_lt(holder_kb(), RESERVE_MIB * MIB / 2);
    ck_assert(runs_within("web", 300)); /* by what the victim frees */
    daemon_run(1200);
    ck_assert_uint_eq(tot_kb(b), ACTIVE_MIB * MIB);
    ck_assert_ptr_nonnull(strstr(d.alert, "has not the 288 MiB that the reserve should hold"));
    fake_xl_destroy(fake_domid(thief_uuid));
    comes_to_rest();
}
END_TEST

/* With enough free beside it the reserve's claim is not let go before the heir has its own. */
START_TEST(the_reserve_is_not_touched_while_there_is_enough)
{
    fake_stranger("filler", filler_uuid, (FREE_MIB - 100) * MIB);
    d.extra_kb = FREE_MIB * MIB;
    fake_guest_crash(a);
    for (int i = 0; i < 300; i++) {
        daemon_run(1);
        ck_assert_uint_ge(holder_kb(), (RESERVE_MIB - 64) * MIB);
    }
    ck_assert_uint_eq(job_runs_in("shop", "web"), b);
    comes_to_rest();
}
END_TEST

/* ---- a destroy hangs ---- */

static unsigned cleanups;

static void hangs_with(uint64_t mib)
{
    fake_destroy_hangs(a, mib * MIB);
    cleanups = fake_calls(FAKE_DOM_DESTROY);
    d.alerts = 0;
    fake_guest_crash(a);
}

START_TEST(goes_on_with_what_a_destroy_has_freed)
{
    uint64_t freed_mib = _i == 0 ? 0 : 512;

    fill_the_host();
    hangs_with(ACTIVE_MIB - freed_mib);
    ck_assert(runs_within("web", 200)); /* of the reserve */
    daemon_run(4500);
    ck_assert_uint_eq(d.alerts, 0);
    ck_assert_uint_eq(tot_kb(b), (STANDBY_MIB + 64 + freed_mib) * MIB);
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(d.alerts, 1);
    ck_assert_str_eq(d.alert, _i == 0 ? "shop-a is being destroyed for more than 5 s, and still "
                                        "has 1024 MiB: shop-b grows on from what is free"
                                      : "shop-a is being destroyed for more than 5 s, and still "
                                        "has 512 MiB: shop-b grows on from what is free");
    fake_destroy_hangs(a, 256 * MIB); /* a little more */
    daemon_run(3 * SECONDS);
    ck_assert_uint_eq(tot_kb(b), (STANDBY_MIB + 64 + 768) * MIB);
    daemon_run(30 * SECONDS);
    ck_assert_uint_eq(fake_calls(FAKE_DOM_DESTROY), cleanups);
    ck_assert_str_eq(key(PAIR "/state"), "rebuilding");
    ck_assert_uint_eq(job_runs_in("shop", "web"), b);
    fake_destroy_hangs(a, 0);
    comes_to_rest();
}
END_TEST

START_TEST(fails_without_a_reserve_and_is_recovered_after_the_destroy)
{
    daemon_kill();
    xhs_cfg("pool = 2560\nreserve = 0\n");
    daemon_start();
    daemon_run(500);
    fake_stranger("filler", filler_uuid, (FREE_MIB + RESERVE_MIB - 4) * MIB);
    d.extra_kb = HOST_MIB * MIB;
    hangs_with(ACTIVE_MIB);
    ck_assert(daemon_until("shop", "failed", 11 * SECONDS));
    ck_assert_str_eq(key(PAIR "/reason"),
                     "shop-b has 160 of the 224 MiB that it needs to start its first job, 64 MiB "
                     "short: free memory on the host, then xhs recover shop");
    daemon_run(20 * SECONDS);
    ck_assert_uint_eq(fake_calls(FAKE_DOM_DESTROY), cleanups);
    fake_destroy_hangs(a, 0);
    daemon_run(2 * SECONDS);
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
    recover();
    comes_to_rest();
}
END_TEST

/* The next daemon destroys it anew, and the same hangs. */
START_TEST(another_daemon_finds_a_destroy_that_hangs)
{
    hangs_with(512);
    daemon_run(_i);
    daemon_kill();
    daemon_start();
    ck_assert(runs_within("web", 500));
    daemon_run(6 * SECONDS);
    ck_assert_ptr_nonnull(strstr(d.alert, "still has 512 MiB"));
    ck_assert_uint_eq(fake_calls(FAKE_DOM_DESTROY), cleanups);
    fake_destroy_hangs(a, 0);
    comes_to_rest();
}
END_TEST

/* ---- a balloon does not follow ---- */

START_TEST(asks_the_agent_when_the_balloon_does_not_hear)
{
    fake_guest_deaf(b, true);
    fake_guest_crash(a);
    daemon_run(5500);
    ck_assert_uint_eq(tot_kb(b), STANDBY_MIB * MIB);
    ck_assert(runs_within("web", 2000));
    ck_assert_ptr_nonnull(strstr(d.alert, "its agent is asked to set the balloon's target"));
    comes_to_rest();
}
END_TEST

START_TEST(says_what_was_tried_with_a_balloon_that_nothing_moves)
{
    fake_guest_refuse_balloon(b, true);
    fake_guest_crash(a);
    ck_assert(daemon_until("shop", "failed", 12 * SECONDS));
    ck_assert_ptr_nonnull(strstr(key(PAIR "/reason"), "64 MiB short; its target was set "));
    ck_assert_ptr_nonnull(strstr(key(PAIR "/reason"), " times more, its agent asked to set it"));
    fake_guest_refuse_balloon(b, false);
    recover();
    comes_to_rest();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd, scarce memory");
    TCase *c = daemon_case(s, "gone", begin, daemon_teardown, 20);

    tcase_add_test(c, the_reserve_carries_what_the_job_needs);
    tcase_add_test(c, a_claim_may_be_lost_on_its_way);
    tcase_add_test(c, the_reserve_is_not_touched_while_there_is_enough);

    c = daemon_case(s, "two jobs", begin_with_db, daemon_teardown, 20);
    tcase_add_test(c, starts_what_fits_when_others_take_what_the_victim_frees);

    c = daemon_case(s, "hangs", begin, daemon_teardown, 20);
    tcase_add_loop_test(c, goes_on_with_what_a_destroy_has_freed, 0, 2);
    tcase_add_test(c, fails_without_a_reserve_and_is_recovered_after_the_destroy);
    tcase_add_loop_test(c, another_daemon_finds_a_destroy_that_hangs, 1, 4);
    tcase_add_test(c, asks_the_agent_when_the_balloon_does_not_hear);
    tcase_add_test(c, says_what_was_tried_with_a_balloon_that_nothing_moves);

    return daemon_run_suite(s);
}
