/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest protocol's parsers and writers: every error by name, round trips, random bytes.
 * Not a test of what xhsd or the agent do with a message.
 * Run by make check; with --enable-sanitizers a read past a message's end shows.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/msg.h"

#define BOOT "0a1b2c3d-4e5f-6071-8293-A4B5C6D7E8F9"

enum kind { JOB, REPLY, MEMORY, REQ, BOOT_ID, KINDS };

union any {
    struct msg_job job;
    struct msg_reply reply;
    struct msg_memory memory;
    struct msg_req req;
    char boot_id[MSG_BOOT_ID_LEN + 1];
};

/* Parse a copy of exactly len bytes, so that the sanitizer sees a read beyond them. */
static enum msg_error parse_n(enum kind kind, const char *text, size_t len, union any *out)
{
    enum msg_error err = MSG_OK;
    char *copy = malloc(len ? len : 1);
    const char *at = len ? copy : copy + 1;

    memcpy(copy, text, len);
    switch (kind) {
    case JOB:
        err = msg_parse_job(at, len, &out->job);
        break;
    case REPLY:
        err = msg_parse_reply(at, len, &out->reply);
        break;
    case MEMORY:
        err = msg_parse_memory(at, len, &out->memory);
        break;
    case REQ:
        err = msg_parse_req(at, len, &out->req);
        break;
    case BOOT_ID:
        err = msg_parse_boot_id(at, len, out->boot_id);
        break;
    case KINDS:
        break;
    }
    free(copy);
    return err;
}

static enum msg_error parse(enum kind kind, const char *text, union any *out)
{
    return parse_n(kind, text, strlen(text), out);
}

static size_t format(enum kind kind, char buf[MSG_MAX], const union any *m)
{
    switch (kind) {
    case JOB:
        return msg_format_job(buf, &m->job);
    case REPLY:
        return msg_format_reply(buf, &m->reply);
    case MEMORY:
        return msg_format_memory(buf, &m->memory);
    case REQ:
        return msg_format_req(buf, &m->req);
    case BOOT_ID:
        memcpy(buf, m->boot_id, sizeof m->boot_id);
        return MSG_BOOT_ID_LEN;
    case KINDS:
        break;
    }
    return 0;
}

