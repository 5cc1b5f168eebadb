/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's hands: it carries out what jobs.c decides, and brings back what became of it.
 * Not the decisions: of a job's line only what was measured is set here.
 * Called by the agent's loop, by load.c, requests.c and sock.c.
 */
#include "agent.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "measure.h"
#include "spawn.h"
#include "state.h"

struct job *agent_find_job(struct agent *a, const char *name)
{
    struct job *j = a->jobs;

    while (j && strcmp(j->name, name) != 0)
        j = j->next;
    return j;
}

struct job *agent_add_job(struct agent *a, const char *name)
{
    struct job **end = &a->jobs;

    for (; *end; end = &(*end)->next) {
        if (strcmp((*end)->name, name) == 0)
            return *end;
    }
    *end = calloc(1, sizeof **end);
    if (!*end)
        return NULL;
    snprintf((*end)->name, sizeof(*end)->name, "%s", name);
    (*end)->events_fd = (*end)->ready_fd = -1;
    return *end;
}

static void close_cgroup(struct agent *a, struct job *j)
{
    char path[CGROUP_PATH_MAX];

    if (j->events_fd >= 0)
        close(j->events_fd);
    j->events_fd = -1;
    cgroup_remove(cgroup_path(path, a->cgroup_base, j->name));
}

void agent_drop_job(struct agent *a, struct job *j)
{
    struct xhs_error err = { 0 };
    struct job **at = &a->jobs;

    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    agent_unprepare(a, j);
    agent_drop_ready(j);
    if (xhsg_drop_job(a->g, j->name, &err) < 0)
        log_line(LOG_ERR, "job %s: %s", j->name, err.text);
    state_remove(a->state_dir, j->name);
    close_cgroup(a, j);
    free(j);
}

static void keep_state(struct agent *a, struct job *j)
{
    struct xhs_error err = { 0 };

    /* Of a job that only has a wrong file there is nothing to remember: put right, it is new. */
    if (!j->usable && !job_active(j) && !j->line.request)
        state_remove(a->state_dir, j->name);
    else if (state_write(a->state_dir, j->name, xhsg_boot_id(a->g), &j->line, &err) < 0)
        log_line(LOG_ERR, "job %s: its state will not survive the agent: %s", j->name, err.text);
}

static void tell_dom0(struct agent *a, struct job *j)
{
    struct xhs_error err = { 0 };
    bool failed = xhsg_put_job(a->g, j->name, &j->line, &err) < 0;

    if (failed && !j->dirty) /* it is tried again: say so once */
        log_line(LOG_ERR, "job %s: dom0 is not told: %s", j->name, err.text);
    j->dirty = failed;
}

static void publish(struct agent *a, struct job *j)
{
    char line[MSG_MAX];

    agent_look_at_request(a, j);
    msg_format_job(line, &j->line);
    if (strcmp(line, j->told) == 0 && !j->dirty)
        return;
    strcpy(j->told, line);
    tell_dom0(a, j);
    keep_state(a, j);
    log_line(j->line.state == MSG_JOB_FAILED ? LOG_ERR : LOG_INFO, "job %s: %s", j->name, line);
}

void agent_publish_figures(struct agent *a, struct job *j)
{
    msg_format_job(j->told, &j->line);
    tell_dom0(a, j);
}

void agent_republish(struct agent *a)
{
    for (struct job *j = a->jobs; j; j = j->next) {
        if (j->dirty)
            tell_dom0(a, j);
    }
}

/* An empty cgroup of the right size for the job, and its events file. */
static int open_cgroup(struct agent *a, struct job *j, uint64_t kb, struct xhs_error *e)
{
    char path[CGROUP_PATH_MAX], base[CGROUP_PATH_MAX];

    cgroup_path(path, a->cgroup_base, j->name);
    /* By the last look's figures: in a takeover there is no time for another one. What was
     * available then is another's by now, if one started before it. */
    j->high_kb = area_high_first(kb, j->line.memory_min_kb,
                                 agent_arriving(a) ? 0 : a->seen.available_kb);
    if (cgroup_create(path, kb, j->high_kb, NULL) < 0 &&
        (cgroup_prepare(base, e) < 0 || cgroup_create(path, kb, j->high_kb, e) < 0))
        return -1;
    j->events_fd = cgroup_open_events(path);
    switch (j->events_fd < 0 ? -1 : cgroup_populated(j->events_fd)) {
    case 0:
        return 0;
    case 1:
        return xhs_fail(e, XHS_E_STATE, "there are processes in its cgroup already");
    default:
        return xhs_fail(e, XHS_E_SYSTEM, "cannot tell what is in its cgroup");
    }
}

