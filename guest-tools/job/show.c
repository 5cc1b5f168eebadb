/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How xhs-job shows jobs: see show.h. */
#include "show.h"

#include <inttypes.h>
#include <stdio.h>

/* Whole MiB as people write them; else with a K. */
static void format_size(char buf[24], uint64_t kb)
{
    if (kb == 0)
        snprintf(buf, 24, "-");
    else if (kb % 1024)
        snprintf(buf, 24, "%" PRIu64 "K", kb);
    else
        snprintf(buf, 24, "%" PRIu64 "M", kb / 1024);
}

void show_table(const struct show_job *jobs, unsigned n)
{
    printf("%-20s %-9s %-11s %9s %9s  %s\n", "NAME", "STATE", "HOT-STANDBY", "MEMORY", "REQUEST",
           "REASON");
    for (unsigned i = 0; i < n; i++) {
        const struct msg_job *l = &jobs[i].line;
        char size[24], request[24] = "-";
        format_size(size, l->memory_kb);
        if (l->request)
            snprintf(request, sizeof request, "%" PRIu64, l->request);
        printf("%-20s %-9s %-11s %9s %9s  %s\n", jobs[i].name, msg_job_state_word(l->state),
               l->hot_standby ? "yes" : "no", size, request, l->reason[0] ? l->reason : "-");
    }
}

static void print_string(const char *s)
{
    putchar('"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

void show_json(const struct show_job *jobs, unsigned n)
{
    printf("{\"jobs\": [");
    for (unsigned i = 0; i < n; i++) {
        const struct msg_job *l = &jobs[i].line;
        printf("%s\n  {\"name\": ", i ? "," : "");
        print_string(jobs[i].name);
        printf(", \"state\": ");
        print_string(msg_job_state_word(l->state));
        printf(", \"hot_standby\": %s", l->hot_standby ? "true" : "false");
        printf(", \"memory_kb\": %" PRIu64 ", \"memory_min_kb\": %" PRIu64, l->memory_kb,
               l->memory_min_kb);
        printf(", \"request\": %" PRIu64 ", \"reason\": ", l->request);
        print_string(l->reason);
        putchar('}');
    }
    printf("%s]}\n", n ? "\n" : "");
}
