/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resource management table of one pair: every area of memory with its size, what of it has
 * arrived, its owner and its destination on fault. Not the host's pool (pool.h), and no I/O.
 * Every operation keeps the sum of sizes, or returns a named error and changes nothing.
 * Used by pair.c; xhsd stores it and shows it.
 */
#ifndef XHS_CORE_RMT_H
#define XHS_CORE_RMT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/error.h"
#include "core/msg.h"

enum { MEMBER_A, MEMBER_B, MEMBERS, MEMBER_NONE = -1 };

#define RMT_OWNERS(O)      \
    O(A, "a")              \
    O(B, "b")              \
    O(MONITOR, "monitor")  \
    O(UNUSED, "unused")    \
    O(TRANSIT, "transit")  \
    O(BAD, "bad")

/* OWNER_A and OWNER_B equal MEMBER_A and MEMBER_B. */
enum owner {
#define O(id, word) OWNER_##id,
    RMT_OWNERS(O)
#undef O
};

#define RMT_JOBS_MAX 16
#define RMT_AREAS_MAX (RMT_JOBS_MAX + 3)
#define RMT_NAME_MAX (MSG_NAME_MAX + 4)

/* os-a, os-b: an OS's own; surplus: what follows the active role; job-NAME: a job's. */
struct area {
    char name[RMT_NAME_MAX + 1];
    uint64_t size_kb;
    uint64_t have_kb; /* of size_kb, what its owner (or in transit: the heir) has in fact */
    enum owner owner;
    enum owner on_fault; /* where it goes when its owner fails */
};

struct rmt {
    struct area area[RMT_AREAS_MAX];
    unsigned n;
};

const char *rmt_owner_word(enum owner owner);
bool rmt_owner_parse(const char *word, enum owner *out);

/* A pair at rest: a is active with memory_kb, b has standby_memory_kb. */
void rmt_init(struct rmt *t, const struct pair_config *pc);

/* Put back an area read from storage. Error: too many, or the name twice. */
int rmt_restore(struct rmt *t, const struct area *a, struct xhs_error *err);

struct area *rmt_find(struct rmt *t, const char *name);
struct area *rmt_find_job(struct rmt *t, const char *job);

uint64_t rmt_total_kb(const struct rmt *t);
uint64_t rmt_owned_kb(const struct rmt *t, enum owner owner);

/* What could be split off for a job of this member: its surplus, or without one the part of its OS
 * area beyond os_min_kb. */
uint64_t rmt_spare_kb(const struct rmt *t, int member, uint64_t os_min_kb);

/* Split a job's area off. Errors: MEMORY (no spare), EXISTS, STATE (table full). */
int rmt_split_job(struct rmt *t, const char *job, uint64_t kb, int member, uint64_t os_min_kb,
                  struct xhs_error *err);

/* Merge a job's area back into what its owner has. Error: NOENT, STATE (in transit). */
int rmt_merge_job(struct rmt *t, const char *job, struct xhs_error *err);

/* The victim's OS failed: what goes to the heir is in transit, what stays waits with have 0. */
void rmt_fault(struct rmt *t, int victim);

/* kb of what is in transit have arrived at the heir: jobs first, then the rest. */
void rmt_arrived(struct rmt *t, uint64_t kb);

/* What is in transit (of jobs only, or all of it) gets its owner; on fault it goes back over. */
void rmt_commit(struct rmt *t, int heir, bool jobs_only);

/* The owner has this much in fact: spread over its areas, OS first. */
void rmt_have(struct rmt *t, int member, uint64_t kb);

/* True when every area has a size, an owner and a legal destination, and the sum is total_kb. */
bool rmt_sound(const struct rmt *t, uint64_t total_kb);

#endif
