/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resource management table: each operation, each error (which leaves the table as it was),
 * and the worked example of the design, by both surplus policies. Not the pair that uses it.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rmt.h"

#define MIB(n) ((uint64_t)(n) * 1024)

static struct rmt t, before;
static struct xhs_error err;

/* The example's sizes: an active with 160, a standby with 32. */
static void make(enum surplus_policy surplus)
{
    struct pair_config pc = {
        .memory_kb = MIB(160),
        .standby_memory_kb = MIB(32),
        .surplus = surplus,
    };

    memset(&t, 0, sizeof t);
    memset(&err, 0, sizeof err);
    rmt_init(&t, &pc);
}

static void start_follow(void)
{
    make(SURPLUS_FOLLOW);
}

static void start_stay(void)
{
    make(SURPLUS_STAY);
}

static void keep(void)
{
    memcpy(&before, &t, sizeof t);
    memset(&err, 0, sizeof err);
}

/* rc is a failure by this code, with a text, and the table is what it was at keep. */
static void refused(int rc, enum xhs_code code)
{
    ck_assert_int_eq(rc, -1);
    ck_assert_msg(err.code == code, "%s: %s", xhs_code_word(err.code), err.text);
    ck_assert_uint_gt(strlen(err.text), 0);
    ck_assert_mem_eq(&t, &before, sizeof t);
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

static void rows(unsigned n)
{
    ck_assert_uint_eq(t.n, n);
    ck_assert(rmt_sound(&t, MIB(192)));
    ck_assert_uint_eq(rmt_total_kb(&t), MIB(192));
}

static void split(const char *job, unsigned mib, int member)
{
    memset(&err, 0, sizeof err);
    ck_assert_msg(rmt_split_job(&t, job, MIB(mib), member, MIB(32), &err) == 0, "%s", err.text);
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
    rows(3);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(160));
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_B), MIB(32));
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_TRANSIT), 0);
    /* all of the surplus may become jobs'; an OS area of exactly the minimum gives nothing */
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_A, MIB(32)), MIB(128));
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_B, MIB(32)), 0);
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_B, MIB(48)), 0);
}
END_TEST

START_TEST(begins_with_stay)
{
    row("os-a", 160, 0, OWNER_A, OWNER_A);
    row("os-b", 32, 0, OWNER_B, OWNER_B);
    rows(2);
    ck_assert_ptr_null(rmt_find(&t, "surplus"));
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_A, MIB(32)), MIB(128));
    ck_assert_uint_eq(rmt_spare_kb(&t, MEMBER_A, 0), MIB(160));
}
END_TEST

START_TEST(finds_by_whole_name)
{
    split("web", 1, MEMBER_A);
    ck_assert_ptr_eq(rmt_find_job(&t, "web"), rmt_find(&t, "job-web"));
    ck_assert_ptr_null(rmt_find_job(&t, "we"));
    ck_assert_ptr_null(rmt_find_job(&t, "webb"));
    ck_assert_ptr_null(rmt_find(&t, "web"));
    ck_assert_ptr_null(rmt_find(&t, ""));
}
END_TEST

START_TEST(longest_job_name_fits)
{
    static const char name[] = "n234567890123456789012345678901234567890";

    ck_assert_uint_eq(strlen(name), MSG_NAME_MAX);
    split(name, 1, MEMBER_A);
    ck_assert_uint_eq(strlen(rmt_find_job(&t, name)->name), RMT_NAME_MAX);
    ck_assert_int_eq(rmt_merge_job(&t, name, &err), 0);
    rows(3);
}
END_TEST

START_TEST(splits_off_the_surplus)
{
    split("web", 100, MEMBER_A);
    row("surplus", 28, 0, OWNER_A, OWNER_B);
    row("os-a", 32, 0, OWNER_A, OWNER_A);
    row("job-web", 100, 0, OWNER_A, OWNER_B);
    split("db", 28, MEMBER_A);
    row("surplus", 0, 0, OWNER_A, OWNER_B);
    rows(5);
    keep();
    refused(rmt_split_job(&t, "more", 1, MEMBER_A, MIB(32), &err), XHS_E_MEMORY);
}
END_TEST

START_TEST(split_takes_along_what_has_arrived)
{
    rmt_have(&t, MEMBER_A, MIB(160));
    split("web", 100, MEMBER_A);
    row("surplus", 28, 28, OWNER_A, OWNER_B);
    row("job-web", 100, 100, OWNER_A, OWNER_B);
    ck_assert_int_eq(rmt_merge_job(&t, "web", &err), 0);
    row("surplus", 128, 128, OWNER_A, OWNER_B);

    rmt_have(&t, MEMBER_A, MIB(32 + 60)); /* half of the surplus is there: it is what stays */
    split("web", 100, MEMBER_A);
    row("surplus", 28, 28, OWNER_A, OWNER_B);
    row("job-web", 100, 32, OWNER_A, OWNER_B);
    rows(4);
}
END_TEST