static const struct {
    enum kind kind;
    const char *text;
    enum msg_error err;
} refused[] = {
    { JOB, "", MSG_MISSING },
    { JOB, "\n", MSG_MISSING },
    { JOB, "run", MSG_BAD_WORD },
    { JOB, "Running", MSG_BAD_WORD },
    { JOB, "runningx", MSG_BAD_WORD },
    { JOB, " running", MSG_BAD_WORD },
    { JOB, "running ", MSG_BAD_WORD },
    { JOB, "running  memory_kb=1", MSG_BAD_WORD },
    { JOB, "running memory_kb=1 ", MSG_BAD_WORD },
    { JOB, "running memory_kb", MSG_BAD_WORD },
    { JOB, "running colour=red", MSG_BAD_WORD },
    { JOB, "running hot_standby=", MSG_BAD_WORD },
    { JOB, "running hot_standby=yess", MSG_BAD_WORD },
    { JOB, "running hot_standby=YES", MSG_BAD_WORD },
    { JOB, "running memory_kb=", MSG_BAD_NUMBER },
    { JOB, "running memory_kb=-1", MSG_BAD_NUMBER },
    { JOB, "running memory_kb=+1", MSG_BAD_NUMBER },
    { JOB, "running memory_kb=0x10", MSG_BAD_NUMBER },
    { JOB, "running memory_kb=12K", MSG_BAD_NUMBER },
    { JOB, "running memory_kb=1099511627777", MSG_BAD_NUMBER },
    { JOB, "running memory_kb=99999999999999999999999999", MSG_BAD_NUMBER },
    { JOB, "running request=18446744073709551616", MSG_BAD_NUMBER },
    { JOB, "running memory_min_kb=1", MSG_BAD_NUMBER },
    { JOB, "running memory_min_kb=2 memory_kb=1", MSG_BAD_NUMBER },
    { JOB, "waiting ask_kb=1", MSG_BAD_NUMBER },
    { JOB, "waiting ask_kb=2 memory_kb=1", MSG_BAD_NUMBER },
    { JOB, "waiting memory_kb=1 memory_min_kb=1 ask_kb=2", MSG_BAD_NUMBER },
    { JOB, "waiting ask_kb=", MSG_BAD_NUMBER },
    { JOB, "waiting priority=1001", MSG_BAD_NUMBER },
    { JOB, "waiting priority=-1", MSG_BAD_NUMBER },
    { JOB, "waiting priority=high", MSG_BAD_NUMBER },
    { JOB, "waiting wait_s=1000000001", MSG_BAD_NUMBER },
    { JOB, "waiting wait_s=forever", MSG_BAD_NUMBER },
    { JOB, "waiting wait_s=1.5", MSG_BAD_NUMBER },
    { JOB, "waiting force=1", MSG_BAD_WORD },
    { JOB, "waiting force=", MSG_BAD_WORD },
    { JOB, "waiting force", MSG_BAD_WORD },
    { JOB, "running used_kb=1099511627777", MSG_BAD_NUMBER },
    { JOB, "running peak_kb=1099511627777", MSG_BAD_NUMBER },
    { JOB, "running oom_kills=18446744073709551616", MSG_BAD_NUMBER },
    { JOB, "running oom_kill=1", MSG_BAD_WORD },
    { JOB, "running memory_kb=1 memory_kb=1", MSG_TWICE },
    { JOB, "running hot_standby=yes request=1 hot_standby=no", MSG_TWICE },
    { JOB, "waiting memory_kb=1 memory_min_kb=1 memory_min_kb=1", MSG_TWICE },
    { JOB, "waiting memory_kb=1 ask_kb=1 ask_kb=1", MSG_TWICE },
    { JOB, "waiting priority=1 priority=1", MSG_TWICE },
    { JOB, "waiting wait_s=1 wait_s=1", MSG_TWICE },
    { JOB, "waiting force=no force=yes", MSG_TWICE },
    { JOB, "running used_kb=1 used_kb=1", MSG_TWICE },
    { JOB, "running peak_kb=1 peak_kb=1", MSG_TWICE },
    { JOB, "running oom_kills=1 oom_kills=1", MSG_TWICE },
    { JOB, "running request=1 request=1", MSG_TWICE },
    { JOB, "running\n\n", MSG_BAD_BYTES },
    { JOB, "running\nreason=x", MSG_BAD_BYTES },
    { JOB, "running\treason=x", MSG_BAD_BYTES },
    { JOB, "failed reason=na\xc3\xafve", MSG_BAD_BYTES },
    { JOB, "failed reason=\x7f", MSG_BAD_BYTES },
    { REPLY, "", MSG_MISSING },
    { REPLY, "ok", MSG_MISSING },
    { REPLY, "okay " BOOT, MSG_BAD_WORD },
    { REPLY, "ok ", MSG_BAD_BOOT_ID },
    { REPLY, "ok  " BOOT, MSG_BAD_BOOT_ID },
    { REPLY, "failed " BOOT "0", MSG_BAD_BOOT_ID },
    { REPLY, "ok 0a1b2c3d-4e5f-6071-8293-A4B5C6D7E8Fg", MSG_BAD_BOOT_ID },
    { REPLY, "ok 0a1b2c3d-4e5f-6071-8293aA4B5C6D7E8F9", MSG_BAD_BOOT_ID },
    { REPLY, "ok " BOOT "\ttext", MSG_BAD_BYTES },
    { MEMORY, "", MSG_MISSING },
    { MEMORY, "total_kb=1", MSG_MISSING },
    { MEMORY, "available_kb=1", MSG_MISSING },
    { MEMORY, "total_kb=1 available_kb=x", MSG_BAD_NUMBER },
    { MEMORY, "total_kb=1 total_kb=1", MSG_TWICE },
    { MEMORY, "total_kb=1 available_kb=1 free_kb=1", MSG_BAD_WORD },
    { REQ, "", MSG_MISSING },
    { REQ, "start", MSG_MISSING },
    { REQ, "start web", MSG_MISSING },
    { REQ, "start - 1", MSG_MISSING },
    { REQ, "stop - 0", MSG_MISSING },
    { REQ, "deny", MSG_MISSING },
    { REQ, "deny web", MSG_MISSING },
    { REQ, "deny - 1", MSG_MISSING },
    { REQ, "deny - 1 no memory", MSG_MISSING },
    { REQ, "deny web no memory", MSG_BAD_NUMBER },
    { REQ, "deny web  1 no memory", MSG_BAD_NUMBER },
    { REQ, "deny we.b 1 no memory", MSG_BAD_NAME },
    { REQ, "deny web 1 no\tmemory", MSG_BAD_BYTES },
    { REQ, "denied web 1", MSG_BAD_WORD },
    { REQ, "begin web 1", MSG_BAD_WORD },
    { REQ, "start web 1 2 3", MSG_BAD_WORD },
    { REQ, "start web 1 ", MSG_BAD_NUMBER },
    { REQ, "start web 1 2 ", MSG_BAD_WORD },
    { REQ, "start web 1 please", MSG_BAD_NUMBER },
    { REQ, "stop web 0 please", MSG_BAD_WORD },
    { REQ, "stop web 0 ", MSG_BAD_WORD },
    { REQ, "engage - 1", MSG_BAD_WORD },
    { REQ, "start ../web 1", MSG_BAD_NAME },
    { REQ, "start  1", MSG_BAD_NAME },
    { REQ, "start 12345678901234567890123456789012345678901 1", MSG_BAD_NAME },
    { REQ, "start web all", MSG_BAD_NUMBER },
    { REQ, "start web ", MSG_BAD_NUMBER },
    { BOOT_ID, "", MSG_MISSING },
    { BOOT_ID, BOOT " ", MSG_BAD_BOOT_ID },
    { BOOT_ID, "0a1b2c3d", MSG_BAD_BOOT_ID },
    { BOOT_ID, BOOT "\r\n", MSG_BAD_BYTES },
};

