/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory this guest has: as its kernel counts it, and as Xen's balloon driver does.
 * Not a manager of memory: dom0 moves it. Called by xhs-agent.
 */
#ifndef AGENT_MEMORY_H
#define AGENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/msg.h"

/* MemTotal and MemAvailable. text: the contents of /proc/meminfo, NUL-terminated. */
bool memory_parse(const char *text, struct msg_memory *out);
int memory_read(struct msg_memory *out, struct xhs_error *e);

/* Is `now` worth telling dom0, who was told `last` at last_ns? A change by a sixteenth is at once,
 * any other after 30 s. */
bool memory_due(const struct msg_memory *last, uint64_t last_ns, const struct msg_memory *now,
                uint64_t now_ns);

/* What the domain has in all, as the balloon driver counts. */
int memory_current_kb(uint64_t *kb, struct xhs_error *e);

/* When missing_kb are to come, how long to wait before looking again: 5-50 ms. Each look takes time
 * from the balloon that they come by. */
uint64_t memory_arrives_ns(uint64_t missing_kb);

/* Its target, as dom0 sets it too. */
int memory_set_target_kb(uint64_t kb, struct xhs_error *e);

/*
 * Priorities of the kernel threads that a takeover waits for. xen-balloon goes before the job that
 * it competes with, but xenbus and xenwatch, by which dom0's word comes, before it: at equal
 * priority, or with xen-balloon alone in front, a start was seen to wait until all memory had come.
 * Best effort.
 */
void memory_hurry_kernel(void);

#endif
