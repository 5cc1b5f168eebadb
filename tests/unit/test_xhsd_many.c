/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fifty pairs, each with a job of another priority, that all fail in the same instant: who is
 * served first, who waits for whom, how long it takes, and what it costs the daemon. Over the
 * simulated host. Real time is printed, and asserted nowhere.
 */
#include "tests/unit/daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/pair.h"
#include "xhsd/host.h"
#include "xhsd/pair_run.h"

#define PAIRS 50
#define LENT 10 /* of them get from the reserve what their job needs to start */

/* MiB. */
#define ACTIVE 320
#define STANDBY 96
#define JOB 128
#define JOB_MIN 64
#define RESERVE (LENT * JOB_MIN)

#define STEP_MS 10  /* between two looks at memory that moves */
#define START_MS 40 /* what an agent needs */

static struct story {
    char name[8];
    unsigned priority;
    uint32_t heir;
    uint64_t max_kb;  /* of the heir, at the last instant */
    uint64_t request; /* the run grant, in the order of which jobs were granted */
    bool waits, runs;
} pairs[PAIRS];

/* Every priority once, in no order. */
static unsigned priority_of(int i)
{
    return (unsigned)(i * 37) % PAIRS;
}

static void form(struct story *p)
{
    struct agent_job job = { .name = "web", .kb = JOB * MIB, .min_kb = JOB_MIN * MIB,
                             .priority = p->priority, .wait_s = MSG_WAIT_FOREVER, .boot = true };
    char domain[16], more[128];

    for (char m = 'a'; m <= 'b'; m++) {
        snprintf(domain, sizeof domain, "%.8s-%c", p->name, m);
        agent_has(domain, &job);
    }
    snprintf(more, sizeof more, "memory = %d\nstandby_memory = %d\nmax_memory = %d", ACTIVE,
             STANDBY, 11 * STANDBY);
    pair_create(pair_file(p->name, more));
}

static void begin(void)
{
    char cfg[64];

    snprintf(cfg, sizeof cfg, "pool = %d\nreserve = %d\n", PAIRS * (ACTIVE + STANDBY) + RESERVE,
             RESERVE);
    daemon_setup_host(PAIRS * (ACTIVE + STANDBY) + RESERVE + PAIRS, cfg);
    fake_speed.boot_ns = 200 * FAKE_MS;
    fake_speed.create_ns = 100 * FAKE_MS;
    d.step_ms = 50;
    daemon_start();
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = (struct story){ .priority = priority_of(i) };
        snprintf(pairs[i].name, sizeof pairs[i].name, "p%02d", i);
        form(&pairs[i]);
    }
    daemon_run(500);
    for (int i = 0; i < PAIRS; i++) {
        pairs[i].heir = domain_of(pairs[i].name, 'b');
        ck_assert_str_eq(key("/tool/xhs/pair/%s/state", pairs[i].name), "protected");
        ck_assert_uint_ne(job_runs_in(pairs[i].name, "web"), 0);
    }
    d.step_ms = 1;
}

static void crash_all(void)
{
    for (int i = 0; i < PAIRS; i++) {
        pairs[i].max_kb = max_kb(pairs[i].heir);
        fake_guest_crash(domain_of(pairs[i].name, 'a'));
    }
}

/* ---- what is seen from outside ---- */

static void look_at(struct story *p)
{
    p->waits = strcmp(key("/tool/xhs/pair/%s/job/web/state", p->name), "moving") == 0;
    p->runs = job_runs_in(p->name, "web") == p->heir;
    if (!p->request)
        p->request = key_u64("/local/domain/%u/xhs/job/web/run", p->heir);
}

/* While another pair's job waits, no heir is given more than its own job needs. */
static void check_modest(void)
{
    unsigned waiting = 0;

    for (int i = 0; i < PAIRS; i++)
        waiting += pairs[i].waits;
    for (int i = 0; i < PAIRS; i++) {
        struct story *p = &pairs[i];
        uint64_t now_kb = max_kb(p->heir);

        if (waiting > p->waits && now_kb > p->max_kb)
            ck_assert_msg(now_kb <= (STANDBY + JOB_MIN) * MIB + HYP_SLACK_KB,
                          "%s may have %" PRIu64 " MiB while %u jobs wait", p->name, now_kb / MIB,
                          waiting);
        p->max_kb = now_kb;
    }
}

/* Runs until all of the jobs run on their heirs; ms, at most so many. */
static int until_all_run(int most_ms)
{
    for (int ms = 0; ms <= most_ms; ms++) {
        int running = 0;

        for (int i = 0; i < PAIRS; i++) {
            look_at(&pairs[i]);
            running += pairs[i].runs;
        }
        check_modest();
        if (running == PAIRS)
            return ms;
        if (!daemon_run(1))
            daemon_start();
    }
    ck_abort_msg("not all jobs run after %d ms", most_ms);
}

/* Runs until nothing is on its way to any heir. */
static int until_all_arrived(int most_ms)
{
    for (int ms = 0; ms <= most_ms; ms += STEP_MS) {
        int open = 0;

        for (int i = 0; i < PAIRS; i++)
            open += key("/tool/xhs/pair/%s/intent", pairs[i].name)[0] != '\0';
        if (open == 0)
            return ms;
        daemon_run(STEP_MS);
    }
    ck_abort_msg("not all memory has arrived after %d ms", most_ms);
}

