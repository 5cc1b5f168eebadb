/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit at work: the tables of all pairs held against the hypervisor, once a second and when
 * asked. A difference that lasts is an alert, once, and so is its end.
 * Not the comparison: core/audit.h. Used by host.c and report.c.
 */
#ifndef XHS_XHSD_AUDITS_H
#define XHS_XHSD_AUDITS_H

#include "core/audit.h"

struct host;
struct runner;

/* One difference, as it is now. */
typedef void audits_say(void *arg, const char *text);

/* All there are now, of one pair and of the host; pair NULL: of all. */
void audits_now(struct host *h, const struct runner *pair, audits_say *say, void *arg);

/* Note them, and complain of those that last. */
void audits_watch(struct host *h);

#endif
