/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dom0's xenstore and the hypervisor show, read behind the daemon's back, and what must hold
 * of it: at every instant, and at rest. See daemon.h.
 */
#include "tests/unit/daemon.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/job.h"
#include "core/msg.h"
#include "core/pair.h"
#include "core/paths.h"
#include "core/plan.h"
#include "fake_internal.h" /* the tree and the domains, past fake_fail's counters */

#define PAIRS 64

/* Of each pair, the sum of its areas but for what came from the pool: it never changes. */
static struct {
    char name[MSG_NAME_MAX + 1];
    uint64_t kb;
    char version[24]; /* of the table that was looked at last */
} sums[PAIRS];

/* ---- reading ---- */

static const char *value_of(const char *fmt, va_list ap)
{
    static char path[4][256];
    static unsigned turn;
    char *p = path[turn++ % 4];
    const char *v;

    vsnprintf(p, sizeof path[0], fmt, ap);
    v = tree_value(p);
    if (!v)
        return "";
    snprintf(p, sizeof path[0], "%s", v);
    return p;
}

const char *key(const char *fmt, ...)
{
    const char *v;
    va_list ap;

    va_start(ap, fmt);
    v = value_of(fmt, ap);
    va_end(ap);
    return v;
}

uint64_t key_u64(const char *fmt, ...)
{
    const char *v;
    uint64_t n = 0;
    va_list ap;

    va_start(ap, fmt);
    v = value_of(fmt, ap);
    va_end(ap);
    if (!msg_parse_u64(v, UINT64_MAX, &n)) /* an assertion that holds is a write to Check's file */
        ck_abort_msg("%s: \"%s\" is no number", fmt, v);
    return n;
}

const char *intent(const char *pair, const char *word)
{
    static char value[32];
    char name[32];
    const char *at;

    snprintf(name, sizeof name, "%s=", word);
    at = strstr(key("/tool/xhs/pair/%s/intent", pair), name);
    snprintf(value, sizeof value, "%s", at ? at + strlen(name) : "");
    value[strcspn(value, " ")] = '\0';
    return value;
}

uint64_t intent_u64(const char *pair, const char *word)
{
    return strtoull(intent(pair, word), NULL, 10);
}

unsigned keys_below(const char *path)
{
    unsigned n = 0;

    free(tree_children(path, &n));
    return n;
}

uint32_t domain_of(const char *pair, char member)
{
    int id = atoi(key("/tool/xhs/pair/%s/member/%c/domid", pair, member));

    return id > 0 ? (uint32_t)id : 0;
}

uint64_t owned_kb(const char *pair, const char *owner)
{
    char dir[96];
    unsigned n = 0;
    uint64_t kb = 0;

    snprintf(dir, sizeof dir, "/tool/xhs/pair/%s/area", pair);
    char **name = tree_children(dir, &n);
    for (unsigned i = 0; name && i < n; i++) {
        if (!owner || strcmp(key("%s/%s/owner", dir, name[i]), owner) == 0)
            kb += key_u64("%s/%s/size_kb", dir, name[i]);
    }
    free(name);
    return kb;
}

static uint64_t granted_kb(const char *pair)
{
    char dir[96];
    unsigned n = 0;
    uint64_t kb = 0;

    snprintf(dir, sizeof dir, "/tool/xhs/pair/%s/area", pair);
    char **name = tree_children(dir, &n);
    for (unsigned i = 0; name && i < n; i++)
        kb += key_u64("%s/%s/granted_kb", dir, name[i]);
    free(name);
    return kb;
}

uint64_t tot_kb(uint32_t domid)
{
    const struct sim *s = sim_find(domid);

    return s ? s->tot_kb : 0;
}

uint64_t max_kb(uint32_t domid)
{
    const struct sim *s = sim_find(domid);

    return s ? s->max_kb : 0;
}

uint64_t claim_kb(uint32_t domid)
{
    const struct sim *s = sim_find(domid);

    return s ? s->outstanding_kb : 0;
}

uint64_t holder_kb(void)
{
    return claim_kb((uint32_t)key_u64("/tool/xhs/host/holder_domid"));
}

bool domain_lives(uint32_t domid)
{
    const struct sim *s = sim_find(domid);

    return domid && s && !s->shutdown && !s->killed;
}

/* ---- at every instant ---- */

void check_forget(void)
{
    memset(sums, 0, sizeof sums);
}

