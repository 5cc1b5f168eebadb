/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Areas of jobs: what of one has to be asked for, what of its use is worth telling, how far it may
 * be filled while its memory arrives, and the files of a cgroup.
 * Not a test of the kernel's side of them: the lab does that.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "area.h"
#include "ask.h"
#include "cgroup.h"

#define S UINT64_C(1000000000)
#define MIB UINT64_C(1024)

START_TEST(tells_or_asks)
{
    static const struct {
        uint64_t memory, spare, available, kept, ask; /* MiB */
    } c[] = {
        { 128, 200, 300, 0, 0 },   /* its OS has enough */
        { 128, 128, 144, 0, 0 },   /* just so */
        { 128, 127, 300, 0, 1 },   /* it owns too little */
        { 128, 200, 143, 0, 1 },   /* its kernel cannot do without */
        { 128, 200, 244, 200, 100 }, /* other jobs may still need it */
        { 128, 0, 300, 0, 128 },   /* dom0 has not said */
        { 128, 200, 10, 0, 128 },  /* less than the margin */
        { 128, 200, 100, 200, 128 },
        { 0, 10, 100, 0, 0 },
    };

    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        const struct ask_facts f = { c[i].spare * MIB, c[i].available * MIB, c[i].kept * MIB };
        ck_assert_msg(ask_kb(c[i].memory * MIB, &f) == c[i].ask * MIB, "case %zu", i);
    }
}
END_TEST

START_TEST(keeps_for_jobs_that_run)
{
    struct job c = { .line = { .state = MSG_JOB_STOPPING, .memory_kb = 100 },
                     .usage = { .used_kb = 130 } }; /* more than all: none is left to take */
    struct job b = { .next = &c, .line = { .state = MSG_JOB_WAITING, .memory_kb = 1000 } };
    struct job a = { .next = &b, .line = { .state = MSG_JOB_RUNNING, .memory_kb = 500 },
                     .usage = { .used_kb = 200 } };

    ck_assert_uint_eq(ask_kept_kb(&a), 300);
    c.usage.used_kb = 0;
    ck_assert_uint_eq(ask_kept_kb(&a), 400);
    ck_assert_uint_eq(ask_kept_kb(NULL), 0);
}
END_TEST

START_TEST(asks_again_when_it_matters)
{
    ck_assert(!ask_due(0, 0, 160));
    ck_assert(!ask_due(100, 100, 160));
    ck_assert(!ask_due(100, 109, 160) && !ask_due(100, 91, 160));
    ck_assert(ask_due(100, 110, 160) && ask_due(100, 90, 160));
    ck_assert(ask_due(0, 1, 160) && ask_due(1, 0, 160)); /* told or asked is not the same */
}
END_TEST

START_TEST(use_is_told_when_it_matters)
{
    const struct area_usage none = { 0 }, last = { 160000, 170000, 1 };

    ck_assert(!area_usage_due(&none, 0, &none, 100 * S));
    ck_assert(!area_usage_due(&last, 0, &last, 100 * S));
    ck_assert(area_usage_due(&none, S, &(struct area_usage){ 1, 1, 0 }, S));
    ck_assert(area_usage_due(&last, S, &(struct area_usage){ 0, 170000, 1 }, S));
    ck_assert(!area_usage_due(&last, S, &(struct area_usage){ 169999, 170000, 1 }, 30 * S));
    ck_assert(area_usage_due(&last, S, &(struct area_usage){ 169999, 170000, 1 }, 31 * S));
    ck_assert(area_usage_due(&last, S, &(struct area_usage){ 170000, 170000, 1 }, S));
    ck_assert(area_usage_due(&last, S, &(struct area_usage){ 150000, 170000, 1 }, S));
    ck_assert(area_usage_due(&last, S, &(struct area_usage){ 160000, 190000, 1 }, S));
    ck_assert(area_usage_due(&last, S, &(struct area_usage){ 160000, 170000, 2 }, S));
    /* Small ones move by more than a sixteenth all the time. */
    const struct area_usage small = { 2000, 2000, 0 };
    ck_assert(!area_usage_due(&small, S, &(struct area_usage){ 2900, 2900, 0 }, S));
    ck_assert(area_usage_due(&small, S, &(struct area_usage){ 3024, 3024, 0 }, S));
}
END_TEST

START_TEST(an_area_fills_as_its_memory_comes)
{
    const uint64_t area = 512 * MIB, min = 64 * MIB;

    /* At the start: what there is, but what dom0 has promised at least. */
    ck_assert_uint_eq(area_high_first(area, min, 600 * MIB), 0);
    ck_assert_uint_eq(area_high_first(area, min, 544 * MIB), 0);
    ck_assert_uint_eq(area_high_first(area, min, 543 * MIB), 511 * MIB);
    ck_assert_uint_eq(area_high_first(area, min, 50 * MIB), min);
    ck_assert_uint_eq(area_high_first(area, min, 0), min);
    ck_assert_uint_eq(area_high_first(area, 0, 50 * MIB), 0); /* all of it is there, or no start */
    ck_assert_uint_eq(area_high_first(area, area, 50 * MIB), 0);

    /* Later: what it holds, and what there is beside. Never less than before. */
    ck_assert_uint_eq(area_high_next(area, min, 102 * MIB, 64 * MIB), 146 * MIB);
    ck_assert_uint_eq(area_high_next(area, 144 * MIB, 100 * MIB, 20 * MIB), 144 * MIB);
    ck_assert_uint_eq(area_high_next(area, 144 * MIB, 10 * MIB, 150 * MIB), 144 * MIB);
    ck_assert_uint_eq(area_high_next(area, 144 * MIB, 0, 0), 144 * MIB);
    ck_assert_uint_eq(area_high_next(area, min, 434 * MIB, 100 * MIB), 511 * MIB + 768);
    ck_assert_uint_eq(area_high_next(area, min, 435 * MIB, 100 * MIB), 0);
    ck_assert_uint_eq(area_high_next(area, area, 0, 0), 0);
}
END_TEST

