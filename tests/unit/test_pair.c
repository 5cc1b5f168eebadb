/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stories of one pair in the simulated world: forming, faults, takeovers, guests that lie.
 * Not the table's coverage (test_pair_rules.c), not chance (test_pair_random.c).
 * Run by make check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/story.h"

START_TEST(forms)
{
    sim_protected(&s, 1);
    assert_rest(A);
    ck_assert_uint_eq(s.runs[0], 1);
    ck_assert_uint_eq(s.fences, 0);
    ck_assert_int_eq(web()->owner, A);
    ck_assert_uint_eq(rmt_find_job(&s.pair.rmt, "web")->size_kb, 128 * MIB_KB);
    ck_assert_int_eq(rmt_find_job(&s.pair.rmt, "web")->on_fault, OWNER_B);
}
END_TEST

static void assert_timeline(int victim)
{
    const struct timeline *t = &s.pair.takeover;

    ck_assert(t->done);
    ck_assert_int_eq(t->victim, victim);
    ck_assert_int_eq(t->heir, 1 - victim);
    for (int i = 0; i < PHASE_COUNT; i++)
        ck_assert_msg(t->at_ns[i] != 0, "%s is not stamped", pair_phase_word((enum pair_phase)i));
    for (int i = 1; i <= PHASE_START; i++)
        ck_assert_int_ge(t->at_ns[i], t->at_ns[i - 1]);
    ck_assert_int_ge(t->at_ns[PHASE_MEMORY], t->at_ns[PHASE_MOVE]);
    ck_assert_int_ge(t->at_ns[PHASE_AFTER], t->at_ns[PHASE_MEMORY]);
    ck_assert_int_ge(t->at_ns[PHASE_AFTER], t->at_ns[PHASE_START]);
}

/* ---- faults of one ---- */

START_TEST(active_crashes)
{
    uint64_t version, epoch;

    begin(2);
    version = s.pair.version;
    epoch = s.pair.epoch;
    sim_shutdown(&s, A, _i);
    assert_rest(B);
    ck_assert_uint_eq(s.runs[0], 2);
    ck_assert_int_eq(web()->owner, B);
    ck_assert_uint_ge(s.fences, 1);
    ck_assert_uint_gt(s.pair.version, version);
    ck_assert_uint_eq(s.pair.epoch, epoch + 2); /* the jobs' minimum, then the rest */
    assert_timeline(A);
}
END_TEST

START_TEST(active_destroyed_by_others)
{
    begin(3);
    sim_destroy(&s, A);
    assert_rest(B);
    assert_timeline(A);
}
END_TEST

START_TEST(swaps_three_times)
{
    begin(4);
    for (int i = 0; i < 3; i++) {
        int active = i % 2;
        sim_shutdown(&s, active, SHUT_CRASH);
        assert_rest(1 - active);
        ck_assert_uint_eq(s.runs[0], 2 + (unsigned)i);
        ck_assert_uint_eq(rmt_owned_kb(&s.pair.rmt, (enum owner)(1 - active)), 1024 * MIB_KB);
        assert_timeline(active);
    }
    ck_assert_uint_eq(s.pair.takeovers, 3);
}
END_TEST

START_TEST(surplus_stays)
{
    sim_init(&s, 5);
    s.cfg.surplus = SURPLUS_STAY;
    sim_new_pair(&s);
    s.on_step = check_step;
    sim_ask(&s, ASK_START);
    ck_assert(sim_until(&s, at_rest, 5 * SIM_MINUTE));
    sim_shutdown(&s, A, SHUT_CRASH);
    sim_run(&s, SIM_SECOND);
    ck_assert(sim_until(&s, at_rest, 5 * SIM_MINUTE));
    ck_assert_int_eq(sim_runner(&s, 0), B);
    ck_assert(near_kb(s.dom[B].tot_kb, 160 + 128));
    ck_assert(near_kb(s.dom[A].tot_kb, 1024 - 128));
}
END_TEST

START_TEST(standby_crashes)
{
    unsigned asks, revokes;

    begin(6);
    asks = s.asks;
    revokes = s.revokes;
    sim_shutdown(&s, B, SHUT_CRASH);
    sim_run(&s, 10 * SIM_MS);
    assert_rest(A);
    ck_assert_uint_eq(s.asks, asks);
    ck_assert_uint_eq(s.revokes, revokes);
    ck_assert_uint_eq(s.runs[0], 1);
    ck_assert_uint_eq(s.pair.takeovers, 0);
}
END_TEST

START_TEST(active_powers_off)
{
    begin(7);
    sim_shutdown(&s, A, SHUT_POWEROFF);
    assert_ends(PAIR_STOPPED, "");
    ck_assert_uint_eq(s.fences, 0);
    ck_assert(!s.dom[A].there && !s.dom[B].there);
    sim_ask(&s, ASK_START);
    assert_rest(A);
}
END_TEST

