/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit at work: see audits.h. */
#include "xhsd/audits.h"

#include <stdio.h>
#include <string.h>

#include "xhsd/host.h"
#include "xhsd/log.h"
#include "xhsd/pair_run.h"

#define PATIENCE_NS (10 * INT64_C(1000000000)) /* memory that moves differs for a while */

/* Claims of members count as theirs: what they claimed, they are about to have. */
static uint64_t members_claims_kb(const struct host *h)
{
    uint64_t kb = 0;

    for (const struct runner *r = h->pairs; r; r = r->next) {
        for (int i = 0; i < h->ndoms; i++) {
            for (int k = 0; k < MEMBERS; k++) {
                if ((int64_t)h->doms[i].domid == r->pair.m[k].domid)
                    kb += h->doms[i].outstanding_kb;
            }
        }
    }
    return kb;
}

static bool host_differs(struct host *h, char text[AUDIT_TEXT])
{
    uint64_t free_kb, claimed_kb, missing_kb = 0, ours = members_claims_kb(h);

    if (hyp_memory(h->hyp, &free_kb, &claimed_kb, NULL) != 0)
        return false;
    for (const struct runner *r = h->pairs; r; r = r->next)
        missing_kb += audit_missing_kb(&r->pair);
    return audit_host(&h->pool, free_kb, claimed_kb > ours ? claimed_kb - ours : 0, missing_kb,
                      text);
}

void audits_now(struct host *h, const struct runner *pair, audits_say *say, void *arg)
{
    char text[AUDIT_TEXT];

    for (const struct runner *r = h->pairs; r; r = r->next) {
        for (int i = 0; i < MEMBERS * AUDIT_KINDS && (!pair || pair == r); i++) {
            if (audit_member(&r->pair, i / AUDIT_KINDS, (enum audit_kind)(i % AUDIT_KINDS), text))
                say(arg, text);
        }
    }
    if (host_differs(h, text))
        say(arg, text);
}

static void note(struct host *h, const char *pair, struct lasting *l, bool differs,
                 const char *text)
{
    int64_t now = evloop_now(h->loop);

    if (!differs) {
        if (l->said)
            events_say(h->events, EVENT_INFO, pair, "audit: what differed agrees again");
        *l = (struct lasting){ 0 };
        return;
    }
    if (!l->since_ns)
        l->since_ns = now;
    if (l->said || now - l->since_ns < PATIENCE_NS)
        return;
    l->said = true;
    events_say(h->events, EVENT_ALERT, pair, "audit: %s", text);
}

void audits_watch(struct host *h)
{
    char text[AUDIT_TEXT];

    for (struct runner *r = h->pairs; r; r = r->next) {
        for (int i = 0; i < MEMBERS; i++) {
            for (int k = 0; k < AUDIT_KINDS; k++) {
                bool differs = audit_member(&r->pair, i, (enum audit_kind)k, text) &&
                               !r->pair.m[i].keeps; /* that was said already */
                note(h, r->pair.name, &r->m[i].differs[k], differs, text);
            }
        }
    }
    bool differs = host_differs(h, text);
    note(h, NULL, &h->differs, differs, text);
}
