/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random faults for the simulated world of sim.h, all drawn from its seed.
 * Not the world itself. Used by test_pair_random.c.
 */
#ifndef XHS_TESTS_UNIT_CHAOS_H
#define XHS_TESTS_UNIT_CHAOS_H

#include "tests/unit/sim.h"

/* Something goes wrong, or somebody wants or writes something. */
void chaos_fault(struct sim *s);

/* How often operations, replies, looks and starts fail from now on. */
void chaos_odds(struct sim *s);

/* What is broken is put right; what the pair makes of it is its own affair. */
void chaos_mend(struct sim *s);

/* Jobs that run because a guest called them hot-standby, and that are plain ones in every image,
 * are ended by their owners. */
void chaos_end_lies(struct sim *s);

#endif
