/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Job files and sizes of memory: what they mean, and each mistake with its line.
 * Not a test of what the agent does with a job.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/msg.h"
#include "jobfile.h"
#include "size.h"

START_TEST(reads_sizes)
{
    static const struct {
        const char *text;
        uint64_t kb; /* 0: refused */
    } sizes[] = {
        { "128", 131072 }, { "128M", 131072 }, { "128m", 131072 }, { "1G", 1048576 },
        { "65536K", 65536 }, { "1k", 1 }, { "1073741824", UINT64_C(1) << 40 },
        { "1099511627776K", UINT64_C(1) << 40 }, { "1099511627777K", 0 }, { "1073741825", 0 },
        { "1048577G", 0 }, { "18446744073709551616", 0 }, { "99999999999999999999999999M", 0 },
        { "0", 0 }, { "0G", 0 }, { "", 0 }, { "M", 0 }, { "1.5G", 0 }, { "-1", 0 }, { " 1", 0 },
        { "1 ", 0 }, { "1 M", 0 }, { "1MB", 0 }, { "1T", 0 }, { "0x10", 0 },
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t kb = 7;
        bool ok = size_parse(sizes[i].text, &kb);
        ck_assert_msg(ok == (sizes[i].kb != 0), "\"%s\"", sizes[i].text);
        ck_assert_uint_eq(kb, ok ? sizes[i].kb : 7);
    }
}
END_TEST

static int parse(const char *text, struct jobdef *def, struct xhs_error *e)
{
    *e = (struct xhs_error){ 0 };
    return jobfile_parse("web.job", text, strlen(text), def, e);
}

START_TEST(reads_all_keys)
{
    struct xhs_error e;
    struct jobdef d;

    ck_assert_int_eq(parse("# a job\n"
                           "\n"
                           "  start=  sh -c 'a=b; echo \"#1\"' # kept \n"
                           "stop\t= kill $(cat /run/x)\n"
                           "memory = 128 # MiB\n"
                           "memory_min = 64M#x\n"
                           "hot_standby = yes   # really\n"
                           "autostart=no\n"
                           "priority = 10 # of 1000\n"
                           "wait = forever", &d, &e), 0);
    ck_assert_str_eq(d.start, "sh -c 'a=b; echo \"#1\"' # kept");
    ck_assert_str_eq(d.stop, "kill $(cat /run/x)");
    ck_assert_uint_eq(d.memory_kb, 131072);
    ck_assert_uint_eq(d.memory_min_kb, 65536);
    ck_assert(d.hot_standby == YES && !d.autostart);
    ck_assert(d.priority.said && d.priority.value == 10);
    ck_assert(d.wait_s.said && d.wait_s.value == MSG_WAIT_FOREVER);
}
END_TEST

START_TEST(knows_defaults)
{
    struct xhs_error e;
    struct jobdef d;

    ck_assert_int_eq(parse("start = x\n", &d, &e), 0);
    ck_assert(d.stop[0] == '\0' && d.memory_kb == 0 && d.memory_min_kb == 0);
    ck_assert(d.hot_standby == UNSAID && d.autostart && !d.priority.said && !d.wait_s.said);
    ck_assert_int_eq(parse("start = x\nhot_standby = no\npriority = 0\nwait=0", &d, &e), 0);
    ck_assert(d.hot_standby == NO && d.priority.said && d.wait_s.said && d.wait_s.value == 0);
}
END_TEST

static const struct {
    const char *text, *error;
} wrong[] = {
    { "", "web.job:1: no start command" },
    { "\n# x\n", "web.job:2: no start command" },
    { "memory = 1\n", "web.job:1: no start command" },
    { "start = x\nfoo = 1\n", "web.job:2: unknown key \"foo\"" },
    { "start = x\nStart = x\n", "web.job:2: unknown key \"Start\"" },
    { "= x\n", "web.job:1: unknown key" },
    { "start = x\n\nstart = y\n", "web.job:3: a second \"start\"" },
    { "start = x\nstop\n", "web.job:2: no \"key = value\"" },
    { "start =\n", "web.job:1: an empty command" },
    { "start = x\nstop = \n", "web.job:2: an empty command" },
    { "start = x\nmemory = lots\n",
      "web.job:2: memory is no size (128, 128M, 1G, 65536K): \"lots\"" },
    { "start = x\nmemory =\n", "web.job:2: memory is no size (128, 128M, 1G, 65536K):" },
    { "start = x\nmemory_min = -1\n",
      "web.job:2: memory_min is no size (128, 128M, 1G, 65536K): \"-1\"" },
    { "start = x\nmemory_min = 64\n", "web.job:2: memory_min without memory" },
    { "memory_min = 129\nstart = x\nmemory = 128\n", "web.job:1: memory_min is more than memory" },
    { "start = x\nhot_standby = maybe\n", "web.job:2: hot_standby is yes or no, not \"maybe\"" },
    { "start = x\nautostart = 1\n", "web.job:2: autostart is yes or no, not \"1\"" },
    { "start = x\npriority = 1001\n", "web.job:2: priority is 0 to 1000, not \"1001\"" },
    { "start = x\nwait = 1m\n",
      "web.job:2: wait is a number of seconds or forever, not \"1m\"" },
    { "start = x\ry\n", "web.job:1: a control character" },
};

