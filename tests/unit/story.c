/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the stories of a pair share: see story.h. */
#include "tests/unit/story.h"

#include <string.h>

#include "core/plan.h"

struct sim s;

bool near_kb(uint64_t kb, uint64_t mib)
{
    return plan_settled(kb, mib * MIB_KB);
}

const struct job *web(void)
{
    return sim_job(&s, 0, MEMBER_NONE);
}

bool at_rest(const struct sim *w)
{
    const struct pair *p = &w->pair;

    return sim_dom_runs(&w->dom[A]) && sim_dom_runs(&w->dom[B]) && !w->down &&
           p->state == PAIR_PROTECTED && !p->intent.id && p->jobs &&
           p->job[0].state == JOB_RUNNING;
}

void assert_rest(int active)
{
    int standby = 1 - active;

    ck_assert_msg(sim_until(&s, at_rest, 5 * SIM_MINUTE), "ends %s: %s",
                  pair_state_word(s.pair.state), s.pair.reason);
    ck_assert_int_eq(s.pair.active, active);
    ck_assert(near_kb(s.dom[active].tot_kb, 1024));
    ck_assert(near_kb(s.dom[standby].tot_kb, 160));
    ck_assert(rmt_sound(&s.pair.rmt));
    ck_assert_uint_eq(s.pool.lent_kb, 0);
    ck_assert_int_eq(sim_runner(&s, 0), active);
    ck_assert_uint_eq(sim_copies(&s, 0), 1);
}

void check_step(struct sim *w, const struct pair_event *ev)
{
    (void)ev;
    ck_assert(!w->out.overflow);
    ck_assert(rmt_sound(&w->pair.rmt));
    for (int k = 0; k < SIM_HOT; k++)
        ck_assert_uint_le(sim_copies(w, k), 1);
    ck_assert(sim_intent_stored(w));
    for (unsigned i = 0; i < w->out.n; i++) {
        const struct pair_action *a = &w->out.act[i];
        if (a->type != ACT_FENCE || a->member != w->pair.active)
            continue;
        ck_assert(sim_may_act(w));
        ck_assert_uint_ne(w->pair.intent.id, 0);
        ck_assert_int_eq(w->pair.intent.victim, a->member);
    }
}

void begin(uint64_t seed)
{
    sim_protected(&s, seed);
    s.on_step = check_step;
}

void assert_ends(enum pair_state state, const char *reason)
{
    ck_assert_msg(sim_until_state(&s, state, 5 * SIM_MINUTE), "ends %s, not %s: %s",
                  pair_state_word(s.pair.state), pair_state_word(state), s.pair.reason);
    ck_assert_msg(strstr(s.pair.reason, reason) != NULL, "reason: %s", s.pair.reason);
}
