/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's life: see jobs.h.
 * Not the hands: no process, file or key is touched here.
 * Called by xhs-agent.
 */
#include "jobs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define NS_PER_MS UINT64_C(1000000)

static void set_reason(struct job *j, const char *reason)
{
    snprintf(j->line.reason, sizeof j->line.reason, "%s", reason);
}

static struct job_result answer(unsigned todo, enum job_answer a, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static struct job_result answer(unsigned todo, enum job_answer a, const char *fmt, ...)
{
    struct job_result r = { .todo = todo, .answer = a };
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r.text, sizeof r.text, fmt, ap);
    va_end(ap);
    return r;
}

static struct job_result nothing(void)
{
    return (struct job_result){ .answer = JOB_LATER };
}

bool job_active(const struct job *j)
{
    switch (j->line.state) {
    case MSG_JOB_STARTING:
    case MSG_JOB_RUNNING:
    case MSG_JOB_STOPPING:
        return true;
    case MSG_JOB_DEFINED:
    case MSG_JOB_WAITING:
    case MSG_JOB_STOPPED:
    case MSG_JOB_FAILED:
        return false;
    }
    return true;
}

/* What a line says of a request for memory, it says while the job waits. */
static void end_request(struct msg_job *line)
{
    line->ask_kb = line->wait_s = 0;
    line->force = false;
}

static void clear_usage(struct msg_job *line)
{
    line->used_kb = line->peak_kb = line->oom_kills = 0;
}

static void apply(const struct settings *s, const struct job_params *p, struct msg_job *line)
{
    bool min = settings_source(s, SETTING_MEMORY_MIN) != SOURCE_DEFAULT;

    if (line->memory_kb != settings_value(s, SETTING_MEMORY))
        line->ask_kb = 0; /* of another size */
    line->hot_standby = settings_value(s, SETTING_HOT_STANDBY) != 0;
    line->memory_kb = settings_value(s, SETTING_MEMORY);
    line->memory_min_kb = min ? settings_value(s, SETTING_MEMORY_MIN) : 0;
    line->priority = settings_value(s, SETTING_PRIORITY);
    if (line->state != MSG_JOB_WAITING) {
        end_request(line);
        return;
    }
    line->wait_s = settings_value(s, SETTING_WAIT);
    line->force = p->force;
}

/* What counts, into a line whose state is set. NULL, or what is wrong: the line is as before. */
static const char *resolve(const struct job *j, const struct job_params *p, bool by_itself,
                           struct msg_job *line)
{
    struct settings s;

    settings_gather(&s, &j->def, p, j->estimate.kb, by_itself);
    const char *wrong = settings_wrong(&s);
    if (!wrong)
        apply(&s, p, line);
    return wrong;
}

static bool runs_by_itself(const struct job *j)
{
    return j->def.autostart && !j->wanted;
}

void job_settings(const struct job *j, const struct job_params *params, struct settings *out)
{
    settings_gather(out, &j->def, params, j->estimate.kb, false);
}

static struct job_result not_usable(struct job *j, const char *why)
{
    j->usable = false;
    snprintf(j->why_not, sizeof j->why_not, "%s", why);
    if (job_active(j))
        return nothing();
    j->line.state = MSG_JOB_FAILED;
    end_request(&j->line);
    set_reason(j, why);
    return answer(JOB_PUBLISH, JOB_FAILED, "%s", why);
}

struct job_result job_defined(struct job *j, const struct jobdef *def, const char *why, bool first)
{
    bool was_usable = j->usable;

    if (!def)
        return not_usable(j, why);
    j->def = *def;
    j->usable = true;
    j->why_not[0] = '\0';
    if (job_active(j))
        return nothing();
    if (first)
        j->line.state = def->autostart ? MSG_JOB_WAITING : MSG_JOB_DEFINED;
    else if (!was_usable && j->line.state == MSG_JOB_FAILED && !j->line.request)
        j->line.state = MSG_JOB_DEFINED; /* its file was wrong before */
    const char *wrong = resolve(j, &j->params, runs_by_itself(j), &j->line);
    if (wrong && j->line.state == MSG_JOB_WAITING) {
        j->line.state = MSG_JOB_FAILED;
        end_request(&j->line);
        set_reason(j, wrong);
    } else if (j->line.state == MSG_JOB_WAITING || j->line.state == MSG_JOB_DEFINED) {
        set_reason(j, "");
    }
    return answer(JOB_PUBLISH, JOB_OK, "%s", "");
}

