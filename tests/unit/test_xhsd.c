/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon from a pair's file to a takeover and back, as dom0's xenstore, the hypervisor and the
 * control socket show it, over the simulated host. Restarts: test_xhsd_restart.c; what goes wrong:
 * test_xhsd_fail.c.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"

static void begin(void)
{
    daemon_setup();
    daemon_start();
}

static void begin_with_shop(void)
{
    begin();
    pair_form("shop");
}

/* Time enough for any takeover and rebuild; the keys are looked at all the while. */
static void settle(void)
{
    for (int i = 0; i < 50; i++) {
        ck_assert(daemon_run(200));
        check_book();
    }
}

static void crash(char member)
{
    fake_guest_crash(domain_of("shop", member));
}

/* ---- forming ---- */

START_TEST(starts_with_an_empty_book_and_holds_the_reserve)
{
    daemon_run(1);
    ck_assert_str_eq(key("/tool/xhs/format"), "1");
    ck_assert_uint_eq(key_u64("/tool/xhs/host/pool_kb"), POOL_MIB * MIB);
    ck_assert_uint_eq(key_u64("/tool/xhs/host/reserve_kb"), RESERVE_MIB * MIB);
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    ck_assert_str_eq(key("/local/domain/%s/name", key("/tool/xhs/host/holder_domid")),
                     "xhs-reserve");
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
    json_free(ask_ok(10, "{\"op\":\"list\"}"));
}
END_TEST

START_TEST(forms_a_pair_from_its_file)
{
    struct client *c = client_new();

    agent_defines("shop-a", "web", 128 * MIB, 64 * MIB);
    agent_defines("shop-b", "web", 128 * MIB, 64 * MIB);
    client_send(c, "{\"op\":\"create\",\"file\":\"%s\"}", pair_file("shop", NULL));
    ck_assert(daemon_until("shop", "forming", 200));
    check_book();
    ck_assert_uint_eq(domain_of("shop", 'a'), 0);
    daemon_run(700); /* both are built, neither has booted */
    check_book();
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'a')), ACTIVE_MIB * MIB);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), STANDBY_MIB * MIB);
    ck_assert_str_eq(key("/local/domain/%u/xhs/member", domain_of("shop", 'b')), "b");
    ck_assert_uint_eq(key_u64(PAIR "/area/os-a/size_kb"), STANDBY_MIB * MIB);
    ck_assert_uint_eq(key_u64(PAIR "/area/surplus/size_kb"), (ACTIVE_MIB - STANDBY_MIB) * MIB);
    ck_assert_str_eq(key(PAIR "/area/surplus/on_fault"), "b");
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);

    struct jval *v = client_answer(c, 10 * SECONDS);
    ck_assert(json_bool(v, "ok", false));
    ck_assert_str_eq(json_str(json_get(v, "result"), "state", ""), "protected");
    ck_assert_uint_eq(json_len(json_get(json_get(v, "result"), "plan")), 5);
    json_free(v);
    client_free(c);
    daemon_run(500);
    check_rest("shop", 'a');
    ck_assert_uint_eq(key_u64(PAIR "/area/surplus/size_kb"),
                      (ACTIVE_MIB - STANDBY_MIB - 128) * MIB);
    ck_assert_str_eq(key(PAIR "/area/job-web/on_fault"), "b");
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
}
END_TEST

START_TEST(makes_nothing_in_a_dry_run)
{
    struct jval *v = ask_ok(1 * SECONDS, "{\"op\":\"create\",\"file\":\"%s\",\"dry_run\":true}",
                            pair_file("shop", NULL));

    ck_assert_uint_eq(json_len(json_get(json_get(v, "result"), "plan")), 5);
    json_free(v);
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
    ck_assert_uint_eq(fake_calls(FAKE_DOM_CREATE), 0);
}
END_TEST

START_TEST(a_standby_may_boot_with_more_than_it_owns)
{
    d.extra_kb = 96 * MIB; /* 2816 / 11 = 256 */
    pair_create(pair_file("shop", "memory = 1024\nstandby_memory = 160\nmax_memory = 2816"));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), STANDBY_MIB * MIB);
    ck_assert_uint_eq(max_kb(domain_of("shop", 'b')), STANDBY_MIB * MIB + HYP_SLACK_KB);
    crash('a');
    settle();
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'a')), STANDBY_MIB * MIB);
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    ck_assert_uint_eq(d.errors, 0);
}
END_TEST