static void check_table(const char *pair)
{
    const char *version = key("/tool/xhs/pair/%s/version", pair);
    uint64_t kb;
    int i = 0;

    while (i < PAIRS && sums[i].name[0] && strcmp(sums[i].name, pair) != 0)
        i++;
    ck_assert_int_lt(i, PAIRS);
    snprintf(sums[i].name, sizeof sums[i].name, "%s", pair);
    if (strcmp(sums[i].version, version) == 0)
        return;
    snprintf(sums[i].version, sizeof sums[i].version, "%s", version);
    check_areas(pair);
    kb = owned_kb(pair, NULL) - owned_kb(pair, "unused") - granted_kb(pair);
    if (sums[i].kb == 0) /* else it is just being made */
        sums[i].kb = kb;
    ck_assert_uint_eq(kb, sums[i].kb);
}

/* What max_pages allows it, it has, or memory is claimed for it; and it owns it, or it is on its
 * way to it. The claim counts against the host, so nobody else loses by it. */
static void check_limits(const char *pair, char member)
{
    const struct sim *s = sim_find(domain_of(pair, member));
    const char name[2] = { member, '\0' };
    uint64_t owned, boot_kb = 0;

    if (!s || s->shutdown || s->killed || d.meddled)
        return;
    if (strcmp(key("/tool/xhs/pair/%s/state", pair), "stopping") == 0)
        return; /* it is taken down, with what was claimed for it */
    owned = owned_kb(pair, name);
    if (strcmp(intent(pair, "heir"), name) == 0) /* the book may still say that the victim has it */
        owned += owned_kb(pair, "transit") + owned_kb(pair, intent(pair, "victim"));
    if (!s->booted) /* a small one boots with more than it owns */
        boot_kb = s->tot_kb;
    ck_assert_msg(d.torn || s->max_kb <= s->tot_kb + s->outstanding_kb + HYP_SLACK_KB ||
                      s->max_kb <= boot_kb + HYP_SLACK_KB,
                  "%s-%c may take what nobody holds for it: has %" PRIu64 " MiB, claim %" PRIu64
                  ", max %" PRIu64,
                  pair, member, s->tot_kb / MIB, s->outstanding_kb / MIB, s->max_kb / MIB);
    ck_assert_msg(s->max_kb <= owned + HYP_SLACK_KB || !s->booted ||
                      s->max_kb <= s->tot_kb + HYP_SLACK_KB,
                  "%s-%c: max %" PRIu64 " MiB, owns %" PRIu64, pair, member, s->max_kb / MIB,
                  owned / MIB);
}

/* No memory is promised twice: what domains have and claims hold is what the book knows of. */
static void check_use(uint64_t members_kb, unsigned pairs)
{
    uint64_t used_kb = d.host_mib * MIB - host_unclaimed_kb();
    uint64_t reserve_kb = strtoull(key("/tool/xhs/host/reserve_kb"), NULL, 10);

    for (const struct sim *s = host.sims; s; s = s->next) {
        if (s->shutdown || s->killed) /* on its way back, and nobody's before it is there */
            used_kb -= s->tot_kb;
    }
    ck_assert_msg(used_kb <= members_kb + reserve_kb + d.extra_kb + 2 * pairs * PLAN_TOLERANCE_KB,
                  "%" PRIu64 " MiB are in use or claimed, of pairs with %" PRIu64
                  " and a reserve of %" PRIu64,
                  used_kb / MIB, members_kb / MIB, reserve_kb / MIB);
}

void check_instant(void)
{
    unsigned n = 0;
    uint64_t members_kb = 0;
    char **name = tree_children("/tool/xhs/pair", &n);

    fake_host_check();
    for (unsigned i = 0; name && i < n; i++) {
        check_table(name[i]);
        check_limits(name[i], 'a');
        check_limits(name[i], 'b');
        members_kb += owned_kb(name[i], NULL);
    }
    free(name);
    check_use(members_kb, n);
    check_pool(members_kb);
}

/* ---- the keys ---- */

static bool is_number(const char *v)
{
    uint64_t n;

    return msg_parse_u64(v, UINT64_MAX, &n);
}

static bool is_kb(const char *v)
{
    uint64_t n;

    return msg_parse_u64(v, MSG_KB_MAX, &n);
}

static bool is_one(const char *v)
{
    return strcmp(v, "1") == 0;
}

static bool is_domid(const char *v)
{
    uint64_t n;

    return strcmp(v, "-1") == 0 || (msg_parse_u64(v, 32751, &n) && n > 0);
}

static bool is_holder(const char *v)
{
    return is_domid(v) && v[0] != '-';
}

static bool is_state(const char *v)
{
    enum pair_state s;

    return pair_state_parse(v, &s) && s != PAIR_RECOVERING;
}

static bool is_reason(const char *v)
{
    return strlen(v) <= 199;
}

