/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's life in its guest, decision by decision. At random: test_guest_jobs_random.c. What is
 * said of a job in which place: test_guest_settings.c.
 * Not a test of processes and cgroups: the lab does that.
 * Run by make check.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"

#define MS UINT64_C(1000000)
#define EXITED(n) ((n) << 8) /* as waitpid has it */

static const struct jobdef hot_def = {
    .start = "hot", .stop = "stop hot", .memory_kb = 131072, .memory_min_kb = 65536,
    .hot_standby = YES, .autostart = true,
};
static const struct jobdef plain_def = { .start = "plain", .autostart = true };
static const struct job_params no_params;

static struct job new_job(const struct jobdef *def)
{
    struct job j = { .name = "web", .events_fd = -1, .estimate.kb = 40960 };

    struct job_result r = job_defined(&j, def, NULL, true);
    ck_assert_uint_eq(r.todo, JOB_PUBLISH);
    return j;
}

/* A hot-standby job that runs under this request. */
static struct job running_job(uint64_t id)
{
    struct job j = new_job(&hot_def);

    ck_assert_uint_eq(job_start(&j, id, 131072, GRANT_YES, true).todo, JOB_SPAWN);
    ck_assert_int_eq(job_spawned(&j, NULL).answer, JOB_OK);
    return j;
}

START_TEST(waits_or_is_defined)
{
    struct jobdef manual = hot_def;
    struct job j = new_job(&hot_def);

    ck_assert_int_eq(j.line.state, MSG_JOB_WAITING);
    ck_assert(j.line.hot_standby && j.line.memory_kb == 131072 && j.line.memory_min_kb == 65536);
    manual.autostart = false;
    j = new_job(&manual);
    ck_assert_int_eq(j.line.state, MSG_JOB_DEFINED);
    ck_assert(j.line.hot_standby); /* the other member's dom0 wants to know */
    ck_assert_uint_eq(j.line.wait_s, 0); /* nobody waits */

    j = new_job(&plain_def); /* a plain one waits just so, for memory of its own */
    ck_assert_int_eq(j.line.state, MSG_JOB_WAITING);
    ck_assert(!j.line.hot_standby && j.line.memory_kb == 40960);
    ck_assert_uint_eq(job_tick(&j, 100000 * MS).todo, 0);
    struct job_result r = job_want(&j, &no_params);
    ck_assert(r.todo == JOB_PUBLISH && r.answer == JOB_LATER);
    ck_assert_int_eq(j.line.state, MSG_JOB_WAITING);
}
END_TEST

START_TEST(starts_by_grant_only)
{
    struct job j = new_job(&hot_def);

    struct job_result r = job_start(&j, 7, 100000, GRANT_NO, true);
    ck_assert(r.todo == 0 && r.answer == JOB_LATER);
    r = job_start(&j, 7, 100000, GRANT_UNKNOWN, true);
    ck_assert(r.todo == 0 && r.answer == JOB_FAILED);
    ck_assert_int_eq(j.line.state, MSG_JOB_WAITING);

    r = job_start(&j, 7, 100000, GRANT_NO, false);
    ck_assert(r.todo == 0 && r.answer == JOB_LATER);
    r = job_start(&j, 7, 100000, GRANT_YES, false); /* its memory is to come */
    ck_assert(r.todo == JOB_PREPARE && r.answer == JOB_LATER && r.kb == 100000);
    r = job_start(&j, 7, 0, GRANT_YES, false);
    ck_assert(r.todo == JOB_PREPARE && r.kb == 131072);
    ck_assert(j.line.state == MSG_JOB_WAITING && j.line.request == 0);

    r = job_start(&j, 7, 100000, GRANT_YES, true);
    ck_assert(r.todo == JOB_SPAWN && r.answer == JOB_LATER);
    ck_assert(j.line.state == MSG_JOB_STARTING && j.line.request == 7);
    ck_assert_uint_eq(j.line.memory_kb, 100000); /* dom0's size, its own minimum */
    ck_assert_uint_eq(j.line.memory_min_kb, 65536);
    r = job_spawned(&j, NULL);
    ck_assert(r.todo == JOB_PUBLISH && r.answer == JOB_OK);
    ck_assert_int_eq(j.line.state, MSG_JOB_RUNNING);

    j = new_job(&plain_def); /* a plain one neither */
    j.line.ask_kb = 40960;
    ck_assert_uint_eq(job_start(&j, 8, 30000, GRANT_NO, true).todo, 0);
    ck_assert_uint_eq(j.line.memory_kb, 40960); /* as asked, as long as it waits */
    ck_assert_uint_eq(j.line.ask_kb, 40960);
    ck_assert_uint_eq(job_start(&j, 8, 30000, GRANT_YES, true).todo, JOB_SPAWN);
    ck_assert(!j.line.hot_standby && j.line.memory_kb == 30000);
    ck_assert(j.line.ask_kb == 0 && j.line.wait_s == 0); /* there is no request any more */
}
END_TEST

