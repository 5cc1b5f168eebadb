/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests of the simulated host, with an agent in each that keeps the protocol of
 * xenstore-schema/xhs-paths.md, and a book of who executes which job. See daemon.h.
 */
#include "tests/unit/daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/msg.h"
#include "fake_internal.h" /* a guest's xenstore-list, and its own page count */

#define JOBS 8
#define DOMAINS 128
#define START_NS (40 * FAKE_MS)
#define STOP_NS (20 * FAKE_MS)
#define POLL_NS (5 * FAKE_MS)
#define OVERHEAD_KB (20 * MIB) /* of its pages, what MemTotal never shows */

/* What is installed in the image of a domain of this name. */
struct image {
    char domain[64];
    bool silent;
    char refusal[64];
    unsigned jobs;
    struct agent_job job[JOBS];
};
static struct image images[DOMAINS];

enum run { RUN_NOT, RUN_STARTING, RUN_ON, RUN_STOPPING };

struct agent {
    struct agent *next;
    uint32_t domid;
    struct image *image;
    char boot_id[MSG_BOOT_ID_LEN + 1];
    struct {
        enum run run;
        uint64_t request; /* it runs under, or ran last */
        uint64_t need_kb; /* of the start it was asked for last */
        enum msg_job_state told;
        struct job_seen seen;
    } job[JOBS];
};
static struct agent *agents;
static unsigned boots;

/* Something that an agent does later, if its domain still runs then. */
struct task {
    struct task *next;
    struct agent *a;
    void (*fn)(struct agent *a, unsigned job, uint64_t id, uint64_t kb);
    unsigned job;
    uint64_t id, kb;
};
static struct task *tasks;

/* ---- names ---- */

static struct image *image_of(const char *domain)
{
    for (int i = 0; i < DOMAINS; i++) {
        if (!images[i].domain[0])
            snprintf(images[i].domain, sizeof images[i].domain, "%s", domain);
        if (strcmp(images[i].domain, domain) == 0)
            return &images[i];
    }
    abort();
}