static bool is_sha(const char *v)
{
    return strspn(v, "0123456789abcdef") == 64 && v[64] == '\0';
}

static bool is_uuid(const char *v)
{
    for (const char *c = v; *c; c++) {
        if (isupper((unsigned char)*c))
            return false;
    }
    return msg_valid_uuid(v);
}

static bool is_memory(const char *v)
{
    return strcmp(v, "memory") == 0;
}

static bool is_member(const char *v)
{
    return strcmp(v, "a") == 0 || strcmp(v, "b") == 0;
}

static bool is_owner(const char *v)
{
    return is_member(v) || strcmp(v, "transit") == 0 || strcmp(v, "unused") == 0;
}

static bool is_destination(const char *v)
{
    return is_member(v) || strcmp(v, "monitor") == 0 || strcmp(v, "unused") == 0;
}

static bool is_member_or_none(const char *v)
{
    return is_member(v) || strcmp(v, "-") == 0;
}

static bool is_job_state(const char *v)
{
    enum job_state s;

    return job_state_parse(v, &s);
}

static bool is_intent(const char *v)
{
    unsigned long long id, loan_kb;
    unsigned tries;
    char victim, heir;
    int end = 0;

    return sscanf(v, "id=%llu tries=%u victim=%c heir=%c loan_kb=%llu%n", &id, &tries, &victim,
                  &heir, &loan_kb, &end) == 5 && (v[end] == '\0' || v[end] == ' ');
}

static bool is_req(const char *v)
{
    struct msg_req req;

    return msg_parse_req(v, strlen(v), &req) == MSG_OK;
}

static bool is_name(const char *v)
{
    return msg_valid_name(v);
}

static const struct {
    enum path_id id;
    bool (*valid)(const char *value);
} schema[] = {
    { PATH_FORMAT, is_one },
    { PATH_HOST_POOL, is_kb },
    { PATH_HOST_RESERVE, is_kb },
    { PATH_HOST_HOLDER, is_holder },
    { PATH_HOST_NEXT_REQUEST, is_number },
    { PATH_PAIR_STATE, is_state },
    { PATH_PAIR_REASON, is_reason },
    { PATH_PAIR_EPOCH, is_number },
    { PATH_PAIR_VERSION, is_number },
    { PATH_PAIR_ACTIVE, is_member },
    { PATH_PAIR_CONFIG_SHA, is_sha },
    { PATH_MEMBER_UUID, is_uuid },
    { PATH_MEMBER_DOMID, is_domid },
    { PATH_MEMBER_CONFIG_SHA, is_sha },
    { PATH_AREA_RESOURCE, is_memory },
    { PATH_AREA_SIZE, is_kb },
    { PATH_AREA_HAVE, is_kb },
    { PATH_AREA_GRANTED, is_kb },
    { PATH_AREA_OWNER, is_owner },
    { PATH_AREA_ON_FAULT, is_destination },
    { PATH_JOB_STATE, is_job_state },
    { PATH_JOB_OWNER, is_member_or_none },
    { PATH_JOB_MIN, is_kb },
    { PATH_JOB_REQUEST, is_number },
    { PATH_INTENT, is_intent },
    { PATH_G_FORMAT, is_one },
    { PATH_G_PAIR, is_name },
    { PATH_G_MEMBER, is_member },
    { PATH_G_EPOCH, is_number },
    { PATH_G_SPARE, is_kb },
    { PATH_G_REQ, is_req },
    { PATH_G_RUN, is_number },
};

enum fit { FITS_NOT, FITS_DIRECTORY, FITS };

/* Does path have this template, each word in capitals standing for one component? */
static enum fit fits(const char *path, const char *tmpl)
{
    while (*path && *tmpl) {
        size_t n = strcspn(path, "/"), t = strcspn(tmpl, "/");
        if (!isupper((unsigned char)*tmpl) && (n != t || strncmp(path, tmpl, n) != 0))
            return FITS_NOT;
        path += n + (path[n] == '/');
        tmpl += t + (tmpl[t] == '/');
    }
    return *path ? FITS_NOT : *tmpl ? FITS_DIRECTORY : FITS;
}

/* A key of the schema, or a directory that has just lost its last one. */
static void check_key(const char *path)
{
    const char *v = tree_value(path);
    bool directory = false;

    for (size_t i = 0; i < sizeof schema / sizeof schema[0]; i++) {
        enum fit fit = fits(path, path_template(schema[i].id));
        if (fit == FITS)
            ck_assert_msg(schema[i].valid(v), "%s = \"%s\"", path, v);
        if (fit == FITS)
            return;
        directory |= fit == FITS_DIRECTORY;
    }
    ck_assert_msg(directory && !v[0], "%s = \"%s\" is not in the schema", path, v);
}

