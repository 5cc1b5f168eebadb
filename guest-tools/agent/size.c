/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of memory: see size.h.
 * Not locale-aware, and no fractions: "1.5G" is refused, not rounded.
 * Called by the job file parser and by xhs-job.
 */
#include "size.h"

#include <string.h>

#include "core/msg.h"

bool size_parse(const char *text, uint64_t *kb)
{
    char digits[24];
    size_t n = strspn(text, "0123456789");
    unsigned shift;
    uint64_t v;

    if (n >= sizeof digits)
        return false;
    switch (text[n]) {
    case 'K':
    case 'k':
        shift = 0;
        break;
    case '\0':
    case 'M':
    case 'm':
        shift = 10;
        break;
    case 'G':
    case 'g':
        shift = 20;
        break;
    default:
        return false;
    }
    if (text[n] && text[n + 1])
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!msg_parse_u64(digits, MSG_KB_MAX >> shift, &v) || v == 0)
        return false;
    *kb = v << shift;
    return true;
}
