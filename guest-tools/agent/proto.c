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

static bool parse_choice(const char *text, enum choice *out)
{
    *out = strcmp(text, "yes") == 0 ? YES : NO;
    return *out == YES || strcmp(text, "no") == 0;
}

static bool parse_option(const char *word, struct proto_request *r)
{
    struct job_params *p = &r->params;
    enum choice wait;
    const char *v;

    if ((v = value_of(word, "hot_standby")))
        return parse_choice(v, &p->hot_standby);
    if ((v = value_of(word, "env_hot_standby")))
        return parse_choice(v, &p->env_hot_standby);
    if ((v = value_of(word, "memory_kb")))
        return msg_parse_u64(v, MSG_KB_MAX, &p->memory_kb);
    if ((v = value_of(word, "memory_min_kb")))
        return msg_parse_u64(v, MSG_KB_MAX, &p->memory_min_kb);
    if ((v = value_of(word, "env_memory_kb")))
        return msg_parse_u64(v, MSG_KB_MAX, &p->env_memory_kb);
    if ((v = value_of(word, "wait")) && parse_choice(v, &wait)) {
        r->no_wait = wait == NO;
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
    n = add_choice(buf, n, "wait", r->no_wait ? NO : UNSAID);
    return n + (size_t)snprintf(buf + n, PROTO_LINE_MAX - n, "\n");
}