START_TEST(refuses)
{
    union any out, before;

    memset(&out, 0x5a, sizeof out);
    memcpy(&before, &out, sizeof out);
    enum msg_error err = parse(refused[_i].kind, refused[_i].text, &out);
    ck_assert_msg(err == refused[_i].err, "\"%s\": it %s", refused[_i].text, msg_error_text(err));
    ck_assert_mem_eq(&out, &before, sizeof out);
}
END_TEST

START_TEST(refuses_nul_and_length)
{
    static char big[MSG_MAX + 2];
    union any out;

    ck_assert_int_eq(parse_n(JOB, "running\0", 8, &out), MSG_BAD_BYTES);
    ck_assert_int_eq(parse_n(BOOT_ID, "\0", 1, &out), MSG_BAD_BYTES);
    for (enum kind k = JOB; k < KINDS; k++) {
        memset(big, 'a', sizeof big);
        ck_assert_int_eq(parse_n(k, big, MSG_MAX + 1, &out), MSG_TOO_LONG);
        ck_assert_int_ne(parse_n(k, big, MSG_MAX, &out), MSG_TOO_LONG);
    }
}
END_TEST

START_TEST(reads_job)
{
    union any m;

    ck_assert_int_eq(parse(JOB, "defined", &m), MSG_OK);
    ck_assert(m.job.state == MSG_JOB_DEFINED && !m.job.hot_standby && !m.job.memory_kb);
    ck_assert(!m.job.memory_min_kb && !m.job.request && !m.job.reason[0]);

    ck_assert_int_eq(parse(JOB, "failed request=18446744073709551615 memory_min_kb=7 "
                                "memory_kb=1099511627776 hot_standby=yes "
                                "reason=exit 1  reason= memory_kb\n", &m), MSG_OK);
    ck_assert(m.job.state == MSG_JOB_FAILED && m.job.hot_standby);
    ck_assert_uint_eq(m.job.request, UINT64_MAX);
    ck_assert_uint_eq(m.job.memory_kb, MSG_KB_MAX);
    ck_assert_uint_eq(m.job.memory_min_kb, 7);
    ck_assert_str_eq(m.job.reason, "exit 1  reason= memory_kb");

    ck_assert_int_eq(parse(JOB, "stopped reason=", &m), MSG_OK);
    ck_assert_str_eq(m.job.reason, "");
}
END_TEST

