/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resource management table: each operation, each error (which leaves the table as it was),
 * and the worked example of the design, through table and pool. Not the pair that uses it, and not
 * any order of operations: test_rmt_random.c walks those.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pool.h"
#include "core/rmt.h"

#define MIB(n) ((uint64_t)(n) * 1024)

static struct rmt t, before;
static struct xhs_error err;

static void make(enum surplus_policy surplus, unsigned memory, unsigned standby)
{
    struct pair_config pc = {
        .memory_kb = MIB(memory),
        .standby_memory_kb = MIB(standby),
        .surplus = surplus,
    };

    memset(&t, 0, sizeof t);
    memset(&err, 0, sizeof err);
    rmt_init(&t, &pc);
}

/* The example's sizes: an active with 160, a standby with 32. */
static void start_follow(void)
{
    make(SURPLUS_FOLLOW, 160, 32);
}

static void start_stay(void)
{
    make(SURPLUS_STAY, 160, 32);
}

static void keep(void)
{
    memcpy(&before, &t, sizeof t);
    memset(&err, 0, sizeof err);
}

static void unchanged(void)
{
    ck_assert_mem_eq(&t, &before, sizeof t);
}

/* rc is a failure by this code, with a text, and the table is what it was at keep. */
static void refused(int rc, enum xhs_code code)
{
    ck_assert_int_eq(rc, -1);
    ck_assert_msg(err.code == code, "%s: %s", xhs_code_word(err.code), err.text);
    ck_assert_uint_gt(strlen(err.text), 0);
    unchanged();
    memset(&err, 0, sizeof err);
}

/* One row: name, size and what of it has arrived (MiB), owner, destination on fault. */
static void row(const char *name, unsigned size, unsigned have, enum owner owner,
                enum owner on_fault)
{
    const struct area *a = rmt_find(&t, name);

    ck_assert_msg(a, "no area %s", name);
    ck_assert_msg(a->size_kb == MIB(size) && a->have_kb == MIB(have),
                  "%s: %llu KiB, of them %llu there", name, (unsigned long long)a->size_kb,
                  (unsigned long long)a->have_kb);
    ck_assert_msg(a->owner == owner && a->on_fault == on_fault, "%s: %s, on fault %s", name,
                  rmt_owner_word(a->owner), rmt_owner_word(a->on_fault));
}

static void granted(const char *name, unsigned mib)
{
    ck_assert_uint_eq(rmt_find(&t, name)->granted_kb, MIB(mib));
}

/* The table has n rows, and mib in all. */
static void rows(unsigned n, unsigned mib)
{
    ck_assert_uint_eq(t.n, n);
    ck_assert(rmt_sound(&t));
    ck_assert_uint_eq(rmt_total_kb(&t), MIB(mib));
}

/* An area for a job: own of its mib are split off, the rest comes on top. */
static void grant(const char *key, unsigned mib, unsigned own, int member, bool hot)
{
    memset(&err, 0, sizeof err);
    ck_assert_msg(rmt_grant(&t, key, MIB(mib), MIB(own), member, hot, &err) == 0, "%s", err.text);
}

static void split(const char *key, unsigned mib, int member)
{
    grant(key, mib, mib, member, true);
}

static void release(const char *key)
{
    ck_assert_msg(rmt_release(&t, key, &err) == 0, "%s", err.text);
}

START_TEST(words_and_back)
{
    enum owner o = OWNER_BAD;

    for (unsigned i = OWNER_A; i <= OWNER_BAD; i++) {
        ck_assert(rmt_owner_parse(rmt_owner_word((enum owner)i), &o));
        ck_assert_uint_eq(o, i);
    }
    ck_assert(!rmt_owner_parse("", &o) && !rmt_owner_parse("A", &o) && !rmt_owner_parse("ab", &o));
    ck_assert_int_eq(o, OWNER_BAD);
    ck_assert_int_eq(OWNER_A, MEMBER_A);
    ck_assert_int_eq(OWNER_B, MEMBER_B);
}
END_TEST

START_TEST(begins_with_follow)
{
    row("os-a", 32, 0, OWNER_A, OWNER_A);
    row("os-b", 32, 0, OWNER_B, OWNER_B);
    row("surplus", 128, 0, OWNER_A, OWNER_B);
    rows(3, 192);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(160));
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_B), MIB(32));
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_TRANSIT), 0);
    /* all of the surplus may become jobs'; an OS area of exactly the minimum gives nothing */
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_A), MIB(128));
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_B), 0);
}
END_TEST

START_TEST(begins_with_stay)
{
    row("os-a", 160, 0, OWNER_A, OWNER_A);
    row("os-b", 32, 0, OWNER_B, OWNER_B);
    rows(2, 192);
    ck_assert_ptr_null(rmt_find(&t, "surplus"));
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_A), MIB(128));
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_B), 0);
}
END_TEST

START_TEST(finds_by_whole_name)
{
    split("web", 1, MEMBER_A);
    grant("web@b", 2, 0, MEMBER_B, false);
    ck_assert_ptr_eq(rmt_find_job(&t, "web"), rmt_find(&t, "job-web"));
    ck_assert_ptr_eq(rmt_find_job(&t, "web@b"), rmt_find(&t, "job-web@b"));
    ck_assert_ptr_ne(rmt_find_job(&t, "web"), rmt_find_job(&t, "web@b"));
    ck_assert_ptr_null(rmt_find_job(&t, "web@a"));
    ck_assert_ptr_null(rmt_find_job(&t, "we"));
    ck_assert_ptr_null(rmt_find_job(&t, "webb"));
    ck_assert_ptr_null(rmt_find(&t, "web"));
    ck_assert_ptr_null(rmt_find(&t, ""));
}
END_TEST

