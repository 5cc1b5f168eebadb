/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which jobs there are: job files, and what an earlier agent of this boot left running.
 * Not the parser of a job file: that is jobfile.c.
 * Called by the agent when it starts, on SIGHUP, and for xhs-job run.
 */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "measure.h"
#include "state.h"

struct job_result agent_load_definition(struct agent *a, struct job *j, bool first)
{
    char path[AGENT_PATH_MAX];
    struct xhs_error err = { 0 };
    struct jobdef def;

    snprintf(path, sizeof path, "%s/%s.job", a->jobs_dir, j->name);
    j->filed = true;
    agent_drop_ready(j); /* it may have another command now */
    j->ready_again_ns = 0;
    if (jobfile_read(path, &def, &err) == 0) {
        j->estimate = measure_job(a->peak_dir, j->name, def.start);
        return job_defined(j, &def, NULL, first);
    }
    j->filed = err.code != XHS_E_NOENT;
    log_line(LOG_ERR, "job %s: %s", j->name, err.text);
    return job_defined(j, NULL, j->filed ? err.text : "it has no job file", first);
}

/* Add a job for each entry of dir that can be one's name; suffixed: each NAME.job. */
static void add_from(struct agent *a, const char *dir, bool suffixed)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, alphasort);

    if (n < 0 && errno != ENOENT)
        log_line(LOG_ERR, "%s: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        const char *file = entries[i]->d_name;
        char name[MSG_NAME_MAX + 1];
        bool valid;
        if (!suffixed) {
            if (msg_valid_name(file) && entries[i]->d_type == DT_DIR)
                agent_add_job(a, file);
        } else if (jobfile_name(file, name, sizeof name, &valid)) {
            if (!valid)
                log_line(LOG_ERR, "%s/%s:1: no name for a job (1 to %d of A-Za-z0-9_-)", dir, file,
                         MSG_NAME_MAX);
            else if (!agent_add_job(a, name))
                log_line(LOG_ERR, "%s/%s: out of memory", dir, file);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

/* Find out how things stand with one job, and tell dom0. */
static void take_over(struct agent *a, struct job *j)
{
    struct msg_job line = { .state = MSG_JOB_RUNNING };
    char path[CGROUP_PATH_MAX];
    struct xhs_error err = { 0 };

    j->events_fd = cgroup_open_events(cgroup_path(path, a->cgroup_base, j->name));
    /* Cannot tell: then it runs, until told otherwise. */
    bool populated = j->events_fd >= 0 && cgroup_populated(j->events_fd) != 0;
    bool left = state_read(a->state_dir, j->name, xhsg_boot_id(a->g), &line, &err) == 0;
    bool first = !left && !populated;

    struct job_result r = agent_load_definition(a, j, first);
    if (!first)
        r = job_restored(j, &line, populated, agent_now_ns());
    if (populated) {
        log_line(LOG_INFO, "job %s: runs already, and is taken over", j->name);
        j->high_kb = cgroup_high(path);
        j->frozen = j->high_kb != 0; /* for all we know */
        agent_thaw(a, j);
        agent_look_at_job(a, j);
        agent_watch_area(a, j);
    } else if (j->events_fd >= 0) {
        close(j->events_fd);
        j->events_fd = -1;
        cgroup_remove(path);
    }
    r.todo |= JOB_PUBLISH;
    agent_act(a, j, r);
}

/* Jobs without a file, unless they run; and lines of such in xenstore. */
static void drop_gone(struct agent *a)
{
    struct xhs_error err = { 0 };
    unsigned n = 0;
    char **names;

    for (struct job *j = a->jobs, *next; j; j = next) {
        next = j->next;
        if (!j->filed && !job_active(j))
            agent_drop_job(a, j);
    }
    names = xhsg_list_jobs(a->g, &n, &err);
    if (!names)
        log_line(LOG_ERR, "%s", err.text);
    for (unsigned i = 0; i < n; i++) {
        err.code = XHS_E_NONE;
        if (!agent_find_job(a, names[i]) && xhsg_drop_job(a->g, names[i], &err) < 0)
            log_line(LOG_ERR, "%s", err.text);
    }
    free(names);
}

void agent_load(struct agent *a)
{
    add_from(a, a->jobs_dir, true);
    add_from(a, a->cgroup_base, false);
    for (struct job *j = a->jobs; j; j = j->next)
        take_over(a, j);
    drop_gone(a);
}

void agent_reload(struct agent *a)
{
    add_from(a, a->jobs_dir, true);
    for (struct job *j = a->jobs; j; j = j->next)
        agent_act(a, j, agent_load_definition(a, j, false));
    drop_gone(a);
}
