/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The messages between a guest and dom0: bounded parsers and their writers. See msg.h.
 * Not a store: the bytes come from and go to the caller, and nothing is read past their end.
 * Called by xhsd (guest.c), by xhs-agent and by libxhsguest.
 */
#include "core/msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A run of bytes inside the caller's buffer: not terminated, possibly empty. */
struct span {
    const char *p;
    size_t n;
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *const error_texts[] = {
#define E(id, text) [MSG_##id] = text,
    MSG_ERRORS(E)
#undef E
};

static const char *const state_words[] = {
#define S(id, word) [MSG_JOB_##id] = word,
    MSG_JOB_STATES(S)
#undef S
};

static const char *const op_words[] = {
#define O(id, word) [MSG_OP_##id] = word,
    MSG_OPS(O)
#undef O
};

const char *msg_error_text(enum msg_error err)
{
    return error_texts[err];
}

const char *msg_job_state_word(enum msg_job_state state)
{
    return state_words[state];
}

const char *msg_op_word(enum msg_op op)
{
    return op_words[op];
}

/* Not ctype.h: it would ask the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static bool span_is(struct span s, const char *word)
{
    return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

/* The place of s among n words; n when it is none of them. */
static unsigned find_word(struct span s, const char *const *words, unsigned n)
{
    unsigned i = 0;

    while (i < n && !span_is(s, words[i]))
        i++;
    return i;
}

static bool span_valid_name(struct span s)
{
    if (s.n == 0 || s.n > MSG_NAME_MAX || span_is(s, "-"))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
            return false;
    }
    return true;
}

static bool span_valid_uuid(struct span s)
{
    if (s.n != MSG_BOOT_ID_LEN)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_alnum(s.p[i]) || (s.p[i] | 0x20) > 'f')
            return false;
    }
    return true;
}

