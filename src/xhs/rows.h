/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that two commands print: areas (table, show) and jobs (jobs, show).
 * Not the requests. Areas are in cmd_table.c, jobs in cmd_jobs.c.
 * Used by cmd_show.c.
 */
#ifndef XHS_XHS_ROWS_H
#define XHS_XHS_ROWS_H

#include "xhs/out_text.h"

/* A table without rows yet; out_table_end prints it. */
struct out_table *areas_table(const char *indent);
void areas_rows(struct out_table *t, const struct jval *areas);

void print_jobs(const char *indent, const struct jval *jobs);

#endif