/* ---- a takeover ---- */

START_TEST(takes_over_step_by_step)
{
    uint32_t a = domain_of("shop", 'a'), b = domain_of("shop", 'b');

    d.step_ms = 1;
    fake_guest_crash(a);
    ck_assert(daemon_until("shop", "moving", 10));
    check_book(); /* fenced, and the memory on its way */
    ck_assert_str_eq(intent("shop", "victim"), "a");
    ck_assert_str_eq(intent("shop", "heir"), "b");
    ck_assert_uint_eq(intent_u64("shop", "loan_kb"), 64 * MIB); /* what web needs to start */
    ck_assert_str_eq(key(PAIR "/job/web/state"), "starting"); /* when it has come */
    ck_assert_uint_eq(owned_kb("shop", "transit"), (ACTIVE_MIB - STANDBY_MIB) * MIB);
    ck_assert_uint_eq(owned_kb("shop", "a"), STANDBY_MIB * MIB);
    ck_assert_uint_eq(holder_kb(), (RESERVE_MIB - 64) * MIB);
    ck_assert_uint_ge(max_kb(b), (STANDBY_MIB + 64) * MIB);

    ck_assert(daemon_until("shop", "starting", 200));
    check_book();
    ck_assert_uint_eq(key_u64(PAIR "/epoch"), 1);
    ck_assert_str_eq(key(PAIR "/area/job-web/owner"), "b");
    ck_assert_str_eq(key(PAIR "/area/surplus/owner"), "transit");
    ck_assert_str_eq(key(PAIR "/job/web/owner"), "b");
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", b), key(PAIR "/job/web/request"));
    ck_assert_uint_eq(job_runs_in("shop", "web"), 0);

    ck_assert(daemon_until("shop", "rebuilding", 200));
    check_book();
    ck_assert_uint_eq(job_runs_in("shop", "web"), b);
    for (int i = 0; i < 200 && key(PAIR "/intent")[0]; i++)
        daemon_run(10); /* until all memory has arrived; nothing is built yet */
    check_book();
    ck_assert_str_eq(key(PAIR "/intent"), "");
    ck_assert_uint_eq(key_u64(PAIR "/epoch"), 2);
    ck_assert_uint_eq(owned_kb("shop", "b"), ACTIVE_MIB * MIB);
    ck_assert_uint_eq(tot_kb(b), ACTIVE_MIB * MIB);
    ck_assert_uint_eq(holder_kb(), (RESERVE_MIB + STANDBY_MIB) * MIB);

    settle();
    check_rest("shop", 'b');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
    ck_assert_uint_ne(domain_of("shop", 'a'), a);
    ck_assert_uint_eq(domain_of("shop", 'b'), b);
    ck_assert_str_eq(key(PAIR "/area/job-web/on_fault"), "a");
}
END_TEST

