/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines between xhs-job and xhs-agent: see proto.h. */
#include "proto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const verbs[] = {
#define V(id, word) [PROTO_##id] = word,
    PROTO_VERBS(V)
#undef V
};

#define VERBS (sizeof verbs / sizeof verbs[0])

/* The value of "key=value", or NULL when the word is of another key. */
static const char *value_of(const char *word, const char *key)
{
    size_t n = strlen(key);

    return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static bool parse_option(const char *word, struct proto_request *r)
{
    struct job_params *p = &r->params;
    enum choice choice;
    const char *v;

    if ((v = value_of(word, "hot_standby")))
        return params_choice(v, &p->hot_standby);
    if ((v = value_of(word, "env_hot_standby")))
        return params_choice(v, &p->env_hot_standby);
    if ((v = value_of(word, "memory_kb")))
        return msg_parse_u64(v, MSG_KB_MAX, &p->memory_kb);
    if ((v = value_of(word, "memory_min_kb")))
        return msg_parse_u64(v, MSG_KB_MAX, &p->memory_min_kb);
    if ((v = value_of(word, "env_memory_kb")))
        return msg_parse_u64(v, MSG_KB_MAX, &p->env_memory_kb);
    if ((v = value_of(word, "priority")))
        return params_priority(v, &p->priority);
    if ((v = value_of(word, "wait_s")))
        return params_wait(v, &p->wait_s);
    if ((v = value_of(word, "force")) && params_choice(v, &choice)) {
        p->force = choice == YES;
        return true;
    }
    if ((v = value_of(word, "wait")) && params_choice(v, &choice)) {
        r->no_wait = choice == NO;
        return true;
    }
    return false;
}

int proto_parse(const char *line, struct proto_request *out, struct xhs_error *e)
{
    char copy[PROTO_LINE_MAX], *rest = copy, *word;
    struct proto_request r = { 0 };
    unsigned verb = 0;

    if (strlen(line) >= sizeof copy)
        return xhs_fail(e, XHS_E_PROTOCOL, "the request is too long");
    strcpy(copy, line);
    word = strsep(&rest, " ");
    while (verb < VERBS && strcmp(word, verbs[verb]) != 0)
        verb++;
    if (verb == VERBS)
        return xhs_fail(e, XHS_E_PROTOCOL, "no such request");
    r.verb = (enum proto_verb)verb;
    if (r.verb != PROTO_LIST) {
        word = strsep(&rest, " ");
        if (!word || !msg_valid_name(word))
            return xhs_fail(e, XHS_E_PROTOCOL, "no valid name of a job");
        strcpy(r.job, word);
    }
    while ((word = strsep(&rest, " "))) {
        if (!parse_option(word, &r))
            return xhs_fail(e, XHS_E_PROTOCOL, "\"%s\" was not understood", word);
    }
    *out = r;
    return 0;
}

static size_t add_kb(char buf[PROTO_LINE_MAX], size_t n, const char *key, uint64_t kb)
{
    if (kb)
        n += (size_t)snprintf(buf + n, PROTO_LINE_MAX - n, " %s=%" PRIu64, key, kb);
    return n;
}

static size_t add_number(char buf[PROTO_LINE_MAX], size_t n, const char *key, struct optional v)
{
    if (v.said)
        n += (size_t)snprintf(buf + n, PROTO_LINE_MAX - n, " %s=%" PRIu64, key, v.value);
    return n;
}

static size_t add_choice(char buf[PROTO_LINE_MAX], size_t n, const char *key, enum choice c)
{
    if (c != UNSAID)
        n += (size_t)snprintf(buf + n, PROTO_LINE_MAX - n, " %s=%s", key, c == YES ? "yes" : "no");
    return n;
}

size_t proto_format(char buf[PROTO_LINE_MAX], const struct proto_request *r)
{
    const struct job_params *p = &r->params;
    size_t n = (size_t)snprintf(buf, PROTO_LINE_MAX, "%s%s%s", verbs[r->verb], r->job[0] ? " " : "",
                                r->job);

    n = add_choice(buf, n, "hot_standby", p->hot_standby);
    n = add_choice(buf, n, "env_hot_standby", p->env_hot_standby);
    n = add_kb(buf, n, "memory_kb", p->memory_kb);
    n = add_kb(buf, n, "memory_min_kb", p->memory_min_kb);
    n = add_kb(buf, n, "env_memory_kb", p->env_memory_kb);
    n = add_number(buf, n, "priority", p->priority);
    n = add_number(buf, n, "wait_s", p->wait_s);
    n = add_choice(buf, n, "force", p->force ? YES : UNSAID);
    n = add_choice(buf, n, "wait", r->no_wait ? NO : UNSAID);
    return n + (size_t)snprintf(buf + n, PROTO_LINE_MAX - n, "\n");
}

size_t proto_format_setting(char buf[PROTO_LINE_MAX], const struct proto_setting *s)
{
    return (size_t)snprintf(buf, PROTO_LINE_MAX, "setting %s %" PRIu64 " %s%s%s\n",
                            setting_word(s->key), s->value, source_word(s->from),
                            s->text[0] ? " " : "", s->text);
}

bool proto_parse_setting(char *rest, struct proto_setting *out)
{
    const char *key = strsep(&rest, " "), *value = rest ? strsep(&rest, " ") : NULL;
    const char *from = rest ? strsep(&rest, " ") : NULL;

    if (!from || !setting_parse(key, &out->key) ||
        !msg_parse_u64(value, UINT64_MAX, &out->value) || !source_parse(from, &out->from))
        return false;
    snprintf(out->text, sizeof out->text, "%s", rest ? rest : "");
    return true;
}

size_t proto_format_facts(char buf[PROTO_LINE_MAX], const struct proto_facts *f)
{
    size_t n = (size_t)snprintf(buf, PROTO_LINE_MAX, "facts");

    n = add_number(buf, n, "spare_kb", f->spare_kb);
    return n + (size_t)snprintf(buf + n, PROTO_LINE_MAX - n,
                                " available_kb=%" PRIu64 " kept_kb=%" PRIu64 " ask_kb=%" PRIu64
                                "\n",
                                f->available_kb, f->kept_kb, f->ask_kb);
}

bool proto_parse_facts(char *rest, struct proto_facts *out)
{
    struct optional available = { 0 }, kept = { 0 }, ask = { 0 }, *number;
    const char *word, *v;

    out->spare_kb.said = false;
    while ((word = strsep(&rest, " "))) {
        if ((v = value_of(word, "spare_kb")))
            number = &out->spare_kb;
        else if ((v = value_of(word, "available_kb")))
            number = &available;
        else if ((v = value_of(word, "kept_kb")))
            number = &kept;
        else if ((v = value_of(word, "ask_kb")))
            number = &ask;
        else
            return false;
        number->said = msg_parse_u64(v, UINT64_MAX, &number->value);
        if (!number->said)
            return false;
    }
    out->available_kb = available.value;
    out->kept_kb = kept.value;
    out->ask_kb = ask.value;
    return available.said && kept.said && ask.said;
}
