/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Would a takeover succeed now: each reason why not, each fault, with its arithmetic. The pair is
 * made up field by field. Not the takeover, nor the request that is refused for its sake.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/feasible.h"
#include "core/plan.h"

#define MIB(n) ((uint64_t)(n) * 1024)

static struct pair p;
static struct pool pool;
static struct fault f[FAULTS_MAX];
static char buf[200];

static void make(enum surplus_policy surplus)
{
    struct pair_config pc = {
        .name = "shop",
        .memory_kb = MIB(1024),
        .standby_memory_kb = MIB(160),
        .max_memory_kb = MIB(1760),
        .surplus = surplus,
    };
    static const uint8_t uuid[MEMBERS][16] = { { 1 }, { 2 } };

    pair_init(&p, &pc, (const char *const[]){ "shop-a", "shop-b" }, uuid);
    for (int i = 0; i < MEMBERS; i++) {
        p.m[i].domid = 7 + i;
        p.m[i].agent = true;
        p.m[i].look = (struct look){ .at = LOOK_THERE, .domid = 7 + i };
        p.m[i].look.tot_kb = pair_goal_kb(&p, i);
    }
    pool = (struct pool){ .pool_kb = MIB(4096), .reserve_kb = MIB(128),
                          .members_kb = rmt_total_kb(&p.rmt) };
    memset(f, 0x5a, sizeof f);
}

static void start_follow(void)
{
    make(SURPLUS_FOLLOW);
}

static void start_stay(void)
{
    make(SURPLUS_STAY);
}

/* A job on this member, with an area; defined on both. */
static struct job *add_job(const char *key, unsigned mib, unsigned own, int member,
                           enum job_state state)
{
    struct job *j = &p.job[p.jobs++];
    struct xhs_error err = { 0 };

    ck_assert(job_key_parse(key, j));
    j->state = state;
    j->owner = member;
    j->memory_kb = MIB(mib);
    j->min_kb = MIB(mib) / 2;
    j->priority = 5;
    j->known[MEMBER_A] = j->known[MEMBER_B] = true;
    ck_assert_msg(rmt_grant(&p.rmt, key, MIB(mib), MIB(own), member, job_hot(j), &err) == 0, "%s",
                  err.text);
    p.m[member].look.tot_kb = pair_goal_kb(&p, member);
    return j;
}

static void unprotected(const char *why)
{
    const char *said = pair_unprotected(&p, buf, sizeof buf);

    ck_assert_msg(said != NULL, "protected, and not: %s", why);
    ck_assert_ptr_eq(said, buf);
    ck_assert_str_eq(said, why);
}

static void protected_now(void)
{
    const char *said = pair_unprotected(&p, buf, sizeof buf);

    ck_assert_msg(said == NULL, "%s", said);
}

/* ---- the standby cannot take over ---- */

START_TEST(protected_at_rest)
{
    protected_now();
    add_job("web", 512, 512, MEMBER_A, JOB_RUNNING);
    add_job("cron@a", 64, 0, MEMBER_A, JOB_RUNNING);
    add_job("cron@b", 64, 0, MEMBER_B, JOB_RUNNING);
    protected_now();
}
END_TEST

START_TEST(standby_off)
{
    p.m[MEMBER_B].off = p.m[MEMBER_B].stranger = true;
    p.m[MEMBER_B].domid = -1;
    unprotected("shop-b was powered off by its owner: xhs recover shop builds it again");
    p.m[MEMBER_B].off = false;
    unprotected("a domain that xhs did not make has the uuid of shop-b");
    p.m[MEMBER_B].stranger = false;
    unprotected("shop-b is not built: no reason");
    strcpy(p.m[MEMBER_B].error, "libxl said no");
    unprotected("shop-b is not built: libxl said no");
}
END_TEST

START_TEST(somebody_suspended)
{
    p.m[MEMBER_A].suspended = true;
    unprotected("shop-a is suspended by an operator");
    p.m[MEMBER_B].suspended = true;
    unprotected("shop-b is suspended by an operator");
    p.m[MEMBER_A].suspended = false;
    unprotected("shop-b is suspended by an operator");
}
END_TEST

