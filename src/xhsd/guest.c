/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest's side of the protocol: see guest.h. */
#include "xhsd/guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/paths.h"
#include "xhsd/log.h"
#include "xhsd/pair_run.h"

#define BURST 200                       /* key changes at once that count as normal */
#define RATE_NS (10 * INT64_C(1000000)) /* and one more each 10 ms */
#define CALM_NS (10 * INT64_C(1000000000)) /* a storming guest is read once a second for so long */
#define SECOND_NS INT64_C(1000000000)
#define NAMES_MAX 64                    /* names looked at in a directory that a guest fills */

struct guest {
    struct runner *r;
    int member;
    uint32_t domid;
    char id[16];                  /* domid as text */
    char root[XHS_PATH_MAX];      /* of what the guest writes */
    char token[MSG_NAME_MAX + 32];
    bool watched;
    double credit;
    int64_t credit_ns;
    int64_t storm_until_ns;
    struct evloop_timer *slow;
    bool complained; /* garbage is logged once a domain */
    bool unheard;    /* something could not be listed or watched: logged once */
};

static struct store *store_of(const struct guest *g)
{
    return g->r->host->guests;
}

static const char *name_of(const struct guest *g)
{
    return g->r->pair.m[g->member].name;
}

/* ---- reading ---- */

static void complain(struct guest *g, const char *key, enum msg_error e)
{
    if (g->complained)
        return;
    g->complained = true;
    events_say(g->r->host->events, EVENT_ALERT, g->r->pair.name,
               "%s: %s %s: ignored, and so are others of its kind", name_of(g), key,
               msg_error_text(e));
}

/* All again in a second. Not the end: it may be the guest that made its directory too large. */
static void read_again(struct guest *g, const struct xhs_error *err)
{
    if (!g->unheard)
        xlog(LOG_ERR, "%s: %s: tried again each second", name_of(g), err->text);
    g->unheard = true;
    evloop_timer_at(g->slow, evloop_now(g->r->host->loop) + SECOND_NS);
}

/* A guest's key, bounded. Length, or -1 when there is none: not known would not be the same. */
static long read_key(struct guest *g, const char *path, char buf[MSG_MAX + 2])
{
    struct xhs_error err = { 0 };
    long n = store_read(store_of(g), path, buf, MSG_MAX + 2, &err);

    if (n < 0 && err.code != XHS_E_NOENT)
        host_give_up(&err);
    return n;
}

static size_t clip(long n)
{
    return n > MSG_MAX ? MSG_MAX + 1 : (size_t)n; /* longer: the parser says so */
}

static void tell_agent(struct guest *g, const char *boot_id)
{
    runner_event(g->r, &(struct pair_event){
                           .type = EV_AGENT,
                           .member = g->member,
                           .domid = g->domid,
                           .boot_id = boot_id,
                       });
}

/* An agent is there while agent/version says so: it takes that key along when it is stopped. */
static void read_agent(struct guest *g)
{
    char path[XHS_PATH_MAX], buf[MSG_MAX + 2], boot_id[MSG_BOOT_ID_LEN + 1];
    uint64_t version;
    long n;
    enum msg_error e;

    n = read_key(g, path_build(path, PATH_D_VERSION, g->id), buf);
    if (n < 0) {
        tell_agent(g, "");
        return;
    }
    if (n > 0 && n <= MSG_MAX && buf[n - 1] == '\n')
        buf[n - 1] = '\0';
    if (!msg_parse_u64(buf, UINT64_MAX, &version) || version != XHS_FORMAT) {
        complain(g, "agent/version", MSG_BAD_NUMBER);
        return;
    }
    n = read_key(g, path_build(path, PATH_D_BOOT_ID, g->id), buf);
    if (n < 0)
        return;
    e = msg_parse_boot_id(buf, clip(n), boot_id);
    if (e == MSG_OK)
        tell_agent(g, boot_id);
    else
        complain(g, "agent/boot_id", e);
}

static void read_memory(struct guest *g)
{
    char path[XHS_PATH_MAX], buf[MSG_MAX + 2];
    struct pair_event ev = { .type = EV_MEMORY, .member = g->member, .domid = g->domid };
    long n = read_key(g, path_build(path, PATH_D_MEMORY, g->id), buf);
    enum msg_error e;

    if (n < 0)
        return;
    e = msg_parse_memory(buf, clip(n), &ev.memory);
    if (e != MSG_OK)
        complain(g, "agent/memory", e);
    else
        runner_event(g->r, &ev);
}

