/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The size of an area that nobody has said: see estimate.h.
 * Not a shell: a command that begins with a keyword, a builtin or a variable names no program here.
 * Called by xhs-agent.
 */
#include "estimate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/msg.h"

#define MIB_KB UINT64_C(1024)

static uint64_t at_most(uint64_t kb, uint64_t max)
{
    return kb < max ? kb : max;
}

struct estimate estimate_make(uint64_t peak_kb, uint64_t program_kb)
{
    struct estimate est = { at_most(peak_kb, MSG_KB_MAX), at_most(program_kb, MSG_KB_MAX), 0 };
    uint64_t kb = est.peak_kb ? est.peak_kb + est.peak_kb / 4 : est.program_kb + ESTIMATE_MARGIN_KB;

    if (kb < ESTIMATE_LEAST_KB)
        kb = ESTIMATE_LEAST_KB;
    est.kb = at_most((kb + MIB_KB - 1) / MIB_KB * MIB_KB, MSG_KB_MAX);
    return est;
}

/* "41 MiB", "41.3 MiB", "900 KiB". */
static void size_text(char buf[32], uint64_t kb)
{
    uint64_t tenths = (kb * 10 + MIB_KB / 2) / MIB_KB;

    if (kb < MIB_KB)
        snprintf(buf, 32, "%" PRIu64 " KiB", kb);
    else if (tenths % 10)
        snprintf(buf, 32, "%" PRIu64 ".%" PRIu64 " MiB", tenths / 10, tenths % 10);
    else
        snprintf(buf, 32, "%" PRIu64 " MiB", tenths / 10);
}

void estimate_text(const struct estimate *est, char buf[ESTIMATE_TEXT_MAX])
{
    const char *least = "";
    char size[32], margin[32];

    size_text(margin, ESTIMATE_MARGIN_KB);
    if (est->peak_kb) {
        if (est->peak_kb + est->peak_kb / 4 < ESTIMATE_LEAST_KB)
            least = ", at least 16 MiB";
        size_text(size, est->peak_kb);
        snprintf(buf, ESTIMATE_TEXT_MAX, "peak of earlier runs %s + 25 %%%s", size, least);
    } else if (est->program_kb) {
        size_text(size, est->program_kb);
        snprintf(buf, ESTIMATE_TEXT_MAX, "its program has %s, + %s", size, margin);
    } else {
        snprintf(buf, ESTIMATE_TEXT_MAX, "no earlier run, and its program was not found: %s",
                 margin);
    }
}

uint64_t estimate_keep(uint64_t kept_kb, uint64_t peak_kb, uint64_t area_kb, bool oom)
{
    uint64_t enough_kb = area_kb / 5 * 4;

    if (!oom && area_kb && peak_kb > enough_kb)
        peak_kb = enough_kb;
    peak_kb = at_most(peak_kb, MSG_KB_MAX);
    return peak_kb > kept_kb ? peak_kb : kept_kb;
}

/* NAME=... */
static bool is_assignment(const char *word, size_t len)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t n = strspn(word, name);

    return n > 0 && n < len && word[n] == '=';
}

bool estimate_program(const char *command, char *word, size_t size)
{
    size_t len;

    for (;;) {
        command += strspn(command, " \t");
        len = strcspn(command, " \t;|&()<>");
        if (!(len == 4 && strncmp(command, "exec", len) == 0) && !is_assignment(command, len))
            break;
        command += len;
    }
    if (len == 0 || len >= size)
        return false;
    memcpy(word, command, len);
    word[len] = '\0';
    return true;
}