START_TEST(longest_key_fits)
{
    static const char key[] = "n234567890123456789012345678901234567890@a";

    ck_assert_uint_eq(strlen(key), RMT_KEY_MAX);
    grant(key, 1, 1, MEMBER_A, false);
    ck_assert_uint_eq(strlen(rmt_find_job(&t, key)->name), RMT_NAME_MAX);
    release(key);
    rows(3, 192);
}
END_TEST

/* ---- grant ---- */

START_TEST(splits_off_the_surplus)
{
    split("web", 100, MEMBER_A);
    row("surplus", 28, 0, OWNER_A, OWNER_B);
    row("os-a", 32, 0, OWNER_A, OWNER_A);
    row("job-web", 100, 0, OWNER_A, OWNER_B);
    granted("job-web", 0);
    split("db", 28, MEMBER_A);
    row("surplus", 0, 0, OWNER_A, OWNER_B);
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_A), 0);
    rows(5, 192);
    keep();
    refused(rmt_grant(&t, "more", 1, 1, MEMBER_A, true, &err), XHS_E_MEMORY);
}
END_TEST

START_TEST(splits_off_the_os)
{
    split("web", 100, MEMBER_A);
    row("os-a", 60, 0, OWNER_A, OWNER_A);
    row("job-web", 100, 0, OWNER_A, OWNER_B);
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_A), MIB(28));
    grant("cron@a", 28, 28, MEMBER_A, false);
    row("os-a", 32, 0, OWNER_A, OWNER_A);
    row("job-cron@a", 28, 0, OWNER_A, OWNER_MONITOR);
    rows(4, 192);
    keep();
    refused(rmt_grant(&t, "more", 1, 1, MEMBER_A, true, &err), XHS_E_MEMORY);
}
END_TEST

START_TEST(grants_on_top)
{
    grant("web", 100, 30, MEMBER_A, true); /* in part its OS's */
    row("surplus", 98, 0, OWNER_A, OWNER_B);
    row("job-web", 100, 0, OWNER_A, OWNER_B);
    granted("job-web", 70);
    rows(4, 192 + 70);
    grant("db", 500, 0, MEMBER_A, true); /* more than the pair has: nothing its OS's */
    row("surplus", 98, 0, OWNER_A, OWNER_B);
    granted("job-db", 500);
    rows(5, 192 + 570);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(160 + 570));
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_B), MIB(32));
}
END_TEST

/* Both members may have a plain job of one name, beside a hot-standby job of that name. */
START_TEST(grants_to_both)
{
    grant("web@a", 10, 10, MEMBER_A, false);
    grant("web@b", 20, 0, MEMBER_B, false);
    grant("web", 30, 30, MEMBER_A, true);
    row("job-web@a", 10, 0, OWNER_A, OWNER_MONITOR);
    row("job-web@b", 20, 0, OWNER_B, OWNER_MONITOR);
    row("job-web", 30, 0, OWNER_A, OWNER_B);
    row("os-b", 32, 0, OWNER_B, OWNER_B);
    rows(6, 192 + 20);
    grant("solo", 5, 0, MEMBER_B, true); /* on the standby: it goes the other way */
    row("job-solo", 5, 0, OWNER_B, OWNER_A);
    rows(7, 192 + 25);
}
END_TEST

START_TEST(grant_takes_along_what_has_arrived)
{
    rmt_have(&t, MEMBER_A, MIB(160));
    split("web", 100, MEMBER_A);
    row("surplus", 28, 28, OWNER_A, OWNER_B);
    row("job-web", 100, 100, OWNER_A, OWNER_B);
    release("web");
    row("surplus", 128, 128, OWNER_A, OWNER_B);

    rmt_have(&t, MEMBER_A, MIB(32 + 60)); /* half of the surplus is there: it is what stays */
    split("web", 100, MEMBER_A);
    row("surplus", 28, 28, OWNER_A, OWNER_B);
    row("job-web", 100, 32, OWNER_A, OWNER_B);
    rows(4, 192);
}
END_TEST

/* What comes on top is still to come. */
START_TEST(granted_memory_has_not_arrived)
{
    rmt_have(&t, MEMBER_A, MIB(160));
    grant("web", 100, 28, MEMBER_A, true);
    row("surplus", 100, 100, OWNER_A, OWNER_B);
    row("job-web", 100, 28, OWNER_A, OWNER_B);
    grant("db", 40, 0, MEMBER_A, true);
    row("job-db", 40, 0, OWNER_A, OWNER_B);
    rmt_have(&t, MEMBER_A, MIB(160 + 72 + 40));
    row("job-web", 100, 100, OWNER_A, OWNER_B);
    row("job-db", 40, 40, OWNER_A, OWNER_B);
}
END_TEST

static const struct {
    const char *key;
    uint64_t kb, own_kb;
    int member;
    enum xhs_code code;
} refusals[] = {
    { "db", 0, 0, MEMBER_A, XHS_E_USAGE },
    { "db", 0, 1, MEMBER_A, XHS_E_USAGE },
    { "db", 7, 8, MEMBER_A, XHS_E_USAGE },
    { "db", 7, UINT64_MAX, MEMBER_A, XHS_E_USAGE },
    { "db", MIB(28) + 1, MIB(28) + 1, MEMBER_A, XHS_E_MEMORY },
    { "db", MIB(1000), MIB(28) + 1, MEMBER_A, XHS_E_MEMORY },
    { "db", UINT64_MAX, UINT64_MAX, MEMBER_A, XHS_E_MEMORY },
    { "db", 1, 1, MEMBER_B, XHS_E_MEMORY },
    { "web", 1, 0, MEMBER_A, XHS_E_EXISTS },
    { "web", 1, 0, MEMBER_B, XHS_E_EXISTS },
    { "web", MIB(29), MIB(29), MEMBER_A, XHS_E_EXISTS },
};