START_TEST(keeps_to_what_was_asked_here)
{
    const struct job_params p = { .hot_standby = NO, .memory_kb = 80000, .memory_min_kb = 50000,
                                  .priority = { true, 3 }, .force = true };
    struct job j = new_job(&hot_def);

    ck_assert_uint_eq(job_want(&j, &p).todo, JOB_PUBLISH);
    ck_assert(j.line.force && j.line.priority == 3);
    ck_assert_uint_eq(job_start(&j, 7, 60000, GRANT_YES, true).todo, JOB_SPAWN);
    ck_assert(!j.line.hot_standby && !j.line.force && j.line.priority == 3);
    ck_assert(j.line.memory_kb == 60000 && j.line.memory_min_kb == 50000);

    j = new_job(&hot_def);
    job_want(&j, &p);
    ck_assert_uint_eq(job_start(&j, 7, 0, GRANT_YES, true).todo, JOB_SPAWN);
    ck_assert_uint_eq(j.line.memory_kb, 80000);
}
END_TEST

START_TEST(takes_over_what_the_other_ran)
{
    struct jobdef def = plain_def;
    struct job j;

    def.autostart = false;
    def.memory_kb = 90000;
    def.memory_min_kb = 70000;
    j = new_job(&def); /* nobody asked for it here, so it can only be the pair's */
    ck_assert_uint_eq(job_start(&j, 7, 60000, GRANT_YES, true).todo, JOB_SPAWN);
    ck_assert(j.line.hot_standby && j.line.memory_kb == 60000 && j.line.memory_min_kb == 60000);
    j = new_job(&def);
    ck_assert_uint_eq(job_start(&j, 7, 0, GRANT_YES, true).todo, JOB_SPAWN);
    ck_assert(j.line.memory_kb == 90000 && j.line.memory_min_kb == 70000);

    j = new_job(&hot_def); /* stopped here by hand, and started there */
    const struct job_params p = { .memory_kb = 1000 };
    job_want(&j, &p);
    job_stop(&j, "xhs-job stop", 0);
    ck_assert_uint_eq(job_start(&j, 7, 100000, GRANT_YES, true).todo, JOB_SPAWN);
    ck_assert(j.line.memory_kb == 100000 && j.line.memory_min_kb == 65536);
}
END_TEST

START_TEST(is_refused)
{
    const struct job_params p = { .wait_s = { true, 60 }, .force = true };
    struct job j = new_job(&plain_def);

    job_want(&j, &p);
    j.line.ask_kb = 1000;
    struct job_result r = job_deny(&j, "12 MiB are left");
    ck_assert(r.todo == JOB_PUBLISH && r.answer == JOB_OK);
    ck_assert_int_eq(j.line.state, MSG_JOB_FAILED);
    ck_assert_str_eq(j.line.reason, "12 MiB are left");
    ck_assert(j.line.ask_kb == 0 && j.line.wait_s == 0 && !j.line.force);
    r = job_run_answer(&j);
    ck_assert_int_eq(r.answer, JOB_FAILED);
    ck_assert_str_eq(r.text, "failed: 12 MiB are left");
    ck_assert_int_eq(job_want(&j, &p).answer, JOB_LATER); /* and may be asked for again */
    ck_assert(j.line.wait_s == 60 && j.line.force && !j.line.reason[0]);
    job_deny(&j, "");
    ck_assert_str_eq(j.line.reason, "dom0 refused it its memory");

    j = running_job(7);
    r = job_deny(&j, "late");
    ck_assert(r.todo == 0 && r.answer == JOB_OK && j.line.state == MSG_JOB_RUNNING);
    job_stop(&j, "enough", 0);
    r = job_deny(&j, "late");
    ck_assert(r.todo == 0 && r.answer == JOB_OK);
    ck_assert_str_eq(j.line.reason, "enough");
}
END_TEST

