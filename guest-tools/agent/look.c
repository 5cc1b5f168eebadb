/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent measures, once a second: the guest's memory, what its jobs use of their areas, and
 * so what those that wait have to ask dom0 for; and more often, areas whose memory still arrives.
 * Not the decisions what is worth telling: those are memory.c's, area.c's and ask.c's.
 * Called by the agent's loop, and by those who need a figure.
 */
#include "agent.h"

#include "log.h"
#include "memory.h"

#define NS_PER_MS UINT64_C(1000000)
#define SAMPLE_NS (1000 * NS_PER_MS)
#define AFTER_START_NS (200 * NS_PER_MS) /* the job goes first */
#define RAISE_NS (50 * NS_PER_MS)
#define RAISE_LONG_NS (10000 * NS_PER_MS) /* what has not come by then is looked for less often */

void agent_look_at_job(struct agent *a, struct job *j)
{
    struct area_usage now;
    char path[CGROUP_PATH_MAX];

    if (!cgroup_usage(cgroup_path(path, a->cgroup_base, j->name), &now))
        return;
    if (now.peak_kb < j->usage.peak_kb) /* the kernel keeps none */
        now.peak_kb = j->usage.peak_kb;
    if (now.peak_kb < now.used_kb)
        now.peak_kb = now.used_kb;
    j->usage = now;
}

static void look_at_area(struct agent *a, struct job *j, uint64_t now_ns)
{
    const struct area_usage told = { j->line.used_kb, j->line.peak_kb, j->line.oom_kills };

    agent_look_at_job(a, j);
    if (!area_usage_due(&told, j->usage_ns, &j->usage, now_ns))
        return;
    j->line.used_kb = j->usage.used_kb;
    j->line.peak_kb = j->usage.peak_kb;
    j->line.oom_kills = j->usage.oom_kills;
    j->usage_ns = now_ns;
    agent_publish_figures(a, j);
}

static void read_spare(struct agent *a)
{
    struct xhs_error err = { 0 };

    a->spare_known = true;
    a->spare_said = xhsg_spare(a->g, &a->spare_kb, &err) == 0;
    if (a->spare_said)
        return;
    a->spare_kb = 0;
    if (err.code != XHS_E_NOENT)
        log_line(LOG_WARNING, "%s", err.text);
}

struct ask_facts agent_ask_facts(struct agent *a)
{
    if (!a->spare_known)
        read_spare(a);
    return (struct ask_facts){ a->spare_kb, a->seen.available_kb, ask_kept_kb(a->jobs) };
}

bool agent_look_at_request(struct agent *a, struct job *j)
{
    if (j->line.state != MSG_JOB_WAITING)
        return false;
    const struct ask_facts facts = agent_ask_facts(a);
    uint64_t kb = ask_kb(j->line.memory_kb, &facts);
    bool due = ask_due(j->line.ask_kb, kb, j->line.memory_kb);
    if (due)
        j->line.ask_kb = kb;
    return due;
}

static void look_at_memory(struct agent *a, uint64_t now_ns)
{
    struct xhs_error err = { 0 };

    if (memory_read(&a->seen, &err) < 0 || !memory_due(&a->told, a->told_ns, &a->seen, now_ns))
        return;
    if (xhsg_put_memory(a->g, &a->seen, &err) < 0)
        return; /* told again at the next look */
    a->told = a->seen;
    a->told_ns = now_ns;
}

void agent_look(struct agent *a, uint64_t now_ns)
{
    bool arrives = agent_arrival_ns(a) != UINT64_MAX;

    if (now_ns < a->sample_ns)
        return;
    a->sample_ns = now_ns + SAMPLE_NS;
    agent_keep_ready(a, now_ns);
    agent_republish(a);
    look_at_memory(a, now_ns);
    for (struct job *j = a->jobs; j; j = j->next) {
        if (job_active(j))
            look_at_area(a, j, now_ns);
    }
    /* While memory comes for a takeover, what a waiting job would ask for is nobody's question. */
    for (struct job *j = arrives ? NULL : a->jobs; j; j = j->next) {
        if (agent_look_at_request(a, j))
            agent_publish_figures(a, j);
    }
}

void agent_look_anew(struct agent *a)
{
    a->sample_ns = 0;
    a->spare_known = false;
    agent_look(a, agent_now_ns());
}

void agent_watch_area(struct agent *a, struct job *j)
{
    uint64_t now_ns = agent_now_ns();

    if (a->sample_ns < now_ns + AFTER_START_NS)
        a->sample_ns = now_ns + AFTER_START_NS;
    if (!j->high_kb)
        return;
    j->high_ns = j->raised_ns = now_ns;
    j->raised_used_kb = 0;
    if (j->high_ns + RAISE_NS < a->raise_ns)
        a->raise_ns = j->high_ns + RAISE_NS;
}

static void freeze(struct agent *a, struct job *j, bool frozen)
{
    char path[CGROUP_PATH_MAX];

    if (frozen == j->frozen)
        return;
    cgroup_freeze(cgroup_path(path, a->cgroup_base, j->name), frozen);
    j->frozen = frozen;
    if (frozen && !j->was_frozen)
        log_line(LOG_WARNING, "job %s: used all the memory that has come, and waits for more",
                 j->name);
    j->was_frozen = true;
}

void agent_thaw(struct agent *a, struct job *j)
{
    freeze(a, j, false);
}

/* What the job has is read before what is available: what it takes in between is then counted as
 * neither, and not as both. Returns when to look again. */
static uint64_t raise_area(struct agent *a, struct job *j, unsigned sharers, uint64_t now_ns)
{
    struct msg_memory memory;
    char path[CGROUP_PATH_MAX];
    uint64_t used_kb, cache_kb, high_kb, look_ns;

    cgroup_path(path, a->cgroup_base, j->name);
    if (!cgroup_used(path, &used_kb))
        return now_ns + SAMPLE_NS;
    cache_kb = cgroup_cache_kb(path);
    if (memory_read(&memory, NULL) < 0)
        return now_ns + SAMPLE_NS;
    high_kb = area_high_next(j->line.memory_kb, j->high_kb, memory.available_kb / sharers,
                             used_kb > cache_kb ? used_kb - cache_kb : 0);
    if (high_kb != j->high_kb) {
        cgroup_set_high(path, high_kb);
        j->high_kb = high_kb;
        if (!high_kb)
            log_line(LOG_INFO, "job %s: all of its memory has come", j->name);
    }
    freeze(a, j, j->line.state == MSG_JOB_RUNNING &&
           area_must_wait(high_kb, used_kb, memory.available_kb));
    look_ns = now_ns - j->high_ns >= RAISE_LONG_NS ? SAMPLE_NS :
              area_look_in_ns(j->raised_used_kb, used_kb, now_ns - j->raised_ns, high_kb);
    j->raised_used_kb = used_kb;
    j->raised_ns = now_ns;
    return now_ns + look_ns;
}

unsigned agent_arriving(const struct agent *a)
{
    unsigned n = 0;

    for (const struct job *j = a->jobs; j; j = j->next)
        n += job_active(j) && j->high_kb;
    return n;
}

void agent_raise_areas(struct agent *a, uint64_t now_ns)
{
    unsigned sharers = agent_arriving(a);

    if (now_ns < a->raise_ns)
        return;
    a->raise_ns = UINT64_MAX;
    for (struct job *j = a->jobs; j; j = j->next) {
        if (!job_active(j) || !j->high_kb)
            continue;
        uint64_t next_ns = raise_area(a, j, sharers, now_ns);
        if (j->high_kb && next_ns < a->raise_ns)
            a->raise_ns = next_ns;
    }
}
