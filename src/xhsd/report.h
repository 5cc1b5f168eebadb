/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xhs shows, as JSON (wire/proto.h says which members). Reads, changes nothing.
 * Used by control.c.
 */
#ifndef XHS_XHSD_REPORT_H
#define XHS_XHSD_REPORT_H

#include <stdbool.h>

#include "wire/json.h"

struct host;
struct runner;

/* Each writes one object under key "result"; pair NULL: all pairs. */
void report_list(const struct host *h, struct jout *j);
void report_show(const struct runner *r, struct jout *j);
void report_table(struct host *h, const struct runner *pair, bool audit, struct jout *j);
void report_check(const struct host *h, const struct runner *pair, struct jout *j);
void report_jobs(const struct host *h, const struct runner *pair, struct jout *j);

#endif
