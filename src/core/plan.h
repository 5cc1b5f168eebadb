/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How memory moves: the next balloon target, so that no target is ever ordered which memory does
 * not stand behind, and none that a guest cannot live with. No I/O. Used by pair_memory.c.
 */
#ifndef XHS_CORE_PLAN_H
#define XHS_CORE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* Tolerance between a table's size and a domain's pages: a guest's own few pages of more or less. */
#define PLAN_TOLERANCE_KB (4 * 1024)
/* A shrinking guest keeps at least this much of MemAvailable. */
#define PLAN_FLOOR_KB (16 * 1024)
/* max_pages above a domain's balloon target, as libxl's LIBXL_MAXMEM_CONSTANT. */
#define PLAN_SLACK_KB 1024
/* A growing heir gets a new target for no less than this, or for the rest: each one costs it a
 * wake-up and two reads of xenstore, and dom0 a claim, while it should be taking pages. */
#define PLAN_STEP_KB (64 * 1024)

/* A takeover's growth. All KiB. */
struct plan_growth {
    uint64_t own_kb;     /* the heir's own areas */
    uint64_t transit_kb; /* what it is to get */
    uint64_t most_kb;    /* no more of that for now */
    uint64_t loan_kb;    /* lent from the reserve */
    uint64_t victim_had_kb;
    uint64_t victim_has_kb; /* still; falls while its destroy runs */
};

/* The heir's next target: what it owns, and of the rest as much as loan and freed pages cover. */
uint64_t plan_growth_target(const struct plan_growth *g);

/*
 * The least a guest can be shrunk to: what its kernel took at boot (boot_kb - MemTotal at boot, as
 * overhead_kb), what it uses (MemTotal - MemAvailable), and PLAN_FLOOR_KB. The guest's own word: a
 * lie can only slow its own shrinking, or end it.
 */
uint64_t plan_floor_kb(uint64_t overhead_kb, uint64_t used_kb);

bool plan_settled(uint64_t tot_kb, uint64_t goal_kb);

#endif