static bool span_u64(struct span s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (digit > max || v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool msg_valid_name(const char *name)
{
    return span_valid_name((struct span){ name, strlen(name) });
}

bool msg_valid_uuid(const char *text)
{
    return span_valid_uuid((struct span){ text, strlen(text) });
}

bool msg_parse_u64(const char *text, uint64_t max, uint64_t *out)
{
    return span_u64((struct span){ text, strlen(text) }, max, out);
}

/* What every message must pass: its length, one final newline at most, and printable bytes only. */
static enum msg_error open_line(const char *buf, size_t len, struct span *out)
{
    if (len > MSG_MAX)
        return MSG_TOO_LONG;
    if (len > 0 && buf[len - 1] == '\n')
        len--;
    if (len == 0)
        return MSG_MISSING;
    for (size_t i = 0; i < len; i++) {
        if (!is_printable(buf[i]))
            return MSG_BAD_BYTES;
    }
    *out = (struct span){ buf, len };
    return MSG_OK;
}

/* Take the word up to the next space, and that space; false at the end of the line. Two spaces, or
 * one at the end, make an empty word, which no caller accepts. */
static bool next_word(struct span *rest, struct span *word)
{
    if (!rest->p)
        return false;
    const char *space = memchr(rest->p, ' ', rest->n);
    *word = (struct span){ rest->p, space ? (size_t)(space - rest->p) : rest->n };
    *rest = space ? (struct span){ space + 1, rest->n - word->n - 1 } : (struct span){ NULL, 0 };
    return true;
}

/* to holds max bytes and a NUL; what is longer is cut. */
static void copy_span(char *to, struct span s, size_t max)
{
    size_t n = s.n < max ? s.n : max;

    if (n)
        memcpy(to, s.p, n);
    to[n] = '\0';
}

/* The fields KEY=VALUE of a line; which of them a line may have is its field table. */
struct field {
    const char *key; /* with its '=' */
    enum field_kind { FIELD_BOOL, FIELD_KB, FIELD_PRIORITY, FIELD_WAIT, FIELD_ID, FIELD_TEXT } kind;
    void *out;
};

static enum msg_error field_value(const struct field *f, struct span value)
{
    switch (f->kind) {
    case FIELD_BOOL:
        *(bool *)f->out = span_is(value, "yes");
        return span_is(value, "yes") || span_is(value, "no") ? MSG_OK : MSG_BAD_WORD;
    case FIELD_KB:
        return span_u64(value, MSG_KB_MAX, f->out) ? MSG_OK : MSG_BAD_NUMBER;
    case FIELD_PRIORITY:
        return span_u64(value, MSG_PRIORITY_MAX, f->out) ? MSG_OK : MSG_BAD_NUMBER;
    case FIELD_WAIT:
        return span_u64(value, MSG_WAIT_FOREVER, f->out) ? MSG_OK : MSG_BAD_NUMBER;
    case FIELD_ID:
        return span_u64(value, UINT64_MAX, f->out) ? MSG_OK : MSG_BAD_NUMBER;
    case FIELD_TEXT:
        copy_span(f->out, value, MSG_TEXT_MAX);
        return MSG_OK;
    }
    return MSG_BAD_WORD;
}

/* Read the fields left in a line, in any order. *seen gets a bit for each, by its place in f. */
static enum msg_error parse_fields(struct span rest, const struct field *f, unsigned n,
                                   unsigned *seen)
{
    struct span line = rest, word;

    for (; next_word(&rest, &word); line = rest) {
        unsigned i = 0;
        size_t key = 0;
        for (; i < n; i++) {
            key = strlen(f[i].key);
            if (word.n >= key && memcmp(word.p, f[i].key, key) == 0)
                break;
        }
        if (i == n)
            return MSG_BAD_WORD;
        if (*seen & (1u << i))
            return MSG_TWICE;
        *seen |= 1u << i;

        bool text = f[i].kind == FIELD_TEXT; /* runs to the end of the line */
        struct span value = text ? line : word;
        enum msg_error err = field_value(&f[i], (struct span){ value.p + key, value.n - key });
        if (err || text)
            return err;
    }
    return MSG_OK;
}

enum msg_error msg_parse_job(const char *buf, size_t len, struct msg_job *out)
{
    struct msg_job m = { 0 };
    struct span rest, word;
    unsigned seen = 0;
    const struct field fields[] = {
        { "hot_standby=", FIELD_BOOL, &m.hot_standby },
        { "memory_kb=", FIELD_KB, &m.memory_kb },
        { "memory_min_kb=", FIELD_KB, &m.memory_min_kb },
        { "ask_kb=", FIELD_KB, &m.ask_kb },
        { "priority=", FIELD_PRIORITY, &m.priority },
        { "wait_s=", FIELD_WAIT, &m.wait_s },
        { "force=", FIELD_BOOL, &m.force },
        { "used_kb=", FIELD_KB, &m.used_kb },
        { "peak_kb=", FIELD_KB, &m.peak_kb },
        { "oom_kills=", FIELD_ID, &m.oom_kills },
        { "request=", FIELD_ID, &m.request },
        { "reason=", FIELD_TEXT, m.reason },
    };
    enum msg_error err = open_line(buf, len, &rest);

    if (err)
        return err;
    next_word(&rest, &word);
    m.state = (enum msg_job_state)find_word(word, state_words, COUNT(state_words));
    if (m.state == COUNT(state_words))
        return MSG_BAD_WORD;
    err = parse_fields(rest, fields, COUNT(fields), &seen);
    if (err)
        return err;
    if (m.memory_min_kb > m.memory_kb || m.ask_kb > m.memory_kb)
        return MSG_BAD_NUMBER;
    *out = m;
    return MSG_OK;
}

uint64_t msg_job_least_kb(const struct msg_job *m)
{
    return m->memory_min_kb && m->memory_min_kb < m->memory_kb ? m->memory_min_kb : m->memory_kb;
}

enum msg_error msg_parse_reply(const char *buf, size_t len, struct msg_reply *out)
{
    struct msg_reply m = { 0 };
    struct span rest, word;
    enum msg_error err = open_line(buf, len, &rest);

    if (err)
        return err;
    next_word(&rest, &word);
    m.ok = span_is(word, "ok");
    if (!m.ok && !span_is(word, "failed"))
        return MSG_BAD_WORD;
    if (!next_word(&rest, &word))
        return MSG_MISSING;
    if (!span_valid_uuid(word))
        return MSG_BAD_BOOT_ID;
    copy_span(m.boot_id, word, MSG_BOOT_ID_LEN);
    copy_span(m.text, rest, MSG_TEXT_MAX);
    *out = m;
    return MSG_OK;
}

enum msg_error msg_parse_memory(const char *buf, size_t len, struct msg_memory *out)
{
    struct msg_memory m = { 0 };
    struct span rest;
    unsigned seen = 0;
    const struct field fields[] = {
        { "total_kb=", FIELD_KB, &m.total_kb },
        { "available_kb=", FIELD_KB, &m.available_kb },
    };
    enum msg_error err = open_line(buf, len, &rest);

    if (!err)
        err = parse_fields(rest, fields, COUNT(fields), &seen);
    if (err)
        return err;
    if (seen != (1u << COUNT(fields)) - 1)
        return MSG_MISSING;
    *out = m;
    return MSG_OK;
}

enum msg_error msg_parse_req(const char *buf, size_t len, struct msg_req *out)
{
    struct msg_req m = { 0 };
    struct span rest, word;
    enum msg_error err = open_line(buf, len, &rest);

    if (err)
        return err;
    next_word(&rest, &word);
    m.op = (enum msg_op)find_word(word, op_words, COUNT(op_words));
    if (m.op == COUNT(op_words))
        return MSG_BAD_WORD;
    if (!next_word(&rest, &word))
        return MSG_MISSING;
    if (span_is(word, "-")) {
        if (m.op != MSG_OP_BALLOON)
            return MSG_MISSING;
    } else if (!span_valid_name(word) || m.op == MSG_OP_BALLOON) {
        return MSG_BAD_NAME;
    } else {
        copy_span(m.job, word, MSG_NAME_MAX);
    }
    if (!next_word(&rest, &word))
        return MSG_MISSING;
    if (!span_u64(word, MSG_KB_MAX, &m.kb))
        return MSG_BAD_NUMBER;
    if (m.op == MSG_OP_START && next_word(&rest, &word) &&
        !span_u64(word, MSG_KB_MAX, &m.need_kb))
        return MSG_BAD_NUMBER;
    if (rest.p && m.op != MSG_OP_DENY)
        return MSG_BAD_WORD;
    copy_span(m.text, rest, MSG_TEXT_MAX);
    *out = m;
    return MSG_OK;
}

enum msg_error msg_parse_boot_id(const char *buf, size_t len, char out[MSG_BOOT_ID_LEN + 1])
{
    struct span line;
    enum msg_error err = open_line(buf, len, &line);

    if (err)
        return err;
    if (!span_valid_uuid(line))
        return MSG_BAD_BOOT_ID;
    copy_span(out, line, MSG_BOOT_ID_LEN);
    return MSG_OK;
}

/* A TEXT as it may stand in a line: cut, and '?' for what the parser would refuse. */
static const char *clean_text(char to[MSG_TEXT_MAX + 1], const char *text)
{
    size_t n = strnlen(text, MSG_TEXT_MAX);

    for (size_t i = 0; i < n; i++)
        to[i] = is_printable(text[i]) ? text[i] : '?';
    to[n] = '\0';
    return to;
}

/* Append " KEY=VALUE"; nothing for 0, which is what an absent field says. */
static size_t add_number(char *buf, size_t n, const char *key, uint64_t value)
{
    if (value)
        n += (size_t)snprintf(buf + n, MSG_MAX - n, " %s%" PRIu64, key, value);
    return n;
}

/* No writer can fill MSG_MAX: a line has a few words, numbers of up to 20 digits and one TEXT. */
size_t msg_format_job(char buf[MSG_MAX], const struct msg_job *m)
{
    char text[MSG_TEXT_MAX + 1];
    size_t n = (size_t)snprintf(buf, MSG_MAX, "%s hot_standby=%s", state_words[m->state],
                                m->hot_standby ? "yes" : "no");

    n = add_number(buf, n, "memory_kb=", m->memory_kb);
    n = add_number(buf, n, "memory_min_kb=", m->memory_min_kb);
    n = add_number(buf, n, "ask_kb=", m->ask_kb);
    n = add_number(buf, n, "priority=", m->priority);
    n = add_number(buf, n, "wait_s=", m->wait_s);
    if (m->force)
        n += (size_t)snprintf(buf + n, MSG_MAX - n, " force=yes");
    n = add_number(buf, n, "used_kb=", m->used_kb);
    n = add_number(buf, n, "peak_kb=", m->peak_kb);
    n = add_number(buf, n, "oom_kills=", m->oom_kills);
    n = add_number(buf, n, "request=", m->request);
    if (m->reason[0])
        n += (size_t)snprintf(buf + n, MSG_MAX - n, " reason=%s", clean_text(text, m->reason));
    return n;
}

size_t msg_format_reply(char buf[MSG_MAX], const struct msg_reply *m)
{
    char text[MSG_TEXT_MAX + 1];
    int n = snprintf(buf, MSG_MAX, "%s %s", m->ok ? "ok" : "failed", m->boot_id);

    if (m->text[0])
        n += snprintf(buf + n, MSG_MAX - n, " %s", clean_text(text, m->text));
    return (size_t)n;
}

size_t msg_format_memory(char buf[MSG_MAX], const struct msg_memory *m)
{
    return (size_t)snprintf(buf, MSG_MAX, "total_kb=%" PRIu64 " available_kb=%" PRIu64, m->total_kb,
                            m->available_kb);
}

size_t msg_format_req(char buf[MSG_MAX], const struct msg_req *m)
{
    char text[MSG_TEXT_MAX + 1];
    int n = snprintf(buf, MSG_MAX, "%s %s %" PRIu64, op_words[m->op], m->job[0] ? m->job : "-",
                     m->kb);

    if (m->op == MSG_OP_START && m->need_kb)
        n += snprintf(buf + n, MSG_MAX - n, " %" PRIu64, m->need_kb);
    if (m->op == MSG_OP_DENY && m->text[0])
        n += snprintf(buf + n, MSG_MAX - n, " %s", clean_text(text, m->text));
    return (size_t)n;
}
