/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's log: lines on stderr, or syslog. Not for libraries, which return errors.
 * Called by xhs-agent, once where an error is handled.
 */
#ifndef AGENT_LOG_H
#define AGENT_LOG_H

#include <stdbool.h>
#include <syslog.h>

void log_open(bool use_syslog);

/* priority: LOG_ERR, LOG_WARNING, LOG_INFO ... of syslog(3). No newline at the end. */
void log_line(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
