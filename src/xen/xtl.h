/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Xen's libraries have to say: their lines of level warning and above go to one function, and
 * errors are kept for a while, so that an error of xhs can name the cause. Not xhsd's own log.
 * Used by xhsd (xen_set_log) and by hyp.c and dom*.c.
 */
#ifndef XHS_XEN_XTL_H
#define XHS_XEN_XTL_H

#include <stddef.h>

/*
 * priority: as in syslog (4 warning, 3 error, 2 critical). line: without newline, valid during the
 * call. May run in a worker thread or in a child that libxl forked. NULL: stderr, the default.
 */
void xen_set_log(void (*fn)(int priority, const char *line));

/* The logger to open Xen's libraries with. It lives for ever. */
struct xentoollog_logger;
struct xentoollog_logger *xtl_logger(void);

/* A line of one's own, on the same way out. */
void xtl_say(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * xtl_mark before an operation, xtl_error_since after it failed: the first error line since then,
 * as far as it is still kept. The first, because libxl follows up a cause with a line for each
 * step it then gave up. Operations run side by side, so the line may stem from another: a hint for
 * people. Into buf, always terminated; "" when there was none. Returns buf.
 */
unsigned xtl_mark(void);
const char *xtl_error_since(unsigned mark, char *buf, size_t size);

#endif
