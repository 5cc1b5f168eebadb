/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tell or ask: how much of a job's area this guest's OS can split off of what it owns, and how much
 * has to come from elsewhere. Decisions only.
 * Called by xhs-agent.
 */
#ifndef AGENT_ASK_H
#define AGENT_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "area.h"
#include "jobs.h"

struct ask_facts {
    uint64_t spare_kb;     /* dom0: what its OS owns beyond what it must keep */
    uint64_t available_kb; /* its kernel: MemAvailable */
    uint64_t kept_kb;      /* of that, what running jobs may still take: ask_kept_kb */
};

/* What is left of the areas of the jobs in this list that are active. */
uint64_t ask_kept_kb(const struct job *jobs);

/* What the guest itself could do without: neither its jobs' nor AREA_MARGIN_KB. */
uint64_t ask_own_kb(const struct ask_facts *f);

/* Of memory_kb, what its OS does not own or cannot spare. 0: it has enough, and just tells. */
uint64_t ask_kb(uint64_t memory_kb, const struct ask_facts *f);

/* Is it worth saying again? A sixteenth of memory_kb is, and a change to or from 0. */
bool ask_due(uint64_t told_kb, uint64_t now_kb, uint64_t memory_kb);

#endif