static void read_job(struct guest *g, const char *job)
{
    char path[XHS_PATH_MAX], buf[MSG_MAX + 2];
    struct msg_job report;
    struct pair_event ev = {
        .type = EV_JOB, .member = g->member, .domid = g->domid, .job = job };
    long n;
    enum msg_error e;

    if (!msg_valid_name(job)) {
        complain(g, "job", MSG_BAD_NAME);
        return;
    }
    n = read_key(g, path_build(path, PATH_D_JOB, g->id, job), buf);
    if (n >= 0) {
        e = msg_parse_job(buf, clip(n), &report);
        if (e != MSG_OK) {
            complain(g, "job", e);
            return;
        }
        ev.report = &report;
    }
    runner_event(g->r, &ev);
}

static void read_reply(struct guest *g, const char *id)
{
    char path[XHS_PATH_MAX], buf[MSG_MAX + 2];
    struct pair_event ev = { .type = EV_REPLY, .member = g->member, .domid = g->domid };
    long n;
    enum msg_error e;

    if (!msg_parse_u64(id, UINT64_MAX, &ev.request))
        return;
    n = read_key(g, path_build(path, PATH_D_REPLY, g->id, id), buf);
    if (n < 0)
        return;
    e = msg_parse_reply(buf, clip(n), &ev.reply);
    if (e != MSG_OK)
        complain(g, "reply", e);
    else
        runner_event(g->r, &ev);
}

/* NULL: none, or not known, and read again then. store_free_list. */
static char **list(struct guest *g, enum path_id dir, unsigned *n)
{
    char path[XHS_PATH_MAX];
    struct xhs_error err = { 0 };
    char **name = store_list(store_of(g), path_build(path, dir, g->id), n, &err);

    if (!name && err.code != XHS_E_NOENT)
        read_again(g, &err);
    if (!name)
        *n = 0;
    return name;
}

static void read_each(struct guest *g, char **name, unsigned n,
                      void (*one)(struct guest *, const char *))
{
    for (unsigned i = 0; i < n && i < NAMES_MAX; i++)
        one(g, name[i]);
    store_free_list(name);
}

/* A guest writes a job's line before the reply that goes with it: only replies that are there
 * before the lines are read come with lines that are not older. Later ones fire the watch. */
static void read_all(struct guest *g)
{
    const struct pair *p = &g->r->pair;
    unsigned jobs, replies;
    char **reply = list(g, PATH_D_REPLIES, &replies), **job;

    read_agent(g);
    read_memory(g);
    for (unsigned i = 0; i < p->jobs; i++) { /* what it knew may be gone */
        if (p->job[i].known[g->member])
            read_job(g, p->job[i].name);
    }
    job = list(g, PATH_D_JOBS, &jobs);
    read_each(g, job, jobs, read_job);
    read_each(g, reply, replies, read_reply);
}

/* key: what follows the guest's root, e.g. "job/web". */
static void read_one(struct guest *g, const char *key)
{
    if (strcmp(key, "agent/boot_id") == 0 || strcmp(key, "agent/version") == 0)
        read_agent(g);
    else if (strcmp(key, "agent/memory") == 0)
        read_memory(g);
    else if (strncmp(key, "job/", 4) == 0)
        read_job(g, key + 4);
    else if (strncmp(key, "reply/", 6) == 0)
        read_reply(g, key + 6);
    else if (strcmp(key, "agent") == 0 || strcmp(key, "job") == 0 || strcmp(key, "reply") == 0)
        read_all(g); /* a directory was made or removed */
}

/* ---- watching, and storms ---- */

static bool in_credit(struct guest *g, int64_t now_ns)
{
    g->credit += (double)(now_ns - g->credit_ns) / (double)RATE_NS;
    g->credit_ns = now_ns;
    if (g->credit > BURST)
        g->credit = BURST;
    if (g->credit < 1)
        return false;
    g->credit -= 1;
    return true;
}

static void start_watch(struct guest *g)
{
    struct xhs_error err = { 0 };

    g->watched = store_watch(store_of(g), g->root, g->token, &err) == 0;
    if (!g->watched)
        read_again(g, &err);
    g->credit = BURST;
    g->credit_ns = evloop_now(g->r->host->loop);
}

static void read_slowly(void *arg)
{
    struct guest *g = arg;
    struct runner *r = g->r;
    int64_t now = evloop_now(r->host->loop);

    if (!g->watched && now >= g->storm_until_ns)
        start_watch(g); /* its first event reads all */
    else if (!g->watched)
        evloop_timer_at(g->slow, now + SECOND_NS);
    runner_hold(r);
    read_all(g);
    runner_release(r);
}

static void storm(struct guest *g, int64_t now_ns)
{
    store_unwatch(store_of(g), g->root, g->token);
    g->watched = false;
    g->storm_until_ns = now_ns + CALM_NS;
    evloop_timer_at(g->slow, now_ns + SECOND_NS);
    events_say(g->r->host->events, EVENT_ALERT, g->r->pair.name,
               "%s writes its keys in a storm: read once a second for %d s", name_of(g),
               (int)(CALM_NS / SECOND_NS));
}