START_TEST(standby_does_not_run)
{
    struct look *l = &p.m[MEMBER_B].look;

    l->paused = true;
    unprotected("shop-b is paused by an operator");
    l->shutdown = true;
    unprotected("shop-b does not run");
    l->shutdown = false;
    l->dying = true;
    unprotected("shop-b does not run");
    l->dying = l->paused = false;
    l->at = LOOK_ABSENT;
    unprotected("shop-b does not run");
    l->at = LOOK_UNKNOWN; /* could not be asked: not taken for yes */
    unprotected("shop-b does not run");
    l->at = LOOK_THERE;
    protected_now();
}
END_TEST

START_TEST(agent_missing)
{
    p.m[MEMBER_A].agent = false;
    unprotected("no agent answers on shop-a");
    p.m[MEMBER_B].agent = false;
    unprotected("no agent answers on shop-b");
}
END_TEST

START_TEST(memory_missing)
{
    p.m[MEMBER_A].look.tot_kb -= PLAN_TOLERANCE_KB;
    p.m[MEMBER_B].look.tot_kb -= PLAN_TOLERANCE_KB;
    protected_now();
    p.m[MEMBER_A].look.tot_kb -= 1;
    unprotected("shop-a has 1019 MiB, it should have 1024");
    p.m[MEMBER_B].look.tot_kb -= 1;
    unprotected("shop-b has 155 MiB, it should have 160");
    p.m[MEMBER_A].look.tot_kb = MIB(1024);
    p.m[MEMBER_B].look.tot_kb = MIB(160) + PLAN_TOLERANCE_KB;
    protected_now();
    p.m[MEMBER_B].look.tot_kb += 1;
    unprotected("shop-b has 164 MiB, it should have 160");
}
END_TEST

/* What a waiting job was granted may still be missing, and what is on its way back still there. */
START_TEST(memory_on_its_way)
{
    add_job("web", 200, 0, MEMBER_A, JOB_WAITING);
    p.m[MEMBER_A].look.tot_kb = MIB(1024);
    protected_now();
    p.m[MEMBER_A].look.tot_kb = MIB(1019);
    unprotected("shop-a has 1019 MiB, it should have 1224");
    p.m[MEMBER_A].look.tot_kb = MIB(1224);
    protected_now();
    ck_assert_int_eq(rmt_release(&p.rmt, "web", NULL), 0);
    protected_now();
    p.m[MEMBER_A].look.tot_kb = MIB(1229);
    unprotected("shop-a has 1229 MiB, it should have 1024");
}
END_TEST

START_TEST(job_unknown_to_the_heir)
{
    struct job *cron = add_job("cron@a", 10, 10, MEMBER_A, JOB_RUNNING);
    struct job *web = add_job("web", 10, 10, MEMBER_A, JOB_RUNNING);

    cron->known[MEMBER_B] = false; /* plain: nobody else needs it */
    protected_now();
    web->known[MEMBER_A] = false; /* where it runs already */
    protected_now();
    web->known[MEMBER_B] = false;
    unprotected("shop-b has no definition of job web");
    for (unsigned s = JOB_WAITING; s <= JOB_FAILED; s++) {
        web->state = (enum job_state)s;
        ck_assert_int_eq(pair_unprotected(&p, buf, sizeof buf) != NULL, job_live(web));
    }
}
END_TEST

START_TEST(roles_exchanged)
{
    rmt_fault(&p.rmt, MEMBER_A);
    rmt_commit(&p.rmt, MEMBER_B, false);
    p.active = MEMBER_B;
    p.m[MEMBER_A].look.tot_kb = MIB(160);
    p.m[MEMBER_B].look.tot_kb = MIB(1024);
    protected_now();
    p.m[MEMBER_A].agent = false;
    unprotected("no agent answers on shop-a");
    p.m[MEMBER_A].off = true;
    unprotected("shop-a was powered off by its owner: xhs recover shop builds it again");
}
END_TEST

/* ---- there is no room on it ---- */

START_TEST(need_with_follow)
{
    ck_assert_uint_eq(feasible_need_kb(&p.rmt, MEMBER_A), MIB(1024));
    ck_assert_uint_eq(feasible_need_kb(&p.rmt, MEMBER_B), MIB(1024)); /* it has all already */
    add_job("web", 512, 512, MEMBER_A, JOB_RUNNING);
    ck_assert_uint_eq(feasible_need_kb(&p.rmt, MEMBER_A), MIB(1024));
    add_job("db", 100, 0, MEMBER_A, JOB_RUNNING);
    ck_assert_uint_eq(feasible_need_kb(&p.rmt, MEMBER_A), MIB(1124));
    add_job("cron@a", 50, 50, MEMBER_A, JOB_RUNNING); /* stops; what it had of the surplus moves */
    add_job("more@a", 25, 0, MEMBER_A, JOB_RUNNING);  /* stops, to the pool */
    ck_assert_uint_eq(feasible_need_kb(&p.rmt, MEMBER_A), MIB(1124));
    add_job("cron@b", 7, 0, MEMBER_B, JOB_RUNNING); /* the heir's own */
    ck_assert_uint_eq(feasible_need_kb(&p.rmt, MEMBER_A), MIB(1131));
}
END_TEST

