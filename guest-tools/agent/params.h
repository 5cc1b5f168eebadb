/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xhs-job may say about a job beside its name: from its command line, and from the user's
 * environment. A job file stands between the two: command line, then job file, then environment.
 * Not what a job runs with in the end: that is in its job line. Used by xhs-agent and xhs-job.
 */
#ifndef AGENT_PARAMS_H
#define AGENT_PARAMS_H

#include <stdint.h>

enum choice { UNSAID, NO, YES };

struct job_params {
    enum choice hot_standby;     /* --hot-standby */
    enum choice env_hot_standby; /* XHS_HOT_STANDBY */
    uint64_t memory_kb;          /* --memory; 0: unsaid */
    uint64_t memory_min_kb;      /* --memory-min; 0: unsaid */
    uint64_t env_memory_kb;      /* XHS_MEMORY; 0: unsaid */
};

#endif
