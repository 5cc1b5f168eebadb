/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of transitions: no row twice, a way out of every state, and every row taken once in
 * the simulated world. Not what a transition brings about: test_pair.c.
 * Run by make check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pair_rules.h"
#include "tests/unit/sim.h"

#define A MEMBER_A
#define B MEMBER_B
#define ROWS 128

static struct sim s;
static unsigned taken[ROWS];

static unsigned rows(void)
{
    unsigned n = 0;

    while (pair_rules[n].trigger)
        n++;
    return n;
}

/* ---- the table by itself ---- */

START_TEST(rows_differ)
{
    for (unsigned i = 0; i < rows(); i++) {
        for (unsigned j = 0; j < i; j++)
            ck_assert_msg(pair_rules[i].from != pair_rules[j].from ||
                              pair_rules[i].trigger != pair_rules[j].trigger,
                          "%s, %s stands twice", pair_state_word(pair_rules[i].from),
                          pair_rules[i].name);
        ck_assert_ptr_nonnull(pair_rule_text(&pair_rules[i]));
    }
}
END_TEST

/* From every state rows lead to protected and to stopped, and into every state leads one. */
START_TEST(ways_out)
{
    static const enum pair_state goal[] = { PAIR_PROTECTED, PAIR_STOPPED };

    for (unsigned g = 0; g < 2; g++) {
        bool leads[PAIR_STATE_COUNT] = { [PAIR_STOPPED] = goal[g] == PAIR_STOPPED };
        leads[goal[g]] = true;
        for (unsigned n = 0; n < PAIR_STATE_COUNT; n++) {
            for (unsigned i = 0; i < rows(); i++)
                leads[pair_rules[i].from] |= leads[pair_rules[i].to];
        }
        for (unsigned n = 0; n < PAIR_STATE_COUNT; n++)
            ck_assert_msg(leads[n], "no way from %s to %s", pair_state_word((enum pair_state)n),
                          pair_state_word(goal[g]));
    }
    for (unsigned n = 0; n < PAIR_STATE_COUNT; n++) {
        bool entered = n == PAIR_STOPPED; /* also by pair_init */
        for (unsigned i = 0; i < rows(); i++)
            entered |= (unsigned)pair_rules[i].to == n;
        ck_assert_msg(entered, "no way into %s", pair_state_word((enum pair_state)n));
    }
}
END_TEST

/* ---- the rows taken ---- */

static void record(const struct pair_action *a)
{
    for (unsigned i = 0; i < rows(); i++) {
        const char *text = pair_rule_text(&pair_rules[i]);
        size_t n = strlen(text);
        if (pair_rules[i].from == a->from && pair_rules[i].to == a->to &&
            strncmp(a->text, text, n) == 0 && (a->text[n] == '\0' || a->text[n] == ':'))
            taken[i]++;
    }
}

static void watch(struct sim *w, const struct pair_event *ev)
{
    (void)ev;
    for (unsigned i = 0; i < w->out.n; i++) {
        if (w->out.act[i].type == ACT_EVENT && w->out.act[i].event == REPORT_STATE)
            record(&w->out.act[i]);
    }
}

static void expect(enum pair_state state)
{
    ck_assert_msg(sim_until_state(&s, state, 10 * SIM_MINUTE), "in %s, not %s: %s",
                  pair_state_word(s.pair.state), pair_state_word(state), s.pair.reason);
}

static void form(void)
{
    sim_init(&s, 1);
    s.on_step = watch;
    sim_ask(&s, ASK_START);
}