START_TEST(need_with_stay)
{
    struct rmt before;

    ck_assert_uint_eq(feasible_need_kb(&p.rmt, MEMBER_A), MIB(160));
    add_job("web", 512, 512, MEMBER_A, JOB_RUNNING);
    add_job("cron@a", 50, 50, MEMBER_A, JOB_RUNNING);
    add_job("cron@b", 7, 0, MEMBER_B, JOB_RUNNING);
    memcpy(&before, &p.rmt, sizeof before);
    ck_assert_uint_eq(feasible_need_kb(&p.rmt, MEMBER_A), MIB(160 + 512 + 7));
    ck_assert_mem_eq(&p.rmt, &before, sizeof before);
}
END_TEST

START_TEST(no_room_for_a_job)
{
    struct job *web = add_job("web", 512, 512, MEMBER_A, JOB_RUNNING);
    struct job *db = add_job("db", 736, 0, MEMBER_A, JOB_RUNNING);

    protected_now(); /* exactly max_memory */
    p.cfg.max_memory_kb -= 1;
    unprotected("takeover not possible: 1 MiB short for job db: shop-b would need 1760 MiB, "
                "max_memory is 1759");
    p.cfg.max_memory_kb = MIB(1700);
    unprotected("takeover not possible: 60 MiB short for job db: shop-b would need 1760 MiB, "
                "max_memory is 1700"); /* of equals the last */
    db->priority = 6;
    unprotected("takeover not possible: 60 MiB short for job web: shop-b would need 1760 MiB, "
                "max_memory is 1700"); /* the least important */
    web->state = JOB_FAILED;
    unprotected("takeover not possible: 60 MiB short for job db: shop-b would need 1760 MiB, "
                "max_memory is 1700");
}
END_TEST

START_TEST(no_room_for_the_surplus)
{
    add_job("cron@b", 737, 0, MEMBER_B, JOB_RUNNING); /* a plain job has it */
    unprotected("takeover not possible: 1 MiB short for the surplus: shop-b would need 1761 MiB, "
                "max_memory is 1760");
}
END_TEST

/* The first thing that is wrong is the one that is said. */
START_TEST(one_reason_at_a_time)
{
    struct job *web = add_job("web", 2000, 0, MEMBER_A, JOB_RUNNING);

    web->known[MEMBER_B] = false;
    p.m[MEMBER_A].look.tot_kb = 0;
    unprotected("shop-a has 0 MiB, it should have 3024");
    p.m[MEMBER_A].look.tot_kb = MIB(3024);
    unprotected("shop-b has no definition of job web");
    web->known[MEMBER_B] = true;
    unprotected("takeover not possible: 1264 MiB short for job web: shop-b would need 3024 MiB, "
                "max_memory is 1760");
}
END_TEST

START_TEST(fits_in_little_room)
{
    char little[8] = "1234567";

    p.m[MEMBER_B].agent = false;
    ck_assert_ptr_eq(pair_unprotected(&p, little, 4), little);
    ck_assert_str_eq(little, "no ");
    ck_assert_str_eq(little + 4, "567");
}
END_TEST

/* ---- every fault ---- */

static void fault(const struct fault *x, bool os, int member, const struct job *job, bool moves,
                  bool possible, unsigned need, unsigned have, const char *text)
{
    ck_assert_str_eq(x->text, text);
    ck_assert_int_eq(x->os, os);
    ck_assert_int_eq(x->member, member);
    ck_assert_ptr_eq(x->job, job);
    ck_assert_int_eq(x->moves, moves);
    ck_assert_int_eq(x->possible, possible);
    ck_assert_uint_eq(x->need_kb, MIB(need));
    ck_assert_uint_eq(x->have_kb, MIB(have));
}

START_TEST(faults_without_jobs)
{
    ck_assert_uint_eq(feasible_faults(&p, &pool, f), 2);
    fault(&f[0], true, MEMBER_A, NULL, true, true, 1024, 1760,
          "shop-b takes over; no hot-standby job runs");
    fault(&f[1], true, MEMBER_B, NULL, true, true, 160, 160 + 128,
          "jobs on shop-a run on; shop-b is built again");
}
END_TEST

