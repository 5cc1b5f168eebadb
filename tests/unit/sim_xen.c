/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated world's hypervisor and toolstack: memory, balloons, operations that take time and
 * fail. Not the guests (sim_guest.c), not the daemon and the clock (sim.c), which calls this.
 */
#include "sim.h"

#include <string.h>

#define BALLOON_KB_PER_MS 1024
#define SLACK_KB 1024
#define GUEST_LEAST_KB (90 * MIB_KB) /* no guest shrinks below */

/* ---- memory ---- */

/* Free, and claimed by nobody: not by the reserve's holder, a growing guest or a build. */
static uint64_t free_kb(const struct sim *s)
{
    uint64_t used = s->pool.reserve_kb - s->pool.lent_kb, lent = pair_borrowed_kb(&s->pair);

    used = (used > lent ? used - lent : 0) + pair_waiting_kb(&s->pair);
    for (int i = 0; i < MEMBERS; i++) {
        const struct sim_dom *d = &s->dom[i];
        if (d->there)
            used += d->tot_kb < d->backed_kb ? d->backed_kb : d->tot_kb;
        else if (s->op[i].op == OP_CREATE)
            used += s->op[i].kb;
    }
    return s->host_kb > used ? s->host_kb - used : 0;
}

static void move_balloon(struct sim *s, int i, uint64_t step_kb)
{
    struct sim_dom *d = &s->dom[i];
    uint64_t to = s->balloon_deaf[i] ? d->own_target_kb : d->target_kb;

    if (!sim_dom_runs(d) || !d->agent || s->balloon_stuck[i] || to == 0)
        return;
    if (to < GUEST_LEAST_KB)
        to = GUEST_LEAST_KB;
    if (to > d->tot_kb && to > d->backed_kb)
        to = d->backed_kb > d->tot_kb ? d->backed_kb : d->tot_kb;
    if (d->tot_kb < to)
        d->tot_kb = to - d->tot_kb > step_kb ? d->tot_kb + step_kb : to;
    else
        d->tot_kb = d->tot_kb - to > step_kb ? d->tot_kb - step_kb : to;
}

void sim_advance(struct sim *s, int64_t to_ns)
{
    int64_t ms = to_ns / SIM_MS - s->now_ns / SIM_MS;

    for (int i = 0; i < MEMBERS && ms > 0; i++) {
        struct sim_dom *d = &s->dom[i];
        struct sim_op *o = &s->op[i];
        move_balloon(s, i, (uint64_t)ms * BALLOON_KB_PER_MS);
        bool frees = o->op == OP_FREE && d->there && !sim_hangs(s, i);
        if (frees && o->due_ns > s->now_ns) /* in proportion */
            d->tot_kb -= (uint64_t)((double)d->tot_kb * (double)(to_ns - s->now_ns) /
                                    (double)(o->due_ns - s->now_ns)) & ~UINT64_C(3);
    }
    s->now_ns = to_ns;
}

/* ---- operations ---- */

void sim_body_gone(struct sim_dom *d)
{
    memset(d, 0, sizeof *d);
    d->domid = -1;
}

static void fence(struct sim *s, int member)
{
    struct sim_dom *d = &s->dom[member];

    if (!d->there || d->fenced)
        return;
    if (!d->shutdown)
        d->reason = SHUT_CRASH;
    d->shutdown = d->fenced = true;
    d->fenced_kb = d->tot_kb;
}

static int64_t op_time(struct sim *s, enum member_op op)
{
    static const unsigned ms[] = { [OP_FREE] = 150, [OP_CLEAN] = 600, [OP_CREATE] = 900 };
    int64_t t = (ms[op] / 2 + sim_random(s, ms[op])) * SIM_MS;

    return op != OP_FENCE && sim_chance(s, s->faults.late) ? 10 * t : t;
}

bool sim_hangs(const struct sim *s, int member)
{
    return s->op[member].op == OP_FREE && s->free_hangs[member];
}