/* The pair is brought into the state that a row starts from. */
static void bring(enum pair_state state)
{
    form();
    if (state == PAIR_FORMING)
        return;
    if (state == PAIR_UNPROTECTED)
        s.defines[B][0] = false;
    expect(state == PAIR_UNPROTECTED ? PAIR_UNPROTECTED : PAIR_PROTECTED);
    sim_run(&s, SIM_SECOND);
    switch (state) {
    case PAIR_STOPPING:
        sim_ask(&s, ASK_STOP);
        break;
    case PAIR_FENCING:
        s.faults.op_fail[OP_FENCE] = 100;
        sim_shutdown(&s, A, SHUT_CRASH);
        break;
    case PAIR_MOVING:
    case PAIR_STARTING:
        sim_shutdown(&s, A, SHUT_CRASH);
        break;
    case PAIR_REBUILDING:
        sim_shutdown(&s, B, SHUT_CRASH);
        break;
    case PAIR_REBOOTING:
        sim_shutdown(&s, A, SHUT_REBOOT);
        break;
    case PAIR_FAILED:
        s.no_build[A] = true;
        /* fall through */
    case PAIR_RESTARTING:
        sim_shutdown(&s, A, SHUT_CRASH);
        sim_shutdown(&s, B, SHUT_CRASH);
        break;
    case PAIR_SUSPECT: /* it is left in the step that enters it */
        s.pair.state = PAIR_SUSPECT;
        return;
    case PAIR_STOPPED:
    case PAIR_FORMING:
    case PAIR_PROTECTED:
    case PAIR_UNPROTECTED:
    case PAIR_SWITCHING:
    case PAIR_RECOVERING:
    case PAIR_STATE_COUNT:
        break;
    }
    expect(state);
}

static void end(int member, int reason)
{
    sim_shutdown(&s, member, reason);
    sim_look(&s);
}

/* Stopped from wherever that can be asked. */
static void stop_rows(void)
{
    static const enum pair_state from[] = {
        PAIR_FORMING,  PAIR_PROTECTED,  PAIR_SUSPECT,   PAIR_UNPROTECTED, PAIR_MOVING,
        PAIR_STARTING, PAIR_REBUILDING, PAIR_REBOOTING, PAIR_RESTARTING,  PAIR_FAILED,
    };

    for (unsigned i = 0; i < sizeof from / sizeof from[0]; i++) {
        bring(from[i]);
        sim_ask(&s, ASK_STOP);
        expect(PAIR_STOPPED);
    }
}

/* What happens to members that run. */
static void fault_rows(void)
{
    static const enum pair_state from[] = { PAIR_PROTECTED, PAIR_SUSPECT, PAIR_UNPROTECTED };

    for (unsigned i = 0; i < 3; i++) {
        bring(from[i]);
        end(A, SHUT_CRASH);
        expect(PAIR_REBUILDING);
        bring(from[i]);
        end(B, SHUT_CRASH);
        expect(PAIR_REBUILDING);
        bring(from[i]);
        end(A, SHUT_POWEROFF);
        expect(PAIR_STOPPED);
        bring(from[i]);
        end(B, SHUT_REBOOT);
        expect(PAIR_REBOOTING);
    }
}

static void running_rows(void)
{
    bring(PAIR_PROTECTED);
    sim_ask(&s, ASK_SWITCH);
    expect(PAIR_PROTECTED);
    sim_feed(&s, &(struct pair_event){ .type = EV_HANG, .member = A });
    expect(PAIR_PROTECTED);
    s.dom[B].paused = true;
    expect(PAIR_UNPROTECTED);
    s.dom[B].paused = false;
    expect(PAIR_PROTECTED);

    bring(PAIR_UNPROTECTED);
    sim_ask(&s, ASK_RECOVER);
    expect(PAIR_UNPROTECTED);
}

static void forming_rows(void)
{
    sim_init(&s, 1);
    s.on_step = watch;
    s.no_build[B] = true;
    sim_ask(&s, ASK_START);
    expect(PAIR_STOPPED);
    form();
    s.balloon_stuck[B] = true;
    expect(PAIR_UNPROTECTED);
}

static void takeover_rows(void)
{
    bring(PAIR_FENCING);
    expect(PAIR_FAILED);
    s.faults.op_fail[OP_FENCE] = 0;
    sim_ask(&s, ASK_RECOVER);
    expect(PAIR_PROTECTED);

    bring(PAIR_MOVING);
    end(B, SHUT_CRASH);
    expect(PAIR_RESTARTING);
    bring(PAIR_MOVING);
    s.balloon_stuck[B] = true;
    expect(PAIR_FAILED);
    bring(PAIR_STARTING);
    end(B, SHUT_CRASH);
    expect(PAIR_RESTARTING);
}

