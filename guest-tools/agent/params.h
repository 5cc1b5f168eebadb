/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xhs-job may say about a job beside its name: from its command line, and from the user's
 * environment; and the words that it shares with job files.
 * Not what counts in the end: that is settings.h. Used by xhs-agent and xhs-job.
 */
#ifndef AGENT_PARAMS_H
#define AGENT_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

enum choice { UNSAID, NO, YES };

/* A number of which 0 can be said, too. */
struct optional {
    bool said;
    uint64_t value;
};

struct job_params {
    enum choice hot_standby;     /* --hot-standby */
    enum choice env_hot_standby; /* XHS_HOT_STANDBY */
    uint64_t memory_kb;          /* --memory; 0: unsaid */
    uint64_t memory_min_kb;      /* --memory-min; 0: unsaid */
    uint64_t env_memory_kb;      /* XHS_MEMORY; 0: unsaid */
    struct optional priority;    /* --priority */
    struct optional wait_s;      /* --wait; MSG_WAIT_FOREVER: forever */
    bool force;                  /* --force */
};

/* "yes" or "no". */
bool params_choice(const char *text, enum choice *out);

/* 0 to MSG_PRIORITY_MAX. */
bool params_priority(const char *text, struct optional *out);

/* Seconds, 0 to MSG_WAIT_FOREVER, or "forever". */
bool params_wait(const char *text, struct optional *out);

#endif
