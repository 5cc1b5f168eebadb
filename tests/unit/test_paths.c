/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstore paths: the templates' shape, filling them in, a guest's own names for its keys.
 * Not the test that compares them with xenstore-schema/.
 * Run by make check.
 */
#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/msg.h"
#include "core/paths.h"

static const char name40[] = "n234567890123456789012345678901234567890";
static const char *const longest[] = { name40, name40, name40, name40, NULL };

START_TEST(templates_are_well_formed)
{
    static const char *const words[] = { "PAIR", "JOB", "MEMBER", "AREA", "ID", "DOMID" };
    char copy[XHS_PATH_MAX], *save = NULL;
    const char *tmpl = path_template((enum path_id)_i);

    ck_assert_ptr_nonnull(tmpl);
    ck_assert(tmpl[0] == '/' && tmpl[strlen(tmpl) - 1] != '/' && !strstr(tmpl, "//"));
    strcpy(copy, tmpl);
    for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
        bool known = !isupper((unsigned char)part[0]);
        for (unsigned w = 0; w < sizeof words / sizeof words[0]; w++)
            known = known || strcmp(part, words[w]) == 0;
        ck_assert_msg(known, "%s: %s is no word for a component", tmpl, part);
        for (char *c = part; islower((unsigned char)part[0]) && *c; c++)
            ck_assert_msg(islower((unsigned char)*c) || *c == '_', "%s: mixed %s", tmpl, part);
    }
    for (int other = 0; other < _i; other++)
        ck_assert_str_ne(tmpl, path_template((enum path_id)other));
}
END_TEST

START_TEST(longest_names_fit)
{
    char buf[XHS_PATH_MAX], twice[XHS_PATH_MAX + 8];

    memset(twice, '#', sizeof twice);
    path_build_args(buf, (enum path_id)_i, longest);
    path_build_args(twice, (enum path_id)_i, longest);
    ck_assert_str_eq(buf, twice);
    ck_assert_int_eq(twice[XHS_PATH_MAX], '#');
    ck_assert_uint_lt(strlen(buf), XHS_PATH_MAX - 1);
    for (const char *c = buf; *c; c++)
        ck_assert(!isupper((unsigned char)*c));
}
END_TEST

START_TEST(fills_in_order)
{
    char b[XHS_PATH_MAX];

    ck_assert_str_eq(path_build(b, PATH_ROOT), "/tool/xhs");
    ck_assert_str_eq(path_build(b, PATH_PAIR_STATE, "shop"), "/tool/xhs/pair/shop/state");
    ck_assert_str_eq(path_build(b, PATH_MEMBER_DOMID, "shop", "a"),
                     "/tool/xhs/pair/shop/member/a/domid");
    ck_assert_str_eq(path_build(b, PATH_G_RUN, "7", "web"), "/local/domain/7/xhs/job/web/run");
    /* A name in capitals is an argument, not a word of the template. */
    ck_assert_str_eq(path_build(b, PATH_JOB_STATE, "PAIR", "JOB"),
                     "/tool/xhs/pair/PAIR/job/JOB/state");
}
END_TEST

START_TEST(guest_names_its_keys)
{
    char b[XHS_PATH_MAX];

    ck_assert_str_eq(path_relative(b, PATH_G_DIR), "xhs");
    ck_assert_str_eq(path_relative(b, PATH_G_REQ, "7"), "xhs/req/7");
    ck_assert_str_eq(path_relative(b, PATH_G_RUN, "web"), "xhs/job/web/run");
    ck_assert_str_eq(path_relative(b, PATH_D_VERSION), "data/xhs/agent/version");
    ck_assert_str_eq(path_relative(b, PATH_D_JOB, "web"), "data/xhs/job/web");
    ck_assert_str_eq(path_relative(b, PATH_D_REPLY, "7"), "data/xhs/reply/7");
    ck_assert_str_eq(path_relative(b, PATH_ROOT), "/tool/xhs");
}
END_TEST

START_TEST(overlong_is_cut_within_the_buffer)
{
    char b[XHS_PATH_MAX], huge[2 * XHS_PATH_MAX];

    memset(huge, 'h', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    path_build(b, PATH_JOB_STATE, huge, huge);
    ck_assert_uint_eq(strlen(b), XHS_PATH_MAX - 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("paths");
    TCase *t = tcase_create("paths");

    tcase_add_loop_test(t, templates_are_well_formed, 0, PATH_COUNT);
    tcase_add_loop_test(t, longest_names_fit, 0, PATH_COUNT);
    tcase_add_test(t, fills_in_order);
    tcase_add_test(t, guest_names_its_keys);
    tcase_add_test(t, overlong_is_cut_within_the_buffer);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
