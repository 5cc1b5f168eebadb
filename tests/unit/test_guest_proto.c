/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small pure parts of the agent: the lines between xhs-job and xhs-agent, what of the memory is
 * worth telling, what one agent leaves to the next.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "proto.h"
#include "state.h"

#define S UINT64_C(1000000000)

START_TEST(requests_round_trip)
{
    struct proto_request out, in = {
        .verb = PROTO_RUN, .job = "web", .no_wait = true,
        .params = { YES, NO, MSG_KB_MAX, MSG_KB_MAX, MSG_KB_MAX, { true, 0 },
                    { true, MSG_WAIT_FOREVER }, true },
    };
    char line[PROTO_LINE_MAX];
    struct xhs_error e = { 0 };

    size_t n = proto_format(line, &in);
    ck_assert_uint_eq(n, strlen(line));
    ck_assert_str_eq(line, "run web hot_standby=yes env_hot_standby=no memory_kb=1099511627776 "
                           "memory_min_kb=1099511627776 env_memory_kb=1099511627776 "
                           "priority=0 wait_s=1000000000 force=yes wait=no\n");
    line[n - 1] = '\0';
    ck_assert_int_eq(proto_parse(line, &out, &e), 0);
    ck_assert(out.verb == PROTO_RUN && out.no_wait && strcmp(out.job, "web") == 0);
    ck_assert(out.params.hot_standby == YES && out.params.env_hot_standby == NO);
    ck_assert(out.params.memory_kb == MSG_KB_MAX && out.params.env_memory_kb == MSG_KB_MAX);

    ck_assert(out.params.priority.said && out.params.priority.value == 0 && out.params.force);
    ck_assert(out.params.wait_s.said && out.params.wait_s.value == MSG_WAIT_FOREVER);

    in = (struct proto_request){ .verb = PROTO_EXPLAIN, .job = "web" };
    n = proto_format(line, &in);
    ck_assert_str_eq(line, "explain web\n");
    line[n - 1] = '\0';
    ck_assert_int_eq(proto_parse(line, &out, &e), 0);
    ck_assert(out.verb == PROTO_EXPLAIN && !out.params.priority.said && !out.params.wait_s.said);
    in = (struct proto_request){ .verb = PROTO_LIST };
    proto_format(line, &in);
    ck_assert_str_eq(line, "list\n");
    in = (struct proto_request){ .verb = PROTO_STOP, .job = "web" };
    proto_format(line, &in);
    ck_assert_str_eq(line, "stop web\n");
}
END_TEST

START_TEST(requests_are_checked)
{
    static const char *const bad[] = {
        "", " ", "runs web", "run", "run ", "run a/b", "status", "stop -", "run web memory_kb=x",
        "run web hot_standby=maybe", "run web  wait=no", "run web wait", "list now", "run web x=y",
        "run web priority=1001", "run web wait_s=", "run web force=1", "explain", "explain web x",
    };
    char big[PROTO_LINE_MAX + 10];
    struct proto_request r;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct xhs_error e = { 0 };
        ck_assert_msg(proto_parse(bad[i], &r, &e) < 0, "\"%s\"", bad[i]);
        ck_assert_int_eq(e.code, XHS_E_PROTOCOL);
    }
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    ck_assert_int_lt(proto_parse(big, &r, NULL), 0);
}
END_TEST

START_TEST(explanations_round_trip)
{
    const struct proto_setting in = { SETTING_MEMORY, 53248, SOURCE_ESTIMATE,
                                      "peak of earlier runs 41 MiB + 25 %" };
    const struct proto_facts facts = { { true, 0 }, 150000, 20000, MSG_KB_MAX };
    char line[PROTO_LINE_MAX];
    struct proto_setting out;
    struct proto_facts got;

    size_t n = proto_format_setting(line, &in);
    ck_assert_str_eq(line, "setting memory_kb 53248 estimate peak of earlier runs 41 MiB + 25 %\n");
    line[n - 1] = '\0';
    ck_assert(proto_parse_setting(line + strlen("setting "), &out));
    ck_assert(out.key == in.key && out.value == in.value && out.from == in.from);
    ck_assert_str_eq(out.text, in.text);
    ck_assert(proto_parse_setting(strcpy(line, "priority 0 default"), &out) && !out.text[0]);

    n = proto_format_facts(line, &facts);
    ck_assert_str_eq(line, "facts spare_kb=0 available_kb=150000 kept_kb=20000 "
                           "ask_kb=1099511627776\n");
    line[n - 1] = '\0';
    ck_assert(proto_parse_facts(line + strlen("facts "), &got));
    ck_assert(got.spare_kb.said && got.spare_kb.value == 0 && got.available_kb == 150000);
    ck_assert(got.kept_kb == 20000 && got.ask_kb == MSG_KB_MAX);
    ck_assert(proto_parse_facts(strcpy(line, "available_kb=1 kept_kb=2 ask_kb=3"), &got));
    ck_assert(!got.spare_kb.said);
}
END_TEST

