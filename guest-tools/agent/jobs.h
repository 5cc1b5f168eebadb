/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's life inside its guest, as decisions: something happened, what is to be done now?
 * No I/O and no clock: the agent carries out what these functions ask for, in the order of the bits
 * of enum job_todo, and comes back with what became of it.
 * Called by xhs-agent (act.c and those who call it); tested by tests/unit/test_guest_jobs.c.
 *
 * A job starts only when dom0 asks for it, with dom0's run grant for the same request id, always;
 * and it has to stop when that is taken away. So there are never two copies of a job, and none has
 * memory that dom0 did not give it, whatever this agent believes.
 */
#ifndef AGENT_JOBS_H
#define AGENT_JOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "area.h"
#include "core/msg.h"
#include "estimate.h"
#include "jobfile.h"
#include "params.h"
#include "settings.h"

#define JOB_STOP_LIMIT_MS 10000 /* from the wish to stop until it is killed */
#define JOB_KILL_AGAIN_MS 100   /* and killed again, if something was left */

struct job {
    struct job *next;
    char name[MSG_NAME_MAX + 1];
    struct msg_job line; /* what dom0 is told: state, effective parameters, last request */

    bool usable; /* def is good; else why_not says what is wrong */
    struct jobdef def;
    struct estimate estimate; /* the caller's, renewed before job_defined */
    struct job_params params; /* of the last xhs-job run */
    bool wanted;              /* there was one, in this agent's time */
    char why_not[MSG_TEXT_MAX + 1];

    bool killed;         /* while STOPPING */
    uint64_t stop_by_ns; /* while STOPPING: when to kill (again) */

    /* The agent's hands. No decision looks at them. */
    bool filed;    /* it has a job file, right or wrong */
    pid_t pid;     /* the start command while it is our child; 0: none, or adopted */
    pid_t stopper; /* the stop command, likewise */
    pid_t ready;   /* a shell that waits for the word to start it; 0: none */
    int ready_fd;  /* where to say it; -1: none */
    uint64_t ready_again_ns; /* no other one before */
    bool prepared;           /* it waits in the job's cgroup */
    bool prepare_tried;      /* for the start under way */
    int status;    /* of the start command, once it ended */
    bool status_known;
    bool emptied;       /* the cgroup has no process left */
    int events_fd;      /* its cgroup.events; -1: none */
    char told[MSG_MAX]; /* the line published last */
    bool dirty;         /* but xenstore did not take it */
    struct area_usage usage; /* as last seen; what dom0 was told of it is in the line */
    uint64_t usage_ns;       /* when dom0 was told */
    uint64_t high_kb;        /* memory.high while it is below the area; 0: it is not */
    uint64_t high_ns;        /* and since when */
    uint64_t raised_used_kb; /* what it used when that was last looked at, and when it was */
    uint64_t raised_ns;
    bool frozen;             /* it went beyond that, and stands still until more has come */
    bool was_frozen;         /* once in this run: that is said */
};

enum job_todo {
    JOB_PREPARE = 1 << 0,      /* an area of kb, and a shell in it that waits for JOB_SPAWN */
    JOB_SPAWN = 1 << 1,        /* run def.start with line.memory_kb; then job_spawned */
    JOB_PUBLISH = 1 << 2,      /* keep line, and tell dom0 */
    JOB_STOP_COMMAND = 1 << 3, /* run def.stop */
    JOB_TERM = 1 << 4,         /* SIGTERM to each of its processes */
    JOB_KILL = 1 << 5,         /* SIGKILL to all of them */
};

enum job_answer { JOB_LATER, JOB_OK, JOB_FAILED };

struct job_result {
    unsigned todo; /* enum job_todo */
    uint64_t kb;   /* of JOB_PREPARE */
    enum job_answer answer;
    char text[MSG_TEXT_MAX + 1]; /* of the answer */
};

enum job_grant { GRANT_NO, GRANT_YES, GRANT_UNKNOWN };

/* How it ended: status is waitpid's, known only when this agent was its parent. */
struct job_end {
    bool known;
    int status;
    bool oom; /* the kernel killed in its cgroup for want of memory */
};

/* STARTING, RUNNING or STOPPING: there may be processes. */
bool job_active(const struct job *j);

/* A definition was read (or could not be: def NULL, why). first: this job was not known before in
 * this boot, so autostart counts. A job that is active keeps running as it is. */
struct job_result job_defined(struct job *j, const struct jobdef *def, const char *why, bool first);

/* An earlier agent of this boot left this line; call job_defined (not first) before. populated: its
 * cgroup has processes, so it runs, whatever the line says. */
struct job_result job_restored(struct job *j, const struct msg_job *line, bool populated,
                               uint64_t now_ns);

/* xhs-job run: the user wants it to run. */
struct job_result job_want(struct job *j, const struct job_params *params);

/* What xhs-job run with these parameters would go by, now. */
void job_settings(const struct job *j, const struct job_params *params, struct settings *out);

/* dom0's request id: start it with an area of kb (0: what its own definition says). there: the
 * memory that the request waits for has come. LATER: it has not, or there is no such grant; call
 * again when that may have changed. A job that did not wait here is one that the other member ran:
 * a hot-standby job, whatever its file here says. */
struct job_result job_start(struct job *j, uint64_t id, uint64_t kb, enum job_grant granted,
                            bool there);

/* What became of JOB_SPAWN: error NULL when it runs. */
struct job_result job_spawned(struct job *j, const char *error);

/* dom0 refuses it the memory that it waits for, and says why. OK in any state: one that does not
 * wait any more is none of that refusal's business. */
struct job_result job_deny(struct job *j, const char *why);

/* Somebody wants it stopped; why goes into its line. OK at once when it is not active. */
struct job_result job_stop(struct job *j, const char *why, uint64_t now_ns);

/* The grant was read again. */
struct job_result job_grant_read(struct job *j, enum job_grant granted, uint64_t now_ns);

/* Time has passed. job_next_ns: when it wants to be called; UINT64_MAX: not at all. */
struct job_result job_tick(struct job *j, uint64_t now_ns);
uint64_t job_next_ns(const struct job *j);

/* None of its processes is left. */
struct job_result job_ended(struct job *j, const struct job_end *end);

/* What to tell one who waits for it to run, and one who waits for it to stop. */
struct job_result job_run_answer(const struct job *j);
struct job_result job_stop_answer(const struct job *j);

#endif