START_TEST(split_refuses)
{
    split("web", 100, MEMBER_A);
    keep();
    refused(rmt_split_job(&t, "db", MIB(29), MEMBER_A, MIB(32), &err), XHS_E_MEMORY);
    ck_assert_ptr_nonnull(strstr(err.text, "1 MiB short"));
    keep();
    refused(rmt_split_job(&t, "db", MIB(28) + 1, MEMBER_A, MIB(32), &err), XHS_E_MEMORY);
    keep();
    refused(rmt_split_job(&t, "db", 1, MEMBER_B, MIB(32), &err), XHS_E_MEMORY);
    keep();
    refused(rmt_split_job(&t, "web", 1, MEMBER_A, MIB(32), &err), XHS_E_EXISTS);
    keep();
    refused(rmt_split_job(&t, "db", UINT64_MAX, MEMBER_A, MIB(32), &err), XHS_E_MEMORY);
}
END_TEST

START_TEST(split_refuses_more_than_the_table_holds)
{
    char name[8];

    for (unsigned i = 0; i < RMT_JOBS_MAX; i++) {
        snprintf(name, sizeof name, "j%u", i);
        split(name, 1, MEMBER_A);
    }
    keep();
    refused(rmt_split_job(&t, "one-more", MIB(1), MEMBER_A, MIB(32), &err), XHS_E_STATE);
    rows(RMT_AREAS_MAX);
}
END_TEST

START_TEST(merges_in_any_order)
{
    split("a1", 10, MEMBER_A);
    split("a2", 20, MEMBER_A);
    split("a3", 30, MEMBER_A);
    rmt_have(&t, MEMBER_A, MIB(160));
    ck_assert_int_eq(rmt_merge_job(&t, "a2", &err), 0);
    row("job-a1", 10, 10, OWNER_A, OWNER_B);
    row("job-a3", 30, 30, OWNER_A, OWNER_B);
    row("surplus", 88, 88, OWNER_A, OWNER_B);
    ck_assert_int_eq(rmt_merge_job(&t, "a3", &err), 0);
    ck_assert_int_eq(rmt_merge_job(&t, "a1", &err), 0);
    row("surplus", 128, 128, OWNER_A, OWNER_B);
    rows(3);
}
END_TEST

START_TEST(merge_refuses)
{
    keep();
    refused(rmt_merge_job(&t, "web", &err), XHS_E_NOENT);
    split("web", 100, MEMBER_A);
    rmt_fault(&t, MEMBER_A);
    keep();
    refused(rmt_merge_job(&t, "web", &err), XHS_E_STATE);
}
END_TEST

START_TEST(restores)
{
    struct area a = { .name = "job-web", .size_kb = MIB(7), .have_kb = MIB(5),
                      .owner = OWNER_TRANSIT, .on_fault = OWNER_B };

    ck_assert_int_eq(rmt_restore(&t, &a, &err), 0);
    row("job-web", 7, 5, OWNER_TRANSIT, OWNER_B);
    ck_assert(rmt_sound(&t, MIB(192 + 7)));
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
    rmt_arrived(&t, MIB(1000));
    row("surplus", 48, 48, OWNER_TRANSIT, OWNER_B);
    rows(5);
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
    rows(4);
    keep();
    rmt_commit(&t, MEMBER_A, false); /* nothing is in transit: nothing to do */
    ck_assert_mem_eq(&t, &before, sizeof t);
}
END_TEST

START_TEST(fault_of_a_standby_moves_nothing)
{
    split("web", 64, MEMBER_A);
    rmt_have(&t, MEMBER_A, MIB(160));
    rmt_have(&t, MEMBER_B, MIB(32));
    rmt_fault(&t, MEMBER_B);
    row("os-b", 32, 0, OWNER_B, OWNER_B);
    row("job-web", 64, 64, OWNER_A, OWNER_B);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_TRANSIT), 0);
    rows(4);
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
    rmt_have(&t, MEMBER_A, MIB(5000));
    row("surplus", 64, 64, OWNER_A, OWNER_B);
    row("os-b", 32, 0, OWNER_B, OWNER_B); /* the other member's is untouched */
    rmt_have(&t, MEMBER_A, 0);
    row("job-web", 64, 0, OWNER_A, OWNER_B);
    rows(4);
}
END_TEST

START_TEST(knows_unsound)
{
    struct area *os = rmt_find(&t, "os-a"), good = *os;

    ck_assert(rmt_sound(&t, MIB(192)));
    ck_assert(!rmt_sound(&t, MIB(192) - 1) && !rmt_sound(&t, 0));
    os->have_kb = os->size_kb + 1;
    ck_assert(!rmt_sound(&t, MIB(192)));
    *os = good;
    os->owner = OWNER_UNUSED;
    ck_assert(!rmt_sound(&t, MIB(192)));
    *os = good;
    os->on_fault = OWNER_MONITOR;
    ck_assert(rmt_sound(&t, MIB(192)));
    for (enum owner o = OWNER_UNUSED; o <= OWNER_BAD; o++) {
        os->on_fault = o;
        ck_assert(!rmt_sound(&t, MIB(192)));
    }
    *os = good;
    ck_assert(rmt_sound(&t, MIB(192)));
}
END_TEST