START_TEST(faults_with_jobs)
{
    struct job *web = add_job("web", 512, 512, MEMBER_A, JOB_RUNNING);
    add_job("cron@a", 50, 0, MEMBER_A, JOB_RUNNING); /* plain, or not at work: no faults of it */
    add_job("cron@b", 10, 0, MEMBER_B, JOB_RUNNING);
    add_job("wait", 10, 10, MEMBER_A, JOB_WAITING);
    add_job("over", 10, 10, MEMBER_A, JOB_STOPPED);
    struct job *db = add_job("db", 300, 220, MEMBER_A, JOB_STARTING);

    ck_assert_uint_eq(feasible_faults(&p, &pool, f), 5);
    fault(&f[0], true, MEMBER_A, web, true, true, 1024 + 80 + 10, 1760,
          "starts on shop-b with 256 of its 512 MiB, 128 of them from the reserve");
    fault(&f[1], true, MEMBER_A, db, true, true, 1024 + 80 + 10, 1760,
          "starts on shop-b with 150 of its 300 MiB, 128 of them from the reserve");
    fault(&f[2], true, MEMBER_B, NULL, true, true, 160 + 10, 160 + 10 + 128,
          "jobs on shop-a run on; shop-b is built again");
    fault(&f[3], false, MEMBER_A, web, false, false, 512, 512,
          "it fails on shop-a and its area is given back: only a fault of the OS moves a job");
    fault(&f[4], false, MEMBER_A, db, false, false, 300, 300,
          "it fails on shop-a and its area is given back: only a fault of the OS moves a job");
}
END_TEST

/* What other takeovers have of the reserve is not there for this one. */
START_TEST(faults_while_the_reserve_is_lent)
{
    add_job("web", 512, 512, MEMBER_A, JOB_RUNNING);
    pool_lend(&pool, MIB(100));
    ck_assert_uint_eq(feasible_faults(&p, &pool, f), 3);
    ck_assert_ptr_nonnull(strstr(f[0].text, " 28 of them from the reserve"));
    ck_assert_uint_eq(f[1].have_kb, MIB(160 + 28));
    pool_lend(&pool, MIB(100));
    feasible_faults(&p, &pool, f);
    ck_assert_ptr_nonnull(strstr(f[0].text, " 0 of them from the reserve"));
    ck_assert_uint_eq(f[1].have_kb, MIB(160));
    ck_assert(f[1].possible);
}
END_TEST

/* The reserve has all that it can start with, and more: no more than that is of them. */
START_TEST(fault_with_a_large_reserve)
{
    struct job *web = add_job("web", 100, 100, MEMBER_A, JOB_RUNNING);

    ck_assert_uint_eq(web->min_kb, MIB(50));
    feasible_faults(&p, &pool, f);
    ck_assert_str_eq(f[0].text,
                     "starts on shop-b with 50 of its 100 MiB, 50 of them from the reserve");
}
END_TEST

START_TEST(fault_that_the_standby_cannot_take)
{
    struct job *web = add_job("web", 512, 512, MEMBER_A, JOB_RUNNING);

    p.m[MEMBER_B].agent = false;
    ck_assert_uint_eq(feasible_faults(&p, &pool, f), 3);
    fault(&f[0], true, MEMBER_A, web, true, false, 1024, 1760, "no agent answers on shop-b");
    ck_assert(f[1].possible); /* a standby that fails is built again all the same */
}
END_TEST

/* One job that the heir does not know does not keep the others from moving. */
START_TEST(fault_with_a_job_unknown_to_the_heir)
{
    struct job *web = add_job("web", 100, 100, MEMBER_A, JOB_RUNNING);
    struct job *db = add_job("db", 100, 100, MEMBER_A, JOB_STOPPING);

    web->known[MEMBER_B] = false;
    ck_assert_uint_eq(feasible_faults(&p, &pool, f), 5);
    fault(&f[0], true, MEMBER_A, web, true, false, 1024, 1760,
          "shop-b has no definition of job web");
    ck_assert(f[1].possible && f[1].job == db);
}
END_TEST