static void check_end(void)
{
    daemon_run(3 * SECONDS);
    check_book();
    for (int i = 0; i < PAIRS; i++) {
        const char *name = pairs[i].name;

        ck_assert_msg(strcmp(key("/tool/xhs/pair/%s/state", name), "protected") == 0, "%s is %s: "
                      "%s", name, key("/tool/xhs/pair/%s/state", name),
                      key("/tool/xhs/pair/%s/reason", name));
        ck_assert_uint_eq(job_starts(name, "web"), 2);
        ck_assert_uint_eq(job_runs_in(name, "web"), pairs[i].heir);
        ck_assert_uint_eq(owned_kb(name, "b"), ACTIVE * MIB);
        ck_assert_uint_eq(tot_kb(pairs[i].heir), ACTIVE * MIB);
        ck_assert_uint_eq(tot_kb(domain_of(name, 'a')), STANDBY * MIB);
    }
    ck_assert_uint_eq(holder_kb(), RESERVE * MIB);
    ck_assert_msg(d.errors == 0, "%s", d.error);
}

static uint64_t loan_kb(const struct story *p)
{
    return intent_u64(p->name, "loan_kb");
}

static bool was_lent(const struct story *p)
{
    return p->priority >= PAIRS - LENT;
}

/* The reserve was for the most important: their jobs were granted first, and in this order. Those
 * after them waited for what their own victims freed. */
static void check_order(void)
{
    for (int i = 0; i < PAIRS; i++) {
        for (int k = 0; k < PAIRS; k++) {
            if (was_lent(&pairs[i]) && pairs[i].priority > pairs[k].priority)
                ck_assert_msg(pairs[i].request < pairs[k].request,
                              "%s, priority %u, has request %" PRIu64 "; %s, priority %u, %" PRIu64,
                              pairs[i].name, pairs[i].priority, pairs[i].request, pairs[k].name,
                              pairs[k].priority, pairs[k].request);
        }
    }
}

/* ---- what it costs ---- */

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double look_us(void)
{
    enum { TIMES = 50 };
    double began = now_us();

    for (int i = 0; i < TIMES; i++)
        host_look(d.host);
    return (now_us() - began) / TIMES;
}

/* ---- the stories ---- */

START_TEST(fifty_pairs_fail_in_the_same_instant)
{
    uint64_t free_ms = JOB_MIN * MIB / fake_speed.free_kb_per_ms;
    uint64_t grow_ms = JOB_MIN * MIB / fake_speed.balloon_kb_per_ms;
    uint64_t rest_ms = (ACTIVE - STANDBY - JOB_MIN) * MIB / fake_speed.balloon_kb_per_ms;
    double rest_us = look_us(), began;
    int run_ms, arrived_ms;

    crash_all();
    daemon_run(2);
    for (int i = 0; i < PAIRS; i++)
        ck_assert_uint_eq(loan_kb(&pairs[i]), was_lent(&pairs[i]) ? JOB_MIN * MIB : 0);
    ck_assert_uint_eq(holder_kb(), 0);
    fprintf(stderr, "CPU time of a look at %d pairs: %.0f us at rest, %.0f us in a takeover\n",
            PAIRS, rest_us, look_us());
    began = now_us();
    run_ms = 2 + until_all_run(1 * SECONDS);
    check_order();
    arrived_ms = run_ms + until_all_arrived(2 * SECONDS);
    fprintf(stderr, "all jobs run after %d ms, all memory is there after %d ms; CPU time of it, "
            "with the simulated host's and the checks: %.0f ms\n", run_ms, arrived_ms,
            (now_us() - began) / 1e3);
    /* all balloons move at once: as long as one pair takes, and a look before each step */
    ck_assert_int_ge(run_ms, (int)(free_ms + grow_ms + START_MS));
    ck_assert_int_le(run_ms, (int)(free_ms + grow_ms + START_MS + 8 * STEP_MS));
    ck_assert_int_le(arrived_ms, run_ms + (int)rest_ms + 8 * STEP_MS);
    check_end();
    ck_assert_msg(d.alerts == 0, "%s", d.alert);
}
END_TEST

/* Each of these ms after the crash the daemon is killed, and the next one goes on: with memory that
 * is there for many of them by then. */
static const int killed_at[] = { 1, 5, 70, 90, 110, 150 };

START_TEST(another_daemon_goes_on_with_fifty_takeovers)
{
    crash_all();
    for (int i = 0; i < killed_at[_i]; i++) {
        daemon_run(1);
        for (int k = 0; k < PAIRS; k++)
            look_at(&pairs[k]);
        check_modest();
    }
    daemon_kill();
    if (_i % 2)
        daemon_run(20);
    daemon_start();
    until_all_run(2 * SECONDS);
    until_all_arrived(3 * SECONDS);
    check_end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd with many pairs");
    TCase *c = daemon_case(s, "fifty", begin, daemon_teardown, 600);

    tcase_add_test(c, fifty_pairs_fail_in_the_same_instant);
    tcase_add_loop_test(c, another_daemon_goes_on_with_fifty_takeovers, 0,
                        sizeof killed_at / sizeof killed_at[0]);

    return daemon_run_suite(s);
}