void sim_begin_op(struct sim *s, int member, enum member_op op, uint64_t kb)
{
    struct sim_op *o = &s->op[member];
    bool there = s->dom[member].there || s->stranger[member] >= 0;

    ck_assert_msg(o->op == OP_NONE, "%s begins while %s is under way", pair_op_word(op),
                  pair_op_word(o->op));
    *o = (struct sim_op){ .op = op, .kb = kb, .born_ns = SIM_NEVER };
    o->due_ns = s->now_ns + op_time(s, op);
    o->fail = sim_chance(s, s->faults.op_fail[op]);
    if (op == OP_FENCE) {
        s->fences++;
        o->fail |= !s->dom[member].there && there;
        if (!o->fail || sim_chance(s, 50))
            fence(s, member);
    } else if (op == OP_FREE) {
        fence(s, member);
    } else if (op == OP_CREATE) {
        o->op = OP_NONE;
        o->fail |= there || s->no_build[member] || kb > free_kb(s);
        o->op = OP_CREATE;
        o->kb = o->fail ? 0 : kb;
        o->born_ns = o->fail ? SIM_NEVER : s->now_ns + (o->due_ns - s->now_ns) / 2;
    }
}

void sim_born(struct sim *s, int member)
{
    struct sim_dom *d = &s->dom[member];
    struct sim_op *o = &s->op[member];

    sim_body_gone(d);
    d->there = d->paused = true;
    d->domid = s->next_domid++;
    d->tot_kb = d->max_kb = d->boot_kb = o->kb;
    d->agent_ns = SIM_NEVER;
    o->born_ns = SIM_NEVER;
    sim_guest_boots(s, member);
    sim_feed(s, &(struct pair_event){
                    .type = EV_BORN, .member = member, .domid = (uint32_t)d->domid });
}

void sim_done(struct sim *s, int member)
{
    struct sim_dom *d = &s->dom[member];
    struct sim_op o = s->op[member];

    s->op[member].op = OP_NONE;
    if (o.op == OP_FREE && !o.fail && d->there) {
        d->dying = true;
        d->tot_kb = d->backed_kb = 0;
    } else if (o.op == OP_CLEAN && !o.fail) {
        sim_body_gone(d);
    } else if (o.op == OP_CREATE && o.fail) {
        sim_body_gone(d);
    } else if (o.op == OP_CREATE && d->there) {
        d->paused = false;
        if (!sim_chance(s, s->faults.no_agent))
            d->agent_ns = s->now_ns + 2 * SIM_SECOND + sim_random(s, 4000) * SIM_MS;
    }
    sim_feed(s, &(struct pair_event){ .type = EV_DONE, .member = member, .op = o.op,
                                      .ok = !o.fail, .text = o.fail ? "simulated fault" : "" });
    if (o.op != OP_FENCE)
        s->look_ns = s->now_ns;
}

void sim_order_memory(struct sim *s, int member, uint64_t kb)
{
    struct sim_dom *d = &s->dom[member];
    uint64_t ordered = kb, most;

    if (!d->there || d->dying)
        return;
    d->backed_kb = 0;
    if (kb > d->tot_kb) {
        most = d->tot_kb + (free_kb(s) & ~UINT64_C(1023));
        ordered = kb < most ? kb : most;
        d->backed_kb = ordered;
    }
    d->max_kb = ordered + SLACK_KB;
    d->target_kb = ordered;
    if (ordered != kb)
        s->short_kb[member] = ordered;
}

/* ---- faults ---- */

void sim_shutdown(struct sim *s, int member, int reason)
{
    struct sim_dom *d = &s->dom[member];

    if (!sim_dom_runs(d))
        return;
    d->shutdown = true;
    d->reason = reason;
    s->look_ns = s->now_ns;
}

void sim_destroy(struct sim *s, int member)
{
    if (s->op[member].op == OP_NONE) {
        sim_body_gone(&s->dom[member]);
        s->look_ns = s->now_ns;
    }
}
