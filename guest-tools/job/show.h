/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How xhs-job shows jobs: a table or JSON, on stdout. Not where they come from.
 * Called by xhs-job; explain.c shares the small parts.
 */
#ifndef JOB_SHOW_H
#define JOB_SHOW_H

#include "core/msg.h"

struct show_job {
    char name[MSG_NAME_MAX + 1];
    struct msg_job line;
};

void show_table(const struct show_job *jobs, unsigned n);

/* {"jobs": [{"name", "state", "hot_standby", "memory_kb", "memory_min_kb", "ask_kb", "priority",
 * "wait_s", "force", "used_kb", "peak_kb", "oom_kills", "request", "reason"}]}; request is 0 for a
 * job that runs under none, wait_s is null for "forever". */
void show_json(const struct show_job *jobs, unsigned n);

/* A size as people write it: whole MiB, else with a K. */
void show_size(char buf[24], uint64_t kb);

/* A string of JSON, with its quotes. */
void show_string(const char *s);

#endif
