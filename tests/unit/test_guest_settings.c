/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is said of a job in more than one place: which counts, and what a restarted agent still
 * knows of it. Not the readers of these places: test_guest_jobfile.c, test_guest_proto.c.
 * Run by make check.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"

static const struct job_params no_params;

static struct job new_job(const struct jobdef *def)
{
    struct job j = { .name = "web", .events_fd = -1, .estimate.kb = 40960 };

    job_defined(&j, def, NULL, true);
    return j;
}

START_TEST(precedence)
{
    static const struct {
        enum choice file, line, env, hot;
        uint64_t file_kb, line_kb, env_kb, kb;
        enum source hot_from, kb_from;
    } c[] = {
        { UNSAID, UNSAID, UNSAID, NO, 0, 0, 0, 40960, SOURCE_DEFAULT, SOURCE_ESTIMATE },
        { UNSAID, UNSAID, YES, YES, 0, 0, 5, 5, SOURCE_ENVIRONMENT, SOURCE_ENVIRONMENT },
        { NO, UNSAID, YES, NO, 7, 0, 5, 7, SOURCE_JOB_FILE, SOURCE_JOB_FILE },
        { NO, YES, NO, YES, 7, 9, 5, 9, SOURCE_COMMAND_LINE, SOURCE_COMMAND_LINE },
        { YES, UNSAID, NO, YES, 7, 0, 0, 7, SOURCE_JOB_FILE, SOURCE_JOB_FILE },
        { UNSAID, YES, UNSAID, YES, 0, 9, 0, 9, SOURCE_COMMAND_LINE, SOURCE_COMMAND_LINE },
    };

    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        const struct jobdef def = { .start = "x", .hot_standby = c[i].file,
                                    .memory_kb = c[i].file_kb };
        const struct job_params p = { .hot_standby = c[i].line, .env_hot_standby = c[i].env,
                                      .memory_kb = c[i].line_kb, .env_memory_kb = c[i].env_kb };
        struct job j = new_job(&def);
        struct settings s;
        job_settings(&j, &p, &s);
        ck_assert_int_eq(settings_source(&s, SETTING_HOT_STANDBY), c[i].hot_from);
        ck_assert_int_eq(settings_source(&s, SETTING_MEMORY), c[i].kb_from);
        ck_assert_int_eq(job_want(&j, &p).answer, JOB_LATER);
        ck_assert_msg(j.line.hot_standby == (c[i].hot == YES), "case %zu", i);
        ck_assert_uint_eq(j.line.memory_kb, c[i].kb);
    }
}
END_TEST

START_TEST(zero_is_said_too)
{
    const struct jobdef def = { .start = "x", .priority = { true, 8 }, .wait_s = { true, 60 } };
    const struct job_params zero = { .priority = { true, 0 }, .wait_s = { true, 0 } };
    struct job j = new_job(&def);

    ck_assert_uint_eq(j.line.priority, 8);
    job_want(&j, &no_params);
    ck_assert(j.line.priority == 8 && j.line.wait_s == 60);
    job_want(&j, &zero);
    ck_assert(j.line.priority == 0 && j.line.wait_s == 0);
}
END_TEST

START_TEST(waits_as_long_as_it_was_asked)
{
    struct jobdef def = { .start = "x", .autostart = true };
    struct job j = new_job(&def);

    ck_assert_uint_eq(j.line.wait_s, MSG_WAIT_FOREVER); /* nobody is there to be told no */
    job_want(&j, &no_params);
    ck_assert_uint_eq(j.line.wait_s, 0);
    job_defined(&j, &def, NULL, false); /* the files were read again */
    ck_assert_uint_eq(j.line.wait_s, 0);
    def.wait_s = (struct optional){ true, 5 };
    job_defined(&j, &def, NULL, false);
    ck_assert_uint_eq(j.line.wait_s, 5);
    j = new_job(&def);
    ck_assert_uint_eq(j.line.wait_s, 5);
}
END_TEST

