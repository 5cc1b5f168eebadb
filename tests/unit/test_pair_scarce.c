/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stories of one pair's takeover when memory comes late, in part or not at all: what the reserve
 * lends, in which order jobs start, balloons that do not follow, destroys that hang.
 * Several pairs at once: test_xhsd_many.c.
 * Run by make check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pair_internal.h"
#include "tests/unit/story.h"

#define WEB 0 /* 128 MiB, 64 to start */
#define DB 1  /* 256 MiB, all of them to start */
#define BIG 3 /* a plain one; 200 MiB, 40 to start */
#define OWN 160
#define RESERVE 128
#define UNUSED 64

static const struct job *db(void)
{
    return sim_job(&s, DB, MEMBER_NONE);
}

static bool both_run(const struct sim *w)
{
    return at_rest(w) && w->pair.jobs == 2 && w->pair.job[1].state == JOB_RUNNING;
}

/* Protected, both jobs running on a. */
static void begin_with(uint64_t web_priority, uint64_t db_priority)
{
    sim_init(&s, 1);
    s.on_step = check_step;
    s.defines[A][DB] = s.defines[B][DB] = true;
    s.priority[WEB] = web_priority;
    s.priority[DB] = db_priority;
    sim_ask(&s, ASK_START);
    ck_assert(sim_until(&s, both_run, 5 * SIM_MINUTE));
}

static void crash(void)
{
    sim_shutdown(&s, A, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_MOVING, SIM_SECOND));
}

/* Both jobs run on b, and nothing is left to do. */
static void assert_both(void)
{
    assert_rest(B);
    ck_assert(sim_until(&s, both_run, SIM_MINUTE));
    ck_assert_int_eq(sim_runner(&s, DB), B);
    ck_assert_uint_eq(s.runs[WEB], 2);
    ck_assert_uint_eq(s.runs[DB], 2);
}

/* ---- what is lent ---- */

START_TEST(lends_what_the_jobs_need_to_start)
{
    begin(1);
    crash();
    ck_assert_uint_eq(s.pair.intent.loan_kb, 64 * MIB_KB);
    ck_assert_uint_eq(s.pool.lent_kb, 64 * MIB_KB);
    ck_assert_uint_eq(s.pair.m[B].target_kb, (OWN + 64) * MIB_KB);
    assert_rest(B);
}
END_TEST

START_TEST(lends_what_there_is)
{
    begin_with(0, 0);
    crash();
    ck_assert_uint_eq(s.pair.intent.loan_kb, RESERVE * MIB_KB);
    assert_both();
}
END_TEST

START_TEST(lends_nothing_without_a_job)
{
    begin(2);
    sim_job_line(&s, A, WEB, MSG_JOB_STOPPED);
    sim_run(&s, SIM_SECOND);
    sim_shutdown(&s, A, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_SECOND));
    ck_assert_uint_ne(s.pair.intent.id, 0);
    ck_assert_uint_eq(s.pool.lent_kb, 0);
    ck_assert(sim_until_state(&s, PAIR_PROTECTED, 5 * SIM_MINUTE));
    ck_assert_int_eq(s.pair.active, B);
    ck_assert(near_kb(s.dom[B].tot_kb, 1024));
}
END_TEST

static unsigned resumed;

/* What it was lent and has not been told to take is not let go: others would have it. */
static void check_undrawn(struct sim *w, const struct pair_event *ev)
{
    const struct pair *p = &w->pair;
    bool told = p->m[B].target_kb >= p->heir_had_kb + p->intent.loan_kb;

    check_step(w, ev);
    if (!p->intent.loan_kb)
        return;
    ck_assert_uint_eq(pair_undrawn_kb(p), told ? 0 : p->intent.loan_kb);
    resumed += !told;
}

START_TEST(keeps_what_is_lent_until_the_heir_may_take_it)
{
    resumed = 0;
    begin(11);
    s.on_step = check_undrawn;
    s.kill_action = 7; /* before the heir's order, behind what is stored */
    sim_shutdown(&s, A, SHUT_CRASH);
    sim_run(&s, 500 * SIM_MS);
    ck_assert(s.down);
    ck_assert_uint_eq(s.stored.intent.loan_kb, 64 * MIB_KB);
    ck_assert_uint_eq(s.dom[B].max_kb, (OWN + 1) * MIB_KB);
    assert_rest(B);
    ck_assert_uint_gt(resumed, 0);
}
END_TEST