static void fired(struct guest *g, const char *path)
{
    size_t len = strlen(g->root);
    int64_t now = evloop_now(g->r->host->loop);

    if (!g->watched)
        return; /* an event from before the unwatch */
    if (!in_credit(g, now))
        storm(g, now);
    else if (strncmp(path, g->root, len) == 0 && path[len] == '/')
        read_one(g, path + len + 1);
    else
        read_all(g);
}

void guest_watch_fired(struct host *h, const char *path, const char *token)
{
    for (struct runner *r = h->pairs; r; r = r->next) {
        for (int i = 0; i < MEMBERS; i++) {
            if (r->m[i].guest && strcmp(r->m[i].guest->token, token) == 0) {
                runner_hold(r);
                fired(r->m[i].guest, path);
                runner_release(r);
                return;
            }
        }
    }
}

struct guest *guest_new(struct runner *r, int member, uint32_t domid)
{
    struct guest *g = calloc(1, sizeof *g);

    if (!g)
        abort();
    g->r = r;
    g->member = member;
    g->domid = domid;
    snprintf(g->id, sizeof g->id, "%u", domid);
    path_build(g->root, PATH_D_DIR, g->id);
    snprintf(g->token, sizeof g->token, "%s/%d/%u", r->pair.name, member, domid);
    g->slow = evloop_timer_new(r->host->loop, read_slowly, g);
    start_watch(g);
    return g;
}

void guest_read(struct guest *g)
{
    read_all(g);
}

void guest_free(struct guest *g)
{
    if (!g)
        return;
    if (g->watched)
        store_unwatch(store_of(g), g->root, g->token);
    evloop_timer_free(g->slow);
    free(g);
}

/* ---- writing ---- */

/*
 * dom0's own keys are written, or the daemon ends: a request that is not delivered, or a run grant
 * that is not taken back, would be taken for done. value NULL: removed.
 */
static void write_own(struct host *h, const char *path, const char *value)
{
    struct xhs_error err = { 0 };
    int rc = value ? store_write(h->own, path, value, &err) : store_remove(h->own, path, &err);

    if (rc != 0)
        host_give_up(&err);
}

void guest_introduce(struct runner *r, int member, uint32_t domid)
{
    char id[16], path[4][XHS_PATH_MAX], format[8], epoch[24];
    struct store_change change[4];
    struct xhs_error err = { 0 };

    snprintf(id, sizeof id, "%u", domid);
    snprintf(format, sizeof format, "%d", XHS_FORMAT);
    snprintf(epoch, sizeof epoch, "%" PRIu64, r->pair.epoch);
    change[0] = (struct store_change){ path_build(path[0], PATH_G_FORMAT, id), format };
    change[1] = (struct store_change){ path_build(path[1], PATH_G_PAIR, id), r->pair.name };
    change[2] = (struct store_change){ path_build(path[2], PATH_G_MEMBER, id),
                                       rmt_owner_word((enum owner)member) };
    change[3] = (struct store_change){ path_build(path[3], PATH_G_EPOCH, id), epoch };
    if (store_apply(r->host->own, change, 4, &err) != 0)
        host_give_up(&err);
}

void guest_tell(struct guest *g, enum path_id key, uint64_t value)
{
    char path[XHS_PATH_MAX], text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    write_own(g->r->host, path_build(path, key, g->id), text);
}

void guest_ask(struct guest *g, uint64_t id, const struct msg_req *req)
{
    char path[XHS_PATH_MAX], line[MSG_MAX], number[24];

    snprintf(number, sizeof number, "%" PRIu64, id);
    if (req->op == MSG_OP_START)
        write_own(g->r->host, path_build(path, PATH_G_RUN, g->id, req->job), number);
    msg_format_req(line, req);
    write_own(g->r->host, path_build(path, PATH_G_REQ, g->id, number), line);
}

void guest_forget(struct guest *g, uint64_t id)
{
    char path[XHS_PATH_MAX], number[24];

    snprintf(number, sizeof number, "%" PRIu64, id);
    write_own(g->r->host, path_build(path, PATH_G_REQ, g->id, number), NULL);
    store_remove(g->r->host->own, path_build(path, PATH_D_REPLY, g->id, number), NULL);
}

void guest_revoke(struct guest *g, const char *job, uint64_t id)
{
    char path[XHS_PATH_MAX];

    write_own(g->r->host, path_build(path, PATH_G_RUN, g->id, job), NULL);
    guest_forget(g, id);
}
