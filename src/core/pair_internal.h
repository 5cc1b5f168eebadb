/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the pair's state machine share. Not for others: pair.h is.
 * pair_absorb.c takes events in, pair.c changes state, pair_rules.c asks the questions,
 * pair_takeover.c does the work of a takeover, pair_memory.c sets balloon targets, pair_jobs.c
 * grants and follows jobs, pair_request.c finds them memory.
 */
#ifndef XHS_CORE_PAIR_INTERNAL_H
#define XHS_CORE_PAIR_INTERNAL_H

#include "core/pair.h"

#define MIB(kb) ((unsigned long long)(kb) / 1024)
#define MIB_UP(kb) (((unsigned long long)(kb) + 1023) / 1024)

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

#define FENCE_RETRY_NS (50 * MS)
#define FENCE_LIMIT_NS (10 * SECOND)  /* then the pair fails: nothing may be handed over */
#define MOVE_STEP_NS (10 * MS)        /* between two looks at memory that moves */
#define FOLLOW_STEP_NS (40 * MS)      /* and when no job waits for it any more */
#define GROW_STEP_NS (30 * MS)        /* and when no takeover waits for it */
#define MOVE_LIMIT_NS (10 * SECOND)   /* without any progress */
#define NUDGE_NS (2 * SECOND)         /* an order that is not followed is given again */
#define BALLOON_NUDGES 2              /* then the guest is asked to set its target itself */
#define SCARCE_NS (8 * SECOND)        /* without any progress: jobs that fit start, others fail */
#define START_FIRST_NS (500 * MS)     /* so long destroy and growth wait for jobs that can start */
#define URGENT_NS (2 * SECOND)        /* after a fence: its jobs' start before others' growth */
#define FREE_LIMIT_NS (5 * SECOND)    /* a destroy that takes longer is said */
#define SETTLE_STEP_NS (100 * MS)
#define BOOT_LIMIT_NS (180 * SECOND)  /* from unpause to the agent's first word */
#define CLEAN_RETRY_NS SECOND
#define BUILD_RETRY_NS SECOND         /* times the tries so far */
#define INTENT_TRIES 3
#define KEEPS_NS (10 * SECOND)        /* a guest that has not given memory back by then refuses */

/* pair_rules.c */
bool member_down(const struct member *m); /* dead, and not by its owner's or xhs's will */
bool member_rebooted_itself(const struct member *m);
bool member_up(const struct member *m);   /* runs, and its agent has spoken */
bool member_given_up(const struct member *m, int64_t now_ns);
bool member_settled(const struct pair *p, int member);
bool member_needs_fence(const struct pair *p, int member);
bool all_fenced(const struct pair *p);
bool heir_usable(const struct pair *p);
bool committed(const struct pair *p); /* of the takeover under way: the heir is the active now */
uint64_t transit_kb(const struct pair *p);
uint64_t rest_kb(const struct pair *p, int heir); /* all but what the heir had, and what it owes */
uint64_t hot_jobs_kb(const struct pair *p, int member); /* areas of hot-standby jobs */
/* Of the member's live hot-standby jobs, the one an heir can best do without; -1: it has none. */
int least_job(const struct pair *p, int member);
/* Of the jobs on their way, the one to start first after that one (-1: of all); -1: none. */
int next_job(const struct pair *p, int after);
uint64_t needs_kb(const struct pair *p, int job); /* one on its way, to start */
uint64_t started_kb(const struct pair *p); /* the least for the heir and its jobs that started */
uint64_t start_kb(const struct pair *p);   /* ... and the next job */
uint64_t minimum_kb(const struct pair *p); /* ... and all that are on their way */
bool member_has_its_own(const struct pair *p, int member);

static inline int other_member(int member)
{
    return 1 - member;
}

/* pair_absorb.c */
void absorb(struct pair *p, const struct pair_event *ev, int64_t now_ns, struct pair_actions *out);

/* pair.c */
void pair_changed(struct pair *p);
struct pair_action *act(struct pair_actions *out, enum pair_action_type type, int member);
void report(struct pair_actions *out, enum pair_report event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void mark(struct pair_actions *out, const char *step); /* the event just reported */
void start_op(struct pair *p, int member, enum member_op op, uint64_t kb, int64_t now_ns,
              struct pair_actions *out);
void renew(struct pair *p, int member);
void upkeep(struct pair *p, int member, bool build, int64_t now_ns, struct pair_actions *out);

/* pair_takeover.c: what to do on entering a state, and while in it */
void enter_fencing(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out);
void during_fencing(struct pair *p, int64_t now_ns, struct pair_actions *out);
void enter_moving(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out);
void during_moving(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out);
void enter_starting(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out);
void during_starting(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out);
void ungrant_starts(struct pair *p, struct pair_actions *out); /* of hot-standby jobs */
void give_up_move(struct pair *p, struct pool *pool, struct pair_actions *out);
void enter_restarting(struct pair *p, struct pool *pool, struct pair_actions *out);
void finish_move(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out);
void stamp(struct pair *p, enum pair_phase phase, int64_t now_ns, struct pair_actions *out);
void free_victim(struct pair *p, const struct pool *pool, int64_t now_ns,
                 struct pair_actions *out);
void watch_destroys(struct pair *p, int64_t now_ns, struct pair_actions *out);
/* A request to the heir, which may be answered already (id 0), is not needed any more. */
void withdraw(struct pair *p, uint64_t *id, struct pair_actions *out);

/* pair_memory.c */
void regulate_memory(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out);
void note_memory(struct pair *p, int64_t now_ns, struct pair_actions *out);
const char *tried(const struct pair *p, char *buf, size_t size); /* to make the heir grow */

/* pair_jobs.c */
void absorb_job(struct pair *p, const struct pair_event *ev, struct pair_actions *out);
void absorb_job_reply(struct pair *p, const struct pair_event *ev, struct pair_actions *out);
void follow_jobs(struct pair *p, struct pool *pool, bool grant, int64_t now_ns,
                 struct pair_actions *out);
void grant_job(struct pair *p, struct job *j, int member, struct pool *pool, int64_t now_ns,
               struct pair_actions *out);
void ask_start(struct pair *p, struct job *j, int64_t now_ns, struct pair_actions *out);
void set_job(struct pair *p, struct job *j, enum job_state state, const char *reason,
             struct pair_actions *out);
void end_job(struct pair *p, struct job *j, enum job_state state, const char *reason,
             struct pair_actions *out);
void merge_areas(struct pair *p);
void drop_reports(struct pair *p, int member);
void halt_jobs(struct pair *p, int member, enum job_state state, struct pair_actions *out);

/* pair_request.c */
void follow_waiting(struct pair *p, struct pool *pool, struct job *j, bool grant, int64_t now_ns,
                    struct pair_actions *out);
void follow_rest(const struct pair *p, struct job *j, int64_t now_ns);
void deny_job(struct pair *p, struct pool *pool, struct job *j, int member, uint64_t kb,
              const char *reason, struct pair_actions *out);
void forget_denial(struct job *j, struct pair_actions *out);
void release_area(struct pair *p, struct job *j, struct pair_actions *out);
bool may_grant(const struct pair *p); /* in this state */
void tidy_queue(struct pair *p, struct pool *pool);
void take_back(struct pair *p, struct pool *pool, int64_t now_ns, struct pair_actions *out);

#endif
