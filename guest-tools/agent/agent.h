/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xhs-agent: what its parts share. One process, one poll(2) loop, no thread of its own.
 * Not an interface for others: a program that takes part itself uses libxhsguest.
 * Included by the agent's .c files that do I/O; the decisions (jobs.h) know nothing of it.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ask.h"
#include "cgroup.h"
#include "jobs.h"
#include "proto.h"
#include "reqs.h"
#include "xhsguest.h"

#define AGENT_CLIENTS_MAX 16
#define AGENT_PATH_MAX 512

/* A request of dom0's that stands and cannot be answered yet. */
struct pending {
    uint64_t id;
    struct msg_req req;
    bool granted;     /* a start: its run grant was there when dom0 last changed something */
    bool fresh;       /* and read after whatever XHSG_CHANGED will tell of */
    uint64_t look_ns; /* a start: when the memory that it waits for may have come */
};

/* One xhs-job on the socket. */
struct client {
    int fd; /* -1: free */
    enum { CLIENT_READING, CLIENT_WAITS_RUN, CLIENT_WAITS_STOP } phase;
    char job[MSG_NAME_MAX + 1]; /* of the wait */
    size_t len;
    char in[PROTO_LINE_MAX];
};

struct agent {
    const char *jobs_dir; /* NAME.job */
    const char *run_dir;  /* agent.sock, lock, job/NAME */
    const char *log_dir;  /* NAME.log */
    const char *peak_dir; /* NAME.peak */
    char state_dir[AGENT_PATH_MAX];
    char cgroup_base[CGROUP_PATH_MAX];

    struct xhsg *g;
    bool member_known;
    bool foreign;     /* dom0 speaks a format that this agent does not: do nothing for it */
    struct job *jobs; /* owned; in order of their names at the start */
    struct pending pending[REQS_MAX];
    unsigned n_pending;

    int listen_fd;
    struct client clients[AGENT_CLIENTS_MAX];

    struct msg_memory seen; /* the memory at the last look */
    struct msg_memory told; /* what dom0 knows of it, and since when */
    uint64_t told_ns;
    uint64_t sample_ns; /* next look at the memory and the areas */
    uint64_t raise_ns;  /* next look at areas whose memory is still arriving */
    uint64_t spare_kb;  /* what dom0 says can be split off; 0: it has not said */
    bool spare_known;   /* and that is not out of date */
    bool spare_said;
};

uint64_t agent_now_ns(void);

/* act.c: carry decisions out */
struct job *agent_find_job(struct agent *a, const char *name);
struct job *agent_add_job(struct agent *a, const char *name); /* or find it; NULL: no memory */
void agent_drop_job(struct agent *a, struct job *j);          /* frees it; it must not be active */
struct job_result agent_act(struct agent *a, struct job *j, struct job_result r);
void agent_unprepare(struct agent *a, struct job *j); /* a start that will not be */
void agent_reap(struct agent *a);       /* SIGCHLD */
void agent_check_jobs(struct agent *a); /* some cgroup may have emptied */
void agent_tick_jobs(struct agent *a, uint64_t now_ns);
void agent_republish(struct agent *a); /* what xenstore refused before */
void agent_publish_figures(struct agent *a, struct job *j); /* no new state: no log, nothing kept */

/* ready.c: shells that wait for the word */
void agent_set_environment(const struct job *j);
const char *agent_log_path(char buf[AGENT_PATH_MAX], const struct agent *a, const struct job *j);
void agent_keep_ready(struct agent *a, uint64_t now_ns);
int agent_stand_ready(struct agent *a, struct job *j, struct xhs_error *e);
int agent_say_word(struct job *j, struct xhs_error *e); /* it is j->pid then */
void agent_drop_ready(struct job *j);
void agent_reap_ready(struct agent *a, pid_t pid);

/* look.c: what is measured */
void agent_look(struct agent *a, uint64_t now_ns);
void agent_look_anew(struct agent *a); /* for one who asks now */
void agent_look_at_job(struct agent *a, struct job *j);     /* into j->usage */
bool agent_look_at_request(struct agent *a, struct job *j); /* true: its line asks otherwise now */
struct ask_facts agent_ask_facts(struct agent *a);
void agent_watch_area(struct agent *a, struct job *j); /* it was just started or taken over */
void agent_thaw(struct agent *a, struct job *j); /* it stood still for want of memory */
void agent_raise_areas(struct agent *a, uint64_t now_ns);
unsigned agent_arriving(const struct agent *a); /* jobs that run while their memory still comes */

/* load.c: definitions, and what an earlier agent left */
struct job_result agent_load_definition(struct agent *a, struct job *j, bool first);
void agent_load(struct agent *a);
void agent_reload(struct agent *a); /* SIGHUP: starts nothing, stops nothing */

/* requests.c: dom0 */
void agent_look_at_member(struct agent *a);
int agent_next_requests(struct agent *a); /* -1: the connection is lost */
void agent_settle_requests(struct agent *a);
uint64_t agent_arrival_ns(const struct agent *a); /* UINT64_MAX: no start waits for memory */

/* sock.c: xhs-job */
int agent_sock_open(struct agent *a, struct xhs_error *e);
void agent_sock_close(struct agent *a);
void agent_sock_accept(struct agent *a);
void agent_sock_read(struct agent *a, struct client *c);
void agent_settle_clients(struct agent *a);
bool agent_sock_send(struct client *c, const char *text, size_t len);

/* explain.c: the lines before the last one. -1: there are none, or the client does not read. */
int agent_explain(struct agent *a, struct client *c, const struct proto_request *r,
                  struct xhs_error *e);

#endif
