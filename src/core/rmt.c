/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resource management table: see rmt.h. */
#include "core/rmt.h"

#include <stdio.h>
#include <string.h>

static const char *const owner_words[] = {
#define O(id, word) [OWNER_##id] = word,
    RMT_OWNERS(O)
#undef O
};

static const char surplus_name[] = "surplus";
static const char job_prefix[] = "job-";

const char *rmt_owner_word(enum owner owner)
{
    return owner_words[owner];
}

bool rmt_owner_parse(const char *word, enum owner *out)
{
    for (unsigned i = 0; i < sizeof owner_words / sizeof owner_words[0]; i++) {
        if (strcmp(owner_words[i], word) == 0) {
            *out = (enum owner)i;
            return true;
        }
    }
    return false;
}

static enum owner other(int member)
{
    return member == MEMBER_A ? OWNER_B : OWNER_A;
}

static bool is_job(const struct area *a)
{
    return strncmp(a->name, job_prefix, sizeof job_prefix - 1) == 0;
}

static const char *os_name(int member)
{
    return member == MEMBER_A ? "os-a" : "os-b";
}

static const char *back_name(int member)
{
    return member == MEMBER_A ? "back-a" : "back-b";
}

static struct area *add(struct rmt *t, const char *name, uint64_t kb, enum owner owner,
                        enum owner on_fault)
{
    struct area *a = &t->area[t->n++];

    memset(a, 0, sizeof *a);
    snprintf(a->name, sizeof a->name, "%s", name);
    a->size_kb = kb;
    a->owner = owner;
    a->on_fault = on_fault;
    return a;
}

/* Its index, or t->n. */
static unsigned place(const struct rmt *t, const char *name)
{
    unsigned i = 0;

    while (i < t->n && strcmp(t->area[i].name, name) != 0)
        i++;
    return i;
}

static unsigned job_place(const struct rmt *t, const char *key)
{
    char name[RMT_NAME_MAX + 1];

    snprintf(name, sizeof name, "%s%s", job_prefix, key);
    return place(t, name);
}

static void drop(struct rmt *t, unsigned i)
{
    memmove(&t->area[i], &t->area[i + 1], (--t->n - i) * sizeof t->area[0]);
}

void rmt_init(struct rmt *t, const struct pair_config *pc)
{
    bool follow = pc->surplus == SURPLUS_FOLLOW;

    t->n = 0;
    t->nominal_kb = pc->memory_kb + pc->standby_memory_kb;
    t->os_min_kb = pc->standby_memory_kb;
    add(t, os_name(MEMBER_A), follow ? pc->standby_memory_kb : pc->memory_kb, OWNER_A, OWNER_A);
    add(t, os_name(MEMBER_B), pc->standby_memory_kb, OWNER_B, OWNER_B);
    if (follow)
        add(t, surplus_name, pc->memory_kb - pc->standby_memory_kb, OWNER_A, OWNER_B);
}

int rmt_restore(struct rmt *t, const struct area *a, struct xhs_error *err)
{
    if (t->n == RMT_AREAS_MAX)
        return xhs_fail(err, XHS_E_STATE, "the table has more than %d areas", RMT_AREAS_MAX);
    if (rmt_find(t, a->name))
        return xhs_fail(err, XHS_E_EXISTS, "area %s stands twice in the table", a->name);
    t->area[t->n++] = *a;
    return 0;
}

const struct area *rmt_find(const struct rmt *t, const char *name)
{
    unsigned i = place(t, name);

    return i < t->n ? &t->area[i] : NULL;
}

const struct area *rmt_find_job(const struct rmt *t, const char *key)
{
    unsigned i = job_place(t, key);

    return i < t->n ? &t->area[i] : NULL;
}

uint64_t rmt_total_kb(const struct rmt *t)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < t->n; i++)
        sum += t->area[i].size_kb;
    return sum;
}

uint64_t rmt_owned_kb(const struct rmt *t, enum owner owner)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < t->n; i++) {
        if (t->area[i].owner == owner)
            sum += t->area[i].size_kb;
    }
    return sum;
}

