/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's cgroup (v2): the fence around its processes and the limit of its memory.
 * Not a process manager: who starts and reaps is elsewhere.
 * Called by xhs-agent.
 *
 * path is always the job's directory, BASE/NAME; BASE is "xhs" in the root of the cgroup2 mount.
 */
#ifndef AGENT_CGROUP_H
#define AGENT_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "area.h"
#include "core/error.h"

#define CGROUP_PATH_MAX 320

/* Find the cgroup2 mount and make BASE in it, with the memory controller on down to its children.
 * base is filled in and usable for cgroup_path even when something of this failed; then jobs
 * cannot start, and cgroup_create says why. */
int cgroup_prepare(char base[CGROUP_PATH_MAX], struct xhs_error *e);

const char *cgroup_path(char buf[CGROUP_PATH_MAX], const char *base, const char *job);

/* Make a job's cgroup, or take one that was left behind empty. kb: its area; 0: no limit. high_kb:
 * how much of it can be used at first; 0: all. */
int cgroup_create(const char *path, uint64_t kb, uint64_t high_kb, struct xhs_error *e);

/* Put a process of ours into it; to wait for that takes some ms (an RCU grace period). */
int cgroup_enter(const char *path, pid_t pid, struct xhs_error *e);

/* How much its processes may use before they are slowed down: memory.high. kb 0: no such limit, and
 * that is also the answer when it cannot be read. */
void cgroup_set_high(const char *path, uint64_t kb);
uint64_t cgroup_high(const char *path);

/* What its processes use now; false when it cannot be told. */
bool cgroup_used(const char *path, uint64_t *kb);

/* Its processes stand still, or go on. SIGKILL reaches them all the same. Best effort (Linux 5.2). */
void cgroup_freeze(const char *path, bool freeze);

/* The cgroup's events file, close-on-exec; poll(2) it for POLLPRI. -1 when there is no cgroup. */
int cgroup_open_events(const char *path);

/* 1: there are processes, in it or below. 0: none. -1: cannot tell. */
int cgroup_populated(int events_fd);

/* What it uses. peak_kb is 0 on a kernel that keeps none (before 5.19). False: cannot tell. */
bool cgroup_usage(const char *path, struct area_usage *out);

/* Of used_kb, files that the kernel can drop; 0 when it does not say. */
uint64_t cgroup_cache_kb(const char *path);

void cgroup_signal(const char *path, int sig); /* each process in it, but not below */
void cgroup_kill(const char *path);            /* all, at once where the kernel can (5.14) */
void cgroup_remove(const char *path);          /* with what lies below; in vain while populated */

#endif
