/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxhsguest: how a guest takes part in xhs. It tells dom0 of its jobs and hears dom0's requests.
 * It runs nothing and decides nothing: what to do with a request is the caller's business.
 * Called by xhs-agent, and by a program that takes part without the agent (never both in one
 * domain: each would answer the other's requests).
 *
 * Sizes are in KiB. Functions return 0, or -1 with *e filled in (e may be NULL); an error already
 * in *e stays, so clear it before a call whose error matters. Its code says what to do:
 *   XHS_E_NOENT     there is no such key (yet)
 *   XHS_E_PROTOCOL  dom0 wrote something that this version does not understand
 *   XHS_E_XEN       xenstore said no, or is lost: close, and open again
 *   XHS_E_SYSTEM    the guest's own kernel said no
 * Calls block for a round trip to xenstored. One thread at a time may use a connection, and none
 * survives a fork: the child must not touch it.
 */
#ifndef XHSGUEST_H
#define XHSGUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/msg.h"

#ifdef __cplusplus
extern "C" {
#endif

struct xhsg; /* a connection: one xenstore connection and one watch */

/* Connect, and begin to watch for requests. libxenstore starts a thread here that takes no
 * signals. *out is the caller's, for xhsg_close. */
int xhsg_open(struct xhsg **out, struct xhs_error *e);
void xhsg_close(struct xhsg *g); /* NULL is fine; the keys stay as they are */

/* This boot's id, as it goes into replies. Lives as long as g. */
const char *xhsg_boot_id(const struct xhsg *g);

struct xhsg_member {
    uint64_t format; /* the protocol dom0 speaks; this library speaks XHS_FORMAT */
    char pair[MSG_NAME_MAX + 1];
    char member; /* 'a' or 'b' */
};

/* Which pair's member this domain is. NOENT: of none, or dom0 has not said so yet. */
int xhsg_member(struct xhsg *g, struct xhsg_member *out, struct xhs_error *e);

/* What this domain's OS owns beyond what it must keep and its jobs' areas, as dom0 counts: a new
 * job's area of at most that can be split off. NOENT: dom0 has not said; take it for 0. */
int xhsg_spare(struct xhsg *g, uint64_t *kb, struct xhs_error *e);

/* Say that an agent of this version is at work here, since this boot. Publish the jobs first: who
 * sees the version may rely on them. xhsg_withdraw takes it back, for an orderly end. */
int xhsg_announce(struct xhsg *g, struct xhs_error *e);
int xhsg_withdraw(struct xhsg *g, struct xhs_error *e);

int xhsg_put_memory(struct xhsg *g, const struct msg_memory *m, struct xhs_error *e);

/* A job's whole state, in one key. name: msg_valid_name. */
int xhsg_put_job(struct xhsg *g, const char *name, const struct msg_job *m, struct xhs_error *e);
int xhsg_drop_job(struct xhsg *g, const char *name, struct xhs_error *e); /* absent is fine */

/* Names of the jobs published now, by whichever process. One block: free(). NULL on error. */
char **xhsg_list_jobs(struct xhsg *g, unsigned *n, struct xhs_error *e);

enum xhsg_what {
    XHSG_REQUEST, /* a new request: carry it out and reply, once */
    XHSG_GONE,    /* dom0 took a request back, or has its reply: nothing is to be done for it */
    XHSG_CHANGED, /* something below xhs/ changed: check the run grants of what runs again */
};

struct xhsg_event {
    enum xhsg_what what;
    uint64_t id;        /* REQUEST, GONE */
    struct msg_req req; /* REQUEST */
};

/* Readable when there may be an event: then call xhsg_next until it returns 0. */
int xhsg_fd(const struct xhsg *g);

/* 1: *ev is the next event. 0: there is none for now. Requests come once each and in the order of
 * their ids, also those that stood before xhsg_open and have no reply yet. One that cannot be
 * understood is answered by the library itself. At most 64 stand at a time; more wait. */
int xhsg_next(struct xhsg *g, struct xhsg_event *ev, struct xhs_error *e);

/* Does dom0's run grant for this job carry this request's id? 1: yes. 0: no. -1: cannot tell. A job
 * may start only on a 1, and has to stop on a 0. */
int xhsg_granted(struct xhsg *g, const char *job, uint64_t id, struct xhs_error *e);

/* Answer a request that stands, after xhsg_put_job for its job. text: for people, cut to
 * MSG_TEXT_MAX; "" for none. */
int xhsg_reply(struct xhsg *g, uint64_t id, bool ok, const char *text, struct xhs_error *e);

#ifdef __cplusplus
}
#endif

#endif
