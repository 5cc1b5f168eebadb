/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sink for Xen's libraries' log lines. Not a log file, no levels to set: warnings and worse
 * are passed on. Called by Xen's libraries, on any thread; see xtl.h.
 */
#include "xen/xtl.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <xentoollog.h>

enum { KEPT = 8, LINE_SIZE = 600 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void (*sink)(int priority, const char *line);
static char kept[KEPT][LINE_SIZE];
static unsigned kept_count; /* all that there ever were: the next goes to kept_count % KEPT */

void xen_set_log(void (*fn)(int priority, const char *line))
{
    sink = fn;
}

static void pass_on(int priority, const char *line)
{
    if (sink)
        sink(priority, line);
    else
        fprintf(stderr, "%s\n", line);
}

static void keep(const char *line)
{
    pthread_mutex_lock(&lock);
    snprintf(kept[kept_count % KEPT], LINE_SIZE, "%s", line);
    kept_count++;
    pthread_mutex_unlock(&lock);
}

static void vmessage(xentoollog_logger *logger, xentoollog_level level, int errnoval,
                     const char *context, const char *format, va_list al)
{
    char text[480], line[LINE_SIZE];

    (void)logger;
    if (level < XTL_WARN)
        return;
    vsnprintf(text, sizeof text, format, al);
    text[strcspn(text, "\n")] = '\0';
    snprintf(line, sizeof line, "%s%s%s%s%s", context ? context : "", context ? ": " : "", text,
             errnoval >= 0 ? ": " : "", errnoval >= 0 ? strerror(errnoval) : "");
    if (level >= XTL_ERROR)
        keep(line);
    pass_on(level >= XTL_CRITICAL ? LOG_CRIT : level >= XTL_ERROR ? LOG_ERR : LOG_WARNING, line);
}

static void destroy(xentoollog_logger *logger)
{
    (void)logger; /* static */
}

static xentoollog_logger the_logger = { .vmessage = vmessage, .destroy = destroy };

struct xentoollog_logger *xtl_logger(void)
{
    return &the_logger;
}

void xtl_say(int priority, const char *fmt, ...)
{
    char line[480];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    pass_on(priority, line);
}

unsigned xtl_mark(void)
{
    pthread_mutex_lock(&lock);
    unsigned mark = kept_count;
    pthread_mutex_unlock(&lock);
    return mark;
}

const char *xtl_error_since(unsigned mark, char *buf, size_t size)
{
    buf[0] = '\0';
    pthread_mutex_lock(&lock);
    if (kept_count - mark > KEPT)
        mark = kept_count - KEPT;
    if (mark != kept_count)
        snprintf(buf, size, "%s", kept[mark % KEPT]);
    pthread_mutex_unlock(&lock);
    return buf;
}
