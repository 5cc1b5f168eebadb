/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an agent leaves to the next one: DIR/NAME, one file a job, with the boot's id and the job
 * line as dom0 has it. It must live through a restart of the agent and not through a boot.
 * Not where a job's processes are known from: that is its cgroup. Called by xhs-agent.
 */
#ifndef AGENT_STATE_H
#define AGENT_STATE_H

#include "core/error.h"
#include "core/msg.h"

/* Whole or not at all (rename). Not synced: it is to survive the agent, not the kernel. */
int state_write(const char *dir, const char *name, const char *boot_id, const struct msg_job *line,
                struct xhs_error *e);

/* NOENT: nothing was left. PROTOCOL: of another boot, or not understood; to be ignored. */
int state_read(const char *dir, const char *name, const char *boot_id, struct msg_job *line,
               struct xhs_error *e);

void state_remove(const char *dir, const char *name);

#endif