START_TEST(minimum_follows_memory)
{
    const struct jobdef def = { .start = "x", .memory_kb = 131072, .memory_min_kb = 65536 };
    struct job j = new_job(&def);
    struct job_params p = { .memory_kb = 4096 };
    struct settings s;

    job_settings(&j, &p, &s);
    ck_assert_uint_eq(settings_value(&s, SETTING_MEMORY_MIN), 4096);
    ck_assert_int_eq(settings_source(&s, SETTING_MEMORY_MIN), SOURCE_JOB_FILE);
    ck_assert_int_eq(job_want(&j, &p).answer, JOB_LATER);
    ck_assert_uint_eq(j.line.memory_min_kb, 4096);
    p = (struct job_params){ .memory_min_kb = 200000 };
    struct job_result r = job_want(&j, &p);
    ck_assert(r.answer == JOB_FAILED && r.todo == 0);
    ck_assert_str_eq(r.text, "its minimum memory is more than its memory");
    ck_assert_uint_eq(j.line.memory_kb, 4096); /* a refused wish changes nothing */

    const struct jobdef bare = { .start = "x" };
    j = new_job(&bare); /* not said: all of it, which a line says by saying nothing */
    ck_assert_uint_eq(j.line.memory_min_kb, 0);
    job_settings(&j, &no_params, &s);
    ck_assert_uint_eq(settings_value(&s, SETTING_MEMORY_MIN), 40960);
}
END_TEST

START_TEST(another_size_is_another_request)
{
    const struct jobdef def = { .start = "x", .memory_kb = 100000, .autostart = true };
    const struct job_params smaller = { .memory_kb = 90000 };
    struct jobdef changed = def;
    struct job j = new_job(&def);

    j.line.ask_kb = 95000;
    job_defined(&j, &def, NULL, false);
    ck_assert_uint_eq(j.line.ask_kb, 95000);
    changed.memory_kb = 90000;
    job_defined(&j, &changed, NULL, false);
    ck_assert_uint_eq(j.line.ask_kb, 0); /* it would be more than the memory */
    j.line.ask_kb = 85000;
    job_want(&j, &smaller);
    ck_assert_uint_eq(j.line.ask_kb, 0);
}
END_TEST

START_TEST(an_agent_recalls_what_was_asked)
{
    const struct jobdef def = { .start = "x", .memory_kb = 100000, .memory_min_kb = 50000,
                                .priority = { true, 4 }, .autostart = true };
    const struct job_params p = { .hot_standby = YES, .memory_min_kb = 60000,
                                  .priority = { true, 0 }, .force = true };
    struct jobdef changed = def;
    struct job old = new_job(&def), j = new_job(&def);
    struct settings s;

    job_want(&old, &p);
    job_restored(&j, &old.line, false, 0);
    job_defined(&j, &def, NULL, false);
    ck_assert_mem_eq(&j.line, &old.line, sizeof j.line);
    ck_assert(j.line.force && j.line.wait_s == 0 && j.line.memory_min_kb == 60000);
    job_settings(&j, &j.params, &s); /* and not more: the file's memory is the file's */
    ck_assert_int_eq(settings_source(&s, SETTING_MEMORY), SOURCE_JOB_FILE);
    changed.memory_kb = 110000;
    job_defined(&j, &changed, NULL, false);
    ck_assert_uint_eq(j.line.memory_kb, 110000);

    old = new_job(&def); /* nobody asked: it goes on as one that starts by itself */
    j = new_job(&def);
    job_restored(&j, &old.line, false, 0);
    ck_assert(!j.params.wait_s.said && !j.params.priority.said);
}
END_TEST

START_TEST(words_are_paired)
{
    enum setting key;
    enum source from;

    for (unsigned i = 0; i < SETTING_COUNT; i++)
        ck_assert(setting_parse(setting_word((enum setting)i), &key) && key == i);
    for (unsigned i = 0; i < SOURCE_COUNT; i++)
        ck_assert(source_parse(source_word((enum source)i), &from) && from == i);
    ck_assert(!setting_parse("memory", &key) && !source_parse("", &from));
}
END_TEST

START_TEST(words_of_params)
{
    struct optional v;

    ck_assert(params_wait("forever", &v) && v.said && v.value == MSG_WAIT_FOREVER);
    ck_assert(params_wait("0", &v) && v.said && v.value == 0);
    ck_assert(params_wait("1000000000", &v) && v.value == MSG_WAIT_FOREVER);
    ck_assert(!params_wait("1000000001", &v) && !params_wait("", &v) && !params_wait("1s", &v));
    ck_assert(!params_wait("-1", &v) && !params_wait("ever", &v));
    ck_assert(params_priority("1000", &v) && v.value == 1000);
    ck_assert(!params_priority("1001", &v) && !v.said && !params_priority("high", &v));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_settings");
    TCase *t = tcase_create("settings");

    tcase_add_test(t, precedence);
    tcase_add_test(t, zero_is_said_too);
    tcase_add_test(t, waits_as_long_as_it_was_asked);
    tcase_add_test(t, minimum_follows_memory);
    tcase_add_test(t, another_size_is_another_request);
    tcase_add_test(t, an_agent_recalls_what_was_asked);
    tcase_add_test(t, words_are_paired);
    tcase_add_test(t, words_of_params);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