START_TEST(explanations_are_checked)
{
    static const char *const settings[] = { "", "priority", "priority 0", "prio 0 default",
                                            "priority x default", "priority 0 rumour" };
    static const char *const facts[] = { "", "available_kb=1 kept_kb=2", "x=1",
                                         "available_kb=x kept_kb=2 ask_kb=3" };
    char line[PROTO_LINE_MAX];
    struct proto_setting s;
    struct proto_facts f;

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        ck_assert_msg(!proto_parse_setting(strcpy(line, settings[i]), &s), "%s", settings[i]);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        ck_assert_msg(!proto_parse_facts(strcpy(line, facts[i]), &f), "%s", facts[i]);
}
END_TEST

START_TEST(memory_is_told_when_it_matters)
{
    const struct msg_memory none = { 0 }, last = { 160000, 80000 };

    ck_assert(memory_due(&none, 0, &last, 1));
    ck_assert(!memory_due(&last, 0, &last, 100 * S)); /* nothing new, however long ago */
    ck_assert(!memory_due(&last, S, &(struct msg_memory){ 160000, 84999 }, 30 * S));
    ck_assert(memory_due(&last, S, &(struct msg_memory){ 160000, 84999 }, 31 * S));
    ck_assert(memory_due(&last, S, &(struct msg_memory){ 160000, 85000 }, S));
    ck_assert(memory_due(&last, S, &(struct msg_memory){ 160000, 75000 }, S));
    ck_assert(memory_due(&last, S, &(struct msg_memory){ 170000, 80000 }, S));
    ck_assert(!memory_due(&last, S, &(struct msg_memory){ 150001, 80000 }, S));
}
END_TEST

START_TEST(memory_is_looked_for_when_it_can_have_come)
{
    ck_assert_uint_eq(memory_arrives_ns(0), 5 * S / 1000);
    ck_assert_uint_eq(memory_arrives_ns(64 * 1024), 8 * S / 1000);
    ck_assert_uint_eq(memory_arrives_ns(MSG_KB_MAX), 50 * S / 1000);
}
END_TEST

START_TEST(meminfo_is_read)
{
    struct msg_memory m = { 1, 2 };

    ck_assert(memory_parse("MemTotal:         101234 kB\nMemFree:   1 kB\n"
                           "MemAvailable:      50000 kB\n", &m));
    ck_assert(m.total_kb == 101234 && m.available_kb == 50000);
    ck_assert(!memory_parse("", &m));
    ck_assert(!memory_parse("MemTotal: 1 kB\nMemFree: 1 kB\n", &m));
    ck_assert(!memory_parse("MemTotal: 1 MB\nMemAvailable: 1 kB\n", &m));
    ck_assert(!memory_parse("MemTotal: 99999999999999999999 kB\nMemAvailable: 1 kB\n", &m));
    ck_assert_uint_eq(m.total_kb, 101234);
}
END_TEST

START_TEST(state_is_of_this_boot)
{
    static const char boot[] = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
    static const char other[] = "1a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
    struct msg_job in = { .state = MSG_JOB_RUNNING, .hot_standby = true, .request = 7 }, out;
    char dir[] = "/tmp/test_state.XXXXXX", path[64];
    struct xhs_error e = { 0 };

    memset(in.reason, 'r', MSG_TEXT_MAX);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_lt(state_read(dir, "web", boot, &out, &e), 0);
    ck_assert_int_eq(e.code, XHS_E_NOENT);
    e.code = XHS_E_NONE;
    ck_assert_int_eq(state_write(dir, "web", boot, &in, &e), 0);
    ck_assert_int_eq(state_read(dir, "web", boot, &out, &e), 0);
    ck_assert(out.state == MSG_JOB_RUNNING && out.hot_standby && out.request == 7);
    ck_assert_str_eq(out.reason, in.reason);
    ck_assert_int_lt(state_read(dir, "web", other, &out, &e), 0);
    ck_assert_int_eq(e.code, XHS_E_PROTOCOL);

    snprintf(path, sizeof path, "%s/web", dir);
    FILE *f = fopen(path, "w");
    fprintf(f, "%s\nrunning garbage\n", boot);
    fclose(f);
    ck_assert_int_lt(state_read(dir, "web", boot, &out, NULL), 0);
    state_remove(dir, "web");
    state_remove(dir, "web");
    ck_assert_int_eq(rmdir(dir), 0); /* nothing else is left */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_proto");
    TCase *t = tcase_create("proto");

    tcase_add_test(t, requests_round_trip);
    tcase_add_test(t, requests_are_checked);
    tcase_add_test(t, explanations_round_trip);
    tcase_add_test(t, explanations_are_checked);
    tcase_add_test(t, memory_is_told_when_it_matters);
    tcase_add_test(t, memory_is_looked_for_when_it_can_have_come);
    tcase_add_test(t, meminfo_is_read);
    tcase_add_test(t, state_is_of_this_boot);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
