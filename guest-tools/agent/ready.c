/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shells that stand ready: for each hot-standby job that does not run here, one that is loaded and
 * waits for the word to run its start command. In a takeover only that word is left to be said.
 * Not a job yet: it is in no cgroup of ours, and runs nothing of the user's.
 * Called by the agent's loop, and by act.c when a job starts.
 */
#include "agent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "spawn.h"

#define AGAIN_NS UINT64_C(60000000000) /* after one that did not come up, or ended */

/* What a command may want to know of its job. One that waits for the word hears the rest by it. */
void agent_set_environment(const struct job *j)
{
    char number[24];

    setenv("XHS_JOB", j->name, 1);
    snprintf(number, sizeof number, "%" PRIu64, j->line.memory_kb);
    setenv("XHS_MEMORY_KB", number, 1);
    snprintf(number, sizeof number, "%" PRIu64, j->line.request);
    setenv("XHS_REQUEST", number, 1);
}

const char *agent_log_path(char buf[AGENT_PATH_MAX], const struct agent *a, const struct job *j)
{
    snprintf(buf, AGENT_PATH_MAX, "%s/%s.log", a->log_dir, j->name);
    return buf;
}

int agent_stand_ready(struct agent *a, struct job *j, struct xhs_error *e)
{
    char log[AGENT_PATH_MAX];
    const struct spawn s = { j->def.start, NULL, agent_log_path(log, a, j) };

    if (j->ready)
        return 0;
    agent_set_environment(j);
    j->ready = spawn_waiting(&s, &j->ready_fd, e);
    if (j->ready > 0)
        return 0;
    j->ready = 0;
    return -1;
}

int agent_say_word(struct job *j, struct xhs_error *e)
{
    int fd = j->ready_fd;

    j->pid = j->ready;
    j->ready = 0;
    j->ready_fd = -1;
    return spawn_go(fd, j->line.memory_kb, j->line.request, e);
}

void agent_drop_ready(struct job *j)
{
    if (j->ready_fd >= 0)
        close(j->ready_fd); /* which is its end; reaped as any other */
    j->ready_fd = -1;
    j->ready = 0;
}

void agent_keep_ready(struct agent *a, uint64_t now_ns)
{
    struct xhs_error err = { 0 };

    for (struct job *j = a->jobs; j; j = j->next) {
        if (!j->usable || !j->line.hot_standby || job_active(j)) {
            agent_drop_ready(j);
        } else if (!j->ready && now_ns >= j->ready_again_ns) {
            j->ready_again_ns = now_ns + AGAIN_NS;
            if (agent_stand_ready(a, j, &err) < 0)
                log_line(LOG_WARNING, "job %s: no shell stands ready: %s", j->name, err.text);
        }
    }
}

void agent_reap_ready(struct agent *a, pid_t pid)
{
    for (struct job *j = a->jobs; j; j = j->next) {
        if (j->ready == pid)
            agent_drop_ready(j);
    }
}
