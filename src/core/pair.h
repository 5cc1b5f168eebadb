/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of domUs and every decision about it: events go in, actions come out. No I/O, no clock,
 * no Xen: now_ns is CLOCK_MONOTONIC, handed in. pair_run.c carries the actions out and feeds their
 * results back as events. Decisions rest on facts (what the hypervisor shows, what the guests say),
 * never on what an action was supposed to do, so a restarted daemon decides the same.
 * Used by xhsd (host.c, pair_run.c) and by the tests.
 */
#ifndef XHS_CORE_PAIR_H
#define XHS_CORE_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/job.h"
#include "core/msg.h"
#include "core/pool.h"
#include "core/rmt.h"

#define PAIR_STATES(S)            \
    S(STOPPED, "stopped")         \
    S(FORMING, "forming")         \
    S(PROTECTED, "protected")     \
    S(SUSPECT, "suspect")         \
    S(FENCING, "fencing")         \
    S(MOVING, "moving")           \
    S(STARTING, "starting")       \
    S(UNPROTECTED, "unprotected") \
    S(REBUILDING, "rebuilding")   \
    S(REBOOTING, "rebooting")     \
    S(RESTARTING, "restarting")   \
    S(SWITCHING, "switching")     \
    S(STOPPING, "stopping")       \
    S(RECOVERING, "recovering")   \
    S(FAILED, "failed")

enum pair_state {
#define S(id, word) PAIR_##id,
    PAIR_STATES(S)
#undef S
    PAIR_STATE_COUNT,
};

/* A takeover's phases, in order. Each is stamped when it ends. */
#define PAIR_PHASES(P)                                                           \
    P(DETECT, "detect") /* the fault is known here: 0 of the timeline */         \
    P(FENCE, "fence")   /* the hypervisor confirms that the victim is dead */    \
    P(PLAN, "plan")     /* the table says what moves; the reserve is allotted */ \
    P(MOVE, "move")     /* the heir has what the first job needs to start */     \
    P(COMMIT, "commit") /* the jobs' areas have their new owner */               \
    P(START, "start")   /* the jobs run */                                       \
    P(MEMORY, "memory") /* all memory has arrived */                             \
    P(AFTER, "after")   /* protected again */

enum pair_phase {
#define P(id, word) PHASE_##id,
    PAIR_PHASES(P)
#undef P
    PHASE_COUNT,
};

/* What the hypervisor shows of one member. UNKNOWN: it could not be asked; never read as ABSENT. */
enum look_at { LOOK_UNKNOWN, LOOK_ABSENT, LOOK_THERE };

struct look {
    enum look_at at;
    int64_t domid;
    bool shutdown, dying, paused;
    int reason; /* of a shutdown: enum pair_shutdown */
    uint64_t tot_kb, max_kb;
};

/* xen/sched.h's SHUTDOWN_* */
enum pair_shutdown {
    SHUT_POWEROFF,
    SHUT_REBOOT,
    SHUT_SUSPEND,
    SHUT_CRASH,
    SHUT_WATCHDOG,
    SHUT_SOFT_RESET,
};

/* At most one of these is under way for a member. */
#define MEMBER_OPS(O)    \
    O(NONE, "none")      \
    O(FENCE, "fence")    \
    O(FREE, "free")      /* raw destroy: memory back early */ \
    O(CLEAN, "clean-up") /* libxl's destroy */ \
    O(CREATE, "create")

enum member_op {
#define O(id, word) OP_##id,
    MEMBER_OPS(O)
#undef O
};

#define MEMBER_TRIES 3 /* builds of a member in a row before xhs gives up on it */