/* By the table, as it was not there when the victim was fenced. */
START_TEST(another_daemon_does_not_expect_from_the_victim_what_the_heir_owes)
{
    begin(12);
    s.dom[B].job[BIG].defined = true;
    sim_job_line(&s, B, BIG, MSG_JOB_WAITING);
    sim_run(&s, SIM_SECOND);
    ck_assert_int_eq(sim_job(&s, BIG, B)->state, JOB_RUNNING);
    s.balloon_stuck[B] = true;
    sim_job_line(&s, B, BIG, MSG_JOB_STOPPED);
    sim_run(&s, SIM_SECOND);
    ck_assert_uint_eq(rmt_returning_kb(&s.pair.rmt, B), UNUSED * MIB_KB);
    s.free_hangs[A] = true;
    sim_shutdown(&s, A, SHUT_CRASH);
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_SECOND)); /* it has enough for web */
    ck_assert_uint_eq(s.pair.victim_had_kb, 1024 * MIB_KB);
    sim_daemon_dies(&s, SIM_SECOND);
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, 5 * SIM_SECOND));
    ck_assert_uint_eq(s.pair.victim_had_kb, 1024 * MIB_KB);
    s.free_hangs[A] = s.balloon_stuck[B] = false;
    assert_rest(B);
}
END_TEST

/* ---- after the jobs of others ---- */

START_TEST(lets_jobs_of_others_go_first)
{
    begin(3);
    s.urgent_until_ns = s.now_ns + 30 * SIM_SECOND;
    s.alerts = 0;
    crash();
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_SECOND));
    ck_assert_int_eq(sim_runner(&s, WEB), B);
    sim_run(&s, 28 * SIM_SECOND);
    ck_assert_uint_eq(s.pair.m[B].target_kb, (OWN + 64) * MIB_KB);
    ck_assert_uint_ne(s.pair.intent.id, 0);
    ck_assert_uint_eq(s.alerts, 0);
    assert_rest(B);
    ck_assert_uint_eq(s.alerts, 0);
}
END_TEST

/* Destroys share dom0's CPU. */
START_TEST(lets_destroys_go_first_that_jobs_wait_for)
{
    bool waits = _i == 1; /* one of its own: db is more than the reserve has */
    uint64_t had_kb;

    begin_with(1, waits ? 2 : 0);
    if (!waits) {
        sim_job_line(&s, A, DB, MSG_JOB_STOPPED);
        sim_run(&s, SIM_SECOND);
    }
    had_kb = s.dom[A].tot_kb;
    s.urgent_until_ns = s.now_ns + 3 * SIM_SECOND;
    crash();
    sim_run(&s, 2900 * SIM_MS);
    ck_assert(waits ? s.dom[A].tot_kb == 0 : s.dom[A].tot_kb == had_kb);
    ck_assert_int_eq(sim_runner(&s, WEB), B);
    ck_assert(sim_until(&s, at_rest, SIM_MINUTE));
}
END_TEST

static void check_modest_start(struct sim *w, const struct pair_event *ev)
{
    const struct pair *p = &w->pair;

    check_step(w, ev);
    if (p->intent.id && p->state == PAIR_MOVING)
        ck_assert_uint_le(p->m[B].target_kb, (OWN + 64 + 256) * MIB_KB);
}

START_TEST(its_jobs_begin_before_the_rest_of_its_growth)
{
    begin_with(1, 2);
    s.on_step = check_modest_start;
    crash();
    assert_both();
}
END_TEST

/* What it was told to take it keeps. */
START_TEST(gives_nothing_back_for_others)
{
    uint64_t target_kb;

    begin(4);
    crash();
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_SECOND));
    while ((target_kb = s.pair.m[B].target_kb) <= (OWN + 64) * MIB_KB)
        sim_run(&s, SIM_MS);
    s.urgent_until_ns = s.now_ns + SIM_SECOND;
    sim_run(&s, 900 * SIM_MS);
    ck_assert_uint_eq(s.pair.m[B].target_kb, target_kb);
    assert_rest(B);
}
END_TEST

