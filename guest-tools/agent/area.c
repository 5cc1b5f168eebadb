/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job's area while it is used: see area.h. */
#include "area.h"

#define NS_PER_MS UINT64_C(1000000)
#define SLOW_NS (30000 * NS_PER_MS)
#define LOOK_LEAST_NS (50 * NS_PER_MS)
#define LOOK_MOST_NS (250 * NS_PER_MS)
#define NOISE_KB UINT64_C(1024)
#define BEYOND_KB UINT64_C(16384)

static bool moved(uint64_t was_kb, uint64_t is_kb)
{
    uint64_t by_kb = was_kb > is_kb ? was_kb - is_kb : is_kb - was_kb;

    if ((was_kb == 0) != (is_kb == 0))
        return true;
    return by_kb >= NOISE_KB && by_kb >= was_kb / 16;
}

bool area_usage_due(const struct area_usage *told, uint64_t told_ns, const struct area_usage *now,
                    uint64_t now_ns)
{
    if (told->oom_kills != now->oom_kills || moved(told->used_kb, now->used_kb) ||
        moved(told->peak_kb, now->peak_kb))
        return true;
    return (told->used_kb != now->used_kb || told->peak_kb != now->peak_kb) &&
           now_ns - told_ns >= SLOW_NS;
}

/*
 * The guest's own margin is not the job's; nor is what a job takes beyond memory.high before that
 * has slowed it down. Linux 6.1 lets one that is a part f above it sleep for 256 f^2 s for each MiB
 * it takes (mem_cgroup_handle_over_high; at most 2 s): at 6 % it takes 1 MiB a second. Not more
 * than an OS can do without, though: an area that has come is all the job's.
 */
static uint64_t can_give(uint64_t available_kb, uint64_t may_hold_kb)
{
    uint64_t beyond_kb = may_hold_kb / 16;
    uint64_t margin_kb = AREA_MARGIN_KB + (beyond_kb < BEYOND_KB ? beyond_kb : BEYOND_KB);

    return available_kb > margin_kb ? available_kb - margin_kb : 0;
}

uint64_t area_high_first(uint64_t area_kb, uint64_t min_kb, uint64_t available_kb)
{
    uint64_t kb = can_give(available_kb, available_kb);

    if (min_kb == 0)
        return 0;
    if (kb < min_kb)
        kb = min_kb;
    return kb < area_kb ? kb : 0;
}

uint64_t area_high_next(uint64_t area_kb, uint64_t high_kb, uint64_t available_kb,
                        uint64_t held_kb)
{
    uint64_t more_kb = can_give(available_kb, held_kb), kb = held_kb + more_kb;

    if (more_kb == 0 || kb < high_kb) /* what it holds above is no reason to let it have more */
        kb = high_kb;
    return kb < area_kb ? kb : 0;
}

uint64_t area_look_in_ns(uint64_t was_kb, uint64_t used_kb, uint64_t passed_ns, uint64_t high_kb)
{
    uint64_t grown_kb = used_kb > was_kb ? used_kb - was_kb : 0;
    uint64_t room_kb = high_kb > used_kb ? high_kb - used_kb : 0;
    uint64_t ms;

    if (grown_kb == 0)
        return room_kb ? LOOK_MOST_NS : LOOK_LEAST_NS;
    ms = room_kb * (passed_ns / NS_PER_MS) / grown_kb / 2;
    if (ms >= LOOK_MOST_NS / NS_PER_MS)
        return LOOK_MOST_NS;
    return ms <= LOOK_LEAST_NS / NS_PER_MS ? LOOK_LEAST_NS : ms * NS_PER_MS;
}

bool area_must_wait(uint64_t high_kb, uint64_t used_kb, uint64_t available_kb)
{
    return high_kb && used_kb > high_kb && available_kb < AREA_MARGIN_KB;
}
