/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said of a job in more than one place, and which place counts: the first of SOURCES
 * that says it. One table for those who decide by it and for xhs-job explain. No I/O.
 * Not the job's state: that is jobs.h. Used by xhs-agent; xhs-job knows the words only.
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "jobfile.h"
#include "params.h"

/* As in a job line (core/msg.h). */
#define SETTINGS(S)                  \
    S(HOT_STANDBY, "hot_standby")    \
    S(MEMORY, "memory_kb")           \
    S(MEMORY_MIN, "memory_min_kb")   \
    S(PRIORITY, "priority")          \
    S(WAIT, "wait_s")

enum setting {
#define S(id, word) SETTING_##id,
    SETTINGS(S)
#undef S
    SETTING_COUNT,
};

/* In order of precedence. A default is always said. */
#define SOURCES(S)                    \
    S(COMMAND_LINE, "command_line")   \
    S(JOB_FILE, "job_file")           \
    S(ENVIRONMENT, "environment")     \
    S(ESTIMATE, "estimate")           \
    S(DEFAULT, "default")

enum source {
#define S(id, word) SOURCE_##id,
    SOURCES(S)
#undef S
    SOURCE_COUNT,
};

struct settings {
    struct optional by[SETTING_COUNT][SOURCE_COUNT]; /* hot_standby: 0 or 1 */
};

/* estimate_kb: estimate.h. by_itself: the job is to run without having been asked for, and then
 * waits as long as it takes. The file's minimum is cut to the memory that counts. */
void settings_gather(struct settings *s, const struct jobdef *def, const struct job_params *p,
                     uint64_t estimate_kb, bool by_itself);

enum source settings_source(const struct settings *s, enum setting which);
uint64_t settings_value(const struct settings *s, enum setting which);

/* NULL, or what does not fit together. */
const char *settings_wrong(const struct settings *s);

const char *setting_word(enum setting which);
const char *source_word(enum source from);
bool setting_parse(const char *word, enum setting *out);
bool source_parse(const char *word, enum source *out);

#endif