START_TEST(grant_refuses)
{
    split("web", 100, MEMBER_A);
    keep();
    for (int hot = 0; hot <= 1; hot++)
        refused(rmt_grant(&t, refusals[_i].key, refusals[_i].kb, refusals[_i].own_kb,
                          refusals[_i].member, hot, &err), refusals[_i].code);
}
END_TEST

START_TEST(grant_says_how_much_is_missing)
{
    split("web", 100, MEMBER_A);
    keep();
    ck_assert_int_eq(rmt_grant(&t, "db", MIB(40), MIB(29), MEMBER_A, true, &err), -1);
    ck_assert_str_eq(err.text, "1 MiB short: it wants 29 MiB of the 28 free");
    unchanged();
    ck_assert_int_eq(rmt_grant(&t, "db", MIB(40), MIB(29), MEMBER_A, true, NULL), -1);
    unchanged();
}
END_TEST

/* With every row that there can be. */
START_TEST(grant_refuses_more_than_the_table_holds)
{
    char name[8];

    grant("x@a", 3, 0, MEMBER_A, false);
    grant("x@b", 4, 0, MEMBER_B, false);
    release("x@a");
    release("x@b");
    for (unsigned i = 0; i < RMT_JOBS_MAX; i++) {
        snprintf(name, sizeof name, "j%u", i);
        split(name, 1, MEMBER_A);
    }
    rows(RMT_AREAS_MAX, 192 + 7);
    keep();
    refused(rmt_grant(&t, "one-more", MIB(1), MIB(1), MEMBER_A, true, &err), XHS_E_STATE);
    refused(rmt_grant(&t, "one-more", MIB(1), 0, MEMBER_B, false, &err), XHS_E_STATE);
    release("j3");
    split("one-more", 1, MEMBER_A);
    rows(RMT_AREAS_MAX, 192 + 7);
}
END_TEST

/* Storage may hold more areas than a pair can make. */
START_TEST(grant_refuses_when_restored_full)
{
    struct area a = { .size_kb = 1, .owner = OWNER_A, .on_fault = OWNER_B };

    while (t.n < RMT_AREAS_MAX) {
        snprintf(a.name, sizeof a.name, "job-%u", t.n);
        ck_assert_int_eq(rmt_restore(&t, &a, &err), 0);
    }
    keep();
    refused(rmt_grant(&t, "one-more", MIB(1), 0, MEMBER_A, true, &err), XHS_E_STATE);
}
END_TEST

/* ---- release, and the way back to the pool ---- */

START_TEST(releases_in_any_order)
{
    split("a1", 10, MEMBER_A);
    split("a2", 20, MEMBER_A);
    split("a3", 30, MEMBER_A);
    rmt_have(&t, MEMBER_A, MIB(160));
    release("a2");
    row("job-a1", 10, 10, OWNER_A, OWNER_B);
    row("job-a3", 30, 30, OWNER_A, OWNER_B);
    row("surplus", 88, 88, OWNER_A, OWNER_B);
    release("a3");
    release("a1");
    row("surplus", 128, 128, OWNER_A, OWNER_B);
    rows(3, 192); /* the pair's size: nothing goes back */
    ck_assert_uint_eq(rmt_returning_kb(&t, MEMBER_A), 0);
}
END_TEST

START_TEST(release_gives_back_what_was_granted)
{
    grant("web", 100, 30, MEMBER_A, true);
    grant("cron@a", 50, 0, MEMBER_A, false);
    rmt_have(&t, MEMBER_A, MIB(160 + 120));
    release("web");
    row("surplus", 128, 128, OWNER_A, OWNER_B); /* up to the pair's size */
    row("back-a", 70, 0, OWNER_UNUSED, OWNER_UNUSED);
    row("job-cron@a", 50, 50, OWNER_A, OWNER_MONITOR);
    rows(5, 192 + 120);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(160 + 50));
    release("cron@a");
    row("back-a", 120, 0, OWNER_UNUSED, OWNER_UNUSED);
    row("surplus", 128, 128, OWNER_A, OWNER_B);
    rows(4, 192 + 120); /* the pool does not have it yet */
    ck_assert_uint_eq(rmt_returning_kb(&t, MEMBER_A), MIB(120));
    ck_assert_uint_eq(rmt_returning_kb(&t, MEMBER_B), 0);
}
END_TEST

START_TEST(release_gives_back_each_members_own)
{
    grant("x@a", 10, 4, MEMBER_A, false);
    grant("x@b", 20, 0, MEMBER_B, false);
    release("x@b");
    row("back-b", 20, 0, OWNER_UNUSED, OWNER_UNUSED);
    row("os-b", 32, 0, OWNER_B, OWNER_B);
    release("x@a");
    row("back-a", 6, 0, OWNER_UNUSED, OWNER_UNUSED);
    row("surplus", 128, 0, OWNER_A, OWNER_B);
    rows(5, 192 + 26);
}
END_TEST

/* What has arrived of an area is its OS's share first: the rest did not come, and need not. */
START_TEST(release_before_all_has_arrived)
{
    grant("web", 100, 30, MEMBER_A, true);
    rmt_have(&t, MEMBER_A, MIB(32 + 40)); /* OS, and part of the job's */
    row("job-web", 100, 40, OWNER_A, OWNER_B);
    release("web");
    row("surplus", 128, 30, OWNER_A, OWNER_B);
    row("back-a", 70, 0, OWNER_UNUSED, OWNER_UNUSED);
    rows(4, 192 + 70);
}
END_TEST

