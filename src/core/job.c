/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: see job.h. */
#include "core/job.h"

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