/* What a job asks for, and what it uses: each field on its own, at its limits, absent. */
START_TEST(reads_job_numbers)
{
    union any m;

    ck_assert_int_eq(parse(JOB, "waiting", &m), MSG_OK);
    ck_assert(!m.job.ask_kb && !m.job.priority && !m.job.wait_s && !m.job.force);
    ck_assert(!m.job.used_kb && !m.job.peak_kb && !m.job.oom_kills);

    ck_assert_int_eq(parse(JOB, "waiting oom_kills=3 peak_kb=6 used_kb=5 force=yes wait_s=60 "
                                "priority=7 ask_kb=40 memory_min_kb=80 memory_kb=100", &m),
                     MSG_OK);
    ck_assert_uint_eq(m.job.memory_kb, 100);
    ck_assert_uint_eq(m.job.memory_min_kb, 80);
    ck_assert_uint_eq(m.job.ask_kb, 40);
    ck_assert_uint_eq(m.job.priority, 7);
    ck_assert_uint_eq(m.job.wait_s, 60);
    ck_assert(m.job.force && !m.job.hot_standby);
    ck_assert_uint_eq(m.job.used_kb, 5);
    ck_assert_uint_eq(m.job.peak_kb, 6);
    ck_assert_uint_eq(m.job.oom_kills, 3);

    ck_assert_int_eq(parse(JOB, "waiting force=no", &m), MSG_OK);
    ck_assert(!m.job.force);
    ck_assert_int_eq(parse(JOB, "waiting priority=1000 wait_s=1000000000", &m), MSG_OK);
    ck_assert_uint_eq(m.job.priority, MSG_PRIORITY_MAX);
    ck_assert_uint_eq(m.job.wait_s, MSG_WAIT_FOREVER);
    ck_assert_int_eq(parse(JOB, "waiting ask_kb=100 memory_kb=100", &m), MSG_OK); /* all of it */
    ck_assert_uint_eq(m.job.ask_kb, 100);
    ck_assert_int_eq(parse(JOB, "running used_kb=1099511627776 peak_kb=1099511627776 "
                                "oom_kills=18446744073709551615", &m), MSG_OK);
    ck_assert(m.job.used_kb == MSG_KB_MAX && m.job.peak_kb == MSG_KB_MAX); /* with no area */
    ck_assert_uint_eq(m.job.oom_kills, UINT64_MAX);
}
END_TEST

START_TEST(reads_deny)
{
    union any m;

    ck_assert_int_eq(parse(REQ, "deny web 1024", &m), MSG_OK);
    ck_assert(m.req.op == MSG_OP_DENY && m.req.kb == 1024 && !m.req.text[0]);
    ck_assert_str_eq(m.req.job, "web");
    ck_assert_int_eq(parse(REQ, "deny web 0 32 MiB short:  it asks for 64\n", &m), MSG_OK);
    ck_assert_str_eq(m.req.text, "32 MiB short:  it asks for 64");
    ck_assert_int_eq(parse(REQ, "deny web 0 ", &m), MSG_OK);
    ck_assert_str_eq(m.req.text, "");
    ck_assert_int_eq(parse(REQ, "start web 1024", &m), MSG_OK);
    ck_assert_str_eq(m.req.text, "");
}
END_TEST

START_TEST(reads_balloon)
{
    union any m;

    ck_assert_int_eq(parse(REQ, "balloon - 229376\n", &m), MSG_OK);
    ck_assert(m.req.op == MSG_OP_BALLOON && !m.req.job[0] && m.req.kb == 229376);
    ck_assert_int_eq(parse(REQ, "balloon web 229376", &m), MSG_BAD_NAME);
    ck_assert_int_eq(parse(REQ, "balloon - 229376 now", &m), MSG_BAD_WORD);
    ck_assert_int_eq(parse(REQ, "balloon -", &m), MSG_MISSING);
}
END_TEST