START_TEST(fault_without_room)
{
    struct job *web = add_job("web", 837, 100, MEMBER_A, JOB_RUNNING);

    ck_assert_uint_eq(feasible_faults(&p, &pool, f), 3);
    fault(&f[0], true, MEMBER_A, web, true, false, 1761, 1760,
          "takeover not possible: 1 MiB short for job web: shop-b would need 1761 MiB, max_memory "
          "is 1760");
}
END_TEST

/* It has to boot with more than it has: Linux grows to 11 times its boot memory at most. */
START_TEST(standby_that_cannot_be_built_again)
{
    p.cfg.max_memory_kb = MIB(11 * 300);
    ck_assert_uint_eq(config_min_boot_kb(&p.cfg), MIB(300));
    feasible_faults(&p, &pool, f);
    fault(&f[1], true, MEMBER_B, NULL, true, false, 300, 160 + 128,
          "shop-b boots with 300 MiB, 12 MiB short: make reserve in xhs.cfg larger");
    pool.reserve_kb = MIB(140);
    feasible_faults(&p, &pool, f);
    ck_assert(f[1].possible);
}
END_TEST

/* As many jobs as there may be, all with names of the greatest length. */
START_TEST(every_fault_there_can_be)
{
    char key[RMT_KEY_MAX + 1];

    for (int i = 0; i < MEMBERS; i++)
        memset(p.m[i].name, 'a' + i, sizeof p.m[i].name - 1);
    for (unsigned i = 0; i < RMT_JOBS_MAX; i++) {
        snprintf(key, sizeof key, "%0*u", MSG_NAME_MAX, i);
        add_job(key, 20, 20, MEMBER_A, JOB_RUNNING);
    }
    unsigned n = feasible_faults(&p, &pool, f);
    ck_assert_uint_eq(n, 1 + 2 * RMT_JOBS_MAX);
    ck_assert_uint_le(n, FAULTS_MAX);
    for (unsigned i = 0; i < n; i++) {
        ck_assert(memchr(f[i].text, '\0', sizeof f[i].text) && f[i].text[0]);
        ck_assert(f[i].possible || !f[i].os);
        ck_assert_ptr_eq(f[i].job, i < RMT_JOBS_MAX    ? &p.job[i]
                                   : i == RMT_JOBS_MAX ? NULL
                                                       : &p.job[i - RMT_JOBS_MAX - 1]);
    }
    p.cfg.max_memory_kb = MIB(1000);
    ck_assert_ptr_nonnull(pair_unprotected(&p, buf, sizeof buf));
    feasible_faults(&p, &pool, f);
    ck_assert_str_eq(f[0].text, buf);
    ck_assert_ptr_nonnull(strstr(buf, "max_memory is 1000")); /* the figures are not cut off */
}
END_TEST

static TCase *add_case(Suite *s, const char *name, void (*start)(void))
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, start, NULL);
    suite_add_tcase(s, c);
    return c;
}

static void add_unprotected(Suite *s)
{
    TCase *c = add_case(s, "unprotected", start_follow);

    tcase_add_test(c, protected_at_rest);
    tcase_add_test(c, standby_off);
    tcase_add_test(c, somebody_suspended);
    tcase_add_test(c, standby_does_not_run);
    tcase_add_test(c, agent_missing);
    tcase_add_test(c, memory_missing);
    tcase_add_test(c, memory_on_its_way);
    tcase_add_test(c, job_unknown_to_the_heir);
    tcase_add_test(c, roles_exchanged);
    tcase_add_test(c, no_room_for_a_job);
    tcase_add_test(c, no_room_for_the_surplus);
    tcase_add_test(c, one_reason_at_a_time);
    tcase_add_test(c, fits_in_little_room);
}

static void add_faults(Suite *s)
{
    TCase *c = add_case(s, "faults", start_follow);

    tcase_add_test(c, need_with_follow);
    tcase_add_test(c, faults_without_jobs);
    tcase_add_test(c, faults_with_jobs);
    tcase_add_test(c, faults_while_the_reserve_is_lent);
    tcase_add_test(c, fault_with_a_large_reserve);
    tcase_add_test(c, fault_that_the_standby_cannot_take);
    tcase_add_test(c, fault_with_a_job_unknown_to_the_heir);
    tcase_add_test(c, fault_without_room);
    tcase_add_test(c, standby_that_cannot_be_built_again);
    tcase_add_test(c, every_fault_there_can_be);
}

int main(void)
{
    Suite *s = suite_create("feasible");

    add_unprotected(s);
    add_faults(s);
    tcase_add_test(add_case(s, "stay", start_stay), need_with_stay);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