/* What xhs-job was told is in a line that waits: all that would not be so without. */
static void recall_params(struct job *j, const struct msg_job *line)
{
    struct msg_job bare = *line;

    j->params = (struct job_params){ .force = line->force };
    if (resolve(j, &(struct job_params){ 0 }, runs_by_itself(j), &bare))
        return;
    if (line->hot_standby != bare.hot_standby)
        j->params.hot_standby = line->hot_standby ? YES : NO;
    if (line->memory_kb != bare.memory_kb)
        j->params.memory_kb = line->memory_kb;
    if (line->memory_min_kb != bare.memory_min_kb)
        j->params.memory_min_kb = line->memory_min_kb;
    if (line->priority != bare.priority)
        j->params.priority = (struct optional){ true, line->priority };
    if (line->wait_s != bare.wait_s)
        j->params.wait_s = (struct optional){ true, line->wait_s };
}

struct job_result job_restored(struct job *j, const struct msg_job *line, bool populated,
                               uint64_t now_ns)
{
    const struct job_end unknown = { .known = false };
    bool was_active = line->state == MSG_JOB_STARTING || line->state == MSG_JOB_RUNNING ||
                      line->state == MSG_JOB_STOPPING;

    if (!populated && !was_active && !j->usable)
        return answer(JOB_PUBLISH, JOB_OK, "%s", ""); /* job_defined has said what is wrong */
    j->line = *line;
    if (populated) {
        j->line.state = MSG_JOB_RUNNING;
        if (line->state == MSG_JOB_STOPPING)
            return job_stop(j, line->reason, now_ns);
    } else if (was_active) {
        return job_ended(j, &unknown);
    } else if (line->state == MSG_JOB_WAITING) {
        recall_params(j, line);
    }
    return answer(JOB_PUBLISH, JOB_OK, "%s", "");
}

static struct job_result already_active(const struct job *j)
{
    if (j->line.state == MSG_JOB_STOPPING)
        return answer(0, JOB_FAILED, "it is stopping");
    if (j->line.request)
        return answer(0, JOB_FAILED, "already running under request %" PRIu64, j->line.request);
    return answer(0, JOB_FAILED, "already running, under no request");
}

struct job_result job_want(struct job *j, const struct job_params *params)
{
    if (job_active(j))
        return already_active(j);
    if (!j->usable)
        return answer(0, JOB_FAILED, "%s", j->why_not);
    struct msg_job line = j->line;
    line.state = MSG_JOB_WAITING;
    line.ask_kb = 0;
    const char *wrong = resolve(j, params, false, &line);
    if (wrong)
        return answer(0, JOB_FAILED, "%s", wrong);
    j->line = line;
    j->params = *params;
    j->wanted = true;
    j->line.request = 0;
    clear_usage(&j->line);
    set_reason(j, "");
    return answer(JOB_PUBLISH, JOB_LATER, "%s", "");
}

/* Nobody asked for it here: all is as its own definition says, but that it is a hot-standby job. */
static void take_as_heir(struct job *j)
{
    struct settings s;

    settings_gather(&s, &j->def, &(struct job_params){ 0 }, j->estimate.kb, true);
    apply(&s, &j->params, &j->line);
    j->line.hot_standby = true;
}

struct job_result job_start(struct job *j, uint64_t id, uint64_t kb, enum job_grant granted,
                            bool there)
{
    struct job_result r;

    if (j->line.request == id && j->line.state == MSG_JOB_RUNNING)
        return answer(JOB_PUBLISH, JOB_OK, "%s", "");
    if (job_active(j))
        return already_active(j);
    if (j->line.request == id) /* a grant is good for one start */
        return answer(0, JOB_FAILED, "request %" PRIu64 " was carried out, and ended: %s", id,
                      j->line.reason);
    if (!j->usable)
        return answer(0, JOB_FAILED, "%s", j->why_not);
    if (granted == GRANT_NO) /* it may be written just after the request */
        return answer(0, JOB_LATER, "no run grant for request %" PRIu64 " yet", id);
    if (granted == GRANT_UNKNOWN)
        return answer(0, JOB_FAILED, "the run grant cannot be read");
    if (!there) {
        r = answer(JOB_PREPARE, JOB_LATER, "its memory for request %" PRIu64 " is to come", id);
        r.kb = kb ? kb : j->line.memory_kb;
        return r;
    }

    if (j->line.state != MSG_JOB_WAITING)
        take_as_heir(j);
    j->line.state = MSG_JOB_STARTING;
    if (kb)
        j->line.memory_kb = kb;
    if (j->line.memory_min_kb > j->line.memory_kb)
        j->line.memory_min_kb = j->line.memory_kb;
    j->line.request = id;
    end_request(&j->line);
    clear_usage(&j->line);
    set_reason(j, "");
    return answer(JOB_SPAWN, JOB_LATER, "%s", "");
}

