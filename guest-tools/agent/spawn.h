/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start a command inside a cgroup, detached from the agent, and know that it really started.
 * Not a supervisor: the caller reaps, and watches the cgroup.
 * Called by xhs-agent.
 */
#ifndef AGENT_SPAWN_H
#define AGENT_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "core/error.h"

struct spawn {
    const char *command; /* for /bin/sh -c; at most JOBFILE_COMMAND_MAX bytes */
    const char *cgroup;  /* its directory: the child is in it before it executes anything */
    const char *log;     /* stdout and stderr are appended here; /dev/null if it cannot be opened */
};

/* The pid of a child that runs /bin/sh, as leader of a session of its own; -1 when it does not run,
 * and never will. The environment is the agent's. Waits for the exec, 5 s at most. The caller
 * reaps whatever child it is told of, by SIGCHLD, also ones it does not know. */
pid_t spawn(const struct spawn *s, struct xhs_error *e);

/*
 * The same, but the shell, loaded and with its log open, waits outside of any cgroup of ours until
 * spawn_go lets it run the command: what a takeover would have to wait for is then done. It ends
 * when word_fd is closed without that, as it is when the agent dies. s->cgroup is not used.
 */
pid_t spawn_waiting(const struct spawn *s, int *word_fd, struct xhs_error *e);

/* The word, with what the command finds in XHS_MEMORY_KB and XHS_REQUEST. Closes word_fd. -1: the
 * shell does not run any more, and the command never will. */
int spawn_go(int word_fd, uint64_t memory_kb, uint64_t request, struct xhs_error *e);

/* Keep the agent alive, in memory and first in line when memory is short and moving: a takeover is
 * just such a time. What spawn starts gets back what was before. Best effort. */
void spawn_harden_self(void);

#endif