/* All but the word: its cgroup, and in there the shell that waits. Once for each start. */
static int prepare(struct agent *a, struct job *j, uint64_t kb, struct xhs_error *e)
{
    char path[CGROUP_PATH_MAX];

    if (j->prepared)
        return 0;
    j->prepared = true;
    if (open_cgroup(a, j, kb, e) == 0 && agent_stand_ready(a, j, e) == 0 &&
        cgroup_enter(cgroup_path(path, a->cgroup_base, j->name), j->ready, e) == 0)
        return 0;
    agent_unprepare(a, j);
    return -1;
}

void agent_unprepare(struct agent *a, struct job *j)
{
    j->prepare_tried = false;
    if (!j->prepared)
        return;
    j->prepared = false;
    j->high_kb = 0;
    agent_drop_ready(j);
    close_cgroup(a, j);
}

static struct job_result launch(struct agent *a, struct job *j)
{
    struct xhs_error err = { 0 };

    j->status_known = false;
    j->emptied = false;
    keep_state(a, j); /* before the word: an agent that comes after us must know the request */
    if (prepare(a, j, j->line.memory_kb, &err) == 0 && agent_say_word(j, &err) < 0)
        agent_unprepare(a, j);
    j->prepared = j->prepare_tried = false;
    j->usage = (struct area_usage){ 0 };
    j->frozen = j->was_frozen = false;
    if (err.code != XHS_E_NONE)
        return job_spawned(j, err.text);
    agent_watch_area(a, j);
    return job_spawned(j, NULL);
}

static void run_stop_command(struct agent *a, struct job *j)
{
    char path[CGROUP_PATH_MAX], log[AGENT_PATH_MAX];
    const struct spawn s = { j->def.stop, cgroup_path(path, a->cgroup_base, j->name),
                             agent_log_path(log, a, j) };
    struct xhs_error err = { 0 };

    agent_set_environment(j);
    j->stopper = spawn(&s, &err);
    if (j->stopper < 0) {
        log_line(LOG_ERR, "job %s: stop command: %s", j->name, err.text);
        j->stopper = 0;
        cgroup_signal(path, SIGTERM);
    }
}

/* Returns the result that counts: for a start, that of the start. */
struct job_result agent_act(struct agent *a, struct job *j, struct job_result r)
{
    char path[CGROUP_PATH_MAX];

    cgroup_path(path, a->cgroup_base, j->name);
    if ((r.todo & JOB_PREPARE) && !j->prepare_tried) {
        prepare(a, j, r.kb, NULL); /* the start itself tries again, and says why it cannot be */
        j->prepare_tried = true;
    }
    if (r.todo & JOB_SPAWN)
        r = launch(a, j);
    if (r.todo & JOB_PUBLISH)
        publish(a, j);
    if (r.todo & (JOB_STOP_COMMAND | JOB_TERM))
        agent_thaw(a, j);
    if (r.todo & JOB_STOP_COMMAND)
        run_stop_command(a, j);
    if (r.todo & JOB_TERM)
        cgroup_signal(path, SIGTERM);
    if (r.todo & JOB_KILL)
        cgroup_kill(path);
    return r;
}

/* For the next run's estimate. */
static void keep_peak(struct agent *a, const struct job *j)
{
    struct xhs_error err = { 0 };
    uint64_t kept_kb = measure_peak(a->peak_dir, j->name);
    uint64_t kb = estimate_keep(kept_kb, j->usage.peak_kb, j->line.memory_kb,
                                j->usage.oom_kills > 0);

    if (kb != kept_kb && measure_keep_peak(a->peak_dir, j->name, kb, &err) < 0)
        log_line(LOG_WARNING, "job %s: its peak is not kept: %s", j->name, err.text);
}

static void check_job(struct agent *a, struct job *j)
{
    if (!job_active(j) || j->events_fd < 0)
        return;
    if (cgroup_populated(j->events_fd) == 0)
        j->emptied = true;
    /* A process leaves its cgroup just before its parent can reap it: wait for both. */
    if (!j->emptied || j->pid || j->stopper)
        return;
    agent_look_at_job(a, j);
    const struct job_end end = { j->status_known, j->status, j->usage.oom_kills > 0 };
    j->line.peak_kb = j->usage.peak_kb;
    j->line.oom_kills = j->usage.oom_kills;
    j->usage.used_kb = j->high_kb = 0;
    close_cgroup(a, j);
    agent_act(a, j, job_ended(j, &end));
    keep_peak(a, j);
}

void agent_check_jobs(struct agent *a)
{
    for (struct job *j = a->jobs; j; j = j->next)
        check_job(a, j);
}

void agent_reap(struct agent *a)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        agent_reap_ready(a, pid);
        for (struct job *j = a->jobs; j; j = j->next) {
            if (j->pid == pid) {
                j->pid = 0;
                j->status = status;
                j->status_known = true;
            } else if (j->stopper == pid) {
                j->stopper = 0;
            }
        }
    }
    agent_check_jobs(a);
}

void agent_tick_jobs(struct agent *a, uint64_t now_ns)
{
    for (struct job *j = a->jobs; j; j = j->next)
        agent_act(a, j, job_tick(j, now_ns));
}
