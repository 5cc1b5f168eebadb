/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pair at work: hands events to pair_step, stores what changed (in a takeover its intent; the
 * table follows), then carries out its actions and hands their results back as events. Decides
 * nothing. Used by host.c, guest.c, control.c.
 */
#ifndef XHS_XHSD_PAIR_RUN_H
#define XHS_XHSD_PAIR_RUN_H

#include "core/audit.h"
#include "core/pair.h"
#include "xen/hyp.h"
#include "xhsd/guest.h"
#include "xhsd/host.h"
#include "xhsd/persist.h"

struct runner;

/* What the adapters need of one member, beside core's facts. */
struct member_run {
    struct runner *r;
    int index;
    char *json;            /* libxl's configuration; owned */
    struct guest *guest;   /* NULL while there is no domain */
    struct hyp_hold *hold; /* the victim's last page, until it is cleaned up */
    uint64_t told_spare_kb; /* what the guest was told that its OS can spare; UINT64_MAX: nothing */
    struct lasting differs[AUDIT_KINDS];
};

struct queued_event;

struct runner {
    struct runner *next;
    struct host *host;
    struct pair pair;
    struct member_run m[MEMBERS];
    struct evloop_timer *tick;
    int64_t tick_at; /* when it is set to; 0: it is not */
    uint64_t rank;   /* pair_rank, and the one after it by that; both of the last look */
    struct runner *turn;
    struct stored *stored; /* what xenstore holds of it */
    uint64_t stored_version;
    uint64_t stored_kb; /* what its table in there adds up to */
    uint64_t told_epoch;
    struct queued_event *first, *last; /* events that came while one was being carried out */
    unsigned held; /* > 0: events are queued, not worked off */
    bool unsettled;           /* see host_settle */
    bool writing;             /* what differed is on its way to xenstore */
    bool remove_when_stopped; /* see host_remove */
};

/* json: one text a member, taken over (freed with the runner). */
struct runner *runner_new(struct host *h, const struct pair *p, char *const json[MEMBERS]);
void runner_free(struct runner *r);

/* Texts that ev points to are copied. May be called from within an action. */
void runner_event(struct runner *r, const struct pair_event *ev);

/* Between these, events only queue up: whoever makes several from one thing that the work on the
 * first could free (a guest's keys, say) stands on firm ground. They nest. */
void runner_hold(struct runner *r);
void runner_release(struct runner *r);

void runner_ask(struct runner *r, enum pair_ask ask);

/* Step with what the hypervisor shows: doms[n] of all domains, or n < 0: it could not be asked. */
void runner_look(struct runner *r, const struct hyp_dom *doms, int n);

/* All that can be told from its intent is stored, and told. */
void runner_settle(struct runner *r);

/* After a restart: listen to the guests that are there. */
void runner_adopt(struct runner *r);

#endif
