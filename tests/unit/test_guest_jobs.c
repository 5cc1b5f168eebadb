/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's life in its guest, decision by decision, and at random: never two copies, never a
 * hot-standby job without its grant.
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
    struct job j = { .name = "web", .events_fd = -1 };

    struct job_result r = job_defined(&j, def, NULL, true);
    ck_assert_uint_eq(r.todo, JOB_PUBLISH);
    return j;
}

/* A hot-standby job that runs under this request. */
static struct job running_job(uint64_t id)
{
    struct job j = new_job(&hot_def);

    ck_assert_uint_eq(job_start(&j, id, 131072, GRANT_YES).todo, JOB_SPAWN);
    ck_assert_int_eq(job_spawned(&j, NULL).answer, JOB_OK);
    return j;
}

START_TEST(waits_or_is_defined)
{
    struct jobdef manual = hot_def;
    struct job j = new_job(&hot_def);

    ck_assert_int_eq(j.line.state, MSG_JOB_WAITING);
    ck_assert(j.line.hot_standby && j.line.memory_kb == 131072 && j.line.memory_min_kb == 65536);
    ck_assert_uint_eq(job_launch(&j).todo, 0); /* not by itself */
    manual.autostart = false;
    j = new_job(&manual);
    ck_assert_int_eq(j.line.state, MSG_JOB_DEFINED);
    ck_assert(j.line.hot_standby); /* the other member's dom0 wants to know */

    j = new_job(&plain_def);
    ck_assert_int_eq(j.line.state, MSG_JOB_WAITING);
    ck_assert_uint_eq(job_launch(&j).todo, JOB_SPAWN);
    ck_assert_uint_eq(job_launch(&j).todo, 0);
    ck_assert_uint_eq(job_spawned(&j, NULL).todo, JOB_PUBLISH);
    ck_assert_int_eq(j.line.state, MSG_JOB_RUNNING);

    manual.memory_kb = manual.memory_min_kb = 0;
    manual.autostart = true;
    j = new_job(&manual);
    ck_assert_int_eq(j.line.state, MSG_JOB_FAILED);
    ck_assert_str_eq(j.line.reason, "a hot-standby job needs a size of memory, and none is given");
}
END_TEST

START_TEST(precedence)
{
    static const struct {
        enum choice file, line, env, hot;
        uint64_t file_kb, line_kb, env_kb, kb;
    } c[] = {
        { UNSAID, UNSAID, UNSAID, NO, 0, 0, 0, 0 },
        { UNSAID, UNSAID, YES, YES, 0, 0, 5, 5 },
        { NO, UNSAID, YES, NO, 7, 0, 5, 7 },
        { NO, YES, NO, YES, 7, 9, 5, 9 },
        { YES, UNSAID, NO, YES, 7, 0, 0, 7 },
        { UNSAID, YES, UNSAID, YES, 0, 9, 0, 9 },
    };

    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        const struct jobdef def = { .start = "x", .hot_standby = c[i].file,
                                    .memory_kb = c[i].file_kb };
        const struct job_params p = { .hot_standby = c[i].line, .env_hot_standby = c[i].env,
                                      .memory_kb = c[i].line_kb, .env_memory_kb = c[i].env_kb };
        struct job j = { 0 };
        job_defined(&j, &def, NULL, true);
        ck_assert_int_eq(job_want(&j, &p).answer, JOB_LATER);
        ck_assert_msg(j.line.hot_standby == (c[i].hot == YES), "case %zu", i);
        ck_assert_uint_eq(j.line.memory_kb, c[i].kb);
    }
}
END_TEST

START_TEST(minimum_follows_memory)
{
    struct job j = new_job(&hot_def);
    struct job_params p = { .memory_kb = 4096 };

    ck_assert_int_eq(job_want(&j, &p).answer, JOB_LATER);
    ck_assert_uint_eq(j.line.memory_min_kb, 4096);
    p = (struct job_params){ .memory_min_kb = 200000 };
    struct job_result r = job_want(&j, &p);
    ck_assert(r.answer == JOB_FAILED && r.todo == 0);
    ck_assert_uint_eq(j.line.memory_kb, 4096); /* a refused wish changes nothing */
}
END_TEST

START_TEST(starts_by_grant_only)
{
    struct job j = new_job(&hot_def);

    struct job_result r = job_start(&j, 7, 100000, GRANT_NO);
    ck_assert(r.todo == 0 && r.answer == JOB_LATER);
    r = job_start(&j, 7, 100000, GRANT_UNKNOWN);
    ck_assert(r.todo == 0 && r.answer == JOB_FAILED);
    ck_assert_int_eq(j.line.state, MSG_JOB_WAITING);

    r = job_start(&j, 7, 100000, GRANT_YES);
    ck_assert(r.todo == JOB_SPAWN && r.answer == JOB_LATER);
    ck_assert(j.line.state == MSG_JOB_STARTING && j.line.request == 7);
    ck_assert_uint_eq(j.line.memory_kb, 100000); /* dom0's size, its own minimum */
    ck_assert_uint_eq(j.line.memory_min_kb, 65536);
    r = job_spawned(&j, NULL);
    ck_assert(r.todo == JOB_PUBLISH && r.answer == JOB_OK);
    ck_assert_int_eq(j.line.state, MSG_JOB_RUNNING);

    j = new_job(&plain_def); /* also a plain one: what dom0 starts, dom0 governs */
    ck_assert_uint_eq(job_start(&j, 8, 5, GRANT_NO).todo, 0);
    ck_assert_uint_eq(job_start(&j, 8, 5, GRANT_YES).todo, JOB_SPAWN);
    ck_assert(j.line.hot_standby);
}
END_TEST