START_TEST(reads_the_others)
{
    union any m;

    ck_assert_int_eq(parse(REPLY, "ok " BOOT, &m), MSG_OK);
    ck_assert(m.reply.ok && !m.reply.text[0]);
    ck_assert_str_eq(m.reply.boot_id, BOOT);
    ck_assert_int_eq(parse(REPLY, "failed " BOOT " no such job\n", &m), MSG_OK);
    ck_assert(!m.reply.ok);
    ck_assert_str_eq(m.reply.text, "no such job");

    ck_assert_int_eq(parse(MEMORY, "available_kb=0 total_kb=131072", &m), MSG_OK);
    ck_assert(m.memory.total_kb == 131072 && m.memory.available_kb == 0);

    ck_assert_int_eq(parse(REQ, "start web 524288 1048576\n", &m), MSG_OK);
    ck_assert(m.req.op == MSG_OP_START && m.req.kb == 524288 && m.req.need_kb == 1048576);
    ck_assert_int_eq(parse(REQ, "start 1234567890123456789012345678901234567_-A 000128", &m),
                     MSG_OK);
    ck_assert(m.req.op == MSG_OP_START && m.req.kb == 128 && m.req.need_kb == 0);
    ck_assert_uint_eq(strlen(m.req.job), MSG_NAME_MAX);
    ck_assert_int_eq(parse(REQ, "stop -- 0", &m), MSG_OK);
    ck_assert_str_eq(m.req.job, "--");

    ck_assert_int_eq(parse(BOOT_ID, BOOT "\n", &m), MSG_OK);
    ck_assert_str_eq(m.boot_id, BOOT);
}
END_TEST

START_TEST(cuts_text)
{
    char line[MSG_MAX];
    union any m;
    int n = snprintf(line, sizeof line, "failed reason=%0200d", 1);

    ck_assert_int_eq(parse_n(JOB, line, (size_t)n, &m), MSG_OK);
    ck_assert_uint_eq(strlen(m.job.reason), MSG_TEXT_MAX);
    n = snprintf(line, sizeof line, "ok " BOOT " %0200d", 1);
    ck_assert_int_eq(parse_n(REPLY, line, (size_t)n, &m), MSG_OK);
    ck_assert_uint_eq(strlen(m.reply.text), MSG_TEXT_MAX);
    n = snprintf(line, sizeof line, "deny web 7 %0200d", 1);
    ck_assert_int_eq(parse_n(REQ, line, (size_t)n, &m), MSG_OK);
    ck_assert_uint_eq(strlen(m.req.text), MSG_TEXT_MAX);
}
END_TEST

START_TEST(round_trips)
{
    char line[MSG_MAX];
    union any in, out;

    for (unsigned s = MSG_JOB_DEFINED; s <= MSG_JOB_FAILED; s++) {
        memset(&in, 0, sizeof in);
        in.job.state = (enum msg_job_state)s;
        in.job.hot_standby = s % 2;
        in.job.force = s % 3;
        in.job.memory_kb = in.job.memory_min_kb = in.job.ask_kb = MSG_KB_MAX;
        in.job.used_kb = in.job.peak_kb = MSG_KB_MAX;
        in.job.priority = MSG_PRIORITY_MAX;
        in.job.wait_s = MSG_WAIT_FOREVER;
        in.job.oom_kills = in.job.request = UINT64_MAX;
        memset(in.job.reason, '~', MSG_TEXT_MAX);
        memset(&out, 0, sizeof out);
        ck_assert_int_eq(parse_n(JOB, line, msg_format_job(line, &in.job), &out), MSG_OK);
        ck_assert_mem_eq(&in.job, &out.job, sizeof in.job);
    }
    struct msg_reply reply = { .ok = true, .boot_id = BOOT, .text = "two\nlines \xff" };
    ck_assert_int_eq(parse_n(REPLY, line, msg_format_reply(line, &reply), &out), MSG_OK);
    ck_assert_str_eq(out.reply.text, "two?lines ?");

    struct msg_memory memory = { MSG_KB_MAX, 0 };
    ck_assert_int_eq(parse_n(MEMORY, line, msg_format_memory(line, &memory), &out), MSG_OK);
    ck_assert_mem_eq(&out.memory, &memory, sizeof memory);

    struct msg_req req = { MSG_OP_START, "web", 128, 256, "" };
    ck_assert_int_eq(parse_n(REQ, line, msg_format_req(line, &req), &out), MSG_OK);
    ck_assert_str_eq(line, "start web 128 256");
    ck_assert_uint_eq(out.req.need_kb, 256);
    req = (struct msg_req){ MSG_OP_BALLOON, "", 128, 0, "" };
    ck_assert_int_eq(parse_n(REQ, line, msg_format_req(line, &req), &out), MSG_OK);
    ck_assert_str_eq(line, "balloon - 128");
    req = (struct msg_req){ MSG_OP_STOP, "web", 0, 0, "only deny has a text" };
    msg_format_req(line, &req);
    ck_assert_str_eq(line, "stop web 0");
    ck_assert_int_eq(parse_n(REQ, line, msg_format_req(line, &req), &out), MSG_OK);
    ck_assert(out.req.op == MSG_OP_STOP && out.req.kb == 0 && strcmp(out.req.job, "web") == 0);

    req = (struct msg_req){ MSG_OP_DENY, "web", 1024, 0, "" };
    msg_format_req(line, &req);
    ck_assert_str_eq(line, "deny web 1024");
    req = (struct msg_req){ MSG_OP_DENY, "web", 0, 0, "32 MiB\nshort" };
    ck_assert_int_eq(parse_n(REQ, line, msg_format_req(line, &req), &out), MSG_OK);
    ck_assert_str_eq(out.req.text, "32 MiB?short");
}
END_TEST

