/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How xhs-job shows jobs: a table or JSON, on stdout. Not where they come from.
 * Called by xhs-job.
 */
#ifndef JOB_SHOW_H
#define JOB_SHOW_H

#include "core/msg.h"

struct show_job {
    char name[MSG_NAME_MAX + 1];
    struct msg_job line;
};

void show_table(const struct show_job *jobs, unsigned n);

/* {"jobs": [{"name", "state", "hot_standby", "memory_kb", "memory_min_kb", "request", "reason"}]};
 * request is 0 for a job that runs under none. */
void show_json(const struct show_job *jobs, unsigned n);

#endif
