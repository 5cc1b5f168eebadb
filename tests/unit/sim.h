/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small world for one pair under a virtual clock: hypervisor, toolstack, two guests with agents,
 * and a daemon that can die at any moment and comes back with what it had stored.
 * Not a Xen host (tests/fake is one). Used by test_pair.c, test_pair_rules.c, test_pair_random.c.
 */
#ifndef XHS_TESTS_UNIT_SIM_H
#define XHS_TESTS_UNIT_SIM_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/pair.h"

#define SIM_HOT 2 /* of them, hot-standby */
#define SIM_JOBS 4
#define SIM_REQS 16
#define SIM_MS INT64_C(1000000)
#define SIM_SECOND (1000 * SIM_MS)
#define SIM_MINUTE (60 * SIM_SECOND)
#define SIM_NEVER INT64_MAX
#define MIB_KB UINT64_C(1024)

extern const char *const sim_job_name[SIM_JOBS]; /* MiB: web 128, 64 to start; db 256; log 48;
                                                  * big 200, 40 to start */

/* A job as its guest's agent has it, and the run grant that dom0 wrote into that guest's keys. */
struct sim_job {
    bool defined, told; /* told: the daemon knows this line */
    struct msg_job line;
    uint64_t grant;
    int64_t stop_ns; /* stopping: when its processes are gone */
    bool called_plain; /* hot-standby, and its guest said once that it is not */
    bool plain; /* executed as what it was called: one more job of that name, and no copy */
};

/* A request in a guest's keys, with the reply once there is one. */
struct sim_req {
    uint64_t id; /* 0: free */
    enum msg_op op;
    int job; /* -1: of none */
    uint64_t kb, need_kb;
    int64_t due_ns;
    bool answered, told;
    bool plain; /* see sim_job */
    struct msg_reply reply;
};

struct sim_dom {
    bool there;
    int64_t domid;
    bool shutdown, dying, paused;
    bool fenced; /* by a fence action, or destroyed: nothing in it runs again */
    int reason;
    uint64_t tot_kb, max_kb, target_kb;
    uint64_t own_target_kb; /* set by its own agent */
    uint64_t backed_kb; /* claimed for it: it can grow to this */
    uint64_t fenced_kb; /* what it had when it was fenced */
    uint64_t boot_kb;
    int64_t agent_ns;   /* when its agent comes up */
    bool agent, told;   /* told: the daemon knows boot id and memory */
    bool mute; /* its agent hangs: no answers, no news */
    char boot_id[MSG_BOOT_ID_LEN + 1];
    struct sim_job job[SIM_JOBS];
    struct sim_req req[SIM_REQS];
};

struct sim_op {
    enum member_op op;
    int64_t born_ns; /* create: when EV_BORN is due; SIM_NEVER: told */
    int64_t due_ns;
    uint64_t kb;
    bool fail;
};

/* Probabilities in percent, 0 by default. */
struct sim_faults {
    unsigned op_fail[5]; /* indexed by enum member_op */
    unsigned late;       /* an operation takes ten times as long */
    unsigned lost_reply, lost_req;
    unsigned start_fails;
    unsigned no_agent; /* a domain comes up without one */
    unsigned blind;    /* a look is UNKNOWN */
};

/* What persist.c keeps; the rest of a pair is lost with the daemon. */
struct sim_stored {
    enum pair_state state;
    char reason[200];
    uint64_t epoch, version, next_request;
    int64_t domid[MEMBERS];
    struct rmt rmt;
    unsigned jobs;
    struct {
        char key[RMT_KEY_MAX + 1];
        enum job_state state;
        int owner;
        uint64_t min_kb, request;
        uint64_t granted; /* the run grant that it has on the heir, by the intent; 0: none */
    } job[RMT_JOBS_MAX];
    struct intent intent;
    int active;
};

