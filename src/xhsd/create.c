/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a pair's file to a pair: see create.h. */
#include "xhsd/create.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen/cfgfile.h"
#include "xhsd/pair_run.h"

#define MIB(kb) ((unsigned long long)(kb) / 1024)

struct parse {
    struct create *c;
    int member;
};

struct create {
    struct host *host;
    struct pair_config pc;
    char *json[MEMBERS];
    struct dom_summary sum[MEMBERS];
    struct parse parse[MEMBERS];
    int waiting;
    bool dry_run;
    struct xhs_error err;
    create_fn *fn;
    void *arg;
    char line[CREATE_PLAN_LINES][320];
    const char *plan[CREATE_PLAN_LINES];
    unsigned n;
};

static void finish(struct create *c, struct runner *r)
{
    if (c->fn)
        c->fn(c->arg, c->pc.name, r, c->plan, c->n, &c->err);
    free(c->json[MEMBER_A]);
    free(c->json[MEMBER_B]);
    free(c);
}

/* The line of a setting in a member's xl.cfg; 0 when it cannot be told. */
static unsigned line_of(const char *file, const char *name)
{
    struct config_raw raw = { 0 };
    unsigned line = 0;

    if (cfgfile_read(file, &raw, NULL) == 0) {
        for (unsigned i = 0; i < raw.n; i++) {
            if (strcmp(raw.setting[i].name, name) == 0)
                line = raw.setting[i].line;
        }
    }
    config_raw_free(&raw);
    return line;
}

static int check_member(struct create *c, int i)
{
    const struct pair_config *pc = &c->pc;
    const struct dom_summary *s = &c->sum[i];
    const char *file = pc->member_file[i];
    struct runner *owner;
    uint8_t uuid[16];
    uint32_t domid;
    int found;

    if (s->pci_devices)
        return xhs_fail(&c->err, XHS_E_CONFIG,
                        "%s:%u: pci: a passed-through device goes on writing to memory after its "
                        "domain was stopped: remove it from a member of a pair",
                        file, line_of(file, "pci"));
    if (strcmp(s->type, "pv") != 0)
        return xhs_fail(&c->err, XHS_E_CONFIG,
                        "%s:%u: type is %s: members are PV guests (type = \"pv\")", file,
                        line_of(file, "type"), s->type);
    owner = host_pair_of_domain(c->host, s->name);
    if (owner && strcmp(owner->pair.name, pc->name) != 0)
        return xhs_fail(&c->err, XHS_E_CONFIG, "%s:%u: domain %s is a member of pair %s already",
                        pc->file, pc->line_members, s->name, owner->pair.name);
    found = dom_find(c->host->dom, s->name, &domid, uuid, &c->err);
    if (found < 0)
        return -1;
    if (found)
        return xhs_fail(&c->err, XHS_E_EXISTS,
                        "domain %s exists already (%u) and is not xhs's: xl destroy or rename it, "
                        "then try again",
                        s->name, domid);
    return 0;
}

static int check_memory(struct create *c)
{
    const struct pair_config *pc = &c->pc;
    uint64_t least = config_min_boot_kb(pc), free_kb, claimed_kb;
    uint64_t b = pc->standby_memory_kb > least ? pc->standby_memory_kb : least;
    uint64_t need = pc->memory_kb + b, sum = pc->memory_kb + pc->standby_memory_kb;
    const struct pool *pool = &c->host->pool;

    if (sum > pool_unused_kb(pool))
        return xhs_fail(&c->err, XHS_E_MEMORY,
                        "%s:%u: the pair needs %llu MiB, the pool has %llu MiB unused: make pool "
                        "in %s larger, or the pair smaller",
                        pc->file, pc->line_memory, MIB(sum), MIB(pool_unused_kb(pool)),
                        c->host->cfg_file);
    if (b - pc->standby_memory_kb > pool->reserve_kb)
        return xhs_fail(&c->err, XHS_E_CONFIG,
                        "%s:%u: a standby boots with max_memory/%d = %llu MiB, %llu more than "
                        "standby_memory, and the reserve has only %llu: raise standby_memory, or "
                        "reserve in %s",
                        pc->file, pc->line_standby, CONFIG_BOOT_RATIO, MIB(b),
                        MIB(b - pc->standby_memory_kb), MIB(pool->reserve_kb), c->host->cfg_file);
    if (hyp_memory(c->host->hyp, &free_kb, &claimed_kb, &c->err) != 0)
        return -1;
    if (need > free_kb - claimed_kb)
        return xhs_fail(&c->err, XHS_E_MEMORY,
                        "the pair needs %llu MiB, the host has %llu MiB free and unclaimed: shut "
                        "something down, or make the pair smaller",
                        MIB(need), MIB(free_kb - claimed_kb));
    return 0;
}

