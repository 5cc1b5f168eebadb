/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of xhs-job run, which explain shares, and the environment that stands in for them.
 * Not what counts of them in the end: that is for xhs-agent. Called by xhs-job.
 */
#ifndef JOB_OPTIONS_H
#define JOB_OPTIONS_H

#include <stdbool.h>

#include "proto.h"

/* A line on stderr. Returns xhs-job's exit status for wrong usage. */
int complain(const char *what, const char *word);

/* argv as getopt_long wants it; leaves optind at the first word that is no option. json: where
 * --json is noted; NULL: there is no such option. False: complained. */
bool run_options(int argc, char **argv, struct proto_request *r, bool *json);

#endif
