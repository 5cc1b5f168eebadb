/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How xhs-job explain shows its answer: see explain.h. */
#include "explain.h"

#include <inttypes.h>
#include <stdio.h>

#include "area.h"
#include "show.h"

static const char *label(enum setting key)
{
    switch (key) {
    case SETTING_HOT_STANDBY:
        return "hot-standby";
    case SETTING_MEMORY:
        return "memory";
    case SETTING_MEMORY_MIN:
        return "memory-min";
    case SETTING_PRIORITY:
        return "priority";
    case SETTING_WAIT:
        return "wait";
    case SETTING_COUNT:
        break;
    }
    return "";
}

static const char *source_label(enum source from)
{
    switch (from) {
    case SOURCE_COMMAND_LINE:
        return "command line";
    case SOURCE_JOB_FILE:
        return "job file";
    case SOURCE_ENVIRONMENT:
        return "environment";
    case SOURCE_ESTIMATE:
        return "estimate";
    case SOURCE_DEFAULT:
        return "default";
    case SOURCE_COUNT:
        break;
    }
    return "";
}

static void format_value(char buf[24], const struct proto_setting *s)
{
    switch (s->key) {
    case SETTING_HOT_STANDBY:
        snprintf(buf, 24, "%s", s->value ? "yes" : "no");
        return;
    case SETTING_MEMORY:
    case SETTING_MEMORY_MIN:
        show_size(buf, s->value);
        return;
    case SETTING_WAIT:
        if (s->value == MSG_WAIT_FOREVER)
            snprintf(buf, 24, "forever");
        else
            snprintf(buf, 24, "%" PRIu64 "s", s->value);
        return;
    case SETTING_PRIORITY:
    case SETTING_COUNT:
        break;
    }
    snprintf(buf, 24, "%" PRIu64, s->value);
}

/* The first of a setting's sources counts. */
static bool counts(const struct explanation *x, unsigned i)
{
    return i == 0 || x->setting[i].key != x->setting[i - 1].key;
}

/* What can be given, in whole MiB. */
static uint64_t mib(uint64_t kb)
{
    return kb / 1024;
}

static void print_request(const struct proto_facts *f)
{
    uint64_t taken_kb = f->kept_kb + AREA_MARGIN_KB;
    uint64_t own_kb = f->available_kb > taken_kb ? f->available_kb - taken_kb : 0;
    char spare[24] = "unknown";

    if (f->spare_kb.said)
        snprintf(spare, sizeof spare, "%" PRIu64 "M", mib(f->spare_kb.value));
    printf("\n%-12s %9s  of this guest's OS, as dom0 says: it can be split off\n", "spare", spare);
    printf("%-12s %8" PRIu64 "M  of %" PRIu64 "M: running jobs may still take %" PRIu64 "M, and %"
           PRIu64 "M stay\n", "available", mib(own_kb), mib(f->available_kb), mib(f->kept_kb),
           mib(AREA_MARGIN_KB));
    if (f->ask_kb == 0)
        printf("told: its OS has enough\n");
    else
        printf("asks for %" PRIu64 " MiB more\n", (f->ask_kb + 1023) / 1024);
}

void explain_table(const struct explanation *x)
{
    printf("%-12s %9s  %s\n", "SETTING", "VALUE", "FROM");
    for (unsigned i = 0; i < x->n; i++) {
        const struct proto_setting *s = &x->setting[i];
        char value[24];
        format_value(value, s);
        printf("%-12s %9s  %s%s%s%s\n", counts(x, i) ? label(s->key) : "", value,
               counts(x, i) ? "" : "overruled: ", source_label(s->from), s->text[0] ? ": " : "",
               s->text);
    }
    print_request(&x->facts);
}

static void print_value(const struct proto_setting *s)
{
    if (s->key == SETTING_HOT_STANDBY)
        printf("\"value\": %s", s->value ? "true" : "false");
    else if (s->key == SETTING_WAIT && s->value == MSG_WAIT_FOREVER)
        printf("\"value\": null");
    else
        printf("\"value\": %" PRIu64, s->value);
    printf(", \"source\": ");
    show_string(source_word(s->from));
    printf(", \"text\": ");
    show_string(s->text);
}

void explain_json(const char *job, const struct explanation *x)
{
    printf("{\"name\": ");
    show_string(job);
    printf(", \"settings\": [");
    for (unsigned i = 0; i < x->n; i++) {
        const struct proto_setting *s = &x->setting[i];
        bool first = counts(x, i), last = i + 1 == x->n || counts(x, i + 1);
        if (first) {
            printf("%s\n  {\"setting\": ", i ? "," : "");
            show_string(setting_word(s->key));
            printf(", ");
            print_value(s);
            printf(", \"overruled\": [");
        } else {
            printf("%s{", counts(x, i - 1) ? "" : ", ");
            print_value(s);
            putchar('}');
        }
        if (last)
            printf("]}");
    }
    printf("],\n  \"spare_kb\": ");
    if (x->facts.spare_kb.said)
        printf("%" PRIu64, x->facts.spare_kb.value);
    else
        printf("null");
    printf(", \"available_kb\": %" PRIu64 ", \"kept_kb\": %" PRIu64 ", \"margin_kb\": %" PRIu64
           ", \"ask_kb\": %" PRIu64 "}\n", x->facts.available_kb, x->facts.kept_kb,
           AREA_MARGIN_KB, x->facts.ask_kb);
}