/* The design's table: A, no job runs; B, job A starts; then the active OS fails. The reserve and
 * the unused are the host's (pool.h); a plain job has no area. */
START_TEST(example_with_stay)
{
    row("os-a", 160, 0, OWNER_A, OWNER_A); /* A: 160 -> active */
    row("os-b", 32, 0, OWNER_B, OWNER_B);  /* A: 32 -> standby */
    rmt_have(&t, MEMBER_A, MIB(160));
    rmt_have(&t, MEMBER_B, MIB(32));

    split("A", 128, MEMBER_A);
    row("os-a", 32, 32, OWNER_A, OWNER_A);    /* B: 32 -> active */
    row("os-b", 32, 32, OWNER_B, OWNER_B);    /* B: 32 -> standby */
    row("job-A", 128, 128, OWNER_A, OWNER_B); /* B: owner active -> standby */
    rows(3);
    keep();
    refused(rmt_split_job(&t, "B", MIB(32), MEMBER_A, MIB(32), &err), XHS_E_MEMORY); /* so: C */

    rmt_fault(&t, MEMBER_A);
    row("job-A", 128, 0, OWNER_TRANSIT, OWNER_B);
    row("os-a", 32, 0, OWNER_A, OWNER_A); /* stays, for the new standby */
    rmt_arrived(&t, MIB(128));
    rmt_commit(&t, MEMBER_B, true);
    row("job-A", 128, 128, OWNER_B, OWNER_A);
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_B), MIB(160));
    ck_assert_uint_eq(rmt_owned_kb(&t, OWNER_A), MIB(32));
    rmt_have(&t, MEMBER_A, MIB(32)); /* rebuilt: the mirror image of B */
    row("os-a", 32, 32, OWNER_A, OWNER_A);
    rows(3);

    ck_assert_int_eq(rmt_merge_job(&t, "A", &err), 0); /* the job ends: A, mirrored */
    row("os-b", 160, 160, OWNER_B, OWNER_B);
    rows(2);
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
    rows(5);
}
END_TEST

/* xorshift64: the same walk on every machine. */
static unsigned dice(uint64_t *state, unsigned sides)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (unsigned)(*state % sides);
}

START_TEST(any_walk_keeps_the_sum)
{
    uint64_t rnd = UINT64_C(0x2545f4914f6cdd1d);
    char job[8];

    for (unsigned i = 0; i < 100000; i++) {
        int member = (int)dice(&rnd, MEMBERS);
        snprintf(job, sizeof job, "j%u", dice(&rnd, 24));
        keep();
        switch (dice(&rnd, 6)) {
        case 0:
        case 1:
            if (rmt_split_job(&t, job, MIB(dice(&rnd, 20)), member, MIB(32), &err) != 0)
                refused(-1, err.code);
            break;
        case 2:
            if (rmt_merge_job(&t, job, &err) != 0)
                refused(-1, err.code);
            break;
        case 3:
            rmt_have(&t, member, MIB(dice(&rnd, 200)));
            break;
        case 4:
            if (dice(&rnd, 8) == 0)
                rmt_fault(&t, member);
            rmt_arrived(&t, MIB(dice(&rnd, 200)));
            break;
        case 5:
            rmt_commit(&t, member, dice(&rnd, 2));
            break;
        }
        ck_assert(rmt_sound(&t, MIB(192)));
    }
}
END_TEST

static void add_follow(Suite *s)
{
    TCase *c = tcase_create("follow");

    tcase_add_checked_fixture(c, start_follow, NULL);
    tcase_add_test(c, words_and_back);
    tcase_add_test(c, begins_with_follow);
    tcase_add_test(c, finds_by_whole_name);
    tcase_add_test(c, longest_job_name_fits);
    tcase_add_test(c, splits_off_the_surplus);
    tcase_add_test(c, split_takes_along_what_has_arrived);
    tcase_add_test(c, split_refuses);
    tcase_add_test(c, split_refuses_more_than_the_table_holds);
    tcase_add_test(c, merges_in_any_order);
    tcase_add_test(c, merge_refuses);
    tcase_add_test(c, restores);
    tcase_add_test(c, arrives_at_jobs_first);
    tcase_add_test(c, commits_jobs_then_the_rest);
    tcase_add_test(c, fault_of_a_standby_moves_nothing);
    tcase_add_test(c, has_os_then_jobs_then_surplus);
    tcase_add_test(c, knows_unsound);
    tcase_add_test(c, example_with_follow);
    tcase_add_test(c, any_walk_keeps_the_sum);
    suite_add_tcase(s, c);
}

static void add_stay(Suite *s)
{
    TCase *c = tcase_create("stay");

    tcase_add_checked_fixture(c, start_stay, NULL);
    tcase_add_test(c, begins_with_stay);
    tcase_add_test(c, example_with_stay);
    tcase_add_test(c, any_walk_keeps_the_sum);
    suite_add_tcase(s, c);
}

int main(void)
{
    Suite *s = suite_create("rmt");

    add_follow(s);
    add_stay(s);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
