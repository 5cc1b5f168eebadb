/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's log: lines to stderr or syslog. Not the events that xhs shows: events.h.
 * Used by xhsd only; libraries return errors instead of printing.
 */
#ifndef XHS_XHSD_LOG_H
#define XHS_XHSD_LOG_H

#include <stdbool.h>
#include <syslog.h>

/* stderr lines carry a time stamp unless systemd's journal adds its own (JOURNAL_STREAM). */
void log_init(bool to_syslog, bool verbose);

/* priority: LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG (shown with -v). Thread-safe. */
void xlog(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For xen_set_log (xen/xtl.h). */
void log_line(int priority, const char *line);

#endif