static void rebuilding_rows(void)
{
    bring(PAIR_REBUILDING);
    end(A, SHUT_CRASH);
    expect(PAIR_RESTARTING);
    bring(PAIR_REBUILDING);
    end(A, SHUT_POWEROFF);
    expect(PAIR_STOPPED);
    bring(PAIR_REBUILDING);
    end(A, SHUT_REBOOT);
    expect(PAIR_REBOOTING);
    bring(PAIR_REBUILDING);
    s.no_build[B] = true;
    expect(PAIR_UNPROTECTED);
    bring(PAIR_REBUILDING);
    s.balloon_stuck[B] = true;
    expect(PAIR_UNPROTECTED);
}

static bool a_runs(const struct sim *w)
{
    return sim_dom_runs(&w->dom[A]) && w->op[A].op == OP_NONE;
}

static void rebooting_rows(void)
{
    static const int reason[] = { SHUT_CRASH, SHUT_POWEROFF };

    for (unsigned i = 0; i < 2; i++) { /* the active, as soon as it is there again */
        bring(PAIR_REBOOTING);
        ck_assert(sim_until(&s, a_runs, SIM_MINUTE));
        sim_run(&s, SIM_SECOND);
        end(A, reason[i]);
        expect(reason[i] == SHUT_CRASH ? PAIR_REBUILDING : PAIR_STOPPED);
    }
    bring(PAIR_REBOOTING);
    expect(PAIR_PROTECTED);
    bring(PAIR_REBOOTING);
    end(B, SHUT_CRASH);
    expect(PAIR_RESTARTING);
    expect(PAIR_PROTECTED);
    bring(PAIR_REBOOTING);
    s.no_build[A] = true;
    expect(PAIR_FAILED);
    bring(PAIR_REBOOTING);
    s.faults.no_agent = 100;
    expect(PAIR_UNPROTECTED);
    bring(PAIR_PROTECTED);
    end(B, SHUT_REBOOT);
    s.no_build[B] = true;
    expect(PAIR_UNPROTECTED);

    bring(PAIR_RESTARTING);
    ck_assert(sim_until(&s, a_runs, SIM_MINUTE));
    sim_run(&s, SIM_SECOND);
    end(A, SHUT_POWEROFF);
    expect(PAIR_STOPPED);
}

/* The daemon dies in every state that lasts. */
static void recovering_rows(void)
{
    static const enum pair_state from[] = { PAIR_FORMING,   PAIR_PROTECTED, PAIR_MOVING,
                                            PAIR_REBUILDING, PAIR_REBOOTING, PAIR_RESTARTING,
                                            PAIR_STOPPING,  PAIR_FAILED };

    for (unsigned i = 0; i < sizeof from / sizeof from[0]; i++) {
        bring(from[i]);
        sim_daemon_dies(&s, 100 * SIM_MS);
        sim_run(&s, 2 * SIM_SECOND);
    }
    bring(PAIR_STOPPING);
    expect(PAIR_STOPPED);
    sim_daemon_dies(&s, 100 * SIM_MS);
    sim_run(&s, SIM_SECOND);
    expect(PAIR_STOPPED);

    bring(PAIR_MOVING);
    s.balloon_stuck[B] = true;
    for (int i = 0; i < 4; i++) {
        expect(PAIR_MOVING);
        sim_daemon_dies(&s, SIM_SECOND);
        sim_run(&s, 2 * SIM_SECOND);
    }
    expect(PAIR_FAILED);
}

START_TEST(every_row_taken)
{
    char missing[2048] = "";

    ck_assert_uint_le(rows(), ROWS);
    stop_rows();
    fault_rows();
    running_rows();
    forming_rows();
    takeover_rows();
    rebuilding_rows();
    rebooting_rows();
    recovering_rows();
    for (unsigned i = 0; i < rows(); i++) {
        const struct pair_rule *r = &pair_rules[i];
        size_t n = strlen(missing);
        if (!taken[i])
            snprintf(missing + n, sizeof missing - n, " %s -(%s)-> %s;",
                     pair_state_word(r->from), r->name, pair_state_word(r->to));
    }
    ck_assert_msg(missing[0] == '\0', "never taken:%s", missing);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair, rules");
    TCase *t = tcase_create("rules");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, rows_differ);
    tcase_add_test(t, ways_out);
    tcase_add_test(t, every_row_taken);
    suite_add_tcase(suite, t);
    r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