START_TEST(is_urgent_until_its_jobs_are_granted)
{
    int64_t fence_ns;

    begin_with(2, 1);
    ck_assert_int_eq(pair_urgent_until_ns(&s.pair), 0);
    s.free_hangs[A] = true;
    crash();
    fence_ns = s.pair.takeover.at_ns[PHASE_FENCE];
    ck_assert_int_eq(pair_urgent_until_ns(&s.pair), fence_ns + 2 * SIM_SECOND);
    ck_assert(sim_until_state(&s, PAIR_STARTING, SIM_SECOND)); /* db waits still */
    ck_assert_int_eq(pair_urgent_until_ns(&s.pair), fence_ns + 2 * SIM_SECOND);
    s.free_hangs[A] = false;
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_SECOND));
    ck_assert_int_eq(pair_urgent_until_ns(&s.pair), 0);
    assert_both();
}
END_TEST

START_TEST(ranks_by_its_most_important_job)
{
    begin_with(2, 7);
    ck_assert_uint_eq(pair_rank(&s.pair), 8);
    crash();
    ck_assert_uint_eq(pair_rank(&s.pair), 8); /* they are on their way */
    begin(5);
    ck_assert_uint_eq(pair_rank(&s.pair), 1);
    sim_job_line(&s, A, WEB, MSG_JOB_STOPPED);
    sim_run(&s, SIM_SECOND);
    ck_assert_uint_eq(pair_rank(&s.pair), 0);
}
END_TEST

/* The victim's keys are gone with it: the heir's word counts. */
START_TEST(ranks_by_the_heirs_word_when_there_is_no_other)
{
    begin_with(2, 7);
    sim_daemon_dies(&s, SIM_SECOND);
    sim_destroy(&s, A);
    ck_assert(sim_until_state(&s, PAIR_MOVING, 5 * SIM_SECOND));
    ck_assert_uint_eq(pair_rank(&s.pair), 8);
    ck_assert_int_eq(db()->state, JOB_STARTING); /* the first to be granted */
    ck_assert_int_eq(next_job(&s.pair, -1), (int)(web() - s.pair.job));
    assert_both();
}
END_TEST

/* ---- one after the other ---- */

START_TEST(starts_by_priority)
{
    bool db_first = _i == 0;

    begin_with(1, db_first ? 2 : 1); /* of equals, as they stand: web */
    crash();
    ck_assert(sim_until_state(&s, PAIR_STARTING, SIM_SECOND));
    ck_assert_int_ne((db_first ? db() : web())->state, JOB_MOVING);
    ck_assert_int_eq((db_first ? web() : db())->state, JOB_MOVING);
    ck_assert_uint_lt(s.dom[B].tot_kb, (OWN + 64 + 256 - 4) * MIB_KB);
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_SECOND));
    ck_assert(db_first ? db()->request < web()->request : web()->request < db()->request);
    assert_both();
}
END_TEST

START_TEST(a_job_that_the_heir_does_not_know_keeps_nobody_waiting)
{
    begin_with(1, 2);
    s.dom[B].job[DB].defined = s.dom[B].job[DB].told = false;
    sim_run(&s, SIM_SECOND);
    ck_assert(!db()->known[B]);
    crash();
    ck_assert_uint_eq(s.pair.intent.loan_kb, 64 * MIB_KB);
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_SECOND));
    ck_assert_str_eq(db()->reason, "shop-b has no definition of it");
    ck_assert_int_eq(sim_runner(&s, WEB), B);
}
END_TEST

START_TEST(another_daemon_goes_on_with_the_next_job)
{
    begin_with(2, 1);
    s.free_hangs[A] = true;
    crash();
    ck_assert(sim_until_state(&s, PAIR_STARTING, SIM_SECOND));
    sim_run(&s, _i * 20 * SIM_MS);
    sim_daemon_dies(&s, SIM_SECOND);
    s.free_hangs[A] = false;
    assert_both();
}
END_TEST

/* ---- what fits ---- */

static void assert_left_out(const struct job *j, const char *reason)
{
    ck_assert_int_eq(j->state, JOB_FAILED);
    ck_assert_str_eq(j->reason, reason);
    ck_assert_ptr_nonnull(strstr(s.alert, reason));
}

