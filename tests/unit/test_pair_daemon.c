/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stories of one pair in the simulated world: a daemon that dies, an owner who stops it.
 * Not the table's coverage (test_pair_rules.c), not chance (test_pair_random.c).
 * Run by make check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/story.h"

/* ---- the daemon ---- */

/* It dies before its n-th action of a takeover, which another one finishes. */
START_TEST(daemon_dies_in_takeover)
{
    begin(23 + (uint64_t)_i);
    s.kill_action = 1 + (unsigned)_i;
    sim_shutdown(&s, A, SHUT_CRASH);
    sim_run(&s, 50 * SIM_MS);
    assert_rest(B);
    ck_assert_uint_eq(s.runs[0], 2);
    ck_assert_uint_eq(s.pair.epoch, 2);
}
END_TEST

START_TEST(daemon_dies_while_forming)
{
    sim_init(&s, 24 + (uint64_t)_i);
    s.on_step = check_step;
    s.kill_action = 1 + (unsigned)_i;
    sim_ask(&s, ASK_START);
    assert_rest(A);
    ck_assert_uint_eq(s.runs[0], 1);
}
END_TEST

START_TEST(daemon_dies_at_rest)
{
    begin(25);
    for (int i = 0; i < 6; i++) {
        sim_daemon_dies(&s, SIM_SECOND);
        sim_run(&s, 10 * SIM_SECOND);
    }
    assert_rest(A);
    ck_assert_uint_eq(s.runs[0], 1);
    ck_assert_uint_eq(s.fences, 0);
}
END_TEST

/* Down when it happens: the next daemon finds it. */
START_TEST(faults_while_daemon_is_down)
{
    static const struct {
        int member, reason;
    } story[] = { { A, SHUT_CRASH }, { B, SHUT_CRASH }, { A, SHUT_REBOOT }, { B, SHUT_REBOOT } };
    int active = _i == 0 ? B : A;

    begin(26);
    sim_daemon_dies(&s, 5 * SIM_SECOND);
    sim_shutdown(&s, story[_i].member, story[_i].reason);
    sim_run(&s, 6 * SIM_SECOND);
    assert_rest(active);
    ck_assert_uint_eq(s.runs[0], _i == 0 || _i == 2 ? 2 : 1);
}
END_TEST

static bool granted_to_b(const struct sim *w)
{
    const struct job *j = &w->pair.job[0];

    return j->state == JOB_STARTING && j->owner == B;
}

static bool b_left(const struct sim *w)
{
    return w->pair.m[B].leaving;
}

/* The heir runs its first job, or is about to, and an operator pauses it: the next daemon, who finds
 * no heir, hands the job to nobody before that domain is gone, and one after it does not either. */
START_TEST(heir_paused_while_daemon_is_down)
{
    int64_t was = 0;

    begin(30 + (uint64_t)_i);
    s.balloon_stuck[B] = _i & 1;
    sim_shutdown(&s, A, SHUT_CRASH);
    ck_assert(sim_until(&s, granted_to_b, SIM_MINUTE));
    sim_daemon_dies(&s, SIM_SECOND);
    sim_run(&s, 500 * SIM_MS);
    ck_assert_int_eq(sim_runner(&s, 0), _i & 1 ? MEMBER_NONE : B);
    was = s.dom[B].domid;
    s.dom[B].paused = true;
    if (_i & 2) {
        s.faults.op_fail[OP_CLEAN] = 100;
        ck_assert(sim_until(&s, b_left, SIM_MINUTE));
        sim_daemon_dies(&s, SIM_SECOND);
        s.faults.op_fail[OP_CLEAN] = 0;
    }
    s.balloon_stuck[B] = false;
    assert_rest(A);
    ck_assert_int_ne(s.dom[B].domid, was);
    ck_assert_uint_eq(s.runs[0], _i & 1 ? 2 : 3);
}
END_TEST

/* Worn out by daemons that die, it says so; the owner's recover ends it. */
START_TEST(intent_wears_out)
{
    begin(27);
    s.balloon_stuck[B] = true;
    sim_shutdown(&s, A, SHUT_CRASH);
    for (int i = 0; i < 5 && s.pair.state != PAIR_FAILED; i++) {
        ck_assert(sim_until_state(&s, PAIR_MOVING, SIM_MINUTE));
        sim_daemon_dies(&s, SIM_SECOND);
        sim_run(&s, 2 * SIM_SECOND);
    }
    assert_ends(PAIR_FAILED, "three times");
    s.balloon_stuck[B] = false;
    sim_ask(&s, ASK_RECOVER);
    assert_rest(B);
}
END_TEST

/* ---- the owner ---- */

START_TEST(stops_at_any_time)
{
    begin(28 + (uint64_t)_i);
    sim_shutdown(&s, A, SHUT_CRASH);
    sim_run(&s, _i * 20 * SIM_MS);
    sim_ask(&s, ASK_STOP);
    ck_assert(sim_until_state(&s, PAIR_STOPPED, SIM_MINUTE));
    ck_assert(!s.dom[A].there && !s.dom[B].there);
    ck_assert_uint_eq(s.pool.lent_kb, 0);
    ck_assert_int_eq(web()->state, JOB_STOPPED);
}
END_TEST

START_TEST(cannot_be_formed)
{
    sim_init(&s, 29);
    s.no_build[B] = true;
    sim_ask(&s, ASK_START);
    assert_ends(PAIR_STOPPED, "simulated fault");
    ck_assert(!s.dom[A].there);
}
END_TEST

static TCase *daemons(void)
{
    TCase *t = tcase_create("daemon and owner");

    tcase_add_loop_test(t, daemon_dies_in_takeover, 0, 60);
    tcase_add_loop_test(t, daemon_dies_while_forming, 0, 30);
    tcase_add_test(t, daemon_dies_at_rest);
    tcase_add_loop_test(t, faults_while_daemon_is_down, 0, 4);
    tcase_add_loop_test(t, heir_paused_while_daemon_is_down, 0, 4);
    tcase_add_test(t, intent_wears_out);
    tcase_add_loop_test(t, stops_at_any_time, 0, 100);
    tcase_add_test(t, cannot_be_formed);
    return t;
}

int main(void)
{
    Suite *suite = suite_create("pair, daemon");
    SRunner *r = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, daemons());
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
