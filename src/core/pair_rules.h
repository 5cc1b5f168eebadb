/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every transition of a pair, in one table: state, trigger, next state. The first row whose trigger
 * holds is taken, again and again until none holds. A trigger is a question about facts, so asking
 * twice does no harm. xhs show and xhs-pair.cfg(5) print the same words.
 * Used by pair.c; the tests walk every row.
 */
#ifndef XHS_CORE_PAIR_RULES_H
#define XHS_CORE_PAIR_RULES_H

#include "core/pair.h"

/* trigger, what it says to people */
#define PAIR_TRIGGERS(T)                                                                        \
    T(start_asked, "the owner asked to create the pair")                                        \
    T(stop_asked, "the owner asked to destroy the pair")                                        \
    T(recover_asked, "the owner asked to recover the pair")                                     \
    T(switch_asked, "the owner asked for a switchover")                                         \
    T(switch_refused, "a planned switchover is not available")                                  \
    T(both_ready, "both members run with the memory they own, and their agents answer")         \
    T(member_unbuildable, "a member cannot be built")                                           \
    T(ready_overdue, "a member is built, but does not become ready")                            \
    T(active_down, "the active OS is down")                                                     \
    T(standby_down, "the standby OS is down")                                                   \
    T(active_off, "the active was powered off by its owner")                                    \
    T(member_rebooted, "a member rebooted itself")                                              \
    T(hang_suspected, "a member's heartbeat is stale and its kernel does not answer")           \
    T(hang_unconfirmed, "a hang cannot be confirmed")                                           \
    T(not_protected, "a takeover would not succeed")                                            \
    T(protected_again, "a takeover would succeed again")                                        \
    T(fenced_for_heir, "the active is dead, the hypervisor confirms it, and there is an heir")  \
    T(fenced_no_heir, "the active is dead, the hypervisor confirms it, and there is no heir")   \
    T(fenced_standby, "the standby is dead, the hypervisor confirms it")                        \
    T(fence_unconfirmed, "the hypervisor does not confirm the fence")                           \
    T(heir_down, "the heir is down as well")                                                    \
    T(minimum_committed, "the heir has, and its OS can use, what its first job needs to start") \
    T(move_stuck, "the heir's memory does not come")                                            \
    T(jobs_started, "every job of the takeover runs on the heir, or has failed there")          \
    T(standby_ready, "the new standby runs")                                                    \
    T(standby_given_up, "the standby cannot be built")                                          \
    T(active_up, "the active runs again")                                                       \
    T(active_given_up, "the active cannot be built")                                            \
    T(both_gone, "both domains are gone")                                                       \
    T(intent_worn_out, "a takeover was resumed three times without coming to an end")           \
    T(intent_open, "a takeover was under way")                                                  \
    T(was_stopped, "the pair was stopped")                                                      \
    T(was_forming, "the pair was being formed")                                                 \
    T(was_stopping, "the pair was being destroyed")                                             \
    T(was_rebooting, "a member was being rebooted")                                             \
    T(was_restarting, "the active was being restarted")                                         \
    T(was_rebuilding, "the standby was being rebuilt")                                          \
    T(was_failed, "the pair had failed")                                                        \
    T(was_running, "the pair was up")

