/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hot-standby job of a pair, as dom0 keeps it: who may run it, under which request, and what both
 * guests report of it. Not the job's process: that is the guest's. Used by pair_jobs.c.
 */
#ifndef XHS_CORE_JOB_H
#define XHS_CORE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/msg.h"
#include "core/rmt.h"

#define JOB_STATES(S)       \
    S(WAITING, "waiting")   \
    S(STARTING, "starting") \
    S(RUNNING, "running")   \
    S(STOPPING, "stopping") \
    S(MOVING, "moving")     \
    S(STOPPED, "stopped")   \
    S(FAILED, "failed")

enum job_state {
#define S(id, word) JOB_##id,
    JOB_STATES(S)
#undef S
};

/* An agent that has not answered a start request for this long counts as not able to. */
#define JOB_START_NS (INT64_C(30) * 1000000000)

struct job {
    char name[MSG_NAME_MAX + 1];
    enum job_state state;
    int owner; /* the member that has the run grant, or had it last; MEMBER_NONE: none yet */
    uint64_t memory_kb;
    uint64_t min_kb;  /* enough to start with */
    uint64_t request; /* the run grant's id; 0: none */
    int64_t deadline_ns;
    char reason[MSG_TEXT_MAX + 1];
    bool known[MEMBERS]; /* the member's guest has a definition of it */
    struct msg_job report[MEMBERS];
};

const char *job_state_word(enum job_state state);
bool job_state_parse(const char *word, enum job_state *out);

/* Holds a run grant: it runs, or may start at any moment, on its owner. */
bool job_live(const struct job *j);

#endif
