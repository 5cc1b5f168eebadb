/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's log: see log.h. */
#include "xhsd/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool use_syslog, show_debug, stamp_lines = true;

void log_init(bool to_syslog, bool verbose)
{
    use_syslog = to_syslog;
    show_debug = verbose;
    stamp_lines = getenv("JOURNAL_STREAM") == NULL;
    if (to_syslog)
        openlog("xhsd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
    setvbuf(stderr, NULL, _IOLBF, 0);
}

void log_line(int priority, const char *line)
{
    static const char *const word[] = { "emergency", "alert", "critical", "error",
                                        "warning",   "notice", "info",    "debug" };
    struct timespec ts;
    struct tm tm;

    if (priority == LOG_DEBUG && !show_debug)
        return;
    if (use_syslog) {
        syslog(priority, "%s", line);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    if (stamp_lines)
        fprintf(stderr, "%02d:%02d:%02d.%03ld xhsd %s: %s\n", tm.tm_hour, tm.tm_min, tm.tm_sec,
                ts.tv_nsec / 1000000, word[priority & 7], line);
    else
        fprintf(stderr, "<%d>%s\n", priority & 7, line);
}

void xlog(int priority, const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    log_line(priority, line);
}