/* A job that runs on beside a surplus which is on its way: what it had goes to its OS. */
START_TEST(release_without_a_surplus)
{
    grant("web", 100, 30, MEMBER_A, true);
    rmt_fault(&t, MEMBER_A);
    rmt_commit(&t, MEMBER_B, true);
    release("web");
    row("os-b", 62, 0, OWNER_B, OWNER_B);
    row("back-b", 70, 0, OWNER_UNUSED, OWNER_UNUSED); /* from where it is now */
    row("surplus", 98, 0, OWNER_TRANSIT, OWNER_B);
    rows(4, 192 + 70);
}
END_TEST

START_TEST(release_refuses)
{
    keep();
    refused(rmt_release(&t, "web", &err), XHS_E_NOENT);
    split("web", 100, MEMBER_A);
    keep();
    refused(rmt_release(&t, "web@a", &err), XHS_E_NOENT);
    rmt_fault(&t, MEMBER_A);
    keep();
    refused(rmt_release(&t, "web", &err), XHS_E_STATE);
}
END_TEST

START_TEST(returned_when_nothing_is_held)
{
    keep();
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_A, 0), 0); /* nothing was given up */
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_A, MIB(5)), 0);
    unchanged();
    grant("web", 70, 0, MEMBER_A, true);
    release("web");
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_A, MIB(70)), 0);
    row("back-a", 70, 0, OWNER_UNUSED, OWNER_UNUSED);
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_A, MIB(20)), 0);
    row("back-a", 70, 50, OWNER_UNUSED, OWNER_UNUSED);
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_A, UINT64_MAX), 0); /* not known how much */
    row("back-a", 70, 0, OWNER_UNUSED, OWNER_UNUSED);
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_A, 1), 0);
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_B, 0), 0); /* another's word */
    rows(4, 192 + 70);
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_A, 0), MIB(70));
    ck_assert_uint_eq(rmt_returning_kb(&t, MEMBER_A), 0);
    rows(3, 192);
    ck_assert_uint_eq(rmt_returned(&t, MEMBER_A, 0), 0); /* once */
}
END_TEST

/* ---- keep ---- */

START_TEST(keeps_part_of_the_surplus)
{
    rmt_have(&t, MEMBER_A, MIB(32 + 100));
    rmt_keep(&t, MEMBER_A, MIB(8));
    row("os-a", 40, 32, OWNER_A, OWNER_A); /* what has not come is what is kept */
    row("surplus", 120, 100, OWNER_A, OWNER_B);
    rmt_keep(&t, MEMBER_A, MIB(30));
    row("os-a", 70, 42, OWNER_A, OWNER_A);
    row("surplus", 90, 90, OWNER_A, OWNER_B);
    rmt_keep(&t, MEMBER_A, UINT64_MAX);
    row("os-a", 160, 132, OWNER_A, OWNER_A);
    row("surplus", 0, 0, OWNER_A, OWNER_B);
    rows(3, 192);
}
END_TEST

START_TEST(keeps_no_others_surplus)
{
    keep();
    rmt_keep(&t, MEMBER_B, MIB(8));
    rmt_keep(&t, MEMBER_A, 0);
    unchanged();
    rmt_fault(&t, MEMBER_A);
    keep();
    rmt_keep(&t, MEMBER_A, MIB(8)); /* in transit: nobody's */
    rmt_keep(&t, MEMBER_B, MIB(8));
    unchanged();
}
END_TEST

START_TEST(keeps_nothing_that_stays_anyway)
{
    keep();
    rmt_keep(&t, MEMBER_A, MIB(8));
    unchanged();
}
END_TEST

/* ---- fault, arrived, commit, have ---- */

static void three_jobs(void)
{
    grant("web", 64, 64, MEMBER_A, true);     /* its OS's */
    grant("cron@a", 40, 10, MEMBER_A, false); /* plain, and in part granted */
    grant("cron@b", 6, 0, MEMBER_B, false);   /* plain, on the standby */
    rmt_have(&t, MEMBER_A, MIB(160 + 30));
    rmt_have(&t, MEMBER_B, MIB(32 + 6));
    rows(t.n, 192 + 36);
}

START_TEST(fault_with_follow)
{
    three_jobs();
    rmt_fault(&t, MEMBER_A);
    row("os-a", 32, 0, OWNER_A, OWNER_A);
    row("job-web", 64, 0, OWNER_TRANSIT, OWNER_B);
    row("surplus", 64, 0, OWNER_TRANSIT, OWNER_B); /* with what the plain job had of it */
    row("back-a", 30, 0, OWNER_UNUSED, OWNER_UNUSED);
    ck_assert_ptr_null(rmt_find_job(&t, "cron@a"));
    row("os-b", 32, 32, OWNER_B, OWNER_B); /* the heir's is untouched */
    row("job-cron@b", 6, 6, OWNER_B, OWNER_MONITOR);
    rows(6, 192 + 36);
    rmt_commit(&t, MEMBER_B, false);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(32));      /* standby_memory */
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_B), MIB(160 + 6)); /* memory, and its plain job */
}
END_TEST

START_TEST(fault_with_stay)
{
    three_jobs();
    rmt_fault(&t, MEMBER_A);
    row("os-a", 96, 0, OWNER_A, OWNER_A); /* with what the plain job had of it */
    row("job-web", 64, 0, OWNER_TRANSIT, OWNER_B);
    row("back-a", 30, 0, OWNER_UNUSED, OWNER_UNUSED);
    ck_assert_ptr_null(rmt_find_job(&t, "cron@a"));
    row("job-cron@b", 6, 6, OWNER_B, OWNER_MONITOR);
    rows(5, 192 + 36);
    rmt_commit(&t, MEMBER_B, false);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(96));
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_B), MIB(32 + 64 + 6));
}
END_TEST