/* What is 0 or no is left out, as in a line that does not have the field. */
START_TEST(writes_what_is_set)
{
    char line[MSG_MAX];
    struct msg_job job = { .state = MSG_JOB_WAITING };

    msg_format_job(line, &job);
    ck_assert_str_eq(line, "waiting hot_standby=no");
    job = (struct msg_job){ .state = MSG_JOB_WAITING, .hot_standby = true, .memory_kb = 9,
                            .memory_min_kb = 8, .ask_kb = 7, .priority = 6, .wait_s = 5,
                            .force = true, .used_kb = 4, .peak_kb = 3, .oom_kills = 2,
                            .request = 1, .reason = "why" };
    msg_format_job(line, &job);
    ck_assert_str_eq(line, "waiting hot_standby=yes memory_kb=9 memory_min_kb=8 ask_kb=7 "
                           "priority=6 wait_s=5 force=yes used_kb=4 peak_kb=3 oom_kills=2 "
                           "request=1 reason=why");
}
END_TEST

/* The longest line of each kind, also with numbers that no parser would take. */
START_TEST(longest_lines_fit)
{
    struct msg_job job = { .state = MSG_JOB_STARTING, .hot_standby = true, .force = true };
    struct msg_reply reply = { .boot_id = BOOT };
    struct msg_req req = { .op = MSG_OP_DENY, .kb = UINT64_MAX };
    char line[MSG_MAX];
    union any out;

    job.memory_kb = job.memory_min_kb = job.ask_kb = job.used_kb = job.peak_kb = UINT64_MAX;
    job.priority = job.wait_s = job.oom_kills = job.request = UINT64_MAX;
    memset(job.reason, '~', MSG_TEXT_MAX);
    memset(reply.text, '~', MSG_TEXT_MAX);
    memset(req.job, 'j', MSG_NAME_MAX);
    memset(req.text, '~', MSG_TEXT_MAX);
    memset(line, 'x', sizeof line);
    size_t n = msg_format_job(line, &job);
    ck_assert_uint_lt(n, MSG_MAX);
    ck_assert_uint_eq(strlen(line), n);
    ck_assert_int_eq(line[n - 1], '~');
    ck_assert_uint_lt(msg_format_reply(line, &reply), MSG_MAX);
    n = msg_format_req(line, &req);
    ck_assert_uint_lt(n, MSG_MAX);
    ck_assert_int_eq(line[n - 1], '~');

    req.kb = MSG_KB_MAX;
    ck_assert_int_eq(parse_n(REQ, line, msg_format_req(line, &req), &out), MSG_OK);
    ck_assert(out.req.op == MSG_OP_DENY && out.req.kb == MSG_KB_MAX);
    ck_assert_str_eq(out.req.job, req.job);
    ck_assert_str_eq(out.req.text, req.text);
}
END_TEST