START_TEST(standby_powers_off)
{
    begin(8);
    sim_shutdown(&s, B, SHUT_POWEROFF);
    assert_ends(PAIR_UNPROTECTED, "powered off by its owner");
    sim_run(&s, SIM_MINUTE);
    ck_assert_int_eq(s.pair.state, PAIR_UNPROTECTED);
    ck_assert(!s.dom[B].there);
    sim_ask(&s, ASK_RECOVER);
    assert_rest(A);
    ck_assert_uint_eq(s.runs[0], 1);
}
END_TEST

START_TEST(reboots)
{
    begin(9);
    sim_shutdown(&s, _i, SHUT_REBOOT);
    assert_ends(PAIR_REBOOTING, "");
    assert_rest(A);
    ck_assert_uint_eq(s.fences, 0);
    ck_assert_uint_eq(s.runs[0], _i == A ? 2 : 1);
}
END_TEST

START_TEST(suspended)
{
    begin(10);
    sim_shutdown(&s, _i, SHUT_SUSPEND);
    assert_ends(PAIR_UNPROTECTED, "suspended by an operator");
    sim_run(&s, SIM_MINUTE);
    ck_assert_uint_eq(s.fences, 0);
    s.dom[_i].shutdown = false;
    assert_rest(A);
    ck_assert_uint_eq(s.runs[0], 1);
}
END_TEST

START_TEST(saved_away)
{
    begin(11);
    sim_shutdown(&s, _i, SHUT_SUSPEND);
    assert_ends(PAIR_UNPROTECTED, "suspended by an operator");
    sim_destroy(&s, _i);
    if (_i == A)
        assert_ends(PAIR_STOPPED, "");
    else
        assert_ends(PAIR_UNPROTECTED, "");
    sim_run(&s, SIM_MINUTE);
    ck_assert_uint_eq(s.fences, 0);
    ck_assert_uint_eq(s.pair.takeovers, 0);
}
END_TEST

/* ---- faults of both ---- */

START_TEST(heir_dies_while_moving)
{
    begin(12);
    sim_shutdown(&s, A, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_MOVING, SIM_MINUTE));
    sim_shutdown(&s, B, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_RESTARTING, SIM_MINUTE));
    assert_rest(A);
    ck_assert_uint_eq(s.runs[0], 2);
}
END_TEST

START_TEST(both_die)
{
    begin(13);
    sim_shutdown(&s, A, SHUT_CRASH);
    sim_shutdown(&s, B, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_RESTARTING, SIM_MINUTE));
    assert_rest(A);
    ck_assert_uint_eq(s.runs[0], 2);
    ck_assert_uint_eq(s.pair.takeovers, 0);
}
END_TEST

START_TEST(nobody_can_be_built)
{
    begin(14);
    s.no_build[A] = true;
    sim_shutdown(&s, A, SHUT_CRASH);
    sim_shutdown(&s, B, SHUT_CRASH);
    assert_ends(PAIR_FAILED, "simulated fault");
    s.no_build[A] = false;
    sim_ask(&s, ASK_RECOVER);
    assert_rest(A);
}
END_TEST

/* ---- guests that do not answer, or lie ---- */

START_TEST(start_unanswered)
{
    begin(16);
    sim_shutdown(&s, A, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_STARTING, SIM_MINUTE));
    s.dom[B].mute = true;
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_MINUTE));
    ck_assert_int_eq(web()->state, JOB_FAILED);
    ck_assert_ptr_nonnull(strstr(web()->reason, "no answer from shop-b"));
    s.dom[B].mute = false; /* too late: the run grant was taken back */
    ck_assert(sim_until_state(&s, PAIR_PROTECTED, SIM_MINUTE));
    ck_assert_uint_eq(sim_copies(&s, 0), 0);
    sim_job_line(&s, B, 0, MSG_JOB_STOPPED);
    sim_run(&s, SIM_SECOND);
    sim_job_line(&s, B, 0, MSG_JOB_WAITING); /* the owner asks for it again */
    assert_rest(B);
}
END_TEST

START_TEST(start_fails)
{
    begin(17);
    s.faults.start_fails = 100;
    sim_shutdown(&s, A, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_MINUTE));
    ck_assert_int_eq(web()->state, JOB_FAILED);
    ck_assert_str_eq(web()->reason, "exec failed");
    ck_assert(sim_until_state(&s, PAIR_PROTECTED, SIM_MINUTE));
}
END_TEST