START_TEST(fault_of_a_standby)
{
    three_jobs();
    rmt_fault(&t, MEMBER_B);
    row("os-b", 32, 0, OWNER_B, OWNER_B);
    row("back-b", 6, 0, OWNER_UNUSED, OWNER_UNUSED);
    ck_assert_ptr_null(rmt_find_job(&t, "cron@b"));
    row("job-web", 64, 64, OWNER_A, OWNER_B);
    row("job-cron@a", 40, 40, OWNER_A, OWNER_MONITOR);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_TRANSIT), 0);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(160 + 30));
    rows(t.n, 192 + 36);
}
END_TEST

/* A granted hot-standby area moves whole, and is given back from where it went to. */
START_TEST(fault_moves_what_was_granted)
{
    grant("web", 100, 30, MEMBER_A, true);
    rmt_fault(&t, MEMBER_A);
    row("job-web", 100, 0, OWNER_TRANSIT, OWNER_B);
    granted("job-web", 70);
    ck_assert_uint_eq(rmt_returning_kb(&t, MEMBER_A), 0);
    rmt_commit(&t, MEMBER_B, false);
    release("web");
    row("back-b", 70, 0, OWNER_UNUSED, OWNER_UNUSED);
    row("surplus", 128, 0, OWNER_B, OWNER_A);
    rows(4, 192 + 70);
}
END_TEST

/* The heir fails as well while memory is on its way to it. */
START_TEST(fault_of_both)
{
    split("web", 64, MEMBER_A);
    grant("cron@b", 6, 0, MEMBER_B, false);
    rmt_fault(&t, MEMBER_A);
    rmt_arrived(&t, MIB(10));
    rmt_fault(&t, MEMBER_B);
    row("job-web", 64, 10, OWNER_TRANSIT, OWNER_B);
    row("surplus", 64, 0, OWNER_TRANSIT, OWNER_B);
    row("os-b", 32, 0, OWNER_B, OWNER_B);
    row("back-b", 6, 0, OWNER_UNUSED, OWNER_UNUSED);
    rmt_commit(&t, MEMBER_A, false); /* back to whom it came from */
    row("job-web", 64, 10, OWNER_A, OWNER_B);
    row("surplus", 64, 0, OWNER_A, OWNER_B);
    rows(5, 192 + 6);
}
END_TEST

START_TEST(arrives_at_jobs_first)
{
    split("web", 64, MEMBER_A);
    split("db", 16, MEMBER_A);
    rmt_have(&t, MEMBER_A, MIB(160));
    rmt_fault(&t, MEMBER_A);
    row("os-a", 32, 0, OWNER_A, OWNER_A);
    row("surplus", 48, 0, OWNER_TRANSIT, OWNER_B);
    rmt_arrived(&t, MIB(70));
    row("job-web", 64, 64, OWNER_TRANSIT, OWNER_B);
    row("job-db", 16, 6, OWNER_TRANSIT, OWNER_B);
    row("surplus", 48, 0, OWNER_TRANSIT, OWNER_B);
    rmt_arrived(&t, MIB(81)); /* in all, not in addition */
    row("job-db", 16, 16, OWNER_TRANSIT, OWNER_B);
    row("surplus", 48, 1, OWNER_TRANSIT, OWNER_B);
    rmt_arrived(&t, UINT64_MAX);
    row("surplus", 48, 48, OWNER_TRANSIT, OWNER_B);
    rows(5, 192);
}
END_TEST

START_TEST(commits_jobs_then_the_rest)
{
    split("web", 64, MEMBER_A);
    rmt_fault(&t, MEMBER_A);
    rmt_commit(&t, MEMBER_B, true);
    row("job-web", 64, 0, OWNER_B, OWNER_A);
    row("surplus", 64, 0, OWNER_TRANSIT, OWNER_B);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_TRANSIT), MIB(64));
    rmt_commit(&t, MEMBER_B, false);
    row("surplus", 64, 0, OWNER_B, OWNER_A);
    row("os-a", 32, 0, OWNER_A, OWNER_A);
    rows(4, 192);
    keep();
    rmt_commit(&t, MEMBER_A, false); /* nothing is in transit: nothing to do */
    unchanged();
}
END_TEST

START_TEST(has_os_then_jobs_then_surplus)
{
    split("web", 64, MEMBER_A);
    rmt_have(&t, MEMBER_A, MIB(20));
    row("os-a", 32, 20, OWNER_A, OWNER_A);
    row("job-web", 64, 0, OWNER_A, OWNER_B);
    rmt_have(&t, MEMBER_A, MIB(90));
    row("os-a", 32, 32, OWNER_A, OWNER_A);
    row("job-web", 64, 58, OWNER_A, OWNER_B);
    row("surplus", 64, 0, OWNER_A, OWNER_B);
    rmt_have(&t, MEMBER_A, UINT64_MAX);
    row("surplus", 64, 64, OWNER_A, OWNER_B);
    row("os-b", 32, 0, OWNER_B, OWNER_B); /* the other member's is untouched */
    rmt_have(&t, MEMBER_A, 0);
    row("job-web", 64, 0, OWNER_A, OWNER_B);
    rows(4, 192);
}
END_TEST

/* ---- restore, sound ---- */

START_TEST(restores)
{
    struct area a = { .name = "job-web", .size_kb = MIB(7), .have_kb = MIB(5),
                      .granted_kb = MIB(7), .owner = OWNER_TRANSIT, .on_fault = OWNER_B };

    ck_assert_int_eq(rmt_restore(&t, &a, &err), 0);
    row("job-web", 7, 5, OWNER_TRANSIT, OWNER_B);
    granted("job-web", 7);
    rows(4, 192 + 7);
    keep();
    refused(rmt_restore(&t, &a, &err), XHS_E_EXISTS);
    while (t.n < RMT_AREAS_MAX) {
        snprintf(a.name, sizeof a.name, "job-%u", t.n);
        ck_assert_int_eq(rmt_restore(&t, &a, &err), 0);
    }
    strcpy(a.name, "job-late");
    keep();
    refused(rmt_restore(&t, &a, &err), XHS_E_STATE);
}
END_TEST

