/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guests' requests for memory leave in the table, the queue and the audit: by the book, by the
 * daemon's own count, and as a client sees it. See daemon.h.
 */
#include "tests/unit/daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan.h"
#include "fake_internal.h" /* the tree, past fake_fail's counters */
#include "xhsd/host.h"

/* ---- what must hold ---- */

/* Members, reserve and unused are the pool, by the tables that stand in the book. */
void check_pool(uint64_t members_kb)
{
    const struct pool *p = d.host ? &d.host->pool : NULL;

    if (!p)
        return;
    ck_assert_msg(p->members_kb == members_kb, "the pool counts %" PRIu64 " KiB of members, their "
                  "tables %" PRIu64, p->members_kb, members_kb);
    ck_assert_uint_le(p->lent_kb, p->reserve_kb);
    ck_assert_uint_eq(pool_unused_kb(p) + p->members_kb + p->reserve_kb, p->pool_kb);
}

static bool is_live(const char *state)
{
    return strcmp(state, "starting") == 0 || strcmp(state, "running") == 0;
}

static void check_area(const char *pair, const char *name)
{
    const char *owner = key("/tool/xhs/pair/%s/area/%s/owner", pair, name);
    const char *on_fault = key("/tool/xhs/pair/%s/area/%s/on_fault", pair, name);
    uint64_t size_kb = key_u64("/tool/xhs/pair/%s/area/%s/size_kb", pair, name);
    uint64_t granted_kb = key_u64("/tool/xhs/pair/%s/area/%s/granted_kb", pair, name);
    bool back = strncmp(name, "back-", 5) == 0, job = strncmp(name, "job-", 4) == 0;
    bool plain = job && strchr(name, '@');

    ck_assert_uint_le(granted_kb, job ? size_kb : 0);
    ck_assert_int_eq(strcmp(owner, "unused") == 0, back);
    ck_assert_int_eq(strcmp(on_fault, "unused") == 0, back);
    ck_assert_int_eq(strcmp(on_fault, "monitor") == 0, plain);
    if (plain)
        ck_assert_str_eq(strchr(name, '@') + 1, owner);
    ck_assert_uint_le(key_u64("/tool/xhs/pair/%s/area/%s/have_kb", pair, name), size_kb);
    if (job || back)
        ck_assert_uint_gt(size_kb, 0);
}

/* What holds a run grant has an area; what is over has none, but for the time of a takeover, and in
 * a pair that stops. */
static void check_job(const char *pair, const char *name)
{
    bool stops = strncmp(key("/tool/xhs/pair/%s/state", pair), "stop", 4) == 0;
    const char *state = key("/tool/xhs/pair/%s/job/%s/state", pair, name);
    bool area = key("/tool/xhs/pair/%s/area/job-%s/size_kb", pair, name)[0] != '\0';
    bool live = is_live(state);
    bool over = strcmp(state, "stopped") == 0 || strcmp(state, "failed") == 0;

    if (stops || key("/tool/xhs/pair/%s/intent", pair)[0])
        return;
    ck_assert_msg(area || !live, "job %s of %s is %s without an area", name, pair, state);
    ck_assert_msg(!area || !over, "job %s of %s is %s, and has its area", name, pair, state);
}

static void each(const char *pair, const char *dir, void (*check)(const char *, const char *))
{
    char path[96];
    unsigned n = 0;

    snprintf(path, sizeof path, "/tool/xhs/pair/%s/%s", pair, dir);
    char **name = tree_children(path, &n);
    for (unsigned i = 0; name && i < n; i++)
        check(pair, name[i]);
    free(name);
}

void check_areas(const char *pair)
{
    each(pair, "area", check_area);
    each(pair, "job", check_job);
}

/* What jobs on this member can do without of their areas; of those that have no run grant, all. */
static uint64_t spared_kb(const char *pair, const char *member)
{
    char path[96];
    unsigned n = 0;
    uint64_t kb = 0;

    snprintf(path, sizeof path, "/tool/xhs/pair/%s/job", pair);
    char **name = tree_children(path, &n);
    for (unsigned i = 0; name && i < n; i++) {
        if (strcmp(key("/tool/xhs/pair/%s/area/job-%s/owner", pair, name[i]), member) != 0)
            continue;
        kb += area_kb(pair, name[i], "size_kb");
        if (is_live(key("%s/%s/state", path, name[i])))
            kb -= key_u64("%s/%s/min_kb", path, name[i]);
    }
    free(name);
    return kb;
}

void check_start(uint32_t domid, const char *job, bool plain, uint64_t kb)
{
    char pair[MSG_NAME_MAX + 1], member[2], name[MSG_NAME_MAX + 3];
    uint64_t owned, spared;

    snprintf(pair, sizeof pair, "%s", key("/local/domain/%u/xhs/pair", domid));
    snprintf(member, sizeof member, "%s", key("/local/domain/%u/xhs/member", domid));
    snprintf(name, sizeof name, "%s%s%s", job, plain ? "@" : "", plain ? member : "");
    owned = owned_kb(pair, member);
    spared = spared_kb(pair, member);
    ck_assert_uint_eq(kb, area_kb(pair, name, "size_kb"));
    ck_assert_msg(tot_kb(domid) + spared + PLAN_TOLERANCE_KB >= owned,
                  "%s on %u is to start with %" PRIu64 " KiB: it has %" PRIu64 " of %" PRIu64
                  ", and may lack %" PRIu64, job, domid, kb, tot_kb(domid), owned, spared);
}

