/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: see events.h. */
#include "xhsd/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xhsd/log.h"

struct events {
    struct event ring[EVENTS_KEPT];
    uint64_t next; /* seq of the next event; the first is 1 */
    event_fn *fn;
    void *arg;
};

static const char *const type_words[] = {
    [EVENT_STATE] = "state",   [EVENT_PHASE] = "phase", [EVENT_JOB] = "job",
    [EVENT_MEMBER] = "member", [EVENT_ALERT] = "alert", [EVENT_INFO] = "info",
};

struct events *events_new(event_fn *fn, void *arg)
{
    struct events *ev = calloc(1, sizeof *ev);

    if (!ev)
        abort();
    ev->next = 1;
    ev->fn = fn;
    ev->arg = arg;
    return ev;
}

void events_free(struct events *ev)
{
    free(ev);
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void log_event(const struct event *e)
{
    int priority = e->type == EVENT_ALERT ? LOG_WARNING : LOG_INFO;
    const char *pair = e->pair[0] ? e->pair : "host";

    if (e->type == EVENT_STATE)
        xlog(priority, "%s: %s -> %s: %s", pair, pair_state_word(e->from),
             pair_state_word(e->to), e->text);
    else if (e->type == EVENT_PHASE)
        xlog(priority, "%s: %s done after %.1f ms (%s)", pair, pair_phase_word(e->phase),
             (double)e->phase_ns / 1e6, e->text);
    else
        xlog(priority, "%s: %s", pair, e->text);
}

void events_add(struct events *ev, struct event *e)
{
    e->seq = ev->next++;
    e->real_ns = clock_ns(CLOCK_REALTIME);
    e->mono_ns = clock_ns(CLOCK_MONOTONIC);
    ev->ring[e->seq % EVENTS_KEPT] = *e;
    log_event(e);
    ev->fn(ev->arg, e);
}

void events_say(struct events *ev, enum event_type type, const char *pair, const char *fmt, ...)
{
    struct event e = { .type = type };
    va_list ap;

    snprintf(e.pair, sizeof e.pair, "%s", pair ? pair : "");
    va_start(ap, fmt);
    vsnprintf(e.text, sizeof e.text, fmt, ap);
    va_end(ap);
    events_add(ev, &e);
}

void event_json(const struct event *e, const char *key, struct jout *j)
{
    time_t sec = (time_t)(e->real_ns / INT64_C(1000000000));
    char day[32], when[48];
    struct tm tm;

    gmtime_r(&sec, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(when, sizeof when, "%s.%03dZ", day, (int)(e->real_ns / 1000000 % 1000));

    jout_object(j, key);
    jout_u64(j, "seq", e->seq);
    jout_str(j, "time", when);
    jout_ms(j, "mono_ms", e->mono_ns);
    jout_str(j, "pair", e->pair[0] ? e->pair : NULL);
    jout_str(j, "type", type_words[e->type]);
    if (e->type == EVENT_STATE) {
        jout_str(j, "from", pair_state_word(e->from));
        jout_str(j, "to", pair_state_word(e->to));
    } else if (e->type == EVENT_PHASE) {
        jout_str(j, "phase", pair_phase_word(e->phase));
        jout_ms(j, "ms", e->phase_ns);
    }
    jout_str(j, "text", e->text);
    jout_end_object(j);
}

void events_json(struct events *ev, const char *pair, struct jout *j)
{
    uint64_t seq = ev->next > EVENTS_KEPT ? ev->next - EVENTS_KEPT : 1;

    jout_array(j, "events");
    for (; seq < ev->next; seq++) {
        const struct event *e = &ev->ring[seq % EVENTS_KEPT];
        if (!pair || strcmp(pair, e->pair) == 0)
            event_json(e, NULL, j);
    }
    jout_end_array(j);
}
