/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Would a takeover succeed: see feasible.h. */
#include "core/feasible.h"

#include <stdio.h>

#include "core/pair_internal.h"

static const char *not_its_own(const struct pair *p, int member, char *buf, size_t size)
{
    const struct member *m = &p->m[member];

    if (member_has_its_own(p, member))
        return NULL;
    snprintf(buf, size, "%s has %llu MiB, it should have %llu", m->name, MIB(m->look.tot_kb),
             MIB(pair_goal_kb(p, member)));
    return buf;
}

static const char *unprotected_member(const struct pair *p, char *buf, size_t size)
{
    const struct member *a = &p->m[p->active], *s = &p->m[other_member(p->active)];

    if (s->off)
        snprintf(buf, size, "%s was powered off by its owner: xhs recover %s builds it again",
                 s->name, p->name);
    else if (s->stranger)
        snprintf(buf, size, "a domain that xhs did not make has the uuid of %s", s->name);
    else if (s->domid < 0)
        snprintf(buf, size, "%s is not built: %s", s->name, s->error[0] ? s->error : "no reason");
    else if (s->suspended || a->suspended)
        snprintf(buf, size, "%s is suspended by an operator", s->suspended ? s->name : a->name);
    else if (!pair_member_runs(s))
        snprintf(buf, size, "%s does not run", s->name);
    else if (s->look.paused)
        snprintf(buf, size, "%s is paused by an operator", s->name);
    else if (!s->agent)
        snprintf(buf, size, "no agent answers on %s", s->name);
    else if (!a->agent)
        snprintf(buf, size, "no agent answers on %s", a->name);
    else
        return not_its_own(p, other_member(p->active), buf, size);
    return buf;
}

uint64_t feasible_need_kb(const struct rmt *t, int active)
{
    struct rmt after = *t;

    rmt_fault(&after, active);
    return rmt_owned_kb(&after, (enum owner)other_member(active)) +
           rmt_owned_kb(&after, OWNER_TRANSIT);
}

static const char *no_room(const struct pair *p, char *buf, size_t size)
{
    uint64_t need = feasible_need_kb(&p->rmt, p->active);
    int least = least_job(p, p->active);

    if (need <= p->cfg.max_memory_kb)
        return NULL;
    snprintf(buf, size, "takeover not possible: %llu MiB short for %s%.40s: %.60s would need %llu "
             "MiB, max_memory is %llu", MIB_UP(need - p->cfg.max_memory_kb),
             least >= 0 ? "job " : "the surplus", least >= 0 ? p->job[least].name : "", p->m[other_member(p->active)].name,
             MIB_UP(need), MIB(p->cfg.max_memory_kb));
    return buf;
}

const char *pair_unprotected(const struct pair *p, char *buf, size_t size)
{
    int ai = p->active;

    if (unprotected_member(p, buf, size) || not_its_own(p, ai, buf, size))
        return buf;
    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        if (job_hot(j) && job_live(j) && !j->known[other_member(ai)]) {
            snprintf(buf, size, "%s has no definition of job %s",
                     p->m[other_member(ai)].name, j->name);
            return buf;
        }
    }
    return no_room(p, buf, size);
}

/* ---- every fault ---- */

static void active_fault(const struct pair *p, const struct pool *pool, const struct job *j,
                         struct fault *f)
{
    int heir = other_member(p->active);
    const char *to = p->m[heir].name;
    uint64_t reserve = pool_reserve_left_kb(pool);

    *f = (struct fault){ .os = true, .member = p->active, .job = j, .moves = true };
    f->need_kb = feasible_need_kb(&p->rmt, p->active);
    f->have_kb = p->cfg.max_memory_kb;
    if (unprotected_member(p, f->text, sizeof f->text) || no_room(p, f->text, sizeof f->text))
        return;
    if (j && !j->known[heir]) {
        snprintf(f->text, sizeof f->text, "%s has no definition of job %s", to, j->name);
        return;
    }
    f->possible = true;
    if (j)
        snprintf(f->text, sizeof f->text, "starts on %.60s with %llu of its %llu MiB, %llu of them "
                 "from the reserve", to, MIB(j->min_kb), MIB(j->memory_kb),
                 MIB(j->min_kb < reserve ? j->min_kb : reserve));
    else
        snprintf(f->text, sizeof f->text, "%.60s takes over; no hot-standby job runs", to);
}

static void standby_fault(const struct pair *p, const struct pool *pool, struct fault *f)
{
    int s = other_member(p->active);

    *f = (struct fault){ .os = true, .member = s, .moves = true };
    f->need_kb = pair_boot_kb(p, s);
    f->have_kb = pair_goal_kb(p, s) + pool_reserve_left_kb(pool);
    f->possible = f->need_kb <= f->have_kb;
    if (f->possible)
        snprintf(f->text, sizeof f->text, "jobs on %.60s run on; %.60s is built again",
                 p->m[p->active].name, p->m[s].name);
    else
        snprintf(f->text, sizeof f->text, "%.60s boots with %llu MiB, %llu MiB short: make reserve "
                 "in xhs.cfg larger", p->m[s].name, MIB(f->need_kb),
                 MIB_UP(f->need_kb - f->have_kb));
}

static void job_fault(const struct pair *p, const struct job *j, struct fault *f)
{
    *f = (struct fault){ .member = p->active, .job = j };
    f->need_kb = f->have_kb = j->memory_kb;
    snprintf(f->text, sizeof f->text, "it fails on %.60s and its area is given back: only a fault "
             "of the OS moves a job", p->m[p->active].name);
}

unsigned feasible_faults(const struct pair *p, const struct pool *pool,
                         struct fault out[FAULTS_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->jobs; i++) {
        if (job_hot(&p->job[i]) && job_live(&p->job[i]))
            active_fault(p, pool, &p->job[i], &out[n++]);
    }
    if (n == 0)
        active_fault(p, pool, NULL, &out[n++]);
    standby_fault(p, pool, &out[n++]);
    for (unsigned i = 0; i < p->jobs; i++) {
        if (job_hot(&p->job[i]) && job_live(&p->job[i]))
            job_fault(p, &p->job[i], &out[n++]);
    }
    return n;
}
