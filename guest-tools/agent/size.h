/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of memory as people write them: "128", "128M", "1G", "65536K"; a plain number is MiB, as in
 * xl.cfg's memory=. Not for the wire, where sizes are plain KiB.
 * Called by the job file parser and by xhs-job.
 */
#ifndef AGENT_SIZE_H
#define AGENT_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* True, and the size in KiB, for 1 KiB to MSG_KB_MAX. */
bool size_parse(const char *text, uint64_t *kb);

#endif