static unsigned check_tree(const char *path)
{
    char below[XHS_PATH_MAX];
    unsigned n = 0, leaves = 0;
    char **name = tree_children(path, &n);

    for (unsigned i = 0; name && i < n; i++) {
        snprintf(below, sizeof below, "%s/%s", path, name[i]);
        leaves += check_tree(below);
    }
    free(name);
    if (n > 0)
        return leaves;
    check_key(path);
    return 1;
}

void check_book(void)
{
    char path[96];
    unsigned n = 0;
    char **name;

    check_tree("/tool/xhs");
    ck_assert_uint_eq(keys_below("/tool/xhs/host"), 4 - !key("/tool/xhs/host/next_request")[0]);
    name = tree_children("/tool/xhs/pair", &n);
    for (unsigned i = 0; name && i < n; i++) {
        for (char m = 'a'; m <= 'b'; m++) {
            snprintf(path, sizeof path, "/tool/xhs/pair/%s/member/%c", name[i], m);
            ck_assert_uint_eq(keys_below(path), 3);
            snprintf(path, sizeof path, "/local/domain/%u/xhs", domain_of(name[i], m));
            if (tree_value(path))
                check_tree(path);
        }
    }
    free(name);
}

/* ---- at rest ---- */

static bool near_kb(uint64_t kb, uint64_t want_kb)
{
    return kb <= want_kb && want_kb - kb <= PLAN_TOLERANCE_KB;
}

static void check_member(const char *pair, char member, uint64_t kb, bool job)
{
    const char owner[2] = { member, '\0' };
    uint32_t id = domain_of(pair, member);
    char dir[64];

    ck_assert_uint_ne(id, 0);
    ck_assert(domain_lives(id));
    ck_assert_uint_eq(owned_kb(pair, owner), kb);
    ck_assert_msg(near_kb(tot_kb(id), kb), "%s-%c has %" PRIu64 " KiB of %" PRIu64, pair, member,
                  tot_kb(id), kb);
    ck_assert_uint_le(max_kb(id), kb + HYP_SLACK_KB);
    ck_assert_uint_ge(max_kb(id) + 4, kb + HYP_SLACK_KB); /* a page less wakes a balloon */
    ck_assert_uint_le(claim_kb(id), PLAN_TOLERANCE_KB);
    ck_assert_str_eq(key("/local/domain/%u/xhs/pair", id), pair);
    ck_assert_str_eq(key("/local/domain/%u/xhs/member", id), owner);
    ck_assert_uint_eq(key_u64("/local/domain/%u/xhs/epoch", id),
                      key_u64("/tool/xhs/pair/%s/epoch", pair));
    snprintf(dir, sizeof dir, "/local/domain/%u/xhs/req", id);
    ck_assert_uint_eq(keys_below(dir), 0);
    snprintf(dir, sizeof dir, "/local/domain/%u/data/xhs/reply", id);
    ck_assert(keys_below(dir) == 0 || d.failed_calls);
    ck_assert_int_eq(key("/local/domain/%u/xhs/job/web/run", id)[0] != '\0', job);
}

void check_rest(const char *pair, char active)
{
    const char owner[2] = { active, '\0' }, standby = active == 'a' ? 'b' : 'a';
    uint32_t id = domain_of(pair, active);

    check_book();
    ck_assert_str_eq(key("/tool/xhs/pair/%s/state", pair), "protected");
    ck_assert_str_eq(key("/tool/xhs/pair/%s/active", pair), owner);
    check_member(pair, active, ACTIVE_MIB * MIB, true);
    check_member(pair, standby, STANDBY_MIB * MIB, false);
    ck_assert_uint_eq(holder_kb(), key_u64("/tool/xhs/host/reserve_kb"));

    ck_assert_str_eq(key("/tool/xhs/pair/%s/job/web/state", pair), "running");
    ck_assert_str_eq(key("/tool/xhs/pair/%s/job/web/owner", pair), owner);
    ck_assert_uint_eq(key_u64("/tool/xhs/pair/%s/area/job-web/size_kb", pair), 128 * MIB);
    ck_assert_str_eq(key("/tool/xhs/pair/%s/area/job-web/owner", pair), owner);
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/web/run", id),
                     key("/tool/xhs/pair/%s/job/web/request", pair));
    ck_assert_uint_eq(job_runs_in(pair, "web"), id);
    if (!d.failed_calls)
        ck_assert_msg(d.errors == 0, "%u errors in the log, the last: %s", d.errors, d.error);
}