struct sim {
    struct pair_config cfg;
    struct pair pair;
    struct pool pool;
    struct pair_actions out;
    struct sim_stored stored;
    struct sim_faults faults;
    int64_t now_ns;
    uint64_t host_kb;  /* for pairs, reserve and what is unused; */
    uint64_t whole_kb; /* when no other toolstack has taken of it */
    int64_t next_domid;
    struct sim_dom dom[MEMBERS];
    struct sim_op op[MEMBERS];
    int64_t stranger[MEMBERS]; /* a domain of the same uuid that xhs did not make; -1: none */
    bool attached[MEMBERS];    /* the daemon listens to this guest's keys */
    uint64_t short_kb[MEMBERS]; /* an EV_ORDERED to tell of; UINT64_MAX: none */
    bool defines[MEMBERS][SIM_JOBS]; /* what is installed in the members' images */
    uint64_t priority[SIM_JOBS];     /* ... in both */
    bool balloon_stuck[MEMBERS];
    bool balloon_deaf[MEMBERS]; /* it follows only what its agent sets */
    bool free_hangs[MEMBERS];   /* a destroy frees nothing, and is not over */
    int64_t urgent_until_ns;    /* jobs of another pair wait until then */
    bool no_build[MEMBERS]; /* every build fails */
    bool down;              /* the daemon */
    int64_t up_ns, sweep_ns, look_ns;
    int64_t settle_ns; /* what changed is stored then; SIM_NEVER: it is */
    uint64_t seed, world; /* world: the seed it began with */
    unsigned long steps;    /* events the pair was given */
    unsigned runs[SIM_JOBS]; /* how often a guest executed the job */
    uint64_t last_run[MEMBERS + 1][SIM_JOBS]; /* under which request; [MEMBERS]: of both */
    unsigned fences, alerts, asks, revokes, takeovers, deaths, lies;
    unsigned balloons, left_out; /* targets set by agents; jobs that did not fit */
    unsigned kill_action;   /* the daemon dies before it carries out the n-th action from now */
    bool trace;             /* actions go to stderr; from the environment: XHS_SIM_TRACE */
    char alert[240];        /* the last one */
    /* After a step, and what must be stored of it was, before its actions are carried out. */
    void (*on_step)(struct sim *s, const struct pair_event *ev);
};

/* A stopped pair: 1024 and 160 MiB, reserve 128. Both members define job web. */
void sim_init(struct sim *s, uint64_t seed);
/* The pair and the pool by s->cfg, after a change of it. */
void sim_new_pair(struct sim *s);
/* The same, created and protected, web running on a. */
void sim_protected(struct sim *s, uint64_t seed);

/* What has an heir is to be carried out, and stored; before that there was at most a fence. */
bool sim_intent_stored(const struct sim *s);
/* All is stored, or it is a takeover, of which the intent is enough. */
bool sim_may_act(const struct sim *s);

unsigned sim_random(struct sim *s, unsigned n); /* 0 .. n - 1 */
bool sim_chance(struct sim *s, unsigned percent);

void sim_feed(struct sim *s, const struct pair_event *ev);
void sim_look(struct sim *s);
void sim_ask(struct sim *s, enum pair_ask ask);

/* The next thing that is due happens, and the clock goes there. */
void sim_next(struct sim *s);
void sim_run(struct sim *s, int64_t ns);
/* Until the predicate holds; false when it does not within ns. */
bool sim_until(struct sim *s, bool (*until)(const struct sim *s), int64_t ns);
bool sim_until_state(struct sim *s, enum pair_state state, int64_t ns);

/* The domain ends with this reason (enum pair_shutdown); look: dom0 notices at once. */
void sim_shutdown(struct sim *s, int member, int reason);
void sim_destroy(struct sim *s, int member); /* by others */
void sim_daemon_dies(struct sim *s, int64_t back_after_ns);

/* The guest's agent writes the job's line. */
void sim_job_line(struct sim *s, int member, int job, enum msg_job_state state);
bool sim_job_active(const struct sim_job *j);
bool sim_job_copy(const struct sim_job *j); /* active, and the pair's hot-standby job */
/* How many copies of the job could be executing: dead is only what is fenced, gone or stopped. */
unsigned sim_copies(const struct sim *s, int job);
struct job *sim_job(struct sim *s, int job, int member); /* member: whose, of a plain one */
int sim_runner(const struct sim *s, int job); /* the member whose guest runs it, or MEMBER_NONE */
uint64_t sim_nominal_kb(const struct sim *s); /* of both members, without granted areas */

/* ---- sim_xen.c, for sim.c ---- */

void sim_advance(struct sim *s, int64_t to_ns);
void sim_begin_op(struct sim *s, int member, enum member_op op, uint64_t kb);
void sim_born(struct sim *s, int member);
void sim_done(struct sim *s, int member);
void sim_order_memory(struct sim *s, int member, uint64_t kb);
void sim_body_gone(struct sim_dom *d);
bool sim_hangs(const struct sim *s, int member); /* its operation does not come to an end */

/* ---- sim_guest.c, for sim.c ---- */

bool sim_dom_runs(const struct sim_dom *d);
void sim_guest_boots(struct sim *s, int member);
/* dom0 writes or removes keys of the guest: ask, forget, revoke. */
void sim_guest_told(struct sim *s, const struct pair_action *a);
/* Listen to the guests of all members that have a domain. */
void sim_attach(struct sim *s);
int64_t sim_guests_due(const struct sim *s);
bool sim_guests_next(struct sim *s);

#endif