START_TEST(knows_names_numbers_uuids)
{
    uint64_t v = 77;

    ck_assert(msg_valid_name("a") && msg_valid_name("Web_1-b") && msg_valid_name("--"));
    ck_assert(msg_valid_name("1234567890123456789012345678901234567890"));
    ck_assert(!msg_valid_name("12345678901234567890123456789012345678901"));
    ck_assert(!msg_valid_name("") && !msg_valid_name("-") && !msg_valid_name("a b"));
    ck_assert(!msg_valid_name("a/b") && !msg_valid_name(".") && !msg_valid_name("\xe4"));

    ck_assert(!msg_parse_u64("", 9, &v) && !msg_parse_u64("10", 9, &v));
    ck_assert(!msg_parse_u64(" 1", 9, &v) && !msg_parse_u64("1 ", 9, &v));
    ck_assert(!msg_parse_u64("-0", 9, &v) && !msg_parse_u64("5", 4, &v));
    ck_assert_uint_eq(v, 77);
    ck_assert(msg_parse_u64("18446744073709551615", UINT64_MAX, &v) && v == UINT64_MAX);
    ck_assert(msg_parse_u64("0", 0, &v) && v == 0);

    ck_assert(msg_valid_uuid(BOOT) && !msg_valid_uuid("") && !msg_valid_uuid(BOOT "a"));
    for (unsigned e = MSG_OK; e <= MSG_TWICE; e++)
        ck_assert_ptr_nonnull(msg_error_text((enum msg_error)e));
}
END_TEST

/* xorshift64: the same bytes on every machine, so that a failure can be repeated. */
static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Bytes that come near a message: pieces of real ones, with the odd random byte. */
static size_t near_message(uint64_t *rnd, char *buf)
{
    static const char *const pieces[] = {
        "running", "failed", "ok", "start", "balloon", " ", " ", " ", "hot_standby=yes",
        "memory_kb=", "memory_min_kb=", "request=", "reason=", "total_kb=", "available_kb=",
        " memory_kb=256 ask_kb=64", " priority=9", " wait_s=60", " force=yes", " used_kb=1",
        " peak_kb=1", " oom_kills=1", "deny web 0 text",
        BOOT, "web", "-", "0", "128", "99999999999999999999", "\n", "=",
    };
    size_t n = 0;

    for (unsigned left = random_next(rnd) % 12; left; left--) {
        const char *piece = pieces[random_next(rnd) % (sizeof pieces / sizeof pieces[0])];
        memcpy(buf + n, piece, strlen(piece));
        n += strlen(piece);
        if (random_next(rnd) % 16 == 0)
            buf[n++] = (char)random_next(rnd);
    }
    return n;
}

START_TEST(survives_random_bytes)
{
    uint64_t rnd = UINT64_C(0x9e3779b97f4a7c15);
    char buf[MSG_MAX * 2], line[MSG_MAX], again[MSG_MAX];
    unsigned accepted = 0;
    union any m;

    for (unsigned i = 0; i < 200000; i++) {
        size_t len = random_next(&rnd) % (i % 64 ? 80 : sizeof buf);
        if (i % 2)
            len = near_message(&rnd, buf);
        else
            for (size_t b = 0; b < len; b++)
                buf[b] = (char)random_next(&rnd);
        for (enum kind k = JOB; k < KINDS; k++) {
            memset(&m, 0, sizeof m);
            if (parse_n(k, buf, len, &m) != MSG_OK)
                continue;
            /* What was understood is written, and understood again, as the same line. */
            size_t n = format(k, line, &m);
            ck_assert_uint_lt(n, MSG_MAX);
            ck_assert_int_eq(parse_n(k, line, n, &m), MSG_OK);
            ck_assert_uint_eq(format(k, again, &m), n);
            ck_assert_mem_eq(line, again, n);
            accepted++;
        }
    }
    ck_assert_uint_gt(accepted, 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("msg");
    TCase *t = tcase_create("msg");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, refuses, 0, sizeof refused / sizeof refused[0]);
    tcase_add_test(t, refuses_nul_and_length);
    tcase_add_test(t, reads_job);
    tcase_add_test(t, reads_job_numbers);
    tcase_add_test(t, reads_deny);
    tcase_add_test(t, reads_balloon);
    tcase_add_test(t, reads_the_others);
    tcase_add_test(t, cuts_text);
    tcase_add_test(t, round_trips);
    tcase_add_test(t, writes_what_is_set);
    tcase_add_test(t, longest_lines_fit);
    tcase_add_test(t, knows_names_numbers_uuids);
    tcase_add_test(t, survives_random_bytes);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
