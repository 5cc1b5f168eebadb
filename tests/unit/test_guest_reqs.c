/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxhsguest's bookkeeping of requests: each is told once, and its end once.
 * Not a test of reading them from xenstore: the lab does that.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reqs.h"

#define LIST(r, ...)                                                      \
    do {                                                                  \
        char *names_[] = { __VA_ARGS__ };                                 \
        reqs_list(r, names_, sizeof names_ / sizeof names_[0]);           \
    } while (0)

START_TEST(tells_each_once_in_order)
{
    struct reqs r = { 0 };
    uint64_t id;

    ck_assert(!reqs_next_new(&r, &id) && !reqs_next_gone(&r, &id));
    LIST(&r, "10", "9", "18446744073709551615");
    ck_assert(reqs_next_new(&r, &id) && id == 9);
    LIST(&r, "18446744073709551615", "10", "9");
    ck_assert(reqs_next_new(&r, &id) && id == 10);
    ck_assert(reqs_next_new(&r, &id) && id == UINT64_MAX);
    ck_assert(!reqs_next_new(&r, &id) && !reqs_next_gone(&r, &id));
}
END_TEST

START_TEST(tells_the_end_of_what_was_told)
{
    struct reqs r = { 0 };
    uint64_t id;

    LIST(&r, "1", "2", "3");
    ck_assert(reqs_next_new(&r, &id) && id == 1);
    ck_assert(reqs_next_new(&r, &id) && id == 2);
    LIST(&r, "2"); /* 1 ended; 3 was never told, and goes without a word */
    ck_assert(reqs_next_gone(&r, &id) && id == 1);
    ck_assert(!reqs_next_gone(&r, &id) && !reqs_next_new(&r, &id));
    reqs_list(&r, NULL, 0);
    ck_assert(reqs_next_gone(&r, &id) && id == 2);
    ck_assert_uint_eq(r.n, 0);
}
END_TEST

START_TEST(knows_what_was_answered_before)
{
    char *replies[] = { "8", "2", "x" };
    struct reqs r = { 0 };
    uint64_t id;

    LIST(&r, "1", "2");
    reqs_mark_told(&r, replies, 3);
    ck_assert(reqs_next_new(&r, &id) && id == 1);
    ck_assert(!reqs_next_new(&r, &id));
    LIST(&r, "1");
    ck_assert(reqs_next_gone(&r, &id) && id == 2);
}
END_TEST

START_TEST(ignores_what_is_no_id)
{
    struct reqs r = { 0 };
    uint64_t id;

    LIST(&r, "x", "", "-1", "1x", "18446744073709551616", "7", "7");
    ck_assert(reqs_next_new(&r, &id) && id == 7);
    ck_assert(!reqs_next_new(&r, &id));
}
END_TEST

START_TEST(makes_the_surplus_wait)
{
    static char text[REQS_MAX + 5][8];
    char *names[REQS_MAX + 5];
    struct reqs r = { 0 };
    uint64_t id;

    for (unsigned i = 0; i < REQS_MAX + 5; i++) {
        snprintf(text[i], sizeof text[i], "%u", i + 1);
        names[i] = text[i];
    }
    reqs_list(&r, names, REQS_MAX + 5);
    for (unsigned i = 0; i < REQS_MAX; i++)
        ck_assert(reqs_next_new(&r, &id) && id == i + 1);
    ck_assert(!reqs_next_new(&r, &id));
    /* The first five end: there is room, once their end was told. */
    reqs_list(&r, names + 5, REQS_MAX);
    for (unsigned i = 0; i < 5; i++)
        ck_assert(reqs_next_gone(&r, &id) && id <= 5);
    reqs_list(&r, names + 5, REQS_MAX);
    for (unsigned i = 0; i < 5; i++)
        ck_assert(reqs_next_new(&r, &id) && id == REQS_MAX + i + 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_reqs");
    TCase *t = tcase_create("reqs");

    tcase_add_test(t, tells_each_once_in_order);
    tcase_add_test(t, tells_the_end_of_what_was_told);
    tcase_add_test(t, knows_what_was_answered_before);
    tcase_add_test(t, ignores_what_is_no_id);
    tcase_add_test(t, makes_the_surplus_wait);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
