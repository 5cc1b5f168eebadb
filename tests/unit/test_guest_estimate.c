/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The size of a job that nobody has said: the arithmetic, and the files that it is made of.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/msg.h"
#include "estimate.h"
#include "measure.h"

#define MIB UINT64_C(1024)

START_TEST(estimates)
{
    static const struct {
        uint64_t peak_kb, program_kb, kb;
        const char *text;
    } c[] = {
        { 41 * MIB, 7, 52 * MIB, "peak of earlier runs 41 MiB + 25 %" },
        { 40 * MIB, 0, 50 * MIB, "peak of earlier runs 40 MiB + 25 %" },
        { 40 * MIB + 300, 0, 51 * MIB, "peak of earlier runs 40.3 MiB + 25 %" },
        { 1, 99 * MIB, 16 * MIB, "peak of earlier runs 1 KiB + 25 %, at least 16 MiB" },
        { 0, 0, 32 * MIB, "no earlier run, and its program was not found: 32 MiB" },
        { 0, 43, 33 * MIB, "its program has 43 KiB, + 32 MiB" },
        { 0, 2 * MIB, 34 * MIB, "its program has 2 MiB, + 32 MiB" },
        { MSG_KB_MAX, 0, MSG_KB_MAX, NULL },
        { UINT64_MAX, 0, MSG_KB_MAX, NULL },
        { 0, UINT64_MAX, MSG_KB_MAX, NULL },
    };

    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct estimate est = estimate_make(c[i].peak_kb, c[i].program_kb);
        char text[ESTIMATE_TEXT_MAX];
        ck_assert_msg(est.kb == c[i].kb, "case %zu: %lu", i, (unsigned long)est.kb);
        estimate_text(&est, text);
        if (c[i].text)
            ck_assert_str_eq(text, c[i].text);
    }
}
END_TEST

START_TEST(keeps_what_was_needed)
{
    ck_assert_uint_eq(estimate_keep(0, 41000, 131072, false), 41000);
    ck_assert_uint_eq(estimate_keep(50000, 41000, 131072, false), 50000);
    ck_assert_uint_eq(estimate_keep(50000, 0, 131072, false), 50000); /* not measured */
    ck_assert_uint_eq(estimate_keep(0, 130000, 0, false), 130000);
    ck_assert_uint_eq(estimate_keep(0, UINT64_MAX, 0, false), MSG_KB_MAX);
    /* An area that was filled, but was enough, is the next one's size, too. */
    uint64_t kept = estimate_keep(0, 50 * MIB, 50 * MIB, false);
    ck_assert_uint_eq(estimate_make(kept, 0).kb, 50 * MIB);
    ck_assert_uint_eq(estimate_keep(kept, 50 * MIB, 50 * MIB, false), kept);
    kept = estimate_keep(kept, 50 * MIB, 50 * MIB, true); /* it was not */
    ck_assert_uint_eq(kept, 50 * MIB);
    ck_assert_uint_eq(estimate_make(kept, 0).kb, 63 * MIB);
}
END_TEST

START_TEST(finds_a_commands_program)
{
    static const struct {
        const char *command, *program; /* NULL: none */
    } c[] = {
        { "/usr/sbin/httpd -DFOREGROUND", "/usr/sbin/httpd" },
        { "httpd", "httpd" },
        { "exec httpd -D", "httpd" },
        { "  exec\thttpd", "httpd" },
        { "A=1 B_2='x' exec httpd", "httpd" },
        { "execute me", "execute" },
        { "ip addr add x; exec httpd", "ip" },
        { "true;httpd", "true" },
        { "a=b", NULL },
        { "exec", NULL },
        { "(cd /; x)", NULL },
        { "=x", "=x" },
        { "", NULL },
    };
    char word[20];

    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        bool found = estimate_program(c[i].command, word, sizeof word);
        ck_assert_msg(found == (c[i].program != NULL), "\"%s\"", c[i].command);
        if (found)
            ck_assert_str_eq(word, c[i].program);
    }
    ck_assert(!estimate_program("a-name-that-is-too-long-here", word, sizeof word));
}
END_TEST

static void write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    chmod(path, mode);
}

static void remove_file(const char *dir, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(unlink(path), 0);
}

START_TEST(peaks_are_kept_and_not_trusted)
{
    static const char *const garbage[] = {
        "", "\n", "x\n", "-1\n", "1099511627777\n", "41000 \n", " 41000\n", "41000\n\n", "41.5\n",
        "0000000000000000000000000000000000000000041000\n",
    };
    char dir[] = "/tmp/test_peak.XXXXXX";
    struct xhs_error e = { 0 };

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_uint_eq(measure_peak(dir, "web"), 0);
    ck_assert_int_eq(measure_keep_peak(dir, "web", 41000, &e), 0);
    ck_assert_uint_eq(measure_peak(dir, "web"), 41000);
    ck_assert_int_eq(measure_keep_peak(dir, "web", MSG_KB_MAX, &e), 0);
    ck_assert_uint_eq(measure_peak(dir, "web"), MSG_KB_MAX);
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        write_file(dir, "web.peak", garbage[i], 0644);
        ck_assert_msg(measure_peak(dir, "web") == 0, "\"%s\"", garbage[i]);
    }
    write_file(dir, "web.peak", "41000", 0644);
    ck_assert_uint_eq(measure_peak(dir, "web"), 41000);
    remove_file(dir, "web.peak");
    ck_assert_int_eq(rmdir(dir), 0); /* nothing else is left */
    ck_assert_int_lt(measure_keep_peak(dir, "web", 1, &e), 0);
    ck_assert_int_eq(e.code, XHS_E_SYSTEM);
}
END_TEST

START_TEST(measures_programs)
{
    char dir[] = "/tmp/test_program.XXXXXX", path[256], text[3001], command[300];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    memset(text, 'x', 3000);
    text[3000] = '\0';
    write_file(dir, "prog", text, 0755);
    write_file(dir, "data", text, 0644);
    write_file(dir, "empty", "", 0755);
    snprintf(path, sizeof path, "%s/link", dir);
    ck_assert_int_eq(symlink("prog", path), 0);
    snprintf(path, sizeof path, "/nonexistent::%s", dir);

    ck_assert_uint_eq(measure_program("exec prog -x", path), 3);
    ck_assert_uint_eq(measure_program("link", path), 3);
    ck_assert_uint_eq(measure_program("data", path), 0);
    ck_assert_uint_eq(measure_program("empty", path), 0);
    ck_assert_uint_eq(measure_program("none", path), 0);
    ck_assert_uint_eq(measure_program("prog", ""), 0);
    ck_assert_uint_eq(measure_program("A=1", path), 0);
    snprintf(command, sizeof command, "%s/link --now", dir);
    ck_assert_uint_eq(measure_program(command, ""), 3);
    ck_assert_uint_eq(measure_program(command + 1, ""), 3); /* commands run in / */
    snprintf(command, sizeof command, "%s arg", dir);
    ck_assert_uint_eq(measure_program(command, ""), 0); /* a directory */

    remove_file(dir, "link");
    remove_file(dir, "empty");
    remove_file(dir, "data");
    remove_file(dir, "prog");
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_estimate");
    TCase *t = tcase_create("estimate");

    tcase_add_test(t, estimates);
    tcase_add_test(t, keeps_what_was_needed);
    tcase_add_test(t, finds_a_commands_program);
    tcase_add_test(t, peaks_are_kept_and_not_trusted);
    tcase_add_test(t, measures_programs);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
