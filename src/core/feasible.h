/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Would a takeover succeed now? For each fault of a pair, with the arithmetic. Nothing is changed.
 * Not the takeover: that is pair_takeover.c, which keeps to the same limits.
 * Used by pair_rules.c (protected or not), pair_request.c (what a request would do to that) and
 * xhsd (xhs check).
 */
#ifndef XHS_CORE_FEASIBLE_H
#define XHS_CORE_FEASIBLE_H

#include "core/pair.h"

#define FAULTS_MAX (2 + 2 * RMT_JOBS_MAX)

struct fault {
    bool os;               /* the member's OS fails; else one job on it */
    int member;
    const struct job *job; /* OS of the active: what becomes of this job; NULL: it has none */
    bool moves;            /* false: this fault has no takeover */
    bool possible;
    uint64_t need_kb;      /* the heir's, or the rebuilt member's, in all */
    uint64_t have_kb;      /* what it may have, or what there is for it */
    char text[200];
};

/* Each fault there can be. Returns how many. */
unsigned feasible_faults(const struct pair *p, const struct pool *pool,
                         struct fault out[FAULTS_MAX]);

/* What the heir would have in all after a fault of the active's OS, by this table. KiB. */
uint64_t feasible_need_kb(const struct rmt *t, int active);

/* NULL when a takeover of the active OS would succeed now; else why not, written into buf. */
const char *pair_unprotected(const struct pair *p, char *buf, size_t size);

#endif
