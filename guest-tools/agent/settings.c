/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said of a job in more than one place: see settings.h.
 * Not the reader of any of these places.
 * Called by xhs-agent; xhs-job uses the words.
 */
#include "settings.h"

#include <string.h>

#include "core/msg.h"

static const char *const setting_words[] = {
#define S(id, word) [SETTING_##id] = word,
    SETTINGS(S)
#undef S
};

static const char *const source_words[] = {
#define S(id, word) [SOURCE_##id] = word,
    SOURCES(S)
#undef S
};

static struct optional choice(enum choice c)
{
    return (struct optional){ c != UNSAID, c == YES };
}

static struct optional size(uint64_t kb)
{
    return (struct optional){ kb != 0, kb };
}

static struct optional always(uint64_t value)
{
    return (struct optional){ true, value };
}

static void gather_memory(struct settings *s, const struct jobdef *def, const struct job_params *p,
                          uint64_t estimate_kb)
{
    struct optional *memory = s->by[SETTING_MEMORY], *min = s->by[SETTING_MEMORY_MIN];

    memory[SOURCE_COMMAND_LINE] = size(p->memory_kb);
    memory[SOURCE_JOB_FILE] = size(def->memory_kb);
    memory[SOURCE_ENVIRONMENT] = size(p->env_memory_kb);
    memory[SOURCE_ESTIMATE] = size(estimate_kb);
    memory[SOURCE_DEFAULT] = always(0);
    uint64_t kb = settings_value(s, SETTING_MEMORY);

    min[SOURCE_COMMAND_LINE] = size(p->memory_min_kb);
    min[SOURCE_JOB_FILE] = size(def->memory_min_kb < kb ? def->memory_min_kb : kb);
    min[SOURCE_DEFAULT] = always(kb);
}

void settings_gather(struct settings *s, const struct jobdef *def, const struct job_params *p,
                     uint64_t estimate_kb, bool by_itself)
{
    struct optional *hot = s->by[SETTING_HOT_STANDBY], *priority = s->by[SETTING_PRIORITY],
                    *wait = s->by[SETTING_WAIT];

    memset(s, 0, sizeof *s);
    hot[SOURCE_COMMAND_LINE] = choice(p->hot_standby);
    hot[SOURCE_JOB_FILE] = choice(def->hot_standby);
    hot[SOURCE_ENVIRONMENT] = choice(p->env_hot_standby);
    hot[SOURCE_DEFAULT] = always(0);
    gather_memory(s, def, p, estimate_kb);
    priority[SOURCE_COMMAND_LINE] = p->priority;
    priority[SOURCE_JOB_FILE] = def->priority;
    priority[SOURCE_DEFAULT] = always(0);
    wait[SOURCE_COMMAND_LINE] = p->wait_s;
    wait[SOURCE_JOB_FILE] = def->wait_s;
    wait[SOURCE_DEFAULT] = always(by_itself ? MSG_WAIT_FOREVER : 0);
}

enum source settings_source(const struct settings *s, enum setting which)
{
    unsigned from = 0;

    while (from < SOURCE_DEFAULT && !s->by[which][from].said)
        from++;
    return (enum source)from;
}

uint64_t settings_value(const struct settings *s, enum setting which)
{
    return s->by[which][settings_source(s, which)].value;
}

const char *settings_wrong(const struct settings *s)
{
    if (settings_value(s, SETTING_MEMORY_MIN) > settings_value(s, SETTING_MEMORY))
        return "its minimum memory is more than its memory";
    return NULL;
}

const char *setting_word(enum setting which)
{
    return setting_words[which];
}

const char *source_word(enum source from)
{
    return source_words[from];
}

static unsigned find_word(const char *word, const char *const *words, unsigned n)
{
    unsigned i = 0;

    while (i < n && strcmp(word, words[i]) != 0)
        i++;
    return i;
}

bool setting_parse(const char *word, enum setting *out)
{
    *out = (enum setting)find_word(word, setting_words, SETTING_COUNT);
    return *out < SETTING_COUNT;
}

bool source_parse(const char *word, enum source *out)
{
    *out = (enum source)find_word(word, source_words, SOURCE_COUNT);
    return *out < SOURCE_COUNT;
}