static int check(struct create *c)
{
    struct runner *old = host_pair(c->host, c->pc.name);

    if (old && old->pair.state != PAIR_STOPPED)
        return xhs_fail(&c->err, XHS_E_EXISTS, "pair %s exists already: it is %s", c->pc.name,
                        pair_state_word(old->pair.state));
    if (strcmp(c->sum[MEMBER_A].name, c->sum[MEMBER_B].name) == 0)
        return xhs_fail(&c->err, XHS_E_CONFIG, "%s:%u: both members have the name %s", c->pc.file,
                        c->pc.line_members, c->sum[MEMBER_A].name);
    for (int i = 0; i < MEMBERS; i++) {
        if (check_member(c, i) != 0)
            return -1;
    }
    return old ? 0 : check_memory(c);
}

static void plan_line(struct create *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void plan_line(struct create *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->line[c->n], sizeof c->line[c->n], fmt, ap);
    va_end(ap);
    c->plan[c->n] = c->line[c->n];
    c->n++;
}

static void make_plan(struct create *c)
{
    const struct pair_config *pc = &c->pc;
    const struct pool *pool = &c->host->pool;
    uint64_t sum = pc->memory_kb + pc->standby_memory_kb;
    uint64_t least = config_min_boot_kb(pc);

    plan_line(c, "pair %s from %s", pc->name, pc->file);
    plan_line(c, "create %s as active, %llu MiB, %u vCPU, from %s", c->sum[MEMBER_A].name,
              MIB(pc->memory_kb), c->sum[MEMBER_A].vcpus, pc->member_file[MEMBER_A]);
    plan_line(c, "create %s as standby, %llu MiB (boots with %llu), %u vCPU, from %s",
              c->sum[MEMBER_B].name, MIB(pc->standby_memory_kb),
              MIB(pc->standby_memory_kb > least ? pc->standby_memory_kb : least),
              c->sum[MEMBER_B].vcpus, pc->member_file[MEMBER_B]);
    plan_line(c, "neither ever gets more than %llu MiB", MIB(pc->max_memory_kb));
    plan_line(c, "pool of %llu MiB: %llu for this pair, %llu in reserve, %llu unused afterwards",
              MIB(pool->pool_kb), MIB(sum), MIB(pool->reserve_kb),
              MIB(pool_unused_kb(pool) > sum ? pool_unused_kb(pool) - sum : 0));
}

static struct runner *make(struct create *c)
{
    struct host *h = c->host;
    struct runner *old = host_pair(h, c->pc.name), *r;
    const char *name[MEMBERS] = { c->sum[MEMBER_A].name, c->sum[MEMBER_B].name };
    uint8_t uuid[MEMBERS][16];
    struct pair p;

    if (old) {
        host_drop(h, old);
        if (check_memory(c) != 0)
            return NULL;
    }
    for (int i = 0; i < MEMBERS; i++)
        memcpy(uuid[i], c->sum[i].uuid, sizeof uuid[i]);
    pair_init(&p, &c->pc, name, (const uint8_t(*)[16])uuid);
    if (pool_take(&h->pool, rmt_total_kb(&p.rmt), &c->err) != 0)
        return NULL;
    if (persist_config(h->own, HOST_RUN_DIR, &p, c->json, &c->err) != 0) {
        pool_give(&h->pool, rmt_total_kb(&p.rmt));
        return NULL;
    }
    r = runner_new(h, &p, c->json);
    c->json[MEMBER_A] = c->json[MEMBER_B] = NULL;
    r->remove_when_stopped = true; /* until it is up: a pair that cannot be formed leaves nothing */
    host_add(h, r);
    return r;
}

static void parsed_all(struct create *c)
{
    struct runner *r = NULL;

    if (c->err.code == XHS_E_NONE && check(c) == 0) {
        make_plan(c);
        if (!c->dry_run)
            r = make(c);
    }
    finish(c, r);
    if (r)
        runner_ask(r, ASK_START);
}

static void parsed(void *arg, const char *json, const struct dom_summary *sum,
                   const struct xhs_error *err)
{
    struct parse *parse = arg;
    struct create *c = parse->c;

    if (!json) {
        xhs_fail(&c->err, XHS_E_CONFIG, "%s: %s", c->pc.member_file[parse->member], err->text);
    } else {
        c->json[parse->member] = strdup(json);
        c->sum[parse->member] = *sum;
        if (!c->json[parse->member])
            abort();
    }
    if (--c->waiting == 0)
        parsed_all(c);
}

struct create *create_begin(struct host *h, const char *file, bool dry_run, create_fn *fn,
                            void *arg)
{
    struct create *c = calloc(1, sizeof *c);
    struct config_raw raw = { 0 };
    int rc;

    if (!c)
        abort();
    c->host = h;
    c->dry_run = dry_run;
    c->fn = fn;
    c->arg = arg;
    rc = cfgfile_read(file, &raw, &c->err);
    if (rc == 0)
        rc = config_pair(&raw, &c->pc, &c->err);
    config_raw_free(&raw);
    if (rc != 0) {
        finish(c, NULL);
        return NULL;
    }
    c->waiting = MEMBERS + 1;
    for (int i = 0; i < MEMBERS; i++) {
        c->parse[i] = (struct parse){ c, i };
        dom_parse(h->dom, c->pc.member_file[i], parsed, &c->parse[i]);
    }
    if (--c->waiting > 0)
        return c;
    parsed_all(c);
    return NULL;
}

void create_abandon(struct create *c)
{
    c->fn = NULL;
}