START_TEST(figures_are_of_one_run)
{
    const struct job_end good = { true, EXITED(0), false };
    struct job j = running_job(7);

    j.line.used_kb = 500;
    j.line.peak_kb = 900;
    j.line.oom_kills = 1;
    job_ended(&j, &good);
    ck_assert(j.line.used_kb == 0 && j.line.peak_kb == 900 && j.line.oom_kills == 1);
    job_start(&j, 8, 131072, GRANT_YES, true);
    ck_assert(j.line.peak_kb == 0 && j.line.oom_kills == 0);
    j.line.peak_kb = 900;
    job_spawned(&j, NULL);
    job_ended(&j, &good);
    job_want(&j, &no_params);
    ck_assert_uint_eq(j.line.peak_kb, 0);
}
END_TEST

START_TEST(runs_once_a_grant)
{
    const struct job_end good = { true, EXITED(0), false };
    struct job j = running_job(7);

    struct job_result r = job_start(&j, 7, 131072, GRANT_YES, true);
    ck_assert(!(r.todo & JOB_SPAWN) && r.answer == JOB_OK);
    r = job_start(&j, 8, 131072, GRANT_YES, true);
    ck_assert(r.todo == 0 && r.answer == JOB_FAILED);
    ck_assert_str_eq(r.text, "already running under request 7");
    ck_assert_int_eq(job_want(&j, &no_params).answer, JOB_FAILED);

    job_ended(&j, &good);
    r = job_start(&j, 7, 131072, GRANT_YES, true);
    ck_assert(r.todo == 0 && r.answer == JOB_FAILED);
    ck_assert_str_eq(r.text, "request 7 was carried out, and ended: exit 0");
    ck_assert_uint_eq(job_start(&j, 8, 131072, GRANT_YES, true).todo, JOB_SPAWN);
    r = job_spawned(&j, "cannot execute /bin/sh");
    ck_assert(r.todo == JOB_PUBLISH && r.answer == JOB_FAILED);
    ck_assert(j.line.state == MSG_JOB_FAILED && j.line.request == 8);
    ck_assert_str_eq(j.line.reason, "cannot execute /bin/sh");
}
END_TEST

START_TEST(stops_when_the_grant_goes)
{
    struct job j = running_job(7);

    ck_assert_uint_eq(job_grant_read(&j, GRANT_YES, 0).todo, 0);
    ck_assert_uint_eq(job_grant_read(&j, GRANT_UNKNOWN, 0).todo, 0);
    ck_assert_uint_eq(job_grant_read(&j, GRANT_NO, 0).todo, JOB_PUBLISH | JOB_STOP_COMMAND);
    ck_assert_int_eq(j.line.state, MSG_JOB_STOPPING);
    ck_assert_str_eq(j.line.reason, "dom0 took the run grant back");
    ck_assert_uint_eq(job_grant_read(&j, GRANT_NO, 0).todo, 0);

    j = new_job(&plain_def); /* a plain one too */
    job_start(&j, 8, 0, GRANT_YES, true);
    job_spawned(&j, NULL);
    ck_assert_uint_eq(job_grant_read(&j, GRANT_NO, 0).todo, JOB_PUBLISH | JOB_TERM);
}
END_TEST

