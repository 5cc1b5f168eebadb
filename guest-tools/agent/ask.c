/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tell or ask: see ask.h. */
#include "ask.h"

uint64_t ask_kept_kb(const struct job *jobs)
{
    uint64_t kb = 0;

    for (const struct job *j = jobs; j; j = j->next) {
        if (job_active(j) && j->usage.used_kb < j->line.memory_kb)
            kb += j->line.memory_kb - j->usage.used_kb;
    }
    return kb;
}

uint64_t ask_own_kb(const struct ask_facts *f)
{
    uint64_t not_free_kb = f->kept_kb + AREA_MARGIN_KB;

    return f->available_kb > not_free_kb ? f->available_kb - not_free_kb : 0;
}

uint64_t ask_kb(uint64_t memory_kb, const struct ask_facts *f)
{
    uint64_t own_kb = ask_own_kb(f), from_own_kb = f->spare_kb < own_kb ? f->spare_kb : own_kb;

    return memory_kb > from_own_kb ? memory_kb - from_own_kb : 0;
}

bool ask_due(uint64_t told_kb, uint64_t now_kb, uint64_t memory_kb)
{
    uint64_t by_kb = told_kb > now_kb ? told_kb - now_kb : now_kb - told_kb;

    if (by_kb == 0)
        return false;
    return told_kb == 0 || now_kb == 0 || by_kb >= memory_kb / 16;
}
