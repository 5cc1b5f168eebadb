/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors: see error.h. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    int status;
} codes[] = {
#define E(id, word, status) [XHS_E_##id] = { word, status },
    XHS_ERRORS(E)
#undef E
};

static void fill(struct xhs_error *e, enum xhs_code code, const char *fmt, va_list ap)
{
    e->code = code;
    vsnprintf(e->text, sizeof e->text, fmt, ap);
}

int xhs_fail(struct xhs_error *e, enum xhs_code code, const char *fmt, ...)
{
    if (e && e->code == XHS_E_NONE) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, fmt, ap);
        va_end(ap);
    }
    return -1;
}

int xhs_fail_errno(struct xhs_error *e, enum xhs_code code, int errnum, const char *fmt, ...)
{
    if (e && e->code == XHS_E_NONE) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, fmt, ap);
        va_end(ap);
        size_t used = strlen(e->text);
        snprintf(e->text + used, sizeof e->text - used, ": %s", strerror(errnum));
    }
    return -1;
}

const char *xhs_code_word(enum xhs_code code)
{
    return codes[code].word;
}

int xhs_code_status(enum xhs_code code)
{
    return codes[code].status;
}

bool xhs_code_parse(const char *word, enum xhs_code *out)
{
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i].word, word) == 0) {
            *out = (enum xhs_code)i;
            return true;
        }
    }
    return false;
}
