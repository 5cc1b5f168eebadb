/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An error a person can act on: a code for programs, a sentence for people.
 * Not a log: whoever handles the error logs it, once.
 * Used by every part of xhs.
 */
#ifndef XHS_CORE_ERROR_H
#define XHS_CORE_ERROR_H

#include <stdbool.h>

/* code, word on the wire and in logs, exit status of xhs */
#define XHS_ERRORS(E)                                     \
    E(NONE, "none", 0)               /* no error */       \
    E(USAGE, "usage", 2)             /* wrong argument */ \
    E(CONFIG, "config", 2)           /* a file is wrong: text has file:line */ \
    E(NOENT, "not-found", 1)         /* no such pair, domain, job, key */ \
    E(EXISTS, "exists", 1)           /* the name or domain is taken */ \
    E(MEMORY, "memory", 1)           /* pool or host has too little memory */ \
    E(STATE, "state", 1)             /* not in this state */ \
    E(UNSUPPORTED, "unsupported", 1) /* not in this version */ \
    E(PROTOCOL, "protocol", 1)       /* a message that cannot be understood */ \
    E(SYSTEM, "system", 1)           /* the operating system said no */ \
    E(XEN, "xen", 1)                 /* hypervisor, xenstored or libxl said no */ \
    E(AGAIN, "again", 1)             /* a conflict that a retry may solve */

enum xhs_code {
#define E(id, word, status) XHS_E_##id,
    XHS_ERRORS(E)
#undef E
};

struct xhs_error {
    enum xhs_code code;
    char text[320];
};

/* Record an error unless one is there already (the first one wins). e may be NULL. Returns -1. */
int xhs_fail(struct xhs_error *e, enum xhs_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, ending in ": " and strerror(errnum). */
int xhs_fail_errno(struct xhs_error *e, enum xhs_code code, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

const char *xhs_code_word(enum xhs_code code);
int xhs_code_status(enum xhs_code code);

/* The code of a word; false when there is none. */
bool xhs_code_parse(const char *word, enum xhs_code *out);

#endif
