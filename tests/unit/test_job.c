/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's states: their words, and in which of them it may be executing; and its keys. Not what
 * moves a job from one state to the next: pair_jobs.c does, and the pair's tests walk it.
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

/* ---- keys ---- */

#define LONGEST "n234567890123456789012345678901234567890"

static const struct {
    const char *name;
    int member;
    const char *key;
} keys[] = {
    { "web", MEMBER_NONE, "web" },
    { "web", MEMBER_A, "web@a" },
    { "web", MEMBER_B, "web@b" },
    { "a", MEMBER_A, "a@a" },
    { "--", MEMBER_NONE, "--" },
    { "Web_1-b", MEMBER_B, "Web_1-b@b" },
    { LONGEST, MEMBER_NONE, LONGEST },
    { LONGEST, MEMBER_B, LONGEST "@b" },
};

START_TEST(keys_and_back)
{
    struct job j = { .state = JOB_RUNNING, .owner = MEMBER_B, .memory_kb = 5 };

    job_key_set(&j, keys[_i].name, keys[_i].member);
    ck_assert_str_eq(j.key, keys[_i].key);
    ck_assert_str_eq(j.name, keys[_i].name);
    ck_assert_int_eq(j.member, keys[_i].member);
    ck_assert_int_eq(job_hot(&j), keys[_i].member == MEMBER_NONE);
    memset(j.key, 'x', sizeof j.key);
    memset(j.name, 'x', sizeof j.name);
    j.member = 77;
    ck_assert(job_key_parse(keys[_i].key, &j));
    ck_assert_str_eq(j.key, keys[_i].key);
    ck_assert_str_eq(j.name, keys[_i].name);
    ck_assert_int_eq(j.member, keys[_i].member);
    ck_assert(j.state == JOB_RUNNING && j.owner == MEMBER_B && j.memory_kb == 5);
}
END_TEST

static const char *const wrong_keys[] = {
    "", "@", "@a", "-", "-@a", "web@", "web@A", "web@c", "web@ab", "web@bb", "web@a ", " web",
    "web a", "web@a@a", "web@a@b", "@a@a", "web@monitor", "we/b", "we.b@a", "w\xe4@a", "web\n",
    "web@a\n", LONGEST "1", LONGEST "1@a", LONGEST LONGEST LONGEST, LONGEST LONGEST "@b",
};

/* None of them is a key, and the job is left as it was. */
START_TEST(refuses_wrong_keys)
{
    struct job j, before;

    memset(&j, 0x5a, sizeof j);
    memcpy(&before, &j, sizeof j);
    ck_assert_msg(!job_key_parse(wrong_keys[_i], &j), "\"%s\"", wrong_keys[_i]);
    ck_assert_mem_eq(&j, &before, sizeof j);
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
    tcase_add_loop_test(c, keys_and_back, 0, sizeof keys / sizeof keys[0]);
    tcase_add_loop_test(c, refuses_wrong_keys, 0, sizeof wrong_keys / sizeof wrong_keys[0]);
    suite_add_tcase(s, c);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
