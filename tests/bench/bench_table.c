/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long each operation of the tables and of the pool takes, with 500 pairs of 8 jobs and a full
 * queue: the median and the worst time. It measures, and asserts nothing; a worst time is the
 * machine's as much as the operation's.
 * Built by make check, run by hand: tests/bench/bench_table
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/feasible.h"
#include "core/pool.h"
#include "core/rmt.h"

#define MIB(n) ((uint64_t)(n) * 1024)
#define PAIRS 500
#define JOBS 8
#define ROUNDS 40
#define SAMPLES (PAIRS * ROUNDS)

static struct rmt table[PAIRS], at_first;
static struct pool pool;
static char last_pair[] = "pair-7", last_job[] = "last";
static volatile uint64_t sink; /* so that nothing is optimised away */

/* ---- operations, each on what the one before it left ---- */

static void clock_itself(struct rmt *t)
{
    (void)t;
}

static void find(struct rmt *t)
{
    sink += rmt_find_job(t, "job7@a") != NULL;
}

static void total(struct rmt *t)
{
    sink += rmt_total_kb(t);
}

static void owned(struct rmt *t)
{
    sink += rmt_owned_kb(t, OWNER_A);
}

static void spare(struct rmt *t)
{
    sink += rmt_spare_kb(t, MEMBER_A);
}

static void sound(struct rmt *t)
{
    sink += rmt_sound(t);
}

static void have(struct rmt *t)
{
    rmt_have(t, MEMBER_A, MIB(1100));
}

static void release(struct rmt *t)
{
    rmt_release(t, "job7@a", NULL);
}

static void returned(struct rmt *t)
{
    pool_give(&pool, rmt_returned(t, MEMBER_A, 0));
}

static void take(struct rmt *t)
{
    (void)t;
    pool_take(&pool, MIB(16), NULL);
}

static void grant(struct rmt *t)
{
    rmt_grant(t, "job7@a", MIB(32), MIB(16), MEMBER_A, false, NULL);
}

static void keep(struct rmt *t)
{
    rmt_keep(t, MEMBER_A, MIB(10));
}

static void need(struct rmt *t)
{
    sink += feasible_need_kb(t, MEMBER_A);
}

static void fault(struct rmt *t)
{
    rmt_fault(t, MEMBER_A);
}

static void arrived(struct rmt *t)
{
    rmt_arrived(t, MIB(500));
}

static void commit(struct rmt *t)
{
    rmt_commit(t, MEMBER_B, true);
}

static void commit_all(struct rmt *t)
{
    rmt_commit(t, MEMBER_B, false);
}

/* One of the plain jobs' that the fault has ended. */
static void restore(struct rmt *t)
{
    rmt_restore(t, &at_first.area[at_first.n - 1], NULL);
}

static void lend(struct rmt *t)
{
    (void)t;
    pool_lend(&pool, MIB(100));
}

static void repay(struct rmt *t)
{
    (void)t;
    pool_repay(&pool, MIB(100));
}

/* One of the highest priority, so that all of the queue moves. */
static void ask(struct rmt *t)
{
    struct pool_ask a = { .priority = 9, .min_kb = MIB(1), .want_kb = MIB(2) };

    (void)t;
    snprintf(a.pair, sizeof a.pair, "%s", last_pair);
    snprintf(a.job, sizeof a.job, "%s", last_job);
    pool_ask(&pool, &a, NULL);
}

/* The last one's turn, for which all before it are looked at. */
static void allot(struct rmt *t)
{
    const struct pool_ask *a = &pool.ask[pool.asks - 1];
    uint64_t kb;

    (void)t;
    sink += pool_allot(&pool, a->pair, a->job, &kb);
}

static void unask(struct rmt *t)
{
    (void)t;
    pool_unask(&pool, last_pair, last_job);
}

static const struct {
    const char *name;
    void (*run)(struct rmt *t);
} ops[] = {
    { "(the clock itself)", clock_itself },
    { "rmt_find_job", find },
    { "rmt_total_kb", total },
    { "rmt_owned_kb", owned },
    { "rmt_spare_kb", spare },
    { "rmt_sound", sound },
    { "rmt_have", have },
    { "rmt_release", release },
    { "rmt_returned, pool_give", returned },
    { "pool_take", take },
    { "rmt_grant", grant },
    { "rmt_keep", keep },
    { "feasible_need_kb", need },
    { "pool_lend", lend },
    { "rmt_fault", fault },
    { "rmt_arrived", arrived },
    { "rmt_commit, jobs", commit },
    { "rmt_commit, all", commit_all },
    { "pool_repay", repay },
    { "rmt_restore", restore },
    { "pool_ask, 128th of 128", ask },
    { "pool_allot, 128th of 128", allot },
    { "pool_unask, 1st of 128", unask },
};

#define OPS (sizeof ops / sizeof ops[0])

static double ns[OPS][SAMPLES];

/* ---- the host ---- */

/* Half of the jobs are hot-standby ones, and half of their memory is granted. */
static void make_table(void)
{
    struct pair_config pc = { .memory_kb = MIB(1024), .standby_memory_kb = MIB(160) };
    char key[RMT_KEY_MAX + 1];

    rmt_init(&at_first, &pc);
    for (unsigned i = 0; i < JOBS; i++) {
        snprintf(key, sizeof key, "job%u%s", i, i % 2 ? "@a" : "");
        if (rmt_grant(&at_first, key, MIB(32), MIB(16), MEMBER_A, i % 2 == 0, NULL) != 0)
            abort();
    }
}

static void make_pool(void)
{
    uint64_t members = rmt_total_kb(&at_first) * PAIRS;
    struct pool_ask a = { .min_kb = MIB(1), .want_kb = MIB(4) };

    pool = (struct pool){ .pool_kb = members + MIB(1000), .reserve_kb = MIB(500) };
    pool.members_kb = members;
    for (unsigned i = 0; i < POOL_ASKS_MAX - 1; i++) {
        snprintf(a.pair, sizeof a.pair, "pair-%u", i);
        snprintf(a.job, sizeof a.job, "job%u", i);
        a.priority = i % 8;
        pool_ask(&pool, &a, NULL);
    }
}

static double now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void measure(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned pair = 0; pair < PAIRS; pair++)
            table[pair] = at_first;
        for (unsigned pair = 0; pair < PAIRS; pair++) {
            for (unsigned i = 0; i < OPS; i++) {
                double from = now_ns();
                ops[i].run(&table[pair]);
                ns[i][round * PAIRS + pair] = now_ns() - from;
            }
        }
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(void)
{
    make_table();
    make_pool();
    measure();
    printf("%d pairs of %d jobs, %d who ask; %d times each, in microseconds\n\n", PAIRS, JOBS,
           POOL_ASKS_MAX, SAMPLES);
    printf("%-28s %8s %8s %8s\n", "", "median", "99.9 %", "worst");
    for (unsigned i = 0; i < OPS; i++) {
        qsort(ns[i], SAMPLES, sizeof ns[i][0], by_size);
        printf("%-28s %8.2f %8.2f %8.2f\n", ops[i].name, ns[i][SAMPLES / 2] / 1000,
               ns[i][SAMPLES - SAMPLES / 1000] / 1000, ns[i][SAMPLES - 1] / 1000);
    }
    printf("\na table: %zu bytes; all %d: %zu; the pool with its queue: %zu\n", sizeof table[0],
           PAIRS, sizeof table, sizeof pool);
    return 0;
}
