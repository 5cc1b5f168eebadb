/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job of a pair, as dom0 keeps it: who may run it, under which request, and what the guests
 * report of it. A hot-standby job is the pair's, and continues on the other member after a fault; a plain
 * one is its member's, so that both may have one of the same name.
 * Not the job's process: that is the guest's. Used by pair_jobs.c and pair_request.c.
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
    int member;                /* plain: its guest; MEMBER_NONE: hot-standby */
    char key[RMT_KEY_MAX + 1]; /* in the pair: NAME, plain: NAME@MEMBER */
    enum job_state state;
    int owner; /* the member that has the run grant, or had it last; MEMBER_NONE: none yet */
    uint64_t memory_kb; /* of its area; before it has one: what it wants */
    uint64_t min_kb;    /* enough to start with */
    uint64_t asked_kb;  /* what its guest asked for when its area was made; 0: not known any more */
    uint64_t priority;
    uint64_t request; /* the run grant's id; 0: none */
    int64_t deadline_ns;
    uint64_t denial;  /* the id of a refusal that its guest has not answered; 0: none */
    int denied;       /* ... and the member */
    int64_t asked_ns; /* it has waited for memory since; 0: it does not */
    uint64_t grow_kb; /* its area is there, its domain grows: pages when they last grew, and when */
    int64_t grow_ns;
    bool rest; /* it began with its minimum, and the rest is coming */
    char reason[MSG_TEXT_MAX + 1];
    bool known[MEMBERS]; /* the member's guest has a definition of it */
    struct msg_job report[MEMBERS];
};

const char *job_state_word(enum job_state state);
bool job_state_parse(const char *word, enum job_state *out);

/* Fill in name, member and key from a key; false: it is none. */
bool job_key_parse(const char *key, struct job *j);
void job_key_set(struct job *j, const char *name, int member);

bool job_hot(const struct job *j);

/* Holds a run grant: it runs, or may start at any moment, on its owner. */
bool job_live(const struct job *j);

#endif
