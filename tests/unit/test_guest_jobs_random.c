/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's life in its guest at random: never two copies, and none without its grant.
 * Not a test of processes and cgroups: the lab does that.
 * Run by make check.
 */
#include <check.h>
#include <stdlib.h>

#include "jobs.h"

#define MS UINT64_C(1000000)
#define EXITED(n) ((n) << 8) /* as waitpid has it */

static const struct jobdef hot_def = {
    .start = "hot", .stop = "stop hot", .memory_kb = 131072, .memory_min_kb = 65536,
    .hot_standby = YES, .autostart = true,
};
static const struct jobdef plain_def = { .start = "plain", .autostart = true };

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
    const bool was_active = job_active(j);
    const bool was_running = j->line.state == MSG_JOB_RUNNING;
    const struct job_end end = { random_next(rnd) % 2, EXITED(random_next(rnd) % 2), false };
    const struct job_params p = { .hot_standby = random_next(rnd) % 3,
                                  .memory_kb = random_next(rnd) % 2 * 1000,
                                  .force = random_next(rnd) % 2 };
    struct job_result r = { 0 };
    bool starting = false, there;

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
        r = job_deny(j, "no");
        ck_assert(!was_running || j->line.state == MSG_JOB_RUNNING);
        break;
    case 4:
        starting = true;
        there = random_next(rnd) % 2;
        r = job_start(j, id, 1000, granted, there);
        ck_assert(!(r.todo & JOB_SPAWN) || (there && granted == GRANT_YES && id != before));
        ck_assert(!(r.todo & JOB_PREPARE) || (!there && granted == GRANT_YES && !was_active));
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
        ck_assert(starting && j->line.request == id);
        *populated = random_next(rnd) % 4 != 0;
        r = job_spawned(j, *populated ? NULL : "no");
    }
    ck_assert(job_active(j) == *populated);
    ck_assert(!(r.todo & (JOB_TERM | JOB_KILL | JOB_STOP_COMMAND)) || *populated);
    ck_assert_uint_le(j->line.memory_min_kb, j->line.memory_kb);
    ck_assert(j->line.state == MSG_JOB_WAITING || (!j->line.wait_s && !j->line.force));
}

START_TEST(never_two_copies)
{
    uint64_t rnd = UINT64_C(0x2545f4914f6cdd1d), now = 0;
    bool populated = false;
    struct job j = { .name = "web", .events_fd = -1, .estimate.kb = 40960 };

    job_defined(&j, &hot_def, NULL, true);
    for (unsigned i = 0; i < 300000; i++)
        random_step(&j, &rnd, &now, &populated);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_jobs_random");
    TCase *t = tcase_create("jobs");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, never_two_copies);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