struct member {
    char name[128];
    uint8_t uuid[16];
    int64_t domid; /* of the domain xhs made, until it is cleaned up; -1: none */
    struct look look;
    bool fresh; /* look is of this step: older ones do for nothing that hands memory on */
    enum member_op op;
    int64_t op_ns; /* when it began */
    bool slow;     /* a destroy that takes too long; said once */
    bool leaving; /* xhs itself takes it down: its end is no fault */
    bool fenced;  /* the hypervisor confirmed that domid cannot run again */
    bool freed;   /* and its memory is back */
    bool off;     /* its owner powered it off: not to be built until asked */
    bool suspended;
    bool stranger; /* a domain xhs did not make has its uuid */
    bool agent;
    char boot_id[MSG_BOOT_ID_LEN + 1];
    uint64_t boot_kb;   /* it was built with; 0: by an earlier daemon */
    uint64_t kernel_kb; /* of that, what MemTotal never showed */
    uint64_t floor_kb;  /* with less it would not live, as its agent tells; 0: not told */
    uint64_t target_kb; /* balloon target ordered last; 0: none since it was built */
    int64_t ordered_ns; /* and when */
    bool nudged;        /* the order was a page less, to wake a balloon that has backed off */
    int64_t returning_ns; /* since when it owes memory that it gave up; 0: it owes none */
    bool keeps;         /* ... for too long; said once */
    bool usurps;        /* it said that it runs what it was not granted; said once */
    unsigned tries;     /* builds since it last was up */
    int64_t retry_ns;   /* no operation before */
    int64_t built_ns;
    char error[200]; /* of the last operation that failed */
};

/* What a takeover set out to do, kept in xenstore until it is done. */
struct intent {
    uint64_t id; /* 0: none open */
    unsigned tries; /* daemon restarts that found it open */
    int victim;
    int heir; /* MEMBER_NONE: nobody takes over */
    uint64_t loan_kb;
};

struct timeline {
    uint64_t request;
    int victim, heir;
    bool done;
    int64_t at_ns[PHASE_COUNT]; /* 0: not reached */
};

enum pair_ask {
    ASK_NOTHING,
    ASK_START,
    ASK_STOP,
    ASK_RECOVER,
    ASK_SWITCH,
};

struct pair {
    char name[MSG_NAME_MAX + 1];
    struct pair_config cfg;
    enum pair_state state;
    enum pair_state resume; /* recovering: the state that was stored */
    char reason[200];       /* why it is unprotected or failed */
    const char *trigger;    /* of the last transition */
    int active;             /* the member with the role; a takeover's commit changes it */
    uint64_t epoch;
    uint64_t version; /* +1 at every change of what is stored; pair_run saves before it acts */
    struct member m[MEMBERS];
    struct rmt rmt;
    struct job job[RMT_JOBS_MAX];
    unsigned jobs;
    bool crowded; /* a job was ignored for want of room; said once */
    struct intent intent;
    struct timeline takeover; /* the last one */
    unsigned takeovers;

    enum pair_ask ask;         /* not answered yet */
    int suspect;               /* the member that may hang; MEMBER_NONE */
    uint64_t victim_had_kb;    /* pages of the victim when it was fenced */
    uint64_t heir_had_kb;      /* what the heir owned when the move began */
    uint64_t victim_left_kb;   /* what a destroy had not freed yet, at the last look */
    uint64_t progress_kb;      /* the heir's pages when they last grew, and when that was */
    int64_t progress_ns;
    int64_t stepped_ns;        /* the last event */
    unsigned nudges;           /* targets since then that it was given again */
    uint64_t balloon_id;       /* outstanding request to set its target itself; 0: none */
    int64_t entered_ns;        /* this state */
    int64_t fault_ns;          /* when the fault under way was noticed */
    int64_t tick_ns;           /* wanted next; INT64_MAX: none */
};

/* ---- events ---- */

enum pair_event_type {
    EV_LOOK,   /* look[]: both members, as the hypervisor shows them; also when time has passed */
    EV_BORN,   /* member, domid: built, not yet unpaused */
    EV_DONE,   /* member, op, ok, text: an operation is over */
    EV_ORDERED, /* member, memory_kb: the host could not back more of an ACT_MEMORY than this */
    EV_AGENT,  /* member, domid, boot_id; "" when the agent's keys are gone */
    EV_MEMORY, /* member, domid, memory */
    EV_JOB,    /* member, domid, job, report; report NULL: the key is gone */
    EV_REPLY,  /* member, domid, request, reply */
    EV_HANG,   /* member: its heartbeat is stale and its kernel does not answer */
    EV_POOL,   /* the pool has changed: one who asks may be served */
    EV_ASK,    /* ask */
};