START_TEST(stop_is_bounded)
{
    const struct job_end killed = { true, 9, false };
    struct job j = running_job(7);

    ck_assert_uint_eq(job_next_ns(&j), UINT64_MAX);
    struct job_result r = job_stop(&j, "enough", 1000 * MS);
    ck_assert(r.todo == (JOB_PUBLISH | JOB_STOP_COMMAND) && r.answer == JOB_LATER);
    ck_assert(job_stop(&j, "again", 2000 * MS).todo == 0);
    ck_assert_int_eq(job_stop_answer(&j).answer, JOB_LATER);
    ck_assert_int_eq(job_start(&j, 8, 1, GRANT_YES, true).answer, JOB_FAILED);
    ck_assert_uint_eq(job_next_ns(&j), (1000 + JOB_STOP_LIMIT_MS) * MS);
    ck_assert_uint_eq(job_tick(&j, (999 + JOB_STOP_LIMIT_MS) * MS).todo, 0);
    ck_assert_uint_eq(job_tick(&j, (1000 + JOB_STOP_LIMIT_MS) * MS).todo, JOB_KILL);
    ck_assert_uint_eq(job_tick(&j, (1001 + JOB_STOP_LIMIT_MS) * MS).todo, 0);
    ck_assert_uint_eq(job_tick(&j, (1100 + JOB_STOP_LIMIT_MS) * MS).todo, JOB_KILL);
    ck_assert_uint_eq(job_ended(&j, &killed).todo, JOB_PUBLISH);
    ck_assert_int_eq(j.line.state, MSG_JOB_STOPPED); /* killed, but as asked */
    ck_assert_str_eq(j.line.reason, "enough");
    ck_assert_int_eq(job_stop_answer(&j).answer, JOB_OK);
    ck_assert_int_eq(job_stop(&j, "again", 0).answer, JOB_OK);

    j = new_job(&plain_def); /* no stop command */
    ck_assert_int_eq(job_stop(&j, "no", 0).answer, JOB_OK);
    ck_assert_int_eq(j.line.state, MSG_JOB_STOPPED); /* and waits no more */
    job_want(&j, &no_params);
    job_start(&j, 8, 0, GRANT_YES, true);
    job_spawned(&j, NULL);
    ck_assert_uint_eq(job_stop(&j, "no", 0).todo, JOB_PUBLISH | JOB_TERM);
}
END_TEST

START_TEST(says_how_it_ended)
{
    static const struct {
        struct job_end end;
        enum msg_job_state state;
        const char *reason;
    } c[] = {
        { { true, EXITED(0), false }, MSG_JOB_STOPPED, "exit 0" },
        { { true, EXITED(0), true }, MSG_JOB_STOPPED, "exit 0" },
        { { true, EXITED(3), false }, MSG_JOB_FAILED, "exit 3" },
        { { true, 11, false }, MSG_JOB_FAILED, "signal 11" },
        { { true, 9, true }, MSG_JOB_FAILED, "out of memory" },
        { { true, EXITED(137), true }, MSG_JOB_FAILED, "out of memory" },
        { { false, 0, true }, MSG_JOB_FAILED, "out of memory" },
        { { false, 0, false }, MSG_JOB_FAILED,
          "it ended, and its exit status was lost with an earlier agent" },
    };

    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct job j = running_job(7);
        ck_assert_uint_eq(job_ended(&j, &c[i].end).todo, JOB_PUBLISH);
        ck_assert_int_eq(j.line.state, c[i].state);
        ck_assert_str_eq(j.line.reason, c[i].reason);
        ck_assert_uint_eq(j.line.request, 7);
        ck_assert_int_eq(job_run_answer(&j).answer, JOB_FAILED);
    }
}
END_TEST

