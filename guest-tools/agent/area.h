/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's area while it is used: what of its use is worth telling dom0, and how far the job may
 * fill an area whose memory is still arriving. Decisions only: the files are cgroup.c's.
 * Called by xhs-agent.
 */
#ifndef AGENT_AREA_H
#define AGENT_AREA_H

#include <stdbool.h>
#include <stdint.h>

#define AREA_MARGIN_KB UINT64_C(16384) /* of what is available, what stays the guest's own */

struct area_usage {
    uint64_t used_kb;
    uint64_t peak_kb;
    uint64_t oom_kills;
};

/* Is `now` worth telling dom0, who was told `told` at told_ns? As with the guest's memory a change
 * by a sixteenth is at once, any other after 30 s; but by less than 1 MiB is never at once, unless
 * there was nothing or is nothing. A kill is. */
bool area_usage_due(const struct area_usage *told, uint64_t told_ns, const struct area_usage *now,
                    uint64_t now_ns);

/*
 * How much a job that is started now may use, when the guest has available_kb: never less than
 * min_kb (0: area_kb), which dom0 has seen to. 0: all of its area, there is no need of a limit.
 */
uint64_t area_high_first(uint64_t area_kb, uint64_t min_kb, uint64_t available_kb);

/* How much it may use from now on: high_kb until now, never less than that. held_kb: what it holds
 * that the kernel cannot just drop, as available_kb counts the rest. 0: all of its area. */
uint64_t area_high_next(uint64_t area_kb, uint64_t high_kb, uint64_t available_kb,
                        uint64_t held_kb);

/*
 * When to look again at a job that used was_kb passed_ns ago, uses used_kb now, and may use high_kb:
 * in half the time in which it would come to that, but in 50-250 ms. A look takes time from the
 * job, and from the balloon that its memory comes by.
 */
uint64_t area_look_in_ns(uint64_t was_kb, uint64_t used_kb, uint64_t passed_ns, uint64_t high_kb);

/* To use more than high_kb (0: no limit) only slows it down. Must it stand still, because what is
 * left is the guest's own? Until more memory has come, it is then not killed for want of it. */
bool area_must_wait(uint64_t high_kb, uint64_t used_kb, uint64_t available_kb);

#endif