/* xenstored takes its time for the table: nobody waits for that. Killed by then, or not. */
START_TEST(takes_over_while_the_table_is_behind)
{
    uint32_t b = domain_of("shop", 'b');

    fake_speed.writer_ns = 60 * SECONDS * FAKE_MS;
    crash('a');
    daemon_run(400);
    ck_assert_uint_eq(job_runs_in("shop", "web"), b);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_str_eq(key(PAIR "/area/surplus/owner"), "a");
    if (_i == 1) {
        daemon_kill();
        daemon_start();
    }
    settle(); /* it is written at last when all memory has moved, before what comes then */
    check_rest("shop", 'b');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

START_TEST(takes_over_and_back_again_and_again)
{
    for (unsigned i = 1; i <= 6; i++) {
        char active = i % 2 ? 'a' : 'b', heir = i % 2 ? 'b' : 'a';
        crash(active);
        ck_assert(daemon_run(8 * SECONDS));
        check_rest("shop", heir);
        ck_assert_uint_eq(job_starts("shop", "web"), i + 1);
        ck_assert_uint_eq(key_u64(PAIR "/epoch"), 2 * i);
    }
}
END_TEST

/* What others do to the active ends it as well: no crash, but no will of its owner's either. */
static void ends_otherwise(void (*end)(uint32_t domid))
{
    end(domain_of("shop", 'a'));
    settle();
    if (!getenv("XHS_TEST_STRICT")) /* the core takes 10 s too long: victim_had_kb of a dying body */
        settle();
    check_rest("shop", 'b');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}

START_TEST(takes_over_from_a_domain_that_an_operator_destroyed)
{
    ends_otherwise(fake_xl_destroy);
}
END_TEST

START_TEST(takes_over_from_a_domain_that_was_destroyed_without_clean_up)
{
    ends_otherwise(fake_raw_destroy);
}
END_TEST

START_TEST(finds_a_death_that_no_watch_told_of)
{
    uint32_t a = domain_of("shop", 'a');

    fake_clock_jump(d.loop, 1); /* nothing is due, nothing is delivered */
    fake_guest_crash(a);
    daemon_run(3 * SECONDS);
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
}
END_TEST

START_TEST(a_starved_host_is_no_fault_of_its_guests)
{
    fake_clock_jump(d.loop, 200 * 1000 * FAKE_MS);
    daemon_run(5 * SECONDS);
    check_rest("shop", 'a');
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
}
END_TEST

START_TEST(a_greedy_guest_gets_no_more_than_what_it_owns)
{
    uint32_t b = domain_of("shop", 'b');

    fake_guest_greedy(b, true);
    daemon_run(3 * SECONDS);
    ck_assert_uint_le(tot_kb(b), STANDBY_MIB * MIB + HYP_SLACK_KB);
    crash('a');
    for (int i = 0; i < 900; i++) {
        daemon_run(10);
        ck_assert_uint_le(tot_kb(b), owned_kb("shop", "b") + owned_kb("shop", "transit") +
                                         HYP_SLACK_KB);
    }
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
}
END_TEST

/* ---- faults without a takeover ---- */

START_TEST(rebuilds_a_standby)
{
    uint32_t a = domain_of("shop", 'a');

    crash('b');
    daemon_run(10);
    ck_assert_str_eq(key(PAIR "/state"), "rebuilding");
    settle();
    check_rest("shop", 'a');
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
    ck_assert_uint_eq(domain_of("shop", 'a'), a);
}
END_TEST

START_TEST(restarts_in_place_without_an_heir)
{
    crash('b');
    daemon_run(1 * SECONDS);
    crash('a');
    settle();
    check_rest("shop", 'a');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

START_TEST(restarts_in_place_when_both_die_at_once)
{
    crash('a');
    crash('b');
    settle();
    check_rest("shop", 'a');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

/* At each of these ms of the takeover the heir dies too. */
static const int heir_dies_at[] = { 1, 30, 76, 90, 130, 500, 900, 2000 };

START_TEST(survives_an_heir_that_dies_in_a_takeover)
{
    crash('a');
    daemon_run(heir_dies_at[_i]);
    crash('b');
    settle();
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    check_rest("shop", key(PAIR "/job/web/owner")[0]);
    ck_assert_uint_le(job_starts("shop", "web"), 3);
}
END_TEST

START_TEST(builds_a_member_again_that_reboots_itself)
{
    fake_guest_shutdown(domain_of("shop", 'a'), 1);
    settle();
    check_rest("shop", 'a');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
    fake_guest_shutdown(domain_of("shop", 'b'), 1);
    settle();
    check_rest("shop", 'a');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

START_TEST(leaves_a_standby_off_that_its_owner_powered_off)
{
    fake_guest_shutdown(domain_of("shop", 'b'), 0);
    settle();
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_ptr_nonnull(strstr(key(PAIR "/reason"), "powered off by its owner"));
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
    json_free(ask_ok(20 * SECONDS, "{\"op\":\"recover\",\"pair\":\"shop\"}"));
    daemon_run(500);
    check_rest("shop", 'a');
}
END_TEST

START_TEST(stops_when_the_owner_powers_the_active_off)
{
    fake_guest_shutdown(domain_of("shop", 'a'), 0);
    settle();
    ck_assert_str_eq(key(PAIR "/state"), "stopped");
    ck_assert_uint_eq(domain_of("shop", 'a') + domain_of("shop", 'b'), 0);
    ck_assert_uint_eq(job_runs_in("shop", "web"), 0);
    pair_create(pair_file("shop", NULL)); /* and again */
    daemon_run(500);
    check_rest("shop", 'a');
}
END_TEST

START_TEST(goes_on_after_an_operators_pause)
{
    uint32_t b = domain_of("shop", 'b');

    fake_pause(b, true);
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    fake_pause(b, false);
    daemon_run(2 * SECONDS);
    check_rest("shop", 'a');
    ck_assert_uint_eq(domain_of("shop", 'b'), b);
}
END_TEST

/* ---- jobs ---- */

START_TEST(gives_the_area_of_a_job_that_ended_back)
{
    job_ends("shop", "web", _i == 0);
    daemon_run(200);
    check_book();
    ck_assert_str_eq(key(PAIR "/job/web/state"), _i == 0 ? "stopped" : "failed");
    ck_assert_uint_eq(key_u64(PAIR "/job/web/request"), 0);
    ck_assert_str_eq(key(PAIR "/area/job-web/size_kb"), "");
    ck_assert_uint_eq(key_u64(PAIR "/area/surplus/size_kb"), (ACTIVE_MIB - STANDBY_MIB) * MIB);
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", domain_of("shop", 'a')), "");
    crash('a'); /* it is over: nothing to move, and not to be started there by the takeover */
    daemon_run(60);
    ck_assert_uint_eq(job_starts("shop", "web"), 1);
    settle();
    ck_assert_str_eq(key(PAIR "/state"), "protected");
}
END_TEST

/* ---- the end ---- */

START_TEST(leaves_nothing_of_a_destroyed_pair)
{
    char file[96];

    json_free(ask_ok(10 * SECONDS, "{\"op\":\"destroy\",\"pair\":\"shop\"}"));
    daemon_run(10);
    check_book();
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
    ck_assert_uint_eq(keys_below("/libxl"), 0);
    ck_assert_uint_eq(keys_below("/vm"), 0);
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    snprintf(file, sizeof file, "%s/run/shop", d.dir);
    ck_assert_int_eq(remove(file), -1);
    check_forget();
    daemon_run(2 * SECONDS);
    pair_create(pair_file("shop", NULL));
    daemon_run(500);
    check_rest("shop", 'a');
}
END_TEST

/* ---- two pairs ---- */

#define SMALL "memory = 512\nstandby_memory = 128\nmax_memory = 1024"

static void begin_with_two(void)
{
    begin_with_shop();
    agent_defines("mail-a", "imap", 96 * MIB, 96 * MIB);
    agent_defines("mail-b", "imap", 96 * MIB, 96 * MIB);
    pair_create(pair_file("mail", SMALL));
    daemon_run(500);
}

static void check_mail(char active, unsigned starts)
{
    char other = active == 'a' ? 'b' : 'a';

    ck_assert_str_eq(key("/tool/xhs/pair/mail/state"), "protected");
    ck_assert_uint_eq(tot_kb(domain_of("mail", active)), 512 * MIB);
    ck_assert_uint_eq(tot_kb(domain_of("mail", other)), 128 * MIB);
    ck_assert_uint_eq(job_runs_in("mail", "imap"), domain_of("mail", active));
    ck_assert_uint_eq(job_starts("mail", "imap"), starts);
}

START_TEST(a_second_pair_is_no_business_of_the_first)
{
    check_mail('a', 1);
    crash('a');
    settle();
    check_rest("shop", 'b');
    check_mail('a', 1);
    fake_guest_crash(domain_of("mail", 'a'));
    settle();
    check_mail('b', 2);
    check_rest("shop", 'b');
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

START_TEST(two_takeovers_share_the_reserve)
{
    crash('a');
    fake_guest_crash(domain_of("mail", 'a'));
    daemon_run(2);
    ck_assert_uint_eq(intent_u64("shop", "loan_kb"), 64 * MIB); /* all that web needs to start */
    ck_assert_uint_eq(intent_u64("mail", "loan_kb"), 64 * MIB); /* what is left */
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(job_runs_in("mail", "imap"), domain_of("mail", 'b'));
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
    settle();
    check_rest("shop", 'b');
    check_mail('b', 2);
}
END_TEST

START_TEST(one_pair_is_destroyed_the_other_stays)
{
    json_free(ask_ok(10 * SECONDS, "{\"op\":\"destroy\",\"pair\":\"mail\"}"));
    daemon_run(1 * SECONDS);
    check_rest("shop", 'a');
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 1);
}
END_TEST

/* ---- surplus = "stay" ---- */

START_TEST(only_jobs_go_to_the_heir_when_the_surplus_stays)
{
    agent_defines("shop-a", "web", 128 * MIB, 64 * MIB);
    agent_defines("shop-b", "web", 128 * MIB, 64 * MIB);
    pair_create(pair_file("shop", "memory = 512\nstandby_memory = 160\nmax_memory = 1024\n"
                                  "surplus = \"stay\""));
    daemon_run(500);
    ck_assert_str_eq(key(PAIR "/area/surplus/owner"), "");
    ck_assert_uint_eq(key_u64(PAIR "/area/os-a/size_kb"), 384 * MIB);
    crash('a');
    settle();
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    ck_assert_uint_eq(job_runs_in("shop", "web"), domain_of("shop", 'b'));
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'a')), 384 * MIB);
    ck_assert_uint_eq(tot_kb(domain_of("shop", 'b')), 288 * MIB);
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    ck_assert_uint_eq(job_starts("shop", "web"), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd");
    TCase *c = daemon_case(s, "forming", begin, daemon_teardown, 20);

    tcase_add_test(c, starts_with_an_empty_book_and_holds_the_reserve);
    tcase_add_test(c, forms_a_pair_from_its_file);
    tcase_add_test(c, makes_nothing_in_a_dry_run);
    tcase_add_test(c, a_standby_may_boot_with_more_than_it_owns);
    tcase_add_test(c, only_jobs_go_to_the_heir_when_the_surplus_stays);

    c = daemon_case(s, "takeover", begin_with_shop, daemon_teardown, 20);
    tcase_add_test(c, takes_over_step_by_step);
    tcase_add_loop_test(c, takes_over_while_the_table_is_behind, 0, 2);
    tcase_add_test(c, takes_over_and_back_again_and_again);
    tcase_add_test(c, takes_over_from_a_domain_that_an_operator_destroyed);
    tcase_add_test(c, takes_over_from_a_domain_that_was_destroyed_without_clean_up);
    tcase_add_test(c, finds_a_death_that_no_watch_told_of);
    tcase_add_test(c, a_starved_host_is_no_fault_of_its_guests);
    tcase_add_test(c, a_greedy_guest_gets_no_more_than_what_it_owns);

    c = daemon_case(s, "faults", begin_with_shop, daemon_teardown, 20);
    tcase_add_test(c, rebuilds_a_standby);
    tcase_add_test(c, restarts_in_place_without_an_heir);
    tcase_add_test(c, restarts_in_place_when_both_die_at_once);
    tcase_add_loop_test(c, survives_an_heir_that_dies_in_a_takeover, 0,
                        sizeof heir_dies_at / sizeof heir_dies_at[0]);
    tcase_add_test(c, builds_a_member_again_that_reboots_itself);
    tcase_add_test(c, leaves_a_standby_off_that_its_owner_powered_off);
    tcase_add_test(c, stops_when_the_owner_powers_the_active_off);
    tcase_add_test(c, goes_on_after_an_operators_pause);
    tcase_add_loop_test(c, gives_the_area_of_a_job_that_ended_back, 0, 2);
    tcase_add_test(c, leaves_nothing_of_a_destroyed_pair);

    c = daemon_case(s, "two pairs", begin_with_two, daemon_teardown, 20);
    tcase_add_test(c, a_second_pair_is_no_business_of_the_first);
    tcase_add_test(c, two_takeovers_share_the_reserve);
    tcase_add_test(c, one_pair_is_destroyed_the_other_stays);

    return daemon_run_suite(s);
}
