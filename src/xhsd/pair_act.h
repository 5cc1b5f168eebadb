/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries out what pair_step decided, through the adapters; results come back to the runner as
 * events, some of them before this returns. Decides nothing. Used by pair_run.c.
 */
#ifndef XHS_XHSD_PAIR_ACT_H
#define XHS_XHSD_PAIR_ACT_H

#include "core/pair.h"

struct runner;

void carry_out(struct runner *r, const struct pair_action *a);

#endif