START_TEST(names_the_line_of_a_mistake)
{
    struct jobdef d, before;
    struct xhs_error e;

    memset(&d, 0x5a, sizeof d);
    memcpy(&before, &d, sizeof d);
    ck_assert_int_eq(parse(wrong[_i].text, &d, &e), -1);
    ck_assert_int_eq(e.code, XHS_E_CONFIG);
    ck_assert_str_eq(e.text, wrong[_i].error);
    ck_assert_mem_eq(&d, &before, sizeof d);
}
END_TEST

START_TEST(bounds_commands)
{
    static char text[JOBFILE_COMMAND_MAX + 32];
    struct xhs_error e;
    struct jobdef d;

    snprintf(text, sizeof text, "start=%0*d", JOBFILE_COMMAND_MAX - 1, 0);
    ck_assert_int_eq(parse(text, &d, &e), 0);
    ck_assert_uint_eq(strlen(d.start), JOBFILE_COMMAND_MAX - 1);
    snprintf(text, sizeof text, "start=%0*d", JOBFILE_COMMAND_MAX, 0);
    ck_assert_int_eq(parse(text, &d, &e), -1);
    ck_assert_str_eq(e.text, "web.job:1: a command longer than 1023 bytes");

    e = (struct xhs_error){ 0 };
    ck_assert_int_eq(jobfile_parse("web.job", "start = x\0y\n", 12, &d, &e), -1);
    ck_assert_str_eq(e.text, "web.job:1: a NUL byte in the file");
}
END_TEST

START_TEST(takes_names_of_files)
{
    char name[MSG_NAME_MAX + 1] = "";
    bool valid;

    ck_assert(jobfile_name("web.job", name, sizeof name, &valid) && valid);
    ck_assert_str_eq(name, "web");
    ck_assert(!jobfile_name("web.job~", name, sizeof name, &valid));
    ck_assert(!jobfile_name("web.job.dpkg-new", name, sizeof name, &valid));
    ck_assert(!jobfile_name("web", name, sizeof name, &valid));
    ck_assert(!jobfile_name(".web.job", name, sizeof name, &valid));
    ck_assert(!jobfile_name(".job", name, sizeof name, &valid));
    ck_assert(jobfile_name("a b.job", name, sizeof name, &valid) && !valid);
    ck_assert(jobfile_name("-.job", name, sizeof name, &valid) && !valid);
    ck_assert(jobfile_name("12345678901234567890123456789012345678901.job", name, sizeof name,
                           &valid) && !valid);
}
END_TEST

START_TEST(reads_files_only)
{
    char dir[] = "/tmp/test_jobfile.XXXXXX", path[64];
    struct xhs_error e = { 0 };
    struct jobdef d;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/web.job", dir);
    ck_assert_int_eq(jobfile_read(path, &d, &e), -1);
    ck_assert_int_eq(e.code, XHS_E_NOENT);

    e = (struct xhs_error){ 0 };
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* must not hold us up */
    ck_assert_int_eq(jobfile_read(path, &d, &e), -1);
    ck_assert_int_eq(e.code, XHS_E_CONFIG);
    unlink(path);

    FILE *f = fopen(path, "w");
    fputs("start = true", f);
    fclose(f);
    e = (struct xhs_error){ 0 };
    ck_assert_int_eq(jobfile_read(path, &d, &e), 0);
    ck_assert_str_eq(d.start, "true");
    unlink(path);
    rmdir(dir);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_jobfile");
    TCase *t = tcase_create("jobfile");

    tcase_add_test(t, reads_sizes);
    tcase_add_test(t, reads_all_keys);
    tcase_add_test(t, knows_defaults);
    tcase_add_loop_test(t, names_the_line_of_a_mistake, 0, sizeof wrong / sizeof wrong[0]);
    tcase_add_test(t, bounds_commands);
    tcase_add_test(t, takes_names_of_files);
    tcase_add_test(t, reads_files_only);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
