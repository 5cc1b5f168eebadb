/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two pairs whose guests ask, withdraw, end, crash, reboot and keep memory at random, under a
 * daemon that is killed at random: what must hold does at every instant, and when all of it is over
 * everything is where it was. Over the simulated host. XHS_SEED=N repeats a run, XHS_RUNS=N makes
 * so many.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 10
#define EVENTS 120
#define JOBS 3 /* the second one hot-standby, the others plain */

static const char *const pairs[] = { "shop", "mail" };
static const char *const domains[] = { "shop-a", "shop-b", "mail-a", "mail-b" };
static const char *const jobs[JOBS] = { "x", "y", "z" };

static uint32_t state;

static unsigned pick(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

/* The domain of this name, or 0 while it does not run. */
static uint32_t running(const char *domain)
{
    char pair[8];
    uint32_t id;

    snprintf(pair, sizeof pair, "%.4s", domain);
    id = domain_of(pair, domain[5]);
    return domain_lives(id) && agent_boot_id(id) ? id : 0;
}

/* ---- events ---- */

static void someone_asks(const char *domain, const char *job)
{
    struct agent_job j = { .kb = (1 + pick(40)) * 10 * MIB, .priority = pick(3),
                           .wait_s = pick(3) ? pick(8) : MSG_WAIT_FOREVER,
                           .plain = strcmp(job, jobs[1]) != 0, .force = pick(6) == 0 };

    snprintf(j.name, sizeof j.name, "%s", job);
    j.min_kb = pick(3) == 0 ? j.kb / 2 : 0;
    j.ask_kb = pick(3) == 0 ? j.kb / 2 : j.kb;
    if (job_seen(domain, job)->runs || job_seen(domain, job)->busy)
        return;
    agent_has(domain, &j);
    job_asks(domain, job);
}

static void restart(void)
{
    daemon_kill();
    daemon_run((int)pick(2) * 100);
    daemon_start();
}

static void something_happens(void)
{
    const char *domain = domains[pick(4)], *job = jobs[pick(JOBS)];
    uint32_t id = running(domain);

    if (!id)
        return;
    switch (pick(24)) {
    case 0:
        restart();
        break;
    case 2:
        fake_guest_crash(id);
        break;
    case 3:
        fake_guest_shutdown(id, 1);
        break;
    case 4:
        fake_guest_refuse_balloon(id, true);
        break;
    case 5:
    case 6:
        fake_guest_refuse_balloon(id, false);
        break;
    case 10:
        fake_guest_balloon_rate(id, 50 + pick(1000));
        break;
    case 11:
    case 12:
    case 13:
    case 14:
        job_stops(domain, job);
        break;
    default:
        someone_asks(domain, job);
        break;
    }
}

/* ---- the end ---- */

static void all_are_well(void)
{
    for (int i = 0; i < 4; i++) {
        uint32_t id = running(domains[i]);

        if (id) {
            fake_guest_refuse_balloon(id, false);
            fake_guest_balloon_rate(id, 0);
        }
    }
}

static void recover_those_that_failed(void)
{
    for (int i = 0; i < 2; i++) {
        if (strcmp(key("/tool/xhs/pair/%s/state", pairs[i]), "failed") == 0)
            json_free(ask_ok(30 * SECONDS, "{\"op\":\"recover\",\"pair\":\"%s\"}", pairs[i]));
    }
}

static void all_jobs_end(void)
{
    for (int i = 0; i < 4 * JOBS; i++) {
        if (running(domains[i / JOBS]))
            job_stops(domains[i / JOBS], jobs[i % JOBS]);
    }
}

START_TEST(all_is_back_in_the_end)
{
    const char *seed = getenv("XHS_SEED");

    d.step_ms = 10;
    state = (seed ? (uint32_t)atoi(seed) : (uint32_t)_i + 1) * 2654435761u;
    fprintf(stderr, "XHS_SEED=%d\n", seed ? atoi(seed) : _i + 1);
    for (int i = 0; i < 4 * JOBS; i++) {
        struct agent_job j = { .kb = 10 * MIB, .plain = i % JOBS != 1 };
        snprintf(j.name, sizeof j.name, "%s", jobs[i % JOBS]);
        agent_has(domains[i / JOBS], &j);
    }
    for (int i = 0; i < EVENTS; i++) {
        something_happens();
        daemon_run(1 + (int)pick(pick(4) ? 100 : 1500));
    }
    d.step_ms = 20;
    for (int i = 0; i < 4; i++) {
        all_are_well();
        daemon_run(10 * SECONDS);
        recover_those_that_failed();
        all_jobs_end();
    }
    daemon_run(15 * SECONDS);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(key("/tool/xhs/pair/%s/state", pairs[i]), "protected");
        check_calm(pairs[i]);
    }
    ck_assert_uint_eq(queued(), 0);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and requests at random");
    TCase *c = tcase_create("random");
    int runs = getenv("XHS_RUNS") ? atoi(getenv("XHS_RUNS")) : RUNS;

    tcase_add_checked_fixture(c, begin_sharing_less, daemon_teardown);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, all_is_back_in_the_end, 0, getenv("XHS_SEED") ? 1 : runs);
    suite_add_tcase(s, c);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
