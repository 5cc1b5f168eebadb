/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's states: their words, and in which of them it may be executing. Not what moves a job from
 * one to the next: pair_jobs.c does, and the pair's tests walk it.
 * Run by make check.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/job.h"

#define STATES (JOB_FAILED + 1)

START_TEST(words_and_back)
{
    enum job_state s = JOB_FAILED;

    ck_assert(job_state_parse(job_state_word((enum job_state)_i), &s));
    ck_assert_int_eq(s, _i);
    for (int other = 0; other < _i; other++)
        ck_assert_str_ne(job_state_word((enum job_state)other),
                         job_state_word((enum job_state)_i));
}
END_TEST

START_TEST(refuses_other_words)
{
    static const char *const wrong[] = { "", "Running", "run", "running ", "defined", "moving\n" };
    enum job_state s = JOB_MOVING;

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!job_state_parse(wrong[i], &s), "\"%s\"", wrong[i]);
    ck_assert_int_eq(s, JOB_MOVING);
}
END_TEST

/* No second copy may be started while this holds, so each state is named here. */
START_TEST(live_while_it_may_execute)
{
    static const bool live[STATES] = {
        [JOB_WAITING] = false, [JOB_STARTING] = true, [JOB_RUNNING] = true,
        [JOB_STOPPING] = true, [JOB_MOVING] = false,  [JOB_STOPPED] = false,
        [JOB_FAILED] = false,
    };
    struct job j = { .state = (enum job_state)_i };

    ck_assert_int_eq(job_live(&j), live[_i]);
}
END_TEST

/* What a guest reports and what dom0 keeps are two lists; the words they share mean the same. */
START_TEST(guests_use_the_same_words)
{
    enum job_state s;
    unsigned shared = 0;

    for (unsigned i = MSG_JOB_DEFINED; i <= MSG_JOB_FAILED; i++)
        shared += job_state_parse(msg_job_state_word((enum msg_job_state)i), &s);
    ck_assert_uint_eq(shared, MSG_JOB_FAILED); /* all but "defined" */
    ck_assert(!job_state_parse(msg_job_state_word(MSG_JOB_DEFINED), &s));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job");
    TCase *c = tcase_create("job");

    tcase_add_loop_test(c, words_and_back, 0, STATES);
    tcase_add_test(c, refuses_other_words);
    tcase_add_loop_test(c, live_while_it_may_execute, 0, STATES);
    tcase_add_test(c, guests_use_the_same_words);
    suite_add_tcase(s, c);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
