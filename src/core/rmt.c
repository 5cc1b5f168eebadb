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

static void add(struct rmt *t, const char *name, uint64_t kb, enum owner owner, enum owner on_fault)
{
    struct area *a = &t->area[t->n++];

    memset(a, 0, sizeof *a);
    snprintf(a->name, sizeof a->name, "%s", name);
    a->size_kb = kb;
    a->owner = owner;
    a->on_fault = on_fault;
}

void rmt_init(struct rmt *t, const struct pair_config *pc)
{
    bool follow = pc->surplus == SURPLUS_FOLLOW;

    t->n = 0;
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

struct area *rmt_find(struct rmt *t, const char *name)
{
    for (unsigned i = 0; i < t->n; i++) {
        if (strcmp(t->area[i].name, name) == 0)
            return &t->area[i];
    }
    return NULL;
}

struct area *rmt_find_job(struct rmt *t, const char *job)
{
    char name[RMT_NAME_MAX + 1];

    snprintf(name, sizeof name, "%s%s", job_prefix, job);
    return rmt_find(t, name);
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
static struct area *job_source(struct rmt *t, int member)
{
    struct area *a = rmt_find(t, surplus_name);

    if (a && a->owner == (enum owner)member)
        return a;
    return rmt_find(t, os_name(member));
}

uint64_t rmt_spare_kb(const struct rmt *t, int member, uint64_t os_min_kb)
{
    const struct area *a = job_source((struct rmt *)t, member);
    uint64_t keep = strcmp(a->name, surplus_name) == 0 ? 0 : os_min_kb;

    return a->size_kb > keep ? a->size_kb - keep : 0;
}

int rmt_split_job(struct rmt *t, const char *job, uint64_t kb, int member, uint64_t os_min_kb,
                  struct xhs_error *err)
{
    uint64_t spare = rmt_spare_kb(t, member, os_min_kb);
    char name[RMT_NAME_MAX + 1];

    snprintf(name, sizeof name, "%s%s", job_prefix, job);
    if (rmt_find(t, name))
        return xhs_fail(err, XHS_E_EXISTS, "job %s has an area already", job);
    if (t->n == RMT_AREAS_MAX)
        return xhs_fail(err, XHS_E_STATE, "the pair has %d jobs already", RMT_JOBS_MAX);
    if (kb > spare)
        return xhs_fail(err, XHS_E_MEMORY, "%llu MiB short: it wants %llu MiB of the %llu free",
                        (unsigned long long)(kb - spare + 1023) / 1024,
                        (unsigned long long)kb / 1024, (unsigned long long)spare / 1024);

    struct area *from = job_source(t, member);
    from->size_kb -= kb;
    add(t, name, kb, (enum owner)member, other(member));
    if (from->have_kb > from->size_kb) {
        t->area[t->n - 1].have_kb = from->have_kb - from->size_kb;
        from->have_kb = from->size_kb;
    }
    return 0;
}

int rmt_merge_job(struct rmt *t, const char *job, struct xhs_error *err)
{
    struct area *a = rmt_find_job(t, job);

    if (!a)
        return xhs_fail(err, XHS_E_NOENT, "job %s has no area", job);
    if (a->owner != OWNER_A && a->owner != OWNER_B)
        return xhs_fail(err, XHS_E_STATE, "the area of job %s is on its way", job);

    struct area *into = job_source(t, (int)a->owner);
    into->size_kb += a->size_kb;
    into->have_kb += a->have_kb;
    memmove(a, a + 1, (size_t)(&t->area[t->n] - (a + 1)) * sizeof *a);
    t->n--;
    return 0;
}

void rmt_fault(struct rmt *t, int victim)
{
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
    struct area *os = rmt_find(t, os_name(member));

    if (os && os->owner == (enum owner)member)
        kb = put(os, kb);
    for (unsigned i = 0; i < t->n; i++) {
        struct area *a = &t->area[i];
        if (a->owner == (enum owner)member && a != os && is_job(a))
            kb = put(a, kb);
    }
    for (unsigned i = 0; i < t->n; i++) {
        struct area *a = &t->area[i];
        if (a->owner == (enum owner)member && a != os && !is_job(a))
            kb = put(a, kb);
    }
}

bool rmt_sound(const struct rmt *t, uint64_t total_kb)
{
    for (unsigned i = 0; i < t->n; i++) {
        const struct area *a = &t->area[i];

        if (a->have_kb > a->size_kb || a->owner == OWNER_UNUSED)
            return false;
        if (a->on_fault != OWNER_A && a->on_fault != OWNER_B && a->on_fault != OWNER_MONITOR)
            return false;
    }
    return rmt_total_kb(t) == total_kb;
}