/* Any state a table can be in is put back from its areas, in any order. */
START_TEST(restores_a_whole_table)
{
    three_jobs();
    rmt_fault(&t, MEMBER_A);
    rmt_arrived(&t, MIB(70));
    keep();
    t.n = 0;
    for (unsigned i = before.n; i > 0; i--)
        ck_assert_int_eq(rmt_restore(&t, &before.area[i - 1], &err), 0);
    rows(before.n, 192 + 36);
    for (unsigned i = 0; i < before.n; i++)
        ck_assert_mem_eq(rmt_find(&t, before.area[i].name), &before.area[i],
                         sizeof before.area[i]);
}
END_TEST

static struct area *at(const char *name)
{
    return &t.area[rmt_find(&t, name) - t.area];
}

/* One change to the table that three_jobs leaves: is it sound then? */
static void sound_if(const char *name, struct area area, bool sound)
{
    struct area *a = at(name), was = *a;

    *a = area;
    ck_assert_msg(rmt_sound(&t) == sound, "%s of %s: %llu KiB, on fault %s", name,
                  rmt_owner_word(area.owner), (unsigned long long)area.size_kb,
                  rmt_owner_word(area.on_fault));
    *a = was;
    ck_assert(rmt_sound(&t));
}

#define SOUND_IF(area_name, field, value, sound)        \
    do {                                                \
        struct area changed = *rmt_find(&t, area_name); \
        changed.field = (value);                        \
        sound_if(area_name, changed, sound);            \
    } while (0)

START_TEST(knows_unsound_amounts)
{
    three_jobs();
    SOUND_IF("os-a", have_kb, MIB(32) + 1, false);
    SOUND_IF("job-web", have_kb, MIB(64) + 1, false);
    SOUND_IF("job-web", granted_kb, MIB(64) + 1, false);
    SOUND_IF("job-web", granted_kb, 1, false); /* then its OS's do not add up */
    SOUND_IF("surplus", granted_kb, MIB(1), false);
    SOUND_IF("surplus", size_kb, MIB(54) + 1, false);
    SOUND_IF("surplus", size_kb, 0, false);
    SOUND_IF("os-b", size_kb, MIB(33), false);
    t.nominal_kb--;
    ck_assert(!rmt_sound(&t));
    t.nominal_kb++;
    t.os_min_kb++; /* more than both OSs have */
    ck_assert(!rmt_sound(&t));
}
END_TEST

/* Amounts that cancel each other out in the sum. */
START_TEST(knows_unsound_in_pairs)
{
    three_jobs();
    at("job-web")->granted_kb = MIB(64); /* as if it had been granted, and the surplus not */
    at("surplus")->size_kb += MIB(64);
    ck_assert(rmt_sound(&t));
    at("surplus")->size_kb += MIB(1);
    at("surplus")->granted_kb = MIB(1); /* what no job has was not granted */
    ck_assert(!rmt_sound(&t));
    at("surplus")->granted_kb = 0;
    at("job-web")->granted_kb += MIB(1); /* more than it has */
    ck_assert(!rmt_sound(&t));
}
END_TEST

/* A job without memory has no area; the surplus may be used up. */
START_TEST(knows_unsound_nothing)
{
    struct area job = { .name = "job-x", .owner = OWNER_A, .on_fault = OWNER_B };

    split("web", 128, MEMBER_A);
    row("surplus", 0, 0, OWNER_A, OWNER_B);
    ck_assert(rmt_sound(&t));
    ck_assert_int_eq(rmt_restore(&t, &job, &err), 0);
    ck_assert(!rmt_sound(&t));
}
END_TEST

START_TEST(knows_unsound_owners)
{
    three_jobs();
    release("cron@b");
    for (enum owner o = OWNER_A; o <= OWNER_BAD; o++) {
        SOUND_IF("os-a", owner, o, o == OWNER_A);
        SOUND_IF("os-b", owner, o, o == OWNER_B);
        /* a hot-standby job's or a surplus' owner is a member, or it is on its way */
        SOUND_IF("surplus", owner, o, o <= OWNER_B || o == OWNER_TRANSIT);
        SOUND_IF("job-web", owner, o, o == OWNER_A || o == OWNER_TRANSIT);
        SOUND_IF("job-cron@a", owner, o, o <= OWNER_B);
        if (o > OWNER_B && o != OWNER_TRANSIT)
            SOUND_IF("back-b", owner, o, o == OWNER_UNUSED);
    }
    strcpy(at("os-b")->name, "os-c");
    ck_assert(!rmt_sound(&t));
}
END_TEST

START_TEST(knows_unsound_destinations)
{
    three_jobs();
    release("cron@b");
    for (enum owner o = OWNER_A; o <= OWNER_BAD; o++) {
        if (o > OWNER_B) {
            SOUND_IF("os-a", on_fault, o, false);
            SOUND_IF("surplus", on_fault, o, false);
        }
        SOUND_IF("job-web", on_fault, o, o == OWNER_B || o == OWNER_MONITOR);
        SOUND_IF("job-cron@a", on_fault, o, o == OWNER_B || o == OWNER_MONITOR);
        SOUND_IF("back-b", on_fault, o, o == OWNER_UNUSED);
    }
    rmt_fault(&t, MEMBER_A);
    for (enum owner o = OWNER_A; o <= OWNER_BAD; o++)
        SOUND_IF("job-web", on_fault, o, o <= OWNER_B);
}
END_TEST