START_TEST(runs_once_a_grant)
{
    const struct job_end good = { true, EXITED(0), false };
    struct job j = running_job(7);

    struct job_result r = job_start(&j, 7, 131072, GRANT_YES);
    ck_assert(!(r.todo & JOB_SPAWN) && r.answer == JOB_OK);
    r = job_start(&j, 8, 131072, GRANT_YES);
    ck_assert(r.todo == 0 && r.answer == JOB_FAILED);
    ck_assert_str_eq(r.text, "already running under request 7");
    ck_assert_int_eq(job_want(&j, &no_params).answer, JOB_FAILED);

    job_ended(&j, &good);
    r = job_start(&j, 7, 131072, GRANT_YES);
    ck_assert(r.todo == 0 && r.answer == JOB_FAILED);
    ck_assert_str_eq(r.text, "request 7 was carried out, and ended: exit 0");
    ck_assert_uint_eq(job_start(&j, 8, 131072, GRANT_YES).todo, JOB_SPAWN);
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

    j = new_job(&plain_def);
    job_launch(&j);
    job_spawned(&j, NULL);
    ck_assert_uint_eq(job_grant_read(&j, GRANT_NO, 0).todo, 0); /* it never had one */
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
    ck_assert_int_eq(job_start(&j, 8, 1, GRANT_YES).answer, JOB_FAILED);
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
    job_launch(&j);
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
    ck_assert_int_eq(job_start(&j, 7, 5, GRANT_YES).answer, JOB_OK);

    line.state = MSG_JOB_STARTING; /* the agent died between fork and report */
    j = new_job(&hot_def);
    job_restored(&j, &line, true, 0);
    ck_assert_int_eq(j.line.state, MSG_JOB_RUNNING);

    j = new_job(&hot_def); /* or before the fork */
    job_restored(&j, &line, false, 0);
    ck_assert_int_eq(j.line.state, MSG_JOB_FAILED);
    ck_assert_int_eq(job_start(&j, 7, 5, GRANT_YES).answer, JOB_FAILED);

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
    r = job_start(&j, 7, 1, GRANT_YES);
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

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One random thing happens to j; what the decision asks for is judged, and done as in a guest. */
static void random_step(struct job *j, uint64_t *rnd, uint64_t *now, bool *populated)
{
    const enum job_grant granted = random_next(rnd) % 3;
    const uint64_t id = 1 + random_next(rnd) % 4, before = j->line.request;
    const bool was_running = j->line.state == MSG_JOB_RUNNING;
    const struct job_end end = { random_next(rnd) % 2, EXITED(random_next(rnd) % 2), false };
    const struct job_params p = { .hot_standby = random_next(rnd) % 3,
                                  .memory_kb = random_next(rnd) % 2 * 1000 };
    struct job_result r = { 0 };
    bool starting = false;

    *now += random_next(rnd) % (4000 * MS);
    switch (random_next(rnd) % 9) {
    case 0:
        r = job_defined(j, random_next(rnd) % 2 ? &hot_def : &plain_def, NULL, false);
        break;
    case 1:
        r = job_defined(j, NULL, "wrong", false);
        break;
    case 2:
        r = job_want(j, &p);
        break;
    case 3:
        r = job_launch(j);
        break;
    case 4:
        starting = true;
        r = job_start(j, id, 1000, granted);
        ck_assert(!(r.todo & JOB_SPAWN) || (granted == GRANT_YES && id != before));
        break;
    case 5:
        r = job_stop(j, "stop", *now);
        break;
    case 6:
        r = job_grant_read(j, granted, *now);
        ck_assert(!(was_running && before && granted == GRANT_NO) ||
                  j->line.state == MSG_JOB_STOPPING);
        break;
    case 7:
        r = job_tick(j, *now);
        break;
    case 8:
        if (*populated) {
            *populated = false;
            r = job_ended(j, &end);
        }
        break;
    }
    if (r.todo & JOB_SPAWN) {
        ck_assert(!*populated && j->usable);
        ck_assert(starting || (!j->line.hot_standby && !j->line.request));
        *populated = random_next(rnd) % 4 != 0;
        r = job_spawned(j, *populated ? NULL : "no");
    }
    ck_assert(job_active(j) == *populated);
    ck_assert(!(r.todo & (JOB_TERM | JOB_KILL | JOB_STOP_COMMAND)) || *populated);
    ck_assert_uint_le(j->line.memory_min_kb, j->line.memory_kb);
}

START_TEST(never_two_copies)
{
    uint64_t rnd = UINT64_C(0x2545f4914f6cdd1d), now = 0;
    bool populated = false;
    struct job j = new_job(&hot_def);

    for (unsigned i = 0; i < 300000; i++)
        random_step(&j, &rnd, &now, &populated);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_jobs");
    TCase *t = tcase_create("jobs");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, waits_or_is_defined);
    tcase_add_test(t, precedence);
    tcase_add_test(t, minimum_follows_memory);
    tcase_add_test(t, starts_by_grant_only);
    tcase_add_test(t, runs_once_a_grant);
    tcase_add_test(t, stops_when_the_grant_goes);
    tcase_add_test(t, stop_is_bounded);
    tcase_add_test(t, says_how_it_ended);
    tcase_add_test(t, is_taken_over_from_an_earlier_agent);
    tcase_add_test(t, survives_a_bad_file);
    tcase_add_test(t, never_two_copies);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