/* The victim's memory does not come: there is what the reserve lent. */
START_TEST(starts_what_fits)
{
    static const char reason[] = "it needs 256 MiB to start, and shop-b has 128 for it";
    static const char rest[] = "it needs 256 MiB to start, and shop-b has 64 for it";
    bool db_first = _i == 0;

    begin_with(1, db_first ? 2 : 0);
    s.free_hangs[A] = true;
    crash();
    sim_run(&s, 7 * SIM_SECOND);
    ck_assert_int_eq(sim_runner(&s, WEB), db_first ? MEMBER_NONE : B);
    ck_assert_int_eq(db()->state, db_first ? JOB_STARTING : JOB_MOVING); /* when it has come */
    sim_run(&s, 2 * SIM_SECOND);
    ck_assert_int_eq(sim_runner(&s, WEB), B);
    assert_left_out(db(), db_first ? reason : rest);
    ck_assert_int_eq(s.dom[B].job[DB].line.state, MSG_JOB_FAILED); /* its guest was told */
    s.free_hangs[A] = false;
    assert_rest(B);
    ck_assert_uint_eq(s.runs[WEB], 2);
    ck_assert_uint_eq(s.runs[DB], 1);
    ck_assert_ptr_null(rmt_find_job(&s.pair.rmt, "db"));
    sim_job_line(&s, B, DB, MSG_JOB_WAITING); /* it may be asked for again */
    ck_assert(sim_until(&s, both_run, SIM_MINUTE));
}
END_TEST

START_TEST(fails_when_nothing_fits)
{
    begin_with(0, 0);
    sim_job_line(&s, A, WEB, MSG_JOB_STOPPED);
    sim_run(&s, SIM_SECOND);
    s.free_hangs[A] = true;
    crash();
    assert_ends(PAIR_FAILED, "shop-b has 288 of the 416 MiB that it needs to start its first job, "
                             "128 MiB short: free memory on the host, then xhs recover shop");
    ck_assert_int_eq(db()->state, JOB_MOVING);
    s.free_hangs[A] = false;
    sim_run(&s, SIM_SECOND);
    sim_ask(&s, ASK_RECOVER);
    ck_assert(sim_until_state(&s, PAIR_PROTECTED, SIM_MINUTE));
    ck_assert_int_eq(sim_runner(&s, DB), B);
    ck_assert_uint_eq(s.runs[DB], 2);
}
END_TEST

/* Memory is there, and an agent that starts them is not. */
START_TEST(fails_jobs_that_nobody_starts)
{
    begin_with(0, 0);
    s.dom[B].mute = true;
    crash();
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, 2 * SIM_MINUTE));
    ck_assert_int_eq(web()->state, JOB_FAILED);
    ck_assert_int_eq(db()->state, JOB_FAILED);
    ck_assert_ptr_nonnull(strstr(web()->reason, "no answer from shop-b"));
    ck_assert_uint_eq(sim_copies(&s, WEB) + sim_copies(&s, DB), 0);
}
END_TEST

/* ---- balloons that do not follow ---- */

START_TEST(asks_the_guest_to_set_its_target)
{
    begin(6);
    s.balloon_deaf[B] = true;
    s.free_hangs[A] = true;
    crash();
    sim_run(&s, 5 * SIM_SECOND);
    ck_assert_uint_eq(s.balloons, 0);
    ck_assert_uint_ge(s.pair.nudges, 2);
    s.alerts = 0;
    sim_run(&s, 2 * SIM_SECOND);
    ck_assert_uint_eq(s.balloons, 1);
    ck_assert_uint_eq(s.alerts, 2); /* one of them: the destroy */
    ck_assert_str_eq(s.alert, "shop-b does not take its memory: it has 160 of 224 MiB, and its "
                              "agent is asked to set the balloon's target");
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, SIM_SECOND));
    s.free_hangs[A] = false;
    assert_rest(B);
    ck_assert_uint_eq(s.balloons, 2); /* and once for all the rest */
    ck_assert_uint_eq(s.runs[WEB], 2);
}
END_TEST

