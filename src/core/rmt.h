/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resource management table of one pair: every area of memory with its size, what of it has
 * arrived, its owner and its destination on fault. Not the host's pool (pool.h), and no I/O.
 * Every operation is total: it keeps the invariants of rmt_sound, or returns a named error and
 * changes nothing. Each takes at most one pass over the areas.
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
#define RMT_AREAS_MAX (RMT_JOBS_MAX + 5)
#define RMT_KEY_MAX (MSG_NAME_MAX + 2) /* NAME of a hot-standby job, NAME@MEMBER of a plain one */
#define RMT_NAME_MAX (RMT_KEY_MAX + 4)

/*
 * os-a, os-b     an OS's own
 * surplus        what follows the active role
 * job-KEY        a job's
 * back-a, back-b given up by a member, and on its way to the pool: unused once its domain has
 *                shrunk by so much, when the area leaves the table
 */
struct area {
    char name[RMT_NAME_MAX + 1];
    uint64_t size_kb;
    uint64_t have_kb; /* of size_kb, what its owner (or in transit: the heir) has in fact */
    uint64_t granted_kb; /* of size_kb, what came from the pool and goes back there */
    enum owner owner;
    enum owner on_fault; /* where it goes when its owner fails */
};

struct rmt {
    struct area area[RMT_AREAS_MAX];
    unsigned n;
    uint64_t nominal_kb; /* of both members, without what jobs were granted from the pool */
    uint64_t os_min_kb;  /* less than this no OS has */
};

const char *rmt_owner_word(enum owner owner);
bool rmt_owner_parse(const char *word, enum owner *out);

/* A pair at rest: a is active with memory_kb, b has standby_memory_kb. */
void rmt_init(struct rmt *t, const struct pair_config *pc);

/* Put back an area read from storage. Error: too many, or the name twice. */
int rmt_restore(struct rmt *t, const struct area *a, struct xhs_error *err);

const struct area *rmt_find(const struct rmt *t, const char *name);
const struct area *rmt_find_job(const struct rmt *t, const char *key);

uint64_t rmt_total_kb(const struct rmt *t);
uint64_t rmt_owned_kb(const struct rmt *t, enum owner owner);

/* What could be split off for a job of this member: its surplus, or without one the part of its OS
 * area beyond os_min_kb. */
uint64_t rmt_spare_kb(const struct rmt *t, int member);

/* A job's area of kb: own_kb of it split off what its OS has, the rest granted on top of that (the
 * caller took it from the pool). hot: it goes to the other member on fault, else to the monitor.
 * Errors: USAGE (kb is 0, or less than own_kb), MEMORY (own_kb is more than there is to spare),
 * EXISTS, STATE (the table is full). */
int rmt_grant(struct rmt *t, const char *key, uint64_t kb, uint64_t own_kb, int member, bool hot,
              struct xhs_error *err);

/* The job is over: what was granted is on its way to the pool, the rest is merged back into what
 * its OS has. Errors: NOENT, STATE (in transit). */
int rmt_release(struct rmt *t, const char *key, struct xhs_error *err);

/* What the member gave up, and its domain still holds held_kb of. Once that is nothing the area
 * leaves the table: returns its size, for the pool. Else 0. */
uint64_t rmt_returned(struct rmt *t, int member, uint64_t held_kb);
uint64_t rmt_returning_kb(const struct rmt *t, int member);

/* kb less of the surplus follows: it stays with this member's OS. */
void rmt_keep(struct rmt *t, int member, uint64_t kb);

/* The victim's OS failed: what goes to the heir is in transit, plain jobs' areas are released, what
 * stays waits with have 0. */
void rmt_fault(struct rmt *t, int victim);

/* kb of what is in transit have arrived at the heir: jobs first, then the rest. */
void rmt_arrived(struct rmt *t, uint64_t kb);

/* What is in transit (of jobs only, or all of it) gets its owner; on fault it goes back over. */
void rmt_commit(struct rmt *t, int heir, bool jobs_only);

/* The owner has this much in fact: spread over its areas, OS first. */
void rmt_have(struct rmt *t, int member, uint64_t kb);

/* Both OSs have an area; every area has a size (a surplus may be 0), an owner and a destination
 * that it can have; and the sum, without what was granted or is on its way to the pool, is
 * nominal_kb. */
bool rmt_sound(const struct rmt *t);

#endif