START_TEST(an_area_is_looked_at_before_it_is_full)
{
    const uint64_t ms = S / 1000;

    /* 30 MiB in 100 ms: 300 MiB more would take a second */
    ck_assert_uint_eq(area_look_in_ns(0, 30 * MIB, 100 * ms, 90 * MIB), 100 * ms);
    ck_assert_uint_eq(area_look_in_ns(0, 30 * MIB, 100 * ms, 330 * MIB), 250 * ms);
    ck_assert_uint_eq(area_look_in_ns(0, 30 * MIB, 100 * ms, 40 * MIB), 50 * ms);
    ck_assert_uint_eq(area_look_in_ns(0, 30 * MIB, 100 * ms, 20 * MIB), 50 * ms); /* beyond it */
    ck_assert_uint_eq(area_look_in_ns(30 * MIB, 30 * MIB, 100 * ms, 30 * MIB), 50 * ms);
    ck_assert_uint_eq(area_look_in_ns(30 * MIB, 30 * MIB, 100 * ms, 90 * MIB), 250 * ms);
    ck_assert_uint_eq(area_look_in_ns(60 * MIB, 30 * MIB, 100 * ms, 90 * MIB), 250 * ms);
    ck_assert_uint_eq(area_look_in_ns(0, 1, S, UINT64_C(1) << 40), 250 * ms);
}
END_TEST

START_TEST(a_job_waits_rather_than_eat_up_its_guest)
{
    const uint64_t high = 300 * MIB;

    ck_assert(!area_must_wait(high, high, 0)); /* dom0 has seen to that much */
    ck_assert(!area_must_wait(high, high + 1, AREA_MARGIN_KB));
    ck_assert(area_must_wait(high, high + 1, AREA_MARGIN_KB - 1));
    ck_assert(!area_must_wait(0, 512 * MIB, 0)); /* all of its area has come: it is the job's */
}
END_TEST

static void put(const char *dir, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static const char *get(const char *dir, const char *name)
{
    static char text[64];
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void drop(const char *dir, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

START_TEST(use_is_read)
{
    char dir[] = "/tmp/test_area.XXXXXX";
    struct area_usage u = { 1, 2, 3 };

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert(!cgroup_usage(dir, &u));
    put(dir, "memory.current", "41984000\n");
    ck_assert(!cgroup_usage(dir, &u));
    ck_assert(u.used_kb == 1 && u.peak_kb == 2 && u.oom_kills == 3);
    put(dir, "memory.events", "low 0\nhigh 9\nmax 8\noom 7\noom_kill 6\noom_group_kill 1\n");
    ck_assert(cgroup_usage(dir, &u)); /* an old kernel */
    ck_assert(u.used_kb == 41000 && u.peak_kb == 0 && u.oom_kills == 6);
    put(dir, "memory.peak", "42008576\n");
    ck_assert(cgroup_usage(dir, &u) && u.peak_kb == 41024);
    put(dir, "memory.current", "lots\n");
    ck_assert(!cgroup_usage(dir, &u));

    ck_assert_uint_eq(cgroup_cache_kb(dir), 0);
    put(dir, "memory.stat", "anon 1\nfile 2\ninactive_file 2048\nactive_file 1024\n");
    ck_assert_uint_eq(cgroup_cache_kb(dir), 3);
    put(dir, "memory.stat", "anon 1\nfile 2\n");
    ck_assert_uint_eq(cgroup_cache_kb(dir), 0);

    drop(dir, "memory.current");
    drop(dir, "memory.events");
    drop(dir, "memory.peak");
    drop(dir, "memory.stat");
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(limits_are_written)
{
    char dir[] = "/tmp/test_area.XXXXXX";
    struct xhs_error e = { 0 };

    /* A directory with files in it is like a cgroup that was left behind. */
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_lt(cgroup_create(dir, 100, 0, &e), 0); /* removed, made anew, no memory.max */
    ck_assert_int_eq(e.code, XHS_E_SYSTEM);
    put(dir, "memory.max", "");
    put(dir, "memory.high", "");
    ck_assert_uint_eq(cgroup_high(dir), 0);
    cgroup_set_high(dir, 2);
    ck_assert_str_eq(get(dir, "memory.high"), "2048");
    ck_assert_uint_eq(cgroup_high(dir), 2);
    put(dir, "memory.high", "");
    cgroup_set_high(dir, 0);
    ck_assert_str_eq(get(dir, "memory.high"), "max");
    ck_assert_uint_eq(cgroup_high(dir), 0);
    drop(dir, "memory.high");
    drop(dir, "memory.max");
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_area");
    TCase *t = tcase_create("area");

    tcase_add_test(t, tells_or_asks);
    tcase_add_test(t, keeps_for_jobs_that_run);
    tcase_add_test(t, asks_again_when_it_matters);
    tcase_add_test(t, use_is_told_when_it_matters);
    tcase_add_test(t, an_area_fills_as_its_memory_comes);
    tcase_add_test(t, an_area_is_looked_at_before_it_is_full);
    tcase_add_test(t, a_job_waits_rather_than_eat_up_its_guest);
    tcase_add_test(t, use_is_read);
    tcase_add_test(t, limits_are_written);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
