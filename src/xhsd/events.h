/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened, for people and scripts: the last 1000 events, and a call for each new one.
 * Not the log (log.h), though every event is logged as well. Used by host.c, pair_run.c, control.c.
 */
#ifndef XHS_XHSD_EVENTS_H
#define XHS_XHSD_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pair.h"
#include "wire/json.h"

#define EVENTS_KEPT 1000

enum event_type {
    EVENT_STATE,
    EVENT_PHASE,
    EVENT_JOB,
    EVENT_MEMBER,
    EVENT_ALERT,
    EVENT_INFO,
};

struct event {
    uint64_t seq;
    int64_t real_ns; /* CLOCK_REALTIME */
    int64_t mono_ns;
    enum event_type type;
    char pair[MSG_NAME_MAX + 1]; /* "" for the host's own */
    char text[240];
    enum pair_state from, to; /* EVENT_STATE */
    enum pair_phase phase;    /* EVENT_PHASE */
    int64_t phase_ns;         /* since detection */
};

struct events;
typedef void event_fn(void *arg, const struct event *e);

struct events *events_new(event_fn *fn, void *arg);
void events_free(struct events *ev);

/* seq and times are filled in. */
void events_add(struct events *ev, struct event *e);

/* An event without a state or phase. */
void events_say(struct events *ev, enum event_type type, const char *pair, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The kept ones of this pair (NULL: of all), oldest first, as an array "events". */
void events_json(struct events *ev, const char *pair, struct jout *j);
void event_json(const struct event *e, const char *key, struct jout *j);

#endif
