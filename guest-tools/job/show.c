/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How xhs-job shows jobs: see show.h. */
#include "show.h"

#include <inttypes.h>
#include <stdio.h>

void show_size(char buf[24], uint64_t kb)
{
    if (kb % 1024)
        snprintf(buf, 24, "%" PRIu64 "K", kb);
    else
        snprintf(buf, 24, "%" PRIu64 "M", kb / 1024);
}

/* What is measured is not in whole MiB; nobody reads the digits. */
static void format_measured(char buf[24], uint64_t kb)
{
    if (kb == 0)
        snprintf(buf, 24, "-");
    else
        snprintf(buf, 24, "%" PRIu64 "M", (kb + 1023) / 1024);
}

static void format_number(char buf[24], uint64_t n)
{
    if (n == 0)
        snprintf(buf, 24, "-");
    else
        snprintf(buf, 24, "%" PRIu64, n);
}

void show_table(const struct show_job *jobs, unsigned n)
{
    printf("%-20s %-9s %-11s %9s %9s %9s %5s %9s  %s\n", "NAME", "STATE", "HOT-STANDBY", "MEMORY",
           "USED", "PEAK", "OOM", "REQUEST", "REASON");
    for (unsigned i = 0; i < n; i++) {
        const struct msg_job *l = &jobs[i].line;
        char size[24] = "-", used[24], peak[24], kills[24], request[24];
        if (l->memory_kb)
            show_size(size, l->memory_kb);
        format_measured(used, l->used_kb);
        format_measured(peak, l->peak_kb);
        format_number(kills, l->oom_kills);
        format_number(request, l->request);
        printf("%-20s %-9s %-11s %9s %9s %9s %5s %9s  %s\n", jobs[i].name,
               msg_job_state_word(l->state), l->hot_standby ? "yes" : "no", size, used, peak,
               kills, request, l->reason[0] ? l->reason : "-");
    }
}

void show_string(const char *s)
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

static void print_wait(uint64_t wait_s)
{
    if (wait_s == MSG_WAIT_FOREVER)
        printf(", \"wait_s\": null");
    else
        printf(", \"wait_s\": %" PRIu64, wait_s);
}

void show_json(const struct show_job *jobs, unsigned n)
{
    printf("{\"jobs\": [");
    for (unsigned i = 0; i < n; i++) {
        const struct msg_job *l = &jobs[i].line;
        printf("%s\n  {\"name\": ", i ? "," : "");
        show_string(jobs[i].name);
        printf(", \"state\": ");
        show_string(msg_job_state_word(l->state));
        printf(", \"hot_standby\": %s", l->hot_standby ? "true" : "false");
        printf(", \"memory_kb\": %" PRIu64 ", \"memory_min_kb\": %" PRIu64, l->memory_kb,
               l->memory_min_kb);
        printf(", \"ask_kb\": %" PRIu64 ", \"priority\": %" PRIu64, l->ask_kb, l->priority);
        print_wait(l->wait_s);
        printf(", \"force\": %s", l->force ? "true" : "false");
        printf(", \"used_kb\": %" PRIu64 ", \"peak_kb\": %" PRIu64 ", \"oom_kills\": %" PRIu64,
               l->used_kb, l->peak_kb, l->oom_kills);
        printf(", \"request\": %" PRIu64 ", \"reason\": ", l->request);
        show_string(l->reason);
        putchar('}');
    }
    printf("%s]}\n", n ? "\n" : "");
}