struct pair_event {
    enum pair_event_type type;
    int member;
    uint32_t domid;
    struct look look[MEMBERS];
    enum member_op op;
    bool ok;
    const char *text;
    const char *boot_id;
    uint64_t memory_kb;
    struct msg_memory memory;
    const char *job;
    const struct msg_job *report;
    uint64_t request;
    struct msg_reply reply;
    enum pair_ask ask;
};

/* ---- actions ---- */

enum pair_action_type {
    ACT_FENCE,  /* member; answer: EV_DONE, ok only when the hypervisor confirms */
    ACT_FREE,   /* member: raw destroy; EV_DONE */
    ACT_CLEAN,  /* member: libxl's destroy; EV_DONE */
    ACT_CREATE, /* member, kb to boot with; EV_BORN, then EV_DONE */
    ACT_MEMORY, /* member, kb: max pages, claim where it grows, balloon target */
    ACT_ASK,    /* member, request, op, job, kb, deny: text: a request to the guest; start: with its
                 * run grant */
    ACT_FORGET, /* member, request: it is answered */
    ACT_REVOKE, /* member, job: take the run grant back */
    ACT_EVENT,  /* event, text: for the log and for xhs events; mark: a step, where tests stop */
};

enum pair_report { REPORT_STATE, REPORT_PHASE, REPORT_JOB, REPORT_MEMBER, REPORT_ALERT };

struct pair_action {
    enum pair_action_type type;
    int member;
    uint64_t kb;
    uint64_t need_kb; /* of a start: what the domain has to have before */
    uint64_t request;
    enum msg_op op;
    char job[MSG_NAME_MAX + 1];
    enum pair_report event;
    enum pair_state from, to; /* REPORT_STATE */
    enum pair_phase phase;    /* REPORT_PHASE */
    int64_t phase_ns;         /* since detection */
    const char *mark;
    char text[240];
};

#define PAIR_ACTIONS_MAX 128

struct pair_actions {
    struct pair_action act[PAIR_ACTIONS_MAX];
    unsigned n;
    bool overflow; /* an action did not fit: a bug, which the tests look for */
};

/* ---- functions ---- */

/* A new pair, stopped, with nothing built. uuid and name of the members as their files say. */
void pair_init(struct pair *p, const struct pair_config *pc, const char *const name[MEMBERS],
               const uint8_t uuid[MEMBERS][16]);

/* After pair_init and after putting back what was stored: look around, then go on. */
void pair_recover(struct pair *p, enum pair_state stored);

/* One event. Actions are appended to out (cleared first). */
void pair_step(struct pair *p, struct pool *pool, const struct pair_event *ev, int64_t now_ns,
               struct pair_actions *out);

/* Memory that waits, unowned by any domain, for a member to be built again. KiB. */
uint64_t pair_waiting_kb(const struct pair *p);

/* What the reserve lends to a standby that has to boot with more than it owns, until it has shrunk.
 * KiB. */
uint64_t pair_borrowed_kb(const struct pair *p);

/* What the reserve has lent to a takeover whose heir was not yet told to take it. KiB. */
uint64_t pair_undrawn_kb(const struct pair *p);

/* What the member has to boot with. KiB. */
uint64_t pair_boot_kb(const struct pair *p, int member);

/* The hypervisor shows it alive. */
bool pair_member_runs(const struct member *m);

/* What the member shall have: what it owns, and what is on its way to it. KiB. */
uint64_t pair_goal_kb(const struct pair *p, int member);

/* 1 + the highest priority of its hot-standby jobs that run, or are on their way; 0: none is. */
uint64_t pair_rank(const struct pair *p);

/* Until when its jobs, which wait for what they need to start, come before what others' heirs are
 * to get beyond that; 0: none waits. */
int64_t pair_urgent_until_ns(const struct pair *p);

/* While memory moves, what the takeover set out to do is stored before it is done, and the rest
 * after it. */
bool pair_hurries(const struct pair *p);

/* key: of job.h */
struct job *pair_job(struct pair *p, const char *key);

const char *pair_state_word(enum pair_state s);
bool pair_state_parse(const char *word, enum pair_state *out);
const char *pair_phase_word(enum pair_phase p);
bool pair_phase_parse(const char *word, enum pair_phase *out);
const char *pair_op_word(enum member_op op);

#endif