START_TEST(fails_with_a_balloon_that_nothing_moves)
{
    begin(7);
    s.balloon_stuck[B] = true;
    crash();
    assert_ends(PAIR_FAILED, "shop-b has 160 of the 224 MiB that it needs to start its first job, "
                             "64 MiB short; its target was set ");
    ck_assert_ptr_nonnull(strstr(s.pair.reason, "times more, its agent asked to set it: look at "
                                                "its console, then xhs recover shop"));
    ck_assert_uint_eq(s.balloons, 1);
    s.dom[B].mute = true;
    sim_ask(&s, ASK_RECOVER);
    ck_assert(sim_until_state(&s, PAIR_MOVING, SIM_SECOND));
    ck_assert_uint_eq(s.pair.nudges, 0);
    s.dom[B].mute = s.balloon_stuck[B] = false;
    assert_rest(B);
    ck_assert_uint_eq(s.runs[WEB], 2);
}
END_TEST

START_TEST(says_what_the_guest_answers)
{
    struct pair_event ev = { .type = EV_REPLY, .member = B };

    begin(8);
    s.balloon_stuck[B] = true;
    crash();
    sim_run(&s, 5 * SIM_SECOND);
    s.dom[B].mute = true;
    sim_run(&s, 2 * SIM_SECOND);
    ck_assert_uint_ne(s.pair.balloon_id, 0);
    ev.domid = (uint32_t)s.dom[B].domid;
    ev.request = s.pair.balloon_id;
    snprintf(ev.reply.boot_id, sizeof ev.reply.boot_id, "%s", s.dom[B].boot_id);
    snprintf(ev.reply.text, sizeof ev.reply.text, "no such file");
    sim_feed(&s, &ev);
    ck_assert_uint_eq(s.pair.balloon_id, 0);
    ck_assert_str_eq(s.alert, "shop-b cannot set its balloon's target: no such file");
}
END_TEST

/* Memory comes all the same: nobody needs the answer any more. */
START_TEST(takes_the_request_back_when_it_grows)
{
    begin(9);
    s.balloon_stuck[B] = true;
    crash();
    sim_run(&s, 5 * SIM_SECOND);
    s.dom[B].mute = true;
    sim_run(&s, 2 * SIM_SECOND);
    s.balloon_stuck[B] = false;
    sim_run(&s, 100 * SIM_MS);
    ck_assert_uint_eq(s.pair.balloon_id, 0);
    ck_assert_uint_eq(s.pair.nudges, 0);
    s.dom[B].mute = false;
    assert_rest(B);
    ck_assert_uint_eq(s.balloons, 0);
}
END_TEST

/* ---- a destroy that hangs ---- */

START_TEST(says_that_a_destroy_hangs_and_goes_on_with_what_is_free)
{
    begin(10);
    s.alerts = 0;
    if (_i == 0)
        s.free_hangs[A] = true;
    crash();
    ck_assert(sim_until_state(&s, PAIR_REBUILDING, 2 * SIM_SECOND));
    sim_run(&s, 20 * SIM_MS);
    s.free_hangs[A] = true;
    sim_run(&s, 4 * SIM_SECOND);
    ck_assert_int_eq(sim_runner(&s, WEB), B);
    ck_assert_uint_eq(s.alerts, 0);
    sim_run(&s, 2 * SIM_SECOND);
    ck_assert_uint_eq(s.alerts, 1);
    ck_assert_ptr_nonnull(strstr(s.alert, "shop-a is being destroyed for more than 5 s, and still "
                                          "has "));
    ck_assert_ptr_nonnull(strstr(s.alert, "shop-b grows on from what is free"));
    if (_i == 0)
        ck_assert(near_kb(s.dom[B].tot_kb, OWN + 64));
    else
        ck_assert_uint_gt(s.dom[B].tot_kb, (OWN + 64) * MIB_KB);
    sim_run(&s, SIM_MINUTE);
    ck_assert_int_eq(s.pair.m[A].op, OP_FREE); /* no clean-up before it is over */
    ck_assert_int_eq(s.pair.state, PAIR_REBUILDING);
    ck_assert_uint_eq(s.alerts, 2); /* "no more comes" */
    s.free_hangs[A] = false;
    assert_rest(B);
    ck_assert_uint_eq(s.runs[WEB], 2);
}
END_TEST

/* a's destroy has begun, and takes so long from now on. */
static void begin_destroy_of(int64_t ns)
{
    begin_with(1, 2);
    s.free_hangs[A] = true;
    crash();
    sim_run(&s, SIM_SECOND);
    ck_assert_int_eq(s.pair.m[A].op, OP_FREE);
    s.free_hangs[A] = false;
    s.op[A].due_ns = s.now_ns + ns;
}