/* An OS's own goes nowhere: else a fault would leave it without. */
START_TEST(knows_unsound_os_that_leaves)
{
    SOUND_IF("os-a", on_fault, OWNER_B, false);
    SOUND_IF("os-b", on_fault, OWNER_A, false);
}
END_TEST

/* ---- the worked example ---- */

static struct pool pool;
static unsigned times; /* the example's sizes */

static void cell(const char *name)
{
    const struct area *a = rmt_find(&t, name);
    char text[40] = "-";

    if (a)
        snprintf(text, sizeof text, "%llu %s>%s", (unsigned long long)a->size_kb / 1024,
                 rmt_owner_word(a->owner), rmt_owner_word(a->on_fault));
    printf(" %-13s", text);
}

/* One line of the design's table, after what always holds. */
static void state(const char *title)
{
    ck_assert(rmt_sound(&t));
    ck_assert_uint_eq(pool.members_kb, rmt_total_kb(&t));
    ck_assert_uint_eq(pool.members_kb + pool.reserve_kb + pool_unused_kb(&pool),
                      MIB(256) * times);
    ck_assert_uint_eq(pool.reserve_kb, MIB(32) * times);
    printf("# %-30s", title);
    cell("os-a");
    cell("os-b");
    printf(" %-7llu", (unsigned long long)pool.reserve_kb / 1024);
    cell("job-A");
    cell("job-B@a");
    printf(" %-6llu %llu\n", (unsigned long long)rmt_returning_kb(&t, MEMBER_A) / 1024,
           (unsigned long long)pool_unused_kb(&pool) / 1024);
}

/* One cell of it, for the example's own sizes; nothing is on its way to its owner. */
static void is(const char *name, unsigned mib, enum owner owner, enum owner on_fault)
{
    row(name, mib * times, mib * times, owner, on_fault);
}

static void unused_is(unsigned mib)
{
    ck_assert_uint_eq(pool_unused_kb(&pool), MIB(mib) * times);
}

static void example_a(void)
{
    make(SURPLUS_STAY, 160 * times, 32 * times);
    pool = (struct pool){ .pool_kb = MIB(256) * times, .reserve_kb = MIB(32) * times };
    ck_assert_int_eq(pool_take(&pool, rmt_total_kb(&t), &err), 0);
    rmt_have(&t, MEMBER_A, MIB(160) * times);
    rmt_have(&t, MEMBER_B, MIB(32) * times);
    printf("# MiB, x%u; owner>on fault\n# %-30s %-13s %-13s %-7s %-13s %-13s %-6s %s\n", times, "",
           "active OS", "standby OS", "monitor", "job A", "job B", "back-a", "unused");
    state("A: no job runs");
    is("os-a", 160, OWNER_A, OWNER_A);
    is("os-b", 32, OWNER_B, OWNER_B);
    unused_is(32);
    ck_assert_uint_eq(t.n, 2);
}

/* The active owns enough: the guest tells, and nobody is asked. */
static void example_b(void)
{
    ck_assert_uint_ge(rmt_spare_kb(&t, MEMBER_A), MIB(128) * times);
    grant("A", 128 * times, 128 * times, MEMBER_A, true);
    state("B: job A starts");
    is("os-a", 32, OWNER_A, OWNER_A);
    is("os-b", 32, OWNER_B, OWNER_B);
    is("job-A", 128, OWNER_A, OWNER_B);
    unused_is(32);
    ck_assert_uint_eq(t.n, 3);
}

/* It does not: the guest asks, and the memory comes from unused. */
static void example_c(void)
{
    struct pool_ask ask = { .pair = "shop", .job = "B@a", .min_kb = MIB(32) * times,
                            .want_kb = MIB(32) * times, .until_ns = INT64_MAX };
    uint64_t kb = 0;

    keep();
    refused(rmt_grant(&t, "B@a", ask.want_kb, ask.want_kb, MEMBER_A, false, &err), XHS_E_MEMORY);
    ck_assert_int_eq(pool_ask(&pool, &ask, &err), 0);
    ck_assert(pool_allot(&pool, "shop", "B@a", &kb));
    pool_unask(&pool, "shop", "B@a");
    ck_assert_uint_eq(kb, MIB(32) * times);
    ck_assert_int_eq(pool_take(&pool, kb, &err), 0);
    grant("B@a", 32 * times, 0, MEMBER_A, false);
    row("job-B@a", 32 * times, 0, OWNER_A, OWNER_MONITOR);
    rmt_have(&t, MEMBER_A, MIB(192) * times); /* the domain has grown */
    state("C: then job B starts");
    is("os-a", 32, OWNER_A, OWNER_A);
    is("os-b", 32, OWNER_B, OWNER_B);
    is("job-A", 128, OWNER_A, OWNER_B);
    is("job-B@a", 32, OWNER_A, OWNER_MONITOR);
    unused_is(0);
    ck_assert_uint_eq(t.n, 4);
}

/* The active OS fails: job A's go to the standby, job B's are on their way to the pool. */
static void example_fault(void)
{
    ck_assert_uint_eq(pool_lend(&pool, MIB(128) * times), MIB(32) * times);
    rmt_fault(&t, MEMBER_A);
    state("the active OS fails");
    row("os-a", 32 * times, 0, OWNER_A, OWNER_A);
    is("os-b", 32, OWNER_B, OWNER_B);
    row("job-A", 128 * times, 0, OWNER_TRANSIT, OWNER_B);
    row("back-a", 32 * times, 0, OWNER_UNUSED, OWNER_UNUSED);
    unused_is(0);
    ck_assert_uint_eq(t.n, 4);

    rmt_arrived(&t, MIB(128) * times);
    rmt_commit(&t, MEMBER_B, true);
    pool_repay(&pool, MIB(32) * times);
    state("job A's memory is the heir's");
    is("job-A", 128, OWNER_B, OWNER_A);
    unused_is(0); /* the victim's domain may still have it */
}

