/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: see job.h. */
#include "core/job.h"

#include <stdio.h>
#include <string.h>

static const char *const words[] = {
#define S(id, word) [JOB_##id] = word,
    JOB_STATES(S)
#undef S
};

const char *job_state_word(enum job_state state)
{
    return words[state];
}

bool job_state_parse(const char *word, enum job_state *out)
{
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = (enum job_state)i;
            return true;
        }
    }
    return false;
}

bool job_live(const struct job *j)
{
    return j->state == JOB_STARTING || j->state == JOB_RUNNING || j->state == JOB_STOPPING;
}

bool job_hot(const struct job *j)
{
    return j->member == MEMBER_NONE;
}

void job_key_set(struct job *j, const char *name, int member)
{
    j->member = member;
    snprintf(j->name, sizeof j->name, "%s", name);
    if (member == MEMBER_NONE)
        snprintf(j->key, sizeof j->key, "%s", j->name);
    else
        snprintf(j->key, sizeof j->key, "%s@%s", j->name, rmt_owner_word((enum owner)member));
}

bool job_key_parse(const char *key, struct job *j)
{
    const char *at = strchr(key, '@');
    size_t len = at ? (size_t)(at - key) : strlen(key);
    int member = MEMBER_NONE;
    char name[MSG_NAME_MAX + 1];

    if (len > MSG_NAME_MAX)
        return false;
    memcpy(name, key, len);
    name[len] = '\0';
    if (at && strcmp(at, "@a") == 0)
        member = MEMBER_A;
    else if (at && strcmp(at, "@b") == 0)
        member = MEMBER_B;
    else if (at)
        return false;
    if (!msg_valid_name(name))
        return false;
    job_key_set(j, name, member);
    return true;
}