static void check_grown(const char *pair, char member)
{
    const char owner[2] = { member, '\0' };
    uint32_t id = domain_of(pair, member);
    uint64_t kb = owned_kb(pair, owner);
    char dir[64];

    ck_assert(domain_lives(id));
    ck_assert_msg(tot_kb(id) <= kb + PLAN_TOLERANCE_KB && tot_kb(id) + PLAN_TOLERANCE_KB >= kb,
                  "%s-%c has %" PRIu64 " KiB of %" PRIu64, pair, member, tot_kb(id), kb);
    ck_assert_uint_le(max_kb(id), kb + HYP_SLACK_KB);
    ck_assert_uint_le(claim_kb(id), PLAN_TOLERANCE_KB);
    snprintf(dir, sizeof dir, "/local/domain/%u/xhs/req", id);
    ck_assert_uint_eq(keys_below(dir), 0);
}

void check_calm(const char *pair)
{
    check_book();
    check_grown(pair, 'a');
    check_grown(pair, 'b');
    ck_assert_uint_eq(owned_kb(pair, "unused"), 0);
    ck_assert_uint_eq(owned_kb(pair, "transit"), 0);
    ck_assert_uint_eq(holder_kb(), key_u64("/tool/xhs/host/reserve_kb"));
    for (unsigned i = 0; i < d.host->pool.asks; i++)
        ck_assert_str_ne(d.host->pool.ask[i].pair, pair);
}

/* ---- what the tests do and ask ---- */

void wants(const struct wish *w)
{
    struct agent_job j = { .kb = w->mib * MIB, .min_kb = w->min_mib * MIB, .ask_kb = w->mib * MIB,
                           .priority = w->priority, .wait_s = w->wait_s, .plain = true };

    snprintf(j.name, sizeof j.name, "%s", w->job);
    agent_has(w->domain, &j);
    job_asks(w->domain, w->job);
    daemon_run(50);
}

void job_back(const char *pair, const char *domain, const char *job, const char *job_key)
{
    job_stops(domain, job);
    ck_assert(job_until(pair, job_key, "stopped", 1 * SECONDS));
    ck_assert(back_until(pair, 3 * SECONDS));
}

bool job_until(const char *pair, const char *job, const char *state, int ms)
{
    for (int i = 0; i < ms; i += d.step_ms) {
        if (strcmp(key("/tool/xhs/pair/%s/job/%s/state", pair, job), state) == 0)
            return true;
        if (!daemon_run(d.step_ms))
            return false;
    }
    return false;
}

bool back_until(const char *pair, int ms)
{
    for (int i = 0; i < ms; i += d.step_ms) {
        if (owned_kb(pair, "unused") == 0)
            return true;
        if (!daemon_run(d.step_ms))
            return false;
    }
    return false;
}

uint64_t area_kb(const char *pair, const char *job, const char *figure)
{
    const char *v = key("/tool/xhs/pair/%s/area/job-%s/%s", pair, job, figure);

    return v[0] ? key_u64("/tool/xhs/pair/%s/area/job-%s/%s", pair, job, figure) : 0;
}

uint64_t unused_kb(void)
{
    return pool_unused_kb(&d.host->pool);
}

unsigned queued(void)
{
    return d.host->pool.asks;
}

static struct jval *table(bool audit)
{
    return ask_ok(100, "{\"op\":\"table\",\"audit\":%s}", audit ? "true" : "false");
}

const char *queue_line(unsigned n)
{
    static char line[256];
    struct jval *v = table(false);
    const struct jval *queue = json_get(json_get(v, "result"), "queue"), *q = json_at(queue, n);

    ck_assert_ptr_nonnull(queue);
    line[0] = '\0';
    if (q)
        snprintf(line, sizeof line, "%s of %s, priority %" PRId64 ", %" PRIu64 " to %" PRIu64
                 " MiB, left %" PRId64, json_str(q, "job", "?"), json_str(q, "domain", "?"),
                 json_i64(q, "priority", -1), (uint64_t)json_i64(q, "min_kb", 0) / MIB,
                 (uint64_t)json_i64(q, "want_kb", 0) / MIB, json_i64(q, "left_s", -1));
    json_free(v);
    return line;
}

const char *difference(unsigned n)
{
    static char text[256];
    struct jval *v = table(true);
    const struct jval *all = json_get(json_get(v, "result"), "differences"), *one;

    ck_assert_ptr_nonnull(all);
    one = json_at(all, n);
    snprintf(text, sizeof text, "%s", one ? json_string(one, "") : "");
    json_free(v);
    return text;
}

/* ---- what they begin with ---- */

static void begin(const char *xhs)
{
    daemon_setup();
    xhs_cfg(xhs);
    fake_speed.boot_ns = 400 * FAKE_MS;
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
    pair_form("shop");
}

void begin_asking(void)
{
    begin("pool = 1824\nreserve = 128\n");
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
}

static void begin_sharing_up_to(unsigned mail_mib)
{
    char mail[80];

    begin("pool = 2464\nreserve = 128\n");
    snprintf(mail, sizeof mail, "memory = 512\nstandby_memory = 128\nmax_memory = %u", mail_mib);
    pair_create(pair_file("mail", mail));
    daemon_run(500);
    ck_assert_str_eq(key(MAIL "/state"), "protected");
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
}

void begin_sharing(void)
{
    begin_sharing_up_to(1760);
}

void begin_sharing_less(void)
{
    begin_sharing_up_to(1024);
}

void leave_unused(uint64_t mib)
{
    WANTS("mail-a", "hog", UNUSED_MIB - mib);
    ck_assert(job_until("mail", "hog@a", "running", 3 * SECONDS));
    daemon_run(500);
    ck_assert_uint_eq(unused_kb(), mib * MIB);
}