/* Others take what the victim frees, as it frees it: it comes, and slow is not stuck. */
START_TEST(waits_for_a_slow_destroy)
{
    begin_destroy_of(30 * SIM_SECOND);
    for (int64_t end = s.now_ns + 20 * SIM_SECOND; s.now_ns < end;) {
        uint64_t had_kb = s.dom[A].tot_kb;
        sim_run(&s, SIM_MS);
        s.host_kb -= had_kb - s.dom[A].tot_kb;
    }
    ck_assert_uint_eq(s.dom[B].tot_kb, (OWN + RESERVE + UNUSED) * MIB_KB);
    ck_assert_int_eq(s.pair.state, PAIR_MOVING);
    ck_assert_uint_gt(s.dom[A].tot_kb, 256 * MIB_KB);
    s.host_kb = s.whole_kb;
    assert_both();
}
END_TEST

/* It is over when somebody looks again: what came meanwhile counts, as does what may come yet. */
START_TEST(does_not_count_the_time_when_nobody_looked)
{
    begin_destroy_of(SIM_SECOND);
    s.balloon_stuck[B] = _i == 0;
    sim_advance(&s, s.op[A].due_ns);
    sim_advance(&s, s.now_ns + 15 * SIM_SECOND); /* the daemon is starved */
    sim_run(&s, 7 * SIM_SECOND);
    ck_assert_ptr_null(strstr(s.alert, "is not started"));
    ck_assert(_i == 0 ? s.pair.state == PAIR_MOVING : s.runs[DB] == 2);
    s.balloon_stuck[B] = false;
    assert_both();
}
END_TEST

static TCase *reserve(void)
{
    TCase *t = tcase_create("reserve and others");

    tcase_add_test(t, lends_what_the_jobs_need_to_start);
    tcase_add_test(t, lends_what_there_is);
    tcase_add_test(t, lends_nothing_without_a_job);
    tcase_add_test(t, keeps_what_is_lent_until_the_heir_may_take_it);
    tcase_add_test(t, another_daemon_does_not_expect_from_the_victim_what_the_heir_owes);
    tcase_add_test(t, lets_jobs_of_others_go_first);
    tcase_add_loop_test(t, lets_destroys_go_first_that_jobs_wait_for, 0, 2);
    tcase_add_test(t, its_jobs_begin_before_the_rest_of_its_growth);
    tcase_add_test(t, gives_nothing_back_for_others);
    tcase_add_test(t, is_urgent_until_its_jobs_are_granted);
    tcase_add_test(t, ranks_by_its_most_important_job);
    tcase_add_test(t, ranks_by_the_heirs_word_when_there_is_no_other);
    return t;
}

static TCase *priority(void)
{
    TCase *t = tcase_create("priority");

    tcase_add_loop_test(t, starts_by_priority, 0, 2);
    tcase_add_test(t, a_job_that_the_heir_does_not_know_keeps_nobody_waiting);
    tcase_add_loop_test(t, another_daemon_goes_on_with_the_next_job, 0, 5);
    tcase_add_loop_test(t, starts_what_fits, 0, 2);
    tcase_add_test(t, fails_when_nothing_fits);
    tcase_add_test(t, fails_jobs_that_nobody_starts);
    return t;
}

static TCase *stuck(void)
{
    TCase *t = tcase_create("stuck");

    tcase_add_test(t, asks_the_guest_to_set_its_target);
    tcase_add_test(t, fails_with_a_balloon_that_nothing_moves);
    tcase_add_test(t, says_what_the_guest_answers);
    tcase_add_test(t, takes_the_request_back_when_it_grows);
    tcase_add_loop_test(t, says_that_a_destroy_hangs_and_goes_on_with_what_is_free, 0, 2);
    tcase_add_test(t, waits_for_a_slow_destroy);
    tcase_add_loop_test(t, does_not_count_the_time_when_nobody_looked, 0, 2);
    return t;
}

int main(void)
{
    Suite *suite = suite_create("pair, scarce memory");
    SRunner *r = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, reserve());
    suite_add_tcase(suite, priority());
    suite_add_tcase(suite, stuck());
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
