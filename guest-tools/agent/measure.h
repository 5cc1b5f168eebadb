/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an estimate is made of: peaks of earlier runs, kept in DIR/NAME.peak across boots, and sizes
 * of programs. Not the estimate: that is estimate.h. Nothing here is relied on: what cannot be read
 * or is no sound number counts as not there.
 * Called by xhs-agent when it reads a job's definition, and after a job's end.
 */
#ifndef AGENT_MEASURE_H
#define AGENT_MEASURE_H

#include <stdint.h>

#include "core/error.h"
#include "estimate.h"

/* KiB, at most MSG_KB_MAX; 0: there is none. */
uint64_t measure_peak(const char *dir, const char *name);

/* Whole or not at all (rename). Not synced: a lost one costs an estimate. */
int measure_keep_peak(const char *dir, const char *name, uint64_t kb, struct xhs_error *e);

/* The file that a command's program is, in KiB, found as a shell finds it in the directories of
 * path; 0: not found. */
uint64_t measure_program(const char *command, const char *path);

struct estimate measure_job(const char *dir, const char *name, const char *command);

#endif