/* The victim's domain is gone, and comes back as the new standby: the mirror image of B. */
static void example_after(void)
{
    pool_give(&pool, rmt_returned(&t, MEMBER_A, 0));
    state("job B's are in the pool");
    row("os-a", 32 * times, 0, OWNER_A, OWNER_A);
    unused_is(32);
    rmt_have(&t, MEMBER_A, MIB(32) * times);
    state("the failed OS is the standby");
    is("os-a", 32, OWNER_A, OWNER_A);
    is("os-b", 32, OWNER_B, OWNER_B);
    is("job-A", 128, OWNER_B, OWNER_A);
    unused_is(32);
    ck_assert_uint_eq(t.n, 3);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_B), MIB(160) * times);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(32) * times);

    release("A"); /* and of A */
    state("job A ends");
    is("os-b", 160, OWNER_B, OWNER_B);
    is("os-a", 32, OWNER_A, OWNER_A);
    unused_is(32);
    ck_assert_uint_eq(t.n, 2);
    printf("#\n");
}

START_TEST(worked_example)
{
    times = (unsigned)_i;
    example_a();
    example_b();
    example_c();
    example_fault();
    example_after();
    fflush(stdout); /* check's child does not */
}
END_TEST

START_TEST(example_with_follow)
{
    rmt_have(&t, MEMBER_A, MIB(160));
    split("A", 100, MEMBER_A);
    rmt_fault(&t, MEMBER_A);
    rmt_arrived(&t, MIB(110));
    rmt_commit(&t, MEMBER_B, true);
    rmt_arrived(&t, MIB(28));
    rmt_commit(&t, MEMBER_B, false);
    row("job-A", 100, 100, OWNER_B, OWNER_A);
    row("surplus", 28, 28, OWNER_B, OWNER_A);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_B), MIB(160)); /* the heir has memory ... */
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(32));  /* ... the victim standby_memory */
    split("B", 28, MEMBER_B);
    row("job-B", 28, 28, OWNER_B, OWNER_A);
    rmt_fault(&t, MEMBER_B); /* and back again */
    rmt_commit(&t, MEMBER_A, false);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(160));
    rows(5, 192);
}
END_TEST

static TCase *add_case(Suite *s, const char *name, void (*start)(void))
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, start, NULL);
    suite_add_tcase(s, c);
    return c;
}

static void add_areas(Suite *s)
{
    TCase *c = add_case(s, "areas", start_follow);

    tcase_add_test(c, words_and_back);
    tcase_add_test(c, begins_with_follow);
    tcase_add_test(c, finds_by_whole_name);
    tcase_add_test(c, longest_key_fits);
    tcase_add_test(c, restores);
    tcase_add_test(c, restores_a_whole_table);
    tcase_add_test(c, knows_unsound_amounts);
    tcase_add_test(c, knows_unsound_in_pairs);
    tcase_add_test(c, knows_unsound_nothing);
    tcase_add_test(c, knows_unsound_owners);
    tcase_add_test(c, knows_unsound_destinations);
    tcase_add_test(c, knows_unsound_os_that_leaves);
}

static void add_grant(Suite *s)
{
    TCase *c = add_case(s, "grant", start_follow);

    tcase_add_test(c, splits_off_the_surplus);
    tcase_add_test(c, grants_on_top);
    tcase_add_test(c, grants_to_both);
    tcase_add_test(c, grant_takes_along_what_has_arrived);
    tcase_add_test(c, granted_memory_has_not_arrived);
    tcase_add_loop_test(c, grant_refuses, 0, sizeof refusals / sizeof refusals[0]);
    tcase_add_test(c, grant_says_how_much_is_missing);
    tcase_add_test(c, grant_refuses_more_than_the_table_holds);
    tcase_add_test(c, grant_refuses_when_restored_full);
}

static void add_release(Suite *s)
{
    TCase *c = add_case(s, "release", start_follow);

    tcase_add_test(c, releases_in_any_order);
    tcase_add_test(c, release_gives_back_what_was_granted);
    tcase_add_test(c, release_gives_back_each_members_own);
    tcase_add_test(c, release_before_all_has_arrived);
    tcase_add_test(c, release_without_a_surplus);
    tcase_add_test(c, release_refuses);
    tcase_add_test(c, returned_when_nothing_is_held);
    tcase_add_test(c, keeps_part_of_the_surplus);
    tcase_add_test(c, keeps_no_others_surplus);
}

static void add_fault(Suite *s)
{
    TCase *c = add_case(s, "fault", start_follow);

    tcase_add_test(c, fault_with_follow);
    tcase_add_test(c, fault_of_a_standby);
    tcase_add_test(c, fault_moves_what_was_granted);
    tcase_add_test(c, fault_of_both);
    tcase_add_test(c, arrives_at_jobs_first);
    tcase_add_test(c, commits_jobs_then_the_rest);
    tcase_add_test(c, has_os_then_jobs_then_surplus);
    tcase_add_test(c, example_with_follow);
}

static void add_stay(Suite *s)
{
    TCase *c = add_case(s, "stay", start_stay);

    tcase_add_test(c, begins_with_stay);
    tcase_add_test(c, splits_off_the_os);
    tcase_add_test(c, keeps_nothing_that_stays_anyway);
    tcase_add_test(c, fault_with_stay);
    tcase_add_test(c, fault_of_a_standby);
    tcase_add_loop_test(c, worked_example, 1, 2);
    tcase_add_loop_test(c, worked_example, 4, 5);
}

int main(void)
{
    Suite *s = suite_create("rmt");

    add_areas(s);
    add_grant(s);
    add_release(s);
    add_fault(s);
    add_stay(s);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