struct job_result job_spawned(struct job *j, const char *error)
{
    j->line.state = error ? MSG_JOB_FAILED : MSG_JOB_RUNNING;
    set_reason(j, error ? error : "");
    return answer(JOB_PUBLISH, error ? JOB_FAILED : JOB_OK, "%s", error ? error : "");
}

struct job_result job_deny(struct job *j, const char *why)
{
    if (j->line.state != MSG_JOB_WAITING)
        return answer(0, JOB_OK, "%s", "");
    j->line.state = MSG_JOB_FAILED;
    end_request(&j->line);
    set_reason(j, why[0] ? why : "dom0 refused it its memory");
    return answer(JOB_PUBLISH, JOB_OK, "%s", "");
}

struct job_result job_stop(struct job *j, const char *why, uint64_t now_ns)
{
    switch (j->line.state) {
    case MSG_JOB_STARTING:
    case MSG_JOB_RUNNING:
        break;
    case MSG_JOB_STOPPING:
        return nothing();
    case MSG_JOB_WAITING:
        j->line.state = MSG_JOB_STOPPED;
        end_request(&j->line);
        set_reason(j, why);
        return answer(JOB_PUBLISH, JOB_OK, "%s", "it was not running");
    case MSG_JOB_DEFINED:
    case MSG_JOB_STOPPED:
    case MSG_JOB_FAILED:
        return answer(0, JOB_OK, "%s", "it was not running");
    }
    bool command = j->usable && j->def.stop[0];
    j->line.state = MSG_JOB_STOPPING;
    j->killed = false;
    j->stop_by_ns = now_ns + JOB_STOP_LIMIT_MS * NS_PER_MS;
    set_reason(j, why);
    return answer(JOB_PUBLISH | (command ? JOB_STOP_COMMAND : JOB_TERM), JOB_LATER, "%s", "");
}

struct job_result job_grant_read(struct job *j, enum job_grant granted, uint64_t now_ns)
{
    if (j->line.state != MSG_JOB_RUNNING || !j->line.request || granted != GRANT_NO)
        return nothing();
    return job_stop(j, "dom0 took the run grant back", now_ns);
}

struct job_result job_tick(struct job *j, uint64_t now_ns)
{
    if (j->line.state != MSG_JOB_STOPPING || now_ns < j->stop_by_ns)
        return nothing();
    j->killed = true;
    j->stop_by_ns = now_ns + JOB_KILL_AGAIN_MS * NS_PER_MS;
    return answer(JOB_KILL, JOB_LATER, "%s", "");
}

uint64_t job_next_ns(const struct job *j)
{
    return j->line.state == MSG_JOB_STOPPING ? j->stop_by_ns : UINT64_MAX;
}

struct job_result job_ended(struct job *j, const struct job_end *end)
{
    bool good = end->known && WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0;

    j->line.used_kb = 0;
    if (j->line.state == MSG_JOB_STOPPING) {
        j->line.state = MSG_JOB_STOPPED; /* the reason is why it was stopped */
        return answer(JOB_PUBLISH, JOB_OK, "%s", "");
    }
    j->line.state = good ? MSG_JOB_STOPPED : MSG_JOB_FAILED;
    if (good)
        set_reason(j, "exit 0");
    else if (end->oom)
        set_reason(j, "out of memory");
    else if (!end->known) /* unknown is not good: dom0 must not take it for done */
        set_reason(j, "it ended, and its exit status was lost with an earlier agent");
    else if (WIFSIGNALED(end->status))
        snprintf(j->line.reason, sizeof j->line.reason, "signal %d", WTERMSIG(end->status));
    else
        snprintf(j->line.reason, sizeof j->line.reason, "exit %d", WEXITSTATUS(end->status));
    return answer(JOB_PUBLISH, JOB_OK, "%s", "");
}

struct job_result job_run_answer(const struct job *j)
{
    switch (j->line.state) {
    case MSG_JOB_WAITING:
    case MSG_JOB_STARTING:
        return nothing();
    case MSG_JOB_RUNNING:
        return answer(0, JOB_OK, "running");
    case MSG_JOB_DEFINED:
    case MSG_JOB_STOPPING:
    case MSG_JOB_STOPPED:
    case MSG_JOB_FAILED:
        break;
    }
    return answer(0, JOB_FAILED, "%s: %s", msg_job_state_word(j->line.state), j->line.reason);
}

struct job_result job_stop_answer(const struct job *j)
{
    if (job_active(j))
        return nothing();
    return answer(0, JOB_OK, "%s", msg_job_state_word(j->line.state));
}