/* The area that a job of this member is split off from, and merged back into. */
static unsigned job_source(const struct rmt *t, int member)
{
    unsigned i = place(t, surplus_name);

    if (i < t->n && t->area[i].owner == (enum owner)member)
        return i;
    return place(t, os_name(member));
}

uint64_t rmt_spare_kb(const struct rmt *t, int member)
{
    const struct area *a = &t->area[job_source(t, member)];
    uint64_t keep = strcmp(a->name, surplus_name) == 0 ? 0 : t->os_min_kb;

    return a->size_kb > keep ? a->size_kb - keep : 0;
}

int rmt_grant(struct rmt *t, const char *key, uint64_t kb, uint64_t own_kb, int member, bool hot,
              struct xhs_error *err)
{
    uint64_t spare = rmt_spare_kb(t, member);
    char name[RMT_NAME_MAX + 1];
    unsigned jobs = 0;

    snprintf(name, sizeof name, "%s%s", job_prefix, key);
    for (unsigned i = 0; i < t->n; i++)
        jobs += is_job(&t->area[i]);
    if (kb == 0 || own_kb > kb || kb - own_kb > MSG_KB_MAX)
        return xhs_fail(err, XHS_E_USAGE, "job %s: an area of %llu KiB, %llu of them its OS's",
                        key, (unsigned long long)kb, (unsigned long long)own_kb);
    if (rmt_find(t, name))
        return xhs_fail(err, XHS_E_EXISTS, "job %s has an area already", key);
    if (jobs >= RMT_JOBS_MAX || t->n == RMT_AREAS_MAX)
        return xhs_fail(err, XHS_E_STATE, "the pair has %d jobs already", RMT_JOBS_MAX);
    if (own_kb > spare)
        return xhs_fail(err, XHS_E_MEMORY, "%llu MiB short: it wants %llu MiB of the %llu free",
                        (unsigned long long)(own_kb - spare + 1023) / 1024,
                        (unsigned long long)own_kb / 1024, (unsigned long long)spare / 1024);

    struct area *from = &t->area[job_source(t, member)];
    struct area *job = add(t, name, kb, (enum owner)member, hot ? other(member) : OWNER_MONITOR);
    job->granted_kb = kb - own_kb;
    from->size_kb -= own_kb;
    if (from->have_kb > from->size_kb) {
        job->have_kb = from->have_kb - from->size_kb;
        from->have_kb = from->size_kb;
    }
    return 0;
}

static void give_back(struct rmt *t, int member, uint64_t kb)
{
    unsigned i = place(t, back_name(member));

    if (kb == 0)
        return;
    if (i < t->n)
        t->area[i].size_kb += kb;
    else
        add(t, back_name(member), kb, OWNER_UNUSED, OWNER_UNUSED);
}

static void release(struct rmt *t, unsigned i)
{
    const struct area a = t->area[i];
    uint64_t keep = a.size_kb - a.granted_kb;
    struct area *into;

    drop(t, i);
    into = &t->area[job_source(t, (int)a.owner)];
    into->size_kb += keep;
    into->have_kb += a.have_kb < keep ? a.have_kb : keep;
    give_back(t, (int)a.owner, a.granted_kb);
}

int rmt_release(struct rmt *t, const char *key, struct xhs_error *err)
{
    unsigned i = job_place(t, key);

    if (i == t->n)
        return xhs_fail(err, XHS_E_NOENT, "job %s has no area", key);
    if (t->area[i].owner != OWNER_A && t->area[i].owner != OWNER_B)
        return xhs_fail(err, XHS_E_STATE, "the area of job %s is on its way", key);
    release(t, i);
    return 0;
}

uint64_t rmt_returning_kb(const struct rmt *t, int member)
{
    const struct area *a = rmt_find(t, back_name(member));

    return a ? a->size_kb : 0;
}

uint64_t rmt_returned(struct rmt *t, int member, uint64_t held_kb)
{
    unsigned i = place(t, back_name(member));
    uint64_t kb;

    if (i == t->n)
        return 0;
    kb = t->area[i].size_kb;
    if (held_kb == 0) {
        drop(t, i);
        return kb;
    }
    t->area[i].have_kb = kb > held_kb ? kb - held_kb : 0;
    return 0;
}