/* from, trigger, to */
#define PAIR_RULES(R)                            \
    R(STOPPED, start_asked, FORMING)             \
    R(FORMING, stop_asked, STOPPING)             \
    R(FORMING, member_unbuildable, STOPPING)     \
    R(FORMING, both_ready, PROTECTED)            \
    R(FORMING, ready_overdue, UNPROTECTED)       \
    R(PROTECTED, stop_asked, STOPPING)           \
    R(PROTECTED, active_down, FENCING)           \
    R(PROTECTED, standby_down, FENCING)          \
    R(PROTECTED, active_off, STOPPING)           \
    R(PROTECTED, member_rebooted, REBOOTING)     \
    R(PROTECTED, hang_suspected, SUSPECT)        \
    R(PROTECTED, not_protected, UNPROTECTED)     \
    R(PROTECTED, switch_asked, SWITCHING)        \
    R(SUSPECT, stop_asked, STOPPING)             \
    R(SUSPECT, active_down, FENCING)             \
    R(SUSPECT, standby_down, FENCING)            \
    R(SUSPECT, active_off, STOPPING)             \
    R(SUSPECT, member_rebooted, REBOOTING)       \
    R(SUSPECT, hang_unconfirmed, UNPROTECTED)    \
    R(SWITCHING, switch_refused, PROTECTED)      \
    R(UNPROTECTED, stop_asked, STOPPING)         \
    R(UNPROTECTED, active_down, FENCING)         \
    R(UNPROTECTED, standby_down, FENCING)        \
    R(UNPROTECTED, active_off, STOPPING)         \
    R(UNPROTECTED, member_rebooted, REBOOTING)   \
    R(UNPROTECTED, recover_asked, REBUILDING)    \
    R(UNPROTECTED, protected_again, PROTECTED)   \
    R(FENCING, fenced_for_heir, MOVING)          \
    R(FENCING, fenced_no_heir, RESTARTING)       \
    R(FENCING, fenced_standby, REBUILDING)       \
    R(FENCING, fence_unconfirmed, FAILED)        \
    R(MOVING, stop_asked, STOPPING)              \
    R(MOVING, heir_down, FENCING)                \
    R(MOVING, minimum_committed, STARTING)       \
    R(MOVING, move_stuck, FAILED)                \
    R(STARTING, stop_asked, STOPPING)            \
    R(STARTING, heir_down, FENCING)              \
    R(STARTING, jobs_started, REBUILDING)        \
    R(REBUILDING, stop_asked, STOPPING)          \
    R(REBUILDING, active_down, FENCING)          \
    R(REBUILDING, active_off, STOPPING)          \
    R(REBUILDING, member_rebooted, REBOOTING)    \
    R(REBUILDING, standby_ready, PROTECTED)      \
    R(REBUILDING, standby_given_up, UNPROTECTED) \
    R(REBUILDING, ready_overdue, UNPROTECTED)    \
    R(REBOOTING, stop_asked, STOPPING)           \
    R(REBOOTING, active_down, FENCING)           \
    R(REBOOTING, standby_down, FENCING)          \
    R(REBOOTING, active_off, STOPPING)           \
    R(REBOOTING, both_ready, PROTECTED)          \
    R(REBOOTING, ready_overdue, UNPROTECTED)     \
    R(REBOOTING, active_given_up, FAILED)        \
    R(REBOOTING, standby_given_up, UNPROTECTED)  \
    R(RESTARTING, stop_asked, STOPPING)          \
    R(RESTARTING, active_off, STOPPING)          \
    R(RESTARTING, active_up, REBUILDING)         \
    R(RESTARTING, active_given_up, FAILED)       \
    R(STOPPING, both_gone, STOPPED)              \
    R(RECOVERING, intent_worn_out, FAILED)       \
    R(RECOVERING, intent_open, FENCING)          \
    R(RECOVERING, was_stopped, STOPPED)          \
    R(RECOVERING, was_stopping, STOPPING)        \
    R(RECOVERING, was_failed, FAILED)            \
    R(RECOVERING, was_forming, FORMING)          \
    R(RECOVERING, was_restarting, RESTARTING)    \
    R(RECOVERING, was_rebooting, REBOOTING)      \
    R(RECOVERING, was_rebuilding, REBUILDING)    \
    R(RECOVERING, was_running, PROTECTED)        \
    R(FAILED, stop_asked, STOPPING)              \
    R(FAILED, recover_asked, RECOVERING)

struct pair_rule {
    enum pair_state from;
    enum pair_state to;
    bool (*trigger)(const struct pair *p, int64_t now_ns);
    const char *name; /* of the trigger */
};

/* All rows, in order; ends with a row whose trigger is NULL. */
extern const struct pair_rule pair_rules[];

/* What the row's trigger says to people. */
const char *pair_rule_text(const struct pair_rule *r);

/* The row to take now, or NULL. */
const struct pair_rule *pair_rule_match(const struct pair *p, int64_t now_ns);

#endif
