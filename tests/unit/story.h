/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the stories of a pair share: one world, how a story begins and what must hold at its end.
 * Not the stories: test_pair.c and test_pair_daemon.c, which use this.
 */
#ifndef XHS_TESTS_UNIT_STORY_H
#define XHS_TESTS_UNIT_STORY_H

#include "tests/unit/sim.h"

#define A MEMBER_A
#define B MEMBER_B

extern struct sim s;

const struct job *web(void);
bool near_kb(uint64_t kb, uint64_t mib);

/* Protected, and nothing is on its way any more. */
bool at_rest(const struct sim *w);

/* What always holds, as sim's on_step: nothing irreversible before its intent is stored. */
void check_step(struct sim *w, const struct pair_event *ev);

/* The pair is protected, web runs on a. */
void begin(uint64_t seed);

/* It comes to rest with this active: memory moved, sums kept, one copy of web, running there. */
void assert_rest(int active);

/* It comes to this state, with this in the reason. */
void assert_ends(enum pair_state state, const char *reason);

#endif