START_TEST(no_definition)
{
    sim_init(&s, 18);
    s.defines[B][0] = false;
    sim_ask(&s, ASK_START);
    assert_ends(PAIR_UNPROTECTED, "shop-b has no definition of job web");
    sim_shutdown(&s, A, SHUT_CRASH); /* the OS moves; the job cannot */
    ck_assert(sim_until_state(&s, PAIR_PROTECTED, 5 * SIM_MINUTE));
    ck_assert_int_eq(s.pair.active, B);
    ck_assert_int_eq(web()->state, JOB_FAILED);
}
END_TEST

static void say(int member, int64_t domid, uint64_t request, const char *boot_id)
{
    struct pair_event ev = {
        .type = EV_REPLY, .member = member, .domid = (uint32_t)domid, .request = request,
        .reply.ok = true,
    };

    snprintf(ev.reply.boot_id, sizeof ev.reply.boot_id, "%s", boot_id);
    sim_feed(&s, &ev);
}

START_TEST(replies_of_others)
{
    static const char other[] = "00000000-0000-4000-8000-00000000ffff";
    uint64_t id;

    begin(19);
    s.dom[B].mute = true;
    sim_shutdown(&s, A, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_MOVING, SIM_MINUTE));
    id = web()->request;
    sim_run(&s, SIM_SECOND);
    say(B, s.dom[B].domid, id - 1, s.dom[B].boot_id);
    say(B, s.dom[B].domid + 1, id, s.dom[B].boot_id);
    say(B, s.dom[B].domid, id, other);
    say(A, s.dom[A].domid, id, s.dom[A].boot_id);
    say(B, s.dom[B].domid, id + 1, s.dom[B].boot_id);
    ck_assert_int_eq(web()->state, JOB_STARTING);
    s.dom[B].mute = false;
    assert_rest(B);
}
END_TEST

START_TEST(runs_without_grant)
{
    begin(20);
    s.alerts = 0;
    sim_job_line(&s, B, 0, MSG_JOB_RUNNING);
    s.on_step = NULL; /* there are two copies: that is what the alert is for */
    sim_run(&s, SIM_SECOND);
    ck_assert_uint_ge(s.alerts, 1);
    ck_assert_ptr_nonnull(strstr(s.alert, "without a run grant"));
    ck_assert_int_eq(web()->owner, A);
}
END_TEST

START_TEST(blind)
{
    begin(21);
    s.faults.blind = 100;
    sim_shutdown(&s, A, SHUT_CRASH);
    sim_run(&s, 5 * SIM_MINUTE);
    ck_assert_int_eq(s.pair.state, PAIR_PROTECTED);
    ck_assert_uint_eq(s.fences, 0);
    s.faults.blind = 0;
    assert_rest(B);
}
END_TEST

START_TEST(fence_unconfirmed)
{
    begin(22);
    s.faults.op_fail[OP_FENCE] = 100;
    sim_shutdown(&s, A, SHUT_CRASH);
    assert_ends(PAIR_FAILED, "does not confirm");
    ck_assert_int_eq(web()->owner, A);
    ck_assert_uint_eq(s.pair.takeovers, 0);
    s.faults.op_fail[OP_FENCE] = 0;
    sim_ask(&s, ASK_RECOVER);
    assert_rest(B);
}
END_TEST

static TCase *faults(void)
{
    TCase *t = tcase_create("faults");

    tcase_add_test(t, forms);
    tcase_add_loop_test(t, active_crashes, SHUT_CRASH, SHUT_SOFT_RESET + 1);
    tcase_add_test(t, active_destroyed_by_others);
    tcase_add_test(t, swaps_three_times);
    tcase_add_test(t, surplus_stays);
    tcase_add_test(t, standby_crashes);
    tcase_add_test(t, active_powers_off);
    tcase_add_test(t, standby_powers_off);
    tcase_add_loop_test(t, reboots, A, MEMBERS);
    tcase_add_loop_test(t, suspended, A, MEMBERS);
    tcase_add_loop_test(t, saved_away, A, MEMBERS);
    tcase_add_test(t, heir_dies_while_moving);
    tcase_add_test(t, both_die);
    tcase_add_test(t, nobody_can_be_built);
    tcase_add_test(t, blind);
    tcase_add_test(t, fence_unconfirmed);
    return t;
}

static TCase *guests(void)
{
    TCase *t = tcase_create("guests");

    tcase_add_test(t, start_unanswered);
    tcase_add_test(t, start_fails);
    tcase_add_test(t, no_definition);
    tcase_add_test(t, replies_of_others);
    tcase_add_test(t, runs_without_grant);
    return t;
}

int main(void)
{
    Suite *suite = suite_create("pair");
    SRunner *r = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, faults());
    suite_add_tcase(suite, guests());
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