START_TEST(is_taken_over_from_an_earlier_agent)
{
    struct msg_job line = { .state = MSG_JOB_RUNNING, .hot_standby = true, .memory_kb = 5,
                            .request = 7 };
    struct job j = new_job(&hot_def);

    ck_assert_uint_eq(job_restored(&j, &line, true, 0).todo, JOB_PUBLISH);
    ck_assert(j.line.state == MSG_JOB_RUNNING && j.line.request == 7 && j.line.memory_kb == 5);
    ck_assert_int_eq(job_start(&j, 7, 5, GRANT_YES, true).answer, JOB_OK);

    line.state = MSG_JOB_STARTING; /* the agent died between fork and report */
    j = new_job(&hot_def);
    job_restored(&j, &line, true, 0);
    ck_assert_int_eq(j.line.state, MSG_JOB_RUNNING);

    j = new_job(&hot_def); /* or before the fork */
    job_restored(&j, &line, false, 0);
    ck_assert_int_eq(j.line.state, MSG_JOB_FAILED);
    ck_assert_int_eq(job_start(&j, 7, 5, GRANT_YES, true).answer, JOB_FAILED);

    line.state = MSG_JOB_STOPPING;
    strcpy(line.reason, "enough");
    j = new_job(&hot_def);
    ck_assert_uint_eq(job_restored(&j, &line, true, 0).todo, JOB_PUBLISH | JOB_STOP_COMMAND);
    ck_assert_str_eq(j.line.reason, "enough");
    j = new_job(&hot_def);
    job_restored(&j, &line, false, 0);
    ck_assert_int_eq(j.line.state, MSG_JOB_STOPPED);

    line.state = MSG_JOB_STOPPED; /* not started again because the agent was */
    j = new_job(&hot_def);
    job_restored(&j, &line, false, 0);
    ck_assert_int_eq(j.line.state, MSG_JOB_STOPPED);
    job_restored(&j, &line, true, 0); /* there are processes: it runs */
    ck_assert_int_eq(j.line.state, MSG_JOB_RUNNING);

    line = (struct msg_job){ .state = MSG_JOB_WAITING, .hot_standby = true, .memory_kb = 99 };
    j = new_job(&plain_def);
    job_restored(&j, &line, false, 0);
    job_defined(&j, &plain_def, NULL, false);
    ck_assert(j.line.state == MSG_JOB_WAITING && j.line.hot_standby && j.line.memory_kb == 99);
}
END_TEST

START_TEST(survives_a_bad_file)
{
    struct jobdef manual = plain_def;
    struct job j = { 0 };

    struct job_result r = job_defined(&j, NULL, "web.job:1: wrong", true);
    ck_assert(r.todo == JOB_PUBLISH && j.line.state == MSG_JOB_FAILED);
    ck_assert_str_eq(j.line.reason, "web.job:1: wrong");
    r = job_start(&j, 7, 1, GRANT_YES, true);
    ck_assert(r.todo == 0 && r.answer == JOB_FAILED);
    ck_assert_str_eq(r.text, "web.job:1: wrong");
    ck_assert_int_eq(job_want(&j, &no_params).answer, JOB_FAILED);
    manual.autostart = false;
    job_defined(&j, &manual, NULL, false); /* put right */
    ck_assert(j.line.state == MSG_JOB_DEFINED && !j.line.reason[0]);

    j = running_job(7); /* while it runs, it runs */
    ck_assert_uint_eq(job_defined(&j, NULL, "web.job:1: wrong", false).todo, 0);
    ck_assert_int_eq(j.line.state, MSG_JOB_RUNNING);
    ck_assert_uint_eq(job_stop(&j, "enough", 0).todo, JOB_PUBLISH | JOB_TERM);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_jobs");
    TCase *t = tcase_create("jobs");

    tcase_add_test(t, waits_or_is_defined);
    tcase_add_test(t, starts_by_grant_only);
    tcase_add_test(t, keeps_to_what_was_asked_here);
    tcase_add_test(t, takes_over_what_the_other_ran);
    tcase_add_test(t, is_refused);
    tcase_add_test(t, figures_are_of_one_run);
    tcase_add_test(t, runs_once_a_grant);
    tcase_add_test(t, stops_when_the_grant_goes);
    tcase_add_test(t, stop_is_bounded);
    tcase_add_test(t, says_how_it_ended);
    tcase_add_test(t, is_taken_over_from_an_earlier_agent);
    tcase_add_test(t, survives_a_bad_file);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