void rmt_keep(struct rmt *t, int member, uint64_t kb)
{
    unsigned s = place(t, surplus_name);
    struct area *os = &t->area[place(t, os_name(member))];

    if (s == t->n || t->area[s].owner != (enum owner)member)
        return;
    if (kb > t->area[s].size_kb)
        kb = t->area[s].size_kb;
    t->area[s].size_kb -= kb;
    os->size_kb += kb;
    if (t->area[s].have_kb > t->area[s].size_kb) {
        os->have_kb += t->area[s].have_kb - t->area[s].size_kb;
        t->area[s].have_kb = t->area[s].size_kb;
    }
}

void rmt_fault(struct rmt *t, int victim)
{
    for (unsigned i = 0; i < t->n;) {
        if (t->area[i].owner == (enum owner)victim && t->area[i].on_fault == OWNER_MONITOR)
            release(t, i);
        else
            i++;
    }
    for (unsigned i = 0; i < t->n; i++) {
        struct area *a = &t->area[i];

        if (a->owner != (enum owner)victim)
            continue;
        a->have_kb = 0;
        if (a->on_fault == other(victim))
            a->owner = OWNER_TRANSIT;
    }
}

static uint64_t put(struct area *a, uint64_t kb)
{
    a->have_kb = kb < a->size_kb ? kb : a->size_kb;
    return kb - a->have_kb;
}

void rmt_arrived(struct rmt *t, uint64_t kb)
{
    for (int jobs = 1; jobs >= 0; jobs--) {
        for (unsigned i = 0; i < t->n; i++) {
            if (t->area[i].owner == OWNER_TRANSIT && is_job(&t->area[i]) == (jobs == 1))
                kb = put(&t->area[i], kb);
        }
    }
}

void rmt_commit(struct rmt *t, int heir, bool jobs_only)
{
    for (unsigned i = 0; i < t->n; i++) {
        struct area *a = &t->area[i];

        if (a->owner != OWNER_TRANSIT || (jobs_only && !is_job(a)))
            continue;
        a->owner = (enum owner)heir;
        a->on_fault = other(heir);
    }
}

void rmt_have(struct rmt *t, int member, uint64_t kb)
{
    unsigned os = place(t, os_name(member));

    if (os < t->n)
        kb = put(&t->area[os], kb);
    for (int jobs = 1; jobs >= 0; jobs--) {
        for (unsigned i = 0; i < t->n; i++) {
            struct area *a = &t->area[i];
            if (a->owner == (enum owner)member && i != os && is_job(a) == (jobs == 1))
                kb = put(a, kb);
        }
    }
}

static bool area_sound(const struct area *a)
{
    if (a->have_kb > a->size_kb || a->granted_kb > a->size_kb)
        return false;
    switch (a->owner) {
    case OWNER_A:
    case OWNER_B:
        return is_job(a) ? a->size_kb > 0 && a->on_fault != a->owner &&
                               (a->on_fault <= OWNER_B || a->on_fault == OWNER_MONITOR)
                         : a->on_fault <= OWNER_B;
    case OWNER_TRANSIT:
        return a->on_fault <= OWNER_B;
    case OWNER_UNUSED:
        return a->on_fault == OWNER_UNUSED && strncmp(a->name, "back-", 5) == 0;
    case OWNER_MONITOR:
    case OWNER_BAD:
        break;
    }
    return false;
}

bool rmt_sound(const struct rmt *t)
{
    uint64_t own = 0;

    for (unsigned i = 0; i < t->n; i++) {
        const struct area *a = &t->area[i];
        if (!area_sound(a) || (a->granted_kb && !is_job(a)))
            return false;
        own += a->owner == OWNER_UNUSED ? 0 : a->size_kb - a->granted_kb;
    }
    for (int i = 0; i < MEMBERS; i++) {
        const struct area *os = rmt_find(t, os_name(i));
        if (!os || os->owner != (enum owner)i || os->on_fault != os->owner ||
            os->size_kb < t->os_min_kb)
            return false;
    }
    return own == t->nominal_kb;
}
