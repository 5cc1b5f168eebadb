/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's log: see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

static bool to_syslog;

void log_open(bool use_syslog)
{
    to_syslog = use_syslog;
    if (use_syslog)
        openlog("xhs-agent", LOG_PID, LOG_DAEMON);
}

void log_line(int priority, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (to_syslog)
        syslog(priority, "%s", text);
    else
        fprintf(stderr, "xhs-agent: %s\n", text);
}