static int job_named(const struct image *m, const char *name)
{
    for (unsigned i = 0; i < m->jobs; i++) {
        if (strcmp(m->job[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

void agent_has(const char *domain, const struct agent_job *job)
{
    struct image *m = image_of(domain);
    int i = job_named(m, job->name);

    if (i < 0) {
        ck_assert_uint_lt(m->jobs, JOBS);
        i = (int)m->jobs++;
    }
    m->job[i] = *job;
}

void agent_defines(const char *domain, const char *job, uint64_t kb, uint64_t min_kb)
{
    struct agent_job j = { .kb = kb, .min_kb = min_kb, .wait_s = MSG_WAIT_FOREVER, .boot = true };

    snprintf(j.name, sizeof j.name, "%s", job);
    agent_has(domain, &j);
}

void agent_silent(const char *domain, bool silent)
{
    image_of(domain)->silent = silent;
}

void agent_refuses(const char *domain, const char *text)
{
    struct image *m = image_of(domain);

    snprintf(m->refusal, sizeof m->refusal, "%s", text);
}

/* The pair's name is the domain's without "-a". */
static bool of_pair(const struct agent *a, const char *pair)
{
    size_t n = strlen(pair);

    return strncmp(a->image->domain, pair, n) == 0 && strlen(a->image->domain) == n + 2;
}

/* ---- later ---- */

/* Its processes execute, or will when it is unpaused. */
static bool lives(const struct agent *a)
{
    const struct sim *s = sim_find(a->domid);

    return s && !s->shutdown && !s->killed;
}

static void run_task(void *arg)
{
    struct task *t = arg, **at = &tasks;
    const struct sim *s = sim_find(t->a->domid);

    if (s && lives(t->a) && (!sim_runs(s) || t->a->image->silent)) { /* it stands still */
        fake_post(d.loop, POLL_NS, run_task, t);
        return;
    }
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    if (lives(t->a))
        t->fn(t->a, t->job, t->id, t->kb);
    free(t);
}

static void later(int64_t ns, struct agent *a,
                  void (*fn)(struct agent *a, unsigned job, uint64_t id, uint64_t kb),
                  unsigned job, uint64_t id, uint64_t kb)
{
    struct task *t = fake_alloc(sizeof *t);

    *t = (struct task){ tasks, a, fn, job, id, kb };
    tasks = t;
    fake_post(d.loop, ns, run_task, t);
}

/* ---- what it writes ---- */

static void write_job(struct agent *a, unsigned job, enum msg_job_state state)
{
    const struct agent_job *j = &a->image->job[job];
    char path[96], line[MSG_MAX];
    struct msg_job m = {
        .state = state,
        .hot_standby = !j->plain,
        .memory_kb = j->kb,
        .memory_min_kb = j->min_kb,
        .ask_kb = j->ask_kb,
        .priority = j->priority,
        .wait_s = j->wait_s,
        .force = j->force,
        .request = state == MSG_JOB_WAITING ? 0 : a->job[job].request,
    };

    a->job[job].told = state;
    snprintf(path, sizeof path, "data/xhs/job/%s", j->name);
    msg_format_job(line, &m);
    ck_assert_int_eq(fake_guest_write(a->domid, path, line), 0);
}

static void write_reply(struct agent *a, uint64_t id, bool ok, const char *text)
{
    char path[64], line[MSG_MAX];
    struct msg_reply m = { .ok = ok };

    snprintf(m.boot_id, sizeof m.boot_id, "%s", a->boot_id);
    snprintf(m.text, sizeof m.text, "%s", text);
    snprintf(path, sizeof path, "data/xhs/reply/%" PRIu64, id);
    msg_format_reply(line, &m);
    fake_guest_write(a->domid, path, line);
}

static void write_memory(struct agent *a)
{
    char line[MSG_MAX];
    const struct sim *s = sim_find(a->domid);
    struct msg_memory m = { .total_kb = s->tot_kb - OVERHEAD_KB };

    m.available_kb = m.total_kb - 40 * MIB;
    msg_format_memory(line, &m);
    fake_guest_write(a->domid, "data/xhs/agent/memory", line);
}

/* ---- what it is asked ---- */

static uint64_t grant_of(struct agent *a, unsigned job)
{
    char path[96], value[32];

    snprintf(path, sizeof path, "xhs/job/%s/run", a->image->job[job].name);
    return fake_guest_read(a->domid, path, value, sizeof value) > 0 ? strtoull(value, NULL, 10)
                                                                    : 0;
}

/* Both members may have a plain one of a name, beside each other. */
static void executes(struct agent *a, unsigned job)
{
    bool plain = a->image->job[job].plain;

    for (struct agent *o = plain ? NULL : agents; o; o = o->next) {
        int i = job_named(o->image, a->image->job[job].name);
        bool same_pair = strlen(o->image->domain) == strlen(a->image->domain) &&
                         strncmp(o->image->domain, a->image->domain,
                                 strlen(a->image->domain) - 1) == 0;
        if (o != a && same_pair && i >= 0 && !o->image->job[i].plain && lives(o) &&
            o->job[i].run != RUN_NOT && o->job[i].run != RUN_STARTING)
            ck_abort_msg("two copies of %s, in %u and %u", a->image->job[job].name, o->domid,
                         a->domid);
    }
    a->job[job].seen.starts++;
}

static void started(struct agent *a, unsigned job, uint64_t id, uint64_t kb)
{
    (void)kb;
    if (a->job[job].run != RUN_STARTING || a->job[job].request != id)
        return; /* done in a hurry */
    if (grant_of(a, job) != id) {
        a->job[job].run = RUN_NOT;
        return;
    }
    executes(a, job);
    a->job[job].run = RUN_ON;
    write_job(a, job, MSG_JOB_RUNNING);
    write_reply(a, id, true, "");
}

static void stopped(struct agent *a, unsigned job, uint64_t id, uint64_t kb)
{
    (void)id;
    a->job[job].run = RUN_NOT;
    write_job(a, job, kb ? MSG_JOB_FAILED : MSG_JOB_STOPPED);
}

static void start(struct agent *a, unsigned job, uint64_t id, uint64_t kb)
{
    if (a->job[job].request == id) { /* told again */
        if (a->job[job].run == RUN_ON)
            write_reply(a, id, true, "");
    } else if (a->image->refusal[0]) {
        write_reply(a, id, false, a->image->refusal);
    } else if (grant_of(a, job) == id && a->job[job].run == RUN_NOT &&
               sim_find(a->domid)->tot_kb < a->job[job].need_kb) {
        later(POLL_NS, a, start, job, id, kb);
    } else if (grant_of(a, job) == id && a->job[job].run == RUN_NOT) {
        check_start(a->domid, a->image->job[job].name, a->image->job[job].plain, kb);
        a->job[job].seen.start_kb = kb;
        a->job[job].run = RUN_STARTING;
        a->job[job].request = id;
        later(START_NS, a, started, job, id, 0);
    }
}

static void start_with(struct agent *a, unsigned job, uint64_t id, const struct msg_req *req)
{
    a->job[job].need_kb = req->need_kb;
    start(a, job, id, req->kb);
}

static void deny(struct agent *a, unsigned job, const struct msg_req *req)
{
    struct job_seen *seen = &a->job[job].seen;

    seen->denials++;
    seen->deny_kb = req->kb;
    snprintf(seen->deny_text, sizeof seen->deny_text, "%s", req->text);
    if (a->job[job].told == MSG_JOB_WAITING)
        write_job(a, job, MSG_JOB_FAILED);
}

static void carry_out(struct agent *a, uint64_t id, const char *line)
{
    struct msg_req req;
    int job;

    ck_assert_msg(msg_parse_req(line, strlen(line), &req) == MSG_OK, "request: %s", line);
    job = job_named(a->image, req.job);
    switch (req.op) {
    case MSG_OP_START:
        if (job < 0)
            write_reply(a, id, false, "no such job here");
        else
            start_with(a, (unsigned)job, id, &req);
        break;
    case MSG_OP_DENY:
        if (job >= 0)
            deny(a, (unsigned)job, &req);
        write_reply(a, id, true, "");
        break;
    case MSG_OP_STOP:
        write_reply(a, id, false, "not asked for in these tests");
        break;
    case MSG_OP_BALLOON:
        fake_guest_target(a->domid, req.kb);
        write_reply(a, id, true, "");
        break;
    }
}

static void check_grants(struct agent *a)
{
    for (unsigned i = 0; i < a->image->jobs; i++) {
        if (a->job[i].run != RUN_ON || grant_of(a, i) == a->job[i].request)
            continue;
        a->job[i].run = RUN_STOPPING;
        later(STOP_NS, a, stopped, i, 0, 0);
    }
}

static void look(void *arg, uint32_t domid, const char *path)
{
    struct agent *a = arg;
    char dir[64], req[96], line[MSG_MAX];
    char **name;
    unsigned n = 0;

    (void)path;
    if (a->image->silent)
        return;
    snprintf(dir, sizeof dir, "/local/domain/%u/xhs/req", domid);
    name = tree_children(dir, &n);
    for (unsigned i = 0; name && i < n; i++) {
        snprintf(req, sizeof req, "data/xhs/reply/%s", name[i]);
        if (fake_guest_read(domid, req, line, sizeof line) >= 0)
            continue;
        snprintf(req, sizeof req, "xhs/req/%s", name[i]);
        if (fake_guest_read(domid, req, line, sizeof line) > 0)
            carry_out(a, strtoull(name[i], NULL, 10), line);
    }
    free(name);
    check_grants(a);
}

static void booted(void *arg, uint32_t domid, const char *name)
{
    struct agent *a = fake_alloc(sizeof *a);
    char value[8];

    (void)arg;
    a->domid = domid;
    a->image = image_of(name);
    a->next = agents;
    agents = a;
    snprintf(a->boot_id, sizeof a->boot_id, "%08x-0000-4000-8000-0000000000ff", ++boots);
    if (a->image->silent || fake_guest_read(domid, "xhs/format", value, sizeof value) != 1)
        return;
    for (unsigned i = 0; i < a->image->jobs; i++)
        write_job(a, i, a->image->job[i].boot ? MSG_JOB_WAITING : MSG_JOB_DEFINED);
    write_memory(a);
    fake_guest_write(domid, "data/xhs/agent/boot_id", a->boot_id);
    fake_guest_write(domid, "data/xhs/agent/version", "1");
    fake_guest_watch(domid, "xhs", look, a);
}

/* ---- what the tests ask ---- */

static struct agent *runner_of(const char *pair, const char *job, int *index)
{
    for (struct agent *a = agents; a; a = a->next) {
        *index = job_named(a->image, job);
        if (of_pair(a, pair) && *index >= 0 && lives(a) && a->job[*index].run == RUN_ON)
            return a;
    }
    return NULL;
}

void agents_hurry(void)
{
    for (struct agent *a = agents; a; a = a->next) {
        for (unsigned i = 0; i < a->image->jobs && lives(a); i++)
            started(a, i, a->job[i].request, 0);
    }
}

unsigned job_starts(const char *pair, const char *job)
{
    unsigned n = 0;

    for (struct agent *a = agents; a; a = a->next) {
        int i = job_named(a->image, job);
        if (of_pair(a, pair) && i >= 0)
            n += a->job[i].seen.starts;
    }
    return n;
}

uint32_t job_runs_in(const char *pair, const char *job)
{
    int i;
    const struct agent *a = runner_of(pair, job, &i);

    return a ? a->domid : 0;
}

void job_ends(const char *pair, const char *job, bool well)
{
    int i;
    struct agent *a = runner_of(pair, job, &i);

    ck_assert_ptr_nonnull(a);
    a->job[i].run = RUN_STOPPING;
    later(0, a, stopped, (unsigned)i, 0, well ? 0 : 1);
}

/* The one that runs in the domain of this name now. */
static struct agent *agent_in(const char *domain, const char *job, unsigned *index)
{
    for (struct agent *a = agents; a; a = a->next) {
        int i = job_named(a->image, job);
        if (strcmp(a->image->domain, domain) != 0 || i < 0 || !lives(a))
            continue;
        *index = (unsigned)i;
        return a;
    }
    ck_abort_msg("no agent with a job %s in %s", job, domain);
}

void job_asks(const char *domain, const char *job)
{
    unsigned i;
    struct agent *a = agent_in(domain, job, &i);

    ck_assert_int_eq(a->job[i].run, RUN_NOT);
    write_job(a, i, MSG_JOB_WAITING);
}

void job_stops(const char *domain, const char *job)
{
    unsigned i;
    struct agent *a = agent_in(domain, job, &i);

    if (a->job[i].run == RUN_ON) {
        a->job[i].run = RUN_STOPPING;
        later(0, a, stopped, i, 0, 0);
    } else {
        a->job[i].run = RUN_NOT;
        write_job(a, i, MSG_JOB_STOPPED);
    }
}

const struct job_seen *job_seen(const char *domain, const char *job)
{
    unsigned i;
    struct agent *a = agent_in(domain, job, &i);

    a->job[i].seen.runs = a->job[i].run == RUN_ON;
    a->job[i].seen.busy = a->job[i].run == RUN_STARTING || a->job[i].run == RUN_STOPPING;
    return &a->job[i].seen;
}

const char *agent_boot_id(uint32_t domid)
{
    for (struct agent *a = agents; a; a = a->next) {
        if (a->domid == domid)
            return a->boot_id;
    }
    return NULL;
}

void agents_start(void)
{
    memset(images, 0, sizeof images);
    boots = 0;
    fake_on_boot(booted, NULL);
}

void agents_free(void)
{
    while (agents) {
        struct agent *a = agents;
        agents = a->next;
        free(a);
    }
    while (tasks) { /* what is posted with them goes with the loop */
        struct task *t = tasks;
        tasks = t->next;
        free(t);
    }
}
